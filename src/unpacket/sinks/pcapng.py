"""pcapng blocks (draft-ietf-opsawg-pcapng), as far as frames and comments need them.

Little-endian, with times in nanoseconds. A file is a section header, a description
of each interface, and a block for each packet.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache

SECTION_HEADER = 0x0A0D0D0A
INTERFACE_DESCRIPTION = 1
NAME_RESOLUTION = 4
ENHANCED_PACKET = 6
DECRYPTION_SECRETS = 10
MAGIC = 0x1A2B3C4D

RECORD_IPV4 = 1
RECORD_IPV6 = 2

END_OF_OPTIONS = 0
COMMENT = 1
USER_APPLICATION = 4
IF_NAME = 2
IF_TIMESTAMP_RESOLUTION = 9
IF_FCS_LENGTH = 13
IF_TIMESTAMP_OFFSET = 14

NANOSECONDS = b"\x09"
NS = 1_000_000_000
# Added to the times of an interface that has seen packets from before 1970, since
# they are counted without a sign: all seconds that 63 bits of nanoseconds hold, since
# readers take no more (it is the year 1677 that they begin in).
EARLIER_S = (1 << 63) // NS

# What the length of an option can say.
MOST_OPTION_BYTES = 65535

# How many of them are remembered: each file has one, and most have the same.
DESCRIPTIONS = 64

_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")
_PACKET = struct.Struct("<IIIIIII")
_TOTAL = struct.Struct("<I")
_OPTION = struct.Struct("<HH")
_SECTION = struct.pack("<IHHq", MAGIC, 1, 0, -1)
_NO_MORE = _OPTION.pack(END_OF_OPTIONS, 0)
# Type, two lengths, interface, time, two lengths of the packet.
_PACKET_BYTES = 32


def section_header(
    comments: Sequence[str] = (), application: str | None = None
) -> bytes:
    """Return the block that begins a file."""
    said = options(comments, (USER_APPLICATION, application))
    return block(SECTION_HEADER, _SECTION + said)


@lru_cache(DESCRIPTIONS)
def interface_description(
    link_type: int,
    *,
    name: str = "",
    snaplen: int = 0,
    fcs_bytes: int | None = None,
    earlier: bool = False,
) -> bytes:
    """Return the block of an interface; they are numbered from 0 in their order.

    Args:
        snaplen: How many bytes of a packet were kept; 0 for all.
        fcs_bytes: How many bytes of frame check sequence end each frame, if known.
        earlier: Whether its packets may be from before 1970.
    """
    offset = struct.pack("<q", -EARLIER_S) if earlier else None
    said = options(
        (),
        (IF_NAME, name or None),
        (IF_TIMESTAMP_RESOLUTION, NANOSECONDS),
        (IF_FCS_LENGTH, None if fcs_bytes is None else bytes([fcs_bytes])),
        (IF_TIMESTAMP_OFFSET, offset),
    )
    fixed = struct.pack("<HHI", link_type, 0, snaplen)
    return block(INTERFACE_DESCRIPTION, fixed + said)


def enhanced_packet(
    interface: int,
    time_ns: int,
    data: bytes,
    original: int,
    comments: Sequence[str] = (),
    *,
    earlier: bool = False,
) -> bytes:
    """Return the block of a packet.

    Args:
        original: How long it was on the wire.
        earlier: What the description of the interface says.
    """
    ticks = max(0, time_ns + EARLIER_S * NS) if earlier else time_ns
    length = len(data)
    padding = _PADDING[length & 3]
    said = options(comments) if comments else b""
    total = _PACKET_BYTES + length + len(padding) + len(said)
    head = _PACKET.pack(
        ENHANCED_PACKET,
        total,
        interface,
        ticks >> 32,
        ticks & 0xFFFFFFFF,
        length,
        original,
    )
    return b"".join((head, data, padding, said, _TOTAL.pack(total)))


def decryption_secrets(kind: int, data: bytes) -> bytes:
    """Return the block of keys; ``kind`` is their format's number."""
    head = struct.pack("<II", kind, len(data))
    return block(DECRYPTION_SECRETS, head + data + _PADDING[len(data) & 3])


def name_resolution(names: Mapping[str, Sequence[str]]) -> bytes:
    """Return the block of host names by address."""
    records = []
    for address, known in names.items():
        packed = ipaddress.ip_address(address).packed
        value = packed + b"".join(name.encode() + b"\0" for name in known)
        value = value[:MOST_OPTION_BYTES]
        kind = RECORD_IPV4 if len(packed) == 4 else RECORD_IPV6
        records.append(option(kind, value))
    return block(NAME_RESOLUTION, b"".join(records) + _NO_MORE)


def block(kind: int, body: bytes) -> bytes:
    """Return a block with a body whose length is a multiple of four."""
    total = len(body) + 12
    return struct.pack("<II", kind, total) + body + struct.pack("<I", total)


def options(comments: Sequence[str], *others: tuple[int, str | bytes | None]) -> bytes:
    """Return comments and other options, those without a value left out."""
    said = [option(COMMENT, cut(comment)) for comment in comments]
    for code, value in others:
        if value is not None:
            data = cut(value) if isinstance(value, str) else value
            said.append(option(code, data))
    if said:
        said.append(_NO_MORE)
    return b"".join(said)


def option(code: int, data: bytes) -> bytes:
    """Return one option."""
    return _OPTION.pack(code, len(data)) + data + _PADDING[len(data) & 3]


def cut(text: str) -> bytes:
    """Return text as UTF-8, of which an option takes so much."""
    data = text.encode("utf-8", "replace")
    if len(data) <= MOST_OPTION_BYTES:
        return data
    return data[:MOST_OPTION_BYTES].decode("utf-8", "ignore").encode()
