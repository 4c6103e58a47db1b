"""Where bytes lie: frames in batches, payload in chains of blocks."""
