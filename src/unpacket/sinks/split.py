"""Captures of one stream each: which frames belong to it, and what was found.

The input is read twice. What a frame turns out to be may be known long after it: the
first reading finds that, the second gives the frames with it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from unpacket._core.memory.batch import Batch
from unpacket._core.memory.byte_chains import Growing
from unpacket._core.reassembly.assembler import Assembler
from unpacket._core.reassembly.events import Closed, Conflict, Finished, Opened
from unpacket._core.reassembly.stream import Stream
from unpacket._core.reassembly.trace import Trace
from unpacket._version import __version__
from unpacket.policy import Policy
from unpacket.records.json_line import plain_description
from unpacket.records.summary import Summary, Trouble
from unpacket.sinks.direct import WHOLE_BYTES
from unpacket.sinks.extract import BUFFER_BYTES, MAX_OPEN
from unpacket.sinks.extracted import StreamFile, prepare
from unpacket.sinks.files import GrowingFiles
from unpacket.sinks.kept_notes import KeptNotes
from unpacket.sinks.names import Template
from unpacket.sinks.partition import Part as Waiting
from unpacket.sinks.partition import Partition, counted, increasing
from unpacket.sinks.pcapng import (
    enhanced_packet,
    interface_description,
    options,
    section_header,
)
from unpacket.sinks.render.follow import counted as counted_bytes
from unpacket.sinks.render.follow import remark, unplaced_remarks
from unpacket.sources import Interface
from unpacket.sources.formats.notes import Notes

if TYPE_CHECKING:
    from unpacket.query.parser import Where

__all__ = ["NAME", "Findings", "find", "parts", "write"]

APPLICATION = f"unpacket {__version__}"

NAME = "{id:05}-{client}.{client_port}-{server}.{server_port}.pcapng"

# What a frame that waits costs at most, beside its bytes.
FRAME_BYTES = 128

# How many different ones are remembered: most streams close in one of a few ways.
COMMENTS = 64

# How many remarks a stream can have; the comment of its section counts all of them.
MOST_REMARKS = 1000


class Findings:
    """What a first reading has found.

    Attributes:
        frame_counts: How many frames each stream has, at the place of its id.
        streams: The facts of each stream that is wanted, by its id.
        seen: How many streams there are, wanted or not.
        first_ns: When the first frame was captured.
        notes: What goes along of the notes of the capture, or None.
        left_out: How many frames are of no stream.
        why_left_out: What those are, by the reasons of ``Assembler.counters``.
        late: What came after the ends of streams, see ``Assembler.late``.

    Args:
        where: Which streams are wanted; all if None.
    """

    def __init__(
        self, where: Where | None = None, notes: KeptNotes | None = None
    ) -> None:
        self._where = where
        self.notes = notes
        self.left_out = 0
        self.why_left_out: dict[str, int] = {}
        self.first_ns = 0
        self.seen = 0
        self.late: dict[int, tuple[int, int]] = {}
        self.frame_counts = memoryview(array("q"))
        self.frames_in_streams = 0
        self.streams: dict[int, Stream] = {}
        self._frames = array("q")
        self._ids = array("q")
        self._moved: dict[tuple[int, int], int] = {}
        self._remarks: dict[tuple[int, int], list[str]] = {}
        self._remark_counts: dict[int, int] = {}
        self._troubles: dict[int, Trouble] = {}
        # What belongs to a stream and to none of its frames.
        self._beside: dict[int, list[str]] = {}

    def rows(self) -> Iterator[tuple[int, int]]:
        """Give number and stream of each frame, in the order of numbers."""
        return zip(self._frames, self._ids, strict=True)

    def frames_of(self, only: int | None) -> tuple[memoryview[int], memoryview[int]]:
        """Return number and stream of each frame, or of one stream's frames."""
        frames, ids = self._frames, self._ids
        if only is not None:
            frames = array("q", [row[0] for row in self.rows() if row[1] == only])
            ids = array("q", [only] * len(frames))
        return memoryview(frames), memoryview(ids)

    def remarked(self) -> memoryview[int]:
        """Return the numbers of frames of which something was found, in order."""
        return memoryview(array("q", sorted(number for number, _ in self._remarks)))

    def remarks(self, number: int, stream_id: int) -> list[str]:
        """Return what was found about a frame."""
        return self._remarks.get((number, stream_id), [])

    def comments(self, number: int, stream_id: int) -> bytes:
        """Return the same, as options of the block of the frame."""
        remarks = self._remarks.get((number, stream_id))
        return commented(tuple(remarks)) if remarks else b""

    def section(self, stream_id: int) -> str:
        """Return what was found about a stream."""
        trouble = self._troubles.get(stream_id)
        found = [described(self.streams[stream_id], trouble)]
        if stream_id in self.late:
            count, frame = self.late[stream_id]
            found.append(f"after its end: {counted_bytes(count)} (frame {frame})")
        return "\n".join([*found, *self._beside.get(stream_id, ())])

    def blocks(self, stream_id: int) -> bytes:
        """Return the blocks of names and keys that belong to a stream."""
        if self.notes is None:
            return b""
        stream = self.streams[stream_id]
        addresses = (stream.client.address, stream.server.address)
        return self.notes.blocks(stream_id, addresses)

    def take_trace(self, trace: Trace, batch: Batch) -> None:
        """Take what the assembler says of the frames of a batch."""
        if self.notes is not None:
            self.notes.look_at(batch, trace.frames, trace.ids)
        self._frames.extend(trace.frames)
        self._ids.extend(trace.ids)

    def take_moved(self, moved: list[tuple[int, int, int]]) -> None:
        """Take which frames were of another stream than the assembler has said."""
        for number, before, after in moved:
            self._moved[number, before] = after

    def _stream_of(self, number: int, stream_id: int) -> int:
        """Return whose frame it is that was said to be of a stream."""
        while (number, stream_id) in self._moved:
            # Each was begun after the one before it.
            stream_id = self._moved[number, stream_id]
        return stream_id

    def take(self, event: Any) -> None:
        """Take an event."""
        kind = type(event)
        if kind is Opened or kind is Finished:
            return
        stream_id = event.stream.id
        if kind is Closed:
            self.seen += 1
            if self._is_wanted(event.stream):
                self._note(event.frame, stream_id, f"closed: {event.reason}")
                self.streams[stream_id] = event.stream
            else:
                self._troubles.pop(stream_id, None)
            return
        sentence = remark(event)
        if sentence is None:
            return
        trouble = self._troubles.setdefault(stream_id, Trouble())
        trouble.take(event)
        noted = self._remark_counts.get(stream_id, 0)
        self._remark_counts[stream_id] = noted + 1
        if noted < MOST_REMARKS:
            numbers = {event.frame}
            if kind is Conflict:
                numbers = {event.kept_frame, event.other_frame}
            for number in numbers:
                self._note(number, stream_id, sentence)

    def _is_wanted(self, stream: Stream) -> bool:
        if self._where is None:
            return True
        summary = Summary(stream, self._troubles.get(stream.id))
        return self._where.matches(summary, self.first_ns)

    def settle(self) -> None:
        """Sort out what was found, at the end of the input."""
        if self._moved or not increasing(memoryview(self._frames)):
            # Of fragments, and of frames with several segments of a stream.
            settled = sorted({(row[0], self._stream_of(*row)) for row in self.rows()})
            self._frames = array("q", [row[0] for row in settled])
            self._ids = array("q", [row[1] for row in settled])
        self.frames_in_streams = len(set(self._frames))
        if self._where is not None:
            kept = [row for row in self.rows() if row[1] in self.streams]
            self._frames = array("q", [row[0] for row in kept])
            self._ids = array("q", [row[1] for row in kept])
        self.frame_counts = counted(memoryview(self._ids))
        if self.notes is not None:
            for number, text in self.notes.frame_comments():
                for stream_id in self._ids_of(number):
                    self._remarks.setdefault((number, stream_id), []).insert(0, text)
        for (number, stream_id), sentences in sorted(self._remarks.items()):
            if stream_id not in self.streams:
                del self._remarks[number, stream_id]
            elif not self._has(number, stream_id):
                # It is the passing of time that was noticed there.
                del self._remarks[number, stream_id]
                self._beside.setdefault(stream_id, []).extend(sentences)

    def _has(self, number: int, stream_id: int) -> bool:
        """Return whether a frame is of a stream."""
        return stream_id in self._ids_of(number)

    def _ids_of(self, number: int) -> Iterator[int]:
        """Give the ids of the streams that a frame is of."""
        at = bisect_left(self._frames, number)
        while at < len(self._frames) and self._frames[at] == number:
            yield self._ids[at]
            at += 1

    def _note(self, number: int, stream_id: int, sentence: str) -> None:
        self._remarks.setdefault((number, stream_id), []).append(sentence)


