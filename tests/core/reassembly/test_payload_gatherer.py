"""Payload that is gathered is what the events carry, whatever happens to streams."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builder import Conversation
from tests.captured import drawn
from unpacket import Batch, Closed, Data, Policy
from unpacket._core.reassembly.assembler import Assembler
from unpacket._core.reassembly.payload_gatherer import Gatherer
from unpacket.faces.reader import Reading

ROOT = Path(__file__).resolve().parents[3]
RECORDED = sorted(ROOT.glob("tests/recordings/*.pcap*"))
CAPTURES = [*RECORDED[:6], ROOT / "examples" / "sample.pcapng"]


def told(events: Iterator[Any]) -> list[tuple[int, bytes, bytes]]:
    """Return id and bytes of each stream, in the order of their ends."""
    sides: dict[int, tuple[list[bytes], list[bytes]]] = {}
    streams = []
    for event in events:
        both = sides.setdefault(event.stream.id, ([], []))
        if isinstance(event, Data):
            both[event.direction].append(event.payload)
        elif isinstance(event, Closed):
            client, server = sides.pop(event.stream.id)
            streams.append((event.stream.id, b"".join(client), b"".join(server)))
    return streams


def gathered(source: Any, **options: Any) -> list[tuple[int, bytes, bytes]]:
    """Return the same, of what a gatherer has."""
    gatherer = Gatherer()
    streams = []
    for events in Reading(source, gatherer=gatherer, **options).lists():
        for event in events:
            assert not isinstance(event, Data)
            if isinstance(event, Closed):
                waits = gatherer.cost(event.stream)
                before = gatherer.waiting_bytes
                streams.append((event.stream.id, *drawn(gatherer, event.stream)))
                assert gatherer.waiting_bytes == before - waits
                assert drawn(gatherer, event.stream) == (b"", b"")
    assert gatherer.waiting_bytes == 0
    assert not gatherer.streams()
    return streams


def reused() -> list[tuple[int, bytes]]:
    """Two ends that connect again and again, some out of order, some with a gap."""
    packets: list[tuple[int, bytes]] = []
    for turn in range(30):
        talk = Conversation(client_isn=1000 + (turn << 20), start_ns=turn << 28)
        talk.handshake()
        talk.client(1, b"first %d" % turn)
        if turn % 3 == 0:
            talk.client(100, b"late")
        if turn % 2:
            talk.server(1, b"an answer", ack=9)
        packets += talk.packets
    return packets


@pytest.mark.parametrize("deliver", ["in_order", "acked"])
@pytest.mark.parametrize(
    "source",
    [
        *(pytest.param(path, id=path.name) for path in CAPTURES if path.exists()),
        pytest.param(reused(), id="ports that are used again"),
    ],
)
def test_it_is_what_events_carry(source: Any, deliver: Any) -> None:
    policy = Policy(deliver=deliver)
    expected = told(Reading(source, policy=policy).events())
    assert gathered(source, policy=policy) == expected


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_it_does_not_depend_on_batches(size: int) -> None:
    packets = reused()
    gatherer = Gatherer()
    assembler = Assembler()
    assembler.gather(gatherer)
    events: list[Any] = []
    for first in range(0, len(packets), size):
        frames = [(*packet, 1) for packet in packets[first : first + size]]
        batch = Batch.from_frames(frames, first_number=first + 1)
        events += assembler.feed(batch)
    events += assembler.finish()
    streams = []
    for event in events:
        if isinstance(event, Closed):
            streams.append((event.stream.id, *drawn(gatherer, event.stream)))
    assert streams == told(Reading(packets).events())


def test_what_was_taken_early_is_not_given_again() -> None:
    talk = Conversation()
    talk.handshake()
    gatherer = Gatherer()
    assembler = Assembler()
    assembler.gather(gatherer)
    offset = 1
    for size in (1, 10, 1000, 100, 1460, 1460, 3):
        talk.client(offset, b"x" * size)
        offset += size
    (stream,) = {event.stream for event in assembler.feed(talk.batch())}
    assert gatherer.streams() == [stream]
    # No more than a block of what it is.
    assert offset - 1 < gatherer.waiting_bytes < offset + 3000
    assert drawn(gatherer, stream) == (b"x" * (offset - 1), b"")
    assert gatherer.waiting_bytes == 0
    assembler.finish()
    assert drawn(gatherer, stream) == (b"", b"")


def test_events_of_any_origin_can_be_added() -> None:
    packets = reused()
    gatherer = Gatherer()
    ends = []
    for event in Reading(packets).events():
        if isinstance(event, Data):
            gatherer.add(event)
        elif isinstance(event, Closed):
            ends.append(event.stream)
    streams = []
    for stream in ends:
        streams.append((stream.id, *drawn(gatherer, stream)))
    assert streams == told(Reading(packets).events())
