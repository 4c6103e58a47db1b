"""Any iterable of packets as a source: a list, a generator that never ends."""

import warnings
from collections.abc import Iterable, Sized
from os import PathLike
from typing import Any

from unpacket._core.memory.batch import BUFFER_BYTES, Batch, BatchPool
from unpacket.sources.packets import (
    Packet,
    is_undissected,
    lacks_only_time,
    packet_of,
)
from unpacket.sources.source import Progress, Source

UNDISSECTED = (
    "packets that scapy calls Raw are ignored, since nothing says what they begin "
    "with: before they are read, import scapy.all (or scapy.layers.all), or else give "
    "their link_type"
)
NO_TIME = (
    "packets are ignored whose time is none, such as {}: it is a number of seconds "
    "since 1970, or is left out with the tuple"
)
LONGEST_SHOWN = 60
PATHS = "several captures are a list or a tuple of paths, and nothing else"


class ObjectSource(Source):
    """Takes packets from an iterable, one at a time and no earlier than needed.

    A packet that does not say when it was seen gets the time of the one before it.
    """

    def __init__(
        self,
        packets: Iterable[object],
        *,
        link_type: int | None,
        batch_frames: int,
        first_number: int,
        progress: Progress | None,
    ) -> None:
        super().__init__(f"<{type(packets).__name__}>")
        self._items = iter(packets)
        self._link_type = link_type if link_type is not None else stated_type(packets)
        # What has no length may be live, and the next packet long in coming: none waits
        # for another.
        self._batch_frames = batch_frames if isinstance(packets, Sized) else 1
        self._progress = progress
        self._pool = BatchPool(self._batch_frames)
        self._number = first_number
        self._begins = True
        self._has_warned = False
        self._last_ns = 0
        self._bytes_read = 0
        self._error: Exception | None = None
        self._closed = False

    @property
    def bytes_read(self) -> int:
        return self._bytes_read

    @property
    def total_bytes(self) -> None:
        return None

    def __next__(self) -> Batch:
        """Return the next batch.

        What the iterable raises is raised here, after the packets before it.
        """
        rows = self._take()
        if not rows:
            error, self._error = self._error, None
            if error is not None:
                raise error
            raise StopIteration
        buffer = b"".join([row.data for row in rows])
        batch = self._pool.take()
        batch.attach(buffer, len(buffer), self._number)
        start = 0
        for row in rows:
            if row.time_ns is not None:
                self._last_ns = row.time_ns
            batch.add(
                start,
                len(row.data),
                row.original,
                self._last_ns,
                row.link_type,
                row.interface,
            )
            start += len(row.data)
        self._number += len(rows)
        self._bytes_read += len(buffer)
        if self._progress is not None:
            self._progress(self._bytes_read, None)
        return batch

    def close(self) -> None:
        self._closed = True

    def _take(self) -> list[Packet]:
        """Return the packets of the next batch; none at the end."""
        rows: list[Packet] = []
        size = 0
        while not self._closed:
            try:
                item = next(self._items)
                if self._begins and isinstance(item, str | PathLike):
                    raise TypeError(PATHS)
                self._begins = False
                packet = packet_of(item, self._link_type)
            except StopIteration:
                self._closed = True
                break
            except Exception as error:
                self._closed = True
                self._error = error
                break
            if packet is None:
                self.ignored += 1
                if not self._has_warned and is_undissected(item):
                    self._has_warned = True
                    # From here, so that it is shown once, also to who feeds one by one.
                    warnings.warn(UNDISSECTED, UserWarning, stacklevel=1)
                elif not self._has_warned and lacks_only_time(item, self._link_type):
                    self._has_warned = True
                    shown = repr(item[0])[:LONGEST_SHOWN]  # type: ignore[index]
                    warnings.warn(NO_TIME.format(shown), UserWarning, stacklevel=1)
                continue
            rows.append(packet)
            size += len(packet.data)
            if len(rows) >= self._batch_frames or size >= BUFFER_BYTES:
                break
        return rows


def stated_type(packets: Any) -> int | None:
    """Return the link type of all packets, where a reader of theirs says it.

    The pcap readers of dpkt, of pypcap and of pcapy have ``datalink()``.
    """
    datalink = getattr(packets, "datalink", None)
    link_type = datalink() if callable(datalink) else None
    return link_type if isinstance(link_type, int) else None
