"""Opens one capture: a file, a pipe, a URL or a file object, compressed or not."""

import io
import os
import sys
from typing import Any, NamedTuple

from unpacket._core.memory.batch import BUFFER_BYTES, CAPACITY
from unpacket.errors import FormatError, SourceError
from unpacket.sources.capture import CaptureSource, CutHeaderError
from unpacket.sources.formats import detect as formats
from unpacket.sources.formats.notes import CaptureNotes, Notes
from unpacket.sources.paths import STANDARD_INPUT, is_url
from unpacket.sources.readers import compressed
from unpacket.sources.readers.buffer import Reader, Window
from unpacket.sources.readers.compressed import DecompressingReader, compression_of
from unpacket.sources.readers.files import FileReader, open_file
from unpacket.sources.source import Progress

LONGEST_MAGIC = max(compressed.LONGEST_MAGIC, formats.LONGEST_MAGIC)


class Opening(NamedTuple):
    """How a capture is opened.

    Attributes:
        link_type, batch_frames, first_number, strict, progress: As of ``open``.
        buffer_bytes: How much is read at a time.
    """

    link_type: int | None = None
    batch_frames: int = CAPACITY
    first_number: int = 1
    strict: bool = False
    progress: Progress | None = None
    buffer_bytes: int = BUFFER_BYTES


def path_of(source: Any) -> str:
    """Return what to call a path or a file object in messages."""
    name = source
    if not isinstance(source, str | os.PathLike):
        name = getattr(source, "name", None)
    if isinstance(name, str | bytes | os.PathLike):
        return os.fsdecode(name)
    return f"<{type(source).__name__}>"


def reader_of(source: Any, *, block_bytes: int | None = None) -> FileReader:
    """Return a reader of a path, a URL or a file object.

    Args:
        block_bytes: How much of a URL is read at a time, if not as much as is best.

    Raises:
        SourceError: It cannot be opened.
        TypeError: It is a file in text mode.
    """
    if isinstance(source, str) and source == STANDARD_INPUT:
        stdin = getattr(sys.stdin, "buffer", None)
        if stdin is None:
            raise SourceError(STANDARD_INPUT, "there is no standard input")
        return FileReader(stdin, STANDARD_INPUT, owned=False)
    if isinstance(source, str | os.PathLike):
        path = path_of(source)
        if is_url(path):
            from unpacket.sources.readers.remote import BLOCK_BYTES, open_url

            return open_url(path, block_bytes=block_bytes or BLOCK_BYTES)
        return open_file(path)
    if isinstance(source, io.TextIOBase):
        raise TypeError("a file in text mode is no capture: open it in binary mode")
    return FileReader(source, path_of(source), owned=False)


def open_capture(
    file: Reader,
    path: str,
    opening: Opening,
    notes: Notes | None = None,
    noted: CaptureNotes | None = None,
) -> CaptureSource:
    """Return the source of a capture's batches, which closes ``file``.

    Args:
        notes, noted: Where to keep what it says besides packets, and what takes it,
            if that is not for this capture alone.

    Raises:
        FormatError: It is no capture, or one in a format that is not read.
    """
    if notes is None:
        notes = Notes()
    if noted is None:
        noted = notes.of(path)
    try:
        return opened_capture(file, path, opening, notes, noted)
    except BaseException:
        file.close()
        raise


def opened_capture(
    file: Reader, path: str, opening: Opening, notes: Notes, noted: CaptureNotes
) -> CaptureSource:
    reader = file
    window = Window(reader, opening.buffer_bytes)
    window.need(LONGEST_MAGIC)
    compression = compression_of(window.peek(LONGEST_MAGIC))
    if compression is not None:
        reader = DecompressingReader(file, window.peek(window.held), compression, path)
        window = Window(reader, opening.buffer_bytes)
        window.need(LONGEST_MAGIC)
    beginning = window.peek(window.held)
    if window.broken and len(beginning) < LONGEST_MAGIC:
        raise CutHeaderError(path, len(beginning), window.broken)
    if not beginning:
        raise CutHeaderError(path, 0, "it is empty")
    if compression is not None and compression_of(beginning) is not None:
        raise FormatError(path, 0, "it is compressed twice")
    form = formats.format_of(beginning)
    if form is None and (needed := formats.erf_bytes(beginning)):
        # However little of it a pipe has given so far.
        window.need(needed)
        if formats.looks_like_erf(window.peek(needed)):
            form = formats.ERF
    if form is None:
        raise FormatError(
            path, 0, f"not a capture: it begins with {beginning[:4].hex(' ')}"
        )
    if form.reader is None:
        raise FormatError(path, 0, f"captures in the format {form.name} are not read")
    return CaptureSource(
        form.reader(window, opening.link_type, noted),
        reader,
        path,
        notes,
        batch_frames=opening.batch_frames,
        first_number=opening.first_number,
        strict=opening.strict,
        progress=opening.progress,
    )
