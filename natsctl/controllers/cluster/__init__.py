"""The controller of one NatsCluster."""
