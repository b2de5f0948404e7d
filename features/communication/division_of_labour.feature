@area:communication @profile:communication
Feature: Division of labour
  Etcd, API server, scheduler and controller manager each have a job that nobody else does, and workers run what they are given. Take one
  away and exactly its job is left undone; bring it back and the backlog is worked off.

  @id:ARCH-01 @must @role:apiserver
  Rule: The API MUST work without any worker

    Scenario: a pod is created before there is a node
      Given a cluster without nodes
      When "alice" creates a pod "web"
      Then the pod "web" is stored and stays unbound
      When node "node-1" joins
      Then the pod "web" becomes running

    Scenario: pods name nodes that are not there
      Given a cluster without nodes
      When "alice" creates a pod "named" on node "nowhere"
      Then "alice" is answered 201 with the whole pod
      When "alice" creates a pod "choosy" that asks for node "node-1"
      Then the pod "choosy" is stored and stays unbound
      When node "node-1" joins
      Then the pod "choosy" becomes running

    Scenario: a deployment comes, is read, is changed and goes before there is a node
      Given a cluster without nodes
      When "alice" creates a deployment "old" with 2 replicas
      Then "alice" can get deployments
      And "alice" can list pods
      And "alice" can patch deployments
      And "alice" can update deployments
      And "alice" can create services
      And "alice" can create pods
      And "alice" can deletecollection pods
      And "alice" can delete deployments

    @needs:kill
    Scenario: the last node has gone
      Given a cluster with 1 node
      And the kubelet of "node-1" is stopped
      When "alice" deletes the node "node-1"
      And "alice" creates a deployment "web" with 2 replicas
      Then "alice" is answered 201 with the whole deployment
      And "alice" can list nodes
      When "alice" creates a pod "solo"
      Then the pod "solo" is stored and stays unbound

  @id:ARCH-03 @must @role:apiserver @role:scheduler @role:controller-manager @role:kubelet
  Rule: Each of the four parts of the control plane MUST do its own job and nobody else's

    @needs:kill
    Scenario: the scheduler is missing
      Given a cluster with 1 node
      And the scheduler is stopped
      When "alice" creates a pod "solo"
      Then the pod "solo" is stored and stays unbound
      When "alice" creates a deployment "web" with 2 replicas
      Then the pods of "web" are stored and stay unbound
      When the scheduler is started again
      Then the pods of "web" become running

    @needs:kill
    Scenario: the controller manager is missing
      Given a cluster with 1 node
      And the controller manager is stopped
      When "alice" creates a deployment "web" with 2 replicas
      And "alice" creates a replicaset "shop" with 2 replicas
      Then nothing is made from the deployment "web" for a while
      And nothing is made from the replicaset "shop" for a while
      When the controller manager is started again
      Then the pods of "web" become running

    @needs:runtime
    Scenario Outline: a pod has done its work
      Given a cluster with 1 node
      When "alice" creates a pod "web" that is not started again
      And the pod "web" has become running
      And the containers of the pod "web" <end>
      Then exactly 1 pod of "web" is left

      Examples: ends
        | end      |
        | end      |
        | end well |

    Scenario: a node takes no new pods, and nobody clears it
      Given a cluster with nodes "node-1" and "node-2"
      And a pod "solo" is running
      When every node is cordoned
      And node "node-2" is uncordoned
      Then exactly 1 pod of "solo" is left

    @needs:kill
    Scenario: a ReplicaSet shrinks while the controller manager is missing
      Given a cluster with 1 node
      And a replicaset "web" with 2 replicas is running
      And the controller manager is stopped
      When "alice" scales the replicaset "web" to 1 replica
      Then exactly 2 pods of "web" are left
      When "alice" deletes one pod of "web"
      Then exactly 1 pod of "web" is left
      When the controller manager is started again
      Then exactly 1 pod of "web" is left

    @needs:kill
    Scenario: a ReplicaSet goes while the controller manager is missing
      Given a cluster with 1 node
      And a replicaset "web" with 2 replicas is running
      And the controller manager is stopped
      When "alice" deletes the replicaset "web"
      Then exactly 2 pods of "web" are left
      When the controller manager is started again
      Then exactly 0 pods of "web" are left

    @needs:kill @needs:store
    Scenario: the API server is missing
      Given a cluster with 1 node
      And the API server is stopped
      Then nothing in the store changes for a while
      When the API server is started again
      And "alice" creates a pod "web"
      Then the pod "web" becomes running

    @needs:pause
    Scenario: the store is missing
      Given a cluster with 1 node
      And etcd is paused
      When "alice" begins to create a pod
      Then "alice" is not told of success while etcd is paused
      When etcd is resumed
      And every component has asked the API server again
      And "bob" creates a pod "next"
      Then the pod "next" becomes running
