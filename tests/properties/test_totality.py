"""Any bytes at all give events that keep the law, and never an exception."""

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from tests.builder import RAW, START_NS, Frame, ip, tcp
from tests.properties.law import Law, check_counts
from tests.properties.strategies import captures, packet_bytes, policies
from unpacket import Assembler, Batch, Direction, Policy

# A stream that opens takes its memory first, and then the limit is looked at.
ONE_STREAM_BYTES = 1000
I64 = st.integers(-(1 << 63), (1 << 63) - 1)
LINK_TYPES = st.one_of(
    st.sampled_from([0, 1, RAW, 108, 113, 228, 229, 276]), st.integers(0, 65535)
)


def live_by_the_law(frames: list[Frame], policy: Policy, **options: bool) -> None:
    assembler = Assembler(policy, **options)
    law = Law(options.get("data", True))
    for index, frame in enumerate(frames):
        law(assembler.feed(Batch.from_frames([frame], index + 1)))
        for stream in assembler.streams:
            check_counts(stream)
        assert assembler.memory_bytes <= policy.memory_limit_bytes + ONE_STREAM_BYTES
    law(assembler.finish())
    law.end(assembler)
    assert assembler.memory_bytes == 0


@given(captures(), policies, st.booleans(), st.booleans())
def test_hostile_segments_keep_the_law(
    frames: list[Frame], policy: Policy, data: bool, notes: bool
) -> None:
    live_by_the_law(frames, policy, data=data, notes=notes)


@given(captures())
def test_hostile_segments_keep_the_law_by_default(frames: list[Frame]) -> None:
    live_by_the_law(frames, Policy())


@given(st.lists(st.tuples(I64, st.binary(max_size=120), LINK_TYPES), max_size=8))
def test_random_bytes_keep_the_law(rows: list[tuple[int, bytes, int]]) -> None:
    frames = [Frame(*row, len(row[1])) for row in rows]
    live_by_the_law(frames, Policy())


@given(
    captures(),
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 100), st.integers(0, 255)),
        min_size=1,
        max_size=40,
    ),
)
def test_damaged_packets_keep_the_law(
    frames: list[Frame], damage: list[tuple[int, int, int]]
) -> None:
    octets = [bytearray(frame.data) for frame in frames]
    for index, position, value in damage:
        if index < len(octets) and position < len(octets[index]):
            octets[index][position] = value
    damaged = [
        frame._replace(data=bytes(data))
        for frame, data in zip(frames, octets, strict=True)
    ]
    live_by_the_law(damaged, Policy(checksum="ignore"))


PACKET, OTHER = [
    ip("10.0.0.1", "10.0.0.2", tcp(("10.0.0.1", port), ("10.0.0.2", 80), 1))
    for port in (1, 2)
]


@given(st.lists(st.tuples(I64, packet_bytes()), max_size=12), policies)
# Before the first packet the clock stood at this time.
@example(
    [(1 - (1 << 63), PACKET), (-1, OTHER), (0, PACKET)],
    Policy(linger_s=0.0, idle_timeout_s=None, half_open_timeout_s=None),
)
def test_any_times_keep_the_law(rows: list[tuple[int, bytes]], policy: Policy) -> None:
    frames = [Frame(time_ns, data, RAW, len(data)) for time_ns, data in rows]
    live_by_the_law(frames, policy)


class Consumer:
    """Somebody who uses everything that an assembler offers, at odd moments."""

    def __init__(self, assembler: Assembler) -> None:
        self.assembler = assembler
        self.law = Law(data=False)

    def act(self, what: str, index: int, number: int) -> None:
        assembler = self.assembler
        streams = assembler.streams
        direction = Direction(number & 1)
        if what == "advance":
            self.law(assembler.advance(START_NS + number * 10**6))
        elif what == "finish":
            self.law(assembler.finish())
        elif streams:
            stream = streams[index % len(streams)]
            if what == "skip_to":
                self.law(assembler.skip_to(stream, direction, number))
            elif what == "ignore":
                assembler.ignore(stream, direction)
            elif what == "track":
                assembler.track(stream, direction, Tracker())
            elif what == "close":
                self.law(assembler.close(stream))
            elif what == "ask":
                ask(stream, direction)

    def feed(self, frames: list[Frame], first: int, by_steps: bool) -> None:
        batch = Batch.from_frames(frames, first)
        if not by_steps:
            self.law(self.assembler.feed(batch))
            return
        self.assembler.begin(batch)
        while (events := self.assembler.step()) is not None:
            self.law(events)


class Tracker:
    def acknowledge(self, ack: int, sacks: list[tuple[int, int]] | None) -> None:
        assert 0 <= ack < 1 << 32
        assert sacks is None or all(len(block) == 2 for block in sacks)


def ask(stream: Any, direction: Direction) -> None:
    """Every question may be put at any time."""
    assert str(stream.client) != "" and repr(stream)
    for question in ("acknowledged", "next_seq", "mss", "window_scale"):
        answer = getattr(stream, question)(direction)
        assert answer is None or answer >= 0
    assert stream.state(direction) in {
        "unknown",
        "syn_sent",
        "established",
        "fin_sent",
        "rst_sent",
    }
    known_by = {"", "syn", "syn_ack", "port", "first", "continued"}
    assert stream.role_evidence in known_by
    seq = stream.next_seq(direction)
    if seq is not None:
        offset = stream.offset_of(direction, seq)
        assert offset == stream.counts(direction)["seen_bytes"] or offset >= 0


actions = st.tuples(
    st.sampled_from(
        ["advance", "finish", "skip_to", "ignore", "track", "close", "ask"]
    ),
    st.integers(0, 3),
    st.one_of(st.integers(0, 60), st.integers(0, 1 << 40)),
)


@given(
    captures(),
    st.lists(st.tuples(st.integers(0, 30), actions), max_size=12),
    policies,
    st.booleans(),
)
def test_consumers_may_do_anything_at_any_time(
    frames: list[Frame],
    plan: list[tuple[int, tuple[str, int, int]]],
    policy: Policy,
    by_steps: bool,
) -> None:
    consumer = Consumer(Assembler(policy, notes=True))
    for index, frame in enumerate(frames):
        consumer.feed([frame], index + 1, by_steps)
        for when, action in plan:
            if when == index:
                consumer.act(*action)
                for stream in consumer.assembler.streams:
                    check_counts(stream)
    consumer.law(consumer.assembler.finish())
    consumer.law.end(consumer.assembler)
