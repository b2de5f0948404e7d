@area:scheduling @profile:scheduling
Feature: How a pod gets its node
  The scheduler watches for pods without a node, chooses one, and writes the choice into the pod through the API server. That is all it
  does: the node learns of it by its own watch.

  @id:SCHED-01 @must @role:scheduler @needs:hold @needs:requests
  Rule: The scheduler MUST wait for new pods by watching

    Scenario: pods arrive
      Given a cluster with 1 node
      When "alice" creates a pod "web"
      And the pod "web" has been bound
      Then the scheduler was told of the pod "web" by its watch before it bound it

    Scenario: the scheduler's subscriptions are silent for a while
      Given a cluster with 1 node
      And the watch streams of the scheduler are held
      When "alice" creates a pod "web"
      Then the scheduler does nothing about "web" while the streams are held
      When the streams are released
      Then the pod "web" becomes running

    Scenario: no pods arrive for a while
      Given a cluster with 1 node
      When "alice" creates a pod "web"
      And the pod "web" has become running
      Then the scheduler reads nothing again while nothing changes

    @needs:kill
    Scenario: a pod waits for a node, and the watches have broken
      Given a cluster without nodes
      When "alice" creates a pod "web"
      And the API server is killed and started again
      And every component has asked the API server again
      Then the scheduler reads nothing again while nothing changes

  @id:SCHED-02 @must @role:scheduler @profile:observable
  Rule: Each new pod without a node MUST be given one as soon as there is one that fits

    Scenario: many pods arrive at once
      Given a cluster with 2 nodes
      When "alice" creates 6 pods
      Then each of them was bound exactly once

    Scenario: a pod comes again under its old name
      Given a cluster with 1 node
      When "alice" creates a pod "web"
      And the pod "web" has become running
      And "alice" deletes one pod of "web"
      And "alice" creates a pod "web"
      Then the pod "web" becomes running

    @needs:runtime
    Scenario Outline: a pod of some other shape arrives
      Given a cluster with 1 node
      When "alice" creates a pod "web" <shape>
      Then the pod "web" becomes running

      Examples: shapes
        | shape                                             |
        | with 2 containers                                 |
        | with two init containers that are told what to do |
        | that is started again after errors                |
        | that is not started again                         |

    Scenario: the node comes after the pod
      Given a cluster without nodes
      When "alice" creates a pod "web"
      Then the pod "web" is stored and stays unbound
      When node "node-1" joins
      Then the pod "web" becomes running

    Scenario: namesakes of two namespaces wait for a node
      Given a cluster without nodes
      And a namespace "harbour" exists
      When "alice" creates a pod "web" in the namespace "harbour"
      And "alice" creates a pod "web"
      Then the pods of "web" are stored and stay unbound
      When node "node-1" joins
      Then the pods of "web" become running

    Scenario: a pod waits at a gate
      Given a cluster with 1 node
      When "alice" creates a pod "web" that waits at a gate
      And "alice" creates a pod "next"
      And the pod "next" has been bound
      And the gate of the pod "web" is removed
      Then the pod "web" becomes running

    @needs:admission
    Scenario: admission lets nobody bind a pod for a while
      Given a cluster with 1 node
      And the hooks see every write
      And the scheduler is stopped
      When "alice" creates a pod "web" that takes most of a node
      And admission refuses pods named "web"
      And the scheduler is started again
      Then the pod "web" is stored and stays unbound
      When admission refuses nothing any more
      Then the pod "web" becomes running

    @needs:admission @needs:kill
    Scenario: admission lets nobody bind one of two pods for a while
      Given a cluster with 1 node
      And the hooks see every write
      And the scheduler is stopped
      When "alice" creates a pod "first"
      And admission refuses pods named "first"
      And the scheduler is started again
      And "alice" creates a pod "next"
      Then the pod "next" becomes running
      When admission refuses nothing any more
      Then the pod "first" becomes running

    @needs:runtime
    Scenario: the node is full until a pod goes
      Given a cluster with 1 node
      When "alice" creates a pod "large" that takes most of a node
      And the pod "large" has been bound
      And "alice" creates a pod "web" that takes most of a node
      Then the pod "web" is stored and stays unbound
      When "alice" deletes one pod of "large"
      Then the pod "web" becomes running

    @needs:runtime
    Scenario: the node is full until a pod goes, and one that fits nowhere has waited longer
      Given a cluster with 1 node
      When "alice" creates a pod "large" that takes most of a node
      And the pod "large" has been bound
      And "alice" creates a pod "wide" that asks for a labelled node
      Then the pod "wide" is stored and stays unbound
      When "alice" creates a pod "web" that takes most of a node
      Then the pod "web" is stored and stays unbound
      When "alice" deletes one pod of "large"
      Then the pod "web" becomes running

    @needs:runtime
    Scenario: no node has room for all containers of a pod
      Given a cluster with 1 node
      When "alice" creates a pod "wide" with 2 containers that takes most of a node
      Then the pod "wide" is stored and stays unbound
      When "alice" creates a pod "web" that takes most of a node
      Then the pod "web" becomes running

    @needs:runtime
    Scenario: the node is full of what somebody has put there, until it goes
      Given a cluster with 1 node
      When "alice" creates a pod "large" on node "node-1" that takes most of a node
      And the pod "large" has become running
      And "alice" creates a pod "web" that takes most of a node
      Then the pod "web" is stored and stays unbound
      When "alice" deletes one pod of "large"
      Then the pod "web" becomes running

    Scenario: each of three nodes is asked for
      Given a cluster with nodes "node-1", "node-2" and "node-3"
      When "alice" creates a pod "web" that asks for node "node-3"
      Then the pod "web" becomes running
      When "alice" creates a pod "next" that asks for node "node-1"
      Then the pod "next" becomes running
      When "alice" creates a pod "last" that asks for node "node-2"
      Then the pod "last" becomes running

    @needs:runtime
    Scenario: one of two nodes is full
      Given a cluster with nodes "node-1" and "node-2"
      When "alice" creates a pod "large" that takes most of a node
      And the pod "large" has been bound
      And "alice" creates a pod "web" that takes most of a node
      Then the pod "web" becomes running

    @needs:runtime
    Scenario: the node is full until the pod on it has ended
      Given a cluster with 1 node
      When "alice" creates a pod "large" that takes most of a node and is not started again
      And the pod "large" has become running
      And "alice" creates a pod "web" that takes most of a node
      And the containers of the pod "large" end
      Then the pod "web" becomes running

    @needs:runtime
    Scenario: one that fits nowhere does not hold up the others
      Given a cluster with 1 node
      When "alice" creates a pod "large" that takes most of a node
      And the pod "large" has been bound
      And "alice" creates a pod "wide" that takes most of a node
      And "alice" creates a pod "web"
      Then the pod "web" becomes running

    Scenario: a pod that waits is replaced by a namesake
      Given a cluster with 1 node
      When "alice" creates a pod "web" that asks for a labelled node
      Then the pod "web" is stored and stays unbound
      When "alice" deletes the pod "web"
      And "alice" creates a pod "web"
      Then the pod "web" becomes running

    Scenario: the node that a pod asks for is closed for a while
      Given a cluster with nodes "node-1" and "node-2"
      And node "node-2" is cordoned
      When "alice" creates a pod "web" that asks for node "node-2"
      Then the pod "web" is stored and stays unbound
      When every node is uncordoned
      Then the pod "web" becomes running

    @needs:kill
    Scenario: a node is gone, and comes again under its name
      Given a cluster with 1 node
      And the kubelet of "node-1" is stopped
      When "alice" deletes the node "node-1"
      And the kubelet of "node-1" is started again
      And "alice" creates a pod "web"
      Then the pod "web" becomes running

    @needs:kill
    Scenario: pods have come while the scheduler was away
      Given a cluster with 1 node
      And the scheduler is stopped
      When "alice" creates a pod "web"
      And the scheduler is started again
      Then the pod "web" becomes running

    @needs:kill
    Scenario: the node comes while the scheduler is away
      Given a cluster without nodes
      When "alice" creates a pod "web"
      Then the pod "web" is stored and stays unbound
      When the scheduler is stopped
      And node "node-1" joins
      And the scheduler is started again
      Then the pod "web" becomes running

    Scenario: the node is closed for a while
      Given a cluster with nodes "node-1" and "node-2"
      And every node is cordoned
      When "alice" creates a pod "web"
      Then the pod "web" is stored and stays unbound
      When every node is uncordoned
      Then the pod "web" becomes running

    @needs:kill
    Scenario: one of two nodes is gone
      Given a cluster with nodes "node-1" and "node-2"
      And the kubelet of "node-1" is stopped
      When "alice" deletes the node "node-1"
      And "alice" creates a deployment "web" with 4 replicas
      Then the pods of "web" become running

    Scenario: the node gets its label after the pod has come
      Given a cluster with nodes "node-1" and "node-2"
      When "alice" creates a pod "web" that asks for a labelled node
      Then the pod "web" is stored and stays unbound
      When "alice" changes the node "node-1"
      And "alice" changes the node "node-2"
      And "alice" changes the node "node-1"
      And "alice" changes the labels of the node "node-2"
      Then the pod "web" becomes running

    @needs:runtime
    Scenario: a pod of the system arrives
      Given a cluster with 1 node
      When "alice" creates a pod "web" in the namespace "kube-system"
      Then the pod "web" becomes running

  @id:SCHED-03 @must @role:scheduler
  Rule: Pods that have a node MUST be left alone

    @needs:requests
    Scenario: a pod names its node itself
      Given a cluster with 2 nodes
      When "alice" creates a pod "web" on node "node-2"
      And the pod "web" has become running
      And "alice" creates a pod "next"
      And the pod "next" has been bound
      Then the scheduler asked for a binding of "next" and for none of "web"

    @needs:requests
    Scenario: a pod names a node that does not exist
      Given a cluster with 1 node
      When "alice" creates a pod "web" on node "nowhere"
      And "alice" creates a pod "next"
      And the pod "next" has been bound
      Then the scheduler asked for a binding of "next" and for none of "web"

    @needs:requests
    Scenario: pods have been put on a node that is too small for them
      Given a cluster with 1 node
      When "alice" creates a pod "large" on node "node-1" that takes most of a node
      And "alice" creates a pod "web" on node "node-1" that takes most of a node
      And "alice" creates a pod "next"
      And the pod "next" has been bound
      Then the scheduler asked for a binding of "next" and for none of "web"

    @needs:requests @needs:kill
    Scenario: the pod's node is gone
      Given a cluster with nodes "node-1" and "node-2"
      When "alice" creates a pod "web" on node "node-1"
      And the pod "web" has become running
      And the kubelet of "node-1" is stopped
      And "alice" deletes the node "node-1"
      And "alice" creates a pod "next"
      And the pod "next" has been bound
      Then the scheduler asked for a binding of "next" and for none of "web"

    @needs:requests
    Scenario: a node joins that nobody is on
      Given a cluster with 1 node
      When "alice" creates a pod "web" on node "node-1"
      And the pod "web" has become running
      And node "node-2" joins
      And "alice" creates a pod "next"
      And the pod "next" has been bound
      Then the scheduler asked for a binding of "next" and for none of "web"

    @needs:requests @needs:kill
    Scenario: the scheduler begins anew
      Given a cluster with 1 node
      When "alice" creates a pod "web" on node "node-1"
      And the pod "web" has become running
      And the scheduler is killed and started again
      And "alice" creates a pod "next"
      And the pod "next" has been bound
      Then the scheduler asked for a binding of "next" and for none of "web"

    @needs:requests @needs:kill
    Scenario: the pod's node is closed for a while, and then the API server is away
      Given a cluster with 1 node
      When "alice" creates a pod "web" on node "node-1"
      And the pod "web" has become running
      And every node is cordoned
      And every node is uncordoned
      And the API server is killed and started again
      And every component has asked the API server again
      And "alice" creates a pod "next"
      And the pod "next" has been bound
      Then the scheduler asked for a binding of "next" and for none of "web"

    @needs:requests
    Scenario: the pod's node is closed, and another one has room
      Given a cluster with nodes "node-1" and "node-2"
      When "alice" creates a pod "web" on node "node-1"
      And the pod "web" has become running
      And node "node-1" is cordoned
      And "alice" creates a pod "next"
      And the pod "next" has been bound
      Then the scheduler asked for a binding of "next" and for none of "web"

    @needs:requests @needs:runtime
    Scenario: the pod has ended, and its node is full of others
      Given a cluster with 1 node
      When "alice" creates a pod "large" on node "node-1" that takes most of a node and is not started again
      And the pod "large" has become running
      And the containers of the pod "large" end
      And "alice" creates a pod "next" that takes most of a node
      And the pod "next" has been bound
      And "alice" creates a pod "wide" that takes most of a node
      Then the scheduler asked for a binding of "next" and for none of "large"

  @id:SCHED-04 @must @smoke @role:scheduler @role:kubelet
  Rule: The scheduler MUST NOT command nodes or kubelets

    Scenario: pods are scheduled and run, and some of them go
      Given a fresh cluster with 2 nodes
      When "alice" creates a deployment "web" with 4 replicas
      And the pods of "web" have become running
      And "alice" scales the deployment "web" to 1 replica
      And the pods of "web" have become running
      Then during all of this the scheduler never opened a connection to a kubelet

    @needs:kill
    Scenario: the scheduler has lost the API server
      Given a fresh cluster with 2 nodes
      When "alice" creates a deployment "web" with 2 replicas
      And the pods of "web" have become running
      And the API server is killed and started again
      And every component has asked the API server again
      Then during all of this the scheduler never opened a connection to a kubelet

    @needs:kill
    Scenario: the scheduler begins anew while nothing fits
      Given a fresh cluster with 2 nodes
      When "alice" creates a deployment "web" with 2 replicas
      And the pods of "web" have become running
      And every node is cordoned
      And "alice" creates a pod "next"
      And the scheduler is killed and started again
      Then the pod "next" is stored and stays unbound
      When every node is uncordoned
      And the pod "next" has been bound
      Then during all of this the scheduler never opened a connection to a kubelet

    @needs:hold @needs:requests @needs:runtime
    Scenario: the kubelet is not told by the API server
      Given a fresh cluster with 1 node
      And the watch streams of the kubelet of "node-1" are held
      When "alice" creates a pod "web"
      And the pod "web" has been bound
      Then the kubelet of "node-1" does nothing about "web" while the streams are held
      And during all of this the scheduler never opened a connection to a kubelet
      When the streams are released
      Then the pod "web" becomes running

  @id:SCHED-05 @must @smoke @role:scheduler @needs:requests @needs:store
  Rule: The scheduler MUST place a pod only by updating it through the API server

    Scenario: pods are placed, and some of them go
      Given a cluster with 2 nodes
      When "alice" creates a deployment "web" with 4 replicas
      And the pods of "web" have become running
      And "alice" scales the deployment "web" to 1 replica
      And the pods of "web" have become running
      Then each binding of a pod of "web" in the store belongs to exactly one accepted request of the scheduler
      And the scheduler wrote nothing but bindings, pod status, events, leases and reviews

  @id:SCHED-06 @must @role:apiserver @role:kubelet @needs:requests
  Rule: The API server MUST tell the kubelet of a pod's node, and the kubelet of no other node

    Scenario: pods are bound to two nodes
      Given a cluster with nodes "node-1" and "node-10"
      When "alice" creates a pod "left" on node "node-1"
      And "alice" creates a pod "right" on node "node-10"
      And the pod "left" has become running
      And the pod "right" has become running
      And "alice" deletes one pod of "left"
      Then the kubelet of "node-1" was told of "left" and not of "right"
      And the kubelet of "node-10" was told of "right" and not of "left"

    Scenario: pods are placed on two nodes
      Given a cluster with nodes "node-1" and "node-10"
      When "alice" creates a pod "left" that asks for node "node-1"
      And "alice" creates a pod "right" that asks for node "node-10"
      And the pod "left" has become running
      And the pod "right" has become running
      Then the kubelet of "node-1" was told of "left" and not of "right"
      And the kubelet of "node-10" was told of "right" and not of "left"

    @needs:kill
    Scenario: the kubelets have lost the API server
      Given a cluster with 2 nodes
      When "alice" creates a pod "left" on node "node-1"
      And "alice" creates a pod "right" on node "node-2"
      And the pod "left" has become running
      And the pod "right" has become running
      And the API server is killed and started again
      And every component has asked the API server again
      Then the kubelet of "node-1" was told of "left" and not of "right"
      And the kubelet of "node-2" was told of "right" and not of "left"
