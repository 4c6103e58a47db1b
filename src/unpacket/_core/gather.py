"""Payload that waits to be written, gathered by stream without a call for each piece.

Most events are data of streams about which there is nothing to decide yet. They are
put aside here; all others are left to who asked, one at a time and in order.
"""

from typing import Any

from unpacket._core.events import SERVER, Data
from unpacket._core.state import Stream

# What a piece costs beside its bytes: its object, its place in a list.
PIECE_BYTES = 80


class Gathered:
    """What waits of one stream.

    Attributes:
        client, server: The pieces of each side, in order.
        waiting_bytes: What all of them cost.
    """

    __slots__ = ("client", "server", "waiting_bytes")

    client: list[bytes]
    server: list[bytes]

    def __init__(self) -> None:
        self.client = []
        self.server = []
        self.waiting_bytes = 0


class Gatherer:
    """Takes events, and keeps the payload of those that carry data.

    Attributes:
        gathered: What waits of each stream.
        waiting_bytes: What it costs, of all streams together.
    """

    __slots__ = ("at", "events", "gathered", "waiting_bytes")

    events: list[Any]
    gathered: dict[Stream, Gathered]

    def __init__(self) -> None:
        self.events = []
        self.at = 0
        self.gathered = {}
        self.waiting_bytes = 0

    def begin(self, events: list[Any]) -> None:
        """Take events, in place of those before, for ``next`` to work off."""
        self.events = events
        self.at = 0

    def next(self) -> Any:
        """Keep what data there is, then return the first event that is none.

        None says that all events have been taken.
        """
        events = self.events
        while self.at < len(events):
            event = events[self.at]
            self.at += 1
            if not isinstance(event, Data):
                return event
            self.add(event)
        self.events = []
        self.at = 0
        return None

    def add(self, data: Data) -> None:
        """Keep the payload of one event."""
        gathered = self.gathered.get(data.stream)
        if gathered is None:
            gathered = Gathered()
            self.gathered[data.stream] = gathered
        payload = data.payload
        cost = len(payload) + PIECE_BYTES
        if data.direction is SERVER:
            gathered.server.append(payload)
        else:
            gathered.client.append(payload)
        gathered.waiting_bytes += cost
        self.waiting_bytes += cost

    def pop(self, stream: Stream) -> Gathered | None:
        """Return what waits of a stream, and keep it no longer; None for nothing."""
        gathered = self.gathered.pop(stream, None)
        if gathered is not None:
            self.waiting_bytes -= gathered.waiting_bytes
        return gathered
