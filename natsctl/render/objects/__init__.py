"""The Services, the Secret and the NetworkPolicy of a cluster."""
