"""Events that wait for their callbacks, and the loop over what carries data.

Most of what happens is data of streams about which there is nothing to decide. It is
handed over here, as bytes and without an event; all else is left to who asked, one at
a time and in order.
"""

from collections.abc import Callable
from typing import Any

from unpacket._core.constants import STEP_DONE, STEP_EVENTS
from unpacket._core.memory.batch import Batch
from unpacket._core.native import octets as native
from unpacket._core.reassembly.assembler import Assembler
from unpacket._core.reassembly.direction import SERVER
from unpacket._core.reassembly.events import Data
from unpacket._core.reassembly.stream import Stream

# LINKTYPE_ETHERNET, and what its header takes.
ETHERNET = 1
ETHERNET_HEADER = 14


class Receiver:
    """Who takes the data of one stream.

    Attributes:
        facts: That stream.
        client_callback, server_callback: ``callback(receiver, payload)`` for what
            the side sends, or None.
        is_plain: Whether to call back is all that is to be done.
    """

    facts: Stream
    client_callback: Callable[..., object] | None
    server_callback: Callable[..., object] | None

    def __init__(self, facts: Stream) -> None:
        self.facts = facts
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
        current: The event whose data a callback is at work on, or None where there is
            none, or no event of it; see ``at_work``.
        worked: Who has delivered what a callback is at work on, where no event was
            made of it.
        payload: That payload.
        by_slot: Receivers by the slot of their stream in the assembler's table, as
            far as they were looked up.
    """

    __slots__ = (
        "at",
        "by_slot",
        "client_callback",
        "current",
        "events",
        "payload",
        "receivers",
        "server_callback",
        "watchers",
        "worked",
    )

    client_callback: Callable[..., object] | None
    current: Data | None
    events: list[Any]
    receivers: dict[Stream, Receiver]
    server_callback: Callable[..., object] | None
    watchers: list[Callable[..., object]]
    worked: Assembler | None
    payload: bytes
    by_slot: list[Receiver | None]

    def __init__(self) -> None:
        self.events = []
        self.watchers = []
        self.at = 0
        self.receivers = {}
        self.client_callback = None
        self.server_callback = None
        self.current = None
        self.worked = None
        self.payload = b""
        self.by_slot = []

    def receiver_of(self, stream: Stream) -> Receiver | None:
        """Return who takes the data of a stream, or None."""
        slot = stream.slot
        if 0 <= slot < len(self.by_slot):
            known = self.by_slot[slot]
            if known is not None and known.facts is stream:
                return known
        found = self.receivers.get(stream)
        if found is not None and slot >= 0:
            while len(self.by_slot) <= slot:
                self.by_slot.append(None)
            self.by_slot[slot] = found
        return found

    def leave(self, stream: Stream) -> Any:
        """Forget who takes the data of a stream, which has ended; return who did."""
        slot = stream.slot
        if 0 <= slot < len(self.by_slot):
            known = self.by_slot[slot]
            if known is not None and known.facts is stream:
                self.by_slot[slot] = None
        return self.receivers.pop(stream, None)

    def at_work(self) -> Data | None:
        """Return the event whose data a callback is at work on, or None."""
        if self.current is None and self.worked is not None:
            self.current = self.worked.delivery(self.payload)
        return self.current

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
                if self.at:
                    self.events = []
                    self.at = 0
                if assembler is None:
                    return None
                if self.watchers:
                    happened = assembler.step()
                    if happened is None:
                        return None
                    self.events = self.watched(happened)
                    continue
                found = assembler.step_apart()
                if found == STEP_DONE:
                    return None
                if found == STEP_EVENTS:
                    self.events = assembler.take()
                    continue
                receiver = self.receiver_of(assembler.delivery_stream())
                if receiver is None:
                    continue
                if not receiver.is_plain:
                    return assembler.delivery(assembler.delivery_octets())
                callback = self.callback_of(receiver, assembler.delivery_is_client())
                if callback is not None:
                    self.payload = assembler.delivery_octets()
                    self.worked = assembler
                    try:
                        callback(receiver, self.payload)
                    finally:
                        self.worked = None
                        self.current = None
                        self.payload = b""
                continue
            event = self.events[self.at]
            # Its memory is wanted for the next one.
            self.events[self.at] = None
            self.at += 1
            if not isinstance(event, Data):
                return event
            data = event
            receiver = self.receiver_of(data.stream)
            if receiver is None:
                continue
            if not receiver.is_plain:
                return event
            callback = self.callback_of(receiver, data.direction is not SERVER)
            if callback is not None:
                self.current = data
                try:
                    callback(receiver, data.payload)
                finally:
                    self.current = None

    def callback_of(
        self, receiver: Receiver, is_client: bool
    ) -> Callable[..., object] | None:
        """Return whom to call for what a side sends, or None."""
        if is_client:
            callback = receiver.client_callback
            return self.client_callback if callback is None else callback
        callback = receiver.server_callback
        return self.server_callback if callback is None else callback


def hw_addresses(batch: Batch, index: int) -> bytes | None:
    """Return whom a frame is for and who sent it, or None if it is not Ethernet."""
    if batch.link_type[index] != ETHERNET or batch.captured[index] < ETHERNET_HEADER:
        return None
    start = batch.start[index]
    return native.octets(batch, start, 12)
