"""One source read to its end by one assembler."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from typing import TYPE_CHECKING, Any

from unpacket._core.memory.batch import Batch
from unpacket._core.reassembly.assembler import Assembler
from unpacket._core.reassembly.events import CLIENT, SERVER, Closed, Event, Opened
from unpacket._core.reassembly.payload_gatherer import Gatherer
from unpacket._core.reassembly.stream import Stream
from unpacket.errors import CaptureWarning, SourceError
from unpacket.policy import Policy

if TYPE_CHECKING:
    from unpacket import sources
    from unpacket.query.parser import Where

# Less is read sooner than a thread has begun. A pipe has no size, and is read as it
# comes.
LEAST_BYTES = 4 << 20


class Reading:
    """Gives the events of a source, and has the facts of the whole.

    Attributes:
        assembler: What made the events, with its counters.
        frames: How many frames were read so far.
        first_ns, last_ns: When the first and the last of them were captured; 0 before.
        opening: How the source is opened.

    Args:
        jobs: How many processors to use; with more than one, files of some length
            are read and decoded beside the rest.
        sums: Whether to count the states of checksums by sender.
        gatherer: Takes the payload, see ``Assembler.gather``.

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
        jobs: int | None = 1,
        gatherer: Gatherer | None = None,
        **opening: Any,
    ) -> None:
        self.assembler = Assembler(policy, data=data, notes=notes, sums=sums)
        if gatherer is not None:
            self.assembler.gather(gatherer)
        self.frames = 0
        self.first_ns = 0
        self.last_ns = 0
        if jobs is not None and jobs < 1:
            raise ValueError(f"jobs is {jobs}, and not at least 1")
        self._jobs = jobs
        self._opened: sources.Source | None = None
        self._source = source
        self.opening = opening
        if opening.get("bpf") is not None:
            from unpacket.sources.bpf.filter import Bpf

            # What is wrong with it is said before anything is read.
            opening["bpf"] = Bpf(opening["bpf"])

    @property
    def damage(self) -> list[CaptureWarning]:
        """Where the source was found damaged so far."""
        return [] if self._opened is None else self._opened.warnings

    @property
    def drops(self) -> list[sources.Drops]:
        """What the source itself says it lost."""
        return [] if self._opened is None else self._opened.notes.drops

    def events(self) -> Iterator[Event]:
        """Read, and give what happens as it happens.

        Raises:
            SourceError: The source cannot be read, or is no capture.
        """
        # No loop of Python's own: what causes no event costs nothing in it.
        yield from chain.from_iterable(self.lists())

    def lists(self) -> Iterator[list[Event]]:
        """Read, and give what happens in lists of some events, or of none.

        Raises:
            SourceError: The source cannot be read, or is no capture.
        """
        # A third of the time that `import unpacket` would take.
        from unpacket import sources

        assembler = self.assembler
        opened: AbstractContextManager[sources.Source]
        if isinstance(self._source, sources.Source):
            # Whoever opened it closes it.
            opened = nullcontext(sources.open(self._source, **self.opening))
        else:
            opened = sources.open(self._source, **self.opening)
        with opened as batches:
            self._opened = batches
            try:
                yield from self._lists(batches)
            except SourceError:
                yield from assembler.finishing()
                raise
        yield from assembler.finishing()

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

    def _lists(self, source: sources.Source) -> Iterator[list[Event]]:
        jobs = source.jobs if self._jobs == 1 else self._jobs
        if jobs is None:
            jobs = processors()
        if jobs > 1 and (source.total_bytes or 0) >= LEAST_BYTES:
            from unpacket.faces.pipeline import ahead

            return ahead(self.assembler, source, self._begin)
        return map(self._feed, source)

    def _feed(self, batch: Batch) -> list[Event]:
        self._begin(batch)
        return self.assembler.feed(batch)

    def _begin(self, batch: Batch) -> None:
        if batch.count:
            self.last_ns = batch.time_ns[batch.count - 1]
            if not self.frames:
                self.first_ns = batch.time_ns[0]
        self.frames += batch.count


def ignore(assembler: Assembler, stream: Stream) -> None:
    """Let no more payload be copied for a stream."""
    for direction in (CLIENT, SERVER):
        # A stream that is over by now, or a side that was not seen, has no more.
        if stream.close_reason is None and stream.half(direction) is not None:
            assembler.ignore(stream, direction)


def processors() -> int:
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
