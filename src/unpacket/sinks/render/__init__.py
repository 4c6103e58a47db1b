"""A conversation as something to read."""
