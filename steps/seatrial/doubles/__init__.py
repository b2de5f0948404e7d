"""Components that the suite itself serves, to observe and to provoke: the tap, the webhooks, the container runtime."""
