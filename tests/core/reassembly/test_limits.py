"""Every bound: what happens when it is reached, and that it holds."""

import gc
import tracemalloc
from typing import Any

import pytest

from tests.builder import (
    FIN,
    MS,
    RAW,
    RST,
    SECOND,
    SERVER_END,
    START_NS,
    SYN,
    Conversation,
    Frame,
    ip,
)
from tests.talk import CLIENT, Talk, batches, said
from unpacket import Assembler, Batch, Policy
from unpacket._core.reassembly.costs import (
    EXTRA_BYTES,
    LIST_BYTES,
    RANGE_BYTES,
    REJECTED_BYTES,
)

KIB = 1 << 10
MIB = 1 << 20
ENDS = ("10.9.9.9", SERVER_END[0])


def talking(**changes: Any) -> Talk:
    talk = Talk(**changes)
    talk.handshake()
    return talk


# What one half may hold.


@pytest.mark.parametrize(
    "limit",
    [
        pytest.param({"max_held_bytes": 8}, id="bytes"),
        pytest.param({"max_held_segments": 2}, id="segments"),
        pytest.param({"max_held_span_bytes": 17}, id="span"),
        pytest.param({"max_holes": 2}, id="holes"),
    ],
)
def test_a_half_that_holds_too_much_gives_up_its_first_hole(
    limit: dict[str, int],
) -> None:
    talk = talking(**limit)
    assert talk.client(3, b"def", ack=0) == []
    assert talk.client(9, b"jkl") == []
    assert talk.client(15, b"pqr") == [
        ("gap", "client", 0, 3, "limit"),
        ("data", "client", 3, b"def"),
    ]
    assert talk.client(6, b"ghi") == [("data", "client", 6, b"ghijkl")]


@pytest.mark.parametrize(
    ("limit", "reached"),
    [
        pytest.param({"max_held_bytes": 6}, False, id="bytes, full"),
        pytest.param({"max_held_bytes": 5}, True, id="bytes, one less"),
        pytest.param({"max_held_segments": 2}, False, id="segments, full"),
        pytest.param({"max_held_segments": 1}, True, id="segments, one less"),
        pytest.param({"max_held_span_bytes": 12}, False, id="span, full"),
        pytest.param({"max_held_span_bytes": 11}, True, id="span, one less"),
        pytest.param({"max_holes": 2}, False, id="holes, full"),
        pytest.param({"max_holes": 1}, True, id="holes, one less"),
        pytest.param({"max_holes": 0}, True, id="nothing may be held"),
    ],
)
def test_a_limit_is_what_may_be_reached(limit: dict[str, int], reached: bool) -> None:
    talk = talking(**limit)
    told = talk.client(3, b"def", ack=0) + talk.client(9, b"jkl")
    assert bool(told) is reached


def test_joining_runs_are_one_hole() -> None:
    talk = talking(max_holes=1)
    for offset in (12, 9, 6, 3):
        talk.client(offset, b"abc", ack=0)
    assert talk.client(0, b"abc")[-1] == ("data", "client", 0, b"abc" * 5)
    assert talk.stream.counts(CLIENT)["gaps"] == 0


def test_copies_are_held_once() -> None:
    talk = talking(max_held_bytes=3)
    for _ in range(10):
        assert talk.client(3, b"def", ack=0) == []


def test_both_halves_may_be_counted_together() -> None:
    talk = talking(limit_scope="stream", max_held_bytes=8)
    assert talk.client(3, b"defgh", ack=0) == []
    assert talk.server(3, b"defgh") == [
        ("gap", "server", 0, 3, "limit"),
        ("data", "server", 3, b"defgh"),
    ]


def test_halves_are_counted_alone() -> None:
    talk = talking(max_held_bytes=8)
    assert talk.client(3, b"defgh", ack=0) == []
    assert talk.server(3, b"defgh") == []


