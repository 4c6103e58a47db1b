"""Good conversations with decoys in them: packets that one end never took.

A conversation is played between two ends that behave as hosts do: what comes in order
is acknowledged, what does not is acknowledged as a duplicate. Anywhere in it something
is injected that the receiver refuses, in silence or with the answer that it earns.
What the ends have read is known, for they are played here.
"""

import struct
from ipaddress import ip_address
from random import Random
from typing import Any, NamedTuple

from tests.builder import (
    ACK,
    FIN,
    PSH,
    RAW,
    RST,
    SYN,
    Conversation,
    Frame,
    ip,
    tcp,
    timestamps,
)

MD5 = b"\x13\x12" + bytes(16)
SOURCE_ROUTE = b"\x83\x07\x04\x0a\x00\x00\x01\x01"

# What makes a receiver refuse a segment, or keeps it from one.
EXCUSES = ("checksum", "ttl", "no_ack", "ack", "md5", "timestamp", "ip_options")
SEGMENTS = ("data", "fin", "rst", "syn", "ack")


class Decoy(NamedTuple):
    """What is injected.

    ``excuse`` None says that it looks right and was not believed all the same, as an
    RST, a FIN and a SYN may be.
    """

    kind: str
    excuse: str | None
    side: int
    answered: bool


def decoys(random: Random) -> Decoy:
    """Return any decoy that leaves no doubt about the stream in the end."""
    kind = random.choice(SEGMENTS)
    excuses: list[str | None] = [*EXCUSES]
    if kind in ("rst", "fin", "syn"):
        excuses.append(None)
    if kind in ("rst", "syn"):
        # Nobody looks at their acknowledgements and timestamps.
        excuses = [one for one in excuses if one not in ("ack", "timestamp", "no_ack")]
    if kind == "ack":
        excuses.remove("no_ack")
    return Decoy(
        kind, random.choice(excuses), random.randrange(2), random.random() < 0.5
    )


