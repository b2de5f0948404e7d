@area:store @profile:store-layout
Feature: Where things lie in the store
  One object, one key. Who reads the store can tell from the key what lies there; who deletes the object deletes the key.

  @id:STORE-07 @must @role:apiserver @needs:store
  Rule: Everything MUST lie below /registry

    Scenario: a cluster is at work
      Given a cluster with 1 node
      When "alice" creates a deployment "web" with 2 replicas
      And the pods of "web" have become running
      And "alice" creates one object of each kind
      Then every key of the store lies below /registry

  @id:STORE-09 @must @role:apiserver @needs:store
  Rule: An object MUST lie at the key of its resource

    Scenario Outline: an object is created
      Given a cluster
      When "alice" creates a <kind> "web"
      Then exactly one key was added, "<key>"

      Examples: resources whose folder bears their name
        | kind           | key                                     |
        | configmap      | /registry/configmaps/NAMESPACE/web      |
        | secret         | /registry/secrets/NAMESPACE/web         |
        | serviceaccount | /registry/serviceaccounts/NAMESPACE/web |
        | deployment     | /registry/deployments/NAMESPACE/web     |
        | replicaset     | /registry/replicasets/NAMESPACE/web     |
        | lease          | /registry/leases/NAMESPACE/web          |
        | namespace      | /registry/namespaces/web                |

      Examples: resources whose folder bears an older name
        | kind                  | key                                    |
        | node                  | /registry/minions/web                  |
        | service               | /registry/services/specs/NAMESPACE/web |
        | replicationcontroller | /registry/controllers/NAMESPACE/web    |

  @id:STORE-10 @must @role:apiserver @needs:store
  Rule: A pod MUST lie at /registry/pods/NAMESPACE/NAME

    Scenario Outline: a pod is created
      Given a cluster
      And a namespace "<namespace>" exists
      When "alice" creates a pod "<name>" in the namespace "<namespace>"
      Then exactly one key was added, "/registry/pods/<namespace>/<name>"

      Examples: names
        | namespace | name           |
        | harbour   | web            |
        | web       | harbour        |
        | a-b       | web.v1.example |

  @id:STORE-13 @must @role:apiserver @needs:store
  Rule: Deleting an object MUST delete its key, once nothing holds it back

    Scenario: a configmap is deleted
      Given a cluster
      And a configmap "old" exists
      When "alice" deletes the configmap "old"
      Then the key of the configmap "old" is gone

    Scenario: a pod without a node is deleted
      Given a cluster
      And a pod "old" exists
      When "alice" deletes the pod "old"
      Then the key of the pod "old" is gone

    @needs:runtime
    Scenario: a running pod is deleted
      Given a cluster with 1 node
      And a pod "old" is running
      And containers take their time to stop
      When "alice" deletes the pod "old"
      Then the key of the pod "old" is gone only after its containers have stopped

    Scenario: a finalizer guards the object
      Given a cluster
      And a configmap "old" with a finalizer exists
      When "alice" deletes the configmap "old"
      Then the key of the configmap "old" is still there and marked for deletion
      When the finalizer of the configmap "old" is removed
      Then the key of the configmap "old" is gone
