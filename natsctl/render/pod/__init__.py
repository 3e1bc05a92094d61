"""The pod of one server."""
