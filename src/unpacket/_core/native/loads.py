"""Reads numbers of either byte order from a buffer, without a look at its bounds.

The compiled twin is in the ``.pxd``.
"""


def load16(data: bytes | bytearray, at: int, big_endian: bool) -> int:
    """Return the 16 bits that the caller knows to be at ``at``."""
    return int.from_bytes(data[at : at + 2], "big" if big_endian else "little")


def load32(data: bytes | bytearray, at: int, big_endian: bool) -> int:
    """Return the 32 bits that the caller knows to be at ``at``."""
    return int.from_bytes(data[at : at + 4], "big" if big_endian else "little")
