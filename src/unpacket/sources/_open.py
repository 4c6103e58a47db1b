"""Finds out what a source is, and opens it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from unpacket._core.memory.batch import CAPACITY
from unpacket._options import names_options
from unpacket.sources.formats.detect import format_of
from unpacket.sources.link_types import link_type_number
from unpacket.sources.objects import ObjectSource
from unpacket.sources.opening import Opening, open_capture, path_of, reader_of
from unpacket.sources.packets import packet_of
from unpacket.sources.paths import expanded, is_live, is_name, named
from unpacket.sources.source import Capture, Progress, Source

if TYPE_CHECKING:
    from unpacket.sources.bpf.filter import BpfLike


# Who reads a file and hands over its bytes finds nothing in them otherwise.
CAPTURE_AS_PACKET = (
    "bytes are one packet, but these begin as a capture does: give its path, or "
    "io.BytesIO(...) of them"
)
WANTED = (
    "a path, a URL, a binary file, packets, an iterable of packets, or a list of paths"
)


@names_options
def open(
    source: Capture,
    *,
    merge: bool = False,
    strict: bool = False,
    link_type: int | str | None = None,
    progress: Progress | None = None,
    batch_frames: int = CAPACITY,
    first_number: int = 1,
    bpf: BpfLike | None = None,
) -> Source:
    """Open a source of packets, and return the iterator of its batches.

    Args:
        source: A path; the name of an interface, or ``"any"``, unless a file has that
            name (see ``unpacket.live``); ``"-"`` for standard input; a URL
            (``s3://…``) for fsspec; a binary file object, read from its position, and
            not closed; a list of these; a glob such as ``"dir/*.pcap"``, unless a file
            has that name; any iterable of packets; or one packet. The first bytes of a
            capture decide about its format and compression, never its name. A packet
            is ``bytes``, ``(time, bytes)``, ``(time, bytes, interface)`` with a
            number, or one of scapy or of dpkt. Other items are ignored, and counted in
            ``ignored`` of the source.
        merge: Whether to merge the packets of several captures in the order of time.
            Otherwise they are read one after the other, in the order of their first
            packets, with an OverlapWarning if one begins before another has ended.
        strict: Whether damage raises a FormatError, after everything before it.
            Otherwise it ends the iteration with a CaptureWarning.
        link_type: The link type of frames, a number or one of "ethernet", "ip" (bare
            IPv4 and IPv6), "null", "loop", "sll", "sll2", "ppp", "ipv4", "ipv6". It
            overrides that of a capture. Among objects it is for those without a link
            type of their own, such as bytes, which are Ethernet otherwise.
        progress: Called after each batch with the number of bytes that were read, and
            the size of the file, or None if it has none.
        batch_frames: The largest number of frames in a batch. A source that may be
            live gives smaller ones. A generator gives batches of one: it is never
            asked for a packet before the previous one has been delivered.
        first_number: The number of the first frame, if this source continues another.
            The frames of several captures are numbered over all.
        bpf: A filter as for tcpdump, such as "tcp port 80": frames that do not pass
            have ``passed[i] == 0`` in their batch, and are not decoded. See
            `unpacket.sources.bpf.filter.Bpf`; an open source is given a filter too.

    Raises:
        BpfError: ``bpf`` is not a filter. It is a ``ValueError``.
        SourceError: The source cannot be opened or read, or it needs a module that
            is not installed.
        FormatError: It is not a capture, or one in a format that is not read.
        TypeError: ``source`` is none of these.
    """
    if bpf is not None and not is_live(source):
        # Only for those who filter.
        from unpacket.sources.bpf.filter import Bpf, FilteredSource

        chosen = Bpf(bpf)
        inner = open(
            source,
            merge=merge,
            strict=strict,
            link_type=link_type,
            progress=progress,
            batch_frames=batch_frames,
            first_number=first_number,
        )
        return FilteredSource(inner, chosen)
    number = link_type_number(link_type)
    if not 1 <= batch_frames <= CAPACITY:
        raise ValueError(
            f"batch_frames must be from 1 to {CAPACITY}, not {batch_frames}"
        )
    if isinstance(source, Source):
        return source
    opening = Opening(
        link_type=number,
        batch_frames=batch_frames,
        first_number=first_number,
        strict=strict,
        progress=progress,
    )
    packets: Any = source
    if packet_of(source, number) is not None:
        if isinstance(source, bytes) and format_of(source) is not None:
            warnings.warn(CAPTURE_AS_PACKET, UserWarning, stacklevel=2)
        packets = [source]
    elif (names := named(source)) is not None:
        if len(names) == 1 and is_live(names[0]):
            from unpacket.sources.live.opening import live

            return live(
                names[0],
                filter=bpf,
                batch_frames=batch_frames,
                first_number=first_number,
                progress=progress,
            )
        names = expanded(names)
        if len(names) > 1:
            # Most programs have one capture, and wait for no more than they need.
            from unpacket.sources.several import open_several

            return open_several(names, opening, merge=merge)
        return open_capture(reader_of(names[0]), path_of(names[0]), opening)
    check_source(source, number)
    return ObjectSource(
        packets,
        link_type=number,
        batch_frames=batch_frames,
        first_number=first_number,
        progress=progress,
    )


def check_source(source: object, link_type: int | None) -> None:
    """Refuse what cannot be a source of packets; open nothing.

    Raises:
        TypeError: It is neither a path, nor a file, nor packets, nor iterable.
    """
    if (
        not isinstance(source, Iterable | str | os.PathLike)
        and not is_name(source)
        and packet_of(source, link_type) is None
    ):
        raise TypeError(
            f"source must be {WANTED}, not {type(source).__name__}: {source!r:.60}"
        )
