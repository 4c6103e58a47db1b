"""The other programs: each is run, bounded, and its output read."""
