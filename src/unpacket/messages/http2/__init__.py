"""HTTP/2 (RFC 9113): frames, header blocks, and the exchanges that they interleave."""
