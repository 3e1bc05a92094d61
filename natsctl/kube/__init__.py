"""The API server: transport, client, watch streams and the stores they feed."""
