@area:requests @profile:api
Feature: A request's way through the API server
  A request is authenticated, authorized, admitted, stored, and then answered. Each stage sees only what the one before has let pass, and
  whoever is refused learns it from the stage that refused.

  @id:REQ-01 @must @role:apiserver @needs:hooks @needs:store
  Rule: A request MUST be authenticated, authorized, admitted, stored and answered in this order

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

    Scenario: the sender is unknown, may not write, and sends nonsense
      Given a cluster
      And the hooks see every write
      And "mallory" may do nothing
      When somebody with a garbage token sends a malformed pod
      Then the request is refused by authentication
      When "mallory" sends a malformed pod
      Then the request is refused by authorization
      When "alice" sends a malformed pod
      Then the request is refused by decoding

  @id:REQ-03 @must @role:apiserver @needs:store
  Rule: A request with invalid credentials MUST be refused before any later stage

    @needs:hooks
    Scenario: the token is garbage
      Given a cluster
      And the hooks see every write
      When somebody with a garbage token creates a pod "web"
      Then the request is refused by authentication
      And no stage after authentication has seen it and nothing was stored

    @needs:hooks @needs:tls @needs:certificates
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

  @id:REQ-08 @must @role:apiserver @needs:hooks @needs:store
  Rule: A user who may not do an operation on a resource MUST be refused it, and only it

    Scenario Outline: one operation is forbidden
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And "mallory" may not <verb> <resource>
      When "mallory" tries to <verb> <resource>
      Then the request is refused by authorization
      And no stage after authorization has seen it and nothing was stored
      And "mallory" can <other> <resource>

      Examples: operations
        | verb             | resource    | other |
        | create           | pods        | list  |
        | list             | pods        | get   |
        | get              | pods        | list  |
        | watch            | pods        | list  |
        | delete           | pods        | get   |
        | patch            | pods        | get   |
        | deletecollection | pods        | list  |
        | patch            | pods/status | get   |
        | create           | configmaps  | list  |

  @id:REQ-18 @must @role:apiserver @needs:store
  Rule: An object MUST be stored before its sender is told of success

    @needs:pause
    Scenario: the store hangs
      Given a cluster
      And etcd is paused
      When "alice" begins to create a pod
      Then "alice" is not told of success while etcd is paused
      When etcd is resumed
      Then everything that "alice" was told of is stored

    @needs:kill
    Scenario: the API server dies right after its answer
      Given a cluster
      When "alice" creates a pod "web"
      And the API server is killed and started again
      Then the pod "web" is what "alice" was told

  @id:REQ-20 @must @role:apiserver @needs:hooks @needs:store
  Rule: A request that is refused at any stage MUST leave no trace

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
