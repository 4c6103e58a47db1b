"""What is said once in Python and once in C; see ``_core.native``."""
