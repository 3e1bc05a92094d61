"""`natsctl report`: what may be shown of a cluster, and nothing else."""
