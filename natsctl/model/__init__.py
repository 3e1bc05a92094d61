"""The bottom: names, projections of objects, and the bounds of what comes from outside."""
