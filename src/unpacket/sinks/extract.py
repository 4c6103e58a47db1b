"""Streams to files: each side to its own, and an index of what they are.

Files hold bytes of the stream, in order. What is missing of them stands in the index,
and in the files as the caller wants it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from hashlib import sha256
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, get_args

from unpacket._core.reassembly.direction import Direction
from unpacket._core.reassembly.events import (
    Closed,
    Conflict,
    Data,
    Finished,
    Gap,
    Opened,
)
from unpacket._core.reassembly.payload_gatherer import Gatherer
from unpacket._core.reassembly.stream import Stream
from unpacket.errors import SinkError
from unpacket.records.facts import joined
from unpacket.records.summary import Summary, Trouble, json_text
from unpacket.records.text import Text
from unpacket.sinks.direct import NO_DIRECTORY, WHOLE_BYTES, Direct
from unpacket.sinks.extracted import (
    Extracted,
    Index,
    Missing,
    StreamFile,
    frame_lines,
    listed,
    marker,
    prepare,
)
from unpacket.sinks.files import NO_BYTES, GrowingFiles
from unpacket.sinks.names import TCPFLOW, Template
from unpacket.sinks.render.follow import renderer
from unpacket.sinks.render.turns import InTurns

if TYPE_CHECKING:
    from unpacket.query.parser import Where


Gaps = Literal["nothing", "zeros", "marker"]

GAPS: tuple[str, ...] = get_args(Gaps)

MAX_OPEN = 128

# Of 1,000,000 packets of 27,000 streams, 4,300 of them at a time, 128 MiB had 11,000
# files begun before their end, which took a tenth of the time of all.
BUFFER_BYTES = 256 << 20

# How much of the index waits to be written.
INDEX_BYTES = 1 << 16

# What the index lists of a stream's conflicts; it counts all of them.
LISTED_CONFLICTS = 1000

_SIDES = (Direction.CLIENT, Direction.SERVER)

# These say nothing that files would have.
_USUAL = (Opened, Finished)


class Extractor:
    """Writes the streams of events to files, and ``index.jsonl`` beside them.

    ::

        with Extractor("out") as extractor:
            for event in unpacket.events("capture.pcapng"):
                extractor.take(event)

    Memory does not depend on how much the streams carry, and the number of open files
    not on how many they are.

    Attributes:
        missing: How much is missing of what was written.

    Args:
        directory: It is created if necessary.
        name: How files are named, see ``Template``; as tcpflow's if not given.
        gaps: What files have where bytes are missing: ``nothing`` (the bytes around
            stand side by side), ``zeros`` (holes, which take no room on most disks;
            what is at an offset of the stream is at this offset of the file) or
            ``marker`` (a line of text).
        conversation: A form of ``sinks.follow.FORMS``: one more file a stream, with
            both sides in the order of the events.
        frames: Whether each file has another beside it, ``.frames``, with a line for
            each of its pieces: offset, length, frame number, time in nanoseconds.
        digest: Whether the index has the SHA-256 of each side's bytes.
        force: Whether the directory may have files in it; those whose names are needed
            are replaced.
        where: Which streams to write, see ``unpacket.query``. That is known at their
            end: until then, what there is too much of to wait in memory goes to files
            whose names begin with ``.unpacket-``.
        first_ns: Returns when the first frame was captured, which is what ``start``
            and ``end`` of ``where`` count from; asked when a stream ends.

    Raises:
        ValueError: ``name``, ``gaps``, ``conversation`` or ``where`` is none.
        SinkError: The directory is not empty, or cannot be written to.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        name: str = TCPFLOW,
        gaps: Gaps = "nothing",
        conversation: str | None = None,
        frames: bool = False,
        digest: bool = True,
        force: bool = False,
        where: str | Where | None = None,
        first_ns: Callable[[], int] = int,
        max_open: int = MAX_OPEN,
        buffer_bytes: int = BUFFER_BYTES,
    ) -> None:
        if gaps not in GAPS:
            raise ValueError(f"gaps must be one of {', '.join(GAPS)}, not {gaps!r}")
        if conversation is not None:
            renderer(conversation)
        self._template = Template(name)
        self._gaps = gaps
        self._form = conversation
        self._frames = frames
        self._digest = digest
        # Whether there is more of each stream than the files of its sides.
        self._beside = frames or conversation is not None
        self._extracted: dict[Stream, Extracted] = {}
        if isinstance(where, str):
            from unpacket.query.parser import Where

            where = Where(where)
        self._where = where
        self._is_certain = where is None
        self._first_ns = first_ns
        self.missing = Missing()
        self._streams = 0
        self._written = 0
        self._written_bytes = 0
        path = os.fspath(directory)
        prepare(path, force=force)
        self._files = GrowingFiles(
            path, replace=force, max_open=max_open, buffer_bytes=buffer_bytes
        )
        self._buffer_bytes = buffer_bytes
        self._gatherer = Gatherer(min(buffer_bytes, BUFFER_BYTES))
        self._lines = Text()
        # What is moved to a file at one time.
        self._data = bytearray(WHOLE_BYTES)
        at = self._files.at
        if at is None or force or name != TCPFLOW:
            # Each name takes more than a call of the system.
            at = NO_DIRECTORY
        self._direct = Direct(
            self._gatherer,
            self._lines,
            at,
            self._files.taken,
            sha256 if digest else None,
            ',"zeros_left_out":0' if gaps == "zeros" else "",
        )
        self._index = Index(hashed=False)
        # The first of all: no stream can have its name.
        self._files.add(self._index, b"")
        self._files.flush(self._index)

    @property
    def streams(self) -> int:
        """How many were written."""
        return self._streams + self._direct.streams

    @property
    def files(self) -> int:
        """How many were written."""
        return self._written + self._direct.files

    @property
    def written_bytes(self) -> int:
        """How many were written, zeros and markers included."""
        return self._written_bytes + self._direct.written_bytes

    @property
    def gatherer(self) -> Gatherer | None:
        """What may take the payload in place of events; None if they are needed.

        Then all of them are of one assembler, from its first on.
        """
        if self._beside or self._gaps != "nothing" or self._where is not None:
            return None
        return self._gatherer

    def take(self, event: Any) -> None:
        """Take the next event.

        Raises:
            SinkError: Something cannot be written.
        """
        if type(event) is Data:
            self._gatherer.add(event)
            if self._frames:
                self._add_frames(self._of(event.stream), event)
            if self._form is not None:
                self._render(event)
            if self._gatherer.waiting_bytes > self._buffer_bytes:
                self._make_room()
        else:
            self._take_other(event)

    def take_all(self, events: Iterable[Any]) -> None:
        """Take events up to their end."""
        for event in events:
            self.take(event)

    def take_lists(self, lists: Iterable[list[Any]]) -> None:
        """Take lists of events up to their end, which costs less than one by one.

        Least of all where the assembler has the ``gatherer``.
        """
        take = self.take
        for events in lists:
            for event in events:
                kind = type(event)
                if kind is Closed and self._form is None:
                    self._end(event.stream)
                elif kind not in _USUAL or self._form is not None:
                    take(event)
            if self._gatherer.waiting_bytes > self._buffer_bytes:
                self._make_room()

    def close(self) -> None:
        """End the index. Streams that were not closed are not in it, nor have files."""
        self._close(is_whole=True)

    def _close(self, *, is_whole: bool) -> None:
        # No file is left that the index does not name.
        try:
            self._write_index()
            if is_whole or not self._is_certain:
                for extracted in self._extracted.values():
                    self._forget(extracted)
                self._extracted.clear()
            self._files.close(self._index)
        finally:
            self._direct.at = NO_DIRECTORY
            self._files.close_all()

    def __enter__(self) -> Extractor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._close(is_whole=value is None)
        except SinkError:
            # The disk that was full is full for the index too.
            if value is None:
                raise

    def _of(self, stream: Stream) -> Extracted:
        extracted = self._extracted.get(stream)
        if extracted is None:
            extracted = self._extracted[stream] = Extracted()
        return extracted

    def _take_other(self, event: Any) -> None:
        """Take an event that is no ``Data``."""
        kind = type(event)
        if kind is Closed:
            if self._form is not None:
                self._render(event)
            self._end(event.stream)
            return
        if kind is not Opened and kind is not Finished:
            self._take_trouble(event)
        if self._form is not None:
            self._render(event)

    def _make_room(self) -> None:
        """Write what waits of streams until half of what may wait is free."""
        gatherer = self._gatherer
        for stream in sorted(gatherer.streams(), key=gatherer.cost, reverse=True):
            if gatherer.waiting_bytes <= self._buffer_bytes // 2:
                break
            self._write(stream)

    def _write(self, stream: Stream) -> Extracted:
        """Write what waits of a stream that has not ended."""
        extracted = self._of(stream)
        for direction in _SIDES:
            while count := self._gatherer.draw(stream, direction, self._data):
                file = self._side(extracted, stream, direction)
                self._files.add(file, bytes(memoryview(self._data)[:count]))
                self._files.flush(file)
        self._gatherer.end(stream)
        return extracted

    def _side(
        self, extracted: Extracted, stream: Stream, direction: Direction
    ) -> StreamFile:
        """Return the file of a side."""
        file = extracted.sides[direction]
        if file is None:
            file = StreamFile(
                self._template,
                stream,
                direction,
                hashed=self._digest,
                is_wanted=self._is_certain,
            )
            extracted.sides[direction] = file
        return file

    def _add_frames(self, extracted: Extracted, event: Data) -> None:
        file = extracted.frames[event.direction]
        if file is None:
            file = StreamFile(
                self._template,
                event.stream,
                event.direction,
                ".frames",
                is_wanted=self._is_certain,
            )
            extracted.frames[event.direction] = file
        self._files.add(file, frame_lines(event))

    def _take_trouble(self, event: Any) -> None:
        extracted = self._of(event.stream)
        if extracted.trouble is None:
            extracted.trouble = Trouble()
        extracted.trouble.take(event)
        if type(event) is Conflict and len(extracted.conflicts) < LISTED_CONFLICTS:
            extracted.conflicts.append(listed(event))
        if type(event) is Gap and self._gaps != "nothing":
            self._write(event.stream)
            file = self._side(extracted, event.stream, event.direction)
            if self._gaps == "marker":
                self._files.add_unhashed(file, marker(event))
            else:
                hole = self._files.leave_out(file, event.length)
                extracted.left_out[event.direction] += event.length - hole

    def _render(self, event: Any) -> None:
        kind = type(event)
        if kind is Opened:
            return
        if kind in (Closed, Finished) and event.stream not in self._extracted:
            # Nobody has said anything.
            return
        extracted = self._of(event.stream)
        data = b""
        if extracted.rendering is None:
            extracted.rendering = InTurns(renderer(str(self._form)))
            file = StreamFile(
                self._template,
                event.stream,
                None,
                ".conversation",
                is_wanted=self._is_certain,
            )
            extracted.conversation = file
            stream = event.stream
            first = Opened(stream, stream.first_frame, stream.first_ns)
            data = extracted.rendering.render(first)
        data += extracted.rendering.render(event)
        if data and extracted.conversation is not None:
            self._files.add(extracted.conversation, data)

    def _end(self, stream: Stream) -> None:
        """Write the rest of a stream, and its line in the index."""
        extracted = self._extracted.get(stream)
        if self._where is not None:
            trouble = None if extracted is None else extracted.trouble
            if not self._where.matches(Summary(stream, trouble), self._first_ns()):
                self._gatherer.end(stream)
                if extracted is not None:
                    del self._extracted[stream]
                    self._forget(extracted)
                return
        if extracted is None and not self._beside:
            try:
                done = self._direct.write(stream, self._write_whole)
            except OSError as error:
                raise self._files.failed(error.filename, error) from error
            if done:
                if self._lines.used > INDEX_BYTES:
                    self._write_index()
                return
        self._end_parts(stream, self._of(stream))

    def _write_whole(
        self, stream: Stream, direction: Direction, data: memoryview
    ) -> str:
        """Write a side of which all is at hand; return the name of its file."""
        candidate = partial(self._template.name, stream, direction)
        return self._files.write(candidate, data, stream.first_ns)

    def _end_parts(self, stream: Stream, extracted: Extracted) -> None:
        """End a stream that was written to before, or has more than its bytes."""
        self._write(stream)
        del self._extracted[stream]
        if not self._is_certain:
            for begun in extracted.files():
                self._files.want(begun)
        record: dict[str, Any] = {}
        digests: list[str] = []
        for direction in _SIDES:
            file = extracted.sides[direction]
            entry = self._closed(file, stream)
            digests.append(NO_BYTES if file is None else str(file.digest))
            # All lines have the same keys, with values of one type.
            if self._gaps == "zeros":
                entry["zeros_left_out"] = extracted.left_out[direction]
            if self._frames:
                frames = self._closed(extracted.frames[direction], stream)
                entry["frames"] = frames["name"]
            record[str(direction)] = entry
        if self._form is not None:
            record["conversation"] = self._closed(extracted.conversation, stream)
        self._put_line(stream, extracted, digests, json_text(record))

    def _put_line(
        self,
        stream: Stream,
        extracted: Extracted | None,
        digests: list[str],
        files: str,
    ) -> None:
        """Add the line of a stream to the index."""
        sha256_of = (digests[0], digests[1]) if self._digest else None
        trouble = None if extracted is None else extracted.trouble
        conflicts = "" if extracted is None else joined(extracted.conflicts)
        self._lines.put(
            f"{Summary(stream, trouble, sha256_of).to_json()[:-1]},"
            f'"conflict_list":"{conflicts}","files":{files}}}\n'
        )
        self.missing.add(trouble)
        if self._lines.used > INDEX_BYTES:
            self._write_index()
        self._streams += 1

    def _forget(self, extracted: Extracted) -> None:
        for file in extracted.files():
            self._files.forget(file)

    def _write_index(self) -> None:
        """Write the lines that wait."""
        self._files.add(self._index, self._lines.take())
        self._files.flush(self._index)

    def _closed(self, file: StreamFile | None, stream: Stream) -> dict[str, Any]:
        """Close a file if there is one, and return what the index says of it."""
        if file is None:
            return {"name": "", "bytes": 0}
        self._files.close(file, stream.first_ns)
        self._written += 1
        self._written_bytes += file.size
        return {"name": file.name, "bytes": file.size}
