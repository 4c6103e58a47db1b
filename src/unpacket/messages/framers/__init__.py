"""The framers that come with unpacket, and how they are found by their names."""
