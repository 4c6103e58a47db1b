"""Synthetic TCP captures of six kinds: ``python -m bench.traffic KIND OUT.pcap``.

``bulk`` is few fat streams; ``web`` 5,000 concurrent streams with heavy-tailed
answers; ``ugly`` is web with 0.5 % capture loss, 1 % retransmission and 2 %
reordering; ``tiny`` is 50,000 concurrent streams of 60-byte turns; ``small`` is 1,000
streams that go on for ever with 32 bytes each way, as terminals, sensors and games do;
``syns`` is a SYN from another source each time, and nothing else.
"""

import argparse
import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from random import Random

from bench.frames import (
    ACK,
    PSH,
    SYN,
    Address,
    Connection,
    Text,
    random_connection,
    write_capture,
)

MSS = 1460
TEXT_BYTES = 1 << 20
# A frame of up to 60 bytes carries at most six bytes of payload: losing or
# repeating it would say little.
BARE_FRAME_BYTES = 60
PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n"
    + b"x" * 1000
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """What a kind of traffic is like.

    Attributes:
        concurrent: How many connections are alive at any time.
        turns: Least and most requests of a connection, each with its answer.
        request_bytes: The size of a request; None is from 100 up to 900.
        answer_bytes: The size of an answer; None is a Pareto tail from 1,500 bytes
            up to 300,000.
        pages: Whether payload is HTTP pages, and not random bytes.
        lost, repeated, delayed: Shares of the frames.
    """

    concurrent: int
    turns: tuple[int, int]
    request_bytes: int | None = None
    answer_bytes: int | None = None
    pages: bool = False
    lost: float = 0.0
    repeated: float = 0.0
    delayed: float = 0.0


MIXES = {
    "bulk": Mix(concurrent=4, turns=(1, 1), answer_bytes=4_000_000),
    "web": Mix(concurrent=5000, turns=(1, 7), pages=True),
    "ugly": Mix(concurrent=5000, turns=(1, 7), lost=0.005, repeated=0.01, delayed=0.02),
    "tiny": Mix(concurrent=50_000, turns=(20, 20), answer_bytes=60),
    "small": Mix(
        concurrent=1000, turns=(1 << 20, 1 << 20), request_bytes=32, answer_bytes=32
    ),
}
SYNS = "syns"
KINDS = (*MIXES, SYNS)


def conversation(
    mix: Mix, connection: Connection, text: Text, draw: Random
) -> Iterator[bytes]:
    """Yield the frames of one connection; the client acknowledges every other one."""
    client, server = connection.client, connection.server
    last_start = len(text.data) - MSS
    yield from connection.open()
    for _ in range(draw.randint(*mix.turns)):
        asked = mix.request_bytes or draw.randrange(100, 900)
        yield client.frame(server.seq, PSH | ACK, 0, asked)
        left = mix.answer_bytes or int(min(draw.paretovariate(1.1) * 1500, 300_000))
        sent = 0
        while left:
            length = min(left, MSS)
            left -= length
            flags = ACK if left else PSH | ACK
            yield server.frame(client.seq, flags, draw.randrange(last_start), length)
            sent += 1
            if sent % 2 == 0 or not left:
                yield client.frame(server.seq, ACK)
    yield from connection.close()


def interleaved(mix: Mix, text: Text, draw: Random, sums: bool) -> Iterator[bytes]:
    """Yield frames of ``mix.concurrent`` conversations at random, without end."""

    def another() -> Iterator[bytes]:
        return conversation(mix, random_connection(draw, text, sums), text, draw)

    alive = [another() for _ in range(mix.concurrent)]
    while True:
        turn = int(draw.random() * mix.concurrent)
        frame = next(alive[turn], None)
        if frame is None:
            alive[turn] = another()
        else:
            yield frame


def syns(sums: bool) -> Iterator[bytes]:
    """Yield a SYN from another source each time, without end."""
    text = Text(b"")
    target = Address(0xC0A80001, 443)
    for number in count():
        source = Address(0x0A000000 + (number >> 8), 1024 + (number & 0xFF) * 251)
        isns = number * 0x9E3779B1 & 0xFFFFFFFF, 0
        yield Connection((source, target), isns, text, sums).client.frame(0, SYN)


def impaired(mix: Mix, frames: Iterable[bytes], draw: Random) -> Iterator[bytes]:
    """Lose, repeat and delay frames, a delay being up to 200 frames."""
    delayed: list[tuple[int, int, bytes]] = []
    written = 0
    for number, frame in enumerate(frames):
        chance = draw.random()
        carries = len(frame) > BARE_FRAME_BYTES
        copies = 1
        if carries and chance < mix.lost:
            copies = 0
        elif carries and chance < mix.lost + mix.repeated:
            copies = 2
        elif chance < mix.lost + mix.repeated + mix.delayed:
            due = written + draw.randrange(1, 200)
            heapq.heappush(delayed, (due, number, frame))
            copies = 0
        for _ in range(copies):
            yield frame
        written += copies
        while delayed and delayed[0][0] <= written:
            yield heapq.heappop(delayed)[2]
            written += 1


def frames_of(kind: str, seed: int, sums: bool) -> Iterator[bytes]:
    """Yield the frames of a kind of traffic, without end."""
    if kind == SYNS:
        return syns(sums)
    mix = MIXES[kind]
    draw = Random(seed)
    text = Text(PAGE * 1000 if mix.pages else draw.randbytes(TEXT_BYTES))
    frames = interleaved(mix, text, draw, sums)
    if mix.lost or mix.repeated or mix.delayed:
        return impaired(mix, frames, draw)
    return frames


def main() -> None:
    """Write the capture that the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.traffic", description=__doc__
    )
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("out", type=Path)
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--checksums", action="store_true", help="right sums, where they would be 0"
    )
    asked = parser.parse_args()
    frames = frames_of(asked.kind, asked.seed, asked.checksums)
    write_capture(asked.out, islice(frames, asked.packets), Random(asked.seed))


if __name__ == "__main__":
    main()