@pytest.mark.parametrize(
    "limit",
    [
        {"max_held_bytes": 3},
        {"max_held_segments": 1},
        {"max_held_span_bytes": 6},
        {"max_holes": 1},
    ],
)
def test_whoever_waits_is_closed_by_a_limit(limit: dict[str, int]) -> None:
    talk = talking(gap="wait", **limit)
    assert talk.client(3, b"def", ack=0) == []
    assert talk.client(9, b"jkl")[-1] == ("closed", "buffer_limit")
    assert talk.stream.close_reason == "buffer_limit"


# What all streams may take together.


def connection(number: int, now_ns: int = START_NS, isn: int = 1000) -> Conversation:
    host = f"10.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
    return Conversation(
        (host, 40000), link_type=RAW, start_ns=now_ns, step_ns=1000, client_isn=isn
    )


def syn_flood(count: int, step_ns: int = MS) -> list[Frame]:
    frames = []
    for number in range(count):
        flow = connection(number, START_NS + number * step_ns)
        flow.client(0, flags=SYN, ack=None)
        frames += flow.frames
    return frames


def watched(frames: list[Frame], policy: Policy) -> tuple[list[Any], int, Assembler]:
    """Feed frames one by one; return events, and the most memory that was in use."""
    assembler = Assembler(policy)
    events: list[Any] = []
    most = 0
    for index, frame in enumerate(frames):
        events += assembler.feed(Batch.from_frames([frame], index + 1))
        most = max(most, assembler.memory_bytes)
    return events, most, assembler


@pytest.mark.parametrize("step_ns", [0, MS, 2 * SECOND])
def test_a_flood_of_streams_stays_within_the_memory_limit(step_ns: int) -> None:
    limit = 20 * KIB
    frames = syn_flood(500, step_ns)
    policy = Policy(memory_limit_bytes=limit, half_open_timeout_s=None)
    events, most, assembler = watched(frames, policy)
    assert most <= limit
    reasons = [told[1] for told in said(events) if told[0] == "closed"]
    assert set(reasons) == {"memory_limit"}
    assert len(reasons) + len(assembler.streams) == 500
    # Who came last is there.
    assert assembler.streams[-1].id == 499


def test_the_stream_that_was_quiet_longest_is_evicted() -> None:
    """An old stream that still speaks stays; one that fell silent goes."""
    assembler = Assembler(Policy(memory_limit_bytes=6 * KIB))
    talks = []
    for number in range(4):
        ends = {"client": (f"10.0.1.{number}", 40000)}
        talk = Talk(assembler=assembler, conversation=ends)
        talk.wire.now_ns += number * SECOND
        talk.handshake()
        talks.append(talk)
    for talk in (talks[0], talks[2], talks[3]):
        talk.wire.now_ns = START_NS + 10 * SECOND
        talk.client(0, b"abc", ack=0)
    evicted = []
    for number in range(100):
        ends = {"client": (f"10.0.2.{number}", 40000)}
        talk = Talk(assembler=assembler, conversation=ends)
        talk.wire.now_ns = START_NS + 11 * SECOND
        talk.handshake()
        evicted += [
            event.stream.id for event in talk.events if said([event])[0][0] == "closed"
        ]
        if evicted:
            break
    assert evicted[0] == 1


def test_closed_streams_are_forgotten_before_living_ones_are_closed() -> None:
    policy = Policy(memory_limit_bytes=8 * KIB, close_grace_s=0)
    frames: list[Frame] = []
    for number in range(100):
        flow = connection(number, START_NS + number * MS)
        flow.handshake()
        if number:
            flow.server(1, flags=RST, ack=1)
        frames += flow.frames
    keeper = connection(0)
    frames += [
        frame._replace(time_ns=frames[-1].time_ns)
        for frame in (keeper.client(1, b"abc", ack=1), keeper.client(4, b"def", ack=1))
    ]
    events, most, _ = watched(frames, policy)
    assert most <= 8 * KIB
    assert "memory_limit" not in {
        told[1] for told in said(events) if told[0] == "closed"
    }


