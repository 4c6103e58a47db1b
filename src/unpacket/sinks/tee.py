"""What is read, written to pcapng on the way: one file, or one after the other.

Each file is whole by itself: it describes its interfaces, and ends with what the
kernel counted while it was written.
"""

from __future__ import annotations

import io
import os
import struct
import time
from collections import deque

from unpacket._core.memory.batch import Batch
from unpacket._core.reassembly.stream import Stream
from unpacket._version import __version__
from unpacket.errors import SinkError
from unpacket.sinks.pcapng import (
    COMMENT,
    block,
    cut,
    interface_description,
    option,
    options,
    section_header,
)
from unpacket.sources.live.owner_notes import OwnerNote, written
from unpacket.sources.source import Interface, Live, Source

INTERFACE_STATISTICS = 5
ENHANCED_PACKET = 6
START_TIME = 2
END_TIME = 3
RECEIVED = 4
OS_DROPPED = 7
DELIVERED = 8
END_OF_OPTIONS = 0
EPB_FLAGS = 2
# Streams that wait until it is known whose they are, and how long that may take.
MOST_BEGUN = 4096
KNOWN_AFTER_NS = 3_000_000_000

_HEAD = struct.Struct("<IIIIIII")
_TOTAL = struct.Struct("<I")
# Code and length of the flags of a packet, themselves, the end of options, the total.
_FLAGS = struct.Struct("<HHIHHI")
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")
# Of a block without a packet and without options.
_PACKET_BYTES = 32


class Rotation:
    """When a file is full, and what the next one is called.

    Args:
        path: The name of the file; if there are several, a number and the time when
            it was begun come before the dot in it.
        most_bytes: A file that has so many is followed by another; 0 for never.
        most_s: The same for how long it has been written, in seconds.
    """

    def __init__(self, path: str, *, most_bytes: int = 0, most_s: float = 0) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._most_s = most_s
        self._count = 0

    def next_path(self) -> str:
        """Return the name of the next file."""
        if not self._most_bytes and not self._most_s:
            return self._path
        self._count += 1
        folder, name = os.path.split(self._path)
        stem, dot, rest = name.partition(".")
        begun = time.strftime("%Y%m%d%H%M%S")
        return os.path.join(folder, f"{stem}_{self._count:05}_{begun}{dot}{rest}")

    def is_over(self, written_bytes: int, written_s: float) -> bool:
        """Return whether a file is full."""
        return (0 < self._most_bytes <= written_bytes) or (
            0 < self._most_s <= written_s
        )


