"""One source read to its end by one assembler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from typing import TYPE_CHECKING, Any

from unpacket._core.assembler import Assembler
from unpacket._core.batch import Batch
from unpacket._core.events import CLIENT, SERVER, Closed, Event, Opened
from unpacket._core.state import Stream
from unpacket.errors import CaptureWarning, SourceError
from unpacket.policy import Policy

if TYPE_CHECKING:
    from unpacket import sources
    from unpacket.where import Where


class Reading:
    """Gives the events of a source, and has the facts of the whole.

    Attributes:
        assembler: What made the events, with its counters.
        frames: How many frames were read so far.
        first_ns, last_ns: When the first and the last of them were captured; 0 before.

    Args:
        sums: Whether to count the states of checksums by sender.

    The others are those of ``unpacket.events``.
    """

    def __init__(
        self,
        source: Any,
        *,
        policy: Policy | None = None,
        data: bool = True,
        notes: bool = False,
        sums: bool = False,
        **opening: Any,
    ) -> None:
        self.assembler = Assembler(policy, data=data, notes=notes, sums=sums)
        self.frames = 0
        self.first_ns = 0
        self.last_ns = 0
        self._opened: sources.Source | None = None
        self._source = source
        self._opening = opening

    @property
    def damage(self) -> list[CaptureWarning]:
        """Where the source was found damaged so far."""
        return [] if self._opened is None else self._opened.warnings

    def events(self) -> Iterator[Event]:
        """Read, and give what happens as it happens.

        Raises:
            SourceError: The source cannot be read, or is no capture.
        """
        # A third of the time that `import unpacket` would take.
        from unpacket import sources

        assembler = self.assembler
        opened: AbstractContextManager[sources.Source]
        if isinstance(self._source, sources.Source):
            # Whoever opened it closes it.
            opened = nullcontext(self._source)
        else:
            opened = sources.open(self._source, **self._opening)
        with opened as batches:
            self._opened = batches
            try:
                # No loop of Python's own: what causes no event costs nothing in it.
                yield from chain.from_iterable(map(self._feed, batches))
            except SourceError:
                yield from assembler.finish()
                raise
        yield from assembler.finish()

    def hopeful_events(self, where: Where) -> Iterator[Event]:
        """Give the events, without those of streams that ``where`` cannot let pass.

        Of the others it is only clear at their end whether they do.
        """
        hopeless: set[Stream] = set()
        for event in self.events():
            if type(event) is Opened:
                if where.early(event.stream, self.first_ns) is False:
                    hopeless.add(event.stream)
                    ignore(self.assembler, event.stream)
                    continue
            elif event.stream in hopeless:
                if type(event) is Closed:
                    hopeless.discard(event.stream)
                continue
            yield event

    def _feed(self, batch: Batch) -> list[Event]:
        if batch.count:
            self.last_ns = batch.time_ns[batch.count - 1]
            if not self.frames:
                self.first_ns = batch.time_ns[0]
        self.frames += batch.count
        return self.assembler.feed(batch)


def ignore(assembler: Assembler, stream: Stream) -> None:
    """Let no more payload be copied for a stream."""
    for direction in (CLIENT, SERVER):
        # A stream that is over by now, or a side that was not seen, has no more.
        if stream.close_reason is None and stream.half(direction) is not None:
            assembler.ignore(stream, direction)
