"""Live capture by the system's libpcap, where there is no AF_PACKET: macOS, BSD, Npcap.

It is loaded by ctypes, as for filters. Each packet costs a call, so it is some ten
times slower than the ring of Linux.
"""

from __future__ import annotations

import ctypes
import os
import select
import sys
import time
from ctypes import POINTER, byref, c_char_p, c_int, c_uint32, c_void_p
from typing import TYPE_CHECKING, Any

from unpacket._core.memory.batch import Batch, BatchPool, BufferPool
from unpacket.errors import SourceError
from unpacket.sources.bpf.libpcap import VARIABLE, loaded
from unpacket.sources.live.losses import Losses
from unpacket.sources.live.statistics import LiveStatistics
from unpacket.sources.source import Interface, Progress, Source

if TYPE_CHECKING:
    from collections import deque

    from unpacket._core.reassembly.stream import Stream
    from unpacket.sources.bpf.filter import Bpf
    from unpacket.sources.live.processes import Processes

ERROR_BYTES = 256
MOST_SNAPLEN = 1 << 18
TIMEOUT_MS = 20
QUIET_S = 0.1
GIVEN_AFTER_NS = 100_000_000
PACKET = 1
NOTHING_YET = 0
# Of pcap_activate.
PERMISSION_DENIED = (-8, -11)
DIRECTIONS = {"both": 0, "in": 1, "out": 2}
# What DLT_RAW is on a live interface of most systems, and as a LINKTYPE_.
RAW = (12, 14)
LINKTYPE_RAW = 101

REMEDY = {
    "darwin": "run it as root, or let your user read /dev/bpf*",
    "win32": "install Npcap, for all users or as administrator",
}
OTHER_REMEDY = "run it as root"


class Timeval(ctypes.Structure):
    """``struct timeval``, of which Windows has 32 bits."""

    if sys.platform == "win32":
        _fields_ = (("seconds", ctypes.c_int32), ("fraction", ctypes.c_int32))
    else:
        _fields_ = (("seconds", ctypes.c_long), ("fraction", ctypes.c_long))


class Header(ctypes.Structure):
    """``struct pcap_pkthdr``."""

    _fields_ = (("time", Timeval), ("captured", c_uint32), ("original", c_uint32))


class Counts(ctypes.Structure):
    """``struct pcap_stat``, and what Npcap has behind it."""

    _fields_ = (
        ("received", c_uint32),
        ("dropped", c_uint32),
        ("dropped_by_interface", c_uint32),
        ("others", c_uint32 * 8),
    )


class PcapSource(Source):
    """Gives what libpcap captures; as ``LiveSource`` does.

    Attributes:
        now_ns, losses, processes, begun: As of ``sources.source.Live``.
    """

    def __init__(
        self,
        name: str,
        handle: int,
        library: Any,
        *,
        snaplen: int,
        batch_frames: int,
        first_number: int,
        progress: Progress | None,
    ) -> None:
        super().__init__(name)
        self.interface = name
        self.now_ns = 0
        self.losses = Losses()
        self.processes: Processes | None = None
        self.begun: deque[Stream] | None = None
        self._handle: int | None = handle
        self._library = library
        self._snaplen = snaplen
        self._descriptor = unblocked(library, handle)
        link_type = library.pcap_datalink(handle)
        self._link_type = LINKTYPE_RAW if link_type in RAW else link_type
        self._batch_frames = batch_frames
        self._progress = progress
        self._pool = BatchPool(batch_frames)
        self._buffers = BufferPool()
        self._number = first_number
        self._bytes = 0
        self._given = 0
        self._received = 0
        self._dropped = 0
        self._asked_ns = time.time_ns()
        self._stopped = False
        self._noted = self.notes.of(name)
        self._noted.new_section()
        self._noted.lost_on(0, name, 0)

    @property
    def bytes_read(self) -> int:
        return self._bytes

    @property
    def total_bytes(self) -> None:
        return None

    @property
    def live(self) -> PcapSource:
        return self

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        return (Interface(self.interface, self._link_type, self._snaplen, None),)

    @property
    def statistics(self) -> LiveStatistics:
        """What was counted so far."""
        self._ask()
        return LiveStatistics(
            self._received, self._dropped, self._given, 0, self._bytes
        )

    def __next__(self) -> Batch:
        """Return the next packets, or none after 0.1 s without.

        Raises:
            SourceError: libpcap reports an error, after all that came before.
        """
        if self._handle is None:
            raise StopIteration
        self._pool.take()
        buffer = self._buffers.take(0)
        rows = self._take(buffer)
        if not rows and self._stopped:
            self.close()
            raise StopIteration
        batch = self._pool.take()
        used = sum(row[0] for row in rows)
        batch.attach(buffer if rows else b"", used, self._number)
        at = 0
        for captured, original, time_ns in rows:
            batch.add(at, captured, max(captured, original), time_ns, self._link_type)
            at += captured
        self._number += len(rows)
        self._given += len(rows)
        self._bytes += used
        if rows:
            self.now_ns = max(self.now_ns, rows[-1][2])
        self._ask()
        if self.tells:
            self.tell()
        return batch

    def tell(self) -> None:
        if self._progress is not None:
            self._progress(self._bytes, None)

    def stop(self) -> None:
        self._stopped = True

    def close(self) -> None:
        """Let go of the interface."""
        if self._handle is not None:
            self._ask()
            self._library.pcap_close(self._handle)
            self._handle = None
            if self.processes is not None:
                self.processes.close()

    def _take(self, buffer: bytearray) -> list[tuple[int, int, int]]:
        """Copy packets into a buffer, and return lengths and times.

        Those that are there, or, if there are none, those that come within 0.1 s.
        """
        rows: list[tuple[int, int, int]] = []
        header = POINTER(Header)()
        data = c_void_p()
        used = 0
        before_ns = time.time_ns()
        deadline_s = time.monotonic() + QUIET_S
        with memoryview(buffer) as view:
            base = ctypes.addressof(ctypes.c_char.from_buffer(buffer))
            while len(rows) < self._batch_frames and used + MOST_SNAPLEN <= len(view):
                answer = self._library.pcap_next_ex(
                    self._handle, byref(header), byref(data)
                )
                if answer == PACKET:
                    one = header.contents
                    time_ns = one.time.seconds * 10**9 + one.time.fraction * 1000
                    ctypes.memmove(base + used, data.value or 0, one.captured)
                    used += one.captured
                    rows.append((one.captured, one.original, time_ns))
                elif answer != NOTHING_YET:
                    if rows:
                        break
                    raise self._failure()
                elif rows or self._stopped:
                    break
                elif time.monotonic() >= deadline_s:
                    self.now_ns = max(self.now_ns, before_ns - GIVEN_AFTER_NS)
                    break
                else:
                    self._wait()
        return rows

    def _wait(self) -> None:
        """Wait for packets a little, where libpcap does not do that itself."""
        if self._descriptor >= 0:
            select.select([self._descriptor], [], [], TIMEOUT_MS / 1000)

    def _failure(self) -> SourceError:
        message = self._library.pcap_geterr(self._handle) or b"libpcap gives no reason"
        return SourceError(self.path, message.decode(errors="replace").lower())

    def _ask(self) -> None:
        counts = Counts()
        if self._handle is None or self._library.pcap_stats(
            self._handle, byref(counts)
        ):
            return
        now_ns = time.time_ns()
        # What it reports are all since the beginning, modulo 2**32.
        dropped = counts.dropped + counts.dropped_by_interface
        fresh = (dropped - self._dropped) & 0xFFFFFFFF
        self._received = counts.received
        if fresh:
            self._dropped += fresh
            self.losses.add(self._asked_ns, now_ns, fresh)
            self._noted.lost_on(0, self.interface, self._dropped)
        self._asked_ns = now_ns


