"""``Assembler.trace``: which frames carried segments of which streams."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builder import FIN, RAW, RST, SYN, Conversation, Frame, ip, tcp
from tests.talk import batches
from unpacket import Assembler, Policy

A, B = ("10.0.0.1", 40000), ("10.0.0.2", 80)


def traced(
    frames: list[Frame], policy: Policy | None = None, cuts: list[int] | None = None
) -> dict[int, list[int]]:
    """Return the frames of each stream, and check the events against ``feed``."""
    tracing, feeding = Assembler(policy), Assembler(policy)
    found: dict[int, list[int]] = {}
    for batch, same in zip(
        batches(frames, cuts or []), batches(frames, cuts or []), strict=True
    ):
        events, trace = tracing.trace(batch)
        assert list(map(repr, events)) == list(map(repr, feeding.feed(same)))
        for number, stream_id in zip(trace.frames, trace.ids, strict=True):
            found.setdefault(stream_id, []).append(number)
    assert list(map(repr, tracing.finish())) == list(map(repr, feeding.finish()))
    for number, before, after in tracing.moved():
        # The row of what has shown it names the right stream at once.
        if number in found.get(before, []):
            found[before].remove(number)
            found.setdefault(after, []).append(number)
    return {stream_id: sorted(numbers) for stream_id, numbers in found.items()}


def test_every_frame_of_a_stream_is_named() -> None:
    talk = Conversation(A, B)
    talk.handshake()
    talk.client(1, b"data")
    talk.client(1, b"DATA")  # a conflict
    talk.server(1, ack=5)
    talk.client(5, b"bad", sum_xor=1)  # rejected
    talk.farewell(5, 1)
    talk.client(1, b"data")  # late
    talk.client(6, ack=2)  # late, and without data
    assert traced(talk.frames) == {0: list(range(1, 13))}


@given(st.lists(st.integers(0, 30), max_size=5))
def test_two_streams_that_take_turns(cuts: list[int]) -> None:
    one, two = Conversation(A, B), Conversation(("10.0.0.3", 40000), B)
    for talk in (one, two):
        talk.handshake()
        for turn in range(10):
            talk.client(1 + turn, b"x")
    frames = [frame for pair in zip(one, two, strict=True) for frame in pair]
    count = len(frames)
    expected = {0: list(range(1, count, 2)), 1: list(range(2, count + 1, 2))}
    assert traced(frames, cuts=cuts) == expected


def test_a_syn_that_uses_the_ports_again_is_of_the_new_stream() -> None:
    first, second = Conversation(A, B), Conversation(A, B, client_isn=9_000_000)
    first.handshake()
    first.client(1, b"old")
    second.handshake()
    second.client(1, b"new")
    assert traced([*first, *second]) == {0: [1, 2, 3, 4], 1: [5, 6, 7, 8]}


def test_a_syn_that_nobody_answers_stays_where_it_was() -> None:
    talk, lie = Conversation(A, B), Conversation(A, B, client_isn=9_000_000)
    talk.handshake()
    talk.client(1, b"old")
    lie.client(0, flags=SYN, ack=None)
    frames = [*talk, *lie]
    talk.client(4, b"goes on")
    assert traced([*frames, talk.frames[-1]]) == {0: [1, 2, 3, 4, 5, 6]}


def test_the_frames_of_fragments_are_named() -> None:
    talk = Conversation(A, B)
    talk.handshake()
    segment = tcp(A, B, 1001, bytes(range(64)), ack=5001)
    frames = []
    for start, stop in ((24, 48), (0, 24), (48, 72), (72, len(segment))):
        packet = ip(
            A[0],
            B[0],
            segment[start:stop],
            identification=7,
            fragment_offset=start,
            more_fragments=stop < len(segment),
        )
        frames.append(Frame(talk.now_ns, packet, RAW, len(packet)))
    assert traced([*talk, *frames]) == {0: [1, 2, 3, 4, 5, 6, 7]}


@pytest.mark.parametrize("flags", [FIN, RST, SYN])
def test_what_the_policy_does_not_follow_is_of_no_stream(flags: int) -> None:
    talk = Conversation(A, B)
    talk.client(1, b"data")
    talk.client(5, b"data")
    assert traced(talk.frames, Policy(midstream=False)) == {}


def test_a_stream_that_memory_is_not_enough_for_has_its_frames() -> None:
    talk = Conversation(A, B)
    talk.handshake()
    talk.client(100_000, bytes(1000))
    found = traced(talk.frames, Policy(memory_limit_bytes=1))
    assert sorted(number for numbers in found.values() for number in numbers) == [
        1,
        2,
        3,
        4,
    ]


def test_what_is_known_at_the_end_only_is_moved_then() -> None:
    """A connection follows one that was reset, and nobody has answered yet."""
    talk = Conversation(A, B)
    talk.handshake()
    talk.client(1, flags=RST)
    talk.client(1 << 24, flags=SYN, ack=None)
    talk.client((1 << 24) + 1, b"data", ack=None)
    assert traced(talk.frames) == {0: [1, 2, 3, 4], 1: [5, 6]}
