"""What carries IP inside of other protocols, until the innermost TCP."""
