"""How much a process grows by many streams of one kind, and how much is counted.

``python -m tests.core.reassembly.grown KIND`` writes two numbers of bytes: by how much
this process grew, and ``memory_bytes``. Each kind is a conversation of few segments,
which as many streams have as make the noise of an allocator small.
"""

import gc
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from unpacket import Assembler, Batch, Policy, StreamFollower

FIN, SYN, RST, ACK = 1, 2, 4, 16
RAW = 101
FRAMES = 1000
MS = 1_000_000
PAGE_BYTES = 4096

# (from the client, sequence number, acknowledgement, flags, payload, TTL)
Part = tuple[bool, int, int, int, bytes, int]
OPENING: list[Part] = [
    (True, 99, 0, SYN, b"", 64),
    (False, 499, 100, SYN | ACK, b"", 64),
    (True, 100, 500, ACK, b"", 64),
]
TALK: list[Part] = [
    (True, 100, 500, ACK, bytes(10), 64),
    (False, 500, 110, ACK, bytes(10), 64),
    (True, 110, 510, ACK, b"", 64),
]
REPEATED: list[Part] = [
    (True, 100, 510, ACK, bytes(10), 64),
    (False, 500, 110, ACK, bytes(10), 64),
    # No receiver takes data without ACK once a connection stands.
    (True, 110, 0, 0, bytes(5), 64),
    (False, 510, 0, 0, bytes(5), 64),
]
KINDS: dict[str, tuple[int, list[Part]]] = {
    "half_open": (60_000, OPENING[:1]),
    "answered": (60_000, OPENING[:2]),
    "idle": (60_000, OPENING + TALK),
    "repeated": (30_000, OPENING + TALK + REPEATED),
    "ended": (60_000, [*OPENING, *TALK, (True, 110, 510, RST, b"", 64)]),
    "ended_late": (
        30_000,
        OPENING + TALK + REPEATED + [(True, 110, 510, RST, b"", 64)],
    ),
    "one_hole": (30_000, [*OPENING, (True, 110, 500, ACK, bytes(100), 64)]),
    "many_holes": (
        3000,
        [*OPENING, *((True, 110 + 20 * n, 500, ACK, bytes(10), 64) for n in range(80))],
    ),
    "beginning_unknown": (20_000, [(True, 100, 500, ACK, bytes(100), 64)]),
    "doubted": (20_000, [*OPENING, *TALK, (True, 110, 510, ACK, bytes(50), 5)]),
    "unacknowledged": (
        10_000,
        [*OPENING, *((True, 100 + 50 * n, 500, ACK, bytes(50), 64) for n in range(5))],
    ),
    "unacknowledged_joined": (
        6_000,
        [
            *OPENING,
            *((True, 120 + 20 * n, 500, ACK, bytes(20), 64) for n in range(20)),
            (True, 100, 500, ACK, bytes(20), 64),
        ],
    ),
}


def frame(stream: int, part: Part) -> bytes:
    """Return a packet of a stream. Nobody looks at its checksums."""
    from_client, seq, ack, flags, payload, ttl = part
    ends = (10 << 24) + stream // 50_000, 10_000 + stream % 50_000, 11 << 24, 80
    source, sport, target, dport = ends if from_client else (*ends[2:], *ends[:2])
    header = struct.pack(
        ">BBHHHBBHII", 0x45, 0, 40 + len(payload), 0, 0, ttl, 6, 0, source, target
    )
    fields = sport, dport, seq, ack, 5 << 12 | flags, 60000, 0, 0
    return header + struct.pack(">HHIIHHHH", *fields) + payload


def captured(first: int, count: int, parts: list[Part]) -> Iterator[Batch]:
    """Give the frames of so many streams, whose parts take turns."""
    rows = []
    for part in parts:
        for stream in range(first, first + count):
            # All at one time: no grace passes.
            rows.append((MS, frame(stream, part), RAW))
            if len(rows) == FRAMES:
                yield Batch.from_frames(rows)
                rows.clear()
    yield Batch.from_frames(rows)


def resident_bytes() -> int:
    """Return how much memory this process has."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


def measured(
    policy: Policy, count: int, parts: list[Part], *, followed: bool
) -> tuple[int, int]:
    """Return by how much the process grew, and how much was counted."""
    feed: Callable[[Batch], object]
    if followed:
        follower = StreamFollower(policy=policy)
        assembler, feed = follower.assembler, follower.feed
    else:
        assembler = Assembler(policy)
        feed = assembler.feed
    # What is made once, and what the allocator keeps at hand, is there by then.
    for batch in captured(0, 1000, parts):
        feed(batch)
    before, counted = resident_bytes(), assembler.memory_bytes
    # A few at a time, as streams come.
    for first in range(1000, count, 1000):
        for batch in captured(first, 1000, parts):
            feed(batch)
    return resident_bytes() - before, assembler.memory_bytes - counted


def main(kind: str) -> None:
    """Measure, and write both numbers."""
    followed = kind.startswith("followed_")
    count, parts = KINDS[kind.removeprefix("followed_")]
    policy = Policy(
        checksum="ignore",
        conflict_window_bytes=0,
        duplicate_window_s=0.0,
        deliver="acked" if kind.startswith("unacknowledged") else "in_order",
        ttl_distance=16,
        memory_limit_bytes=2 << 30,
    )
    grown, counted = measured(policy, count, parts, followed=followed)
    sys.stdout.write(f"{grown} {counted}\n")


if __name__ == "__main__":
    main(sys.argv[1])
