"""IP fragments to datagrams, within bounds of bytes, datagrams and time.

A datagram that is complete stays known until its time is over, so that a fragment
which comes twice does not begin another one, to be mixed with whatever uses the
same identification next.
"""

from array import array
from collections import OrderedDict

from unpacket._core.constants import ODD_FRAGMENTS
from unpacket._core.decode.datagram import (
    CONTRADICTS,
    COPY,
    FIRST,
    LINUX_QUEUE,
    POLICIES,
    Datagram,
)
from unpacket._core.decode.packet import Packet
from unpacket._core.decode.reasons import (
    FRAGMENT,
    FRAGMENT_INVALID,
    FRAGMENT_LIMIT,
    FRAGMENT_OVERLAP,
    FRAGMENT_TIMEOUT,
    NONE,
)

MAX_DATAGRAM = 65535
IPV4_HEADER = 20
TCP, TCP_HEADER = 6, 20
HOP_BY_HOP, ROUTING, DESTINATION = 0, 43, 60
# What CPython takes for the number of a frame (measured, rounded up).
NUMBER_BYTES = 40


class Defragmenter:
    """Collects fragments until datagrams are complete.

    Attributes:
        held_bytes: The memory in use, objects included.
        completed: How many datagrams were completed.
        numbers: The numbers of the frames that brought the last of them.
        duplicates: How many fragments had come before, just the same.
        overlaps: How many others overlapped fragments that had come before.
        conflicts: How many of those had other bytes there.
    """

    __slots__ = (
        "_clock_ns",
        "_counters",
        "_done",
        "_max_bytes",
        "_max_datagrams",
        "_overlap",
        "_timeout_ns",
        "_waiting",
        "completed",
        "conflicts",
        "duplicates",
        "held_bytes",
        "numbers",
        "overlaps",
    )

    numbers: list[int]
    # Both oldest first. A dict would search for its oldest item from the start of
    # its table, past all that were deleted.
    _waiting: "OrderedDict[tuple[int, ...], Datagram]"
    _done: "OrderedDict[tuple[int, ...], Datagram]"

    def __init__(
        self,
        timeout_ns: int,
        max_bytes: int,
        max_datagrams: int,
        overlap: str,
        counters: "array[int]",
    ) -> None:
        if overlap not in POLICIES:
            raise ValueError(f"no fragment overlap policy {overlap!r}")
        if timeout_ns < 0 or max_bytes < 0 or max_datagrams < 0:
            raise ValueError("a bound on fragments is negative")
        self._timeout_ns = timeout_ns
        self._max_bytes = max_bytes
        self._max_datagrams = max_datagrams
        self._overlap = POLICIES.index(overlap)
        self._counters = counters
        self._clock_ns = 0
        self._waiting = OrderedDict()
        self._done = OrderedDict()
        self.numbers = []
        self.held_bytes = 0
        self.completed = 0
        self.duplicates = 0
        self.overlaps = 0
        self.conflicts = 0

    def advance(self, now_ns: int) -> None:
        """Forget what has waited for too long. Time that goes back is not obeyed."""
        # From 0 on, so that no difference of two times exceeds 63 bits.
        self._clock_ns = max(self._clock_ns, now_ns)
        while self._waiting:
            datagram = next(iter(self._waiting.values()))
            if self._clock_ns - datagram.since_ns <= self._timeout_ns:
                break
            self.drop(datagram, FRAGMENT_TIMEOUT)
        while self._done:
            datagram = next(iter(self._done.values()))
            if self._clock_ns - datagram.since_ns <= self._timeout_ns:
                break
            self.forget(datagram)

    def finish(self) -> None:
        """Forget everything: nothing follows. What is incomplete stays counted."""
        self._waiting.clear()
        self._done.clear()
        self.held_bytes = 0

    def add(self, packet: Packet, now_ns: int, source: int, number: int = 0) -> int:
        """Take the fragment whose data begins at ``packet.at``, of frame ``number``.

        Returns FRAGMENT if it waits now. NONE says that its datagram is complete,
        and ``packet`` is at the start of what that carried, in a buffer that goes
        by the name of ``source``. Any other reason says that it was refused.
        """
        self.advance(now_ns)
        start = packet.fragment_start
        stop = start + packet.wire_stop - packet.at
        limit = MAX_DATAGRAM
        if packet.family == 4:
            limit -= IPV4_HEADER
        as_linux = self._overlap == LINUX_QUEUE
        if as_linux and packet.family == 4 and packet.more_fragments:
            # What is beyond the last whole block of eight is cut off.
            stop &= ~7
        elif packet.more_fragments and (stop - start) & 7:
            return FRAGMENT_INVALID
        if stop > limit or (stop <= start and not as_linux):
            return FRAGMENT_INVALID
        data = bytes(
            packet.data[packet.at : min(packet.stop, packet.at + stop - start)]
        )
        if as_linux and packet.family == 6 and start == 0:
            if packet.more_fragments and lacks_header(packet.protocol, data):
                return FRAGMENT_INVALID
        key = (
            packet.family,
            packet.context,
            packet.channel,
            packet.ip_id,
            # In IPv6 only the first fragment says what the datagram carries.
            packet.protocol if packet.family == 4 else 0,
            packet.src_hi,
            packet.src_lo,
            packet.dst_hi,
            packet.dst_lo,
        )
        datagram = self._done.get(key)
        if datagram is not None and as_linux:
            self.forget(datagram)
        elif datagram is not None:
            if datagram.contained(start, stop, packet.more_fragments, data):
                self.duplicates += 1
                return FRAGMENT
            self.forget(datagram)
        datagram = self._waiting.get(key)
        if datagram is None:
            if self._max_datagrams == 0:
                return FRAGMENT_LIMIT
            if len(self._waiting) >= self._max_datagrams:
                self.drop(next(iter(self._waiting.values())), FRAGMENT_LIMIT)
            datagram = Datagram(key, self._clock_ns)
            self._waiting[key] = datagram
            self.held_bytes += datagram.held_bytes
        if as_linux:
            reason = self.collect_as_linux(datagram, packet, start, stop, data, number)
        else:
            reason = self.collect(datagram, packet, start, stop, data, number)
        if reason == NONE:
            self.completed += 1
            packet.attach(datagram.whole, source)
            packet.place(0, len(datagram.whole), datagram.size)
            packet.fragment_start = 0
            packet.length_known = True
            packet.ip_header_damaged = datagram.ip_header_damaged
            if datagram.disputed:
                packet.odd |= ODD_FRAGMENTS
            packet.protocol = datagram.protocol
            packet.ttl = datagram.ttl
        self.make_room()
        if reason == FRAGMENT:
            if key not in self._waiting:
                return FRAGMENT_LIMIT
            datagram.frames += 1
        return reason

    def collect(
        self,
        datagram: Datagram,
        packet: Packet,
        start: int,
        stop: int,
        data: bytes,
        number: int,
    ) -> int:
        """Put a fragment into its datagram; NONE says that this completed it."""
        if datagram.dropped:
            return FRAGMENT_OVERLAP
        if packet.more_fragments:
            if 0 <= datagram.size < stop:
                datagram.disputed = True
                return FRAGMENT_INVALID
        elif stop < datagram.reach or 0 <= datagram.size != stop:
            datagram.disputed = True
            return FRAGMENT_INVALID
        if packet.family == 6 and start == 0 and packet.more_fragments:
            datagram.disputed |= lacks_header(packet.protocol, data)
        if datagram.repeats(start, stop, data):
            self.duplicates += 1
            return FRAGMENT
        self.held_bytes -= datagram.held_bytes
        datagram.numbers.append(number)
        datagram.held_bytes += NUMBER_BYTES
        if datagram.overlaps(start, stop):
            self.overlaps += 1
            datagram.disputed = True
            if packet.family == 6 and self._overlap != FIRST:
                # RFC 5722: neither this, nor what came, nor what will come.
                self.recount(datagram, FRAGMENT_OVERLAP)
                datagram.discard()
                self.held_bytes += datagram.held_bytes
                return FRAGMENT_OVERLAP
        if datagram.insert(start, stop, data, self._overlap):
            self.conflicts += 1
        if not packet.more_fragments:
            datagram.size = stop
        return self.added(datagram, packet, start)

    def collect_as_linux(
        self,
        datagram: Datagram,
        packet: Packet,
        start: int,
        stop: int,
        data: bytes,
        number: int,
    ) -> int:
        """The same as ``collect``, for the policy ``linux-queue``."""
        self.held_bytes -= datagram.held_bytes
        datagram.numbers.append(number)
        datagram.held_bytes += NUMBER_BYTES
        place = CONTRADICTS
        reason = FRAGMENT_INVALID
        if datagram.fits(start, stop, packet.more_fragments):
            place = datagram.add_to_runs(start, stop, data)
            reason = FRAGMENT_OVERLAP
        if place == COPY:
            self.duplicates += 1
            self.held_bytes += datagram.held_bytes
            return FRAGMENT
        if place == CONTRADICTS:
            # What comes now begins anew.
            self.overlaps += reason == FRAGMENT_OVERLAP
            self.held_bytes += datagram.held_bytes
            self.drop(datagram, reason)
            return reason
        return self.added(datagram, packet, start)

    def added(self, datagram: Datagram, packet: Packet, start: int) -> int:
        """Account for a fragment that was put; NONE says that it completed all."""
        if start == 0:
            datagram.protocol = packet.protocol
            datagram.ttl = packet.ttl
        if packet.ip_header_damaged:
            datagram.ip_header_damaged = True
        if datagram.covered == datagram.size:
            self.numbers = datagram.numbers
            datagram.complete(self._clock_ns)
            del self._waiting[datagram.key]
            self._done[datagram.key] = datagram
        self.held_bytes += datagram.held_bytes
        return NONE if datagram.covered == datagram.size else FRAGMENT

    def make_room(self) -> None:
        """Give up the oldest until the bounds hold, first of what is complete."""
        while self._done and (
            self.held_bytes > self._max_bytes or len(self._done) > self._max_datagrams
        ):
            self.forget(next(iter(self._done.values())))
        while self._waiting and self.held_bytes > self._max_bytes:
            self.drop(next(iter(self._waiting.values())), FRAGMENT_LIMIT)

    def drop(self, datagram: Datagram, reason: int) -> None:
        """Give up an incomplete datagram."""
        self.recount(datagram, reason)
        self.held_bytes -= datagram.held_bytes
        del self._waiting[datagram.key]

    def forget(self, datagram: Datagram) -> None:
        """Give up the memory of a complete datagram."""
        self.held_bytes -= datagram.held_bytes
        del self._done[datagram.key]

    def recount(self, datagram: Datagram, reason: int) -> None:
        """Count the frames that waited in a datagram under what became of them."""
        self._counters[FRAGMENT] -= datagram.frames
        self._counters[reason] += datagram.frames
        datagram.frames = 0


def lacks_header(protocol: int, data: bytes) -> bool:
    """Return whether the TCP header is not whole in a first fragment of IPv6.

    A host discards that fragment alone (RFC 8200 section 4.5). Linux does not look
    behind an extension header that is not whole itself.
    """
    at = 0
    count = len(data)
    while protocol == HOP_BY_HOP or protocol == ROUTING or protocol == DESTINATION:
        if at + 2 > count:
            return False
        protocol = data[at]
        at += 8 * data[at + 1] + 8
    return protocol == TCP and at <= count < at + TCP_HEADER
