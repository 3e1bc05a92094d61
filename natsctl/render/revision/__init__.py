"""What a pod was made from, and what a change of it costs."""
