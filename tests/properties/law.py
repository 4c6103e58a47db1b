"""The law of events, checked event by event as they come."""

from typing import Any

from unpacket import (
    Assembler,
    Closed,
    Conflict,
    Data,
    Direction,
    Finished,
    Gap,
    Note,
    Opened,
    Rejected,
    Stream,
    Urgent,
)
from unpacket._core.constants import REASONS
from unpacket._core.decode.reasons import GAP_REASONS, REJECTED_REASONS


def check_counts(stream: Stream) -> None:
    """Every payload byte that was seen is accounted for exactly once."""
    for direction in Direction:
        counts = stream.counts(direction)
        parts = {
            name: counts[f"{name}_bytes"]
            for name in (
                "delivered",
                "held",
                "duplicate",
                "conflicting",
                "rejected",
                "discarded",
            )
        }
        assert all(part >= 0 for part in parts.values()), (stream, direction, parts)
        assert counts["seen_bytes"] == sum(parts.values()), (stream, direction, counts)
        assert counts["delivered_bytes"] == stream.delivered_bytes(direction)


class Life:
    """What a stream has told so far."""

    def __init__(self) -> None:
        self.next = {Direction.CLIENT: 0, Direction.SERVER: 0}
        self.delivered = {Direction.CLIENT: 0, Direction.SERVER: 0}
        self.gaps = {Direction.CLIENT: 0, Direction.SERVER: 0}
        self.finished: set[Direction] = set()
        self.conflicts = 0
        self.closed: str | None = None


class Law:
    """Holds events to the law; ``data`` says whether Data events are expected."""

    def __init__(self, data: bool = True) -> None:
        self.data = data
        self.lives: dict[int, Life] = {}
        self.streams: dict[int, Stream] = {}
        self.ended = False

    def __call__(self, events: list[Any]) -> None:
        for event in events:
            self.check(event)

    def check(self, event: Any) -> None:
        stream = event.stream
        if isinstance(event, Opened):
            assert stream.id not in self.lives, f"{event} opens a second time"
            self.lives[stream.id] = Life()
            self.streams[stream.id] = stream
            return
        assert stream.id in self.lives, f"{event} before Opened"
        assert self.streams[stream.id] is stream
        life = self.lives[stream.id]
        if isinstance(event, Note) and event.kind == "late":
            assert life.closed, f"{event} of a living stream"
            return
        assert life.closed is None, f"{event} after Closed"
        match event:
            case Data(_, direction, offset, payload):
                assert payload and type(payload) is bytes
                self.join(life, event, direction, offset, len(payload))
                life.delivered[direction] += len(payload)
                self.check_pieces(event)
            case Urgent(_, direction, offset, payload):
                assert len(payload) == 1 and type(payload) is bytes
                self.join(life, event, direction, offset, 1)
                life.delivered[direction] += 1
            case Gap(_, direction, offset, length, reason):
                assert length > 0 and reason in GAP_REASONS
                self.join(life, event, direction, offset, length)
                life.gaps[direction] += length
            case Finished(_, direction):
                assert direction not in life.finished, f"{event} a second time"
                life.finished.add(direction)
            case Conflict(_, _, _, kept, other):
                assert len(kept) == len(other) > 0
                assert kept[0] != other[0] and kept[-1] != other[-1]
                life.conflicts += 1
            case Rejected():
                assert event.reason in REJECTED_REASONS
            case Closed(_, reason):
                assert reason in REASONS[1:]
                assert stream.close_reason == reason
                life.closed = reason
                self.check_end(stream, life)
            case Note():
                pass
            case _:
                raise AssertionError(f"what is {event}?")

    def join(
        self, life: Life, event: Any, direction: Direction, offset: int, length: int
    ) -> None:
        assert direction not in life.finished, f"{event} after Finished"
        if self.data:
            assert offset == life.next[direction], f"{event} at {life.next[direction]}"
        assert offset >= life.next[direction]
        life.next[direction] = offset + length

    def check_pieces(self, event: Data) -> None:
        at = event.offset
        for piece in event.pieces:
            assert piece.offset == at and piece.length > 0
            at += piece.length
        assert at == event.offset + len(event.payload)

    def check_end(self, stream: Stream, life: Life) -> None:
        check_counts(stream)
        trouble = bool(life.conflicts)
        for direction in Direction:
            counts = stream.counts(direction)
            assert counts["held_bytes"] == 0
            assert counts["gap_bytes"] == life.gaps[direction]
            trouble = trouble or bool(life.gaps[direction])
            # A position that was acknowledged, and nothing has: a byte, or a FIN.
            end = counts["delivered_bytes"] + counts["gap_bytes"]
            end += direction in life.finished
            trouble = trouble or (stream.acknowledged(direction) or 0) > end
            if self.data:
                assert counts["delivered_bytes"] == life.delivered[direction]
            assert stream.finished(direction) == (direction in life.finished)
        whole = not stream.is_partial and life.closed in ("fin", "rst")
        assert stream.complete == (whole and not trouble)

    def end(self, assembler: Assembler) -> None:
        """The assembler was finished: nothing may be left."""
        for number, life in self.lives.items():
            assert life.closed, f"stream {number} was never closed"
            check_counts(self.streams[number])
        assert sorted(self.lives) == list(range(len(self.lives)))
        assert assembler.streams == []
