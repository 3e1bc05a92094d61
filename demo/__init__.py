"""The demo: Kubernetes, natsctl and NATS clusters under clients that never stop."""
