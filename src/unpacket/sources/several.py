"""Several captures as one: in the order of time, and numbered over all.

Captures are sorted by the time of their first packets, for which each is looked at
before any is read. Then they are read one after the other, or merged packet by packet.
Those that can be read only once, as pipes, stay open from the look on.
"""

from __future__ import annotations

import os
import warnings
from abc import abstractmethod
from typing import Any

from unpacket._core.memory.batch import Batch, BatchPool, BufferPool
from unpacket.errors import CaptureWarning, FormatError, OverlapWarning, SourceError
from unpacket.sources.capture import CaptureSource, CutHeaderError
from unpacket.sources.formats.notes import CaptureNotes, Notes
from unpacket.sources.merge import FULL, NOTHING, Merger
from unpacket.sources.opening import Opening, open_capture, path_of, reader_of
from unpacket.sources.paths import STANDARD_INPUT, is_url
from unpacket.sources.readers.buffer import Reader
from unpacket.sources.readers.files import FewFiles
from unpacket.sources.source import Interface, Source

# What a look at a capture reads.
LOOK_BYTES = 1 << 16
# Of each of those that are merged so much is in memory, once or twice.
MERGED_BYTES = 1 << 16
# Files that are open at a time; systems allow some 250 or 1000.
MAX_OPEN = 128
BEFORE_ALL_NS = -(1 << 63)


