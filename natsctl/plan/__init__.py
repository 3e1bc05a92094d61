"""ClusterState in, Plan out: every rule about when to touch a server lives here, and no I/O."""
