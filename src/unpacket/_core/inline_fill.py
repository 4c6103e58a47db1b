"""Blocks of bytes that are filled from the front, and in the end cut to size.

The compiled twin is in the ``.pxd``: there a block is not cleared before it is filled,
and to fill it takes no object.
"""

from unpacket._core.batch import Batch


def block(size: int) -> bytearray:
    """Return a block; what is in it does not matter."""
    return bytearray(size)


def fill(target: bytearray, at: int, batch: Batch, start: int, length: int) -> None:
    """Copy ``length`` bytes of the batch's buffer into a block.

    Raises:
        IndexError: The buffer does not have them, or the block no room.
    """
    fill_bytes(target, at, batch.buffer, start, length)


def fill_bytes(
    target: bytearray, at: int, source: bytes | bytearray, start: int, length: int
) -> None:
    """Copy ``length`` bytes into a block.

    Raises:
        IndexError: There are not so many, or the block has no room.
    """
    if at < 0 or start < 0 or length < 0:
        raise IndexError("no such bytes in the buffer")
    if at + length > len(target) or start + length > len(source):
        raise IndexError("no such bytes in the buffer")
    target[at : at + length] = memoryview(source)[start : start + length]


def cut(target: bytearray, size: int) -> None:
    """Let a block be no longer than that."""
    del target[size:]