class Tee(Source):
    """Gives the batches of another source, once their frames have been written.

    Frames that a filter has taken out are not written.

    Attributes:
        paths: The files that were begun.

    Raises:
        SinkError: A file cannot be written; what came before is in it.
    """

    def __init__(self, source: Source, rotation: Rotation) -> None:
        super().__init__(source.path)
        self.paths: list[str] = []
        self.warnings = source.warnings
        self.notes = source.notes
        self._source = source
        self._rotation = rotation
        self._file: io.FileIO | None = None
        self._interfaces: dict[tuple[int, int], int] = {}
        self._begun_ns = 0
        self._begun_s = 0.0
        self._written = 0
        self._counted_before = (0, 0, 0)
        self._waiting: Batch | None = None
        self._begun: deque[Stream] = deque(maxlen=MOST_BEGUN)
        if source.live is not None:
            source.live.begun = self._begun
        self._open()

    @property
    def bytes_read(self) -> int:
        return self._source.bytes_read

    @property
    def total_bytes(self) -> int | None:
        return self._source.total_bytes

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        return self._source.interfaces

    @property
    def live(self) -> Live | None:
        return self._source.live

    def __next__(self) -> Batch:
        # By now whoever took it has found out whose streams begin in it.
        self._write_waiting()
        try:
            batch = next(self._source)
        except StopIteration:
            self._end_file()
            raise
        self._waiting = batch
        return batch

    def tell(self) -> None:
        self._source.tell()

    def stop(self) -> None:
        self._source.stop()

    def close(self) -> None:
        self._write_waiting()
        self._end_file()
        self._source.close()

    def _write_waiting(self) -> None:
        batch, self._waiting = self._waiting, None
        if batch is not None and batch.count:
            self._write(batch)

    def _write(self, batch: Batch) -> None:
        """Write the frames of a batch, to one file or two."""
        parts: list[bytes | memoryview] = []
        memory = memoryview(batch.buffer)
        comments = self._comments(batch) if self._begun else {}
        for i in range(batch.count):
            if batch.filtered and not batch.passed[i]:
                continue
            interface = batch.interface[i] if batch.has_interfaces else 0
            number = self._interfaces.get((batch.link_type[i], interface))
            if number is None:
                number = self._describe(batch.link_type[i], interface, parts)
            captured = batch.captured[i]
            padding = _PADDING[captured & 3]
            flags = batch.flags[i] if batch.has_flags else 0
            comment = comments.get(i, b"") if comments else b""
            ended = 4 if comment and not flags else 0
            total = _PACKET_BYTES + captured + len(padding) + (12 if flags else 0)
            total += len(comment) + ended
            time_ns = max(batch.time_ns[i], 0)
            start = batch.start[i]
            parts += (
                _HEAD.pack(
                    ENHANCED_PACKET,
                    total,
                    number,
                    time_ns >> 32,
                    time_ns & 0xFFFFFFFF,
                    captured,
                    batch.original[i],
                ),
                memory[start : start + captured],
                padding,
                comment,
                bytes(ended),
                _FLAGS.pack(EPB_FLAGS, 4, flags, END_OF_OPTIONS, 0, total)
                if flags
                else _TOTAL.pack(total),
            )
        self._put(b"".join(parts))
        passed_s = time.monotonic() - self._begun_s
        if self._file is not None and self._rotation.is_over(self._written, passed_s):
            self._end_file()
            self._open()

    def _comments(self, batch: Batch) -> dict[int, bytes]:
        """Return options that say whose streams have begun, by the frame's index.

        At the first frame of a stream, or at a later one where that is written.
        """
        passed = [
            i for i in range(batch.count) if not batch.filtered or batch.passed[i]
        ]
        comments: dict[int, bytes] = {}
        for _ in range(len(self._begun) if passed else 0):
            stream = self._begun.popleft()
            owners = stream.live.owners
            if owners is None or not any(one.processes for one in owners):
                if batch.time_ns[passed[0]] - stream.first_ns < KNOWN_AFTER_NS:
                    self._begun.append(stream)
                continue
            at = stream.first_frame - batch.first_number
            if not 0 <= at < batch.count or (batch.filtered and not batch.passed[at]):
                at = passed[0]
            ends = *stream.client, *stream.server
            text = written(OwnerNote(ends, stream.first_ns, owners))
            comments[at] = comments.get(at, b"") + option(COMMENT, cut(text))
        return comments

    def _describe(
        self, link_type: int, interface: int, parts: list[bytes | memoryview]
    ) -> int:
        """Write what an interface is that the file has no frame of yet."""
        known = self._source.interfaces
        name, snaplen = "", 0
        if interface < len(known):
            name, snaplen = known[interface].name, known[interface].snaplen
        number = len(self._interfaces)
        self._interfaces[link_type, interface] = number
        parts.append(interface_description(link_type, name=name, snaplen=snaplen))
        return number

    def _open(self) -> None:
        path = self._rotation.next_path()
        try:
            # Unbuffered: a batch is one write, and whoever reads along has it whole.
            self._file = io.FileIO(path, "wb")
        except OSError as error:
            raise SinkError(path, (error.strerror or str(error)).lower()) from error
        self.paths.append(path)
        self._interfaces.clear()
        self._written = 0
        self._begun_ns = time.time_ns()
        self._begun_s = time.monotonic()
        self._put(section_header(application=f"unpacket {__version__}"))

    def _end_file(self) -> None:
        if self._file is None:
            return
        live = self._source.live
        if live is not None:
            counted = live.statistics
            now = (counted.received, counted.dropped, counted.given)
            received, dropped, given = (
                new - old for new, old in zip(now, self._counted_before, strict=True)
            )
            self._counted_before = now
            if not self._interfaces:
                parts: list[bytes | memoryview] = []
                first = self._source.interfaces[0]
                self._describe(first.link_type, 0, parts)
                self._put(b"".join(parts))
            self._put(
                statistics(self._begun_ns, time.time_ns(), received, dropped, given)
            )
        file, self._file = self._file, None
        try:
            file.close()
        except OSError as error:
            raise self._failed(error) from error

    def _put(self, data: bytes) -> None:
        if self._file is None:
            return
        try:
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            self._file.close()
            self._file = None
            raise self._failed(error) from error
        self._written += len(data)

    def _failed(self, error: OSError) -> SinkError:
        return SinkError(self.paths[-1], (error.strerror or str(error)).lower())


def statistics(
    start_ns: int, stop_ns: int, received: int, dropped: int, given: int
) -> bytes:
    """Return the block that says what the first interface of a file counted."""
    body = struct.pack("<I", 0) + two_words(stop_ns)
    said = options(
        (),
        (START_TIME, two_words(start_ns)),
        (END_TIME, two_words(stop_ns)),
        (RECEIVED, struct.pack("<Q", received)),
        (OS_DROPPED, struct.pack("<Q", dropped)),
        (DELIVERED, struct.pack("<Q", given)),
    )
    return block(INTERFACE_STATISTICS, body + said)


def two_words(time_ns: int) -> bytes:
    """Return a time as pcapng has it: the upper 32 bits first."""
    return struct.pack("<II", time_ns >> 32, time_ns & 0xFFFFFFFF)
