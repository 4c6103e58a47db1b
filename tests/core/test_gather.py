"""Payload gathered by stream: every byte once, and every other event in order."""

from typing import Any

import unpacket
from tests.builder import Conversation
from unpacket import Data
from unpacket._core.gather import Gatherer


def spoken(count: int) -> list[Any]:
    """Return the events of streams that speak in turn."""
    talks = []
    for number in range(count):
        talk = Conversation(("10.0.0.1", 1024 + number))
        talk.handshake()
        talk.client(1, b"ask%d" % number)
        talk.server(1, b"answer ", ack=5)
        talk.server(8, b"%d" % number, ack=5)
        talks.append(talk.packets)
    turns = zip(*talks, strict=True)
    return list(unpacket.events([packet for turn in turns for packet in turn]))


def test_other_events_come_in_order_and_payload_by_stream() -> None:
    events = spoken(9)
    gatherer = Gatherer()
    others, payload = [], {}
    # Cut anywhere, since sources do.
    for start in range(0, len(events), 5):
        gatherer.begin(events[start : start + 5])
        while (event := gatherer.next()) is not None:
            others.append(event)
            if isinstance(event, unpacket.Closed):
                gathered = gatherer.pop(event.stream)
                assert gathered is not None
                payload[event.stream.id] = gathered.client, gathered.server
    assert others == [event for event in events if not isinstance(event, Data)]
    assert payload == {n: ([b"ask%d" % n], [b"answer ", b"%d" % n]) for n in range(9)}
    assert gatherer.waiting_bytes == 0
    assert not gatherer.gathered


def test_what_waits_is_accounted_for() -> None:
    gatherer = Gatherer()
    data = [event for event in spoken(3) if isinstance(event, Data)]
    for event in data:
        before = gatherer.waiting_bytes
        gatherer.add(event)
        # A piece costs more than its bytes.
        assert gatherer.waiting_bytes > before + len(event.payload)
    for stream in {event.stream for event in data}:
        before = gatherer.waiting_bytes
        gathered = gatherer.pop(stream)
        assert gathered is not None
        assert gatherer.waiting_bytes == before - gathered.waiting_bytes
        assert gatherer.pop(stream) is None
    assert gatherer.waiting_bytes == 0
