"""Blocks as the kernel writes them (linux/if_packet.h), for tests without a kernel."""

from __future__ import annotations

import struct
from typing import NamedTuple

BLOCK_HEADER = 48

NOT_READY = 0x8
HAS_VLAN = 0x10
HAS_VLAN_TYPE = 0x40
VALID = 0x80
OFFLOADED = 0x100


class Shown(NamedTuple):
    """A frame as the ring shows it."""

    data: bytes
    time_ns: int = 0
    original: int = 0
    status: int = 0
    tag: int = 0
    tag_type: int = 0x8100
    protocol: int = 0x0800
    device: int = 3
    hardware: int = 1
    kind: int = 0
    address: bytes = b"\2\0\0\0\0\1"
    room: int = 40


def block_of(frames: list[Shown]) -> bytes:
    """Return a block with these frames."""
    parts = [bytes(BLOCK_HEADER)]
    for one in frames:
        start = 68 + one.room
        size = (start + len(one.data) + 15) & ~15
        seconds, fraction = divmod(one.time_ns, 10**9)
        head = struct.pack(
            "=6I2H2IH10x",
            size,
            seconds,
            fraction,
            len(one.data),
            one.original or len(one.data),
            one.status,
            start,
            start,
            0,
            one.tag,
            one.tag_type,
        )
        assert len(head) == 48, len(head)
        address = struct.pack(
            "=H2sIHBB8s",
            17,
            one.protocol.to_bytes(2, "big"),
            one.device,
            one.hardware,
            one.kind,
            len(one.address),
            one.address,
        )
        body = head + address + bytes(one.room) + one.data
        parts.append(body.ljust(size, b"\0"))
    return b"".join(parts)
