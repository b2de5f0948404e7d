@area:controllers @profile:controllers
Feature: The chain of events from a deployment to running containers
  One POST sets off everything. The deployment controller makes a ReplicaSet, the ReplicaSet controller makes pods, the scheduler binds
  them, the kubelets run them: each reacts to what it sees through its own watch, and to nothing else.

  @id:CHAIN-02 @must @smoke @role:controller-manager @role:scheduler @role:kubelet @needs:store
  Rule: Deployment, ReplicaSet, pod, binding and running status MUST be stored in this order

    Scenario: two deployments are rolled out at once
      Given a cluster with 2 nodes
      When "alice" creates a deployment "web" with 3 replicas
      And "bob" creates a deployment "shop" with 2 replicas
      And the pods of "web" have become running
      And the pods of "shop" have become running
      Then the revisions of everything about "web" follow the chain of events
      And the revisions of everything about "shop" follow the chain of events

  @id:CHAIN-03 @must @smoke @role:apiserver @role:controller-manager @role:scheduler @role:kubelet @needs:requests @needs:store
  Rule: Each step of the chain MUST be done by the component whose job it is

    Scenario: a deployment is rolled out
      Given a cluster with 2 nodes
      When "alice" creates a deployment "web" with 3 replicas
      And the pods of "web" have become running
      Then each step about "web" was done by its own component

    Scenario: a deployment grows and loses a pod
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      When "alice" scales the deployment "web" to 4 replicas
      And the pods of "web" have become running
      And "alice" deletes one pod of "web"
      And the pods of "web" have become running
      Then each step about "web" was done by its own component

  @id:CHAIN-05 @must @role:controller-manager @role:scheduler @role:kubelet @needs:hold @needs:requests
  Rule: Components MUST NOT address each other but react to watch events only

    Scenario Outline: the watch streams of one component are held
      Given a cluster with 1 node
      And the watch streams of <component> are held
      When "alice" creates a deployment "web" with 2 replicas
      Then <component> does nothing about "web" while the streams are held
      When the streams are released
      Then the pods of "web" become running

      Examples: links of the chain
        | component               |
        | the controller manager  |
        | the scheduler           |
        | the kubelet of "node-1" |

    Scenario: a kubelet does not hear that a pod of its node is to go
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      And the watch streams of the kubelet of "node-1" are held
      When "alice" scales the deployment "web" to 1 replica
      Then the kubelet of "node-1" does nothing about "web" while the streams are held
      When the streams are released
      Then the pods of "web" become running
