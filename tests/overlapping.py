"""Segments that overlap, told to an assembler and to the reassembler of bytes.

Whoever has some, a property or a fuzzer, sends them with ``Overlapping``: each time
it looks whether both made the same of them.
"""

from typing import Any, get_args

from tests.model import Reassembler
from tests.talk import CLIENT, Talk
from unpacket import Conflict, Data, Gap, policy

# What is no table has a model of its own (tests/kernel).
OVERLAPS = [name for name in get_args(policy.Overlap) if name != "linux-queue"]


class Overlapping:
    """What the client sends, in any order, and the server never acknowledges."""

    def __init__(self, overlap: policy.Overlap, **conversation: Any) -> None:
        self.talk = Talk(overlap=overlap, conversation=conversation)
        self.model = Reassembler(overlap)
        self.talk.handshake()

    def send(self, offset: int, payload: bytes) -> None:
        """Send a segment of two bytes or more: one could be a keep-alive."""
        talk = self.talk
        before = len(talk.events)
        talk.client(offset, payload, ack=0)
        conflicts = self.model.add(offset, payload, len(talk.frames))
        assert sorted(conflicts) == sorted(differing(talk.events[before:]))
        assert talk.bytes_of(CLIENT) == self.model.stream()
        assert talk.stream.counts(CLIENT)["held_bytes"] == len(self.model.held)

    def finish(self) -> None:
        """End the capture, and look at what is left."""
        left = self.model.finish()
        before = len(self.talk.events)
        self.talk.finish()
        told: list[tuple[int, bytes | int]] = []
        for event in self.talk.events[before:]:
            if isinstance(event, Data):
                told.append((event.offset, event.payload))
            elif isinstance(event, Gap):
                told.append((event.offset, event.length))
        assert told == left


def differing(events: list[Any]) -> list[tuple[int, int, int]]:
    """Return where conflicts' bytes differ, and in what."""
    return [
        (event.offset + at, kept, other)
        for event in events
        if isinstance(event, Conflict)
        for at, (kept, other) in enumerate(zip(event.kept, event.other, strict=True))
        if kept != other
    ]
