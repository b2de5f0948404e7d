"""What every role needs and no role owns: the API client, informers, work queues, leader election, HTTP serving."""
