"""Packets from a device and to it: one call of the kernel each, and one copy at most.

The compiled twin is in the ``.pxd``: Python has to make room for the largest packet
before each one that it reads.
"""

import os


def read_packet(descriptor: int, head: bytearray, room: bytearray) -> bytes | None:
    """Read a packet, its first bytes into ``head``; return the others.

    ``room`` is what the others are read into on their way. None: no packet waits.

    Raises:
        OSError: The device is gone.
    """
    try:
        count = os.readv(descriptor, [head, room])
    except BlockingIOError:
        return None
    return bytes(room[: max(count - len(head), 0)])


def write_packet(descriptor: int, head: bytes, data: bytes) -> bool:
    """Write a packet; return whether the kernel took it."""
    try:
        os.writev(descriptor, [head, data])
    except OSError:
        return False
    return True