class Side:
    """One end: what it sends, and how far it has got the other's bytes."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.sent = 0
        self.got = 0
        self.clock = 1000
        self.early: list[tuple[int, int]] = []

    def take(self, start: int, stop: int) -> None:
        """Get a segment, in order or not."""
        self.early.append((start, stop))
        for first, last in sorted(self.early):
            if first <= self.got:
                self.got = max(self.got, last)


class Play:
    """A conversation of two texts, and what is injected into it."""

    def __init__(
        self,
        random: Random,
        texts: tuple[bytes, bytes],
        *,
        family: int = 4,
        stamped: bool = True,
        holes: bool = True,
    ) -> None:
        self.random = random
        ends = {}
        if family == 6:
            ends = {"client": ("fe80::1", 40000), "server": ("fe80::2", 80)}
        self.family = family
        self.talk = Conversation(
            link_type=RAW,
            client_isn=random.randrange(1 << 32),
            server_isn=random.randrange(1 << 32),
            **ends,  # type: ignore[arg-type]
        )
        self.sides = (Side(texts[0]), Side(texts[1]))
        self.stamped = stamped
        self.holes = holes

    def stamp(self, side: int) -> bytes:
        if not self.stamped:
            return b""
        self.sides[side].clock += self.random.randrange(3)
        return timestamps(self.sides[side].clock)

    def send(self, side: int, seq: int, payload: bytes = b"", **fields: Any) -> None:
        """Send a segment of an end, which acknowledges what that has got."""
        ours = self.sides[side]
        fields.setdefault("ack", 1 + ours.got)
        fields.setdefault("options", self.stamp(side))
        step = self.random.choice((1, 1, 1, 5, 30, 300))
        self.talk.now_ns += step * 1_000_000
        self.talk.send(side, seq, payload, **fields)  # type: ignore[arg-type]

    def frames(self, injected: list[Decoy]) -> list[Frame]:
        """Play all of it, with decoys where chance has them."""
        self.handshake()
        left = list(injected)
        while any(side.sent < len(side.text) for side in self.sides):
            while left and self.random.random() < 0.4:
                self.inject(left.pop())
            side = self.random.randrange(2)
            if self.sides[side].sent == len(self.sides[side].text):
                side = 1 - side
            self.turn(side)
        for decoy in left:
            self.inject(decoy)
        self.farewell()
        return self.talk.frames

    def handshake(self) -> None:
        self.send(0, 0, ack=None, flags=SYN)
        self.send(1, 0, ack=1, flags=SYN)
        self.send(0, 1, ack=1)

    def turn(self, side: int) -> None:
        """Let an end send a segment or two, and the other acknowledge that."""
        ours, theirs = self.sides[side], self.sides[1 - side]
        sizes = [
            self.random.randrange(2, 40) for _ in range(self.random.randrange(1, 4))
        ]
        pieces = []
        for size in sizes:
            stop = min(len(ours.text), ours.sent + size)
            if stop > ours.sent:
                pieces.append((ours.sent, stop))
                ours.sent = stop
        if self.holes:
            self.random.shuffle(pieces)
        for start, stop in pieces:
            self.send(side, 1 + start, ours.text[start:stop], flags=PSH)
            before = theirs.got
            theirs.take(start, stop)
            if theirs.got == before or self.random.random() < 0.6:
                self.send(1 - side, 1 + theirs.sent)
        if self.random.random() < 0.9:
            self.send(1 - side, 1 + theirs.sent)

    def farewell(self) -> None:
        client, server = self.sides
        for side in (0, 1):
            self.send(side, 1 + self.sides[side].sent)
        self.send(0, 1 + client.sent, flags=FIN)
        self.send(1, 1 + server.sent, ack=2 + client.sent, flags=FIN)
        self.send(0, 2 + client.sent, ack=2 + server.sent)

    def inject(self, decoy: Decoy) -> None:
        """Forge a segment of an end."""
        random = self.random
        ours, theirs = self.sides[decoy.side], self.sides[1 - decoy.side]
        offset = ours.sent
        payload = b""
        flags = ACK
        ack: int | None = ours.got
        if decoy.kind == "data":
            payload = b"?" * random.randrange(1, 50)
            flags |= PSH
        elif decoy.kind == "fin":
            flags |= FIN
            if decoy.excuse:
                payload = b"?" * random.randrange(3)
        elif decoy.kind == "rst":
            flags = random.choice((RST, RST | ACK))
        elif decoy.kind == "syn":
            flags = SYN
            offset += random.randrange(-5000, 5000) or 7
        elif decoy.kind == "ack":
            ack = min(theirs.sent, ours.got + random.randrange(1, 100))
        self.forge(decoy, offset, payload, flags, ack)
        if decoy.answered and answers(decoy):
            self.send(1 - decoy.side, 1 + theirs.sent)

    def forge(
        self, decoy: Decoy, offset: int, payload: bytes, flags: int, ack: int | None
    ) -> None:
        """Put the segment of a decoy on the wire."""
        talk, side = self.talk, decoy.side
        stamped = self.stamped
        options = timestamps(self.sides[side].clock) if stamped else b""
        ttl, sum_xor, ip_options = 64, 0, b""
        excuse = decoy.excuse
        if excuse == "timestamp" and not stamped:
            excuse = "checksum"
        if excuse == "ip_options" and self.family == 6:
            excuse = "ttl"
        if excuse == "checksum":
            sum_xor = 0x1234
        elif excuse == "ttl":
            ttl = 3
        elif excuse == "no_ack":
            flags &= ~ACK
        elif excuse == "ack":
            ack = self.sides[1 - side].sent + self.random.randrange(1, 100_000)
        elif excuse == "md5":
            options = MD5
        elif excuse == "timestamp":
            options = timestamps(self.sides[side].clock - 10_000)
        elif excuse == "ip_options":
            ip_options = SOURCE_ROUTE
        source, target = talk.ends[side], talk.ends[1 - side]
        while True:
            segment = tcp(
                source,
                target,
                talk.isns[side] + 1 + offset,
                payload,
                ack=None if not flags & ACK else talk.isns[1 - side] + 1 + (ack or 0),
                flags=flags,
                options=options,
                sum_xor=sum_xor,
            )
            if not sum_xor or not looks_unfilled(source[0], target[0], segment):
                break
            sum_xor += 1
        packet = ip(source[0], target[0], segment, ttl=ttl)
        if ip_options:
            packet = with_options(packet, ip_options)
        talk.now_ns += self.random.choice((1, 1, 20)) * 1_000_000
        talk.frames.append(Frame(talk.now_ns, packet, RAW, len(packet)))


def looks_unfilled(source: str, target: str, segment: bytes) -> bool:
    """Return whether a checksum looks as if it was left to the network card."""
    ends = ip_address(source).packed + ip_address(target).packed
    words = sum(struct.unpack(f">{len(ends) // 2}H", ends)) + 6
    field = int.from_bytes(segment[16:18], "big")
    return field == 0 or any(
        (total + sign * field) % 0xFFFF == 0
        for total in (words, words + len(segment))
        for sign in (1, -1)
    )


def answers(decoy: Decoy) -> bool:
    """Return whether a host answers such a segment with a duplicate ACK."""
    if decoy.excuse in ("checksum", "ttl", "no_ack", "md5", "ip_options"):
        return False
    return decoy.kind != "ack" and not (decoy.kind == "fin" and decoy.excuse is None)


def with_options(packet: bytes, options: bytes) -> bytes:
    """Return an IPv4 packet with IP options in it, and a right header checksum."""
    options += b"\0" * (-len(options) % 4)
    words = (20 + len(options)) // 4
    header = bytes([0x40 | words]) + packet[1:2]
    header += struct.pack(">H", len(packet) + len(options)) + packet[4:10]
    header += b"\0\0" + packet[12:20] + options
    total = sum(struct.unpack(f">{2 * words}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    header = header[:10] + struct.pack(">H", ~total & 0xFFFF) + header[12:]
    return header + packet[20:]
