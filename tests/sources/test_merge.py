"""Frames of several batches come in the order of time."""

import heapq
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unpacket import Batch
from unpacket._core.memory.batch import BUFFER_BYTES
from unpacket.sources.merge import FULL, NOTHING, Merger

# A time and a length: each frame is made of the number of its slot.
FRAMES = st.lists(st.tuples(st.integers(-5, 30), st.integers(0, 40)), max_size=12)
SLOTS = st.lists(FRAMES, min_size=1, max_size=6)


def batch_of(slot: int, frames: list[tuple[int, int]], first_number: int) -> Batch:
    rows = [(time, bytes([slot]) * size, slot, size + 7) for time, size in frames]
    return Batch.from_frames(rows, first_number)


def merged(
    slots: list[list[tuple[int, int]]],
    given_frames: int,
    capacity: int,
    buffer_bytes: int,
) -> list[tuple[int, ...]]:
    """Merge as a source does; return slot, number there, and facts of each frame."""
    merger = Merger(len(slots), capacity)
    places = [0] * len(slots)
    for slot, frames in enumerate(slots):
        merger.expect(slot, min((time for time, _ in frames), default=0))
    rows: list[tuple[int, ...]] = []
    wanted = 0
    while wanted != NOTHING:
        batch = Batch(capacity)
        batch.attach(bytearray(buffer_bytes), 0, len(rows) + 1)
        while True:
            wanted = merger.merge(batch)
            if wanted in (FULL, NOTHING):
                break
            place = places[wanted]
            more = slots[wanted][place : place + given_frames]
            places[wanted] += len(more)
            if more:
                merger.give(wanted, batch_of(wanted, more, 100 + place))
        for index in range(len(batch)):
            number, time_ns, link_type, original, data = batch.frame(index)
            slot = merger.slots[index]
            assert number == len(rows) + 1
            assert (link_type, original) == (slot, len(data) + 7)
            assert data == bytes([slot]) * len(data)
            rows.append((time_ns, slot, merger.numbers[index] - 100, len(data)))
        assert len(batch) or wanted == NOTHING
    return rows


@given(SLOTS, st.integers(1, 5), st.integers(1, 9), st.integers(40, 200))
def test_agrees_with_a_heap_of_iterators(
    slots: list[list[tuple[int, int]]],
    given_frames: int,
    capacity: int,
    buffer_bytes: int,
) -> None:
    sequences = [
        [(time, slot, place, size) for place, (time, size) in enumerate(frames)]
        for slot, frames in enumerate(slots)
    ]
    expected = list(heapq.merge(*sequences, key=itemgetter(0, 1)))
    assert merged(slots, given_frames, capacity, buffer_bytes) == expected


def test_a_slot_is_asked_for_when_its_time_comes() -> None:
    merger = Merger(3, 8)
    merger.expect(0, 10)
    merger.expect(1, 30)
    merger.expect(2, 30)
    batch = Batch(8)
    batch.attach(bytearray(100), 0, 1)
    assert merger.merge(batch) == 0
    merger.give(0, batch_of(0, [(10, 1), (20, 2), (30, 3), (31, 4)], 1))
    # Of those that begin at the same time, the first is asked.
    assert (merger.merge(batch), len(batch)) == (1, 3)
    # It has nothing after all.
    assert (merger.merge(batch), len(batch)) == (2, 3)
    assert (merger.merge(batch), len(batch)) == (0, 4)
    assert merger.merge(batch) == NOTHING


def test_a_frame_that_does_not_fit_says_how_long_it_is() -> None:
    merger = Merger(1, 8)
    merger.give(0, batch_of(0, [(1, 50)], 1))
    batch = Batch(8)
    batch.attach(bytearray(49), 0, 1)
    assert (merger.merge(batch), len(batch), merger.next_bytes) == (FULL, 0, 50)
    batch.attach(bytearray(50), 0, 1)
    assert (merger.merge(batch), len(batch)) == (0, 1)


def test_a_buffer_that_cannot_be_written_is_refused() -> None:
    merger = Merger(1, 8)
    merger.give(0, batch_of(0, [(1, 5)], 1))
    batch = Batch(8)
    batch.attach(bytes(BUFFER_BYTES), 0, 1)
    with pytest.raises(TypeError):
        merger.merge(batch)


@pytest.mark.parametrize("slot", [2, 1 << 40])
def test_there_is_no_such_slot(slot: int) -> None:
    merger = Merger(2, 8)
    with pytest.raises(IndexError):
        merger.expect(slot, 0)
