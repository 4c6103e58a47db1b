"""Bytes copied into memory that is filled piece by piece, and out of it.

The compiled twin is in the ``.pxd``: there it takes no object.
"""

from typing import Any

from unpacket._core.memory.batch import Batch


def fill(
    target: "memoryview[int]", at: int, batch: Batch, start: int, length: int
) -> None:
    """Copy ``length`` bytes of the batch's buffer.

    Raises:
        IndexError: The buffer does not have them, or the target no room.
    """
    put(target, at, batch.buffer, start, length)


def fill_bytes(
    target: "memoryview[int]", at: int, source: bytes, start: int, length: int
) -> None:
    """Copy ``length`` bytes.

    Raises:
        IndexError: There are not so many, or the target has no room.
    """
    put(target, at, source, start, length)


def fill_block(
    target: "memoryview[int]", at: int, source: bytearray, start: int, length: int
) -> None:
    """Copy ``length`` bytes.

    Raises:
        IndexError: There are not so many, or the target has no room.
    """
    put(target, at, source, start, length)


def move(
    target: bytearray, at: int, source: "memoryview[int]", start: int, length: int
) -> None:
    """Copy ``length`` bytes out of such memory.

    Raises:
        IndexError: There are not so many, or the target has no room.
    """
    put(target, at, source, start, length)


def keep(
    target: bytearray, at: int, source: "memoryview[int]", start: int, length: int
) -> None:
    """Copy ``length`` bytes of memory that need not be writable.

    Raises:
        IndexError: There are not so many, or the target has no room.
    """
    put(target, at, source, start, length)


def keep_bytes(
    target: bytearray, at: int, source: bytes, start: int, length: int
) -> None:
    """Copy ``length`` bytes.

    Raises:
        IndexError: There are not so many, or the target has no room.
    """
    put(target, at, source, start, length)


def put(target: Any, at: int, source: Any, start: int, length: int) -> None:
    """Copy bytes, if they are there and have room."""
    if at < 0 or start < 0 or length < 0:
        raise IndexError("no such bytes in the buffer")
    if at + length > len(target) or start + length > len(source):
        raise IndexError("no such bytes in the buffer")
    target[at : at + length] = memoryview(source)[start : start + length]
