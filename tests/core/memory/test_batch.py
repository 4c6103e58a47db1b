"""Batches hold frames, and pools hand out what nobody else refers to."""

import pytest

from unpacket._core.memory.batch import CAPACITY, Batch, BatchPool, BufferPool

FRAMES: list[tuple[int, bytes, int] | tuple[int, bytes, int, int]] = [
    (5, b"first", 1),
    (-7, b"", 101, 9),
    (6, b"third", 276, 5),
]


def test_gives_back_its_frames() -> None:
    batch = Batch.from_frames(FRAMES, first_number=41)
    assert len(batch) == 3
    assert batch.frame(0) == (41, 5, 1, 5, b"first")
    assert batch.frame(1) == (42, -7, 101, 9, b"")
    assert batch.frame(2) == (43, 6, 276, 5, b"third")


def test_columns_say_where_a_frame_is() -> None:
    batch = Batch.from_frames(FRAMES)
    start, captured = batch.start[2], batch.captured[2]
    assert bytes(batch.buffer[start : start + captured]) == b"third"
    assert (batch.time_ns[2], batch.link_type[2], batch.original[2]) == (6, 276, 5)
    assert batch.used_bytes == 10


@pytest.mark.parametrize("index", [3, -1])
def test_there_is_no_other_frame(index: int) -> None:
    batch = Batch.from_frames(FRAMES)
    with pytest.raises(IndexError):
        batch.frame(index)


@pytest.mark.parametrize(
    ("start", "captured", "original", "time_ns", "link_type"),
    [
        pytest.param(-1, 1, 1, 0, 1, id="before the buffer"),
        pytest.param(10, 1, 1, 0, 1, id="behind the buffer"),
        pytest.param(6, 5, 5, 0, 1, id="over the end"),
        pytest.param((1 << 63) - 1, 1, 1, 0, 1, id="far behind"),
        pytest.param(0, -1, 1, 0, 1, id="less than nothing"),
        pytest.param(0, 3, 2, 0, 1, id="more than there was"),
        pytest.param(0, 1, 1 << 32, 0, 1, id="original too long"),
        pytest.param(0, 1, 1, 1 << 63, 1, id="too late"),
        pytest.param(0, 1, 1, -(1 << 63) - 1, 1, id="too early"),
        pytest.param(0, 1, 1, 0, 1 << 16, id="no link type"),
        pytest.param(0, 1, 1, 0, -1, id="negative link type"),
    ],
)
def test_refuses_what_is_no_frame_of_it(
    start: int, captured: int, original: int, time_ns: int, link_type: int
) -> None:
    batch = Batch.from_frames(FRAMES)
    with pytest.raises(ValueError):
        batch.add(start, captured, original, time_ns, link_type)
    assert len(batch) == 3


def test_is_full_at_its_capacity() -> None:
    frames = FRAMES[:1] * CAPACITY
    assert len(Batch.from_frames(frames)) == CAPACITY
    with pytest.raises(ValueError):
        Batch.from_frames([*frames, (0, b"", 1)])


def test_cannot_use_more_than_the_buffer() -> None:
    with pytest.raises(ValueError):
        Batch().attach(b"abc", 4, 1)


@pytest.mark.parametrize("length", range(5))
def test_takes_buffers_of_every_length(length: int) -> None:
    data = bytes(range(length))
    batch = Batch.from_frames([(0, data, 1)])
    assert batch.frame(0)[4] == data


def test_a_buffer_comes_back_when_nobody_holds_it() -> None:
    pool = BufferPool(64)
    buffer = pool.take()
    identity = id(buffer)
    del buffer
    assert id(pool.take()) == identity


@pytest.mark.parametrize(
    "hold",
    [
        pytest.param(lambda buffer: buffer, id="itself"),
        pytest.param(memoryview, id="a view"),
        pytest.param(lambda buffer: memoryview(buffer)[3:5], id="a view of a part"),
        pytest.param(lambda buffer: {"payload": [buffer]}, id="deep inside"),
    ],
)
def test_a_buffer_in_use_is_never_handed_out(hold: object) -> None:
    assert callable(hold)
    pool = BufferPool(64)

    def filled() -> bytearray:
        buffer = pool.take()
        buffer[:] = b"o" * 64
        return buffer

    held = [hold(filled()) for _ in range(9)]
    buffers = [pool.take() for _ in range(9)]
    assert len({id(buffer) for buffer in buffers}) == 9
    for buffer in buffers:
        buffer[:] = b"x" * 64
    for each in held:
        buffer = each["payload"][0] if isinstance(each, dict) else each
        assert bytes(buffer).strip(b"o") == b""


def test_a_batch_keeps_its_buffer_from_being_reused() -> None:
    pool = BufferPool(64)
    batch = Batch()
    batch.attach(pool.take(), 64, 1)
    assert pool.take() is not batch.buffer


def test_a_buffer_is_as_large_as_it_must_be() -> None:
    pool = BufferPool(64)
    assert len(pool.take()) == 64
    assert len(pool.take(64)) == 64
    assert len(pool.take(65)) == 65


def test_batches_in_use_are_never_handed_out() -> None:
    pool = BatchPool()
    held = [pool.take() for _ in range(9)]
    assert len({id(batch) for batch in held}) == 9


def test_a_free_batch_comes_back_empty_and_lets_go_of_its_buffer() -> None:
    buffers = BufferPool(64)
    batches = BatchPool()
    batch = batches.take()
    batch.attach(buffers.take(), 64, 7)
    batch.add(0, 1, 1, 0, 1)
    buffer_was, batch_was = id(batch.buffer), id(batch)
    del batch
    batch = batches.take()
    assert id(batch) == batch_was
    assert len(batch) == 0
    assert id(buffers.take()) == buffer_was
