"""A topology and a descriptor become a running cluster, whatever the backend: hosts, then doubles, then values, then boot."""
