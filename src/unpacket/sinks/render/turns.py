"""The order in which two ends spoke, where events come as each side is settled.

Who answers has read what it answers. A side without a hole is delivered at once while
the other waits for a hole to be filled, or given up; so its answer would come first.
Here an answer waits for what it acknowledges, as long as that is on its way: held
behind a hole, or among the events that follow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from unpacket._core.reassembly.direction import Direction
from unpacket._core.reassembly.events import Closed, Data, Finished, Gap, Urgent
from unpacket._core.reassembly.stream import Stream
from unpacket.sinks.render.follow import Renderer

# So many events of an answer wait, or so many bytes. Then it is given out.
MOST_WAITING = 1024
MOST_WAITING_BYTES = 1 << 20


class Turns:
    """Puts the events of one stream into the order in which they were spoken.

    What either side sends keeps its order.
    """

    __slots__ = ("_acks", "_bytes", "_positions", "_waiting")

    def __init__(self) -> None:
        # Up to where each side was given out, and what the other one acknowledged
        # of that when this was looked at last.
        self._positions = [0, 0]
        self._acks = [-1, -1]
        self._waiting: deque[Any] = deque()
        self._bytes = 0

    def take(self, event: Any) -> Iterator[Any]:
        """Give the events that are next, now that this one came."""
        if type(event) is Closed:
            yield from self._release()
            yield event
            return
        waiting = self._waiting
        for one in self._apart(event):
            if self._must_wait(one):
                waiting.append(one)
                self._bytes += size_of(one)
                continue
            self._pass(one)
            yield one
            while waiting and not self._is_early(waiting[0]):
                head = waiting.popleft()
                self._bytes -= size_of(head)
                self._pass(head)
                yield head
        if len(waiting) > MOST_WAITING or self._bytes > MOST_WAITING_BYTES:
            yield from self._release()

    def _must_wait(self, event: Any) -> bool:
        """Return whether an event is not next, nor may come before what waits."""
        if self._waiting:
            return getattr(event, "direction", None) is self._waiting[0].direction
        return self._is_early(event)

    def _apart(self, event: Any) -> list[Any]:
        """Return an event, or what is in it before and behind an answer to it.

        What was held behind a hole comes as one.
        """
        if type(event) is not Data or event.parts is None or not event.acknowledged:
            return [event]
        acks = {part.ack for part in event.parts} - {event.ack, -1}
        if not acks or event.doubts:
            return [event]
        asker = Direction(1 - event.direction)
        if not any(self._is_ahead(event.stream, asker, ack) for ack in acks):
            return [event]
        return runs(event)

    def _release(self) -> Iterator[Any]:
        """Give out all that waits."""
        for event in self._waiting:
            self._pass(event)
            yield event
        self._waiting.clear()
        self._bytes = 0

    def _pass(self, event: Any) -> None:
        """Note up to where a side is given out."""
        kind = type(event)
        if kind is Data or kind is Urgent:
            self._positions[event.direction] = event.offset + len(event.payload)
        elif kind is Gap:
            self._positions[event.direction] = event.offset + event.length
        elif kind is Finished:
            self._positions[event.direction] += 1

    def _is_early(self, event: Any) -> bool:
        """Return whether the other side has yet to say what an event answers."""
        if type(event) is not Data or event.ack < 0:
            return False
        asker = Direction(1 - event.direction)
        if event.ack == self._acks[asker]:
            return False
        if self._is_ahead(event.stream, asker, event.ack):
            return True
        self._acks[asker] = event.ack
        return False

    def _is_ahead(self, stream: Stream, asker: Direction, ack: int) -> bool:
        """Return whether a side is on its way to what ``ack`` acknowledges of it."""
        acked = stream.offset_of(asker, ack)
        position = self._positions[asker]
        if acked is None or acked <= position:
            return False
        seq = stream.next_seq(asker)
        if seq is None:
            return False
        following = stream.offset_of(asker, seq)
        if following is not None and position < following:
            return True
        # Nothing is on its way where it was not captured at all.
        return bool(stream.counts(asker)["held_bytes"])


def runs(event: Data) -> list[Data]:
    """Return an event cut wherever its packets acknowledge something else."""
    parts = event.parts or []
    found = []
    first = 0
    for index in range(1, len(parts) + 1):
        if index < len(parts) and parts[index].ack == parts[first].ack:
            continue
        start, stop = parts[first].start, parts[index - 1].stop
        found.append(
            Data(
                event.stream,
                event.direction,
                start,
                event.payload[start - event.offset : stop - event.offset],
                event.frame,
                event.time_ns,
                parts[first:index],
                parts[first].ack,
            )
        )
        first = index
    return found


class InTurns:
    """Renders the events of a stream in the order in which they were spoken."""

    __slots__ = ("_rendering", "_turns", "separator")

    def __init__(self, rendering: Renderer) -> None:
        self.separator = rendering.separator
        self._rendering = rendering
        self._turns = Turns()

    def render(self, event: Any) -> bytes:
        """Return the text of the events that are next, now that this one came."""
        return b"".join(map(self._rendering.render, self._turns.take(event)))


def size_of(event: Any) -> int:
    """Return how much payload an event has."""
    return len(getattr(event, "payload", b""))