class Member:
    """One of several captures.

    Attributes:
        path: What it is called in messages.
        sorted_ns: The time of its first packet; that of the capture before it, as the
            caller named them, if it has none.
        total_bytes: Its size, or None if it has none.
    """

    __slots__ = (
        "_ahead",
        "_name",
        "_noted",
        "_notes",
        "_opened",
        "_opening",
        "_warnings",
        "path",
        "sorted_ns",
        "total_bytes",
    )

    def __init__(
        self, name: Any, opening: Opening, notes: Notes, told: list[CaptureWarning]
    ) -> None:
        self.path = path_of(name)
        self.sorted_ns = BEFORE_ALL_NS
        self.total_bytes: int | None = None
        self._name = name
        self._opening = opening._replace(first_number=1, progress=None)
        self._notes = notes
        self._noted: CaptureNotes | None = None
        self._warnings = told
        self._opened: CaptureSource | None = None
        self._ahead: Batch | None = None

    @property
    def bytes_read(self) -> int:
        return 0 if self._opened is None else self._opened.bytes_read

    @property
    def may_wait(self) -> bool:
        """Whether the next batch may be long in coming: that of a pipe."""
        open_pipe = self._opened is not None and self.total_bytes is None
        return open_pipe and self._ahead is None

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        return () if self._opened is None else self._opened.interfaces

    @property
    def is_file(self) -> bool:
        """Whether it is a file of this machine, which can be opened again."""
        name = self._name
        if not isinstance(name, str | os.PathLike) or name == STANDARD_INPUT:
            return False
        return os.path.isfile(name)

    @property
    def noted(self) -> CaptureNotes:
        if self._noted is None:
            self._noted = self._notes.of(self.path, renumbered=True)
        return self._noted

    def look(self, earlier_ns: int) -> None:
        """Find out when it begins.

        Args:
            earlier_ns: When the capture before it begins.

        Raises:
            SourceError: It cannot be read, or is not a capture.
            CutHeaderError: It is empty, or cut before it is clear what it is.
        """
        first: Batch | None
        if self.is_file or is_url(self.path):
            opening = self._opening._replace(
                batch_frames=1, strict=True, buffer_bytes=LOOK_BYTES
            )
            reader = reader_of(self._name, block_bytes=LOOK_BYTES)
            self.total_bytes = reader.total_bytes
            with open_capture(reader, self.path, opening) as source:
                try:
                    first = next(source, None)
                except FormatError:
                    # It is reported when the capture is read.
                    first = None
        else:
            self.open()
            first = self._ahead = self.next()
        self.sorted_ns = earlier_ns if first is None else first.time_ns[0]

    def open(self, files: FewFiles | None = None) -> None:
        """Be ready to be read, if it is not by now.

        Args:
            files: What opens files, if many are open at a time.
        """
        if self._opened is not None:
            return
        opening = self._opening
        reader: Reader
        if files is not None:
            opening = opening._replace(buffer_bytes=MERGED_BYTES)
        if files is not None and self.is_file:
            reader = files.reader(self.path)
        else:
            reader = reader_of(self._name)
        self.total_bytes = reader.total_bytes
        source = open_capture(reader, self.path, opening, self._notes, self.noted)
        source.warnings = self._warnings
        self._opened = source

    def next(self) -> Batch | None:
        """Return the next batch, numbered from 1; None at the end."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None or self._opened is None:
            return ahead
        return next(self._opened, None)

    def stop(self) -> None:
        """Read no more; the first batch, if it is there, is still given."""
        if self._opened is not None:
            self._opened.close()
        self._opened = None

    def close(self) -> None:
        self.stop()
        self._ahead = None


class Several(Source):
    """Several captures as one."""

    def __init__(
        self,
        members: list[Member],
        opening: Opening,
        notes: Notes,
        told: list[CaptureWarning],
    ) -> None:
        super().__init__(members[0].path)
        self.notes = notes
        self.warnings = told
        self._members = sorted(members, key=lambda member: member.sorted_ns)
        self._progress = opening.progress
        self._number = opening.first_number
        sizes = [member.total_bytes for member in members]
        known = [size for size in sizes if size is not None]
        self._total_bytes = sum(known) if len(known) == len(sizes) else None
        self._ended_bytes = 0
        self._active: dict[Member, None] = {}
        self._stopped = False

    @property
    def bytes_read(self) -> int:
        return self._ended_bytes + sum(member.bytes_read for member in self._active)

    @property
    def total_bytes(self) -> int | None:
        return self._total_bytes

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        return tuple(each for member in self._active for each in member.interfaces)

    def __next__(self) -> Batch:
        """Return the next batch.

        Raises:
            FormatError: A capture is damaged here, if reading strictly.
            SourceError: One cannot be read.
        """
        try:
            batch = self._next()
        except Exception:
            self.close()
            raise
        except BaseException:
            # Whoever catches it may want what has been read.
            self.stop()
            raise
        finally:
            if self.tells:
                self.tell()
        if batch is None:
            self.close()
            raise StopIteration
        self._number = batch.first_number + batch.count
        return batch

    @abstractmethod
    def _next(self) -> Batch | None: ...

    def _read(self, member: Member, files: FewFiles | None = None) -> Batch | None:
        """Return the next batch of a capture, which is opened if it is not yet."""
        self._active[member] = None
        if not self._stopped:
            member.open(files)
        batch = member.next()
        if batch is None:
            self._ended_bytes += member.bytes_read
            del self._active[member]
            member.close()
        return batch

    def tell(self) -> None:
        if self._progress is not None:
            self._progress(self.bytes_read, self.total_bytes)

    def stop(self) -> None:
        self._ended_bytes = self.bytes_read
        self._active.clear()
        self._stopped = True
        for member in self._members:
            member.stop()

    def close(self) -> None:
        self.stop()
        for member in self._members:
            member.close()


class OneAfterTheOther(Several):
    """Captures that are read in the order in which they begin."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._at = 0
        self._base = self._number - 1
        self._begun = False
        self._latest_ns = BEFORE_ALL_NS
        self._latest = ""

    def _next(self) -> Batch | None:
        while self._at < len(self._members):
            member = self._members[self._at]
            batch = self._read(member)
            if batch is not None:
                self._take(member, batch)
                return batch
            self._at += 1
            self._base = self._number - 1
            self._begun = False
        return None

    def _take(self, member: Member, batch: Batch) -> None:
        if not self._begun:
            self._begun = True
            by_ns = self._latest_ns - batch.time_ns[0]
            if by_ns > 0 and self.overlap is None:
                self.overlap = OverlapWarning(member.path, self._latest, by_ns)
                warnings.warn(self.overlap, stacklevel=4)
        last_ns = batch.time_ns[batch.count - 1]
        if last_ns > self._latest_ns:
            self._latest_ns, self._latest = last_ns, member.path
        stop = batch.first_number + batch.count
        noted = member.noted
        while (frame := noted.waiting) is not None and frame < stop:
            noted.settle(frame + self._base)
        batch.first_number += self._base

    def close(self) -> None:
        super().close()
        self._at = len(self._members)


