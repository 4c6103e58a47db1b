"""HTTP/1: where its messages begin and end, and what they carry."""
