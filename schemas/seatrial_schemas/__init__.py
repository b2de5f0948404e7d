"""Contracts on the wire, shared by the suite, by the reference and by anybody's Python component.

Nothing here acts: JSON Schemas, protobuf subsets of etcd v3 and CRI v1, and the type of the `context` that a Python component is handed.
"""
