@area:availability @profile:availability
Feature: One at a time
  Schedulers and controller managers may have standbys, but only one of them works at a time. Which one is recorded in a Lease that the
  active one renews; a standby takes over when the record has not changed for the length of the lease.

  @id:HA-04 @must @role:scheduler @needs:replicas @needs:requests
  Rule: Only one scheduler MUST work at a time

    Scenario: pods arrive at three schedulers
      Given a cluster with 1 node and 3 schedulers
      When "alice" creates a deployment "web" with 6 replicas
      And the pods of "web" have become running
      Then all work of the schedulers was asked for by the one that holds the lease
      When "alice" scales the deployment "web" to 9 replicas
      And the pods of "web" have become running
      Then all work of the schedulers was asked for by the one that holds the lease

    @needs:kill @needs:admission @needs:store
    Scenario: the active scheduler is stopped while it has work to do
      Given a cluster with 1 node and 3 schedulers
      And the hooks see every write
      And the scheduler is stopped
      When "alice" creates a pod "web"
      And admission refuses pods named "web"
      And the scheduler is started again
      And the active scheduler is stopped
      Then another scheduler takes the lease, and not before it has expired or been released
      And all work of the schedulers was asked for by the one that holds the lease

    @needs:cut
    Scenario: the active scheduler has lost the API server, and finds it again
      Given a cluster with 1 node and 3 schedulers
      When the active scheduler is cut off from every API server
      Then another scheduler takes the lease, and not before it has expired
      When the scheduler is connected again
      And "alice" creates a deployment "web" with 6 replicas
      And the pods of "web" have become running
      Then all work of the schedulers was asked for by the one that holds the lease
      When "alice" scales the deployment "web" to 9 replicas
      And the pods of "web" have become running
      Then all work of the schedulers was asked for by the one that holds the lease

    @needs:hold
    Scenario: the active scheduler finds its lease in other hands
      Given a cluster with 1 node and 3 schedulers
      When the active scheduler is kept from its lease until somebody else has it
      And "alice" creates a deployment "web" with 3 replicas
      And the pods of "web" have become running
      Then all work of the schedulers was asked for by the one that holds the lease

    @needs:hold @needs:kill @needs:admission @needs:store
    Scenario: the active scheduler finds its lease in other hands while it has work to do
      Given a cluster with 1 node and 3 schedulers
      And the hooks see every write
      And the scheduler is stopped
      When "alice" creates a pod "web"
      And admission refuses pods named "web"
      And the scheduler is started again
      Then the pod "web" is stored and stays unbound
      When the active scheduler is kept from its lease until somebody else has it
      Then all work of the schedulers was asked for by the one that holds the lease

    @needs:pause
    Scenario: the active scheduler is frozen, and thaws
      Given a cluster with 1 node and 3 schedulers
      When the active scheduler is paused
      Then another scheduler takes the lease, and not before it has expired
      When the scheduler is resumed
      And node "node-2" joins
      And "alice" creates a pod "solo"
      And the pod "solo" has become running
      Then another scheduler takes the lease, and not before it has expired

  @id:HA-05 @must @smoke @role:controller-manager @needs:replicas @needs:requests
  Rule: Only one controller manager MUST work at a time

    Scenario: a deployment arrives at three controller managers
      Given a cluster with 1 node and 3 controller managers
      When "alice" creates a deployment "web" with 6 replicas
      And the pods of "web" have become running
      Then all work of the controller managers was asked for by the one that holds the lease
      When "alice" scales the deployment "web" to 9 replicas
      And the pods of "web" have become running
      Then all work of the controller managers was asked for by the one that holds the lease
      And exactly 9 pods of "web" were ever created

    Scenario: pods and their deployment go at three controller managers
      Given a cluster with 1 node and 3 controller managers
      And a deployment "web" with 3 replicas is running
      When "alice" scales the deployment "web" to 1 replica
      And the pods of "web" have become running
      And "alice" deletes the deployment "web"
      Then all work of the controller managers was asked for by the one that holds the lease

    @needs:kill
    Scenario: the active controller manager is killed and begins anew
      Given a cluster with 1 node and 3 controller managers
      When the active controller manager is killed
      And "alice" creates a deployment "web" with 6 replicas
      And the controller manager is started again
      And the pods of "web" have become running
      Then all work of the controller managers was asked for by the one that holds the lease

    @needs:kill @needs:admission @needs:store
    Scenario: the active controller manager is stopped while it has work to do
      Given a cluster with 1 node and 3 controller managers
      And the hooks see every write
      And admission refuses pods of "web"
      When "alice" creates a deployment "web" with 2 replicas
      And the active controller manager is stopped
      Then another controller manager takes the lease, and not before it has expired or been released
      And all work of the controller managers was asked for by the one that holds the lease

    @needs:cut
    Scenario: the active controller manager has lost the API server, and finds it again
      Given a cluster with 1 node and 3 controller managers
      When the active controller manager is cut off from every API server
      Then another controller manager takes the lease, and not before it has expired
      When the controller manager is connected again
      And "alice" creates a deployment "web" with 6 replicas
      And the pods of "web" have become running
      Then all work of the controller managers was asked for by the one that holds the lease
      When "alice" scales the deployment "web" to 9 replicas
      And the pods of "web" have become running
      Then all work of the controller managers was asked for by the one that holds the lease

    @needs:hold
    Scenario: the active controller manager finds its lease in other hands
      Given a cluster with 1 node and 3 controller managers
      When the active controller manager is kept from its lease until somebody else has it
      And "alice" creates a deployment "web" with 3 replicas
      And the pods of "web" have become running
      Then all work of the controller managers was asked for by the one that holds the lease

    @needs:hold @needs:admission @needs:store
    Scenario: the active controller manager finds its lease in other hands while it has work to do
      Given a cluster with 1 node and 3 controller managers
      And the hooks see every write
      And admission refuses pods of "web"
      When "alice" creates a deployment "web" with 2 replicas
      And the active controller manager is kept from its lease until somebody else has it
      Then all work of the controller managers was asked for by the one that holds the lease

    @needs:pause
    Scenario: the active controller manager is frozen, and thaws
      Given a cluster with 1 node and 3 controller managers
      When the active controller manager is paused
      Then another controller manager takes the lease, and not before it has expired
      When the controller manager is resumed
      And node "node-2" joins
      And "alice" creates a pod "solo"
      And the pod "solo" has become running
      Then another controller manager takes the lease, and not before it has expired

  @id:HA-06 @must @role:scheduler @role:controller-manager @needs:replicas @needs:requests
  Rule: Standbys MUST write nothing but leases and reviews

    Scenario Outline: everybody works while standbys stand by
      Given a cluster with 1 node and 3 <components>
      When "alice" creates a deployment "web" with 4 replicas
      And the pods of "web" have become running
      And "alice" scales the deployment "web" to 1 replica
      And the pods of "web" have become running
      And "alice" deletes the deployment "web"
      Then the standby <components> wrote nothing but leases and reviews

      Examples: components with standbys
        | components          |
        | schedulers          |
        | controller managers |

    @needs:kill
    Scenario Outline: all of them begin anew while there is work
      Given a cluster with 1 node and 3 <components>
      When the <component> is stopped
      And "alice" creates a deployment "web" with 3 replicas
      And the <component> is started again
      And the pods of "web" have become running
      Then the standby <components> wrote nothing but leases and reviews

      Examples: components with standbys
        | components          | component          |
        | schedulers          | scheduler          |
        | controller managers | controller manager |

    Scenario: pods wait for a node while standbys stand by
      Given a cluster with 1 node and 3 schedulers
      And every node is cordoned
      When "alice" creates a deployment "web" with 2 replicas
      And the pods of "web" have been created
      And every node is uncordoned
      And the pods of "web" have become running
      Then the standby schedulers wrote nothing but leases and reviews

    Scenario: a pod that nobody owns comes while standbys stand by
      Given a cluster with 1 node and 3 controller managers
      And a replicaset "web" with 2 replicas is running
      When "alice" creates a pod "web"
      Then exactly 2 pods of "web" are left
      And the standby controller managers wrote nothing but leases and reviews

    @needs:kill
    Scenario Outline: nodes go and come while standbys stand by
      Given a cluster with 2 nodes and 3 <components>
      And a deployment "web" with 2 replicas is running
      And the kubelet of "node-1" is stopped
      When "alice" deletes the node "node-1"
      And node "node-3" joins
      And "alice" creates a pod "next"
      And the pod "next" has been bound
      Then the standby <components> wrote nothing but leases and reviews

      Examples: components with standbys
        | components          |
        | schedulers          |
        | controller managers |

  @id:HA-07 @must @role:scheduler @role:controller-manager @needs:replicas @needs:requests @needs:store
  Rule: A standby MUST take over when the active one is gone, and not before its lease has expired or been released

    @needs:kill
    Scenario Outline: the active one is killed
      Given a cluster with 1 node and 3 <components>
      And a deployment "shop" with 2 replicas is running
      Then all work of the <components> was asked for by the one that holds the lease
      When the active <component> is killed
      And "alice" creates a deployment "web" with 3 replicas
      Then another <component> takes the lease, and not before it has expired
      And the pods of "web" become running
      And all work of the <components> was asked for by the one that holds the lease

      Examples: components with standbys
        | components          | component          |
        | schedulers          | scheduler          |
        | controller managers | controller manager |

    @needs:kill
    Scenario Outline: two are killed, one after the other
      Given a cluster with 1 node and 3 <components>
      When the active <component> is killed
      Then another <component> takes the lease, and not before it has expired
      When the active <component> is killed
      Then another <component> takes the lease, and not before it has expired

      Examples: components with standbys
        | components          | component          |
        | schedulers          | scheduler          |
        | controller managers | controller manager |

    @needs:kill
    Scenario Outline: the API server has been away before the active one goes
      Given a cluster with 1 node and 3 <components>
      And the API server is stopped
      Then nothing in the store changes for a while
      When the API server is started again
      And every component has asked the API server again
      And "alice" creates a deployment "web" with 3 replicas
      Then the pods of "web" become running
      When the active <component> is killed
      Then another <component> takes the lease, and not before it has expired

      Examples: components with standbys
        | components          | component          |
        | schedulers          | scheduler          |
        | controller managers | controller manager |

    @needs:kill
    Scenario Outline: the active one is stopped cleanly
      Given a cluster with 1 node and 3 <components>
      When the active <component> is stopped
      Then another <component> takes the lease, and not before it has expired or been released
      When "alice" creates a deployment "web" with 3 replicas
      Then the pods of "web" become running
      And all work of the <components> was asked for by the one that holds the lease

      Examples: components with standbys
        | components          | component          |
        | schedulers          | scheduler          |
        | controller managers | controller manager |