def test_held_data_stays_within_the_memory_limit() -> None:
    """Many streams, each of them with a hole that never fills."""
    limit = 64 * KIB
    frames: list[Frame] = []
    flows = [connection(number) for number in range(20)]
    for flow in flows:
        flow.handshake()
    for turn in range(10):
        for flow in flows:
            flow.client(100 + 2000 * turn, bytes(1000), ack=1)
    for flow in flows:
        frames += flow.frames
    frames.sort(key=lambda frame: frame.time_ns)
    policy = Policy(memory_limit_bytes=limit)
    events, most, assembler = watched(frames, policy)
    assert most <= limit
    told = said(events + assembler.finish())
    assert any(event[0] == "gap" and event[-1] == "limit" for event in told)
    assert assembler.memory_bytes == 0


def test_held_data_is_given_up_before_streams_are() -> None:
    talk = talking(memory_limit_bytes=2 * KIB)
    told = talk.client(1000, bytes(2 * KIB), ack=0)
    assert [event[0] for event in told] == ["gap", "data"]
    assert told[0][-1] == "limit"


def midstream_flood(count: int, size: int) -> list[Frame]:
    """Segments of connections whose beginning was not captured, all at one time."""
    frames = []
    for number in range(count):
        flow = connection(number)
        flow.client(7777, bytes(size), ack=1)
        frames += flow.frames
    return frames


def test_what_waits_for_its_beginning_stays_within_the_memory_limit() -> None:
    limit = 64 * KIB
    _, most, assembler = watched(
        midstream_flood(300, 1000), Policy(memory_limit_bytes=limit)
    )
    assert most <= limit
    assert len(assembler.streams) < 64


def test_suspects_stay_within_the_memory_limit() -> None:
    limit = 16 * KIB
    talk = talking(memory_limit_bytes=limit)
    for number in range(60):
        talk.client(1000 * number, bytes(1000), ack=0, ttl=5)
        assert talk.assembler.memory_bytes <= limit


def test_unacknowledged_data_stays_within_the_memory_limit() -> None:
    limit = 16 * KIB
    talk = talking(memory_limit_bytes=limit, deliver="acked")
    for number in range(60):
        talk.client(1000 * number, bytes(1000), ack=0)
        assert talk.assembler.memory_bytes <= limit


def test_syns_with_data_stay_within_the_memory_limit() -> None:
    limit = 16 * KIB
    frames = []
    for number in range(60):
        flow = connection(number)
        flow.client(0, bytes(1000), flags=SYN, ack=None)
        frames += flow.frames
    _, most, _ = watched(frames, Policy(memory_limit_bytes=limit))
    assert most <= limit


def test_streams_and_fragments_stay_within_the_memory_limit_together() -> None:
    limit = 20 * KIB
    frames = []
    for number, syn in enumerate(syn_flood(300, 0)):
        octets = bytes(8 * number)
        fragment = ip(*ENDS, octets, identification=number, more_fragments=True)
        frames += [syn, syn._replace(data=fragment, original=len(fragment))]
    policy = Policy(memory_limit_bytes=limit, half_open_timeout_s=None)
    _, most, assembler = watched(frames, policy)
    assert limit // 2 < most <= limit
    assert assembler.counters["fragment_limit"] > 0


def test_fragments_stay_within_their_bound() -> None:
    limit = 16 * KIB
    assembler = Assembler(Policy(max_fragment_bytes=limit))
    for number in range(200):
        part = ip(
            "10.0.0.1",
            SERVER_END[0],
            bytes(800),
            identification=number,
            more_fragments=True,
        )
        frame = Frame(START_NS + number, part, RAW, len(part))
        assembler.feed(Batch.from_frames([frame], number + 1))
        assert assembler.memory_bytes <= limit
    assert assembler.counters["fragment_limit"] > 0


def test_only_so_many_datagrams_wait_for_fragments() -> None:
    assembler = Assembler(Policy(max_fragmented_datagrams=3))
    for number in range(10):
        part = ip(
            "10.0.0.1", "10.0.0.2", bytes(8), identification=number, more_fragments=True
        )
        frame = Frame(START_NS + number, part, RAW, len(part))
        assembler.feed(Batch.from_frames([frame], number + 1))
    assert assembler.counters["fragment_limit"] == 7
    assert assembler.memory_bytes > 0
    assembler.finish()
    assert assembler.memory_bytes == 0
    assert assembler.counters["fragment"] == 3


