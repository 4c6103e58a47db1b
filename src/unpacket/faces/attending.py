"""What a live source adds to an assembler: time without packets, facts of streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from unpacket._core.memory.batch import Batch
from unpacket._core.reassembly.assembler import Assembler
from unpacket._core.reassembly.events import Closed, Event, Opened

if TYPE_CHECKING:
    from unpacket.sources import Notes
    from unpacket.sources.source import Live


class Attending:
    """Feeds an assembler with the batches of a live source."""

    def __init__(self, live: Live, assembler: Assembler) -> None:
        self._live = live
        self._assembler = assembler

    def feed(self, batch: Batch) -> list[Event]:
        """Return the events of a batch, or of the time that has passed without."""
        if not batch.count:
            return self.passed()
        self.look_again()
        happened = self._assembler.feed(batch)
        self.look(happened)
        return happened

    def steps(
        self, batch: Batch, steps: Iterable[list[Event]]
    ) -> Iterator[list[Event]]:
        """Give the events of a batch, those of one segment at a time."""
        if not batch.count:
            yield self.passed()
            return
        self.look_again()
        self._assembler.begin(batch)
        for happened in steps:
            self.look(happened)
            yield happened

    def passed(self) -> list[Event]:
        """Let time pass, as far as the source is sure that it has given all."""
        self.look_again()
        if not self._live.now_ns:
            return []
        happened = self._assembler.advance(self._live.now_ns)
        self.look(happened)
        return happened

    def look_again(self) -> None:
        """Look for processes that were not found yet."""
        if self._live.processes is not None:
            self._live.processes.look_again()

    def look(self, happened: Iterable[Any]) -> None:
        """Add to new streams what is known of them."""
        for event in happened:
            if type(event) is Opened:
                self.begin(event.stream)

    def begin(self, stream: Any) -> None:
        """Add to a stream what is known of it."""
        if stream.live is not None:
            return
        # For those who have a live source.
        from unpacket.sources.live.stream_facts import LiveFacts

        live = self._live
        owners = None
        if live.processes is not None:
            owners = live.processes.owners_of(stream.client, stream.server)
        stream.live = LiveFacts(live.losses, owners)
        if live.begun is not None:
            live.begun.append(stream)


def recall(notes: Notes, happened: Iterable[Any]) -> None:
    """Add to streams whose processes their ends were, where a capture says so.

    It may say so when a stream has begun already.
    """
    for event in happened:
        if (type(event) is Opened or type(event) is Closed) and not event.stream.live:
            stream = event.stream
            owners = notes.owners_of(stream.client, stream.server, stream.first_ns)
            if owners is not None:
                # For captures that say it.
                from unpacket.sources.live.stream_facts import SettledFacts

                stream.live = SettledFacts(owners, None)


def recalled(notes: Notes, lists: Iterable[list[Event]]) -> Iterator[list[Event]]:
    """Give lists of events, and add to their streams what the capture says."""
    for happened in lists:
        if notes.owners:
            recall(notes, happened)
        yield happened
