"""Late copies are compared with what was delivered, while that is remembered."""

import random
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builder import RAW, Conversation, Frame, ip, tcp
from tests.model import Reassembler
from tests.overlapping import differing
from tests.talk import CLIENT, Talk, batches, feed_all
from unpacket import Assembler, Conflict, Policy
from unpacket._core.reassembly.events import facts

MIB = 1 << 20


def talking(**changes: Any) -> Talk:
    talk = Talk(**changes)
    talk.handshake()
    return talk


def test_a_late_copy_is_a_duplicate() -> None:
    talk = talking()
    talk.client(0, b"abcdef", ack=0)
    assert talk.client(0, b"abcdef") == []
    assert talk.client(2, b"cd") == []
    assert talk.stream.counts(CLIENT)["duplicate_bytes"] == 8


def test_a_late_copy_with_other_bytes_is_a_conflict() -> None:
    talk = talking()
    talk.client(0, b"abcdef", ack=0)
    assert talk.client(0, b"abXdYf") == [("conflict", "client", 2, b"cde", b"XdY")]
    conflict = talk.events[-1]
    assert (conflict.kept_frame, conflict.other_frame) == (4, 5)
    assert talk.bytes_of(CLIENT) == b"abcdef"
    # It costs the stream its completeness, and nothing else.
    counts = talk.stream.counts(CLIENT)
    assert (counts["conflicting_bytes"], counts["duplicate_bytes"]) == (3, 3)
    assert not talk.stream.complete


def test_a_late_copy_of_many_packets_names_each_that_it_contradicts() -> None:
    talk = talking()
    for offset in range(0, 9, 3):
        talk.client(offset, b"abc", ack=0)
    assert talk.client(0, b"aXcabcYbc") == [
        ("conflict", "client", 1, b"b", b"X"),
        ("conflict", "client", 6, b"a", b"Y"),
    ]
    assert [event.kept_frame for event in talk.events[-2:]] == [4, 6]


def test_a_copy_may_be_late_and_new() -> None:
    talk = talking()
    talk.client(0, b"abc", ack=0)
    assert talk.client(1, b"bXde") == [
        ("conflict", "client", 2, b"c", b"X"),
        ("data", "client", 3, b"de"),
    ]


def test_what_was_held_is_remembered_too() -> None:
    talk = talking()
    talk.client(3, b"def", ack=0)
    talk.client(0, b"abc")
    assert talk.client(0, b"abcdeX") == [("conflict", "client", 5, b"f", b"X")]


def test_there_is_nothing_to_compare_in_a_gap() -> None:
    talk = talking(gap_grace_s=0.0)
    talk.client(3, b"def", ack=0)
    talk.server(0, ack=6)
    assert talk.client(0, b"XXXdef") == []
    assert talk.client(0, b"XXXdeX") == [("conflict", "client", 5, b"f", b"X")]


def test_what_was_cut_is_not_compared() -> None:
    talk = talking()
    talk.client(0, b"abcdef", ack=0, captured=3)
    assert talk.client(0, b"abXXXX") == [
        ("conflict", "client", 2, b"c", b"X"),
        ("data", "client", 3, b"XXX"),
    ]


def test_directions_and_streams_are_not_mixed_up() -> None:
    talk = talking()
    ends = {"client": ("10.0.0.9", 1), "start_ns": talk.wire.now_ns}
    other = Talk(assembler=talk.assembler, conversation=ends)
    other.handshake()
    talk.client(0, b"aaa", ack=0)
    talk.server(0, b"bbb", ack=3)
    other.client(0, b"ccc", ack=0)
    assert talk.client(0, b"aaX") == [("conflict", "client", 2, b"a", b"X")]
    assert talk.server(0, b"Xbb") == [("conflict", "server", 0, b"b", b"X")]
    assert other.client(0, b"cXc") == [("conflict", "client", 1, b"c", b"X")]


def test_nothing_is_compared_where_that_is_turned_off() -> None:
    talk = talking(conflict_window_bytes=0)
    talk.client(0, b"abc", ack=0)
    assert talk.client(0, b"XXX") == []
    assert talk.stream.complete is False
    assert talk.stream.counts(CLIENT)["duplicate_bytes"] == 3


@pytest.mark.parametrize(
    ("window", "found"),
    [
        pytest.param(13, True, id="just remembered"),
        pytest.param(12, False, id="just forgotten"),
    ],
)
def test_only_so_many_bytes_are_remembered(window: int, found: bool) -> None:
    """The window reaches back to the first byte of what it compares."""
    talk = talking(conflict_window_bytes=window)
    talk.client(0, b"abc", ack=0)
    talk.client(3, b"0123456789")
    told = talk.client(0, b"abX")
    assert told == ([("conflict", "client", 2, b"c", b"X")] if found else [])


@pytest.mark.parametrize("back", [1, 50, 65, 200, 1999])
@pytest.mark.parametrize("streams", [1, 3])
def test_old_segments_are_compared_too(back: int, streams: int) -> None:
    """However many segments came after them, within the window."""
    talk = talking()
    others = []
    for number in range(1, streams):
        ends = {"client": (f"10.0.1.{number}", 1), "start_ns": talk.wire.now_ns}
        others.append(Talk(assembler=talk.assembler, conversation=ends))
        others[-1].handshake()
    for number in range(2000):
        talk.client(3 * number, b"abc", ack=0)
        for other in others:
            other.client(3 * number, b"xyz", ack=0)
    offset = 3 * (1999 - back)
    assert talk.client(offset, b"abX") == [
        ("conflict", "client", offset + 2, b"c", b"X")
    ]


