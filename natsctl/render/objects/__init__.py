"""The Services, the Secret, the NetworkPolicy and the volumes' claims of a cluster."""
