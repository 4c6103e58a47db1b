"""The flow table, through the assembler: each tuple finds its own stream, always."""

import random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.builder import ACK, RAW, RST, SECOND, START_NS, SYN, End, Frame, ip, tcp
from tests.talk import batches
from unpacket import Assembler, Batch, Closed, Data, Opened, Policy

FOREVER = Policy(half_open_timeout_s=None, linger_s=1, close_grace_s=0)
SERVER = ("10.0.0.2", 80)


def frame(
    source: End, target: End, seq: int, payload: bytes, flags: int, time_ns: int
) -> Frame:
    data = ip(source[0], target[0], tcp(source, target, seq, payload, flags=flags))
    return Frame(time_ns, data, RAW, len(data))


def ends(number: int) -> End:
    return (f"10.{number >> 14}.{number >> 6 & 255}.1", 1000 + (number & 63))


def fed(frames: list[Frame], assembler: Assembler) -> list[Any]:
    events = []
    for batch in batches(frames, range(0, len(frames), 2000)):
        events += assembler.feed(batch)
    return events


@pytest.mark.parametrize("count", [1, 640, 641, 3000, 10_000])
def test_every_stream_is_found_again(count: int) -> None:
    """Through all the times that the table grows."""
    assembler = Assembler(FOREVER)
    syns = [frame(ends(n), SERVER, 7 * n, b"", SYN, START_NS + n) for n in range(count)]
    opened = [e.stream for e in fed(syns, assembler) if isinstance(e, Opened)]
    assert [stream.id for stream in opened] == list(range(count))
    order = list(range(count))
    random.Random(1).shuffle(order)
    texts = [
        frame(ends(n), SERVER, 7 * n + 1, b"%d" % n, ACK, START_NS + count)
        for n in order
    ]
    told = [e for e in fed(texts, assembler) if isinstance(e, Data)]
    assert [e.stream.id for e in told] == order
    assert all(e.payload == b"%d" % e.stream.id for e in told)
    assert assembler.streams == opened


def test_streams_that_are_forgotten_leave_the_others_findable() -> None:
    """Open addressing: a hole must not hide what was put behind it."""
    assembler = Assembler(FOREVER)
    count = 600
    fed(
        [frame(ends(n), SERVER, 0, b"", SYN, START_NS) for n in range(count)],
        assembler,
    )
    rng = random.Random(2)
    living = list(range(count))
    now_ns = START_NS
    while living:
        gone = [living.pop(rng.randrange(len(living))) for _ in range(min(60, count))]
        resets = [frame(ends(n), SERVER, 1, b"", RST, now_ns) for n in gone]
        events = fed(resets, assembler)
        assert sorted(e.stream.id for e in events) == sorted(gone)
        now_ns += 3 * SECOND
        assembler.advance(now_ns)
        assert [stream.id for stream in assembler.streams] == sorted(living)
        texts = [frame(ends(n), SERVER, 1, b"", ACK, now_ns) for n in living]
        fed(texts, assembler)
        assert [stream.id for stream in assembler.streams] == sorted(living)


tuples = st.tuples(
    st.sampled_from(["10.0.0.1", "10.0.0.2", "fe80::1", "fe80::2", "fe80::1:0:0:1"]),
    st.sampled_from([0, 1, 80, 65535]),
)
steps = st.tuples(
    tuples,
    tuples,
    st.sampled_from([SYN, ACK, ACK, ACK | RST]),
    st.sampled_from([0, SECOND // 2, 3 * SECOND]),
)


ONE = ("10.0.0.1", 65535)


@given(st.lists(steps, max_size=60))
@example([(ONE, ONE, ACK | RST, 0), (SERVER, SERVER, SYN, SECOND // 2)] * 2)
def test_streams_agree_with_a_dictionary(rows: list[Any]) -> None:
    """Same family, same ends either way round: the same stream, while it lingers."""
    assembler = Assembler(FOREVER)
    model: dict[Any, tuple[int, int | None]] = {}
    now_ns, count = START_NS, 0
    for number, (source, target, flags, wait_ns) in enumerate(rows):
        if (":" in source[0]) != (":" in target[0]):
            continue
        now_ns += wait_ns
        key = frozenset([source, target])
        # Linger is looked at by the second, and when a packet comes.
        stream, closed_ns = model.get(key, (-1, None))
        if stream < 0 or (closed_ns is not None and now_ns - closed_ns >= SECOND):
            stream, closed_ns = count, None
            count += 1
        elif closed_ns is not None and flags == SYN:
            # All SYNs here have one number, and only some closed streams had it.
            del model[key]
            continue
        if flags & RST and closed_ns is None:
            closed_ns = now_ns
        model[key] = (stream, closed_ns)
        made = frame(source, target, 5, b"", flags, now_ns)
        events = assembler.feed(Batch.from_frames([made], number + 1))
        for event in events:
            if isinstance(event, Closed) and event.reason == "rst":
                assert event.stream.id == stream
        found = assembler.find_stream(*source, *target)
        assert found is not None and found.id == stream


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            (("10.0.0.1", 1), ("10.0.0.2", 2)),
            (("10.0.0.1", 2), ("10.0.0.2", 1)),
            id="ports swapped",
        ),
        pytest.param(
            (("10.0.0.1", 1), ("10.0.0.2", 1)),
            (("10.0.0.1", 1), ("10.0.0.3", 1)),
            id="neighbouring addresses",
        ),
        pytest.param(
            (("0.0.0.1", 1), ("0.0.0.2", 1)),
            (("::1", 1), ("::2", 1)),
            id="families with equal numbers",
        ),
        pytest.param(
            (("1::1", 1), ("1::2", 1)),
            (("2::1", 1), ("2::2", 1)),
            id="upper halves of addresses",
        ),
        pytest.param(
            (("1::1", 1), ("2::1", 1)),
            (("1::1", 1), ("1::1", 2)),
            id="equal lower halves",
        ),
    ],
)
def test_different_tuples_are_different_streams(
    one: tuple[End, End], other: tuple[End, End]
) -> None:
    assembler = Assembler()
    for pair in (one, other):
        for source, target in (pair, pair[::-1]):
            fed([frame(source, target, 5, b"x", ACK, START_NS)], assembler)
    assert len(assembler.streams) == 2


def test_the_ends_read_as_they_were_sent() -> None:
    assembler = Assembler()
    pair = ("2001:db8::9", 50000), ("2001:db8::1", 443)
    fed([frame(*pair, 5, b"", SYN, START_NS)], assembler)
    stream = assembler.streams[0]
    assert (tuple(stream.client), tuple(stream.server)) == pair
    assert str(stream.client) == "[2001:db8::9]:50000"


def test_the_hash_is_of_each_assembler_alone() -> None:
    """Nobody outside can know it, and no result depends on it."""
    syns = [frame(ends(n), SERVER, 0, b"", SYN, START_NS) for n in range(200)]
    orders = []
    for _ in range(3):
        assembler = Assembler()
        orders.append([str(event.stream.client) for event in fed(syns, assembler)])
    assert orders[0] == orders[1] == orders[2]
