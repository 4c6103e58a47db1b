"""The one place that writes the pcapng block of a frame of a batch.

The compiled twin is in the ``.pxd``: there a block is filled in place.
"""

import struct

from unpacket._core.memory.batch import Batch

ENHANCED_PACKET = 6

_HEAD = struct.Struct("<IIIIIII")
_TOTAL = struct.Struct("<I")


def block_bytes(batch: Batch, i: int) -> int:
    """Return how long the block of frame ``i`` is, without options.

    Raises:
        IndexError: The batch has no such frame.
    """
    if not 0 <= i < batch.count:
        raise IndexError("no such frame in the batch")
    length = batch.captured[i]
    return 32 + length + (-length & 3)


def put_block(target: bytearray, at: int, batch: Batch, i: int, options: bytes) -> None:
    """Write the enhanced packet block of frame ``i``, with the options.

    It is of interface 0. Its time, which is not from before 1970, is in nanoseconds.
    The options are as they stand in a block, a multiple of four bytes.

    Raises:
        IndexError: The batch has no such frame, or the target no room.
    """
    total = block_bytes(batch, i) + len(options)
    if at < 0 or at + total > len(target):
        raise IndexError("no such bytes in the buffer")
    start = batch.start[i]
    length = batch.captured[i]
    time_ns = batch.time_ns[i]
    head = _HEAD.pack(
        ENHANCED_PACKET,
        total,
        0,
        time_ns >> 32,
        time_ns & 0xFFFFFFFF,
        length,
        batch.original[i],
    )
    data = memoryview(batch.buffer)[start : start + length]
    padding = bytes(-length & 3)
    target[at : at + total] = b"".join(
        (head, data, padding, options, _TOTAL.pack(total))
    )
