"""HTTP conversations of any length with their truth, and what a capture loses of them.

A connection says nothing at random but what is asked for and how it is cut: three ways
to ask (one after the other, in bursts, or with some requests always on their way).
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.builder import Conversation, Frame
from unpacket import Assembler, Batch
from unpacket.messages import Layer
from unpacket.messages.http.framing import Http

MSS = 600


@dataclass
class Asked:
    """One exchange as it was.

    Attributes:
        frames: Which frames carried request and response, by their numbers.
        inner: Those of them that carried nothing but body of known length.
    """

    number: int
    request: bytes
    request_body: bytes
    response: bytes
    body: bytes
    frames: tuple[set[int], set[int]] = field(default_factory=lambda: (set(), set()))
    inner: set[int] = field(default_factory=set)


def exchange(number: int, random: Random, heads: bool) -> Asked:
    """Return a request and its response; both name the exchange."""
    method = random.choices(("GET", "POST", "HEAD"), (80, 15, 5 if heads else 0))[0]
    sent = random.randbytes(random.choice((3, 700, 2000))) if method == "POST" else b""
    length = f"Content-Length: {len(sent)}\r\n" if sent else ""
    request = f"{method} /{number} HTTP/1.1\r\nHost: h\r\n{length}\r\n".encode() + sent
    body = random.randbytes(random.choice((0, 5, 300, 1500, 4000)))
    start = f"HTTP/1.1 200 OK\r\nX-Number: {number}\r\n".encode()
    if method == "HEAD":
        response = start + b"Content-Length: %d\r\n\r\n" % len(body)
        body = b""
    elif random.random() < 0.25:
        coded = b"".join(
            b"%x\r\n%s\r\n" % (len(body[at : at + 700]), body[at : at + 700])
            for at in range(0, len(body), 700)
        )
        response = start + b"Transfer-Encoding: chunked\r\n\r\n" + coded + b"0\r\n\r\n"
    else:
        response = start + b"Content-Length: %d\r\n\r\n" % len(body) + body
    return Asked(number, request, sent, response, body)


class Connection:
    """One connection, of which every frame was captured so far."""

    def __init__(self, seed: int, count: int, way: str, *, heads: bool = True) -> None:
        random = Random(seed)
        self.exchanges = [exchange(n, random, heads) for n in range(count)]
        self.wire = Conversation(link_type=101)
        self.wire.handshake()
        self.edges = [1, 1]
        if way == "one":
            for asked in self.exchanges:
                self.say(0, [asked])
                self.say(1, [asked])
                self.acknowledge()
        elif way == "burst":
            at = 0
            while at < count:
                burst = self.exchanges[at : at + random.randint(1, 5)]
                at += len(burst)
                self.say(0, burst)
                self.say(1, burst)
                self.acknowledge()
        else:
            self.say(0, self.exchanges[:3])
            for at, asked in enumerate(self.exchanges):
                self.say(1, [asked])
                self.acknowledge()
                self.say(0, self.exchanges[at + 3 : at + 4])
        self.wire.farewell(*self.edges)
        self.frames: list[Frame] = self.wire.frames

    def say(self, side: int, batch: list[Asked]) -> None:
        """Let a side send what it has of some exchanges, cut with no regard to them."""
        octets = b"".join(a.response if side else a.request for a in batch)
        borders = []
        at = 0
        for asked in batch:
            size = len(asked.response if side else asked.request)
            body = len(asked.body if side else asked.request_body)
            known = b"chunked" not in asked.response[:100] or not side
            borders.append((at, at + size, at + size - (body if known else 0), asked))
            at += size
        for start in range(0, len(octets), MSS):
            stop = min(len(octets), start + MSS)
            make = self.wire.server if side else self.wire.client
            make(self.edges[side] + start, octets[start:stop], ack=self.edges[1 - side])
            number = len(self.wire.frames)
            for first, last, inner, asked in borders:
                if first < stop and start < last:
                    asked.frames[side].add(number)
                    if inner <= start and stop <= last:
                        asked.inner.add(number)
        self.edges[side] += len(octets)

    def acknowledge(self) -> None:
        """Let both sides say that all has arrived."""
        self.wire.client(self.edges[0], ack=self.edges[1])


def exchanges_of(
    frames: list[Frame], lost: set[int] | frozenset[int] = frozenset(), **options: Any
) -> tuple[list[Any], Layer]:
    """Return what comes out of a capture without the frames of some numbers."""
    layer = Layer(Http(), exchanges=True, **options)
    assembler = Assembler()
    found: list[Any] = []
    kept = [frame for n, frame in enumerate(frames, 1) if n not in lost]
    for start in range(0, len(kept), 64):
        batch = Batch.from_frames(kept[start : start + 64], start + 1)
        found += layer.feed(assembler.feed(batch))
    found += layer.feed(assembler.finish())
    found += layer.finish()
    return found, layer
