"""Whether servers and the API server can take what a well-formed spec says."""
