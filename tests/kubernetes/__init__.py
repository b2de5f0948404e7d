"""What only real Kubernetes can show; its binaries must be in the cache: `make implementations`, then `make conformance-kubernetes`."""
