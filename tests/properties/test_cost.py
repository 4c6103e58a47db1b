"""80,000 segments of four bytes in the worst orders: the stream, and at what cost."""

import random
import sys
from functools import cache
from types import FrameType

import pytest

from tests.builder import (
    ACK,
    CLIENT_END,
    RAW,
    SERVER_END,
    START_NS,
    SYN,
    Frame,
    ip,
    tcp,
)
from tests.talk import CLIENT, batches, payload_of
from unpacket import Assembler, Policy

UNBOUNDED = Policy(max_held_bytes=None, max_held_segments=None, window=False)
ORDERS = ["reversed", "shuffled", "interleaved"]


def packet(seq: int, payload: bytes, flags: int) -> Frame:
    segment = tcp(CLIENT_END, SERVER_END, seq, payload, flags=flags)
    data = ip(CLIENT_END[0], SERVER_END[0], segment)
    return Frame(START_NS, data, RAW, len(data))


@cache
def capture(order: str, count: int) -> list[Frame]:
    """Return a SYN, and ``count`` segments of four bytes that say which they are."""
    numbers = list(range(count))
    if order == "reversed":
        numbers.reverse()
    elif order == "shuffled":
        random.Random(5).shuffle(numbers)
    else:
        # Every second one first: as many holes as there can be.
        numbers = numbers[1::2] + numbers[::2]
    return [packet(0, b"", SYN)] + [
        packet(1 + 4 * number, number.to_bytes(4, "big"), ACK) for number in numbers
    ]


def feed(frames: list[Frame], policy: Policy) -> tuple[bytes, Assembler]:
    assembler = Assembler(policy)
    events = []
    for batch in batches(frames, range(0, len(frames), 2000)):
        events += assembler.feed(batch)
    stream = assembler.streams[0]
    counts = stream.counts(CLIENT)
    assert counts["seen_bytes"] == 4 * (len(frames) - 1)
    return payload_of(events + assembler.finish(), CLIENT), assembler


@pytest.mark.parametrize("order", ORDERS)
def test_80_000_segments_in_any_order(order: str) -> None:
    count = 80_000
    payload, _ = feed(capture(order, count), UNBOUNDED)
    assert payload == b"".join(number.to_bytes(4, "big") for number in range(count))


@pytest.mark.parametrize("order", ORDERS)
def test_80_000_segments_within_the_usual_bounds(order: str) -> None:
    frames = capture(order, 80_000)
    payload, assembler = feed(frames, Policy(window=False))
    assert assembler.memory_bytes == 0
    # Whatever was given up, what is delivered is in order.
    numbers = [payload[at : at + 4] for at in range(0, len(payload), 4)]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("order", ORDERS)
def test_the_cost_of_a_segment_hardly_grows(
    order: str, request: pytest.FixtureRequest
) -> None:
    """Calls of Python are counted, so that no clock decides."""
    if not request.config.getoption("--pure"):
        pytest.skip("calls inside of compiled code cannot be seen")
    small, large = (calls(capture(order, count)) for count in (1000, 8000))
    # Else they were not seen, and the comparison would say nothing.
    assert small > 1000
    # n log n would be a factor of 10.4.
    assert large < 12 * small


def calls(frames: list[Frame]) -> int:
    """Return how many calls Python makes to reassemble some frames."""
    count = 0

    def see(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    fed = list(batches(frames, range(0, len(frames), 2000)))
    assembler = Assembler(UNBOUNDED)
    sys.setprofile(see)
    try:
        for batch in fed:
            assembler.feed(batch)
    finally:
        sys.setprofile(None)
    return count
