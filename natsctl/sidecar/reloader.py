"""Signals nats-server once for each real change of its configuration."""
