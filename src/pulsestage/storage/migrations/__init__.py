"""Schema changes, each a step from the one before."""
