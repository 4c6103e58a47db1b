"""Evidence before rules: whatever is injected, what was acknowledged is in a stream.

The conversations are played between two ends that behave as hosts do (tests/decoys.py),
so what each has read is known.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.builder import Frame
from tests.decoys import Decoy, Play, decoys
from tests.properties.law import Law
from tests.properties.strategies import hostile_captures, policies
from tests.talk import CLIENT, SERVER, feed_all, payload_of, said
from unpacket import Assembler, Batch, Closed, Data, Gap, Opened, Policy

SEEDS = st.integers(0, 1 << 32)


def played(
    seed: int, count: int = 1
) -> tuple[tuple[bytes, bytes], list[Decoy], list[Frame]]:
    """Return two texts, what is injected, and the frames of their conversation."""
    random = Random(seed)
    texts = (
        bytes(random.choices(b"abcdefghijklmnop", k=random.randrange(200))),
        bytes(random.choices(b"ABCDEFGHIJKLMNOP", k=random.randrange(200))),
    )
    play = Play(
        random,
        texts,
        family=random.choice((4, 4, 6)),
        stamped=random.random() < 0.5,
        holes=random.random() < 0.5,
    )
    injected = [decoys(random) for _ in range(count)]
    return texts, injected, play.frames(injected)


@given(SEEDS, st.integers(1, 3))
def test_no_decoy_changes_what_was_read(seed: int, count: int) -> None:
    texts, injected, frames = played(seed, count)
    events = feed_all(frames)
    Law()(events)
    assert payload_of(events, CLIENT) == texts[0], injected
    assert payload_of(events, SERVER) == texts[1], injected
    assert not [event for event in events if isinstance(event, Gap)]
    assert len([event for event in events if isinstance(event, Opened)]) == 1
    assert said(events)[-1] == ("closed", "fin")


@given(SEEDS, st.sets(st.integers(0, 60), max_size=6), st.integers(0, 10**9))
def test_time_that_passes_without_packets_changes_no_byte(
    seed: int, pauses: set[int], early_ns: int
) -> None:
    """``advance`` to any time before the next packet."""
    texts, _, frames = played(seed, 2)
    assembler = Assembler()
    events: list[Any] = []
    for number, frame in enumerate(frames, 1):
        if number in pauses:
            events += assembler.advance(frame.time_ns - early_ns)
        events += assembler.feed(Batch.from_frames([frame], number))
    events += assembler.finish()
    assert said(events) == said(feed_all(frames))
    assert payload_of(events, CLIENT) == texts[0]


@given(SEEDS, st.integers(0, 60), st.sampled_from([3599, 3601, 10**6, 10**9]))
def test_a_step_of_the_clock_changes_no_byte(seed: int, at: int, step_s: int) -> None:
    texts, _, frames = played(seed, 0)
    stepped = [
        frame._replace(time_ns=frame.time_ns + (index >= max(at, 3)) * step_s * 10**9)
        for index, frame in enumerate(frames)
    ]
    events = feed_all(stepped, Policy(gap_grace_s=None))
    assert payload_of(events, CLIENT) == texts[0]
    assert payload_of(events, SERVER) == texts[1]
    # What is repeated long after the end may be a stream, without a byte.
    carrying = {event.stream.id for event in events if isinstance(event, Data)}
    assert len(carrying) == 1


def of_stream(frames: Sequence[Frame], index: int) -> list[Frame]:
    """Return the frames between the ends of frame ``index``, all of IPv4."""
    return [frame for frame in frames if ends_of(frame) == ends_of(frames[index])]


def ends_of(frame: Frame) -> set[bytes]:
    start = (frame.data[0] & 15) * 4
    ports = frame.data[start : start + 4]
    return {frame.data[12:16] + ports[:2], frame.data[16:20] + ports[2:]}


@given(SEEDS, SEEDS, SEEDS)
def test_a_filter_changes_nothing_of_what_it_lets_pass(
    one: int, other: int, mixing: int
) -> None:
    """Two conversations at the same time, and one of them alone."""
    random = Random(mixing)
    texts = (b"abcdefghijklmnopqrstuvwxyz", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    plays = []
    for seed, port in ((one, 40000), (other, 50000)):
        play = Play(Random(seed), texts, stamped=True)
        play.talk.ends = (("10.0.0.1", port), ("10.0.0.2", 80))
        plays.append(play.frames([decoys(random), decoys(random)]))
    mixed = sorted(plays[0] + plays[1], key=lambda frame: frame.time_ns)
    for index in (mixed.index(plays[0][0]), mixed.index(plays[1][0])):
        alone = of_stream(mixed, index)
        wanted = said(feed_all(alone))
        first = alone[0]
        events = feed_all(mixed)
        number = next(
            event.stream.id
            for event in events
            if isinstance(event, Opened)
            and event.stream.first_frame == mixed.index(first) + 1
        )
        assert said(e for e in events if e.stream.id == number) == wanted


@given(hostile_captures(), policies)
def test_every_byte_seen_is_in_one_place(frames: list[Frame], policy: Policy) -> None:
    """Delivered, or one of four reasons why not, each with a name."""
    events = feed_all(frames, policy)
    for event in events:
        if not isinstance(event, Closed):
            continue
        for direction in (CLIENT, SERVER):
            counts = event.stream.counts(direction)
            assert counts["seen_bytes"] == (
                counts["delivered_bytes"]
                + counts["duplicate_bytes"]
                + counts["conflicting_bytes"]
                + counts["rejected_bytes"]
                + counts["discarded_bytes"]
            )
            assert sum(counts["unplaced"].values()) == counts["discarded_bytes"]
            assert sum(counts["doubted"].values()) <= counts["delivered_bytes"]
            assert bool(counts["rejected_bytes"]) <= bool(counts["rejected"])
