"""Zeroed memory: small from Python, large from the system, in large pages if asked."""

import mmap
from typing import TypeAlias

Block: TypeAlias = bytearray | mmap.mmap

# From here on memory is the system's own, which zeroes no page before it is written,
# and moves none to let it grow.
LARGE_BYTES = 1 << 18


def space(size: int, large_pages: bool = False) -> Block:
    """Return ``size`` bytes of zeros, which take memory once they are written.

    Args:
        large_pages: Whether a page may have 2 MiB, where the system has such: the
            first byte that is written takes all of it.
    """
    if size < LARGE_BYTES:
        return bytearray(size)
    if not hasattr(mmap, "MAP_ANONYMOUS"):
        return mmap.mmap(-1, size)
    # What could be shared with other processes has small pages only, and cannot grow.
    block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if large_pages and hasattr(mmap, "MADV_HUGEPAGE"):
        block.madvise(mmap.MADV_HUGEPAGE)
    return block


def grown(block: Block, size: int) -> bool:
    """Let memory of the system's grow, and return whether it has.

    That moves no byte. While a copy is made there would be half as much again.
    """
    if not isinstance(block, mmap.mmap):
        return False
    try:
        block.resize(size)
    except (BufferError, OSError, SystemError, ValueError):
        # Somebody looks at it, or this system cannot.
        return False
    return True
