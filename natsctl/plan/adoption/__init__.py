"""Whose a cluster is, and what becomes of one that somebody else made."""
