"""What all controllers share: the process, its lease, its health, its turns."""