def open_pcap(
    name: str,
    bpf: Bpf | None,
    *,
    promiscuous: bool,
    snaplen: int,
    buffer_bytes: int,
    direction: str,
    batch_frames: int,
    first_number: int,
    progress: Progress | None,
) -> Source:
    """Open an interface by libpcap.

    Raises:
        SourceError: There is no libpcap, or it does not open the interface.
    """
    library = prepared(loaded(os.environ.get(VARIABLE, "")))
    message = ctypes.create_string_buffer(ERROR_BYTES)
    handle = library.pcap_create(name.encode(), message)
    if not handle:
        raise SourceError(name, message.value.decode(errors="replace").lower())
    try:
        library.pcap_set_snaplen(handle, snaplen or MOST_SNAPLEN)
        library.pcap_set_promisc(handle, int(promiscuous))
        library.pcap_set_timeout(handle, TIMEOUT_MS)
        library.pcap_set_buffer_size(handle, min(buffer_bytes, (1 << 31) - 1))
        status = library.pcap_activate(handle)
        if status < 0:
            reason = library.pcap_geterr(handle) or library.pcap_statustostr(status)
            error = SourceError(name, reason.decode(errors="replace").lower())
            if status in PERMISSION_DENIED:
                error.add_note(REMEDY.get(sys.platform, OTHER_REMEDY))
            raise error
        if direction != "both" and library.pcap_setdirection(
            handle, DIRECTIONS[direction]
        ):
            raise SourceError(name, f"only what goes {direction} cannot be had there")
    except BaseException:
        library.pcap_close(handle)
        raise
    source: Source = PcapSource(
        name,
        handle,
        library,
        snaplen=snaplen,
        batch_frames=batch_frames,
        first_number=first_number,
        progress=progress,
    )
    if bpf is not None:
        # Not in the kernel: what one compiles to depends on the system.
        from unpacket.sources.bpf.filter import FilteredSource

        source = FilteredSource(source, bpf)
    return source


def unblocked(library: Any, handle: int) -> int:
    """Let a read not wait, and return what to wait for; -1 where reads wait.

    Reads wait for a packet without end on Linux, and for the timeout elsewhere.
    """
    if sys.platform == "win32":
        return -1
    library.pcap_get_selectable_fd.argtypes = (c_void_p,)
    library.pcap_setnonblock.argtypes = (c_void_p, c_int, c_char_p)
    descriptor: int = library.pcap_get_selectable_fd(handle)
    message = ctypes.create_string_buffer(ERROR_BYTES)
    # select(2) knows no larger ones, and poll(2) of macOS none of such devices.
    if not 0 <= descriptor < 1024 or library.pcap_setnonblock(handle, 1, message):
        return -1
    return descriptor


def prepared(library: Any) -> Any:
    """Return libpcap, with the types of the functions that are used here."""
    library.pcap_create.argtypes = (c_char_p, c_char_p)
    library.pcap_create.restype = c_void_p
    for name in ("snaplen", "promisc", "timeout", "buffer_size"):
        getattr(library, f"pcap_set_{name}").argtypes = (c_void_p, c_int)
    library.pcap_activate.argtypes = (c_void_p,)
    library.pcap_setdirection.argtypes = (c_void_p, c_int)
    library.pcap_statustostr.argtypes = (c_int,)
    library.pcap_statustostr.restype = c_char_p
    library.pcap_datalink.argtypes = (c_void_p,)
    library.pcap_next_ex.argtypes = (
        c_void_p,
        POINTER(POINTER(Header)),
        POINTER(c_void_p),
    )
    library.pcap_stats.argtypes = (c_void_p, POINTER(Counts))
    return library
