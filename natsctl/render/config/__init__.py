"""nats.conf, block by block."""
