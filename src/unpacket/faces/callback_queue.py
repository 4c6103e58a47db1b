"""Events that wait for their callbacks, and the loop over those that carry data.

Most events are data of streams about which there is nothing to decide. They are
handed over here, without an attribute looked up by name; all others are left to who
asked, one at a time and in order.
"""

from collections.abc import Callable
from typing import Any

from unpacket._core.reassembly.assembler import Assembler
from unpacket._core.reassembly.events import SERVER, Data
from unpacket._core.reassembly.stream import Stream


class Receiver:
    """Who takes the data of one stream.

    Attributes:
        client_callback, server_callback: ``callback(receiver, payload)`` for what
            the side sends, or None.
        is_plain: Whether to call back is all that is to be done.
    """

    client_callback: Callable[..., object] | None
    server_callback: Callable[..., object] | None

    def __init__(self) -> None:
        self.client_callback = None
        self.server_callback = None
        self.is_plain = True


class Waiting:
    """Events in order, of which the first is next.

    An event is taken out before it is dealt with, so that an exception of a callback
    costs no other event.

    Attributes:
        receivers: Who takes the data of each stream that has not ended.
        client_callback, server_callback: Those of receivers that have none.
        watchers: Who takes events in lists, before they are called back for.
        current: The data that a callback is at work on, or None.
    """

    __slots__ = (
        "at",
        "client_callback",
        "current",
        "events",
        "receivers",
        "server_callback",
        "watchers",
    )

    client_callback: Callable[..., object] | None
    current: Data | None
    events: list[Any]
    receivers: dict[Stream, Receiver]
    server_callback: Callable[..., object] | None
    watchers: list[Callable[..., object]]

    def __init__(self) -> None:
        self.events = []
        self.watchers = []
        self.at = 0
        self.receivers = {}
        self.client_callback = None
        self.server_callback = None
        self.current = None

    def add(self, events: list[Any]) -> None:
        """Put events after those that wait."""
        self.events = self.events[self.at :] + events
        self.at = 0

    def insert(self, events: list[Any]) -> None:
        """Put events before those that wait."""
        count = len(events)
        if count <= self.at:
            # Into the places of those that were taken out.
            self.at -= count
            self.events[self.at : self.at + count] = events
        else:
            self.events = events + self.events[self.at :]
            self.at = 0

    def watched(self, happened: list[Any]) -> list[Any]:
        """Return events behind the calls of those who take them in lists."""
        if not happened or not self.watchers:
            return happened
        whole = list(happened)
        calls: list[Any] = [(watcher, whole) for watcher in self.watchers]
        return calls + happened

    def next(self, assembler: Assembler | None) -> Any:
        """Call back for plain data, then return the first event that is none.

        Where nothing waits any more, ``assembler`` works on its batch until there is
        something: so a callback finds its stream as of the segment that it is called
        for. None says that nothing waits, and that the batch is done.
        """
        while True:
            if self.at >= len(self.events):
                self.events = []
                self.at = 0
                if assembler is None:
                    return None
                happened = assembler.step()
                if happened is None:
                    return None
                self.events = self.watched(happened)
                continue
            event = self.events[self.at]
            # Its memory is wanted for the next one.
            self.events[self.at] = None
            self.at += 1
            if not isinstance(event, Data):
                return event
            data = event
            receiver = self.receivers.get(data.stream)
            if receiver is None:
                continue
            if not receiver.is_plain:
                return event
            if data.direction is SERVER:
                callback = receiver.server_callback
                if callback is None:
                    callback = self.server_callback
            else:
                callback = receiver.client_callback
                if callback is None:
                    callback = self.client_callback
            if callback is not None:
                self.current = data
                try:
                    callback(receiver, data.payload)
                finally:
                    self.current = None
