"""Packets made by hand: IPv4 and IPv6, TCP with options, and whole conversations.

``Conversation`` speaks in relative sequence numbers, as Wireshark shows them: a
SYN has 0, the first payload byte 1. What it made is a list of ``Frame``: a time,
the bytes and a link type, which is what ``Batch.from_frames`` takes.
"""

import ipaddress
import struct
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any, Literal, NamedTuple

from unpacket import Batch

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << n for n in range(8))

NULL = 0
ETHERNET = 1
RAW = 101

MS = 1_000_000
SECOND = 1_000_000_000
START_NS = 1_700_000_000 * SECOND

End = tuple[str, int]
CLIENT_END: End = ("10.0.0.1", 40000)
SERVER_END: End = ("10.0.0.2", 80)
CLIENT_MAC = "02:00:00:00:00:01"
SERVER_MAC = "02:00:00:00:00:02"

SAME = -1


class Frame(NamedTuple):
    """One captured frame.

    Attributes:
        original: Its length on the wire, in bytes.
    """

    time_ns: int
    data: bytes
    link_type: int
    original: int


def checksum(octets: bytes) -> int:
    """Return the Internet checksum (RFC 1071) of some bytes."""
    padded = octets + bytes(len(octets) & 1)
    # One's complement addition of 16-bit words is addition modulo 2**16 - 1.
    return -int.from_bytes(padded, "big") % 0xFFFF


def mss(size: int) -> bytes:
    """Return the option of a SYN that bounds the peer's segments."""
    return struct.pack(">BBH", 2, 4, size)


def window_scale(shift: int) -> bytes:
    """Return the window scale option (RFC 7323 section 2)."""
    return struct.pack(">BBB", 3, 3, shift)


def sack_permitted() -> bytes:
    """Return the option of a SYN that permits SACK (RFC 2018 section 2)."""
    return b"\x04\x02"


def sack(*blocks: tuple[int, int]) -> bytes:
    """Return a SACK option; blocks are raw, half-open sequence numbers."""
    edges = (edge & 0xFFFFFFFF for block in blocks for edge in block)
    return struct.pack(f">BB{2 * len(blocks)}I", 5, 2 + 8 * len(blocks), *edges)


def timestamps(value: int, echo: int = 0) -> bytes:
    """Return the timestamps option (RFC 7323 section 3)."""
    return struct.pack(">BBII", 8, 10, value & 0xFFFFFFFF, echo & 0xFFFFFFFF)


def fast_open(cookie: bytes = b"") -> bytes:
    """Return the TCP Fast Open option (RFC 7413 section 4.1.1)."""
    return struct.pack(">BB", 34, 2 + len(cookie)) + cookie


def tcp(
    source: End,
    target: End,
    seq: int,
    payload: bytes = b"",
    *,
    ack: int | None = None,
    flags: int = 0,
    window: int = 65535,
    options: bytes = b"",
    urgent: int = 0,
    sum_xor: int = 0,
) -> bytes:
    """Return a TCP segment with the right checksum for its IP addresses.

    Args:
        ack: Brings the ACK flag along.
        sum_xor: Spoils the checksum, if not 0.
    """
    options += b"\x01" * (-len(options) % 4)
    if ack is not None:
        flags |= ACK
    header = struct.pack(
        ">HHIIHHHH",
        source[1],
        target[1],
        seq & 0xFFFFFFFF,
        (ack or 0) & 0xFFFFFFFF,
        (5 + len(options) // 4) << 12 | flags,
        window,
        0,
        urgent,
    )
    segment = header + options + payload
    a = ipaddress.ip_address(source[0]).packed
    b = ipaddress.ip_address(target[0]).packed
    pseudo = a + b + struct.pack(">II", len(segment), 6)
    correct = checksum(pseudo + segment)
    return segment[:16] + struct.pack(">H", correct ^ sum_xor) + segment[18:]


def ip(
    source: str,
    target: str,
    payload: bytes,
    *,
    protocol: int = 6,
    ttl: int = 64,
    identification: int = 0,
    fragment_offset: int = 0,
    more_fragments: bool = False,
    total_length: int | None = None,
) -> bytes:
    """Return an IPv4 or IPv6 packet, as the addresses are.

    Args:
        fragment_offset: In bytes; a multiple of 8.
        total_length: What the header says, if that shall not be the truth.
    """
    a = ipaddress.ip_address(source)
    b = ipaddress.ip_address(target)
    if a.version == 6:
        if fragment_offset or more_fragments:
            word = fragment_offset | more_fragments
            payload = struct.pack(">BxHI", protocol, word, identification) + payload
            protocol = 44
        length = len(payload) if total_length is None else total_length
        head = struct.pack(">IHBB", 6 << 28, length, protocol, ttl)
        return head + a.packed + b.packed + payload
    length = 20 + len(payload) if total_length is None else total_length
    head = struct.pack(
        ">BBHHHBBH",
        0x45,
        0,
        length,
        identification,
        more_fragments << 13 | fragment_offset >> 3,
        ttl,
        protocol,
        0,
    )
    header = head + a.packed + b.packed
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + payload


def ethernet(
    packet: bytes,
    source: str = CLIENT_MAC,
    target: str = SERVER_MAC,
    *,
    vlans: Iterable[int] = (),
    pad: bool = False,
) -> bytes:
    """Return an Ethernet frame around an IP packet.

    Args:
        vlans: The VLAN numbers, outermost first.
        pad: Fill up to the least length on the wire, 60 bytes without FCS.
    """
    tags = b"".join(struct.pack(">HH", 0x8100, vlan) for vlan in vlans)
    ethertype = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    addresses = mac(target) + mac(source)
    frame = addresses + tags + struct.pack(">H", ethertype) + packet
    return frame.ljust(60, b"\0") if pad else frame


def mac(text: str) -> bytes:
    """Return the six bytes of a hardware address."""
    return bytes.fromhex(text.replace(":", ""))


def write_pcap(
    path: str | PathLike[str], frames: Iterable[Frame], link_type: int = ETHERNET
) -> None:
    """Write frames to a pcap file with nanosecond timestamps."""
    octets = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link_type)]
    for frame in frames:
        seconds, rest_ns = divmod(frame.time_ns, SECOND)
        octets.append(
            struct.pack("<IIII", seconds, rest_ns, len(frame.data), frame.original)
        )
        octets.append(frame.data)
    Path(path).write_bytes(b"".join(octets))


