@area:controllers @profile:controllers
Feature: Controllers make deployed resources run
  A controller compares what is wanted with what is, and writes the difference. It learns of both by subscribing at the API server.

  @id:CTRL-01 @must @smoke @role:controller-manager @role:apiserver @role:scheduler @role:kubelet
  Rule: Making the pods of a ReplicaSet MUST be the work of the controller manager and of nobody else

    @needs:kill @needs:requests
    Scenario: a ReplicaSet is created while the controller manager is away
      Given a cluster with 1 node
      And the controller manager is stopped
      When "alice" creates a replicaset "web" with 3 replicas
      Then nothing is made from the replicaset "web" for a while
      When the controller manager is started again
      Then the pods of "web" become running
      And every pod of "web" was created by the controller manager

    @needs:kill @needs:requests
    Scenario: a pod is lost while the controller manager is away
      Given a cluster with 1 node
      And a replicaset "web" with 2 replicas is running
      And the controller manager is stopped
      When "alice" deletes one pod of "web"
      Then exactly 1 pod of "web" is left
      When the controller manager is started again
      Then the pods of "web" become running
      And every pod of "web" was created by the controller manager

  @id:CTRL-03 @must @role:controller-manager @needs:hold @needs:requests
  Rule: Controllers MUST learn of changes by subscribing, not by polling

    Scenario: the controller manager's subscriptions are silent for a while
      Given a cluster with 1 node
      And the watch streams of the controller manager are held
      When "alice" creates a deployment "web" with 2 replicas
      Then the controller manager does nothing about "web" while the streams are held
      When the streams are released
      Then the pods of "web" become running

    Scenario: nothing changes for a while
      Given a cluster with 1 node
      When "alice" creates a deployment "web" with 2 replicas
      And the pods of "web" have become running
      Then the controller manager reads nothing again while nothing changes

    @needs:kill
    Scenario: pods wait for a node, and the watches have broken
      Given a cluster without nodes
      When "alice" creates a deployment "web" with 2 replicas
      And the pods of "web" have been created
      And the API server is killed and started again
      And every component has asked the API server again
      Then the controller manager reads nothing again while nothing changes

  @id:CTRL-04 @must @role:controller-manager @profile:observable
  Rule: Subscriptions of controllers MUST cover creation, modification and deletion

    Scenario: a deployment is created, scaled, and loses a pod
      Given a cluster with 1 node
      When "alice" creates a deployment "web" with 2 replicas
      Then the pods of "web" become running
      When "alice" scales the deployment "web" to 3 replicas
      Then the pods of "web" become running
      When "alice" deletes one pod of "web"
      Then the pods of "web" become running

    Scenario: a deployment is scaled down
      Given a cluster with 1 node
      And a deployment "web" with 3 replicas is running
      When "alice" scales the deployment "web" to 1 replica
      Then exactly 1 pod of "web" is left

    Scenario: a deployment is deleted
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      When "alice" deletes the deployment "web"
      Then exactly 0 pods of "web" are left

    Scenario: a deployment loses its ReplicaSet
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      When "alice" deletes the replicaset of "web"
      Then the pods of "web" become running

    @needs:admission
    Scenario: admission lets nobody change the ReplicaSet of a deployment for a while
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      And the hooks see every write
      And admission refuses replicasets of "web"
      When "alice" scales the deployment "web" to 4 replicas
      And admission refuses nothing any more
      Then the pods of "web" become running

    Scenario: somebody scales the ReplicaSet of a deployment
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      When "alice" scales the replicaset of "web"
      Then exactly 2 pods of "web" are left

    @needs:kill
    Scenario: a deployment is deleted while the controller manager is away
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      And the controller manager is stopped
      When "alice" deletes the deployment "web"
      And the controller manager is started again
      Then exactly 0 pods of "web" are left

    Scenario: the template changes twice, one change after the other
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      When "alice" changes the image of the deployment "web"
      And "alice" changes the environment of the deployment "web"
      Then exactly 2 pods of "web" are left

  @id:KCM-01 @must @role:controller-manager @profile:observable
  Rule: A deployment MUST own exactly one ReplicaSet per pod template, labelled with the template's hash

    Scenario: a deployment is created, scaled and given a new template
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      When "alice" scales the deployment "web" to 3 replicas
      And the pods of "web" have become running
      And "alice" changes the deployment "web"
      Then the deployment "web" owns 1 replicaset with a pod-template-hash
      When "alice" changes the image of the deployment "web"
      Then the deployment "web" owns 2 replicasets with different hashes
      When "alice" changes the environment of the deployment "web"
      Then the deployment "web" owns 3 replicasets with different hashes

    Scenario: a deployment that wants no pods is created and given a new template
      Given a cluster
      When "alice" creates a deployment "web" with 0 replicas
      Then the deployment "web" owns 1 replicaset with a pod-template-hash
      When "alice" changes the image of the deployment "web"
      Then the deployment "web" owns 2 replicasets with different hashes

    Scenario: a deployment chooses its pods by an expression
      Given a cluster with 1 node
      When "alice" creates a deployment "web" with 2 replicas that chooses by an expression
      Then the deployment "web" owns 1 replicaset with a pod-template-hash
      And the pods of "web" become running

    Scenario: another deployment has another template
      Given a cluster with 1 node
      And a deployment "shop" with 1 replicas is running
      And a deployment "web" with 1 replicas is running
      Then the deployment "web" owns 1 replicaset with a pod-template-hash

    Scenario: a template comes back
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      When "alice" changes the image of the deployment "web"
      Then the deployment "web" owns 2 replicasets with different hashes
      When "alice" changes the image of the deployment "web" back
      Then exactly 2 pods of "web" are left
      And the deployment "web" owns 2 replicasets with different hashes

    Scenario: the template loses what it had
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      When "alice" changes the environment of the deployment "web"
      Then the deployment "web" owns 2 replicasets with different hashes
      When "alice" changes the image of the deployment "web"
      And the pods of "web" have become running
      Then the deployment "web" owns 3 replicasets with different hashes

    Scenario: the template gets another label
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      When "alice" changes the labels of the deployment "web"
      And the pods of "web" have become running
      Then the deployment "web" owns 2 replicasets with different hashes

    Scenario: the pods are to begin anew
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      When "alice" changes the annotations of the deployment "web"
      And the pods of "web" have become running
      Then the deployment "web" owns 2 replicasets with different hashes

    Scenario: the pods are to have more time to end
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      When "alice" changes the patience of the deployment "web"
      And the pods of "web" have become running
      Then the deployment "web" owns 2 replicasets with different hashes

    Scenario: another deployment chooses the same pods by the same template
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      When "alice" creates a deployment "shop" with 2 replicas that chooses the pods of "web"
      Then exactly 4 pods of "web" are left
      And the deployment "shop" owns 1 replicaset with a pod-template-hash

    Scenario: the template changes before any pod runs
      Given a cluster without nodes
      And a deployment "web" with 2 replicas exists
      When the pods of "web" have been created
      And "alice" changes the image of the deployment "web"
      Then the deployment "web" owns 2 replicasets with different hashes

    Scenario: a namesake lives in another namespace
      Given a cluster with 1 node
      And a namespace "harbour" exists
      When "alice" creates a deployment "web" with 1 replicas in the namespace "harbour"
      And "alice" creates a deployment "web" with 2 replicas
      Then the pods of "web" become running

    @needs:runtime
    Scenario: it is a deployment of the system
      Given a cluster with 1 node
      When "alice" creates a deployment "web" with 2 replicas in the namespace "kube-system"
      Then the pods of "web" become running
      And the deployment "web" owns 1 replicaset with a pod-template-hash

    @needs:admission
    Scenario: admission lets nobody create its ReplicaSet for a while
      Given a cluster with 1 node
      And the hooks see every write
      And admission refuses replicasets of "web"
      When "alice" creates a deployment "web" with 2 replicas
      And admission refuses nothing any more
      Then the pods of "web" become running
      And the deployment "web" owns 1 replicaset with a pod-template-hash

    Scenario: a deployment shrinks to nothing and grows again
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      When "alice" scales the deployment "web" to 0 replicas
      Then exactly 0 pods of "web" are left
      When "alice" scales the deployment "web" to 2 replicas
      And the pods of "web" have become running
      Then the deployment "web" owns 1 replicaset with a pod-template-hash

    @needs:kill
    Scenario: the controller manager begins anew
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      When the controller manager is killed and started again
      And "alice" scales the deployment "web" to 3 replicas
      And the pods of "web" have become running
      Then the deployment "web" owns 1 replicaset with a pod-template-hash

  @id:KCM-02 @must @role:controller-manager @profile:observable
  Rule: A ReplicaSet MUST keep exactly as many matching pods as it is told, under names that are never used again

    Scenario: the number changes and pods are lost
      Given a cluster with 1 node
      And a replicaset "web" with 3 replicas is running
      When "alice" deletes one pod of "web"
      And the pods of "web" have become running
      And "alice" scales the replicaset "web" to 5 replicas
      And the pods of "web" have become running
      And "alice" scales the replicaset "web" to 2 replicas
      Then exactly 2 pods of "web" are left
      And no name of a pod of "web" was used twice and never more were created than were missing

    Scenario: no pods are wanted any more
      Given a cluster with 1 node
      And a replicaset "web" with 2 replicas is running
      When "alice" scales the replicaset "web" to 0 replicas
      Then exactly 0 pods of "web" are left

    @needs:hold @needs:requests
    Scenario: the controller manager does not yet see the pods that it has made
      Given a cluster with 1 node
      And the watch streams of the controller manager on pods are held
      When "alice" creates a replicaset "web" with 3 replicas
      Then at most 3 pods of "web" were ever created
      When "alice" scales the replicaset "web" to 5 replicas
      And the streams are released
      Then the pods of "web" become running
      And no name of a pod of "web" was used twice and never more were created than were missing

    Scenario: a pod matches no longer
      Given a cluster with 1 node
      And a replicaset "web" with 2 replicas is running
      When "alice" takes the label from one pod of "web"
      Then the pods of "web" become running
      And no name of a pod of "web" was used twice and never more were created than were missing

    Scenario: a pod comes that nobody owns
      Given a cluster with 1 node
      And a replicaset "web" with 2 replicas is running
      When "alice" creates a pod "web"
      Then exactly 2 pods of "web" are left

    Scenario: a pod comes to match that nobody owns
      Given a cluster with 1 node
      And a replicaset "web" with 2 replicas is running
      And a pod "solo" is running
      When "alice" gives the pod "solo" the label of "web"
      Then exactly 2 pods of "web" are left

    @needs:runtime
    Scenario: a pod takes its time to go
      Given a cluster with 1 node
      And a pod "web" is running
      When "alice" creates a replicaset "web" with 2 replicas
      And the pods of "web" have become running
      And containers take their time to stop
      And "alice" deletes the pod "web"
      Then exactly 2 pods of "web" are left

    Scenario: a pod that would match is in another namespace
      Given a cluster with 1 node
      And a replicaset "web" with 2 replicas is running
      And a namespace "harbour" exists
      When "alice" creates a pod "web" in the namespace "harbour"
      And "alice" scales the replicaset "web" to 3 replicas
      Then exactly 4 pods of "web" are left

    Scenario: a deployment wants more pods
      Given a cluster with 1 node
      And a deployment "web" with 2 replicas is running
      When "alice" scales the deployment "web" to 5 replicas
      Then the pods of "web" become running
      And no name of a pod of "web" was used twice and never more were created than were missing

    Scenario: many pods are wanted
      Given a cluster
      When "alice" creates a replicaset "web" with 25 replicas
      Then exactly 25 pods of "web" are left

    @needs:kill
    Scenario: a ReplicaSet comes again under its name while the controller manager is away
      Given a cluster
      And a replicaset "web" with 2 replicas exists
      When the pods of "web" have been created
      And the controller manager is stopped
      And "alice" deletes the replicaset "web"
      And "alice" creates a replicaset "web" with 2 replicas
      And the controller manager is started again
      Then exactly 2 pods of "web" are left

    Scenario: a pod of a ReplicaSet has ended
      Given a cluster
      And a pod "old" exists
      When "alice" creates a replicaset "old" with 2 replicas
      And the pods of "old" have been created
      Then "alice" can finish pods/status
      And exactly 2 pods of "old" are left

    Scenario: the pods are chosen by an expression
      Given a cluster
      And a pod "solo" exists
      When "alice" creates a replicaset "web" with 2 replicas that chooses by an expression
      Then exactly 2 pods of "web" are left

    Scenario: two ReplicaSets choose the same pods
      Given a cluster
      And a replicaset "web" with 2 replicas exists
      When the pods of "web" have been created
      And "alice" creates a replicaset "shop" with 2 replicas that chooses the pods of "web"
      Then exactly 4 pods of "web" are left

    @needs:admission
    Scenario: admission lets nobody create its pods for a while
      Given a cluster with 1 node
      And the hooks see every write
      And admission refuses pods of "web"
      When "alice" creates a replicaset "web" with 2 replicas
      And admission refuses nothing any more
      Then the pods of "web" become running

    @needs:admission
    Scenario: admission lets nobody delete its pods for a while
      Given a cluster
      And the hooks see every write
      And a replicaset "web" with 3 replicas exists
      When the pods of "web" have been created
      And admission refuses the deletion of pods of "web"
      And "alice" scales the replicaset "web" to 1 replica
      And admission refuses nothing any more
      Then exactly 1 pod of "web" is left

    Scenario: a pod is lost before it has a node
      Given a cluster
      And a replicaset "web" with 2 replicas exists
      When the pods of "web" have been created
      And "alice" deletes one pod of "web"
      Then exactly 2 pods of "web" are left
      And no name of a pod of "web" was used twice and never more were created than were missing

    @needs:runtime
    Scenario: what runs in its pods ends, and is started again
      Given a cluster with 1 node
      And a replicaset "web" with 2 replicas is running
      When the containers of the pod "web" end
      Then exactly 2 pods of "web" are left
      And no name of a pod of "web" was used twice and never more were created than were missing

    @needs:runtime
    Scenario: it is a ReplicaSet of the system
      Given a cluster with 1 node
      When "alice" creates a replicaset "web" with 2 replicas in the namespace "kube-system"
      Then the pods of "web" become running

    Scenario: the name of another ReplicaSet begins with its own
      Given a cluster with 1 node
      And a replicaset "web-2" with 2 replicas is running
      When "alice" creates a replicaset "web" with 2 replicas
      Then the pods of "web" become running
      And exactly 2 pods of "web-2" are left

    @needs:kill
    Scenario: pods are lost before and after the controller manager begins anew
      Given a cluster with 1 node
      And a replicaset "web" with 2 replicas is running
      When "alice" deletes one pod of "web"
      And the pods of "web" have become running
      And the controller manager is killed and started again
      And "alice" deletes one pod of "web"
      Then the pods of "web" become running
      And no name of a pod of "web" was used twice and never more were created than were missing