def test_memory_is_free_after_the_end() -> None:
    talk = talking()
    talk.client(3, b"def", ack=0)
    talk.client(9, b"jkl", ttl=2)
    talk.server(5, b"xyz")
    assert talk.assembler.memory_bytes > 0
    talk.finish()
    assert talk.assembler.memory_bytes == 0


def test_an_abandoned_assembler_keeps_nothing() -> None:
    payload = bytes(1000)
    tracemalloc.start()
    try:
        for _ in range(20):
            talk = talking(deliver="acked")
            for number in range(100):
                talk.client(1000 * number, payload, ack=0)
            del talk
            gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 10 * 100 * len(payload)


def test_memory_is_free_after_each_kind_of_end() -> None:
    talk = talking(close_grace_s=0)
    idle = talk.assembler.memory_bytes
    talk.client(3, b"def", ack=0)
    talk.client(9, b"jkl", ttl=2)
    talk.server(0, flags=RST)
    # What happened to the client's payload is remembered while the stream lingers, and
    # where its gap is: what comes late into that is no copy.
    most = idle + COUNTS_BYTES + LIST_BYTES + RANGE_BYTES
    assert idle < talk.assembler.memory_bytes <= most
    talk.wait(61)
    talk.wait(2)
    # Room for some streams that may speak again.
    assert talk.assembler.memory_bytes < 2 * KIB
    talk.finish()
    assert talk.assembler.memory_bytes == 0


def traced(frames: list[Frame], policy: Policy, batch_size: int = 500) -> int:
    """Return by how many bytes an assembler that was fed these frames grew."""
    cuts = list(range(0, len(frames), batch_size))
    fed = list(batches(frames, cuts))
    tracemalloc.start()
    try:
        assembler = Assembler(policy)
        before, _ = tracemalloc.get_traced_memory()
        for batch in fed:
            assembler.feed(batch)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert assembler.packets == len(frames)
    return after - before


# What is counted for the counts of a side that lost something and had some rejected.
COUNTS_BYTES = EXTRA_BYTES + REJECTED_BYTES

# The uncompiled core's objects are some times as large as what is accounted.
SLACK = 8
QUARTER = MIB // 4


def test_a_flood_takes_no_more_than_was_allowed() -> None:
    policy = Policy(memory_limit_bytes=QUARTER, conflict_window_bytes=0)
    assert traced(syn_flood(5000, 0), policy) < SLACK * QUARTER


def test_a_flood_of_segments_without_beginning_takes_no_more_than_was_allowed() -> None:
    """Time stands still, so nothing ever times out."""
    policy = Policy(memory_limit_bytes=QUARTER, conflict_window_bytes=0)
    assert traced(midstream_flood(5000, 1), policy) < SLACK * QUARTER


def test_ports_that_are_used_again_and_again_take_no_memory() -> None:
    flow = connection(0)
    for number in range(3000):
        flow.client(number * 100_000, flags=SYN, ack=None)
        flow.client(number * 100_000, flags=RST, ack=None)
    frames = [frame._replace(time_ns=START_NS) for frame in flow.frames]
    policy = Policy(memory_limit_bytes=MIB, conflict_window_bytes=0)
    assert traced(frames, policy) < MIB


def test_a_long_stream_takes_no_memory() -> None:
    flow = connection(0)
    flow.handshake()
    for number in range(3000):
        flow.client(1 + 1000 * number, bytes(1000), ack=1)
    frames = flow.frames
    policy = Policy(conflict_window_bytes=0, checksum="ignore")
    assert traced(frames, policy, 100) < MIB


def test_two_fins_leave_nothing_but_the_lingering_stream() -> None:
    talk = talking()
    talk.client(0, flags=FIN, ack=0)
    talk.server(0, flags=FIN, ack=1)
    assert talk.assembler.memory_bytes < KIB
