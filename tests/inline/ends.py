"""An engine between two crafted ends, and a receiver that reads like a program.

The receiver is simple enough to be right: a dictionary of bytes by offset. It takes
the first or the last copy of a byte that it has not read yet, which is how far
systems differ. What it may not do is read other bytes than the inspector saw.
"""

import struct
from collections.abc import Callable
from typing import Any, Literal

from tests import builder
from tests.builder import ACK, FIN, MS, RST, SYN
from unpacket import Data, Direction
from unpacket.inline import ACCEPT, Answer, Arrival, Engine, Outcome, Packet, Settings

CLIENT_END, SERVER_END = ("10.0.0.1", 40000), ("10.0.0.2", 80)
ENDS_6 = ("fd00::1", 40000), ("fd00::2", 80)
CLIENT, SERVER = 0, 1
LOW32 = 0xFFFFFFFF


class Parsed:
    """A packet that came out, with the sum checked by whoever made it."""

    def __init__(self, packet: Packet) -> None:
        data = packet.data
        if data[0] >> 4 == 4:
            length = (data[0] & 15) * 4
            assert builder.checksum(data[:length]) == 0
            assert int.from_bytes(data[2:4], "big") == len(data)
            a, b = data[12:16], data[16:20]
            self.ttl = data[8]
        else:
            length = 40
            assert int.from_bytes(data[4:6], "big") == len(data) - 40
            a, b = data[8:24], data[24:40]
            self.ttl = data[7]
        body = data[length:]
        assert builder.checksum(a + b + struct.pack(">II", len(body), 6) + body) == 0
        self.source = int.from_bytes(body[0:2], "big")
        self.seq, self.ack = struct.unpack_from(">II", body, 4)
        self.flags = body[13]
        self.reserved = body[12] & 15
        (self.window,) = struct.unpack_from(">H", body, 14)
        (self.urgent,) = struct.unpack_from(">H", body, 18)
        start = (body[12] >> 4) * 4
        self.options = body[20:start]
        self.payload = body[start:]

    @property
    def sack(self) -> list[tuple[int, int]]:
        """The SACK blocks, as they are on the wire."""
        at, found = 0, []
        while at < len(self.options):
            kind = self.options[at]
            if kind == 1:
                at += 1
                continue
            length = self.options[at + 1]
            if kind == 5:
                for block in range(at + 2, at + length, 8):
                    found.append(struct.unpack_from(">II", self.options, block))
            at += length
        return found


class Receiver:
    """What a program would read of one direction."""

    def __init__(self, isn: int, overlap: Literal["first", "last"] = "first") -> None:
        self.base = isn + 1
        self.read = bytearray()
        self.fin = -1
        self.is_reset = False
        self._overlap = overlap
        self._bytes: dict[int, int] = {}

    @property
    def next_offset(self) -> int:
        return len(self.read)

    @property
    def acknowledges(self) -> int:
        """The relative number that it expects next."""
        return 1 + self.next_offset + (self.fin == self.next_offset)

    def receive(self, packet: Parsed) -> None:
        offset = (packet.seq - self.base - self.next_offset + (1 << 31)) & LOW32
        offset += self.next_offset - (1 << 31)
        if packet.flags & SYN or self.is_reset:
            return
        if packet.flags & RST:
            self.is_reset = offset == self.next_offset
            return
        if not packet.flags & ACK:
            return
        for at, value in enumerate(packet.payload, offset):
            if at >= self.next_offset and not (0 <= self.fin <= at):
                if self._overlap == "last":
                    self._bytes[at] = value
                else:
                    self._bytes.setdefault(at, value)
        if packet.flags & FIN and self.fin < 0:
            self.fin = offset + len(packet.payload)
        while self.next_offset in self._bytes and self.next_offset != self.fin:
            self.read.append(self._bytes.pop(self.next_offset))


