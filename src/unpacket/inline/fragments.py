"""IP fragments, put together before anybody looks into them.

One whose bytes have all come before is a copy, and is left out. Two that overlap
otherwise make the whole datagram suspect: it is dropped, and what else comes of it
too, until its time is over (RFC 5722 asks that of IPv6).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from unpacket.inline.envelope import FRAGMENT, MAX_PACKET_BYTES, Envelope, Refused
from unpacket.inline.packets import Packet, with_length

MAX_DATAGRAMS = 1024
MAX_BYTES = 4 << 20
MAX_PARTS = 1024
TIMEOUT_NS = 30_000_000_000
# A first fragment without the whole TCP header hides ports and flags (RFC 1858).
LEAST_FIRST_BYTES = 20


@dataclass(slots=True)
class Datagram:
    """The fragments of one datagram.

    Attributes:
        parts: What was sent at each offset.
        packets: As they came, to go on as they are if it is no TCP.
        length: Of what it carries, once the last fragment has come; else -1.
        refused: Whether it is dropped.
    """

    deadline_ns: int
    parts: dict[int, bytes] = field(default_factory=dict)
    packets: list[Packet] = field(default_factory=list)
    head: bytes = b""
    length: int = -1
    bytes: int = 0
    refused: bool = False


class Fragments:
    """The datagrams that are not whole yet."""

    def __init__(self) -> None:
        self._datagrams: OrderedDict[tuple[bytes, int], Datagram] = OrderedDict()
        self._bytes = 0

    @property
    def held_bytes(self) -> int:
        """How many bytes wait."""
        return self._bytes

    def add(
        self, packet: Packet, envelope: Envelope, now_ns: int
    ) -> tuple[Packet, list[Packet]] | None:
        """Take a fragment; return the whole packet, and its fragments as they came.

        None: there are others to come.

        Raises:
            Refused: The fragment is malformed, overlaps another, or is one too many.
        """
        self._expire(now_ns)
        fragment = envelope.fragment
        assert fragment is not None
        number, offset, more = fragment
        data = packet.data
        body = data[envelope.head_bytes : envelope.stop]
        if data[0] >> 4 == 4:
            # The protocol belongs to what tells datagrams apart (RFC 791).
            key = data[9:10] + data[12:20], number
        else:
            key = data[8:40], number
        datagram = self._datagrams.get(key)
        if datagram is None:
            if len(self._datagrams) >= MAX_DATAGRAMS:
                self._drop(next(iter(self._datagrams)))
            datagram = self._datagrams[key] = Datagram(now_ns + TIMEOUT_NS)
        if datagram.refused:
            raise Refused("fragment_overlap")
        if self._is_covered(datagram, offset, len(body)):
            raise Refused("fragment_duplicate")
        reason = self._wrong(datagram, offset, len(body), more)
        if reason:
            self._refuse(datagram)
            raise Refused(reason)
        datagram.parts[offset] = body
        datagram.packets.append(packet)
        datagram.bytes += len(body)
        self._bytes += len(body)
        if offset == 0:
            datagram.head = data[: envelope.head_bytes]
            if data[0] >> 4 == 6:
                datagram.head = without_fragment_header(data, envelope)
        if not more:
            datagram.length = offset + len(body)
        if datagram.bytes != datagram.length:
            while self._bytes > MAX_BYTES:
                self._drop(next(iter(self._datagrams)))
            return None
        self._drop(key)
        whole = b"".join(body for _, body in sorted(datagram.parts.items()))
        head = datagram.head
        if head[0] >> 4 == 4:
            # Neither an offset nor more to come; they were allowed to be cut.
            head = head[:6] + b"\0\0" + head[8:]
        joined = with_length(head, len(whole)) + whole
        return Packet(joined, mark=packet.mark), datagram.packets

    def _is_covered(self, datagram: Datagram, offset: int, length: int) -> bool:
        """Return whether all of a fragment came before, which wins."""
        at = offset
        for start, body in sorted(datagram.parts.items()):
            if start > at:
                break
            at = max(at, start + len(body))
        return length > 0 and at >= offset + length

    def _wrong(self, datagram: Datagram, offset: int, length: int, more: bool) -> str:
        """Return what is wrong with a fragment, or nothing."""
        stop = offset + length
        if not length or (more and length % 8) or stop > MAX_PACKET_BYTES - 60:
            return "fragment_length"
        if offset == 0 and more and length < LEAST_FIRST_BYTES:
            return "fragment_length"
        if len(datagram.parts) >= MAX_PARTS:
            return "fragment_limit"
        if datagram.length >= 0 and (not more or stop > datagram.length):
            return "fragment_overlap"
        for start, body in datagram.parts.items():
            if start < stop and offset < start + len(body):
                return "fragment_overlap"
            if not more and start + len(body) > stop:
                return "fragment_overlap"
        return ""

    def _refuse(self, datagram: Datagram) -> None:
        datagram.refused = True
        self._bytes -= datagram.bytes
        datagram.bytes = 0
        datagram.parts.clear()
        datagram.packets.clear()

    def _drop(self, key: tuple[bytes, int]) -> None:
        self._bytes -= self._datagrams.pop(key).bytes

    def _expire(self, now_ns: int) -> None:
        while self._datagrams:
            key = next(iter(self._datagrams))
            if self._datagrams[key].deadline_ns > now_ns:
                return
            self._drop(key)


def without_fragment_header(data: bytes, envelope: Envelope) -> bytes:
    """Return the headers of an IPv6 packet without its last, the fragment header."""
    at = envelope.head_bytes - 8
    assert data[envelope.next_at] == FRAGMENT
    head = bytearray(data[:at])
    head[envelope.next_at] = data[at]
    return bytes(head)
