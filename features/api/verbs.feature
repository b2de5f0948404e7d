@area:api @profile:api
Feature: Create, read and delete
  The API is RESTful: every object has a path, and the verbs mean what HTTP says. The store is changed exactly as the answer tells.

  @id:API-02 @must @role:apiserver @profile:observable
  Rule: POST MUST create an object that does not exist, answer 201 with the whole object, and refuse to replace one that does

    Scenario Outline: an object is created twice
      Given a cluster
      When "alice" creates a <kind> "web"
      Then "alice" is answered 201 with the whole <kind>
      When "bob" creates a <kind> "web" with other content
      Then "bob" is answered 409 AlreadyExists
      And the <kind> "web" is what "alice" was told
      When "carol" creates a <kind> "web"
      Then "carol" is answered 409 AlreadyExists
      And the <kind> "web" is what "alice" was told

      Examples: kinds
        | kind           |
        | pod            |
        | configmap      |
        | deployment     |
        | replicaset     |
        | secret         |
        | service        |
        | serviceaccount |
        | lease          |
        | namespace      |
        | node           |
        | role           |
        | clusterrole    |
        | ingress        |

    Scenario: much is said about a pod
      Given a cluster
      When "alice" creates a pod "web" with 2 containers that are told what to do
      Then "alice" is answered 201 with the whole pod
      And the pod "web" is what "alice" was told

    Scenario: a name differs from another one by a capital
      Given a cluster
      When "alice" creates a role "web"
      And "alice" creates a role "Web"
      Then "alice" is answered 201 with the whole role

    Scenario: objects elsewhere, and of another kind, have the same name
      Given a cluster
      And a namespace "harbour" exists
      When "alice" creates a configmap "web" in the namespace "harbour"
      And "alice" creates a secret "web"
      And "alice" creates a configmap "web"
      Then "alice" is answered 201 with the whole configmap

    Scenario Outline: the name is an unusual one
      Given a cluster
      When "alice" creates a <kind> "<name>"
      Then "alice" is answered 201 with the whole <kind>

      Examples: names
        | kind      | name                                                                                 |
        | configmap | web.example.org                                                                      |
        | secret    | 7                                                                                    |
        | pod       | 2.of.many                                                                            |
        | configmap | one-that-is-much-longer-than-a-label-can-be.and-that-says-nothing-but-how-long-it-is |

    Scenario: the object is a large one
      Given a cluster
      When "alice" creates 2 large configmaps
      Then "alice" is answered 201 with the whole configmap

    Scenario: the name was another object's before
      Given a cluster
      And a configmap "web" exists
      When "alice" deletes the configmap "web"
      And "alice" creates a configmap "web"
      Then "alice" is answered 201 with the whole configmap

    Scenario Outline: the name belongs to an object that is on its way out
      Given a cluster
      And a <kind> "old" with a finalizer exists
      When "alice" deletes the <kind> "old"
      And "bob" creates a <kind> "old" with other content
      Then "bob" is answered 409 AlreadyExists
      When the finalizer of the <kind> "old" is removed
      And "bob" creates a <kind> "old" with other content
      Then "bob" is answered 201 with the whole <kind>

      Examples: kinds
        | kind      |
        | configmap |
        | pod       |

    Scenario: there is no such namespace
      Given a cluster
      When "alice" creates a configmap "web" in the namespace "nowhere"
      Then "alice" is answered 404 NotFound

    Scenario Outline: many create the same object at once
      Given a cluster
      When 20 people create a <kind> "web" at once
      Then exactly one of them is answered 201 and the others 409 AlreadyExists
      And the <kind> "web" is what the one was told

      Examples: kinds
        | kind      |
        | configmap |
        | pod       |
        | lease     |

    Scenario: the name is given, and a prefix too
      Given a cluster
      When "alice" creates a configmap "web" with a prefix
      Then "alice" is answered 201 with the whole configmap

    Scenario Outline: the name is left to the server
      Given a cluster
      When "alice" creates <number> <kind> by the prefix "web-"
      Then they have different names that begin with "web-"

      Examples: kinds
        | number | kind       |
        | 30     | pods       |
        | 3      | configmaps |

    Scenario Outline: the request makes no sense
      Given a cluster
      And "bob" watches pods
      When "alice" sends <what>
      Then "alice" is answered <code> <reason>
      And neither the store nor "bob" has got to know of a pod "senseless"

      Examples: senseless requests
        | what                                | code | reason     |
        | a pod into an unknown namespace     | 404  | NotFound   |
        | a pod that names another namespace  | 400  | BadRequest |
        | a pod that is cut off in the middle | 400  | BadRequest |
        | a pod without containers            | 422  | Invalid    |
        | a thing of an unknown kind          | 404  | NotFound   |

  @id:API-03 @must @role:apiserver @profile:observable
  Rule: GET MUST answer with the stored object, or with all of them, and with 404 for what is not there

    Scenario: objects are read one by one and together
      Given a cluster
      And a namespace "harbour" exists
      Then "alice" can list configmaps
      When "alice" creates a configmap "web" in the namespace "harbour"
      And "alice" creates 5 configmaps
      Then each of them is read as it was answered, and a list holds exactly them
      And pages of 2 hold each of them exactly once, though some are changed meanwhile

    Scenario: the name of another namespace begins like this one's
      Given a cluster
      And a namespace "NAMESPACE-annex" exists
      When "alice" creates a configmap "web" in the namespace "NAMESPACE-annex"
      And "alice" creates 2 configmaps
      Then each of them is read as it was answered, and a list holds exactly them

    Scenario Outline: what is looked for does not lie on the first page
      Given a cluster
      When "alice" creates 7 configmaps
      Then pages of 2 hold the last one when it is looked for by <what> exactly once, though some are changed meanwhile

      Examples: ways to look for it
        | what          |
        | its label     |
        | an expression |
        | its name      |

    Scenario: there are more objects than one would read at a glance
      Given a cluster
      When "alice" creates 510 configmaps
      Then each of them is read as it was answered, and a list holds exactly them

    Scenario: an object is read right after it was changed
      Given a cluster
      When "alice" creates a configmap "web"
      Then the configmap "web" is what "alice" was told
      When "alice" changes the configmap "web"
      Then the configmap "web" is what "alice" was told

    @needs:requests
    Scenario Outline: a pod is read right after a part of it was changed
      Given a cluster
      And a pod "old" exists
      Then the pod "old" is as it was
      When "alice" tries to <verb> <resource>
      Then the pod "old" is what "alice" was told

      Examples: parts
        | verb   | resource    |
        | patch  | pods/status |
        | update | pods/status |

    Scenario Outline: an object is read while it is on its way out
      Given a cluster
      And a <kind> "old" with a finalizer exists
      When "alice" deletes the <kind> "old"
      Then "alice" can get <resource>
      And "alice" can list <resource>

      Examples: what is on its way
        | kind      | resource   |
        | configmap | configmaps |
        | secret    | secrets    |
        | pod       | pods       |

    Scenario: an object is read that never was
      Given a cluster
      When "alice" tries to get configmaps
      Then "alice" is answered 404 NotFound

    Scenario: an object is read that had been looked for before it came
      Given a cluster
      When "alice" tries to get configmaps
      Then "alice" is answered 404 NotFound
      When "bob" creates a configmap "old"
      Then the configmap "old" is what "bob" was told

    @needs:requests
    Scenario Outline: something else is read that never was
      Given a cluster
      When "alice" tries to get <resource>
      Then "alice" is answered 404 NotFound

      Examples: what is not there
        | resource          |
        | pods/status       |
        | deployments/scale |
        | namespaces        |
        | nodes             |

    Scenario: an object is read right after it was deleted
      Given a cluster
      And a configmap "old" exists
      When "alice" deletes the configmap "old"
      And "bob" tries to get configmaps
      Then "bob" is answered 404 NotFound

  @id:API-05 @must @role:apiserver @profile:observable
  Rule: DELETE MUST remove what it names and nothing else

    Scenario: one object of several is deleted
      Given a cluster
      And a namespace "harbour" exists
      When "alice" creates a configmap "one" in the namespace "harbour"
      And "alice" creates a secret "one"
      And "alice" creates 3 configmaps
      And "alice" deletes one of them
      Then the first of them is gone and the others are as they were
      When "alice" deletes one of them
      Then "alice" is answered 404 NotFound

    Scenario Outline: the object is not the one that was meant
      Given a cluster
      And a <kind> "old" exists
      When "alice" deletes the <kind> "old" if its <mark> is another one
      Then "alice" is answered 409 Conflict
      And the <kind> "old" is as it was

      Examples: marks
        | kind         | mark            |
        | configmap    | uid             |
        | configmap    | resourceVersion |
        | service      | uid             |
        | secret       | resourceVersion |
        | clusterrole  | uid             |
        | storageclass | resourceVersion |

    Scenario: the object is not the one that was meant, and is guarded
      Given a cluster
      And a configmap "old" with a finalizer exists
      When "alice" deletes the configmap "old" if its uid is another one
      Then "alice" is answered 409 Conflict
      And the configmap "old" is as it was

    @needs:runtime
    Scenario: the pod is not the one that was meant, and runs
      Given a cluster with 1 node
      When "alice" creates a pod "old" on node "node-1"
      And the pod "old" has become running
      And "alice" deletes the pod "old" if its uid is another one
      Then "alice" is answered 409 Conflict

    Scenario Outline: the name of another object begins like this one's
      Given a cluster
      And a <kind> "old" exists
      And a <kind> "old-er" exists
      When "alice" deletes the <kind> "old"
      Then the <kind> "old-er" is as it was

      Examples: kinds
        | kind         |
        | secret       |
        | clusterrole  |
        | storageclass |

    Scenario Outline: something of another kind has the same name
      Given a cluster
      And a <kind> "old" exists
      And a <other> "old" exists
      When "alice" deletes the <kind> "old"
      Then the <other> "old" is as it was

      Examples: kinds
        | kind           | other       |
        | serviceaccount | secret      |
        | role           | rolebinding |

    Scenario Outline: a collection is deleted by label
      Given a cluster
      And a namespace "harbour" exists
      When "alice" creates a configmap "one" in the namespace "harbour"
      And "alice" creates 4 configmaps, 2 of them labelled "tide=low"
      And "alice" deletes the configmaps labelled "<labels>"
      Then <which> gone and the others are as they were

      Examples: selectors
        | labels             | which                     |
        | tide=low           | the first two of them are |
        | tide in (low,ebb)  | the first two of them are |
        | tide,tide!=not-low | the first two of them are |
        | tide=low,app=one   | the first of them is      |

    Scenario Outline: a collection is deleted by labels that most of it has not
      Given a cluster
      When "alice" creates 3 configmaps
      And "alice" deletes the configmaps labelled "<labels>"
      Then the first of them is gone and the others are as they were

      Examples: selectors
        | labels                   |
        | tide!=low,app=one        |
        | tide notin (low),app=one |
        | !tide,app=one            |
        | app==one                 |
        | app in (tide, one)       |

    Scenario: a large collection is deleted
      Given a cluster
      When "alice" creates 110 configmaps, 110 of them labelled "tide=low"
      And "alice" deletes the configmaps labelled "tide=low"
      Then all of them are gone

    Scenario: a namesake lives in another namespace
      Given a cluster
      And a namespace "harbour" exists
      When "alice" creates a configmap "one" in the namespace "harbour"
      And "alice" creates 3 configmaps
      And "alice" deletes the configmaps labelled "app=one"
      Then the first of them is gone and the others are as they were

    Scenario: a namesake lives in a namespace whose name begins alike
      Given a cluster
      And a namespace "NAMESPACE-annex" exists
      When "alice" creates a configmap "one" in the namespace "NAMESPACE-annex"
      And "alice" creates 3 configmaps
      And "alice" deletes the configmaps labelled "app=one"
      Then the first of them is gone and the others are as they were

    @needs:requests
    Scenario: a collection that lies in no namespace is deleted by label
      Given a cluster
      And a storageclass "old" exists
      And a storageclass "older" exists
      When "alice" deletes the storageclasses labelled "app=old,made-by=seatrial"
      Then the storageclass "older" is as it was

    @needs:requests
    Scenario: a collection is deleted by what has become of it
      Given a cluster
      And a pod "old" exists
      And a pod "older" exists
      Then "alice" can finish pods/status
      When "alice" deletes the pods in phase "Succeeded"
      Then the pod "older" is as it was
      When "alice" tries to get pods
      Then "alice" is answered 404 NotFound

    Scenario Outline: a deletion is only rehearsed
      Given a cluster
      And a configmap "old" exists
      When "alice" deletes the <what> as a rehearsal<how>
      Then the configmap "old" is as it was

      Examples: ways to rehearse it
        | what                          | how                |
        | configmap "old"               |                    |
        | configmap "old"               | , as its URL says  |
        | configmaps labelled "app=old" |                    |
        | configmaps labelled "app=old" | , as its body says |

    Scenario: a collection is deleted by name
      Given a cluster
      When "alice" creates 3 configmaps
      And "alice" deletes the configmaps called "one"
      Then the first of them is gone and the others are as they were

  @id:NOOP-01 @must @role:apiserver
  Rule: The API server MUST NOT act on the objects that it stores

    @needs:kill @needs:store
    Scenario: nobody else is there, and a pod has done its work
      Given a cluster
      And everybody but etcd and the API server is stopped
      And a pod "old" exists
      Then "alice" can finish pods/status
      And nothing in the store changes for a while

    @needs:kill @needs:store
    Scenario: nobody else is there
      Given a cluster with 1 node
      And everybody but etcd and the API server is stopped
      When "alice" creates a deployment "web" with 2 replicas
      And "alice" creates a replicaset "shop" with 2 replicas
      And "alice" creates a pod "solo"
      Then nothing in the store changes for a while
      When everybody is started again
      Then the pods of "web" become running
      And the pods of "shop" become running
      And the pod "solo" becomes running

    @needs:kill @needs:store
    Scenario: nobody else is there while things are changed
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      And everybody but etcd and the API server is stopped
      When "alice" scales the deployment "web" to 1 replica
      And "alice" changes the image of the deployment "web"
      And "alice" creates one object of each kind
      And "alice" creates a namespace "harbour"
      Then nothing in the store changes for a while
      When everybody is started again
      Then exactly 1 pod of "web" is left

    @needs:kill @needs:store
    Scenario: nobody else is there while the API server begins anew
      Given a cluster with 1 node
      And everybody but etcd and the API server is stopped
      When "alice" creates a deployment "web" with 2 replicas
      And "alice" creates a pod "solo"
      And "alice" creates one object of each kind
      And the API server is killed and started again
      Then nothing in the store changes for a while

    @needs:kill @needs:store @needs:runtime
    Scenario: nobody else is there to empty a namespace, to stop a pod or to free an object
      Given a cluster with 1 node
      And a pod "solo" is running
      And a configmap "old" with a finalizer exists
      And everybody but etcd and the API server is stopped
      When "alice" creates a namespace "quay"
      And "alice" deletes the namespace "quay"
      And "alice" deletes the pod "solo"
      And "alice" deletes the configmap "old"
      Then nothing in the store changes for a while
      And the key of the namespace "quay" is still there and marked for deletion

    @needs:kill @needs:store
    Scenario: nobody else is there while things are deleted
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      And a namespace "harbour" exists
      And everybody but etcd and the API server is stopped
      When "alice" creates a configmap "web" in the namespace "harbour"
      And "alice" deletes the namespace "harbour"
      And "alice" deletes the deployment "web"
      And "alice" deletes the node "node-1"
      Then nothing in the store changes for a while
