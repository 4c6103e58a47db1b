"""IP fragments to datagrams, within bounds of bytes, datagrams and time.

A datagram is kept as parts: disjoint ranges of its bytes, sorted, each with the
bounds of the fragment that it came from, since it is by those that hosts decide who
wins where fragments overlap. A fragment costs O(log n) and the bytes that it covers.

A datagram that is complete stays known until its time is over, so that a fragment
which comes twice does not begin another one, to be mixed with whatever uses the
same identification next.
"""

from array import array
from bisect import bisect_right
from collections import OrderedDict

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
# What CPython takes for the objects around the bytes (measured, rounded up).
DATAGRAM_BYTES = 640
PART_BYTES = 200
NUMBER_BYTES = 40

POLICIES = ("first", "last", "bsd", "linux", "windows", "solaris")
FIRST, LAST, BSD, LINUX, WINDOWS, SOLARIS = range(6)


class Part:
    """Bytes ``[start, stop)`` of a datagram, from the fragment ``[sent_start,
    sent_stop)``; ``data`` is shorter where the capture cut that fragment."""

    __slots__ = ("data", "sent_start", "sent_stop", "start", "stop")

    data: bytes

    def __init__(
        self, start: int, stop: int, sent_start: int, sent_stop: int, data: bytes
    ) -> None:
        self.start = start
        self.stop = stop
        self.sent_start = sent_start
        self.sent_stop = sent_stop
        self.data = data


