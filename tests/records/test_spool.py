"""Stores against plain bytes, and what becomes of their room on disk."""

import tempfile
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unpacket.errors import SinkError
from unpacket.records.spool import BlockFile, Store

STEPS = st.lists(st.one_of(st.binary(max_size=40), st.none()), max_size=20)


@given(STEPS, st.integers(1, 30), st.integers(-2, 200), st.integers(-2, 200))
def test_agrees_with_bytes(
    steps: list[bytes | None], block_bytes: int, start: int, stop: int
) -> None:
    store = Store(BlockFile(block_bytes))
    wanted = b""
    for step in steps:
        if step is None:
            store.spill()
            assert store.memory_bytes < block_bytes
        else:
            store.append(step)
            wanted += step
        assert len(store) == len(wanted)
        assert store.read(start, stop) == wanted[max(start, 0) : max(stop, 0)]
    assert store.read(0, len(wanted)) == wanted


def test_stores_of_one_file_do_not_meet() -> None:
    file = BlockFile(4)
    stores = [Store(file) for _ in range(3)]
    for turn in range(5):
        for index, store in enumerate(stores):
            store.append(bytes([index]) * (turn + index))
            store.spill()
    for index, store in enumerate(stores):
        assert store.read(0, 100) == bytes([index]) * (10 + 5 * index)


def test_room_is_used_again() -> None:
    file = BlockFile(2)
    block = memoryview(b"ab")
    assert [file.put(block) for _ in range(3)] == [0, 1, 2]
    store = Store(file)
    store.append(b"xxyy")
    store.spill()
    store.close()
    assert {file.put(block), file.put(block)} == {3, 4}
    assert file.put(block) == 5
    del store


def test_a_closed_store_says_so() -> None:
    store = Store(BlockFile())
    store.append(b"abc")
    store.close()
    store.close()
    for use in (lambda: store.append(b"d"), lambda: store.read(0, 1), store.spill):
        with pytest.raises(ValueError, match="closed"):
            use()


def test_nothing_is_lost_where_there_is_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(**_options: Any) -> NoReturn:
        raise OSError(28, "No space left on device")

    store = Store(BlockFile(2))
    store.append(b"abcde")
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(SinkError, match="no space"):
        store.spill()
    assert store.read(0, 9) == b"abcde"
    assert not store.spilled