def described(stream: Stream, trouble: Trouble | None) -> str:
    """Return what a stream is in a few lines."""
    plain = plain_description(stream)
    unplaced = unplaced_remarks(stream)
    if trouble is None:
        return "\n".join([plain, *unplaced])
    # The last two say how many bytes client and server sent.
    lines = plain.split("\n")
    for line, gaps in zip((-2, -1), trouble.gaps, strict=True):
        if gaps:
            missing = sum(gap.length for gap in gaps)
            noun = "gap" if len(gaps) == 1 else "gaps"
            lines[line] += f", and {missing} missing in {len(gaps)} {noun}"
    if trouble.conflicts:
        lines.append(f"conflicts: {trouble.conflicts}")
    for reason, count in trouble.rejected.items():
        lines.append(f"rejected ({reason}): {count}")
    return "\n".join(lines + unplaced)


def find(
    batches: Iterable[Batch],
    *,
    policy: Policy | None = None,
    where: str | Where | None = None,
    ended_early: Callable[[], bool] = lambda: False,
    notes: Notes | None = None,
    key_log: bytes = b"",
) -> Findings:
    """Read a capture for the first time.

    Args:
        batches: An open ``Source``.
        where: Which streams are wanted, see ``unpacket.query.parser``.
        notes: Those of the source, of which each file gets what belongs to its stream.
        key_log: Lines of key logs, of which each file gets those that its TLS needs.
        ended_early: Returns whether the reading ended before the capture did.

    Raises:
        WhereError: ``where`` is not of the grammar. It is a ``ValueError``.
    """
    if isinstance(where, str):
        from unpacket.query.parser import Where

        where = Where(where)
    kept = None if notes is None else KeptNotes(notes, key_log)
    findings = Findings(where, kept)
    assembler = Assembler(policy, data=False)
    frames = 0
    for count, batch in enumerate(batches):
        frames += batch.count
        if count == 0:
            findings.first_ns = batch.time_ns[0]
        events, trace = assembler.trace(batch)
        findings.take_trace(trace, batch)
        findings.take_moved(assembler.moved())
        for event in events:
            findings.take(event)
    for event in assembler.finish(interrupted=ended_early()):
        findings.take(event)
    findings.take_moved(assembler.moved())
    findings.late = assembler.late
    findings.why_left_out = assembler.counters
    findings.settle()
    findings.left_out = frames - findings.frames_in_streams
    return findings