class Recorder:
    """An inspector that notes what it saw, and answers what it was told."""

    def __init__(
        self,
        answer: Callable[[Arrival], Answer] = lambda arrival: ACCEPT,
        replaces: bool = False,
    ) -> None:
        self.replaces = replaces
        self.seen = {Direction.CLIENT: bytearray(), Direction.SERVER: bytearray()}
        self.asked = 0
        self.events: list[Any] = []
        self.over = 0
        self._answer = answer

    def inspect(self, arrival: Arrival) -> Answer:
        self.asked += 1
        self.events += arrival.events
        for event in arrival.events:
            if isinstance(event, Data):
                self.seen[event.direction] += event.payload
        return self._answer(arrival)

    def ended(self, stream: object) -> None:
        self.over += 1


class Wire:
    """The engine, and what came out of it."""

    def __init__(
        self,
        inspector: object,
        *,
        isns: tuple[int, int] = (1000, 5000),
        settings: Settings | None = None,
        ends: tuple[builder.End, builder.End] = (CLIENT_END, SERVER_END),
        overlap: Literal["first", "last"] = "first",
        **arguments: Any,
    ) -> None:
        self.engine = Engine(inspector, settings, **arguments)
        self.isns = isns
        self.ends = ends
        self.now_ns = builder.START_NS
        self.receivers = (Receiver(isns[0], overlap), Receiver(isns[1], overlap))
        self.last = Outcome(0)

    def packet(
        self,
        side: int,
        seq: int,
        payload: bytes = b"",
        *,
        ack: int | None = 1,
        ttl: int = 64,
        **fields: Any,
    ) -> bytes:
        """Return a packet with relative numbers."""
        segment = builder.tcp(
            self.ends[side],
            self.ends[1 - side],
            self.isns[side] + seq,
            payload,
            ack=None if ack is None else self.isns[1 - side] + ack,
            **fields,
        )
        return builder.ip(self.ends[side][0], self.ends[1 - side][0], segment, ttl=ttl)

    def send(self, side: int, seq: int, payload: bytes = b"", **fields: Any) -> Outcome:
        """Send a segment through the engine; the receiver gets what comes out."""
        return self.give(side, self.packet(side, seq, payload, **fields))

    def give(self, side: int, data: bytes, *, lost: bool = False) -> Outcome:
        self.now_ns += MS
        outcome = self.engine.process([(side, Packet(data))], self.now_ns)[0]
        assert outcome.origin == side
        return self.deliver(outcome, lost=lost)

    def deliver(self, outcome: Outcome, *, lost: bool = False) -> Outcome:
        """Let both ends have what an outcome sends them."""
        self.last = outcome
        for packet in outcome.forward + outcome.back:
            parsed = Parsed(packet)
            if not lost and parsed.ttl > 4:
                sender = 0 if parsed.source == self.ends[0][1] else 1
                self.receivers[sender].receive(parsed)
        return outcome

    def wait(self, seconds: float) -> list[Outcome]:
        """Let time pass."""
        self.now_ns += int(seconds * 1e9)
        outcomes = self.engine.tick(self.now_ns)
        for outcome in outcomes:
            self.deliver(outcome)
        return outcomes

    def handshake(self, options: bytes = b"", window: int = 65535) -> None:
        self.send(CLIENT, 0, ack=None, flags=SYN, options=options, window=window)
        self.send(SERVER, 0, flags=SYN, options=options, window=window)
        self.send(CLIENT, 1, window=window)

    def acknowledge(self, side: int, **fields: Any) -> Outcome:
        """Let the receiver of a direction acknowledge what it has."""
        receiver = self.receivers[side]
        own = self.receivers[1 - side]
        return self.send(
            1 - side, own.acknowledges, ack=receiver.acknowledges, **fields
        )

    def relative(self, side: int, packet: Packet) -> tuple[int, int, bytes]:
        """Return seq and ack of a packet of a side, relative, and its payload."""
        parsed = Parsed(packet)
        return (
            (parsed.seq - self.isns[side]) & LOW32,
            (parsed.ack - self.isns[1 - side]) & LOW32,
            parsed.payload,
        )
