"""IP packets with TCP taken apart, and put together again with right checksums.

Offsets do not come here: numbers are those on the wire. What is malformed is refused
with a reason, as a word: whoever forwards packets drops those that end systems read
differently (RFC 9293, RFC 8200, RFC 6864).
"""

from __future__ import annotations

import struct

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << n for n in range(8))

TCP = 6
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60
EXTENSIONS = frozenset((HOP_BY_HOP, ROUTING, DESTINATION))
# IPv4 options that name a way (RFC 791): hosts refuse them, or follow them.
SOURCE_ROUTES = frozenset((131, 137))
OPTION_END, OPTION_NOP = 0, 1
OPTION_MSS, OPTION_SCALE, OPTION_SACK_OK, OPTION_SACK = 2, 3, 4, 5
OPTION_TIMESTAMPS, OPTION_MD5, OPTION_AO = 8, 19, 29
MAX_SCALE = 14
MAX_OPTION_BYTES = 40
MAX_PACKET_BYTES = 65535

_TCP = struct.Struct(">HHIIBBHHH")


class Refused(Exception):
    """A packet that must not go on.

    Attributes:
        reason: A word for the statistics.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


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


NO_PACKET = Packet(b"")


class Segment:
    """A TCP segment with its IP header.

    Attributes:
        packet: What it was made of.
        head: The IP header, with extension headers.
        source, target: Address and port, packed.
        reserved: The reserved bits of the header, as they came.
        options: As they came, without what is behind an end-of-options.
        partial: See ``Packet``.
    """

    __slots__ = (
        "ack",
        "flags",
        "gso_size",
        "head",
        "mark",
        "options",
        "packet",
        "partial",
        "payload",
        "reserved",
        "seq",
        "source",
        "target",
        "timestamps",
        "urgent",
        "window",
    )

    packet: Packet
    head: bytes
    source: bytes
    target: bytes
    seq: int
    ack: int
    reserved: int
    flags: int
    window: int
    urgent: int
    options: bytes
    payload: bytes
    partial: bool
    gso_size: int
    mark: int | None
    timestamps: tuple[int, int] | None

    def copy(self) -> Segment:
        """Return another with the same contents."""
        other = Segment.__new__(Segment)
        for name in Segment.__slots__:
            setattr(other, name, getattr(self, name))
        return other

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.head[0] >> 4

    @property
    def key(self) -> tuple[bytes, bytes]:
        """The connection, whoever sends."""
        if self.source < self.target:
            return self.source, self.target
        return self.target, self.source

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
        tcp = _TCP.pack(
            int.from_bytes(self.source[-2:], "big"),
            int.from_bytes(self.target[-2:], "big"),
            self.seq,
            self.ack,
            (20 + len(options)) // 4 << 4 | self.reserved,
            self.flags,
            self.window,
            0,
            self.urgent,
        )
        body = tcp + options + self.payload
        pseudo = pseudo_sum(self.source[:-2], self.target[:-2], len(body))
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


def word_sum(octets: bytes | bytearray) -> int:
    """Return the sum of the 16-bit words, modulo 2**16 - 1 (RFC 1071)."""
    # One's complement addition of words is addition modulo 2**16 - 1.
    number = int.from_bytes(octets, "big")
    return (number << 8 if len(octets) & 1 else number) % 0xFFFF


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
    fresh[10:12] = (0xFFFF - word_sum(fresh)).to_bytes(2, "big")
    return bytes(fresh)


def with_ttl(head: bytes, ttl: int) -> bytes:
    """Return an IP header with another time to live; the checksum is not redone."""
    at = 7 if head[0] >> 4 == 6 else 8
    return head[:at] + bytes((ttl,)) + head[at + 1 :]


def ttl_of(head: bytes) -> int:
    """Return the time to live, or hop limit."""
    return head[7 if head[0] >> 4 == 6 else 8]


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
    total = int.from_bytes(data[2:4], "big")
    # Super-frames of more than 64 KiB have no length (BIG TCP).
    stop = total or len(data)
    if length < 20 or not length <= stop <= len(data):
        raise Refused("ip_length")
    if word_sum(data[:length]):
        raise Refused("ip_checksum")
    if length > 20:
        check_ip_options(data[20:length])
    word = int.from_bytes(data[6:8], "big")
    found = Envelope()
    found.head_bytes = length
    found.protocol = data[9]
    found.stop = stop
    found.next_at = 9
    found.fragment = None
    if word & 0x3FFF:
        number = int.from_bytes(data[4:6], "big")
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


def segment_of(packet: Packet, envelope: Envelope) -> Segment:
    """Take the TCP segment of a whole IP packet apart.

    Raises:
        Refused: It is malformed, or its checksum is wrong.
    """
    data = packet.data
    at, stop = envelope.head_bytes, envelope.stop
    if stop - at < 20:
        raise Refused("tcp_length")
    _, _, seq, ack, words, flags, window, _, urgent = _TCP.unpack_from(data, at)
    length = (words >> 4) * 4
    if length < 20 or at + length > stop:
        raise Refused("tcp_length")
    found = Segment()
    found.packet = packet
    found.head = data[:at]
    a, b = (
        (data[8:24], data[24:40]) if data[0] >> 4 == 6 else (data[12:16], data[16:20])
    )
    if not packet.partial:
        body = data[at:stop]
        if fold(pseudo_sum(a, b, len(body)) + word_sum(body)):
            raise Refused("tcp_checksum")
    found.source = a + data[at : at + 2]
    found.target = b + data[at + 2 : at + 4]
    found.seq = seq
    found.ack = ack
    found.reserved = words & 15
    found.flags = flags
    found.window = window
    found.urgent = urgent
    found.options = data[at + 20 : at + length]
    found.payload = data[at + length : stop]
    found.partial = packet.partial
    found.gso_size = packet.gso_size
    found.mark = packet.mark
    stamps = options_of(found.options).get(OPTION_TIMESTAMPS)
    found.timestamps = None
    if stamps is not None and len(stamps) == 8:
        found.timestamps = struct.unpack(">II", stamps)
    return found


def options_of(options: bytes) -> dict[int, bytes]:
    """Return the options of a TCP header by kind, as far as they are well-formed.

    Of a kind that stands there twice the last counts, as in Linux.
    """
    # What almost every segment of Linux has: two NOPs and the timestamps.
    if len(options) == 12 and options[:4] == b"\x01\x01\x08\x0a":
        return {OPTION_TIMESTAMPS: options[4:]}
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


def filled(packet: Packet) -> Packet:
    """Return a packet whose checksum of TCP is filled."""
    if not packet.partial:
        return packet
    envelope = opened(packet.data)
    if envelope.protocol != TCP:
        return packet
    segment = segment_of(packet, envelope)
    segment.partial = False
    return segment.built()


def pieces(packet: Packet, mtu: int) -> list[Packet]:
    """Return a packet as several that are no larger than a device takes.

    Whoever sends them itself has no device that would cut them.
    """
    if len(packet.data) <= mtu:
        return [packet]
    envelope = opened(packet.data)
    if envelope.protocol != TCP:
        return [packet]
    segment = segment_of(packet, envelope)
    size = mtu - segment.header_bytes
    parts = []
    for at in range(0, len(segment.payload), size):
        part = segment.copy()
        part.seq = segment.seq + at & 0xFFFFFFFF
        part.payload = segment.payload[at : at + size]
        part.gso_size = 0
        if at:
            part.flags &= ~CWR
        if at + size < len(segment.payload):
            part.flags &= ~(FIN | PSH)
        parts.append(part.built())
    return parts
