"""What the operator reads: the store, watches of the API. It acts, but only as the operator."""
