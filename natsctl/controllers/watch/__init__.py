"""What is known of the API server's content."""
