"""What Secrets and other objects give to a cluster's configuration."""
