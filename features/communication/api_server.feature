@area:communication @profile:communication
Feature: Everybody talks to the API server
  Components do not know each other. Each one asks the API server and is told by it; what one does becomes visible to the others only as
  a change of an object. That is why any of them can be replaced.

  @id:COMM-01 @must @role:apiserver @role:scheduler @role:controller-manager @role:kubelet
  Rule: System components MUST talk to each other only through the API server

    Scenario: a deployment is rolled out
      Given a fresh cluster with 2 nodes
      When "alice" creates a deployment "web" with 3 replicas
      And the pods of "web" have become running
      And "alice" scales the deployment "web" to 1 replica
      And the pods of "web" have become running
      Then during all of this every connection went to or from the API server

    @needs:kill
    Scenario: the API server is away, and nobody knows whom else to ask
      Given a fresh cluster with 2 nodes
      When "alice" creates a deployment "web" with 3 replicas
      And the pods of "web" have become running
      And the API server is killed and started again
      And every component has asked the API server again
      Then during all of this every connection went to or from the API server

    @needs:cut @needs:hold
    Scenario: the controller manager alone is cut off from the API server
      Given a cluster with 2 nodes
      And a deployment "web" with 2 replicas is running
      When the controller manager is cut off from every API server
      Then during all of this every connection went to or from the API server

    @needs:replicas
    Scenario: several of a kind stand by
      Given a fresh cluster with 1 node, 3 schedulers and 3 controller managers
      When "alice" creates a deployment "web" with 3 replicas
      And the pods of "web" have become running
      Then during all of this every connection went to or from the API server

    @needs:hold @needs:requests
    Scenario: nobody hears from the API server for a while
      Given a cluster with 2 nodes
      And the watch streams of every component are held
      When "alice" creates a deployment "web" with 3 replicas
      Then no component does anything about "web" while the streams are held
      And during all of this every connection went to or from the API server
      When the streams are released
      Then the pods of "web" become running

  @id:COMM-02 @must @role:scheduler @role:controller-manager
  Rule: The scheduler and the controller manager MUST exchange nothing with each other

    Scenario: pods are created by one and bound by the other
      Given a fresh cluster with 2 nodes
      When "alice" creates a deployment "web" with 4 replicas
      And the pods of "web" have become running
      And "alice" scales the deployment "web" to 1 replica
      And the pods of "web" have become running
      Then during all of this no frame went between the scheduler and the controller manager

    @needs:kill
    Scenario: both have lost the API server
      Given a fresh cluster with 2 nodes
      When "alice" creates a deployment "web" with 2 replicas
      And the pods of "web" have become running
      And the API server is killed and started again
      And every component has asked the API server again
      Then during all of this no frame went between the scheduler and the controller manager

    @needs:hold @needs:requests
    Scenario: the scheduler does not hear of pods that the controller manager has made
      Given a cluster with 2 nodes
      And the watch streams of the scheduler are held
      When "alice" creates a deployment "web" with 3 replicas
      And the pods of "web" have been created
      Then the scheduler does nothing about "web" while the streams are held
      And during all of this no frame went between the scheduler and the controller manager
      When the streams are released
      Then the pods of "web" become running

  @id:COMM-03 @must @role:kubelet @role:scheduler @role:controller-manager
  Rule: Kubelets MUST exchange nothing with the scheduler or the controller manager

    Scenario: pods are scheduled to two nodes and run there
      Given a fresh cluster with 2 nodes
      When "alice" creates a deployment "web" with 3 replicas
      And the pods of "web" have become running
      And "alice" scales the deployment "web" to 1 replica
      And the pods of "web" have become running
      Then during all of this no frame went between the kubelets and the scheduler
      And during all of this no frame went between the kubelets and the controller manager

    @needs:kill
    Scenario: kubelets, scheduler and controller manager have lost the API server
      Given a fresh cluster with 2 nodes
      When "alice" creates a deployment "web" with 2 replicas
      And the pods of "web" have become running
      And the API server is killed and started again
      And every component has asked the API server again
      Then during all of this no frame went between the kubelets and the scheduler
      And during all of this no frame went between the kubelets and the controller manager

    @needs:cut @needs:hold
    Scenario: a kubelet alone is cut off from the API server
      Given a cluster with 2 nodes
      When the kubelet of "node-1" is cut off from every API server
      Then during all of this no frame went between the kubelets and the scheduler
      And during all of this no frame went between the kubelets and the controller manager

    @needs:kill
    Scenario: a kubelet is not heard of any more
      Given a fresh cluster with 2 nodes
      When "alice" creates a deployment "web" with 2 replicas
      And the pods of "web" have become running
      And the kubelet of "node-1" is killed
      And the kubelet of "node-2" is stopped
      Then during all of this no frame went between the kubelets and the scheduler
      And during all of this no frame went between the kubelets and the controller manager

    @needs:runtime
    Scenario: a pod takes its time to go
      Given a cluster with 2 nodes
      And a deployment "web" with 2 replicas is running
      And containers take their time to stop
      When "alice" scales the deployment "web" to 1 replica
      Then exactly 1 pod of "web" is left
      And during all of this no frame went between the kubelets and the scheduler
      And during all of this no frame went between the kubelets and the controller manager

    @needs:hold @needs:requests @needs:runtime
    Scenario: the kubelets do not hear of bindings that the scheduler has made
      Given a cluster with 2 nodes
      And the watch streams of every kubelet are held
      When "alice" creates a deployment "web" with 3 replicas
      And the pods of "web" have been bound
      Then every kubelet does nothing about "web" while the streams are held
      And during all of this no frame went between the kubelets and the scheduler
      And during all of this no frame went between the kubelets and the controller manager
      When the streams are released
      Then the pods of "web" become running

  @id:COMM-04 @must @role:kubelet
  Rule: Kubelets MUST NOT coordinate with each other

    Scenario: pods run on two nodes, and one is replaced
      Given a fresh cluster with 2 nodes
      When "alice" creates a deployment "web" with 4 replicas
      And the pods of "web" have become running
      And "alice" deletes one pod of "web"
      And the pods of "web" have become running
      Then during all of this no frame went between the kubelets

    @needs:runtime
    Scenario: one of them waits for its runtime, and the other one goes on
      Given a cluster with nodes "node-1" and "node-2"
      And containers on "node-1" take their time to start
      When "alice" creates a pod "left" on node "node-1"
      And "alice" creates a pod "right" on node "node-2"
      Then the pod "right" becomes running
      When "alice" creates a pod "next" on node "node-2"
      Then the pod "next" becomes running
      And during all of this no frame went between the kubelets

    @needs:kill
    Scenario: all of them have lost the API server
      Given a fresh cluster with 2 nodes
      When "alice" creates a deployment "web" with 2 replicas
      And the pods of "web" have become running
      And the API server is killed and started again
      And every component has asked the API server again
      Then during all of this no frame went between the kubelets

    @needs:cut @needs:hold
    Scenario: one of them alone is cut off from the API server
      Given a cluster with 2 nodes
      And a deployment "web" with 2 replicas is running
      When the kubelet of "node-1" is cut off from every API server
      Then during all of this no frame went between the kubelets