def parts(
    batches: Iterable[Batch],
    findings: Findings,
    *,
    only: int | None = None,
    interfaces: Callable[[], Sequence[Interface]] = lambda: (),
    buffer_bytes: int = BUFFER_BYTES,
) -> Iterator[tuple[int, memoryview, bool]]:
    """Read a capture again, and give the pcapng files of its streams in pieces.

    Args:
        batches: The same ``Source``, opened again.
        only: The id of the one stream that is wanted; all if None.
        interfaces: Returns what is known of the interfaces by now.
        buffer_bytes: How much waits in memory, of all files together. Of one stream
            alone nothing waits longer than a batch.

    Yields:
        The id of a stream, the next bytes of its file, and whether they are the last.
        They are to be taken before the next are asked for.
    """
    frames, ids = findings.frames_of(only)
    waiting: list[Waiting | None] = [None] * len(findings.frame_counts)
    growing: dict[int, Part] = {}
    # At least as much as it takes until something has to be written.
    room = buffer_bytes
    held = Growing(min(buffer_bytes, BUFFER_BYTES))
    target = bytearray(WHOLE_BYTES)
    partition = Partition(frames, ids, waiting, findings.remarked(), findings.comments)
    for batch in batches:
        partition.begin(batch)
        while (row := partition.next()) >= 0:
            number, stream_id = frames[row], ids[row]
            part = growing.get(stream_id)
            if part is None:
                part = growing[stream_id] = Part(stream_id, findings, held)
                waiting[stream_id] = part.waiting
            if part.waiting.left:
                part.frame(batch, number - batch.first_number, interfaces)
            if part.waiting.left == 0:
                waiting[stream_id] = None
                del growing[stream_id]
                yield from drawn(stream_id, part.waiting, target, ends=True)
        if partition.at == len(frames):
            return
        room -= batch.used_bytes + FRAME_BYTES * batch.count
        if only is not None or room < 0:
            largest = sorted(
                growing.items(), key=lambda item: item[1].waiting.cost(), reverse=True
            )
            for stream_id, part in largest:
                if only is None and held.waiting_bytes <= buffer_bytes // 2:
                    break
                yield from drawn(stream_id, part.waiting, target, ends=False)
            room = buffer_bytes - held.waiting_bytes


