@area:requests @profile:api
Feature: A request's way through the API server
  A request is authenticated, authorized, admitted, stored, and then answered. Each stage sees only what the one before has let pass, and
  whoever is refused learns it from the stage that refused.

  @id:REQ-01 @must @role:apiserver @needs:authorization @needs:admission @needs:store
  Rule: A request MUST be authenticated, authorized, admitted, stored and answered in this order

    @needs:authentication
    Scenario Outline: one stage is held up
      Given a cluster
      And the hooks see every write
      And <stage> is held up
      When "alice" begins to create a pod
      Then the request has come to <stage> and no further
      When <stage> goes on
      Then "alice" is answered 201 with the whole pod
      And everything that "alice" was told of is stored

      Examples: stages with a hook
        | stage          |
        | authentication |
        | authorization  |
        | mutation       |
        | validation     |

    Scenario Outline: one stage is held up while an object is changed
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And <stage> is held up
      When "alice" begins to <verb> a pod
      Then the request has come to <stage> and no further
      When <stage> goes on
      Then everything that "alice" was told of is stored

      Examples: ways to change it
        | verb   | stage         |
        | update | mutation      |
        | update | validation    |
        | patch  | authorization |
        | patch  | mutation      |
        | patch  | validation    |
        | delete | authorization |
        | delete | mutation      |
        | delete | validation    |

    Scenario Outline: one stage is held up while a pod is bound
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And <stage> is held up
      When "alice" begins to bind a pod
      Then the request has come to <stage> and no further
      When <stage> goes on
      Then everything that "alice" was told of is stored

      Examples: stages of a binding
        | stage         |
        | authorization |
        | mutation      |
        | validation    |

    @needs:authentication
    Scenario Outline: the sender is unknown, may not write, and sends nonsense
      Given a cluster
      And the hooks see every write
      And "mallory" may do nothing
      When somebody with a garbage token sends <nonsense>
      Then the request is refused by authentication
      When "mallory" sends <nonsense>
      Then the request is refused by authorization
      When "alice" sends <nonsense>
      Then the request is refused by decoding

      Examples: nonsense
        | nonsense                    |
        | a malformed pod             |
        | a malformed change of a pod |

  @id:REQ-03 @must @role:apiserver @needs:store
  Rule: A request with invalid credentials MUST be refused before any later stage

    @needs:authentication @needs:admission
    Scenario Outline: the token is garbage
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      When "alice" tries to get pods
      And somebody with <token> tries to <verb> <resource>
      Then the request is refused by authentication
      And no stage after authentication has seen it and nothing was stored

      Examples: tokens
        | token                                | verb             | resource     |
        | a garbage token                      | create           | pods         |
        | a garbage token                      | update           | pods         |
        | a garbage token                      | patch            | pods         |
        | a garbage token                      | delete           | pods         |
        | a garbage token                      | deletecollection | pods         |
        | a garbage token                      | get              | pods         |
        | a garbage token                      | list             | pods         |
        | a garbage token                      | watch            | pods         |
        | a garbage token                      | patch            | pods/status  |
        | a garbage token                      | create           | pods/binding |
        | a garbage token after a small bearer | create           | pods         |
        | a garbage token after a small bearer | list             | pods         |
        | a valid token with garbage behind    | create           | pods         |
        | a valid token with garbage behind    | list             | pods         |
        | a valid token that is cut short      | create           | pods         |
        | a valid token that is cut short      | list             | pods         |
        | a garbage token                      | list             | nodes        |
        | a garbage token                      | delete           | deployments  |
        | a garbage token                      | update           | leases       |
        | a garbage token                      | patch            | leases       |
        | a garbage token                      | get              | version      |
        | a garbage token                      | get              | api          |
        | a garbage token                      | get              | apis         |

    @needs:authentication @needs:admission
    Scenario: the token is garbage and everything of a kind is wanted
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      When somebody with a garbage token tries to list pods everywhere
      Then the request is refused by authentication
      And no stage after authentication has seen it and nothing was stored

    @needs:authentication @needs:admission
    Scenario Outline: the token is an account's but for the signature
      Given a cluster
      And the hooks see every write
      And a serviceaccount "old" exists
      When "alice" tries to create serviceaccounts/token
      And somebody with a forged token tries to <verb> <resource>
      Then the request is refused by authentication
      And no stage after authentication has seen it and nothing was stored

      Examples: operations
        | verb   | resource |
        | create | pods     |
        | list   | pods     |

    @needs:authentication @needs:admission
    Scenario: the token is garbage and somebody else is said to ask
      Given a cluster
      And the hooks see every write
      When "alice" tries to create pods
      And somebody with a garbage token tries to create configmaps in the name of "alice"
      Then the request is refused by authentication
      And no stage after authentication has seen it and nothing was stored

    @needs:authentication @needs:admission @needs:tls @needs:certificates
    Scenario Outline: the certificate does not count
      Given a cluster
      And the hooks see every write
      When somebody with <certificate> creates a pod "web"
      Then the request is refused by authentication
      And no stage after authentication has seen it and nothing was stored

      Examples: certificates
        | certificate                   |
        | an expired certificate        |
        | a certificate of a foreign CA |

  @id:REQ-08 @must @role:apiserver @needs:authorization @needs:admission @needs:store
  Rule: A user who may not do an operation on a resource MUST be refused it, and only it

    Scenario Outline: one operation is forbidden
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And "mallory" may not <verb> <resource>
      When "mallory" tries to <verb> <resource>
      Then the request is refused by authorization
      And no stage after authorization has seen it and nothing was stored
      And "mallory" can <other>

      Examples: operations
        | verb             | resource              | other                  |
        | create           | pods                  | create configmaps      |
        | list             | pods                  | get pods               |
        | get              | pods                  | list pods              |
        | watch            | pods                  | list pods              |
        | delete           | pods                  | get pods               |
        | update           | pods                  | get pods               |
        | patch            | pods                  | patch pods/status      |
        | deletecollection | pods                  | list pods              |
        | patch            | pods/status           | patch pods             |
        | update           | pods/status           | update pods            |
        | get              | pods/status           | get pods               |
        | create           | pods/binding          | create pods            |
        | create           | configmaps            | list configmaps        |
        | get              | secrets               | list secrets           |
        | delete           | secrets               | list secrets           |
        | patch            | deployments           | list deployments       |
        | patch            | deployments/scale     | list deployments       |
        | delete           | nodes                 | list nodes             |
        | create           | serviceaccounts/token | create serviceaccounts |

    Scenario Outline: the whole is allowed, and a part of it is forbidden
      Given a cluster
      And the hooks see every write
      And a <kind> "old" exists
      And "mallory" may not <verb> <part>
      When "mallory" tries to <verb> <part>
      Then the request is refused by authorization
      And no stage after authorization has seen it and nothing was stored
      And "mallory" can <verb> <whole>

      Examples: parts
        | kind       | verb   | part               | whole       |
        | node       | patch  | nodes/status       | nodes       |
        | deployment | update | deployments/scale  | deployments |
        | deployment | get    | deployments/scale  | deployments |
        | deployment | patch  | deployments/status | deployments |
        | replicaset | patch  | replicasets/scale  | replicasets |

    Scenario: what is forbidden is only rehearsed
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And "mallory" may not update pods
      When "mallory" tries to rehearse pods
      Then the request is refused by authorization
      And no stage after authorization has seen it and nothing was stored
      And "mallory" can get pods

    Scenario Outline: what is not there would be created by another verb
      Given a cluster
      And the hooks see every write
      And "mallory" may not create <resource>
      When "mallory" tries to <verb> <resource>
      Then "mallory" is answered 403 Forbidden
      And no stage after mutation has seen it and nothing was stored

      Examples: verbs
        | verb      | resource   |
        | upsert    | leases     |
        | establish | configmaps |

    Scenario Outline: who may not do it says that somebody else does
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And "mallory" may do nothing
      When "alice" tries to patch pods
      And "mallory" tries to <verb> <resource> in the name of "alice"
      Then the request is refused by authorization
      And no stage after authorization has seen it and nothing was stored

      Examples: operations
        | verb   | resource |
        | create | pods     |
        | get    | secrets  |

    Scenario Outline: a role lets somebody read something else
      Given a cluster
      And the hooks see every write
      And a namespace "harbour" exists
      And a configmap "old" exists
      And "mallory" may do nothing but read <what>
      When "mallory" tries to <verb> <resource>
      Then the request is refused by authorization
      And no stage after authorization has seen it and nothing was stored

      Examples: what the role is about
        | what                                  | verb  | resource   |
        | configmaps called "other"             | get   | configmaps |
        | configmaps called "other"             | list  | configmaps |
        | configmaps called "other"             | watch | configmaps |
        | configmaps in the namespace "harbour" | get   | configmaps |
        | configmaps                            | get   | secrets    |

    Scenario Outline: a role lets somebody read, and they would write
      Given a cluster
      And the hooks see every write
      And a configmap "old" exists
      And "mallory" may do nothing but read configmaps
      When "mallory" tries to <verb> configmaps
      Then the request is refused by authorization
      And no stage after authorization has seen it and nothing was stored

      Examples: ways to write
        | verb             |
        | create           |
        | patch            |
        | delete           |
        | deletecollection |

    Scenario: a role in one namespace lets somebody read, and they would read everywhere
      Given a cluster
      And the hooks see every write
      And a namespace "harbour" exists
      And "mallory" may do nothing but read configmaps in the namespace "harbour"
      When "mallory" tries to list configmaps everywhere
      Then the request is refused by authorization
      And no stage after authorization has seen it and nothing was stored

    Scenario Outline: what lies in all namespaces is forbidden
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And "mallory" may not <verb> pods everywhere
      When "mallory" tries to <verb> pods everywhere
      Then the request is refused by authorization
      And no stage after authorization has seen it and nothing was stored
      And "mallory" can <verb> pods

      Examples: operations
        | verb  |
        | list  |
        | watch |

    Scenario Outline: another operation was allowed before
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And "mallory" may not <verb> pods
      When "mallory" tries to <other>
      And "mallory" tries to <verb> pods
      Then the request is refused by authorization
      And no stage after authorization has seen it and nothing was stored

      Examples: what was allowed
        | verb   | other             |
        | create | create configmaps |
        | create | list pods         |
        | delete | get pods          |

    Scenario Outline: the same was allowed before, of another object or to somebody else
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And a pod "other" exists
      And "mallory" may not <verb> pods
      When <before>
      And "mallory" tries to <verb> pods
      Then the request is refused by authorization
      And no stage after authorization has seen it and nothing was stored

      Examples: what was allowed
        | verb   | before                            |
        | delete | "mallory" deletes the pod "other" |
        | patch  | "mallory" changes the pod "other" |
        | patch  | "alice" changes the pod "old"     |

    Scenario: the same was allowed in another namespace before
      Given a cluster
      And the hooks see every write
      And a namespace "harbour" exists
      And "mallory" may not create pods in the namespace "harbour"
      When "mallory" tries to create pods
      And "mallory" creates a pod "web" in the namespace "harbour"
      Then the request is refused by authorization
      And no stage after authorization has seen it and nothing was stored

  @id:REQ-18 @must @role:apiserver @needs:store
  Rule: An object MUST be stored before its sender is told of success

    @needs:pause
    Scenario Outline: the store hangs
      Given a cluster
      And a pod "old" exists
      And etcd is paused
      When "alice" begins to <write>
      Then "alice" is not told of success while etcd is paused
      When etcd is resumed
      Then everything that "alice" was told of is stored

      Examples: writes
        | write                |
        | create a pod         |
        | replace a pod        |
        | patch a pod          |
        | patch a pod's status |
        | bind a pod           |
        | delete a pod         |

    @needs:kill
    Scenario Outline: the store is away
      Given a cluster
      And a pod "old" exists
      And etcd is stopped
      When "alice" begins to <write>
      Then "alice" is not told of success while etcd is stopped
      When etcd is started again
      Then everything that "alice" was told of is stored

      Examples: writes
        | write        |
        | create a pod |
        | patch a pod  |
        | delete a pod |

    @needs:kill
    Scenario: the API server dies right after its answer
      Given a cluster
      When "alice" creates a pod "web"
      And "bob" creates a lease "web"
      And the API server is killed and started again
      Then the lease "web" is what "bob" was told
      And the pod "web" is what "alice" was told
      When "alice" changes the pod "web"
      And the API server is killed and started again
      Then the pod "web" is what "alice" was told

    @needs:kill
    Scenario Outline: the API server dies right after its answer about a part of a pod
      Given a cluster
      And a pod "old" exists
      When "alice" tries to <verb> <resource>
      And the API server is killed and started again
      Then everything that "alice" was told of is stored

      Examples: parts
        | verb   | resource     |
        | create | pods/binding |
        | patch  | pods/status  |

    @needs:kill
    Scenario Outline: the API server dies right after its answer about a scale
      Given a cluster
      And a <kind> "old" exists
      When "alice" tries to <verb> <resource>
      And the API server is killed and started again
      Then everything that "alice" was told of is stored

      Examples: ways to scale
        | kind       | verb   | resource          |
        | deployment | update | deployments/scale |
        | deployment | patch  | deployments/scale |
        | replicaset | patch  | replicasets/scale |

    @needs:kill
    Scenario: etcd dies right after the answer
      Given a cluster
      And a configmap "old" exists
      When "alice" deletes the configmap "old"
      And "bob" creates a pod "web"
      And etcd is killed and started again
      Then "alice" can list configmaps
      And the pod "web" is what "bob" was told
      When "alice" tries to get configmaps
      Then "alice" is answered 404 NotFound

    @needs:admission
    Scenario Outline: somebody else changes the object while the request is on its way
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And validation is held up
      When "alice" begins to <write>
      And "carol" changes the pod "old"
      And validation goes on
      Then everything that "alice" was told of is stored

      Examples: writes
        | write                |
        | delete a pod         |
        | patch a pod          |
        | replace a pod        |
        | patch a pod's status |
        | bind a pod           |

  @id:REQ-20 @must @role:apiserver @needs:admission @needs:store
  Rule: A request that is refused at any stage MUST leave no trace

    @needs:authentication @needs:authorization
    Scenario Outline: a pod is refused
      Given a cluster
      And the hooks see every write
      And "mallory" may do nothing
      And admission refuses pods named "evil"
      And "bob" watches pods
      When <somebody> creates a pod "<name>"
      Then the request is refused by <stage>
      And neither the store nor "bob" has got to know of a pod "<name>"

      Examples: stages that refuse
        | somebody                      | name | stage          |
        | somebody with a garbage token | web  | authentication |
        | "mallory"                     | web  | authorization  |
        | "alice"                       | evil | admission      |
        | "alice"                       | Web! | validation     |

    @needs:authentication @needs:authorization
    Scenario Outline: a change of a pod is refused
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And "mallory" may do nothing
      And admission refuses pods named "old"
      When <somebody> tries to <verb> <resource>
      Then the request is refused by <stage>
      And no stage after <stage> has seen it and nothing was stored

      Examples: changes that are refused
        | somebody                      | verb   | resource     | stage          |
        | somebody with a garbage token | patch  | pods         | authentication |
        | "mallory"                     | patch  | pods         | authorization  |
        | "alice"                       | patch  | pods         | admission      |
        | "alice"                       | delete | pods         | admission      |
        | "alice"                       | create | pods/binding | admission      |

    @needs:authentication @needs:authorization
    Scenario Outline: something else is refused
      Given a cluster
      And the hooks see every write
      And "mallory" may do nothing
      And admission refuses everything
      When <somebody> tries to create <resource>
      Then the request is refused by <stage>
      And no stage after <stage> has seen it and nothing was stored

      Examples: what is refused
        | somebody                      | resource    | stage          |
        | somebody with a garbage token | services    | authentication |
        | "mallory"                     | configmaps  | authorization  |
        | "alice"                       | configmaps  | admission      |
        | "alice"                       | services    | admission      |
        | "alice"                       | deployments | admission      |

    Scenario Outline: something else has a name that cannot be
      Given a cluster
      And the hooks see every write
      When "alice" creates a <kind> "Web!"
      Then the request is refused by validation
      And no stage after mutation has seen it and nothing was stored

      Examples: kinds
        | kind       |
        | configmap  |
        | service    |
        | deployment |

    Scenario: a change of a pod makes no sense
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      When "alice" sends a change of a pod that leaves no containers
      Then the request is refused by validation
      And no stage after mutation has seen it and nothing was stored
