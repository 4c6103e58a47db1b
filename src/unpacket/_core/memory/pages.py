"""Zeroed memory: small from Python, large from the system, in large pages if asked."""

import mmap

# From here on memory is the system's own.
LARGE_BYTES = 1 << 21


def space(size: int, large_pages: bool = False) -> bytearray | mmap.mmap:
    """Return ``size`` bytes of zeros, which take memory once they are written.

    Args:
        large_pages: Whether a page may have 2 MiB, where the system has such: the
            first byte that is written takes all of it.
    """
    if size < LARGE_BYTES:
        return bytearray(size)
    if not large_pages or not hasattr(mmap, "MADV_HUGEPAGE"):
        return mmap.mmap(-1, size)
    # What could be shared with other processes has small pages only.
    block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    block.madvise(mmap.MADV_HUGEPAGE)
    return block
