"""Where the bytes of a capture come from: files, pipes, URLs, compressed or not."""
