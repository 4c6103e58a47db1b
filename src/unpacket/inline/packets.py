"""IP packets with TCP taken apart, and put together again with right checksums.

Offsets do not come here: numbers are those on the wire. What is malformed is refused
with a reason, as a word: whoever forwards packets drops those that end systems read
differently (RFC 9293, RFC 8200, RFC 6864).
"""

from __future__ import annotations

import struct

from unpacket._core.native import octets, sums
from unpacket.inline.envelope import (
    OPTION_END,
    OPTION_NOP,
    TCP,
    Envelope,
    Refused,
    be16,
    be32,
    word_sum,
)

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << n for n in range(8))

OPTION_MSS, OPTION_SCALE, OPTION_SACK_OK, OPTION_SACK = 2, 3, 4, 5
OPTION_TIMESTAMPS, OPTION_MD5, OPTION_AO = 8, 19, 29
MAX_SCALE = 14
MAX_OPTION_BYTES = 40

# Two NOPs, and the kind and length of the timestamps.
USUAL_TIMESTAMPS = 0x0101080A

_TCP = struct.Struct(">HHIIBBHHH")


class Packet:
    """An IP packet on its way.

    Attributes:
        data: From the IP header on.
        partial: Whether its TCP checksum holds the sum of the pseudo-header alone,
            and is filled by whoever has the device (checksum offload).
        gso_size: Into pieces of how many bytes of payload it is to be cut; 0: none.
        mark: The mark that the kernel gave it, or None.
        offload: What came before it from a device (struct virtio_net_hdr), which
            holds as long as nothing is changed; or nothing.
    """

    __slots__ = ("data", "gso_size", "mark", "offload", "partial")

    def __init__(
        self,
        data: bytes,
        partial: bool = False,
        gso_size: int = 0,
        mark: int | None = None,
        offload: bytes = b"",
    ) -> None:
        self.data = data
        self.offload = offload
        self.partial = partial
        self.gso_size = gso_size
        self.mark = mark


def packet_of(data: bytes, partial: bool, gso_size: int, offload: bytes) -> Packet:
    """Return a ``Packet`` without a mark; making one takes longer in compiled code."""
    made = Packet.__new__(Packet)
    made.data = data
    made.partial = partial
    made.gso_size = gso_size
    made.mark = None
    made.offload = offload
    return made


NO_PACKET = Packet(b"")


class Segment:
    """A TCP segment with its IP header.

    Attributes:
        packet: What it was made of.
        head: The IP header, with extension headers.
        source, target: Address and port, packed.
        key: The connection, whoever sends.
        reserved: The reserved bits of the header, as they came.
        options: As they came, without what is behind an end-of-options.
        body_at, body_stop: Where the payload lies in the packet.
        payload: Empty until ``load`` was called.
        partial: See ``Packet``.
        has_timestamps: Whether there are ``ts_value`` and ``ts_echo`` (RFC 7323).
    """

    __slots__ = (
        "ack",
        "body_at",
        "body_stop",
        "flags",
        "gso_size",
        "has_timestamps",
        "head",
        "key",
        "mark",
        "options",
        "packet",
        "partial",
        "payload",
        "reserved",
        "seq",
        "source",
        "target",
        "ts_echo",
        "ts_value",
        "urgent",
        "window",
    )

    packet: Packet
    head: bytes
    source: bytes
    target: bytes
    key: tuple[bytes, bytes]
    seq: int
    ack: int
    reserved: int
    flags: int
    window: int
    urgent: int
    options: bytes
    body_at: int
    body_stop: int
    payload: bytes
    partial: bool
    gso_size: int
    mark: int | None
    has_timestamps: bool
    ts_value: int
    ts_echo: int

    def load(self) -> None:
        """Copy the payload out of the packet, to be looked at or changed."""
        self.payload = octets.part(self.packet.data, self.body_at, self.body_stop)

    def copy(self) -> Segment:
        """Return another with the same contents."""
        other = Segment.__new__(Segment)
        other.packet = self.packet
        other.head = self.head
        other.source = self.source
        other.target = self.target
        other.key = self.key
        other.seq = self.seq
        other.ack = self.ack
        other.reserved = self.reserved
        other.flags = self.flags
        other.window = self.window
        other.urgent = self.urgent
        other.options = self.options
        other.body_at = self.body_at
        other.body_stop = self.body_stop
        other.payload = self.payload
        other.partial = self.partial
        other.gso_size = self.gso_size
        other.mark = self.mark
        other.has_timestamps = self.has_timestamps
        other.ts_value = self.ts_value
        other.ts_echo = self.ts_echo
        return other

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.head[0] >> 4

    @property
    def header_bytes(self) -> int:
        """How long the headers of IP and TCP are."""
        return len(self.head) + 20 + len(self.options)

    def sent(self) -> Packet:
        """Return the packet that it was made of, if it still says the same."""
        packet = self.packet
        data = packet.data
        at = len(self.head)
        options = self.options
        stop = at + 20 + len(options)
        if (
            stop + len(self.payload) == len(data)
            and _TCP.unpack_from(data, at)[2:7]
            == (
                self.seq,
                self.ack,
                (20 + len(options)) // 4 << 4 | self.reserved,
                self.flags,
                self.window,
            )
            and data.startswith(self.head)
            and data[at + 20 : stop] == options
            and data[at + 18 : at + 20] == self.urgent.to_bytes(2, "big")
            and data.endswith(self.payload)
        ):
            return packet
        return self.built()

    def built(self) -> Packet:
        """Return the packet, with lengths and checksums of what is in it now."""
        options = self.options
        address_bytes = len(self.source) - 2
        tcp = _TCP.pack(
            be16(self.source, address_bytes),
            be16(self.target, address_bytes),
            self.seq,
            self.ack,
            (20 + len(options)) // 4 << 4 | self.reserved,
            self.flags,
            self.window,
            0,
            self.urgent,
        )
        body = tcp + options + self.payload
        pseudo = pseudo_sum(
            self.source[:address_bytes], self.target[:address_bytes], len(body)
        )
        field = fold(pseudo)
        if not self.partial:
            field = 0xFFFF - fold(pseudo + word_sum(body))
        body = b"".join(
            (tcp[:16], field.to_bytes(2, "big"), tcp[18:], options, self.payload)
        )
        # One that is small is cut no more.
        gso_size = self.gso_size if len(self.payload) > self.gso_size else 0
        data = with_length(self.head, len(body)) + body
        return Packet(data, self.partial, gso_size, self.mark)


