"""What running nats-servers say of themselves."""
