"""natsctl: a Kubernetes operator for NATS."""

__version__ = "0.1.0"
