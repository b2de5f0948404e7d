@area:communication @profile:communication
Feature: Who opens the connections
  The API server waits to be asked. Components dial it, keep their watches open, and dial again when it has been away. Only a request that
  somebody makes (exec, attach, logs, port-forward) may send the API server to a kubelet.

  @id:COMM-07 @must @role:apiserver
  Rule: Connections between the API server and the other components MUST be opened by the components

    Scenario: a cluster boots and works
      Given a fresh cluster with 2 nodes
      When "alice" creates a deployment "web" with 3 replicas
      And the pods of "web" have become running
      And "alice" scales the deployment "web" to 1 replica
      And the pods of "web" have become running
      And "alice" deletes the deployment "web"
      And "alice" creates one object of each kind
      Then every connection between the API server and a component was opened by the component

    @needs:kill
    Scenario: the API server comes back after an outage
      Given a cluster with 2 nodes
      When the API server is killed and started again
      And every component has asked the API server again
      Then since the restart every connection between the API server and a component was opened by the component

    @needs:kill
    Scenario: a component is away for a while
      Given a fresh cluster with 1 node
      When the scheduler is killed and started again
      Then every connection between the API server and a component was opened by the component

  @id:COMM-12 @must @role:apiserver
  Rule: The API server MUST NOT open connections to kubelets unless somebody asks for exec, attach, logs or port-forward

    Scenario: pods come, change and go
      Given a fresh cluster with 2 nodes
      When "alice" creates a deployment "web" with 4 replicas
      And the pods of "web" have become running
      And "alice" scales the deployment "web" to 1 replica
      And the pods of "web" have become running
      And "alice" deletes one pod of "web"
      And the pods of "web" have become running
      Then during all of this the API server never opened a connection to a kubelet

    Scenario: people ask for pods and nodes, and change them
      Given a fresh cluster with 2 nodes
      When "alice" creates a pod "old"
      And the pod "old" has become running
      And "alice" tries to get pods
      And "alice" tries to patch pods
      And "alice" tries to list nodes
      And "alice" creates one object of each kind
      And "alice" changes the node "node-1"
      And "alice" deletes the node "node-2"
      Then during all of this the API server never opened a connection to a kubelet

    Scenario: people change and delete what pods may read or be found by
      Given a fresh cluster with 1 node
      When "alice" creates a configmap "web"
      And "alice" creates a secret "web"
      And "alice" creates a service "web"
      And "alice" changes the configmap "web"
      And "alice" changes the secret "web"
      And "alice" deletes the configmap "web"
      And "alice" deletes the service "web"
      Then during all of this the API server never opened a connection to a kubelet

    Scenario: nodes are closed, and a pod goes at once
      Given a fresh cluster with 2 nodes
      When "alice" creates a pod "old"
      And the pod "old" has become running
      And every node is cordoned
      And "alice" tries to kill pods
      And every node is uncordoned
      And "alice" creates a pod "web"
      And the pod "web" has become running
      Then during all of this the API server never opened a connection to a kubelet

    @needs:kill
    Scenario: a kubelet falls silent
      Given a fresh cluster with 1 node
      When "alice" creates a pod "web"
      And the pod "web" has become running
      And the kubelet of "node-1" is killed
      Then during all of this the API server never opened a connection to a kubelet

  @id:COMM-14 @must @role:scheduler @role:controller-manager @role:kubelet
  Rule: A component that has lost the API server MUST be the only one to stall, and catch up afterwards

    @needs:cut
    Scenario: pods arrive while the scheduler is cut off
      Given a cluster with 2 nodes
      When the scheduler is cut off from every API server
      And "alice" creates a deployment "web" with 3 replicas
      Then the pods of "web" are stored and stay unbound
      When the scheduler is connected again
      Then the pods of "web" become running
      And each pod of "web" was bound exactly once

    @needs:cut
    Scenario: pods arrive while the scheduler is cut off for a moment
      Given a cluster with 1 node
      When the scheduler is cut off from every API server
      And "alice" creates a deployment "web" with 3 replicas
      And the pods of "web" have been created
      And the scheduler is connected again
      Then the pods of "web" become running

    @needs:cut
    Scenario: a deployment arrives while the controller manager is cut off
      Given a cluster with 2 nodes
      When the controller manager is cut off from every API server
      And "alice" creates a pod "solo"
      Then the pod "solo" becomes running
      When "alice" creates a deployment "web" with 2 replicas
      Then nothing is made from the deployment "web" for a while
      When the controller manager is connected again
      Then the pods of "web" become running

    @needs:cut
    Scenario: a pod goes while the controller manager is cut off
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      When the controller manager is cut off from every API server
      And "alice" deletes one pod of "web"
      And the controller manager is connected again
      Then the pods of "web" become running

    @needs:cut @needs:runtime
    Scenario: a pod is bound to a node that is cut off
      Given a cluster with 1 node
      When the kubelet of "node-1" is cut off from every API server
      And "alice" creates a pod "web"
      And the pod "web" has been bound
      And the kubelet of "node-1" is connected again
      Then the pod "web" becomes running

    @needs:kill @needs:store
    Scenario: nodes show that they are alive, after the API server has been away too
      Given a cluster with 1 node
      And a deployment "web" with 1 replicas is running
      And the API server is stopped
      Then nothing in the store changes for a while
      When the API server is started again
      And every component has asked the API server again
      Then exactly 1 pod of "web" is left

    @needs:cut
    Scenario: a node comes while the scheduler is cut off
      Given a cluster without nodes
      When "alice" creates a pod "web"
      Then the pod "web" is stored and stays unbound
      When the scheduler is cut off from every API server
      And node "node-1" joins
      And the scheduler is connected again
      Then the pod "web" becomes running

    @needs:cut
    Scenario: a full node is empty again while the scheduler is cut off
      Given a cluster with 1 node
      When "alice" creates a pod "large" that takes most of a node
      And the pod "large" has become running
      And the scheduler is cut off from every API server
      And "alice" deletes one pod of "large"
      And the scheduler is connected again
      And "alice" creates a pod "web" that takes most of a node
      Then the pod "web" becomes running

    @needs:cut
    Scenario: a deployment grows while the controller manager is cut off
      Given a cluster with 1 node
      And a deployment "web" with 1 replicas is running
      When the controller manager is cut off from every API server
      And "alice" scales the deployment "web" to 2 replicas
      And the controller manager is connected again
      Then the pods of "web" become running

    @needs:cut
    Scenario: a pod is to go while its node is cut off
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      When the kubelet of "node-1" is cut off from every API server
      And "alice" scales the deployment "web" to 1 replica
      Then exactly 1 pod of "web" is left
      When the kubelet of "node-1" is connected again
      Then the pods of "web" become running
