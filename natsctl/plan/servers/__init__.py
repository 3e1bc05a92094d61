"""The servers of a cluster: who they are, what each runs, and what is wrong with it."""
