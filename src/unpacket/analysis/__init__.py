"""What is slow about a connection, and who is to blame: flags, conversations, plots."""
