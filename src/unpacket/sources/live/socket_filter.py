"""Filters that the kernel runs for a packet socket, made of what libpcap compiles.

libpcap compiles for frames as captures have them. On a socket two things differ: a
card or the kernel may have taken off the tag of a VLAN, and a socket without link
layers has no cooked header. The kernel answers for both at special places
(SKF_AD_OFF in linux/filter.h).
"""

from __future__ import annotations

import ctypes
import socket
from typing import TypeAlias

from unpacket.sources.bpf.libpcap import SNAPLEN
from unpacket.sources.live.constants import LINKTYPE_SLL2, SO_ATTACH_FILTER

Row: TypeAlias = tuple[int, int, int, int]

SPECIAL = 0xFFFFF000
PROTOCOL = SPECIAL
KIND = SPECIAL + 4
DEVICE = SPECIAL + 8
HARDWARE = SPECIAL + 28

SLL2_HEADER = 20
# Where the fields of a cooked header are that the kernel has elsewhere.
SLL2_FIELDS = {0: PROTOCOL, 4: DEVICE, 8: HARDWARE, 10: KIND}

LOADS = frozenset((0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0xB1))
FROM_INDEX = frozenset((0x40, 0x48, 0x50))
RETURN_CONSTANT = 0x06
WORD = 0x20
MOST_ROWS = 4096


class NotForSocketError(ValueError):
    """The kernel cannot be asked what a filter asks; ``args[0]`` says why."""


def socket_program(rows: list[Row], link_type: int, snaplen: int) -> list[Row]:
    """Return a program as the kernel has to run it.

    Args:
        rows: What libpcap made of a filter, for ``link_type``.
        snaplen: How many bytes of a frame that passes are kept.

    Raises:
        NotForSocketError: It asks something that only a cooked header has, or is too
            long for the kernel.
    """
    if len(rows) > MOST_ROWS:
        raise NotForSocketError(f"the kernel takes {MOST_ROWS} instructions")
    if link_type == LINKTYPE_SLL2:
        rows = [uncooked(row) for row in rows]
        snaplen = max(snaplen - SLL2_HEADER, 1)
    return [
        (code, jt, jf, kept(k, snaplen) if code == RETURN_CONSTANT else k)
        for code, jt, jf, k in rows
    ]


def kept(count: int, snaplen: int) -> int:
    """Return how much to keep of a frame of which a program would keep ``count``."""
    # What libpcap says of a frame that passes is its way to write: all of it.
    return snaplen if count >= SNAPLEN else min(count, snaplen)


def uncooked(row: Row) -> Row:
    """Return a load of a cooked frame as one of what the socket has."""
    code, jt, jf, k = row
    if code not in LOADS or k >= SPECIAL:
        return row
    if k >= SLL2_HEADER:
        return code, jt, jf, k - SLL2_HEADER
    if code in FROM_INDEX or k not in SLL2_FIELDS:
        raise NotForSocketError(f"there is no byte {k} of a cooked header there")
    # What is at such a place is a number of 32 bits, however it is loaded.
    return WORD, jt, jf, SLL2_FIELDS[k]


def attach(packet: socket.socket, rows: list[Row]) -> None:
    """Let the kernel run a program for each frame of a socket.

    Raises:
        OSError: It refuses the program.
    """
    program = (Instruction * len(rows))(*(Instruction(*row) for row in rows))
    whole = Program(len(rows), program)
    packet.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(whole))


class Instruction(ctypes.Structure):
    """``struct sock_filter``."""

    _fields_ = (
        ("code", ctypes.c_uint16),
        ("jt", ctypes.c_uint8),
        ("jf", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


class Program(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (
        ("length", ctypes.c_uint16),
        ("first", ctypes.POINTER(Instruction)),
    )
