"""The headers of IP: where what they carry begins and ends, and what is malformed.

Whoever forwards packets drops those that end systems read differently (RFC 791,
RFC 8200, RFC 6864).
"""

from __future__ import annotations

import struct

from unpacket._core.native import sums

TCP = 6
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60
EXTENSIONS = frozenset((HOP_BY_HOP, ROUTING, DESTINATION))
# IPv4 options that name a way (RFC 791): hosts refuse them, or follow them.
SOURCE_ROUTES = frozenset((131, 137))
OPTION_END, OPTION_NOP = 0, 1
MAX_PACKET_BYTES = 65535


class Refused(Exception):
    """A packet that must not go on.

    Attributes:
        reason: A word for the statistics.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def word_sum(data: bytes) -> int:
    """Return the sum of the 16-bit words, modulo 2**16 - 1 (RFC 1071)."""
    return sums.octets_sum(data, 0, len(data))


def be16(data: bytes, at: int) -> int:
    """Return the two bytes at ``at`` as a number."""
    high = data[at]
    low = data[at + 1]
    return high << 8 | low


def be32(data: bytes, at: int) -> int:
    """Return the four bytes at ``at`` as a number."""
    high = be16(data, at)
    low = be16(data, at + 2)
    return high << 16 | low


class Envelope:
    """An IP packet without regard to what it carries.

    Attributes:
        head_bytes: How long the IP header is, with the extension headers.
        protocol: What follows it.
        stop: Where the packet ends; bytes behind it are padding.
        fragment: ``(identification, offset, more)``, or None where it is whole.
        next_at: Where the number stands that says what follows the last header
            before a fragment header (IPv6).
    """

    __slots__ = ("fragment", "head_bytes", "next_at", "protocol", "stop")

    head_bytes: int
    protocol: int
    stop: int
    fragment: tuple[int, int, bool] | None
    next_at: int


def opened(data: bytes) -> Envelope:
    """Read an IP header.

    Raises:
        Refused: It is malformed, names a way, or has a wrong checksum.
    """
    version = data[0] >> 4 if data else 0
    if version == 4:
        return opened_4(data)
    if version == 6:
        return opened_6(data)
    raise Refused("ip_version")


def opened_4(data: bytes) -> Envelope:
    """Read an IPv4 header; see ``opened``."""
    if len(data) < 20:
        raise Refused("ip_length")
    length = (data[0] & 15) * 4
    total = be16(data, 2)
    # Super-frames of more than 64 KiB have no length (BIG TCP).
    stop = total or len(data)
    if length < 20 or not length <= stop <= len(data):
        raise Refused("ip_length")
    if sums.octets_sum(data, 0, length):
        raise Refused("ip_checksum")
    if length > 20:
        check_ip_options(data[20:length])
    word = be16(data, 6)
    found = Envelope.__new__(Envelope)
    found.head_bytes = length
    found.protocol = data[9]
    found.stop = stop
    found.next_at = 9
    found.fragment = None
    if word & 0x3FFF:
        number = be16(data, 4)
        found.fragment = (number, (word & 0x1FFF) * 8, bool(word & 0x2000))
    return found


def check_ip_options(options: bytes) -> None:
    """Raise Refused for what Linux drops: malformed ones, and source routes."""
    at = 0
    while at < len(options):
        kind = options[at]
        if kind == OPTION_END:
            return
        if kind == OPTION_NOP:
            at += 1
            continue
        length = options[at + 1] if at + 1 < len(options) else 0
        if kind in SOURCE_ROUTES or length < 2 or at + length > len(options):
            raise Refused("ip_options")
        # The pointers of record route and timestamp count from 1 (RFC 791).
        least = {7: 4, 68: 5}.get(kind, 0)
        if least and (length < least - 1 or length < 3 or options[at + 2] < least):
            raise Refused("ip_options")
        at += length


def opened_6(data: bytes) -> Envelope:
    """Read an IPv6 header and its extension headers; see ``opened``."""
    if len(data) < 40:
        raise Refused("ip_length")
    stop = 40 + int.from_bytes(data[4:6], "big")
    if stop == 40 and len(data) > 40 + MAX_PACKET_BYTES:
        stop = len(data)
    if stop > len(data):
        raise Refused("ip_length")
    found = Envelope()
    found.stop = stop
    found.fragment = None
    found.next_at = 6
    at, kind = 40, data[6]
    while kind in EXTENSIONS:
        length = (data[at + 1] + 1) * 8 if at + 2 <= stop else 0
        if not length or at + length > stop:
            raise Refused("ip_length")
        # Segments left: the packet goes elsewhere than its header says.
        if kind == ROUTING and data[at + 3]:
            raise Refused("ip_options")
        found.next_at = at
        kind, at = data[at], at + length
    if kind == FRAGMENT:
        if at + 8 > stop:
            raise Refused("ip_length")
        word, number = struct.unpack_from(">HI", data, at + 2)
        if word & 0xFFF9:
            found.fragment = (number, word & 0xFFF8, bool(word & 1))
        else:
            # A fragment that is the whole (RFC 6946) gets rid of its header.
            found.fragment = (number, 0, False)
        kind, at = data[at], at + 8
    found.head_bytes = at
    found.protocol = kind
    return found
