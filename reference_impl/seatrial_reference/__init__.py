"""The reference: a textbook that runs. Every role of a Kubernetes control plane, small enough to be read."""
