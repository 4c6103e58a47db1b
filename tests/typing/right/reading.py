"""A program that reads captures: every name has the type that a user expects."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, assert_type

import unpacket
from unpacket import (
    Closed,
    Conflict,
    Data,
    Direction,
    Endpoint,
    Event,
    Finished,
    Gap,
    Note,
    Opened,
    Policy,
    Rejected,
    Stream,
    Summary,
    Urgent,
    WholeStream,
)
from unpacket.messages import Exchange

for event in unpacket.events("capture.pcapng", policy=Policy(overlap="linux"), jobs=2):
    match event:
        case Opened(stream):
            assert_type(stream, Stream)
            assert_type(stream.client, Endpoint)
            assert_type(stream.packets(Direction.CLIENT), int)
            assert_type(stream.acknowledged(1), int | None)
        case Data(stream, direction, offset, payload):
            assert_type(direction, Direction)
            assert_type(offset, int)
            assert_type(payload, bytes)
        case Gap(stream, direction, offset, length, reason):
            assert_type(length, int)
            assert_type(reason, str)
        case Conflict() | Rejected() | Note() | Finished() | Urgent():
            assert_type(event.direction, Direction)
        case Closed(stream, reason):
            assert_type(reason, str)
    assert_type(event.frame, int)
    assert_type(event.time_ns, int)

assert_type(unpacket.events("capture.pcap"), Iterator[Event])
assert_type(unpacket.streams(["a.pcap", "b.pcap"], merge=True), Iterator[WholeStream])
assert_type(unpacket.summaries(Path("a.pcap"), where="id > 3"), Iterator[Summary])

for whole in unpacket.streams("capture.pcap", spill_bytes=1 << 20, strict=True):
    assert_type(whole.client_data, bytes)
    assert_type(whole.read(Direction.SERVER, 0, 100), bytes)
    assert_type(whole.digest(Direction.SERVER), str)
    assert_type(whole.frames(Direction.SERVER, 0, 100), list[int])
    for gap in whole.client_gaps:
        assert_type(gap.offset, int)
    for chunk in whole.chunks:
        assert_type(chunk.payload, bytes)

for summary in unpacket.summaries("capture.pcap", digest=True, bpf="tcp port 80"):
    assert_type(summary.bytes, tuple[int, int])
    assert_type(summary.close_reason, str | None)
    assert_type(summary.complete, bool)


def from_file(file: BinaryIO) -> list[Summary]:
    """Read an open file."""
    return list(unpacket.summaries(file))


def from_packets(packets: list[tuple[float, bytes]]) -> list[Event]:
    """Read packets of a program."""
    return list(unpacket.events(packets, link_type="ip"))


def progress(done: int, size: int | None) -> None:
    """Take how far it is."""


for exchange in unpacket.http("capture.pcap", jobs=2, bodies=False):
    assert_type(exchange, Exchange)

with unpacket.sources.open("capture.pcap", progress=progress) as batches:
    assembler = unpacket.Assembler(Policy.preset("libtins"), data=False)
    for batch in batches:
        assert_type(batch, unpacket.Batch)
        assert_type(assembler.feed(batch), list[Event])
    assert_type(assembler.advance(0), list[Event])
    assert_type(assembler.finish(), list[Event])
    assert_type(assembler.counters, dict[str, int])
