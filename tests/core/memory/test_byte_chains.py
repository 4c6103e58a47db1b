"""Sequences grow side by side, and are what was added to them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from unpacket import Batch
from unpacket._core.memory.byte_chains import Growing

# Longer than a block, and than what there is room for at first.
LONG = 5000
SEED = bytes(range(251)) * 1000


def batch_of(data: bytes) -> Batch:
    return Batch.from_frames([(0, data, 1)])


def drawn(growing: Growing, number: int, room: int = 1 << 16) -> bytes:
    """Take out all of a sequence."""
    target = bytearray(room)
    whole = b""
    while count := growing.draw(number, target):
        whole += target[:count]
    return whole


class Sequences(RuleBasedStateMachine):
    """A ``Growing``, and what it should hold."""

    def __init__(self) -> None:
        super().__init__()
        self.growing = Growing()
        self.model: dict[int, bytes] = {}
        self.drawn: dict[int, bool] = {}

    @rule()
    def begin(self) -> None:
        number = self.growing.begin()
        assert number not in self.model
        self.model[number] = b""
        self.drawn[number] = False

    @precondition(lambda self: self.model)
    @rule(
        draw=st.data(),
        start=st.integers(0, 1000),
        length=st.integers(0, LONG),
        way=st.sampled_from(["batch", "bytes", "block"]),
    )
    def extend(self, draw: Any, start: int, length: int, way: str) -> None:
        number = draw.draw(st.sampled_from(sorted(self.model)))
        added = SEED[start : start + length]
        if way == "batch":
            self.growing.extend(number, batch_of(SEED), start, length)
        elif way == "bytes":
            self.growing.extend_bytes(number, added)
        else:
            self.growing.extend_block(number, bytearray(added + b"more"), length)
        self.model[number] += added

    @precondition(lambda self: self.model)
    @rule(draw=st.data(), room=st.integers(2048, 3 * LONG))
    def take_some(self, draw: Any, room: int) -> None:
        number = draw.draw(st.sampled_from(sorted(self.model)))
        target = bytearray(room)
        count = self.growing.draw(number, target)
        held = self.model[number]
        assert target[:count] == held[:count]
        # Less than a block of room is left, or nothing of the sequence.
        assert count == len(held) or room - 2048 < count <= room
        self.model[number] = held[count:]
        self.drawn[number] = count < len(held)

    @precondition(lambda self: self.model)
    @rule(draw=st.data())
    def end(self, draw: Any) -> None:
        number = draw.draw(st.sampled_from(sorted(self.model)))
        before = self.growing.waiting_bytes
        cost = self.growing.cost(number)
        self.growing.end(number)
        assert self.growing.waiting_bytes == before - cost
        del self.model[number]

    @invariant()
    def all_are_as_long_as_they_should_be(self) -> None:
        costs = 0
        for number, held in self.model.items():
            assert self.growing.length(number) == len(held)
            cost = self.growing.cost(number)
            # A block of each size, or what was drawn of one.
            assert len(held) < cost < len(held) + 2048 + 100
            if not self.drawn.get(number):
                assert cost < 5 * len(held) + 300
            costs += cost
        assert self.growing.waiting_bytes == costs

    def teardown(self) -> None:
        for number, held in self.model.items():
            assert drawn(self.growing, number) == held


TestSequences = Sequences.TestCase


@pytest.mark.parametrize("expected_bytes", [0, 1, 1 << 22])
def test_more_than_was_expected_finds_room(expected_bytes: int) -> None:
    growing = Growing(expected_bytes)
    numbers = [growing.begin() for _ in range(100)]
    for turn in range(3):
        for number in numbers:
            growing.extend_bytes(number, bytes([number, turn]) * 10_000)
    for number in numbers:
        whole = b"".join(bytes([number, turn]) * 10_000 for turn in range(3))
        assert drawn(growing, number) == whole
        growing.end(number)
    assert growing.waiting_bytes == 0


def test_what_has_ended_makes_room_for_others() -> None:
    growing = Growing()
    for turn in range(1000):
        number = growing.begin()
        assert number == 0
        growing.extend_bytes(number, bytes([turn & 255]) * 50_000)
        assert growing.waiting_bytes < 60_000
        if turn % 2:
            assert drawn(growing, number) == bytes([turn & 255]) * 50_000
        growing.end(number)
        assert growing.waiting_bytes == 0


def test_a_sequence_that_was_emptied_can_go_on() -> None:
    growing = Growing()
    number = growing.begin()
    for length in (1, 2048, 0, 4096, 2047, 2049):
        growing.extend_bytes(number, SEED[:length])
        assert drawn(growing, number, 2048) == SEED[:length]
        assert growing.length(number) == 0


@given(start=st.integers(-5, 20), length=st.integers(1, 20))
def test_only_bytes_that_are_there_are_added(start: int, length: int) -> None:
    growing = Growing()
    number = growing.begin()
    batch = batch_of(b"ten bytes.")
    if 0 <= start <= 10 - length:
        growing.extend(number, batch, start, length)
        assert drawn(growing, number) == b"ten bytes."[start : start + length]
        return
    with pytest.raises(IndexError, match="no such bytes"):
        growing.extend(number, batch, start, length)
    assert growing.length(number) == 0
