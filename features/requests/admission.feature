@area:requests @profile:api
Feature: Admission
  What changes the state passes admission: plugins that may look at the object, change it, or refuse it. Reads have nothing to admit.

  @id:REQ-11 @must @role:apiserver @needs:hooks
  Rule: Every create, update and delete MUST pass admission

    Scenario Outline: a pod is written
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      When "alice" tries to <verb> pods
      Then admission has been asked about the <operation>

      Examples: ways to write
        | verb             | operation |
        | create           | creation  |
        | update           | update    |
        | patch            | update    |
        | delete           | deletion  |
        | deletecollection | deletion  |

  @id:REQ-12 @must @role:apiserver @needs:hooks
  Rule: Reads MUST skip admission

    Scenario Outline: admission would refuse everything
      Given a cluster
      And a pod "old" exists
      And the hooks see every write
      And admission refuses everything
      When "alice" tries to <verb> pods
      Then "alice" can <verb> pods
      And admission was not asked, though it is about the next write

      Examples: ways to read
        | verb  |
        | get   |
        | list  |
        | watch |

  @id:REQ-13 @must @role:apiserver @needs:hooks @needs:store
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

    Scenario Outline: an existing object would be changed
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And admission refuses everything
      When "alice" tries to <verb> pods
      Then the request is refused by admission
      And the pod "old" is as it was

      Examples: ways to change it
        | verb   |
        | update |
        | patch  |
        | delete |

  @id:REQ-14 @must @role:apiserver @needs:hooks @needs:store
  Rule: What admission makes of an object MUST be what is checked, stored, answered and told to watchers

    Scenario Outline: a hook adds a label
      Given a cluster
      And the hooks see every write
      And a pod "old" exists
      And mutation labels every pod "tide=high"
      And mutation is held up
      And "bob" watches pods
      When "alice" begins to <verb> a pod
      Then the request has come to mutation and no further
      When mutation goes on
      Then validation, the store, the answer and "bob" see the label "tide=high"

      Examples: writes with an object
        | verb   |
        | create |
        | update |
        | patch  |
