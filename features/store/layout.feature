@area:store @profile:store-layout
Feature: Where things lie in the store
  One object, one key. Who reads the store can tell from the key what lies there; who deletes the object deletes the key.

  @id:STORE-07 @must @smoke @role:apiserver @needs:store
  Rule: Everything MUST lie below /registry

    Scenario: a cluster is at work
      Given a cluster with 1 node
      When "alice" creates a deployment "web" with 2 replicas
      And the pods of "web" have become running
      And "alice" creates one object of each kind
      And "alice" deletes the deployment "web"
      And "bob" creates a configmap "each"
      And "bob" tries to deletecollection configmaps
      Then every key of the store lies below /registry

    @needs:kill
    Scenario: the API server comes back
      Given a cluster
      And a configmap "old" exists
      When the API server is killed and started again
      And "alice" tries to patch configmaps
      Then every key of the store lies below /registry

  @id:STORE-09 @must @role:apiserver @needs:store
  Rule: An object MUST lie at the key of its resource

    Scenario Outline: an object is created
      Given a cluster
      When "alice" creates a <kind> "web"
      And "alice" changes the <kind> "web"
      Then exactly one key was added, "<key>"

      Examples: resources whose folder bears their name
        | kind                  | key                                            |
        | configmap             | /registry/configmaps/NAMESPACE/web             |
        | secret                | /registry/secrets/NAMESPACE/web                |
        | serviceaccount        | /registry/serviceaccounts/NAMESPACE/web        |
        | deployment            | /registry/deployments/NAMESPACE/web            |
        | replicaset            | /registry/replicasets/NAMESPACE/web            |
        | lease                 | /registry/leases/NAMESPACE/web                 |
        | namespace             | /registry/namespaces/web                       |
        | statefulset           | /registry/statefulsets/NAMESPACE/web           |
        | job                   | /registry/jobs/NAMESPACE/web                   |
        | cronjob               | /registry/cronjobs/NAMESPACE/web               |
        | role                  | /registry/roles/NAMESPACE/web                  |
        | persistentvolumeclaim | /registry/persistentvolumeclaims/NAMESPACE/web |
        | daemonset             | /registry/daemonsets/NAMESPACE/web             |
        | event                 | /registry/events/NAMESPACE/web                 |
        | resourcequota         | /registry/resourcequotas/NAMESPACE/web         |
        | limitrange            | /registry/limitranges/NAMESPACE/web            |

      Examples: resources of groups that a cluster could do without
        | kind                | key                                          |
        | clusterrole         | /registry/clusterroles/web                   |
        | networkpolicy       | /registry/networkpolicies/NAMESPACE/web      |
        | persistentvolume    | /registry/persistentvolumes/web              |
        | poddisruptionbudget | /registry/poddisruptionbudgets/NAMESPACE/web |
        | storageclass        | /registry/storageclasses/web                 |
        | endpointslice       | /registry/endpointslices/NAMESPACE/web       |
        | rolebinding         | /registry/rolebindings/NAMESPACE/web         |
        | clusterrolebinding  | /registry/clusterrolebindings/web            |
        | priorityclass       | /registry/priorityclasses/web                |
        | podtemplate         | /registry/podtemplates/NAMESPACE/web         |

      Examples: resources whose folder bears an older name
        | kind                  | key                                        |
        | node                  | /registry/minions/web                      |
        | service               | /registry/services/specs/NAMESPACE/web     |
        | endpoints             | /registry/services/endpoints/NAMESPACE/web |
        | ingress               | /registry/ingress/NAMESPACE/web            |
        | replicationcontroller | /registry/controllers/NAMESPACE/web        |

    Scenario: an object has a name that no host could have
      Given a cluster
      When "alice" creates a role "harbour:pilot"
      And "alice" changes the role "harbour:pilot"
      Then exactly one key was added, "/registry/roles/NAMESPACE/harbour:pilot"

  @id:STORE-10 @must @role:apiserver @needs:store
  Rule: A pod MUST lie at /registry/pods/NAMESPACE/NAME

    Scenario Outline: a pod is created
      Given a cluster
      And a namespace "<namespace>" exists
      When "alice" creates a pod "<name>" in the namespace "<namespace>"
      Then exactly one key was added, "/registry/pods/<namespace>/<name>"

      Examples: names
        | namespace | name                                                                 |
        | harbour   | web                                                                  |
        | web       | harbour                                                              |
        | a-b       | web.v1.example                                                       |
        | harbour   | a-name-that-is-longer-than-what-a-label-or-the-name-of-a-host-may-be |

    Scenario: the name is left to the server
      Given a cluster
      When "alice" creates 2 pods by the prefix "web-"
      Then exactly one key was added, "/registry/pods/NAMESPACE/NAME"

    @needs:runtime
    Scenario: a pod runs on a node
      Given a cluster with 1 node
      And a namespace "harbour" exists
      When "alice" creates a pod "web" in the namespace "harbour"
      And the pod "web" has become running
      Then exactly one key was added, "/registry/pods/harbour/web"

  @id:STORE-13 @must @role:apiserver @needs:store
  Rule: Deleting an object MUST delete its key, once nothing holds it back

    Scenario Outline: nothing holds it back
      Given a cluster
      And a <kind> "old" exists
      When "alice" deletes the <kind> "old"
      Then the key of the <kind> "old" is gone

      Examples: kinds
        | kind           |
        | configmap      |
        | secret         |
        | service        |
        | serviceaccount |
        | deployment     |
        | lease          |
        | node           |
        | pod            |
        | statefulset    |
        | cronjob        |
        | role           |
        | ingress        |

    Scenario: a namespace is deleted, and given up by whoever empties it
      Given a cluster
      And a namespace "harbour" exists
      When "alice" deletes the namespace "harbour"
      And the finalizer of the namespace "harbour" is removed
      Then the key of the namespace "harbour" is gone

    @needs:runtime
    Scenario Outline: a running pod is deleted
      Given a cluster with 1 node
      And a pod "old" is running
      And containers take their time to stop
      When "alice" tries to <verb> pods
      And "alice" tries to <verb> pods
      Then the key of the pod "old" is gone only after its containers have stopped

      Examples: ways to delete it
        | verb             |
        | delete           |
        | deletecollection |

    @needs:runtime
    Scenario: a guarded pod runs on a node
      Given a cluster with 1 node
      And a pod "old" with a finalizer is running
      When "alice" deletes the pod "old"
      And "bob" creates a pod "next"
      And the pod "next" has become running
      Then the key of the pod "old" is still there and marked for deletion
      When the finalizer of the pod "old" is removed
      Then the key of the pod "old" is gone

    @needs:runtime @needs:kill
    Scenario: a pod is forced to go while its kubelet is away
      Given a cluster with 1 node
      And a pod "old" is running
      And the kubelet of "node-1" is stopped
      When "alice" tries to kill pods
      Then the key of the pod "old" is gone

    @needs:admission
    Scenario: somebody changes the object while its deletion is on its way
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And validation is held up
      When "alice" begins to delete a pod
      And "carol" changes the pod "old"
      And validation goes on
      Then the key of the pod "old" is gone

    Scenario: one of those that are deleted together has a finalizer
      Given a cluster
      And a configmap "old" with a finalizer exists
      And a configmap "older" exists
      When "alice" tries to deletecollection configmaps
      Then the key of the configmap "older" is gone

    Scenario Outline: the last finalizer goes
      Given a cluster
      And a configmap "old" with a finalizer exists
      When "alice" deletes the configmap "old"
      And the finalizer of the configmap "old" is removed by <write>
      Then the key of the configmap "old" is gone

      Examples: ways to remove it
        | write                                 |
        | an update                             |
        | an update that leaves no list         |
        | a patch that leaves no list           |
        | a JSON patch                          |
        | a JSON patch that leaves no list      |
        | a strategic patch that leaves no list |

    Scenario Outline: finalizers guard the object
      Given a cluster
      And a <kind> "old" with two finalizers exists
      When "alice" tries to <verb> <resource>
      And "alice" tries to <verb> <resource>
      And one finalizer of the <kind> "old" is removed
      Then the key of the <kind> "old" is still there and marked for deletion
      When the finalizer of the <kind> "old" is removed
      Then the key of the <kind> "old" is gone

      Examples: ways to delete it
        | kind        | verb             | resource     |
        | configmap   | delete           | configmaps   |
        | configmap   | deletecollection | configmaps   |
        | pod         | delete           | pods         |
        | pod         | kill             | pods         |
        | secret      | delete           | secrets      |
        | deployment  | delete           | deployments  |
        | node        | delete           | nodes        |
        | clusterrole | delete           | clusterroles |
