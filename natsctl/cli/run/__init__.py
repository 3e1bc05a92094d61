"""The commands that pods run."""
