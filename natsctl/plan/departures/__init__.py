"""Servers that store streams and leave for good: each is emptied before, and forgotten after."""
