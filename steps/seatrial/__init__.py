"""Sea trials for Kubernetes control planes: an executable specification of how the machinery works."""

__version__ = "0.1.0"
