@area:communication @profile:communication
Feature: Who may talk to the store
  The store holds all cluster state. Only the API server talks to it; everyone else reads and changes state by asking the API server.
  A component that kept a channel of its own, even a silent one, could read or write past every check.

  @id:COMM-05 @must @smoke @role:scheduler @role:controller-manager @role:kubelet
  Rule: Only the API server MUST open connections to etcd

    Scenario: a deployment is rolled out and scaled while everybody works
      Given a fresh cluster with 2 nodes
      When "alice" creates a deployment "web" with 3 replicas
      And the pods of "web" have become running
      And "alice" scales the deployment "web" to 4 replicas
      And the pods of "web" have become running
      And "alice" scales the deployment "web" to 1 replica
      And the pods of "web" have become running
      And "alice" deletes the deployment "web"
      Then during all of this only the API server was connected to etcd

    @needs:store @needs:requests
    Scenario: everything that is stored was asked for
      Given a fresh cluster with 2 nodes
      When "alice" creates a deployment "web" with 3 replicas
      And the pods of "web" have become running
      And "alice" scales the deployment "web" to 2 replicas
      And the pods of "web" have become running
      Then each change in the store belongs to an accepted request

    @needs:kill
    Scenario: everybody is asked to stop
      Given a fresh cluster with 1 node
      When everybody but etcd and the API server is stopped
      Then during all of this only the API server was connected to etcd

    @needs:cut @needs:hold
    Scenario Outline: a component that has lost its API server does not turn to the store
      Given a cluster with 1 node
      When <component> is cut off from every API server
      Then while <component> tries to reconnect it never contacts etcd

      Examples: everybody who is no API server
        | component               |
        | the scheduler           |
        | the controller manager  |
        | the kubelet of "node-1" |
