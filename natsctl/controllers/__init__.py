"""The running operator: supervisor, lease, actors, HTTP server."""
