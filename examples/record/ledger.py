"""Which bytes of each stream passed the capture point, and which were written.

This is bookkeeping on frames of which the recorder knows both sides; it is
no reassembler and wants to be none: every frame must agree with the bytes that
the programs sent, or the recording is refused.
"""

import struct
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Self

_FIN, _SYN, _RST, _ACK = 0x01, 0x02, 0x04, 0x10
_TCP = 6
# No recording is so long; the acknowledgement in a first SYN is below offset 0.
_FURTHEST = 1 << 31

Span = tuple[int, int]
"""Offsets in ``[start, stop)``, counted from the first byte of one direction."""


@dataclass(frozen=True)
class Segment:
    """What the recorder needs to know of one TCP packet."""

    source: str
    destination: str
    seq: int
    ack: int
    flags: int
    payload: bytes

    @property
    def opens(self) -> bool:
        """Whether this is a SYN or SYN-ACK."""
        return bool(self.flags & _SYN)

    @property
    def finishes(self) -> bool:
        """Whether this has a FIN."""
        return bool(self.flags & _FIN)

    @classmethod
    def of(cls, packet: bytes) -> Self | None:
        """Return the segment in an IP packet of this machine, if it is TCP.

        Its checksum may be unfinished and its payload of up to 64 KiB.

        The kernel sends neither fragments nor IPv6 extension headers here, and
        sets no TCP length that disagrees with IP.
        """
        if packet[0] >> 4 == 4:
            protocol, at = packet[9], (packet[0] & 0x0F) * 4
            addresses = packet[12:16], packet[16:20]
        else:
            protocol, at = packet[6], 40
            addresses = packet[8:24], packet[24:40]
        if protocol != _TCP:
            return None
        *ports, seq, ack, header, flags = struct.unpack_from(">HHIIBB", packet, at)
        source, destination = map(endpoint, addresses, ports)
        payload = packet[at + (header >> 4) * 4 :]
        return cls(source, destination, seq, ack, flags, payload)


def endpoint(address: bytes | str, port: int) -> str:
    """Return ``192.0.2.1:80``, ``[2001:db8::1]:80``; mapped IPv4 is IPv4."""
    found = ip_address(address)
    if found.version == 6:
        if found.ipv4_mapped is None:
            return f"[{found}]:{port}"
        found = found.ipv4_mapped
    return f"{found}:{port}"


@dataclass
class Half:
    """What passed of one direction of a connection.

    Attributes:
        acknowledged: The offset up to which frames that were written say that
            the receiver has it. One more once its FIN is acknowledged.
    """

    first_seq: int
    pieces: list[tuple[int, bytes]] = field(default_factory=list)
    written: list[Span] = field(default_factory=list)
    unwritten: list[Span] = field(default_factory=list)
    acknowledged: int = 0

    def add(self, segment: Segment, *, written: bool, late: bool) -> None:
        """Note a segment that passed the capture point, ``late`` if after an RST."""
        if not segment.payload:
            return
        start = (segment.seq - self.first_seq) & 0xFFFFFFFF
        self.pieces.append((start, segment.payload))
        # An RST ends the connection: what passes after it is for nobody.
        if late:
            return
        span = (start, start + len(segment.payload))
        (self.written if written else self.unwritten).append(span)

    def acknowledge(self, ack: int) -> None:
        """Note an acknowledgement that was written."""
        offset = (ack - self.first_seq) & 0xFFFFFFFF
        if offset < _FURTHEST:
            self.acknowledged = max(self.acknowledged, offset)

    def disagreement(self, sent: bytes, *, reset: bool) -> str | None:
        """Return how the frames differ from what the program sent, or None.

        What was still to be sent at a reset, again or at all, never passes; and
        what did pass then, the receiver may not have taken.
        """
        for start, payload in self.pieces:
            known = sent[start : start + len(payload)]
            short = len(known) < len(payload)
            if not payload.startswith(known) or (short and not reset):
                return f"{len(payload)} bytes at offset {start} are not what was sent"
        holes = subtract((0, len(sent)), self.written + self.unwritten)
        if holes and not reset:
            return f"the offsets {holes} never passed"
        return None


class Ledger:
    """All connections of a recording, in the order of their first SYN.

    Attributes:
        connections: The client and the server of each.
        halves: What passed, by sender and receiver.
        reset: Senders and receivers, both ways, of each RST that passed.
    """

    def __init__(self) -> None:
        self.connections: list[tuple[str, str]] = []
        self.halves: dict[tuple[str, str], Half] = {}
        self.reset: set[tuple[str, str]] = set()
        self._reset_in_capture: set[tuple[str, str]] = set()

    def add(self, segment: Segment, *, written: bool) -> None:
        """Note a segment that passed the capture point.

        Raises:
            ValueError: It belongs to no connection whose SYN passed.
        """
        ends = segment.source, segment.destination
        if segment.opens:
            first_seq = (segment.seq + 1) & 0xFFFFFFFF
            half = self.halves.setdefault(ends, Half(first_seq))
            if half.first_seq != first_seq:
                raise ValueError(f"{ends} was used for two connections")
            if not segment.flags & _ACK and ends not in self.connections:
                self.connections.append(ends)
        elif ends not in self.halves:
            raise ValueError(f"{ends} has no SYN")
        late = ends in self._reset_in_capture
        if segment.flags & _RST:
            self.reset |= {ends, ends[::-1]}
            # One below what the receiver has acknowledged came too late.
            offset = (segment.seq - self.halves[ends].first_seq) & 0xFFFFFFFF
            if written and offset >= self.halves[ends].acknowledged:
                self._reset_in_capture |= {ends, ends[::-1]}
        if segment.flags & _ACK and written and not late and ends[::-1] in self.halves:
            self.halves[ends[::-1]].acknowledge(segment.ack)
        self.halves[ends].add(segment, written=written, late=late)


def union(spans: list[Span]) -> list[Span]:
    """Return the same offsets as sorted spans that do not touch."""
    merged: list[Span] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(stop, merged[-1][1])
        else:
            merged.append((start, stop))
    return merged


def subtract(whole: Span, spans: list[Span]) -> list[Span]:
    """Return the offsets of ``whole`` that are in none of ``spans``."""
    left: list[Span] = []
    at = whole[0]
    for start, stop in union(spans):
        if at < min(start, whole[1]):
            left.append((at, min(start, whole[1])))
        at = max(at, stop)
    if at < whole[1]:
        left.append((at, whole[1]))
    return left
