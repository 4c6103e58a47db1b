"""Rows of numbers: each is one owner's, keeps what it holds, and is used again."""

import mmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unpacket._core.constants import KEY_OWNER, ROW_WORDS
from unpacket._core.memory.pages import LARGE_BYTES, space
from unpacket._core.reassembly.ledger import Ledger

NONE = -1
FIRST_ROWS = Ledger().rows
ROW_BYTES = 8 * ROW_WORDS


def fill(ledger: Ledger, row: int, value: int) -> None:
    """Write a value that is the row's own into each of its numbers."""
    for word in range(ROW_WORDS):
        ledger.signed[ROW_WORDS * row + word] = value + word


def held(ledger: Ledger, row: int) -> list[int]:
    return list(ledger.signed[ROW_WORDS * row : ROW_WORDS * (row + 1)])


def filled(value: int) -> list[int]:
    return [value + word for word in range(ROW_WORDS)]


def test_a_new_one_is_empty() -> None:
    ledger = Ledger()
    assert (ledger.used, ledger.free) == (0, NONE)
    assert 0 < FIRST_ROWS * ROW_BYTES < LARGE_BYTES
    assert len(ledger.signed) == len(ledger.unsigned) == FIRST_ROWS * ROW_WORDS
    assert not any(ledger.signed)


def test_rows_come_in_order_and_no_sooner_is_there_more_room() -> None:
    ledger = Ledger()
    assert [ledger.take() for _ in range(FIRST_ROWS)] == list(range(FIRST_ROWS))
    assert ledger.rows == FIRST_ROWS
    assert ledger.take() == FIRST_ROWS
    assert (ledger.used, ledger.rows) == (FIRST_ROWS + 1, 2 * FIRST_ROWS)


def test_what_rows_hold_moves_with_them() -> None:
    ledger = Ledger()
    for number in range(4 * FIRST_ROWS + 1):
        fill(ledger, ledger.take(), 1000 * number)
    assert ledger.rows == 8 * FIRST_ROWS
    for number in range(4 * FIRST_ROWS + 1):
        assert held(ledger, number) == filled(1000 * number)
    assert not any(ledger.signed[ROW_WORDS * (4 * FIRST_ROWS + 1) :])


def test_the_row_that_was_given_back_last_comes_first() -> None:
    ledger = Ledger()
    rows = [ledger.take() for _ in range(5)]
    for row in (1, 3, 0):
        ledger.give_back(row)
    assert [ledger.take() for _ in range(4)] == [0, 3, 1, len(rows)]
    assert ledger.free == NONE


def test_what_was_given_back_has_no_owner() -> None:
    ledger = Ledger()
    for number in (1, 2):
        fill(ledger, ledger.take(), number)
    ledger.give_back(0)
    assert ledger.signed[KEY_OWNER] == 0
    assert held(ledger, 1) == filled(2)


def test_rows_given_back_are_used_before_there_is_more_room() -> None:
    ledger = Ledger()
    for _ in range(FIRST_ROWS):
        ledger.take()
    for _ in range(3):
        for row in range(FIRST_ROWS):
            ledger.give_back(row)
        assert {ledger.take() for _ in range(FIRST_ROWS)} == set(range(FIRST_ROWS))
    assert (ledger.used, ledger.rows) == (FIRST_ROWS, FIRST_ROWS)


def test_rows_that_were_used_again_move_too() -> None:
    ledger = Ledger()
    for _ in range(FIRST_ROWS):
        ledger.take()
    for row in (5, 9, 7):
        ledger.give_back(row)
    for value in (1, 2, 3):
        fill(ledger, ledger.take(), value)
    ledger.give_back(9)
    assert ledger.take() == 9
    fill(ledger, 9, 4)
    assert ledger.take() == FIRST_ROWS
    assert [held(ledger, row) for row in (7, 9, 5)] == [filled(1), filled(4), filled(3)]


@pytest.mark.parametrize("value", [0, 1, -1, 2**63 - 1, -(2**63)])
def test_both_views_are_the_same_memory(value: int) -> None:
    ledger = Ledger()
    ledger.signed[7] = value
    assert ledger.unsigned[7] == value % 2**64
    ledger.unsigned[8] = value % 2**64
    assert ledger.signed[8] == value


@pytest.mark.parametrize("large_pages", [False, True])
def test_much_memory_is_the_systems(large_pages: bool) -> None:
    assert isinstance(space(LARGE_BYTES - 1, large_pages), bytearray)
    large = space(LARGE_BYTES, large_pages)
    assert isinstance(large, mmap.mmap)
    assert bytes(large) == bytes(LARGE_BYTES)


def test_rows_in_much_memory_are_as_the_others() -> None:
    ledger = Ledger()
    while ledger.rows * ROW_BYTES < 2 * LARGE_BYTES:
        row = ledger.take()
        # Writing all of them would only take time.
        if row % 97 == 0:
            fill(ledger, row, 1000 * row)
    for row in range(0, ledger.used, 97):
        assert held(ledger, row) == filled(1000 * row)
    assert not any(ledger.signed[ROW_WORDS * ledger.used :])
    ledger.give_back(97)
    assert ledger.take() == 97


@given(st.lists(st.integers(-1, 200), max_size=400), st.integers(0, 3 * FIRST_ROWS))
def test_it_agrees_with_a_set(steps: list[int], before: int) -> None:
    """-1 takes a row, another number gives back the row of that rank among the taken.

    Whoever has a row writes into it, and finds that again however others come and go.
    """
    ledger = Ledger()
    model: dict[int, int] = {}
    most = 0
    for turn, step in enumerate([-1] * before + steps):
        if step < 0 or not model:
            row = ledger.take()
            assert row not in model
            assert 0 <= row < ledger.rows
            model[row] = 1000 * turn
            most = max(most, len(model))
            fill(ledger, row, 1000 * turn)
        else:
            row = sorted(model)[step % len(model)]
            assert held(ledger, row) == filled(model.pop(row))
            ledger.give_back(row)
        # No row is handed out while one is free, so no more were ever needed.
        assert ledger.used == most
    for row, value in model.items():
        assert held(ledger, row) == filled(value)
    assert set(model) <= set(range(ledger.used))