def pseudo_sum(source: bytes, target: bytes, length: int) -> int:
    """Return the sum of the pseudo-header of TCP."""
    return word_sum(source + target) + length + TCP


def fold(total: int) -> int:
    """Return a sum as the field of 16 bits; 0 where it is 0 in either notation."""
    return total % 0xFFFF


def with_length(head: bytes, length: int) -> bytes:
    """Return an IP header for another length of what follows it."""
    if head[0] >> 4 == 6:
        return head[:4] + (len(head) - 40 + length).to_bytes(2, "big") + head[6:]
    fresh = bytearray(head)
    fresh[2:4] = (len(head) + length).to_bytes(2, "big")
    fresh[10:12] = b"\0\0"
    fresh[10:12] = (0xFFFF - word_sum(bytes(fresh))).to_bytes(2, "big")
    return bytes(fresh)


def with_ttl(head: bytes, ttl: int) -> bytes:
    """Return an IP header with another time to live; the checksum is not redone."""
    at = 7 if head[0] >> 4 == 6 else 8
    return head[:at] + bytes((ttl,)) + head[at + 1 :]


def ttl_of(head: bytes) -> int:
    """Return the time to live, or hop limit."""
    return head[7 if head[0] >> 4 == 6 else 8]


def segment_of(packet: Packet, envelope: Envelope) -> Segment:
    """Take the TCP segment of a whole IP packet apart.

    Raises:
        Refused: It is malformed, or its checksum is wrong.
    """
    data = packet.data
    at, stop = envelope.head_bytes, envelope.stop
    if stop - at < 20:
        raise Refused("tcp_length")
    length = (data[at + 12] >> 4) * 4
    if length < 20 or at + length > stop:
        raise Refused("tcp_length")
    found = Segment.__new__(Segment)
    found.packet = packet
    found.head = octets.part(data, 0, at)
    first, second, third = (8, 24, 40) if data[0] >> 4 == 6 else (12, 16, 20)
    if not packet.partial:
        # Of the pseudo-header: both addresses, the length, and the protocol.
        total = sums.octets_sum(data, first, third) + stop - at + TCP
        if (total + sums.octets_sum(data, at, stop)) % 0xFFFF:
            raise Refused("tcp_checksum")
    found.source = octets.part(data, first, second) + octets.part(data, at, at + 2)
    found.target = octets.part(data, second, third) + octets.part(data, at + 2, at + 4)
    if found.source < found.target:
        found.key = (found.source, found.target)
    else:
        found.key = (found.target, found.source)
    found.seq = be32(data, at + 4)
    found.ack = be32(data, at + 8)
    found.reserved = data[at + 12] & 15
    found.flags = data[at + 13]
    found.window = be16(data, at + 14)
    found.urgent = be16(data, at + 18)
    found.options = octets.part(data, at + 20, at + length)
    found.body_at = at + length
    found.body_stop = stop
    found.payload = b""
    found.partial = packet.partial
    found.gso_size = packet.gso_size
    found.mark = packet.mark
    found.has_timestamps = False
    found.ts_value = found.ts_echo = 0
    # What almost every segment of Linux has: two NOPs and the timestamps.
    if length == 32 and be32(data, at + 20) == USUAL_TIMESTAMPS:
        found.has_timestamps = True
        found.ts_value = be32(data, at + 24)
        found.ts_echo = be32(data, at + 28)
    elif length > 20:
        stamps = options_of(found.options).get(OPTION_TIMESTAMPS)
        if stamps is not None and len(stamps) == 8:
            found.has_timestamps = True
            found.ts_value = be32(stamps, 0)
            found.ts_echo = be32(stamps, 4)
    return found


def options_of(options: bytes) -> dict[int, bytes]:
    """Return the options of a TCP header by kind, as far as they are well-formed.

    Of a kind that stands there twice the last counts, as in Linux.
    """
    found: dict[int, bytes] = {}
    at = 0
    while at < len(options):
        kind = options[at]
        if kind == OPTION_END:
            break
        if kind == OPTION_NOP:
            at += 1
            continue
        length = options[at + 1] if at + 1 < len(options) else 0
        if length < 2 or at + length > len(options):
            break
        found[kind] = options[at + 2 : at + length]
        at += length
    return found


def packed_options(options: dict[int, bytes]) -> bytes:
    """Return a TCP header's options, padded, as many as there is room for."""
    packed = b""
    for kind, value in options.items():
        option = bytes((kind, 2 + len(value))) + value
        if len(packed) + len(option) <= MAX_OPTION_BYTES:
            packed += option
    return packed + b"\x01" * (-len(packed) % 4)
