"""Small processes beside a server: they import nothing of the operator."""
