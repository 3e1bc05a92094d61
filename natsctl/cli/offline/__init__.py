"""Commands that need no API server."""
