"""Finds out what a source is, and opens it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from unpacket._core.batch import CAPACITY
from unpacket.errors import FormatError, SourceError
from unpacket.sources import compressed, formats
from unpacket.sources.capture import CaptureSource
from unpacket.sources.compressed import DecompressingReader, compression_of
from unpacket.sources.files import FileReader, open_file
from unpacket.sources.link_types import link_type_number
from unpacket.sources.objects import ObjectSource
from unpacket.sources.packets import packet_of
from unpacket.sources.source import Progress, Source
from unpacket.sources.window import Reader, Window

if TYPE_CHECKING:
    from unpacket.sources.bpf import BpfLike

STANDARD_INPUT = "-"
LONGEST_MAGIC = max(compressed.LONGEST_MAGIC, formats.LONGEST_MAGIC)


def open(
    source: Any,
    *,
    strict: bool = False,
    link_type: int | str | None = None,
    progress: Progress | None = None,
    batch_frames: int = CAPACITY,
    first_number: int = 1,
    bpf: BpfLike | None = None,
) -> Source:
    """Open a source of packets, and return the iterator of its batches.

    Args:
        source: A path; ``"-"`` for standard input; a binary file object, read from
            where it is, and not closed; any iterable of packets; or one packet. A
            capture is told by its first bytes, compressed or not, and never by its
            name. A packet is ``bytes``, ``(time, bytes)``, or one of scapy or of
            dpkt; other items are ignored, and counted in ``ignored`` of the source.
        strict: Whether damage raises a FormatError, after all that came before it.
            Else it ends the iteration with a CaptureWarning.
        link_type: What frames begin with, by its number or as one of "ethernet",
            "ip" (bare IPv4 and IPv6), "null", "loop", "sll", "sll2", "ppp", "ipv4",
            "ipv6". It overrides what a capture says. Of objects it holds for those
            that do not say it themselves, such as bytes, which else are Ethernet.
        progress: Called after each batch with the bytes that were read so far and
            with the size of the file, or None if it has none.
        batch_frames: How many frames a batch has at most. A source that may be live
            gives fewer if no more are there; with 1, a generator is never asked for
            a packet before the one that it gave has been given on.
        first_number: The number of the first frame, where this source goes on from
            another.
        bpf: A filter as for tcpdump, such as "tcp port 80": frames that do not pass
            have ``passed[i] == 0`` in their batch, and are not decoded. See
            `unpacket.sources.bpf.Bpf`; an open source is given a filter too.

    Raises:
        BpfError: ``bpf`` is no filter. It is a ``ValueError``.
        SourceError: The source cannot be opened or read, or it needs a module that
            is not installed.
        FormatError: It is not a capture, or one in a format that is not read.
        TypeError: ``source`` is nothing of the above.
    """
    if bpf is not None:
        # Only for those who filter.
        from unpacket.sources.bpf import Bpf, FilteredSource

        chosen = Bpf(bpf)
        inner = open(
            source,
            strict=strict,
            link_type=link_type,
            progress=progress,
            batch_frames=batch_frames,
            first_number=first_number,
        )
        return FilteredSource(inner, chosen)
    number = link_type_number(link_type)
    if not 1 <= batch_frames <= CAPACITY:
        raise ValueError(f"batch_frames is {batch_frames}, and not 1 to {CAPACITY}")
    if isinstance(source, Source):
        return source
    if packet_of(source, number) is not None:
        source = [source]
    elif (reader := reader_of(source)) is not None:
        path = path_of(source)
        try:
            return open_capture(
                reader,
                path,
                number,
                batch_frames=batch_frames,
                first_number=first_number,
                strict=strict,
                progress=progress,
            )
        except BaseException:
            reader.close()
            raise
    if not isinstance(source, Iterable):
        raise TypeError(f"{type(source).__name__} is no source of packets")
    return ObjectSource(
        source,
        link_type=number,
        batch_frames=batch_frames,
        first_number=first_number,
        progress=progress,
    )


def path_of(source: Any) -> str:
    """Return what to call a path or a file object in messages."""
    name = source
    if not isinstance(source, str | os.PathLike):
        name = getattr(source, "name", None)
    if isinstance(name, str | bytes | os.PathLike):
        return os.fsdecode(name)
    return f"<{type(source).__name__}>"


def reader_of(source: Any) -> FileReader | None:
    """Return a reader of a path or a file object, and None for anything else."""
    if isinstance(source, str) and source == STANDARD_INPUT:
        stdin = getattr(sys.stdin, "buffer", None)
        if stdin is None:
            raise SourceError(STANDARD_INPUT, "there is no standard input")
        return FileReader(stdin, STANDARD_INPUT, owned=False)
    if isinstance(source, str | os.PathLike):
        return open_file(path_of(source))
    if isinstance(source, io.TextIOBase):
        raise TypeError("a file in text mode is no capture: open it in binary mode")
    if callable(getattr(source, "readinto", None)) or callable(
        getattr(source, "read", None)
    ):
        return FileReader(source, path_of(source), owned=False)
    return None


def open_capture(
    file: FileReader,
    path: str,
    link_type: int | None,
    *,
    batch_frames: int,
    first_number: int,
    strict: bool,
    progress: Progress | None,
) -> CaptureSource:
    reader: Reader = file
    window = Window(reader)
    window.need(LONGEST_MAGIC)
    compression = compression_of(window.peek(LONGEST_MAGIC))
    if compression is not None:
        reader = DecompressingReader(file, window.peek(window.held), compression, path)
        window = Window(reader)
        window.need(LONGEST_MAGIC)
    beginning = window.peek(window.held)
    if window.broken and len(beginning) < LONGEST_MAGIC:
        raise FormatError(path, len(beginning), window.broken)
    if not beginning:
        raise FormatError(path, 0, "it is empty")
    if compression is not None and compression_of(beginning) is not None:
        raise FormatError(path, 0, "it is compressed twice")
    form = formats.format_of(beginning)
    if form is None:
        raise FormatError(
            path, 0, f"not a capture: it begins with {beginning[:4].hex(' ')}"
        )
    if form.reader is None:
        raise FormatError(path, 0, f"captures in the format {form.name} are not read")
    return CaptureSource(
        form.reader(window, path, link_type),
        reader,
        path,
        batch_frames=batch_frames,
        first_number=first_number,
        strict=strict,
        progress=progress,
    )
