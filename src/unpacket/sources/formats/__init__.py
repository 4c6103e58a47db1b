"""The formats of captures: how each is known, and how its records are found."""