class Conversation:
    """Two ends of a connection, and the frames that were captured of it.

    ``client`` and ``server`` make the next frame, ``step_ns`` after the one before.
    Without ``ack`` a packet repeats what its sender acknowledged last, which is
    nothing (and no ACK flag) at the beginning; ``None`` leaves the ACK flag out.

    Attributes:
        frames: What was made so far.
        now_ns: The time of the latest frame.
    """

    def __init__(
        self,
        client: End = CLIENT_END,
        server: End = SERVER_END,
        *,
        client_isn: int = 1000,
        server_isn: int = 5000,
        start_ns: int = START_NS,
        step_ns: int = MS,
        link_type: int = ETHERNET,
        frames: list[Frame] | None = None,
    ) -> None:
        self.ends = (client, server)
        self.macs = (CLIENT_MAC, SERVER_MAC)
        self.isns = (client_isn, server_isn)
        self.acked: list[int | None] = [None, None]
        self.start_ns = start_ns
        self.now_ns = start_ns - step_ns
        self.step_ns = step_ns
        self.link_type = link_type
        self.frames = [] if frames is None else frames

    def __iter__(self) -> Iterator[Frame]:
        return iter(self.frames)

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def packets(self) -> list[tuple[int, bytes]]:
        """Times and bytes, as an iterable of packets gives them."""
        return [(frame.time_ns, frame.data) for frame in self.frames]

    def batch(self, first_number: int = 1) -> Batch:
        """Return the frames as one batch."""
        return Batch.from_frames(self.frames, first_number)

    def client(self, seq: int, payload: bytes = b"", **fields: Any) -> Frame:
        """Send from the client; see ``send``."""
        return self.send(0, seq, payload, **fields)

    def server(self, seq: int, payload: bytes = b"", **fields: Any) -> Frame:
        """Send from the server; see ``send``."""
        return self.send(1, seq, payload, **fields)

    def send(
        self,
        side: Literal[0, 1],
        seq: int,
        payload: bytes = b"",
        *,
        ack: int | None = SAME,
        flags: int = 0,
        window: int = 65535,
        ttl: int = 64,
        identification: int = 0,
        options: bytes = b"",
        urgent: int = 0,
        sum_xor: int = 0,
        at_ns: int | None = None,
        captured: int | None = None,
        total_length: int | None = None,
        pad: bool = False,
        vlans: Iterable[int] = (),
        raw: bool = False,
    ) -> Frame:
        """Make the next frame, and return it.

        Args:
            side: 0 for the client, 1 for the server.
            at_ns: When it is seen, since the conversation began.
            captured: Cut it after so many bytes of payload.
            raw: ``seq`` and ``ack`` are those on the wire.
        """
        source, target = self.ends[side], self.ends[1 - side]
        if ack == SAME:
            ack = self.acked[side]
        elif ack is not None:
            self.acked[side] = ack
        if not raw:
            seq += self.isns[side]
            if ack is not None:
                ack += self.isns[1 - side]
        segment = tcp(
            source,
            target,
            seq,
            payload,
            ack=ack,
            flags=flags,
            window=window,
            options=options,
            urgent=urgent,
            sum_xor=sum_xor,
        )
        packet = ip(
            source[0],
            target[0],
            segment,
            ttl=ttl,
            identification=identification,
            total_length=total_length,
        )
        if self.link_type == ETHERNET:
            macs = self.macs[side], self.macs[1 - side]
            packet = ethernet(packet, *macs, vlans=vlans, pad=pad)
        original = len(packet)
        if captured is not None:
            packet = packet[: original - len(payload) + captured]
        self.now_ns += self.step_ns
        if at_ns is not None:
            self.now_ns = self.start_ns + at_ns
        frame = Frame(self.now_ns, packet, self.link_type, original)
        self.frames.append(frame)
        return frame

    def handshake(self, *, options: bytes = b"", **fields: Any) -> None:
        """Send SYN, SYN-ACK and the ACK of it.

        Args:
            options: Those of both SYNs.
        """
        self.client(0, ack=None, flags=SYN, options=options, **fields)
        self.server(0, ack=1, flags=SYN, options=options, **fields)
        self.client(1, ack=1, **fields)

    def farewell(self, client_seq: int, server_seq: int) -> None:
        """Close both directions, the client's first; all is acknowledged."""
        self.client(client_seq, ack=server_seq, flags=FIN)
        self.server(server_seq, ack=client_seq + 1, flags=FIN)
        self.client(client_seq + 1, ack=server_seq + 1)
