"""From a spec to Kubernetes manifests; what is rendered depends on nothing else."""
