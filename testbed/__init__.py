"""A real Kubernetes on one Linux machine, for demos, tests and benchmarks."""
