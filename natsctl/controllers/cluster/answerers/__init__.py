"""How each kind of query is asked."""
