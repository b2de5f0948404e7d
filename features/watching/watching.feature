@area:watching @profile:api
Feature: Watching
  Whoever wants to know keeps a request open and is told of every change, after it has been stored. That is how components hear of each
  other's work without knowing each other.

  @id:WATCH-01 @must @role:scheduler @role:controller-manager @role:kubelet @needs:hold @needs:requests
  Rule: Components MUST subscribe at the API server to what they act upon

    Scenario Outline: a component is at work
      Given a cluster with 1 node
      When "alice" creates a deployment "web" with 2 replicas
      And the pods of "web" have become running
      Then <component> has a watch on <resources>

      Examples: what a component acts upon
        | component               | resources                         |
        | the scheduler           | pods and nodes                    |
        | the controller manager  | deployments, replicasets and pods |
        | the kubelet of "node-1" | pods                              |

    Scenario Outline: nobody is told of anything for a while
      Given a cluster with 1 node
      And the watch streams of every component are held
      When "alice" creates a <kind> "web"
      Then no component does anything about "web" while the streams are held
      When the streams are released
      Then the pods of "web" become running

      Examples: what nobody is told of
        | kind       |
        | pod        |
        | deployment |

    Scenario: the API server ends all watches, as it does every so often
      Given a cluster with 1 node
      And a deployment "shop" with 2 replicas is running
      When the watch streams of every component end
      And "alice" creates a deployment "web" with 3 replicas
      Then the pods of "web" become running
      When the watch streams of every component end
      And "alice" scales the deployment "web" to 1 replica
      Then exactly 1 pod of "web" is left

  @id:WATCH-03 @must @smoke @role:apiserver @profile:observable
  Rule: Every change MUST reach every watcher of the object

    Scenario: two dozen people watch
      Given a cluster
      And 24 people watch configmaps
      When "alice" creates 5 configmaps
      And "alice" changes each of them twice
      And "alice" deletes each of them
      Then each watcher has been told of every stored change, once, in the order of the store

    Scenario: watchers come later and name where to begin
      Given a cluster
      When "alice" creates 3 configmaps
      And "alice" changes each of them twice
      And "alice" deletes one of them
      And 3 people watch configmaps from before the second one on
      Then each watcher has been told of every stored change, once, in the order of the store

    Scenario: an object is replaced and all are swept away
      Given a cluster
      And a configmap "old" exists
      And 3 people watch configmaps
      When "alice" tries to update configmaps
      And "alice" tries to deletecollection configmaps
      Then each watcher has been told of every stored change, once, in the order of the store

    Scenario Outline: other things are watched, some of which lie in no namespace
      Given a cluster
      And 3 people watch <resource>
      When "alice" creates a <kind> "web"
      And "alice" changes the <kind> "web"
      And "alice" deletes the <kind> "web"
      Then each watcher has been told of every stored change, once, in the order of the store

      Examples: kinds
        | kind       | resource    |
        | node       | nodes       |
        | service    | services    |
        | secret     | secrets     |
        | lease      | leases      |
        | namespace  | namespaces  |

    @needs:kill
    Scenario: etcd is killed and comes back while people watch
      Given a cluster
      And 3 people watch configmaps
      When "alice" creates 3 configmaps
      And etcd is killed and started again
      And "alice" changes each of them twice
      And "alice" deletes one of them
      Then each watcher has been told of every stored change, once, in the order of the store

    @needs:kill
    Scenario: etcd is killed and comes back while people watch what is of another group
      Given a cluster
      And 3 people watch leases
      When "alice" creates a lease "web"
      And etcd is killed and started again
      And "alice" changes the lease "web"
      Then each watcher has been told of every stored change, once, in the order of the store

    @needs:kill
    Scenario: watchers come after the API server has begun anew, and name where to begin
      Given a cluster
      When "alice" creates 3 configmaps
      And "alice" changes each of them twice
      And the API server is killed and started again
      And 3 people watch configmaps from before the second one on
      And "alice" changes each of them twice
      Then each watcher has been told of every stored change, once, in the order of the store

    @needs:store
    Scenario: a pod gets to run
      Given a cluster with 1 node
      And 3 people watch pods
      When "alice" creates a pod "web"
      And the pod "web" has become running
      Then each watcher has been told of every stored change, once, in the order of the store

    @needs:requests
    Scenario: one watcher does not read while much happens, and some come late
      Given a cluster
      And 3 people watch configmaps
      And another one watches and does not read for a while
      When "alice" creates 5 large configmaps
      And "alice" changes each of them twice
      And "alice" deletes each of them
      And "alice" creates 90 configmaps
      And 3 people watch configmaps from before the second one on
      Then each watcher has been told of every stored change, once, in the order of the store

  @id:WATCH-05 @must @smoke @role:apiserver @profile:observable
  Rule: Watchers MUST be told whether an object was created, modified or deleted

    Scenario: an object lives and dies, and comes again
      Given a cluster
      And "bob" watches configmaps
      When "alice" creates a configmap "web"
      And "alice" changes the configmap "web"
      And "alice" changes the configmap "web"
      And "alice" deletes the configmap "web"
      And "alice" creates a configmap "web"
      Then "bob" has been told of "web": ADDED, MODIFIED, MODIFIED, DELETED, ADDED

    Scenario Outline: somebody watches a part of what there is
      Given a cluster
      And "bob" watches configmaps <which>
      When "alice" creates a configmap "sea"
      And "alice" creates a configmap "web"
      And "alice" changes the configmap "web"
      And "alice" deletes the configmap "web"
      And "alice" creates a configmap "web"
      Then "bob" has been told of "web": ADDED, MODIFIED, DELETED, ADDED, and of nothing else

      Examples: ways to watch it
        | which                        |
        | called "web"                 |
        | labelled "app=web"           |
        | labelled "app in (web,tide)" |
        | labelled "app,app!=sea"      |

    Scenario: the name of another namespace begins like the one that somebody watches
      Given a cluster
      And a namespace "NAMESPACE-annex" exists
      And "bob" watches configmaps called "web"
      When "alice" creates a configmap "web" in the namespace "NAMESPACE-annex"
      And "alice" creates a configmap "web"
      Then "bob" has been told of "web": ADDED, and of nothing else

    Scenario: a finalizer guards the object
      Given a cluster
      And "bob" watches configmaps
      And a configmap "old" with a finalizer exists
      When "alice" deletes the configmap "old"
      Then "bob" has been told of "old": ADDED, MODIFIED

    Scenario: an object loses the label that somebody watches by
      Given a cluster
      And "bob" watches configmaps labelled "tide=low"
      When "alice" creates 2 configmaps, 2 of them labelled "tide=low"
      And "alice" takes the label "tide" from one of them
      And "alice" changes one of them
      Then "bob" has been told of "one": ADDED, DELETED

    Scenario: an object gets the label that somebody watches by
      Given a cluster
      And "bob" watches configmaps labelled "tide=low"
      When "alice" creates 2 configmaps
      And "alice" gives the label "tide=low" to one of them
      And "alice" changes one of them
      Then "bob" has been told of "one": ADDED, MODIFIED

    Scenario: an object is replaced, and goes when its last finalizer is removed
      Given a cluster
      And a configmap "old" with a finalizer exists
      And "bob" watches configmaps
      When "alice" tries to update configmaps
      Then "bob" has been told of "old": ADDED, MODIFIED
      When "alice" deletes the configmap "old"
      And the finalizer of the configmap "old" is removed
      Then "bob" has been told last of "old": DELETED

  @id:WATCH-07 @must @role:apiserver @needs:store
  Rule: A change MUST be stored before anybody is told of it

    @needs:pause
    Scenario Outline: the store hangs while an object is written
      Given a cluster
      And a pod "old" exists
      And "bob" watches pods
      And etcd is paused
      When "alice" begins to <write>
      Then "bob" is told nothing of a pod "<name>" while etcd is paused
      When etcd is resumed
      Then everything that "bob" is told of is stored under the revision that he is told

      Examples: writes that the store has not answered
        | write                | name |
        | create a pod         | new  |
        | replace a pod        | old  |
        | patch a pod          | old  |
        | patch a pod's status | old  |
        | bind a pod           | old  |
        | delete a pod         | old  |

    @needs:admission
    Scenario Outline: admission has not decided yet
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And "bob" watches pods
      And validation is held up
      When "alice" begins to <verb> a pod
      Then the request has come to validation and no further
      When validation goes on
      Then everything that "bob" is told of is stored under the revision that he is told

      Examples: writes that admission has not decided on
        | verb   |
        | create |
        | update |
        | patch  |
        | delete |

  @id:WATCH-09 @must @role:apiserver @needs:admission
  Rule: A refused request MUST NOT be told to anybody

    @needs:authentication @needs:authorization
    Scenario Outline: a pod is refused while others watch
      Given a cluster
      And the hooks see every write
      And "mallory" may do nothing
      And admission refuses pods named "evil"
      And 3 people watch pods
      When <somebody> creates a pod "<name>"
      Then the request is refused by <stage>
      And no watcher is told of a pod "<name>", though each is told of the next one

      Examples: stages that refuse
        | somebody                      | name | stage          |
        | somebody with a garbage token | web  | authentication |
        | "mallory"                     | web  | authorization  |
        | "alice"                       | evil | admission      |
        | "alice"                       | Web! | validation     |

    @needs:authorization
    Scenario Outline: a change is refused while others watch
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And "mallory" may do nothing
      And admission refuses pods named "old"
      And 3 people watch pods
      When <somebody> tries to <verb> <resource>
      Then the request is refused by <stage>
      And no watcher is told of a pod "old", though each is told of the next one

      Examples: changes that are refused
        | somebody  | verb             | resource     | stage         |
        | "mallory" | patch            | pods         | authorization |
        | "alice"   | update           | pods         | admission     |
        | "alice"   | patch            | pods         | admission     |
        | "alice"   | patch            | pods/status  | admission     |
        | "alice"   | create           | pods/binding | admission     |
        | "alice"   | delete           | pods         | admission     |
        | "alice"   | deletecollection | pods         | admission     |

    @needs:authorization
    Scenario Outline: something else is refused while others watch
      Given a cluster
      And the hooks see every write
      And "mallory" may do nothing
      And admission refuses everything
      And 3 people watch <resource>
      When <somebody> tries to create <resource>
      Then the request is refused by <stage>
      And no watcher is told of a <kind> "new", though each is told of the next one

      Examples: what is refused
        | somebody  | kind       | resource    | stage         |
        | "mallory" | configmap  | configmaps  | authorization |
        | "alice"   | configmap  | configmaps  | admission     |
        | "alice"   | service    | services    | admission     |
        | "alice"   | deployment | deployments | admission     |
        | "alice"   | lease      | leases      | admission     |

    Scenario: the name is taken
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And 3 people watch pods
      When "alice" creates a pod "old" with other content
      Then "alice" is answered 409 AlreadyExists
      And no watcher is told of a pod "old", though each is told of the next one

    Scenario: a change is only rehearsed
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And 3 people watch pods
      When "alice" tries to rehearse pods
      Then no watcher is told of a pod "old", though each is told of the next one

    Scenario: another object was meant
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And 3 people watch pods
      When "alice" deletes the pod "old" if its uid is another one
      Then "alice" is answered 409 Conflict
      And no watcher is told of a pod "old", though each is told of the next one

    Scenario: a pod is bound for the second time
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      When "bob" tries to create pods/binding
      And 3 people watch pods
      And "alice" tries to create pods/binding
      Then "alice" is answered 409 Conflict
      And no watcher is told of a pod "old", though each is told of the next one

    Scenario: somebody has written in between
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      When "bob" tries to update pods
      And 3 people watch pods
      And "alice" tries to overwrite pods
      Then "alice" is answered 409 Conflict
      And no watcher is told of a pod "old", though each is told of the next one
