"""Any segments, by any policy, give events that keep the law, within the memory."""

from typing import Any

from fuzz.choices import Choices
from fuzz.segments import frames, policy
from tests.builder import Frame
from tests.properties.law import Law, check_counts
from unpacket import Assembler, Batch, Data
from unpacket._core.reassembly.events import facts

# A stream that opens takes its memory first, and then the limit is looked at.
ONE_STREAM_BYTES = 1000


def check(data: bytes) -> None:
    choices = Choices(data)
    chosen = policy(choices)
    options = {"data": not choices.byte() & 2, "notes": choices.flag()}
    made = frames(choices)
    assembler = Assembler(chosen, **options)
    law = Law(options["data"])
    told: list[Any] = []
    for index, frame in enumerate(made):
        events = assembler.feed(Batch.from_frames([frame], index + 1))
        law(events)
        told += events
        for stream in assembler.streams:
            check_counts(stream)
        bound = chosen.memory_limit_bytes + ONE_STREAM_BYTES
        assert assembler.memory_bytes <= bound
    end = assembler.finish()
    law(end)
    law.end(assembler)
    assert assembler.memory_bytes == 0
    counters = dict(assembler.counters)
    # What is not followed is a segment all the same.
    counters.pop("not_followed", None)
    assert assembler.packets + sum(counters.values()) == len(made)
    if not any(name.startswith("fragment") for name in counters):
        check_pieces(told + end, made)
    at_once = Assembler(chosen, **options)
    again = at_once.feed(Batch.from_frames(made)) + at_once.finish()
    assert [facts(event) for event in again] == [facts(event) for event in told + end]


def check_pieces(events: list[Any], made: list[Frame]) -> None:
    """Every byte delivered is in the frame that it names."""
    for event in events:
        if not isinstance(event, Data):
            continue
        for piece in event.pieces:
            frame = made[piece.frame - 1]
            at = piece.offset - event.offset
            assert event.payload[at : at + piece.length] in frame.data
            assert piece.time_ns == frame.time_ns
