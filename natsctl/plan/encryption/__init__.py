"""The keys that volumes are encrypted with: the wanted one, and those of before."""
