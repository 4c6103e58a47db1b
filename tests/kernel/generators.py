"""Seeded random conversations, each a list of what the crafted client sends."""

import dataclasses
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.builder import ACK, FIN, PSH, RST, SYN, URG

VERSIONS = (4, 6)
# Of a segment: tiny ones share buffers, those of a full frame never do.
UNITS = (1, 1, 2, 4, 7, 20, 60, 100, 300)
FULL_BYTES = 1460
LARGEST_BYTES = 8900


@dataclass(frozen=True, slots=True)
class Cut:
    """A fragment: the bytes ``[start, stop)`` of a TCP segment, header included.

    Attributes:
        more: The flag that says that others lie behind.
        changed: Whether its bytes are other ones, of the same Internet checksum.
    """

    start: int
    stop: int
    more: bool
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One segment that the client sends.

    Attributes:
        offset: Where its payload lies in the stream.
        acked: How many of the kernel's bytes it acknowledges. The kernel's program
            sends none.
        timestamp: Relative to the SYN's; None leaves the option away.
        options: Further TCP options.
        cuts: The fragments that it is sent in; none sends it whole.
    """

    offset: int
    payload: bytes = b""
    flags: int = ACK
    acked: int = 0
    window: int = 65535
    urgent: int = 0
    timestamp: int | None = 0
    options: bytes = b""
    cuts: tuple[Cut, ...] = ()


@dataclass(frozen=True, slots=True)
class Sequence:
    """What the client sends after the handshake.

    Attributes:
        timestamps, sack: The options of the handshake.
    """

    kind: str
    version: int
    isn: int
    steps: tuple[Step, ...]
    timestamps: bool = False
    sack: bool = False

    def without(self, index: int) -> "Sequence":
        """Return it without one of its steps."""
        steps = self.steps[:index] + self.steps[index + 1 :]
        return dataclasses.replace(self, steps=steps)


def overlaps(rng: random.Random) -> Sequence:
    """Return segments that overlap behind a hole, which is filled at the end."""
    return _overlapping(rng, "overlaps", rng.choice(UNITS), fins=False)


def overlapping_fins(rng: random.Random) -> Sequence:
    """Return the same, with FINs in some of them."""
    return _overlapping(rng, "overlapping_fins", rng.choice(UNITS), fins=True)


def full_sized_overlaps(rng: random.Random) -> Sequence:
    """Return overlapping segments of the size of a full frame, at any byte."""
    count = rng.randint(2, 10)
    steps = []
    for index in range(count):
        offset = rng.randint(1, 4 * FULL_BYTES)
        steps.append(Step(offset, _letters(index, FULL_BYTES), ACK | PSH))
    first = Step(0, b"0" * FULL_BYTES)
    return Sequence("full_sized_overlaps", *_ends(rng), (*steps, first))


def _overlapping(rng: random.Random, kind: str, unit: int, *, fins: bool) -> Sequence:
    space = rng.choice((6, 12, 24, 40))
    steps = []
    for index in range(rng.randint(2, rng.choice((4, 8, 16)))):
        start = rng.randrange(1, space)
        length = rng.randint(not fins, max(1, min(space - start, space // 2)))
        fin = fins and rng.random() < 0.15
        if not length and not fin:
            length = 1
        payload = _letters(index, min(length * unit, LARGEST_BYTES))
        steps.append(Step(start * unit, payload, ACK | (FIN if fin else 0)))
    return Sequence(kind, *_ends(rng), (*steps, Step(0, b"0" * unit)))


def fragments(rng: random.Random) -> Sequence:
    """Return a segment in fragments that overlap or come twice, and one behind it."""
    size = 20 + 8 * rng.randint(1, 6) + 4
    edges = [*range(0, size, 8), size]
    cuts = []
    for start, stop in _pieces(rng, edges):
        cuts.append(Cut(start, stop, stop < size, start >= 24 and rng.random() < 0.2))
    for _ in range(rng.choice((0, 1, 1, 2))):
        start, stop = sorted(rng.sample(edges, 2))
        more = stop < size or rng.random() < 0.05
        if rng.random() < 0.05:
            more = not more
        changed = start >= 24 and rng.random() < 0.5
        cuts.insert(rng.randint(0, len(cuts)), Cut(start, stop, more, changed))
    if rng.random() < 0.7:
        rng.shuffle(cuts)
    body = b"".join(bytes((65 + n, 97 + n)) * 4 for n in range(size // 8))
    cut_up = Step(0, b"HHHH" + body[: size - 24], cuts=tuple(cuts))
    return Sequence("fragments", *_ends(rng), (cut_up,))


def _pieces(rng: random.Random, edges: list[int]) -> list[tuple[int, int]]:
    """Return the range between the first and last edge, cut at some of the others."""
    chosen = [edge for edge in edges[1:-1] if rng.random() < 0.5]
    points = [edges[0], *chosen, edges[-1]]
    return list(itertools.pairwise(points))


def urgent(rng: random.Random) -> Sequence:
    """Return chunks of a conversation, some with urgent pointers, some again."""
    steps = []
    offset = 0
    for index in range(rng.randint(2, 8)):
        payload = bytes(97 + (index * 8 + n) % 26 for n in range(rng.randint(1, 8)))
        steps.append(_maybe_urgent(rng, Step(offset, payload)))
        if rng.random() < 0.2:
            again = Step(offset, rng.choice((payload, b"")))
            steps.append(_maybe_urgent(rng, again))
        offset += len(payload)
    if rng.random() < 0.4:
        first, second = rng.sample(range(len(steps)), 2)
        steps[first], steps[second] = steps[second], steps[first]
    return Sequence("urgent", *_ends(rng), tuple(steps))


def _maybe_urgent(rng: random.Random, step: Step) -> Step:
    if rng.random() < 0.5:
        return step
    return dataclasses.replace(
        step, flags=ACK | URG, urgent=rng.choice((0, 1, 2, 3, 5, 8, 12, 1000))
    )


def injections(rng: random.Random) -> Sequence:
    """Return four chunks of a conversation, with decoys among them."""
    timestamps = rng.random() < 0.5
    sizes = [rng.choice((1, 4, 100, FULL_BYTES)) for _ in range(4)]
    steps: list[Step] = []
    offset = 0
    for index, size in enumerate(sizes):
        steps.append(Step(offset, _letters(index, size), ACK | PSH))
        offset += size
    if rng.random() < 0.3:
        first, second = rng.sample(range(4), 2)
        steps[first], steps[second] = steps[second], steps[first]
    for _ in range(rng.randint(1, 3)):
        place = rng.randint(0, len(steps))
        nearby = steps[min(place, len(steps) - 1)]
        decoy = rng.choice(DECOYS)(rng, nearby, offset)
        if not timestamps:
            decoy = dataclasses.replace(decoy, timestamp=0)
        steps.insert(place, decoy)
    steps.append(Step(offset, flags=ACK | FIN))
    return Sequence(
        "injections", *_ends(rng), tuple(steps), timestamps, rng.random() < 0.5
    )


Decoy = Callable[[random.Random, Step, int], Step]


def _data(rng: random.Random, near: Step, end: int) -> Step:
    offset = max(0, near.offset + rng.choice((0, 0, -1, 1, -4, 4)))
    return Step(offset, b"X" * rng.choice((1, 4, max(1, len(near.payload)))))


def _bad_ack(rng: random.Random, near: Step, end: int) -> Step:
    acked = rng.choice((1, 2, 100, 100_000, -1, -2, -70_000, -(1 << 31)))
    flags = ACK | rng.choice((0, PSH, FIN))
    window = rng.choice((65535, 65535, 60000))
    return dataclasses.replace(
        _data(rng, near, end), acked=acked, flags=flags, window=window
    )


def _reset(rng: random.Random, near: Step, end: int) -> Step:
    offset = near.offset + rng.choice((0, -1, 1, -5, 7, 30_000, 10_000_000))
    payload = rng.choice((b"", b"", b"XXXX"))
    return Step(offset, payload, RST | rng.choice((0, ACK)), rng.choice((0, 99_999)))


def _fin(rng: random.Random, near: Step, end: int) -> Step:
    offset = near.offset + rng.choice((0, 1, 2, 100, 10_000_000))
    payload = b"X" * rng.choice((0, 0, 1, 4))
    return Step(offset, payload, FIN | rng.choice((ACK, ACK, 0)))


def _syn(rng: random.Random, near: Step, end: int) -> Step:
    offset = rng.choice((-1, near.offset, end + 1_000_000))
    payload = rng.choice((b"", b"XXXX"))
    return Step(offset, payload, SYN | rng.choice((0, ACK, FIN)))


def _no_ack(rng: random.Random, near: Step, end: int) -> Step:
    return dataclasses.replace(_data(rng, near, end), flags=rng.choice((0, PSH, URG)))


def _timestamp(rng: random.Random, near: Step, end: int) -> Step:
    value = rng.choice((None, -1, -2, -1000, 1000, 1 << 31, (1 << 31) + 1))
    decoy = rng.choice((_data, _data, _reset, _fin, _pure_ack))(rng, near, end)
    return dataclasses.replace(decoy, timestamp=value)


def _pure_ack(rng: random.Random, near: Step, end: int) -> Step:
    return Step(near.offset + rng.choice((0, 0, -1, 1, 8)), b"", ACK)


def _signed(rng: random.Random, near: Step, end: int) -> Step:
    decoy = rng.choice((_data, _reset, _fin))(rng, near, end)
    return dataclasses.replace(decoy, options=b"\x01\x01\x13\x12" + bytes(16))


def _beyond_the_window(rng: random.Random, near: Step, end: int) -> Step:
    return Step(near.offset + rng.choice((70_000, 5_000_000, 1 << 30)), b"XXXX")


DECOYS: tuple[Decoy, ...] = (
    _data,
    _bad_ack,
    _reset,
    _fin,
    _syn,
    _no_ack,
    _timestamp,
    _pure_ack,
    _signed,
    _beyond_the_window,
)

KINDS: dict[str, Callable[[random.Random], Sequence]] = {
    generate.__name__: generate
    for generate in (
        overlaps,
        overlapping_fins,
        full_sized_overlaps,
        fragments,
        urgent,
        injections,
    )
}


def sequences(seed: int, count: int, kinds: list[str]) -> list[Sequence]:
    """Return sequences of the named kinds in turn, the same for the same seed."""
    rng = random.Random(seed)
    return [KINDS[kinds[n % len(kinds)]](rng) for n in range(count)]


def _letters(index: int, length: int) -> bytes:
    return bytes([ord("a") + index % 26]) * length


def _ends(rng: random.Random) -> tuple[int, int]:
    """Return the IP version, and the client's initial sequence number."""
    near_the_wrap = rng.randrange(1 << 32) if rng.random() < 0.8 else (1 << 32) - 20
    return rng.choice(VERSIONS), near_the_wrap