class Merged(Several):
    """Captures that are merged packet by packet."""

    def __init__(
        self,
        members: list[Member],
        opening: Opening,
        notes: Notes,
        told: list[CaptureWarning],
    ) -> None:
        super().__init__(members, opening, notes, told)
        self._files = FewFiles(MAX_OPEN)
        self._batches = BatchPool(opening.batch_frames)
        self._buffers = BufferPool()
        self._merger = Merger(len(members), opening.batch_frames)
        for slot, member in enumerate(self._members):
            self._merger.expect(slot, member.sorted_ns)
        # The slot that has to be given a batch.
        self._wanted: int | None = None
        # Also of those captures that have ended: frames of theirs may still come.
        self._seen: dict[Interface, None] = {}
        # Those with comments on frames that have not come yet.
        self._commented: set[int] = set()
        self._error: Exception | None = None
        # What an interruption left of a batch.
        self._begun: Batch | None = None
        self._closed = False

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """Where the packets of all captures were seen, as far as they have been read.

        Which of them a frame of a batch is from is not known.
        """
        return tuple(self._seen)

    def _next(self) -> Batch | None:
        error, self._error = self._error, None
        if error is not None:
            raise error
        if self._closed:
            return None
        batch, self._begun = self._begun, None
        if batch is None:
            batch = self._batches.take()
            batch.attach(self._buffers.take(), 0, self._number)
        try:
            self._fill(batch)
        except Exception as error:
            # What came before the trouble counts.
            if not batch.count:
                raise
            self._error = error
        except BaseException:
            self._begun = batch
            raise
        if self._commented:
            self._settle(batch)
        return batch if batch.count else None

    def _fill(self, batch: Batch) -> None:
        while True:
            if self._wanted is not None:
                member = self._members[self._wanted]
                if batch.count and member.may_wait:
                    # What there is must not wait for a pipe.
                    return
                self._give(self._wanted, member)
            wanted = self._merger.merge(batch)
            if wanted == NOTHING or (wanted == FULL and batch.count):
                return
            if wanted == FULL:
                # A frame that is longer than buffers are.
                buffer = self._buffers.take(self._merger.next_bytes)
                batch.attach(buffer, 0, self._number)
            else:
                self._wanted = wanted

    def _give(self, slot: int, member: Member) -> None:
        given = self._read(member, self._files)
        self._wanted = None
        if given is None:
            return
        self._seen |= dict.fromkeys(member.interfaces)
        self._merger.give(slot, given)
        if member.noted.waiting is not None:
            self._commented.add(slot)

    def _settle(self, batch: Batch) -> None:
        """Give comments the numbers of the frames that they are about."""
        slots, numbers = self._merger.slots, self._merger.numbers
        for index in range(batch.count):
            if slots[index] in self._commented:
                noted = self._members[slots[index]].noted
                if noted.waiting == numbers[index]:
                    noted.settle(batch.first_number + index)
        self._commented = {
            slot
            for slot in self._commented
            if self._members[slot].noted.waiting is not None
        }

    def close(self) -> None:
        super().close()
        self._closed = True


def open_several(names: list[Any], opening: Opening, *, merge: bool) -> Several:
    """Open captures as one.

    Raises:
        SourceError: One of them cannot be opened, or is not a capture.
    """
    if names.count(STANDARD_INPUT) > 1:
        raise SourceError(STANDARD_INPUT, "standard input can be read only once")
    notes = Notes()
    told: list[CaptureWarning] = []
    members: list[Member] = []
    cut: CutHeaderError | None = None
    earlier_ns = BEFORE_ALL_NS
    try:
        for name in names:
            member = Member(name, opening, notes, told)
            members.append(member)
            try:
                member.look(earlier_ns)
            except CutHeaderError as error:
                # A capture program that was about to begin, or a full disk.
                if opening.strict:
                    raise
                cut = cut or error
                members.pop().close()
                told.append(CaptureWarning(*error.args))
                warnings.warn(told[-1], stacklevel=4)
                continue
            earlier_ns = member.sorted_ns
        if not members and cut is not None:
            raise cut
        kind = Merged if merge else OneAfterTheOther
        return kind(members, opening, notes, told)
    except BaseException:
        for member in members:
            member.close()
        raise
