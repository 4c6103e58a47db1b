"""The one place that makes payload ``bytes`` from a batch.

The compiled twin is in the ``.pxd``: ``bytes(memoryview[a:b])`` costs some 150 ns
more a piece than a slice made in C.
"""

from unpacket._core.memory.batch import Batch


def octets(batch: Batch, start: int, length: int) -> bytes:
    """Return ``length`` bytes of the batch's buffer.

    Raises:
        IndexError: The buffer does not have them.
    """
    if start < 0 or length < 0 or start + length > len(batch.buffer):
        raise IndexError("no such bytes in the buffer")
    return bytes(memoryview(batch.buffer)[start : start + length])


def part(data: bytes, start: int, stop: int) -> bytes:
    """Return ``data[start:stop]``, of which all is there; faster than a slice."""
    return data[start:stop]
