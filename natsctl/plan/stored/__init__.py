"""What is stored keeps a spec from counting that would lose it, or lose the way to it."""
