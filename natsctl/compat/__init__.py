"""Private parts of libraries: each module uses one, and says which version it was read from."""
