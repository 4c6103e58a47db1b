"""Pieces that wait out of order, against a dictionary of offsets."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model import RELATIONS, Reassembler
from unpacket._core.reassembly.held import (
    POLICIES,
    Held,
    Piece,
    clash,
    piece_of,
    relation,
)

FIRST = POLICIES["first"]
# What is no table has a model of its own (tests/kernel).
TABLES = sorted(POLICIES.keys() - {"linux-queue"})


def piece(start: int, payload: bytes, frame: int = 1) -> Piece:
    stop = start + len(payload)
    return piece_of(start, stop, start, stop, start, payload, frame, 0)


def drained(held: Held) -> list[tuple[int, bytes, int]]:
    """Take everything out, in order."""
    found = []
    while held.count:
        assert held.start == held.first().start
        taken = held.pop_first()
        at = taken.start - taken.base
        assert taken.payload is not None
        payload = taken.payload[at : at + taken.stop - taken.start]
        found.append((taken.start, payload, taken.frame))
    assert held.payload_bytes == held.runs == 0
    return found


@pytest.mark.parametrize(
    ("new", "name"),
    [
        pytest.param((4, 6), "same start, N ends earlier"),
        pytest.param((4, 8), "same start, same end"),
        pytest.param((4, 9), "same start, N ends later"),
        pytest.param((3, 6), "N starts earlier, ends before O's end"),
        pytest.param((3, 8), "N starts earlier, covers O's end"),
        pytest.param((3, 9), "N starts earlier, covers O's end"),
        pytest.param((5, 8), "N starts later, ends at or before O's end"),
        pytest.param((5, 7), "N starts later, ends at or before O's end"),
        pytest.param((5, 9), "N starts later, ends after O's end"),
    ],
)
def test_how_two_segments_lie_to_each_other(new: tuple[int, int], name: str) -> None:
    assert relation(*new, 4, 8) == RELATIONS.index(name)


def test_the_policies_are_those_of_the_table() -> None:
    """Bit n of a policy says whether the new segment wins in relation n."""
    for name in TABLES:
        wins = POLICIES[name]
        model = Reassembler(name)
        for number, relation_name in enumerate(RELATIONS):
            assert bool(wins >> number & 1) == model.new_wins(relation_name), name


def test_pieces_come_out_in_order() -> None:
    held = Held()
    for start in (9, 3, 6, 20, 0):
        assert held.add(piece(start, b"abc", start), FIRST) is None
    assert (held.count, held.payload_bytes, held.runs) == (5, 15, 2)
    assert (held.start, held.stop) == (0, 23)
    assert [start for start, _, _ in drained(held)] == [0, 3, 6, 9, 20]


def test_a_clash_runs_from_the_first_to_the_last_byte_that_differs() -> None:
    found = clash(piece(0, b"abcdef"), piece(0, b"aXcYef"), 0, 6)
    assert found is not None
    assert (found.offset, found.kept, found.other) == (1, b"bcd", b"XcY")
    assert clash(piece(0, b"abc"), piece(0, b"abc"), 0, 3) is None


def test_a_sliver_does_not_keep_a_big_segment_alive() -> None:
    """What is held stays within twice of what is counted."""
    held = Held()
    for start in range(0, 1000, 10):
        held.add(piece(start, b"123456789"), FIRST)
    held.add(piece(0, bytes(64_000)), FIRST)
    total = 0
    while held.count:
        taken = held.pop_first()
        assert taken.payload is not None
        assert len(taken.payload) <= 2 * (taken.stop - taken.start)
        total += taken.stop - taken.start
    assert total == 64_000


segments = st.tuples(st.integers(0, 60), st.text("ab", min_size=1, max_size=15))


@given(st.lists(segments, max_size=25), st.sampled_from(TABLES))
def test_held_agrees_with_a_dictionary(
    rows: list[tuple[int, str]], policy: str
) -> None:
    held = Held()
    model = Reassembler(policy)
    # Nothing is next while the first byte is missing.
    for number, (start, text) in enumerate(rows):
        payload = text.encode()
        found = held.add(piece(1 + start, payload, number), POLICIES[policy]) or []
        differing = [
            (clash.offset + at, kept, other)
            for clash in found
            for at, (kept, other) in enumerate(
                zip(clash.kept, clash.other, strict=True)
            )
            if kept != other
        ]
        assert sorted(differing) == sorted(model.add(1 + start, payload, number))
        assert held.payload_bytes == len(model.held)
        assert held.runs == model.runs()
    got = {
        start + at: (byte, frame)
        for start, payload, frame in drained(held)
        for at, byte in enumerate(payload)
    }
    assert got == {
        offset: (owner.byte(offset), owner.frame)
        for offset, owner in model.held.items()
    }


operations = st.one_of(
    st.tuples(st.just("add"), st.integers(0, 3000), st.integers(1, 8)),
    st.tuples(st.just("pop"), st.just(0), st.just(0)),
    st.tuples(st.just("take"), st.integers(0, 3000), st.integers(1, 400)),
)


@given(st.lists(operations, max_size=60), st.integers(0, 1200))
def test_many_pieces_agree_with_a_sorted_list(
    steps: list[tuple[str, int, int]], count: int
) -> None:
    """Enough of them for several blocks."""
    held = Held()
    kept: dict[int, Any] = {}
    for number in range(count):
        held.put(piece(3 * number, b"ab"))
        kept[3 * number] = 3 * number + 2
    for what, start, length in steps:
        if what == "add":
            stop = start + length
            clear = all(stop <= low or high <= start for low, high in kept.items())
            assert held.overlaps(start, stop) is not clear
            if clear:
                held.put(piece(start, bytes(length)))
                kept[start] = stop
        elif what == "pop" and kept:
            lowest = min(kept)
            assert held.pop_first().start == lowest
            del kept[lowest]
        elif what == "take":
            stop = start + length
            wanted = sorted(
                low for low, high in kept.items() if low < stop and high > start
            )
            assert [taken.start for taken in held.take(start, stop)] == wanted
            for low in wanted:
                del kept[low]
        runs = sum(low not in kept.values() for low in kept)
        assert (held.count, held.runs) == (len(kept), runs)
        assert held.payload_bytes == sum(high - low for low, high in kept.items())
        if kept:
            assert (held.start, held.stop) == (min(kept), max(kept.values()))
