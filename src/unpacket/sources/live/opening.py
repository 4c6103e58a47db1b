"""Opens an interface: what the caller asks for, turned into what the system takes."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Literal

from unpacket._core.memory.batch import CAPACITY
from unpacket._options import names_options, wrong
from unpacket.errors import SourceError
from unpacket.sources.source import Progress, Source

if TYPE_CHECKING:
    from unpacket.sources.bpf.filter import Bpf, BpfLike
    from unpacket.sources.live.processes import Processes
    from unpacket.sources.live.socket_filter import Row

RING_BYTES = 64 << 20
# What fits into a block of the ring.
MOST_SNAPLEN = 1 << 19
DIRECTIONS = ("in", "out", "both")
ANY = "any"
# The kind of a loopback interface (linux/if_arp.h).
LOOPBACK = 772
ALL_BYTES = 0x7FFFFFFF


@names_options
def live(
    interface: str = ANY,
    *,
    filter: BpfLike | None = None,
    promiscuous: bool = False,
    snaplen: int = 0,
    ring_bytes: int = RING_BYTES,
    direction: Literal["in", "out", "both"] = "both",
    fanout: int | tuple[int, str] | None = None,
    processes: bool = False,
    batch_frames: int = CAPACITY,
    first_number: int = 1,
    progress: Progress | None = None,
) -> Source:
    """Capture on an interface, and return the source of its packets.

    It is taken wherever a capture is: ``unpacket.events(unpacket.live("eth0"))``. Who
    opens it closes it; so it is used in a ``with`` block.

    Args:
        interface: Its name, such as ``"eth0"``, or ``"any"`` for all of them.
        filter: A filter as for tcpdump, such as ``"tcp port 80"``, which the kernel
            runs; see ``unpacket.sources.bpf.filter.Bpf``. One that asks for VLANs is
            run here, since the kernel has taken their tags off by then.
        promiscuous: Whether the interface takes in what is for others, too.
        snaplen: How many bytes of a frame are kept, up to 524,288; 0 for all.
        ring_bytes: How much can wait in the kernel, from 2 MiB on. It is the bound on
            what a slow program may be behind: what does not fit is lost, and counted.
            Where the kernel does not have as much, it is less.
        direction: Whether to take what is received (``"in"``), sent or both.
        fanout: A number from 0 to 65535 that several processes give to share the
            packets between them, each connection to one of them; or that number and
            a mode: "hash", "balance", "cpu", "rollover" or "random".
        processes: Whether to find out whose process each local end of a stream is.

    Raises:
        BpfError: ``filter`` is not a filter. It is a ``ValueError``.
        SourceError: There is no such interface, or this process may not; the note of
            the exception says what grants it.
        TypeError, ValueError: An argument does not fit.
    """
    check(interface, snaplen, ring_bytes, direction)
    bpf: Bpf | None = None
    if filter is not None:
        from unpacket.sources.bpf.filter import Bpf

        bpf = Bpf(filter)
    finder: Processes | None = None
    if processes:
        from unpacket.sources.live.processes import Processes

        # First, so that it has seen whoever is behind the first packet.
        finder = Processes()
    try:
        source = opened(
            interface,
            bpf,
            promiscuous=promiscuous,
            snaplen=snaplen,
            ring_bytes=ring_bytes,
            direction=direction,
            fanout=fanout_of(fanout),
            batch_frames=batch_frames,
            first_number=first_number,
            progress=progress,
        )
    except BaseException:
        if finder is not None:
            finder.close()
        raise
    known = source.live
    if known is not None:
        known.processes = finder
    return source


def opened(
    interface: str,
    bpf: Bpf | None,
    *,
    promiscuous: bool,
    snaplen: int,
    ring_bytes: int,
    direction: str,
    fanout: tuple[int, int] | None,
    batch_frames: int,
    first_number: int,
    progress: Progress | None,
) -> Source:
    """Open an interface by what the system has for that."""
    if hasattr(socket, "AF_PACKET"):
        return opened_ring(
            interface,
            bpf,
            promiscuous=promiscuous,
            snaplen=snaplen,
            ring_bytes=ring_bytes,
            direction=direction,
            fanout=fanout,
            batch_frames=batch_frames,
            first_number=first_number,
            progress=progress,
        )
    if fanout is not None:
        raise ValueError(f"fanout is Linux's, and this is {sys.platform}")
    from unpacket.sources.live.pcap import open_pcap

    return open_pcap(
        interface,
        bpf,
        promiscuous=promiscuous,
        snaplen=snaplen,
        buffer_bytes=ring_bytes,
        direction=direction,
        batch_frames=batch_frames,
        first_number=first_number,
        progress=progress,
    )


def check(interface: object, snaplen: int, ring_bytes: int, direction: str) -> None:
    """Refuse what no interface can be opened with.

    Raises:
        TypeError, ValueError: What.
    """
    if not isinstance(interface, str):
        raise wrong("interface", interface, "the name of an interface, or 'any'")
    if not isinstance(snaplen, int):
        raise wrong("snaplen", snaplen, "a number of bytes")
    if not 0 <= snaplen <= MOST_SNAPLEN:
        raise ValueError(f"snaplen must be from 0 to {MOST_SNAPLEN}, not {snaplen}")
    if not isinstance(ring_bytes, int):
        raise wrong("ring_bytes", ring_bytes, "a number of bytes")
    if not 2 << 20 <= ring_bytes <= 1 << 31:
        raise ValueError(f"ring_bytes must be from 2 MiB to 2 GiB, not {ring_bytes}")
    if direction not in DIRECTIONS:
        raise ValueError(
            f"direction must be one of {', '.join(DIRECTIONS)}, not {direction!r}"
        )


def fanout_of(given: int | tuple[int, str] | None) -> tuple[int, int] | None:
    """Return group and mode as the kernel takes them.

    Raises:
        ValueError: There is no such group or mode.
    """
    from unpacket.sources.live.constants import FANOUT_DEFRAGMENT, FANOUT_MODES

    if given is None:
        return None
    group, mode = (given, "hash") if isinstance(given, int) else given
    if not 0 <= group < 1 << 16:
        raise ValueError(f"the group of fanout must be from 0 to 65535, not {group}")
    if mode not in FANOUT_MODES:
        raise ValueError(
            f"the mode of fanout must be one of {', '.join(FANOUT_MODES)}, not {mode!r}"
        )
    # All fragments of a datagram go where its first one goes.
    return group, FANOUT_MODES[mode] | (FANOUT_DEFRAGMENT if mode == "hash" else 0)


def opened_ring(
    name: str,
    bpf: Bpf | None,
    *,
    promiscuous: bool,
    snaplen: int,
    ring_bytes: int,
    direction: str,
    fanout: tuple[int, int] | None,
    batch_frames: int,
    first_number: int,
    progress: Progress | None,
) -> Source:
    """Open an interface of Linux."""
    from unpacket.sources.live.constants import LINKTYPE_SLL2
    from unpacket.sources.live.devices import kind_of, link_type_of
    from unpacket.sources.live.ring import Ring
    from unpacket.sources.live.source import LiveSource

    index, link_type, is_loopback = 0, LINKTYPE_SLL2, False
    if name != ANY:
        try:
            index = socket.if_nametoindex(name)
        except (OSError, ValueError):
            error = SourceError(name, "there is no such interface")
            error.add_note("`unpacket interfaces` lists them")
            raise error from None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            kind = kind_of(asked, name)
        link_type = link_type_of(kind)
        is_loopback = kind == LOOPBACK
    elif promiscuous:
        raise ValueError("promiscuous needs one interface, not any")
    rows = None if bpf is None else kernel_rows(name, bpf, link_type, snaplen)
    filtered_here = bpf is not None and rows is None
    if rows is None and snaplen:
        rows = keeping(snaplen, link_type)
    ring = Ring(
        name,
        index,
        cooked=link_type == LINKTYPE_SLL2,
        ring_bytes=ring_bytes,
        rows=rows,
        promiscuous=promiscuous,
        # A loopback interface shows each frame when it is sent and when it comes.
        incoming_only=direction == "in" or (is_loopback and direction == "both"),
        fanout=fanout,
    )
    source: Source = LiveSource(
        name,
        ring,
        link_type=link_type,
        snaplen=snaplen,
        incoming=direction != "out",
        outgoing=direction != "in",
        batch_frames=batch_frames,
        first_number=first_number,
        progress=progress,
    )
    if filtered_here and bpf is not None:
        from unpacket.sources.bpf.filter import FilteredSource

        source = FilteredSource(source, bpf)
    return source


def kernel_rows(name: str, bpf: Bpf, link_type: int, snaplen: int) -> list[Row] | None:
    """Return a filter as the kernel runs it, or None where it cannot.

    Raises:
        SourceError: Nobody can ask it about frames of that interface.
    """
    from unpacket.sources.bpf.filter import NotForLinkTypeError
    from unpacket.sources.live.socket_filter import NotForSocketError, socket_program

    try:
        rows = bpf.program(link_type).instructions
    except NotForLinkTypeError as error:
        raise SourceError(name, f"of its frames {error}") from None
    if bpf.asks_for_vlans:
        return None
    try:
        return socket_program(rows, link_type, snaplen or ALL_BYTES)
    except NotForSocketError:
        return None


def keeping(snaplen: int, link_type: int) -> list[Row]:
    """Return the program that lets everything pass and keeps its beginning."""
    from unpacket.sources.live.socket_filter import socket_program

    return socket_program([(6, 0, 0, ALL_BYTES)], link_type, snaplen)
