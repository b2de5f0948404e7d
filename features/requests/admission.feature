@area:requests @profile:api
Feature: Admission
  What changes the state passes admission: plugins that may look at the object, change it, or refuse it. Reads have nothing to admit.

  @id:REQ-11 @must @role:apiserver @needs:admission
  Rule: Every create, update and delete MUST pass admission

    Scenario Outline: an object is written
      Given a cluster
      And the hooks see every write
      And a <kind> "old" exists
      And a <kind> "older" exists
      When "alice" tries to <verb> <resource>
      Then admission has been asked about the <operation>

      Examples: ways to write
        | kind | verb             | resource     | operation |
        | pod  | create           | pods         | creation  |
        | pod  | update           | pods         | update    |
        | pod  | patch            | pods         | update    |
        | pod  | strategicpatch   | pods         | update    |
        | pod  | delete           | pods         | deletion  |
        | pod  | kill             | pods         | deletion  |
        | pod  | rehearse         | pods         | update    |
        | pod  | deletecollection | pods         | deletion  |
        | pod  | update           | pods/status  | update    |
        | pod  | patch            | pods/status  | update    |
        | pod  | create           | pods/binding | creation  |

      Examples: what is written
        | kind           | verb      | resource              | operation |
        | configmap      | create    | configmaps            | creation  |
        | configmap      | patch     | configmaps            | update    |
        | configmap      | jsonpatch | configmaps            | update    |
        | configmap      | apply     | configmaps            | update    |
        | secret         | create    | secrets               | creation  |
        | secret         | update    | secrets               | update    |
        | service        | update    | services              | update    |
        | deployment     | patch     | deployments           | update    |
        | deployment     | update    | deployments/scale     | update    |
        | deployment     | delete    | deployments           | deletion  |
        | deployment     | patch     | deployments/scale     | update    |
        | lease          | delete    | leases                | deletion  |
        | lease          | upsert    | leases                | creation  |
        | lease          | update    | leases                | update    |
        | lease          | patch     | leases                | update    |
        | configmap      | establish | configmaps            | creation  |
        | node           | patch     | nodes                 | update    |
        | node           | patch     | nodes/status          | update    |
        | node           | update    | nodes/status          | update    |
        | serviceaccount | create    | serviceaccounts/token | creation  |
        | event          | create    | events                | creation  |
        | event          | patch     | events                | update    |
        | clusterrole    | create    | clusterroles          | creation  |
        | clusterrole    | delete    | clusterroles          | deletion  |
        | namespace      | create    | namespaces            | creation  |
        | namespace      | patch     | namespaces            | update    |
        | namespace      | patch     | namespaces/status     | update    |

    Scenario: the last finalizer is taken from what is to go
      Given a cluster
      And the hooks see every write
      And a configmap "old" with a finalizer exists
      When "alice" deletes the configmap "old"
      Then admission has been asked about the deletion
      When the finalizer of the configmap "old" is removed by an update
      Then admission has been asked about the update

    Scenario: what is to go is deleted once more
      Given a cluster
      And the hooks see every write
      And a configmap "old" with a finalizer exists
      When "bob" tries to delete configmaps
      And "alice" tries to delete configmaps
      Then admission has been asked about the deletion

    Scenario Outline: a change changes nothing
      Given a cluster
      And the hooks see every write
      And a <kind> "old" exists
      When "bob" tries to patch <resource>
      And "alice" tries to patch <resource>
      Then admission has been asked about the update

      Examples: what is left as it is
        | kind      | resource   |
        | configmap | configmaps |
        | pod       | pods       |

    Scenario: a namespace is given up
      Given a cluster
      And the hooks see every write
      And a namespace "harbour" exists
      When "alice" deletes the namespace "harbour"
      Then admission has been asked about the deletion
      When the finalizer of the namespace "harbour" is removed
      Then admission has been asked about the update

    Scenario: the name is left to the server
      Given a cluster
      And the hooks see every write
      When "alice" creates 2 pods by the prefix "web-"
      Then admission has been asked about the creation

    Scenario: something is created in the namespace of the system
      Given a cluster
      And the hooks see every write
      When "alice" creates a configmap "web" in the namespace "kube-system"
      Then admission has been asked about the creation

    @needs:runtime
    Scenario: components write what becomes of a deployment
      Given a cluster with 1 node
      And the hooks see every write
      When "alice" creates a deployment "web" with 2 replicas
      And the pods of "web" have become running
      Then admission has been asked about the creation

  @id:REQ-12 @must @smoke @role:apiserver @needs:admission
  Rule: Reads MUST skip admission

    Scenario Outline: admission would refuse everything
      Given a cluster
      And a <kind> "old" exists
      And the hooks see every write
      And admission refuses everything
      When "alice" tries to <verb> <resource>
      Then "alice" can <verb> <resource>
      And admission was not asked, though it is about the next write

      Examples: ways to read
        | kind       | verb  | resource          |
        | pod        | get   | pods              |
        | pod        | list  | pods              |
        | pod        | list  | pods everywhere   |
        | pod        | watch | pods              |
        | pod        | get   | pods/status       |
        | secret     | get   | secrets           |
        | configmap  | list  | configmaps        |
        | replicaset | get   | replicasets/scale |
        | deployment | watch | deployments       |

  @id:REQ-13 @must @role:apiserver @needs:admission @needs:store
  Rule: What admission refuses MUST NOT be stored

    Scenario Outline: one hook refuses
      Given a cluster
      And the hooks see every write
      And "bob" watches pods
      And <stage> is held up
      And <stage> refuses everything
      When "alice" begins to create a pod
      Then the request has come to <stage> and no further
      When <stage> goes on
      Then the request is refused by admission
      And neither the store nor "bob" has got to know of a pod "new"

      Examples: hooks
        | stage      |
        | mutation   |
        | validation |

    @needs:kill
    Scenario: the API server begins anew before a hook refuses
      Given a cluster
      And the hooks see every write
      And validation refuses everything
      When the API server is killed and started again
      And "alice" tries to create pods
      Then the request is refused by admission
      And no stage after admission has seen it and nothing was stored

    Scenario Outline: a hook refuses and does not say why
      Given a cluster
      And the hooks see every write
      And a <kind> "old" exists
      And <stage> refuses everything without a word
      When "alice" tries to <verb> <resource>
      Then the request is refused by admission
      And no stage after admission has seen it and nothing was stored

      Examples: writes
        | kind      | stage      | verb   | resource   |
        | pod       | mutation   | create | pods       |
        | pod       | validation | create | pods       |
        | configmap | validation | patch  | configmaps |
        | secret    | validation | delete | secrets    |

    Scenario: a hook refuses what has no name yet
      Given a cluster
      And the hooks see every write
      And validation refuses everything
      When "alice" creates 2 pods by the prefix "web-"
      Then the request is refused by admission
      And no stage after admission has seen it and nothing was stored

    Scenario Outline: an existing object would be changed
      Given a cluster
      And the hooks see every write
      And a <kind> "old" exists
      And <stage> refuses everything
      When "alice" tries to <verb> <resource>
      Then the request is refused by admission
      And the <kind> "old" is as it was
      And no stage after admission has seen it and nothing was stored

      Examples: ways to change it
        | kind        | stage      | verb             | resource          |
        | pod         | mutation   | update           | pods              |
        | pod         | mutation   | patch            | pods              |
        | pod         | mutation   | delete           | pods              |
        | pod         | validation | update           | pods              |
        | pod         | validation | patch            | pods              |
        | pod         | validation | delete           | pods              |
        | pod         | validation | kill             | pods              |
        | pod         | validation | deletecollection | pods              |
        | pod         | validation | patch            | pods/status       |
        | pod         | validation | create           | pods/binding      |
        | pod         | validation | strategicpatch   | pods              |
        | configmap   | validation | patch            | configmaps        |
        | configmap   | validation | jsonpatch        | configmaps        |
        | configmap   | validation | apply            | configmaps        |
        | configmap   | validation | establish        | configmaps        |
        | lease       | validation | upsert           | leases            |
        | clusterrole | validation | patch            | clusterroles      |
        | secret      | validation | delete           | secrets           |
        | replicaset  | validation | update           | replicasets/scale |

    Scenario Outline: the removal of the last finalizer is refused
      Given a cluster
      And the hooks see every write
      And a pod "old" with a finalizer exists
      When "alice" deletes the pod "old"
      And validation refuses pods named "old"
      And the finalizer of the pod "old" is removed by <write>
      Then the request is refused by admission
      And the key of the pod "old" is still there and marked for deletion

      Examples: ways to remove it
        | write        |
        | an update    |
        | a patch      |
        | a JSON patch |

    Scenario: the deletion of a guarded object is refused
      Given a cluster
      And the hooks see every write
      And a configmap "old" with a finalizer exists
      And validation refuses everything
      When "alice" tries to delete configmaps
      Then the request is refused by admission
      And the configmap "old" is as it was
      And no stage after admission has seen it and nothing was stored

  @id:REQ-14 @must @smoke @role:apiserver @needs:admission @needs:store
  Rule: What admission makes of an object MUST be what is checked, stored, answered and told to watchers

    Scenario Outline: a hook adds a label, takes another one away and replaces the image
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And mutation labels every pod "tide=high" instead of "app" and gives it another image
      And mutation is held up
      And "bob" watches pods
      When "alice" begins to <verb> a pod
      Then the request has come to mutation and no further
      When mutation goes on
      Then validation, the store, the answer and "bob" see the label "tide=high", no "app", and the other image

      Examples: writes with an object
        | verb           |
        | create         |
        | update         |
        | patch          |
        | jsonpatch      |
        | strategicpatch |
        | apply          |

    Scenario: the name is left to the server, and a hook changes the object
      Given a cluster
      And the hooks see every write
      And mutation labels every pod "tide=high" instead of "app" and gives it another image
      And "bob" watches pods
      When "alice" creates 2 pods by the prefix "web-"
      Then validation, the store, the answer and "bob" see the label "tide=high", no "app", and the other image

    Scenario Outline: a hook changes what is no pod
      Given a cluster
      And the hooks see every write
      And a <kind> "old" exists
      And mutation labels every <kind> "tide=high" instead of "app"
      And "bob" watches <resource>
      When "alice" tries to <verb> <resource>
      Then validation, the store, the answer and "bob" see the label "tide=high" and no "app"

      Examples: other writes
        | kind       | verb           | resource    |
        | configmap  | create         | configmaps  |
        | configmap  | jsonpatch      | configmaps  |
        | configmap  | establish      | configmaps  |
        | deployment | create         | deployments |
        | deployment | strategicpatch | deployments |
        | service    | update         | services    |
        | lease      | upsert         | leases      |
        | node       | create         | nodes       |
        | node       | patch          | nodes       |
        | namespace  | create         | namespaces  |

    Scenario Outline: a hook changes how many there are to be
      Given a cluster
      And the hooks see every write
      And a deployment "old" exists
      And mutation makes 5 replicas of every scale
      And "bob" watches deployments
      When "alice" tries to <verb> deployments/scale
      Then validation, the store, the answer and "bob" see 5 replicas

      Examples: ways to scale
        | verb   |
        | update |
        | patch  |

    Scenario: a hook changes what is said about a pod
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And mutation says "foggy" in every status
      And "bob" watches pods
      When "alice" tries to patch pods/status
      Then validation, the store, the answer and "bob" see the message "foggy"

    Scenario: a hook changes what somebody else puts in its place
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      When "alice" tries to patch pods/status
      Given mutation says "foggy" in every status
      And "bob" watches pods
      When "alice" tries to update pods/status
      Then validation, the store, the answer and "bob" see the message "foggy"

    Scenario: a hook sends a pod elsewhere
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And mutation sends every binding to "elsewhere"
      And "bob" watches pods
      When "alice" tries to create pods/binding
      Then validation, the store and "bob" see the node "elsewhere"

    Scenario Outline: a hook makes something that cannot be
      Given a cluster
      And the hooks see every write
      And a <kind> "old" exists
      And mutation labels every <kind> "tide=-" instead of "app"
      When "alice" tries to <verb> <resource>
      Then the request is refused by validation
      And no stage after mutation has seen it and nothing was stored

      Examples: ways to write it
        | kind      | verb   | resource   |
        | pod       | create | pods       |
        | pod       | patch  | pods       |
        | configmap | update | configmaps |
        | secret    | patch  | secrets    |

    Scenario: somebody else has changed the object before the hook does
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And mutation labels every pod "tide=high" instead of "app" and gives it another image
      And mutation is held up
      And "bob" watches pods
      When "alice" begins to patch a pod
      And "carol" changes the pod "old"
      And mutation goes on
      Then validation, the store, the answer and "bob" see the label "tide=high", no "app", and the other image
