"""Segments of one direction that overlap: the reassembler of bytes says what comes."""

from typing import Any, get_args

from fuzz.choices import Choices
from tests.model import Reassembler
from tests.talk import CLIENT, Talk
from unpacket import Conflict, Data, Gap, policy

OVERLAPS = get_args(policy.Overlap)
ISNS = [1000, (1 << 32) - 2, (1 << 32) - 20, (1 << 31) - 8, 0, (1 << 32) - 1]
MOST_SEGMENTS = 40
# Two letters, so that copies often agree and often do not.
LETTERS = bytes(b"ab"[n & 1] for n in range(256))


def check(data: bytes) -> None:
    choices = Choices(data)
    overlap = choices.pick(OVERLAPS)
    conversation = {"client_isn": choices.pick(ISNS)}
    talk = Talk(overlap=overlap, conversation=conversation)
    model = Reassembler(overlap)
    talk.handshake()
    while choices.more and len(talk.frames) < MOST_SEGMENTS:
        offset = choices.byte() % 64 - 6
        payload = choices.octets(2 + choices.byte() % 20).translate(LETTERS)
        if len(payload) < 2:
            # A byte below the edge may be a keep-alive, which the model knows not.
            break
        before = len(talk.events)
        talk.client(offset, payload, ack=0)
        conflicts = model.add(offset, payload)
        assert sorted(conflicts) == sorted(differing(talk.events[before:]))
        assert talk.bytes_of(CLIENT) == model.stream()
        assert talk.stream.counts(CLIENT)["held_bytes"] == len(model.held)
    left = model.finish()
    before = len(talk.events)
    talk.finish()
    told_left: list[tuple[int, bytes | int]] = []
    for event in talk.events[before:]:
        if isinstance(event, Data):
            told_left.append((event.offset, event.payload))
        elif isinstance(event, Gap):
            told_left.append((event.offset, event.length))
    assert told_left == left


def differing(events: list[Any]) -> list[tuple[int, int, int]]:
    """Return where conflicts' bytes differ, and in what."""
    return [
        (event.offset + at, kept, other)
        for event in events
        if isinstance(event, Conflict)
        for at, (kept, other) in enumerate(zip(event.kept, event.other, strict=True))
        if kept != other
    ]
