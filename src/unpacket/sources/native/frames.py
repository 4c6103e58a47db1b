"""Copies a frame from one batch into the buffer of another.

The compiled twin is in the ``.pxd``: to assign a slice of a memoryview costs more than
all else that is done for a frame.
"""

from unpacket._core.memory.batch import Batch


def copy(target: Batch, at: int, source: Batch, start: int, length: int) -> None:
    """Copy ``length`` bytes from ``start`` of ``source`` to ``at`` of ``target``.

    Raises:
        IndexError: One of the buffers does not have them.
        TypeError: The buffer of ``target`` cannot be written to.
    """
    if at < 0 or start < 0 or length < 0:
        raise IndexError("no such bytes in the buffer")
    if at + length > len(target.buffer) or start + length > len(source.buffer):
        raise IndexError("no such bytes in the buffer")
    if not isinstance(target.buffer, bytearray):
        raise TypeError("the buffer is not a bytearray")
    octets = memoryview(source.buffer)[start : start + length]
    target.buffer[at : at + length] = octets