def test_the_oldest_of_many_thousands_are_forgotten_without_harm() -> None:
    talk = Conversation(link_type=RAW)
    talk.handshake()
    for number in range(16_500):
        talk.client(1 + number, b"a", ack=1)
    for number in (0, 50, 110, 200, 5000, 16_490):
        talk.client(1 + number, b"XX")
    events = feed_all(talk.frames, cuts=range(0, len(talk.frames), 2000))
    conflicts = [event.offset for event in events if isinstance(event, Conflict)]
    assert conflicts[-4:] == [5000, 5001, 16_490, 16_491]
    assert 0 not in conflicts


segments = st.lists(
    st.tuples(st.integers(0, 60), st.text("ab", min_size=2, max_size=20)), max_size=20
)


@given(segments, st.sets(st.integers(1, 25)))
def test_late_copies_agree_with_the_model_in_batches_of_any_length(
    rows: list[tuple[int, str]], cuts: set[int]
) -> None:
    talk = Conversation(link_type=RAW)
    talk.handshake()
    # All is delivered first; then come the copies.
    talk.client(1, b"ab" * 45, ack=1)
    model = Reassembler()
    model.add(0, b"ab" * 45)
    expected = []
    for offset, text in rows:
        talk.client(1 + offset, text.encode(), ack=1)
        expected += model.add(offset, text.encode())
    events = feed_all(talk.frames, cuts=cuts)
    assert differing(events) == expected


@pytest.mark.parametrize("window", [1000, 100_000, 4 * MIB])
def test_large_and_small_batches_remember_the_same(window: int) -> None:
    """Large batches are kept whole, of small ones the payload is copied."""
    random_numbers = random.Random(3)
    talk = Conversation(link_type=RAW)
    talk.handshake()
    for number in range(400):
        talk.client(1 + 1000 * number, bytes(1000), ack=1)
        if number % 3 == 0:
            back = random_numbers.randrange(min(number + 1, 150))
            talk.client(1 + 1000 * (number - back), b"X" * 40, ack=1)
    policy = Policy(conflict_window_bytes=window)
    frames = talk.frames
    facts_by_size = [
        [facts(event) for event in feed_all(frames, policy, range(0, 999, size))]
        for size in (1, 7, 100, 999)
    ]
    assert any(fact[0] == "Conflict" for fact in facts_by_size[0])
    for other in facts_by_size[1:]:
        assert other == facts_by_size[0]


def test_what_came_in_fragments_is_remembered() -> None:
    talk = talking()
    segment = tcp(("10.0.0.1", 40000), ("10.0.0.2", 80), 1001, b"a" * 100, ack=5001)
    for start in (0, 64):
        part = ip(
            "10.0.0.1",
            "10.0.0.2",
            segment[start : start + 64],
            identification=7,
            fragment_offset=start,
            more_fragments=start == 0,
        )
        told = talk.see(Frame(talk.wire.now_ns, part, RAW, len(part)))
    assert told == [("data", "client", 0, b"a" * 100)]
    assert talk.client(50, b"aX") == [("conflict", "client", 51, b"a", b"X")]


def test_a_conflict_is_told_of_a_direction_that_is_ignored() -> None:
    talk = talking()
    talk.assembler.ignore(talk.stream, CLIENT)
    talk.client(0, b"abc", ack=0)
    assert talk.client(0, b"abX") == [("conflict", "client", 2, b"c", b"X")]


def memory_of(frames: list[Frame], size: int, policy: Policy) -> int:
    """Return how much memory an assembler has after frames in batches of a size.

    Each batch has a buffer of its own of 1 MiB, as a source's may be.
    """
    tracemalloc.start()
    try:
        assembler = Assembler(policy, data=False)
        most = 0
        for batch in batches(frames, range(0, len(frames), size)):
            buffer = bytearray(MIB)
            buffer[: batch.used_bytes] = batch.buffer
            used = batch.used_bytes
            columns = [batch.frame(index)[1:4] for index in range(len(batch))]
            starts = list(batch.start[: len(batch)])
            lengths = list(batch.captured[: len(batch)])
            batch.attach(buffer, used, batch.first_number)
            for start, length, (time_ns, link_type, original) in zip(
                starts, lengths, columns, strict=True
            ):
                batch.add(start, length, original, time_ns, link_type)
            assembler.feed(batch)
            del batch, buffer
            most = max(most, tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    return most


@pytest.mark.parametrize("size", [2, 7, 60])
def test_batches_that_were_delivered_are_let_go(size: int) -> None:
    """Now and then a segment comes out of order, and is copied."""
    talk = Conversation(link_type=RAW)
    talk.handshake()
    for number in range(1000):
        place = number ^ 1 if number % 30 < 2 else number
        talk.client(1 + 10_000 * place, bytes(10_000), ack=1)
    policy = Policy(conflict_window_bytes=MIB // 2, checksum="ignore")
    assert memory_of(talk.frames, size, policy) < 6 * MIB
