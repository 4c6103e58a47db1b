"""The one place that makes the pcapng block of a frame of a batch.

The compiled twin is in the ``.pxd``: there a block is filled in place.
"""

import struct

from unpacket._core.batch import Batch

ENHANCED_PACKET = 6

_HEAD = struct.Struct("<IIIIIII")
_TOTAL = struct.Struct("<I")


def packet_block(batch: Batch, i: int, interface: int) -> bytes:
    """Return the enhanced packet block, without options, of frame ``i``.

    Its time, which is not from before 1970, is in nanoseconds.

    Raises:
        IndexError: The batch has no such frame.
    """
    if not 0 <= i < batch.count:
        raise IndexError("no such frame in the batch")
    start = batch.start[i]
    length = batch.captured[i]
    time_ns = batch.time_ns[i]
    padding = -length & 3
    total = 32 + length + padding
    head = _HEAD.pack(
        ENHANCED_PACKET,
        total,
        interface,
        time_ns >> 32,
        time_ns & 0xFFFFFFFF,
        length,
        batch.original[i],
    )
    data = memoryview(batch.buffer)[start : start + length]
    return b"".join((head, data, bytes(padding), _TOTAL.pack(total)))
