"""The specs and statuses of both resources, one file for each block."""
