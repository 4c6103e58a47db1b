"""A packet on its way from the rules to the inspector."""

from __future__ import annotations

from unpacket._core.reassembly.events import Event
from unpacket.inline.flows import Flow
from unpacket.inline.half import Half
from unpacket.inline.outbox import Outcome
from unpacket.inline.packets import FIN, Segment
from unpacket.inline.verdicts import Answer


class Admitted:
    """A packet that passed the rules.

    Attributes:
        number: Which half of the flow sent it.
        segment: As it may go on, but for payload and sequence number.
        start, stop: The original offsets of its payload.
        seen: How far its half was seen before it, and ``now_seen`` after it.
        has_fin: Whether it has a FIN that counts.
        acked: What its sender acknowledged, as it came; -1 where that is in
            ``segment`` still.
        is_placed: Whether its half had offsets when it came.
        is_plain: Whether its payload is next in order, and nothing else waited.
        is_ordinary: Whether it goes on as it came if the inspector accepts. Then its
            payload is promised, and the assembler sees the packet.
        frames: What the assembler is to see of it.
        stop_frame: The frames up to this number are of this packet or before it.
        events: What they caused.
        answer: What the inspector said to them, once it ``is_asked``.
    """

    __slots__ = (
        "acked",
        "answer",
        "events",
        "flow",
        "frames",
        "has_fin",
        "is_asked",
        "is_ordinary",
        "is_placed",
        "is_plain",
        "now_seen",
        "number",
        "outcome",
        "seen",
        "segment",
        "start",
        "stop",
        "stop_frame",
    )

    flow: Flow
    number: int
    segment: Segment
    outcome: Outcome
    start: int
    stop: int
    seen: int
    now_seen: int
    has_fin: bool
    acked: int
    is_placed: bool
    is_plain: bool
    is_ordinary: bool
    frames: list[bytes]
    stop_frame: int
    events: list[Event]
    answer: Answer
    is_asked: bool

    def is_new_of(self, half: Half) -> bool:
        """Return whether it has anything beyond what of its half went on."""
        stop = self.stop + (self.segment.flags & FIN)
        return stop > self.start and stop > half.released


def admitted(flow: Flow, number: int, segment: Segment, outcome: Outcome) -> Admitted:
    """Return a packet of half ``number`` of a flow, of which no more is known yet."""
    found = Admitted.__new__(Admitted)
    found.flow = flow
    found.number = number
    found.segment = segment
    found.outcome = outcome
    found.start = found.stop = found.seen = found.now_seen = 0
    found.has_fin = found.is_plain = found.is_ordinary = found.is_asked = False
    found.is_placed = True
    found.acked = -1
    found.frames = []
    found.stop_frame = 0
    found.events = []
    found.answer = None
    return found