class Datagram:
    """The fragments of one datagram.

    Attributes:
        starts: ``start`` of each of ``parts``, for the binary search.
        whole: Its bytes once it is complete, up to the first that was not captured.
        since_ns: When its first fragment came, then when it was complete.
        size: Its length, or -1 as long as the last fragment has not come.
        reach: The highest position that a fragment reached.
        covered: How many of its bytes have come.
        held_bytes: The memory that it takes.
        frames: How many frames are counted as waiting because of it.
        numbers: The numbers of the frames that brought it.
        dropped: It had an overlap that discards it.
    """

    __slots__ = (
        "covered",
        "dropped",
        "frames",
        "held_bytes",
        "ip_header_damaged",
        "key",
        "numbers",
        "parts",
        "protocol",
        "reach",
        "since_ns",
        "size",
        "starts",
        "ttl",
        "whole",
    )

    key: tuple[int, ...]
    starts: list[int]
    parts: list[Part]
    numbers: list[int]
    whole: bytes

    def __init__(self, key: tuple[int, ...], since_ns: int) -> None:
        self.key = key
        self.since_ns = since_ns
        self.starts = []
        self.parts = []
        self.numbers = []
        self.whole = b""
        self.size = -1
        self.reach = 0
        self.covered = 0
        self.held_bytes = DATAGRAM_BYTES
        self.frames = 0
        self.protocol = 0
        self.ttl = 0
        self.dropped = False
        self.ip_header_damaged = False

    def first_after(self, start: int) -> int:
        """Return the index of the first part that ends after ``start``."""
        at: int = bisect_right(self.starts, start)
        if at > 0:
            part = self.parts[at - 1]
            if part.stop > start:
                return at - 1
        return at

    def overlaps(self, start: int, stop: int) -> bool:
        """Return whether any byte of ``[start, stop)`` has come."""
        at = self.first_after(start)
        if at == len(self.parts):
            return False
        part = self.parts[at]
        return part.start < stop

    def repeats(self, start: int, stop: int, data: bytes) -> bool:
        """Return whether a fragment has come before, just like this."""
        at = self.first_after(start)
        if at == len(self.parts):
            return False
        part = self.parts[at]
        return part.start == start and part.stop == stop and part.data == data

    def contained(self, start: int, stop: int, more: bool, data: bytes) -> bool:
        """Return whether a fragment is one of this datagram, now complete."""
        if stop > self.size or (stop < self.size and not more):
            return False
        whole = self.whole[start:stop]
        common = min(len(whole), len(data))
        return whole[:common] == data[:common]

    def insert(self, start: int, stop: int, data: bytes, overlap: int) -> bool:
        """Add a fragment, and return whether it contradicts what had come."""
        first = self.first_after(start)
        at = first
        # The fragment is settled up to here: what it won from here on is one part.
        here = start
        fresh = stop - start
        parts: list[Part] = []
        rest: list[Part] = []
        conflict = False
        while at < len(self.parts):
            old = self.parts[at]
            if old.start >= stop:
                break
            at += 1
            self.held_bytes -= PART_BYTES + len(old.data)
            low = max(old.start, start)
            high = min(old.stop, stop)
            fresh -= high - low
            mine = data[low - start : high - start]
            other = old.data[low - old.start : high - old.start]
            common = min(len(mine), len(other))
            if mine[:common] != other[:common]:
                conflict = True
            if new_wins(overlap, start, stop, old.sent_start, old.sent_stop):
                if old.start < start:
                    parts.append(piece(old, old.start, start))
                if old.stop > stop:
                    rest.append(piece(old, stop, old.stop))
            else:
                if here < low:
                    mine = data[here - start : low - start]
                    parts.append(Part(here, low, start, stop, mine))
                parts.append(old)
                here = high
        if here < stop:
            mine = data[here - start :]
            parts.append(Part(here, stop, start, stop, mine))
        parts.extend(rest)
        starts: list[int] = []
        for part in parts:
            starts.append(part.start)
            self.held_bytes += PART_BYTES + len(part.data)
        self.starts[first:at] = starts
        self.parts[first:at] = parts
        self.covered += fresh
        self.reach = max(self.reach, stop)
        return conflict

    def complete(self, now_ns: int) -> None:
        """Keep the bytes alone, up to the first that was not captured."""
        chunks: list[bytes] = []
        for part in self.parts:
            chunks.append(part.data)
            if len(part.data) < part.stop - part.start:
                break
        self.whole = b"".join(chunks)
        self.starts = []
        self.parts = []
        self.numbers = []
        self.held_bytes = DATAGRAM_BYTES + len(self.whole)
        self.since_ns = now_ns

    def discard(self) -> None:
        """Keep nothing, and accept nothing more."""
        self.dropped = True
        self.starts = []
        self.parts = []
        self.numbers = []
        self.held_bytes = DATAGRAM_BYTES


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
        if stop <= start or stop > limit:
            return FRAGMENT_INVALID
        if packet.more_fragments and (stop - start) & 7:
            return FRAGMENT_INVALID
        data = bytes(packet.data[packet.at : packet.stop])
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
        if datagram is not None:
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
        reason = self.collect(datagram, packet, start, stop, data, number)
        if reason == NONE:
            self.completed += 1
            packet.attach(datagram.whole, source)
            packet.place(0, len(datagram.whole), datagram.size)
            packet.fragment_start = 0
            packet.length_known = True
            packet.ip_header_damaged = datagram.ip_header_damaged
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
                return FRAGMENT_INVALID
        elif stop < datagram.reach or 0 <= datagram.size != stop:
            return FRAGMENT_INVALID
        if datagram.repeats(start, stop, data):
            self.duplicates += 1
            return FRAGMENT
        self.held_bytes -= datagram.held_bytes
        datagram.numbers.append(number)
        datagram.held_bytes += NUMBER_BYTES
        if datagram.overlaps(start, stop):
            self.overlaps += 1
            if packet.family == 6:
                # RFC 5722: neither this, nor what came, nor what will come.
                self.recount(datagram, FRAGMENT_OVERLAP)
                datagram.discard()
                self.held_bytes += datagram.held_bytes
                return FRAGMENT_OVERLAP
        if datagram.insert(start, stop, data, self._overlap):
            self.conflicts += 1
        if not packet.more_fragments:
            datagram.size = stop
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


def new_wins(
    overlap: int, start: int, stop: int, old_start: int, old_stop: int
) -> bool:
    """Return whether fragment ``[start, stop)`` replaces bytes of an older one.

    The rules are those of Novak, "Target-Based Fragmentation Reassembly" (2005),
    restated by its test pattern: hosts let the older bytes stand, unless the newer
    fragment begins before the older (bsd), or not after it (linux), or covers more
    at both ends (windows), or at the start and as much at the end (solaris).
    """
    if overlap == BSD:
        return start < old_start
    if overlap == LINUX:
        return start <= old_start
    if overlap == WINDOWS:
        return start < old_start and stop > old_stop
    if overlap == SOLARIS:
        return start < old_start and stop >= old_stop
    return overlap == LAST


def piece(part: Part, start: int, stop: int) -> Part:
    """Return ``[start, stop)`` of a part."""
    data = part.data[start - part.start : stop - part.start]
    return Part(start, stop, part.sent_start, part.sent_stop, data)