def drawn(
    stream_id: int, part: Waiting, target: bytearray, *, ends: bool
) -> Iterator[tuple[int, memoryview, bool]]:
    """Give what waits of a file, as ``parts`` does."""
    while count := part.take(target):
        yield stream_id, memoryview(target)[:count], ends and not part.length()
    if ends:
        part.end()


def write(
    directory: str,
    pieces: Iterable[tuple[int, memoryview, bool]],
    findings: Findings,
    *,
    name: str = NAME,
    force: bool = False,
    max_open: int = MAX_OPEN,
    buffer_bytes: int = BUFFER_BYTES,
) -> tuple[int, int]:
    """Write what ``parts`` gives to a file for each stream.

    Args:
        name: How files are named, see ``sinks.names.Template``.
        force: Whether the directory may have files in it; those whose names are needed
            are replaced.

    Returns:
        How many files, and bytes. A file that the pieces do not end is not left.

    Raises:
        SinkError: The directory is not empty, or cannot be written to.
    """
    template = Template(name)
    prepare(directory, force=force)
    files = GrowingFiles(
        directory, replace=force, max_open=max_open, buffer_bytes=buffer_bytes
    )
    growing: dict[int, StreamFile] = {}
    written = written_bytes = 0
    try:
        for stream_id, data, last in pieces:
            stream = findings.streams[stream_id]
            file = growing.get(stream_id)
            if last and file is None:
                candidate = partial(template.name, stream, None)
                files.write(candidate, data, stream.first_ns)
                written += 1
                written_bytes += len(data)
                continue
            if file is None:
                file = growing[stream_id] = StreamFile(template, stream, None)
            files.add(file, bytes(data))
            files.flush(file)
            if last:
                del growing[stream_id]
                files.close(file, file.stream.first_ns)
                written += 1
                written_bytes += file.size
        for file in growing.values():
            # The reading has ended before their last frames came.
            files.forget(file)
    finally:
        files.close_all()
    return written, written_bytes


@lru_cache(COMMENTS)
def commented(remarks: tuple[str, ...]) -> bytes:
    """Return remarks as options of a block."""
    return options(remarks)


class Part:
    """The file of one stream, while it is written.

    Attributes:
        waiting: What waits of it, and how many of its frames have not come yet.
    """

    __slots__ = ("_findings", "_interfaces", "_stream_id", "waiting")

    def __init__(self, stream_id: int, findings: Findings, held: Growing) -> None:
        self.waiting = Waiting(held, findings.frame_counts[stream_id])
        self._stream_id = stream_id
        self._findings = findings
        self._interfaces: dict[tuple[int, bool], int] = {}

    def frame(
        self,
        batch: Batch,
        index: int,
        interfaces: Callable[[], Sequence[Interface]],
    ) -> None:
        """Add the blocks of a frame to the file."""
        waiting = self.waiting
        number = batch.first_number + index
        time_ns, link_type = batch.time_ns[index], batch.link_type[index]
        earlier = time_ns < 0
        described = self._interfaces
        interface = described.get((link_type, earlier))
        if interface is None:
            if not described:
                section = self._findings.section(self._stream_id)
                notes = self._findings.notes
                comments = [] if notes is None else notes.comments
                waiting.add(section_header([section, *comments], APPLICATION))
                if not earlier:
                    # The frames like this one need nobody to look at them.
                    waiting.link_type = link_type
            interface = described[link_type, earlier] = len(described)
            alike = {one for one in interfaces() if one.link_type == link_type}
            # A frame does not say on which of several interfaces it was seen.
            known = alike.pop() if len(alike) == 1 else None
            waiting.add(
                interface_description(
                    link_type,
                    name="" if known is None else known.name,
                    snaplen=0 if known is None else known.snaplen,
                    fcs_bytes=None if known is None else known.fcs_bytes,
                    earlier=earlier,
                )
            )
            if interface == 0:
                waiting.add(self._findings.blocks(self._stream_id))
        if interface == 0 and not earlier:
            remarked = self._findings.comments(number, self._stream_id)
            waiting.add_frame(batch, index, remarked, bytearray())
            return
        remarks = self._findings.remarks(number, self._stream_id)
        _, _, _, original, data = batch.frame(index)
        waiting.add(
            enhanced_packet(
                interface, time_ns, data, original, remarks, earlier=earlier
            )
        )
        waiting.left -= 1
