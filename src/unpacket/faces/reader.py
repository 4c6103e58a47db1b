"""One source read to its end by one assembler."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from typing import TYPE_CHECKING, TypedDict, Unpack

from unpacket._core.memory.batch import Batch
from unpacket._core.reassembly.assembler import Assembler
from unpacket._core.reassembly.direction import CLIENT, SERVER
from unpacket._core.reassembly.events import Closed, Event, Opened
from unpacket._core.reassembly.payload_gatherer import Gatherer
from unpacket._core.reassembly.stream import Stream, was_seen
from unpacket._options import wrong
from unpacket.errors import CaptureWarning, SourceError
from unpacket.faces.attending import Attending, recall, recalled
from unpacket.policy import Policy

if TYPE_CHECKING:
    from unpacket import sources
    from unpacket.faces.link_type_check import LinkTypeCheck
    from unpacket.query.parser import Where
    from unpacket.sources.bpf.filter import BpfLike
    from unpacket.sources.source import Capture, Progress
    from unpacket.tls.decryption import Decryption
    from unpacket.tls.key_log import Keys

# Less is read sooner than a thread has begun. A pipe has no size, and is read as it
# comes.
LEAST_BYTES = 4 << 20


class Opening(TypedDict, total=False):
    """How a source is opened, as ``unpacket.sources.open`` has it."""

    merge: bool
    link_type: int | str | None
    strict: bool
    progress: Progress | None
    bpf: BpfLike | None


class Reading:
    """Gives the events of a source, and has the facts of the whole.

    Attributes:
        assembler: What made the events, with its counters.
        frames: How many frames were read so far.
        first_ns, last_ns: When the first and the last of them were captured; 0 before.
        opening: How the source is opened.
        decryption: What decrypts TLS, and knows what it could not; None if nothing
            does.

    Args:
        keys: Key logs for the TLS of the streams, see ``unpacket.events``.
        jobs: How many processors to use; with more than one, files of some length
            are read and decoded beside the rest.
        sums: Whether to count the states of checksums by sender.
        gatherer: Takes the payload, see ``Assembler.gather``; not with ``keys``.

    The others are those of ``unpacket.events``.
    """

    def __init__(
        self,
        source: Capture,
        *,
        policy: Policy | None = None,
        data: bool = True,
        notes: bool = False,
        sums: bool = False,
        jobs: int | None = 1,
        gatherer: Gatherer | None = None,
        keys: Keys | None = None,
        **opening: Unpack[Opening],
    ) -> None:
        check_arguments(source, jobs=jobs, **opening)
        self.assembler = Assembler(policy, data=data, notes=notes, sums=sums)
        self.decryption: Decryption | None = getattr(source, "decryption", None)
        if keys is not None:
            # For those who have some.
            from unpacket.tls.decryption import Decryption

            self.decryption = Decryption(keys)
        if gatherer is not None and self.decryption is None:
            self.assembler.gather(gatherer)
        self.frames = 0
        self.first_ns = 0
        self.last_ns = 0
        self._jobs = jobs
        self._opened: sources.Source | None = None
        self._check: LinkTypeCheck | None = None
        self._attending: Attending | None = None
        self._source = source
        self.opening = opening
        bpf = opening.get("bpf")
        if bpf is not None:
            from unpacket.sources.bpf.filter import Bpf

            # What is wrong with it is said before anything is read.
            opening["bpf"] = Bpf(bpf)

    @property
    def damage(self) -> list[CaptureWarning]:
        """Where the source was found damaged so far."""
        return [] if self._opened is None else self._opened.warnings

    @property
    def drops(self) -> list[sources.Drops]:
        """What the source itself says it lost."""
        return [] if self._opened is None else self._opened.notes.drops

    @property
    def ended_early(self) -> bool:
        """Whether reading has ended before the source did."""
        return self._opened is not None and self._opened.ended_early

    def events(self, *, step: bool = False) -> Iterator[Event]:
        """Read, and give what happens as it happens.

        Args:
            step: Whether each stream shall be found as it was at the event, and not
                as it is some packets later. See ``Assembler.step``.

        Raises:
            SourceError: The source cannot be read, or is not a capture.
        """
        # No loop of Python's own: what causes no event costs nothing in it.
        yield from chain.from_iterable(self.lists(step=step))

    def lists(self, *, step: bool = False) -> Iterator[list[Event]]:
        """Read, and give what happens in lists of some events, or of none.

        With ``step`` those of one segment.

        Raises:
            SourceError: The source cannot be read, or is not a capture.
        """
        if self.decryption is None:
            yield from self._happening(step)
            return
        for happened in self._happening(step):
            yield self.decryption.feed(happened)
        yield self.decryption.finish()

    def _happening(self, step: bool) -> Iterator[list[Event]]:
        """Give what happens in the streams as they were captured."""
        # A third of the time that `import unpacket` would take.
        from unpacket import sources
        from unpacket.sources.objects import ObjectSource

        assembler = self.assembler
        opened: AbstractContextManager[sources.Source]
        if isinstance(self._source, sources.Source):
            # Whoever opened it closes it.
            opened = nullcontext(sources.open(self._source, **self.opening))
        else:
            opened = sources.open(self._source, **self.opening)
        with opened as batches:
            self._opened = batches
            if self.decryption is not None:
                self.decryption.attach(batches.notes.secrets)
            if batches.live is not None:
                self._attending = Attending(batches.live, assembler)
            if isinstance(batches, ObjectSource):
                from unpacket.faces.link_type_check import LinkTypeCheck

                self._check = LinkTypeCheck()
            try:
                yield from self._lists(batches, step)
            except SourceError:
                yield from assembler.finishing(interrupted=True)
                raise
            if self._check is not None:
                self._check.end()
        yield from assembler.finishing(interrupted=self.ended_early)

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

    def _lists(self, source: sources.Source, step: bool) -> Iterator[list[Event]]:
        jobs = source.jobs if self._jobs == 1 else self._jobs
        if jobs is None:
            jobs = processors()
        if jobs > 1 and (source.total_bytes or 0) >= LEAST_BYTES:
            from unpacket.faces.pipeline import ahead

            lists = ahead(self.assembler, source, self._begin, step=step)
            return recalled(source.notes, lists)
        if step:
            return self._steps(source)
        return chain.from_iterable(map(self._fed, source))

    def _steps(self, source: sources.Source) -> Iterator[list[Event]]:
        for batch in source:
            self._begin(batch)
            steps = iter(self.assembler.step, None)
            if self._attending is not None:
                yield from self._attending.steps(batch, steps)
                continue
            self.assembler.begin(batch)
            yield from recalled(source.notes, steps) if source.notes.owners else steps
            self._look(batch)

    def _fed(self, batch: Batch) -> Iterator[list[Event]]:
        """Feed a batch, and give what happens in lists that are not too long."""
        assembler = self.assembler
        self._begin(batch)
        if self._attending is not None:
            yield self._attending.feed(batch)
            return
        assembler.begin(batch)
        while (happened := assembler.proceed(batch.count + 1)) is not None:
            if self._opened is not None and self._opened.notes.owners:
                recall(self._opened.notes, happened)
            yield happened
        self._look(batch)

    def _look(self, batch: Batch) -> None:
        """Look whether packets of a program make sense with their link type."""
        if self._check is not None and not self._check.done:
            self._check.look(self.assembler, batch)

    def _begin(self, batch: Batch) -> None:
        if batch.count:
            self.last_ns = batch.time_ns[batch.count - 1]
            if not self.frames:
                self.first_ns = batch.time_ns[0]
        self.frames += batch.count


def check_arguments(
    source: object, *, jobs: int | None = 1, **opening: Unpack[Opening]
) -> None:
    """Refuse arguments that no capture could be read with, before any is opened.

    Raises:
        TypeError, ValueError: One of them.
    """
    # A third of the time that `import unpacket` would take.
    from unpacket.sources._open import check_source
    from unpacket.sources.link_types import link_type_number

    check_source(source, link_type_number(opening.get("link_type")))
    if jobs is not None:
        if not isinstance(jobs, int):
            raise wrong("jobs", jobs, "a number or None")
        if jobs < 1:
            raise ValueError(f"jobs must be at least 1, not {jobs}")
    progress = opening.get("progress")
    if progress is not None and not callable(progress):
        raise wrong("progress", progress, "a function")


def ignore(assembler: Assembler, stream: Stream) -> None:
    """Let no more payload be copied for a stream."""
    for direction in (CLIENT, SERVER):
        # A stream that is over by now, or a side that was not seen, has no more.
        if stream.close_reason is None and was_seen(stream, direction):
            assembler.ignore(stream, direction)


def processors() -> int:
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
