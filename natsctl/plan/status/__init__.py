"""What is told of a cluster: status, conditions, numbers."""
