@area:nodes @profile:nodes
Feature: What a kubelet does with pods
  A kubelet watches the API server for pods of its own node, makes the container runtime run them, and reports what has become of them.

  @id:NODE-01 @must @role:kubelet @needs:runtime
  Rule: A kubelet that sees a pod bound to its node MUST create and run its containers

    Scenario: a pod is bound
      Given a cluster with 1 node
      When "alice" creates a pod "web"
      Then the pod "web" becomes running
      And on "node-1" a sandbox, then each container of the pod "web" was created and started

    Scenario: a pod of several containers is bound
      Given a cluster with 1 node
      When "alice" creates a pod "web" with 2 containers
      Then the pod "web" becomes running
      And on "node-1" a sandbox, then each container of the pod "web" was created and started

    Scenario: a pod with init containers is bound
      Given a cluster with 1 node
      When "alice" creates a pod "web" with two init containers
      Then the pod "web" becomes running
      And on "node-1" a sandbox, then each container of the pod "web" was created and started

    Scenario: a pod comes whose containers are told what to do
      Given a cluster with 1 node
      When "alice" creates a pod "web" with 2 containers that are told what to do
      Then the pod "web" becomes running
      And on "node-1" a sandbox, then each container of the pod "web" was created and started

    Scenario: a pod of the system is bound
      Given a cluster with 1 node
      When "alice" creates a pod "web" in the namespace "kube-system"
      Then the pod "web" becomes running
      And on "node-1" a sandbox, then each container of the pod "web" was created and started

    Scenario: a namesake lives in another namespace
      Given a cluster with 1 node
      And a namespace "harbour" exists
      When "alice" creates a pod "web" in the namespace "harbour"
      And "alice" creates a pod "web"
      Then the pods of "web" become running

    Scenario: another pod takes its time to go
      Given a cluster with 1 node
      And a pod "old" is running
      And containers take their time to stop
      When "alice" deletes the pod "old"
      And "alice" creates a pod "web"
      Then the pod "web" becomes running

    Scenario Outline: containers end that are to run
      Given a cluster with 1 node
      When "alice" creates a pod "web" with 2 containers
      And the pod "web" has become running
      And <end>
      Then on "node-1" a sandbox, then each container of the pod "web" was created and started

      Examples: ends
        | end                                      |
        | the containers of the pod "web" end      |
        | the containers of the pod "web" end well |
        | one container of the pod "web" ends      |
        | the sandbox of the pod "web" ends        |

    @needs:requests @needs:store
    Scenario: a container fails that is to run until it ends well
      Given a cluster with 1 node
      When "alice" creates a pod "web" that is started again after errors
      And the pod "web" has become running
      And the containers of the pod "web" end
      Then each status of a pod of "web" in the store belongs to exactly one accepted request of its node's kubelet or of the scheduler
      And the pod "web" becomes running
      And on "node-1" a sandbox, then each container of the pod "web" was created and started

    @needs:requests @needs:store
    Scenario: one of two containers ends well that are to run until they do
      Given a cluster with 1 node
      When "alice" creates a pod "web" with 2 containers that is started again after errors
      And the pod "web" has become running
      And one container of the pod "web" ends well
      Then each status of a pod of "web" in the store belongs to exactly one accepted request of its node's kubelet or of the scheduler
      And on "node-1" a sandbox, then each container of the pod "web" was created and started

    Scenario Outline: the runtime cannot do something at first
      Given a cluster with 1 node
      And the runtime fails at first to <what>
      When "alice" creates a pod "web"
      Then the pod "web" becomes running
      And on "node-1" a sandbox, then each container of the pod "web" was created and started

      Examples: attempts
        | what               |
        | make a sandbox     |
        | pull an image      |
        | create a container |

    Scenario: the runtime cannot start a container at first
      Given a cluster with 1 node
      And the runtime fails at first to start a container
      When "alice" creates a pod "web"
      Then the pod "web" becomes running

    Scenario: an init container fails at first
      Given a cluster with 1 node
      And the runtime fails at first to finish an init container
      When "alice" creates a pod "web" with an init container
      Then the pod "web" becomes running
      And on "node-1" a sandbox, then each container of the pod "web" was created and started

    Scenario Outline: a running pod is marked
      Given a cluster with 1 node
      When "alice" creates a pod "web" on node "node-1"
      And the pod "web" has become running
      And "alice" changes the <marks> of the pod "web"
      And "alice" creates a pod "next" on node "node-1"
      Then the pod "next" becomes running
      And on "node-1" a sandbox, then each container of the pod "web" was created and started

      Examples: marks
        | marks       |
        | labels      |
        | annotations |

    Scenario: containers end again, and the one that goes before them has done its work
      Given a cluster with 1 node
      When "alice" creates a pod "web" with an init container that is told what to do
      And the pod "web" has become running
      And the containers of the pod "web" end
      Then on "node-1" a sandbox, then each container of the pod "web" was created and started
      When the containers of the pod "web" end
      Then on "node-1" a sandbox, then each container of the pod "web" was created and started

    Scenario: an init container fails that is not started again
      Given a cluster with 1 node
      And the runtime fails at first to finish an init container
      When "alice" creates a pod "web" with an init container that is not started again
      Then exactly 1 pod of "web" is left

    @needs:kill
    Scenario: containers end that the kubelet has started before it began anew
      Given a cluster with 1 node
      When "alice" creates a pod "web"
      And the pod "web" has become running
      And the kubelet of "node-1" is killed and started again
      And the containers of the pod "web" end
      Then on "node-1" a sandbox, then each container of the pod "web" was created and started

    @needs:kill
    Scenario: containers end while the kubelet is away
      Given a cluster with 1 node
      When "alice" creates a pod "web" with 2 containers
      And the pod "web" has become running
      And the kubelet of "node-1" is stopped
      And the containers of the pod "web" end
      And the kubelet of "node-1" is started again
      Then on "node-1" a sandbox, then each container of the pod "web" was created and started

    @needs:kill
    Scenario: the sandbox ends while the kubelet is away
      Given a cluster with 1 node
      When "alice" creates a pod "web"
      And the pod "web" has become running
      And the kubelet of "node-1" is stopped
      And the sandbox of the pod "web" ends
      And the kubelet of "node-1" is started again
      Then on "node-1" a sandbox, then each container of the pod "web" was created and started

    @needs:kill
    Scenario: a pod is born with its node while the kubelet is away
      Given a cluster with 1 node
      And the kubelet of "node-1" is stopped
      When "alice" creates a pod "web" on node "node-1"
      And the kubelet of "node-1" is started again
      Then the pod "web" becomes running
      And on "node-1" a sandbox, then each container of the pod "web" was created and started

    @needs:kill
    Scenario: the kubelet begins anew
      Given a cluster with 1 node
      When "alice" creates a pod "web" on node "node-1"
      And the pod "web" has become running
      And the kubelet of "node-1" is killed and started again
      And "alice" creates a pod "next" on node "node-1"
      Then the pod "next" becomes running
      And on "node-1" a sandbox, then each container of the pod "web" was created and started

    @needs:hold @needs:requests
    Scenario: the kubelet has not seen the binding
      Given a cluster with 1 node
      And the watch streams of the kubelet of "node-1" are held
      When "alice" creates a pod "web"
      And the pod "web" has been bound
      Then the kubelet of "node-1" does nothing about "web" while the streams are held
      When the streams are released
      Then the pod "web" becomes running

    Scenario: a pod comes again under its old name
      Given a cluster with 1 node
      When "alice" creates a pod "web"
      And the pod "web" has become running
      And "alice" deletes one pod of "web"
      And "alice" creates a pod "web"
      Then the pod "web" becomes running
      And on "node-1" a sandbox, then each container of the pod "web" was created and started

  @id:NODE-02 @must @role:kubelet @needs:runtime
  Rule: A kubelet MUST ignore pods that are not bound to its node

    Scenario: the other node's name begins with its own
      Given a cluster with nodes "node-1" and "node-10"
      When "alice" creates a pod "far" on node "node-10"
      And the pod "far" has become running
      And "alice" creates a pod "near" on node "node-1"
      And the pod "near" has become running
      And "alice" deletes one pod of "far"
      Then on "node-1" only the pod "near" was run
      And on "node-10" only the pod "far" was run

    Scenario: a pod is bound to no node
      Given a cluster with 1 node
      And the scheduler is stopped
      When "alice" creates a pod "adrift"
      And "alice" creates a pod "choosy" that asks for node "node-1"
      And "alice" creates a pod "near" on node "node-1"
      And the pod "near" has become running
      Then on "node-1" only the pod "near" was run

    @needs:kill
    Scenario: the other node falls silent
      Given a cluster with nodes "node-1" and "node-2"
      When "alice" creates a pod "far" on node "node-2"
      And the pod "far" has become running
      And the kubelet of "node-2" is killed
      And every node is cordoned
      And "alice" creates a pod "adrift"
      Then the pod "adrift" is stored and stays unbound
      When "alice" creates a pod "near" on node "node-1"
      And the pod "near" has become running
      Then on "node-1" only the pod "near" was run

  @id:NODE-04 @must @smoke @role:kubelet @needs:requests @needs:store
  Rule: What has become of a pod MUST be reported through the API server by the kubelet of its node

    Scenario: pods run on two nodes, and some of them go
      Given a cluster with 2 nodes
      When "alice" creates a deployment "web" with 4 replicas
      And the pods of "web" have become running
      And "alice" scales the deployment "web" to 2 replicas
      And the pods of "web" have become running
      Then each status of a pod of "web" in the store belongs to exactly one accepted request of its node's kubelet or of the scheduler

    @needs:runtime
    Scenario: the containers of a pod are started
      Given a cluster with 1 node
      When "alice" creates a pod "web" with 2 containers
      And the pod "web" has been bound
      Then each status of a pod of "web" in the store belongs to exactly one accepted request of its node's kubelet or of the scheduler

    @needs:runtime
    Scenario: containers go before others
      Given a cluster with 1 node
      When "alice" creates a pod "web" with two init containers
      And the pod "web" has become running
      Then each status of a pod of "web" in the store belongs to exactly one accepted request of its node's kubelet or of the scheduler

    @needs:runtime
    Scenario: the containers of a pod end
      Given a cluster with 1 node
      When "alice" creates a pod "web" with 2 containers
      And the pod "web" has become running
      And the containers of the pod "web" end
      Then each status of a pod of "web" in the store belongs to exactly one accepted request of its node's kubelet or of the scheduler

    @needs:runtime @needs:kill
    Scenario: the containers of a pod end for good while its kubelet is away
      Given a cluster with 1 node
      When "alice" creates a pod "web" that is not started again
      And the pod "web" has become running
      And the kubelet of "node-1" is stopped
      And the containers of the pod "web" end
      And the kubelet of "node-1" is started again
      Then each status of a pod of "web" in the store belongs to exactly one accepted request of its node's kubelet or of the scheduler

    @needs:runtime @needs:kill
    Scenario: the containers of a pod have ended before its kubelet begins anew
      Given a cluster with 1 node
      When "alice" creates a pod "web"
      And the pod "web" has become running
      And the containers of the pod "web" end
      Then on "node-1" a sandbox, then each container of the pod "web" was created and started
      When the kubelet of "node-1" is killed and started again
      And the containers of the pod "web" end
      Then each status of a pod of "web" in the store belongs to exactly one accepted request of its node's kubelet or of the scheduler

    @needs:runtime
    Scenario: one of two containers ends for good
      Given a cluster with 1 node
      When "alice" creates a pod "web" with 2 containers that is not started again
      And the pod "web" has become running
      And one container of the pod "web" ends
      Then each status of a pod of "web" in the store belongs to exactly one accepted request of its node's kubelet or of the scheduler

    @needs:runtime
    Scenario: one of two containers fails, and then the other one ends well
      Given a cluster with 1 node
      When "alice" creates a pod "web" with 2 containers that is not started again
      And the pod "web" has become running
      And one container of the pod "web" ends
      And the containers of the pod "web" end well
      Then each status of a pod of "web" in the store belongs to exactly one accepted request of its node's kubelet or of the scheduler

    @needs:runtime @needs:kill @needs:admission
    Scenario: admission lets nobody say farewell to a pod for a while
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      And the hooks see every write
      And the kubelet of "node-1" is stopped
      When "alice" scales the deployment "web" to 1 replica
      Then exactly 1 pod of "web" is left
      When admission refuses the deletion of pods of "web"
      And the kubelet of "node-1" is started again
      And admission refuses nothing any more
      Then the pods of "web" become running

    @needs:runtime @needs:hold @needs:admission @needs:requests
    Scenario: admission lets nobody report of a pod for a while
      Given a cluster with 1 node
      And the hooks see every write
      And the watch streams of the kubelet of "node-1" are held
      When "alice" creates a pod "web"
      And the pod "web" has been bound
      And admission refuses pods named "web"
      And the streams are released
      And admission refuses nothing any more
      Then the pod "web" becomes running

    @needs:runtime @needs:kill
    Scenario: the containers of a pod end for good while the API server is away
      Given a cluster with 1 node
      When "alice" creates a pod "web" that is not started again
      And the pod "web" has become running
      And the API server is stopped
      And the containers of the pod "web" end
      Then nothing in the store changes for a while
      When the API server is started again
      And every component has asked the API server again
      Then each status of a pod of "web" in the store belongs to exactly one accepted request of its node's kubelet or of the scheduler
