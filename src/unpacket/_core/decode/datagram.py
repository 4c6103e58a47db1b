"""The fragments of one IP datagram, and who wins where they overlap.

A datagram is kept as parts: disjoint ranges of its bytes, sorted, each with the
bounds of the fragment that it came from, since it is by those that hosts decide. A
fragment costs O(log n) and the bytes that it covers.

``linux-queue`` is what Linux does since 4.18, for IPv4 and IPv6
(inet_frag_queue_insert): no part ever overlaps another, and a part's
``sent_start`` is where its *run* begins, fragments that came one behind the other at
the end of what was there. A fragment within one run is a copy, whatever its bytes
are; any other overlap, and a length that contradicts, discards all that is there.
"""

from bisect import bisect_right

# What CPython takes for the objects around the bytes (measured, rounded up).
DATAGRAM_BYTES = 640
PART_BYTES = 200

POLICIES = ("first", "last", "bsd", "linux", "windows", "solaris", "linux-queue")
FIRST, LAST, BSD, LINUX, WINDOWS, SOLARIS, LINUX_QUEUE = range(7)

# How a fragment lies to the runs of a datagram.
NEW, COPY, CONTRADICTS = range(3)


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
        disputed: It had fragments that many hosts discard it for.
    """

    __slots__ = (
        "covered",
        "disputed",
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
        self.disputed = False
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

    def fits(self, start: int, stop: int, more: bool) -> bool:
        """Return whether a fragment agrees with the length that is known so far.

        What it says of the length counts even if it turns out to be a copy.
        """
        if more:
            if 0 <= self.size < stop:
                return False
            self.reach = max(self.reach, stop)
        else:
            if stop < self.reach or 0 <= self.size != stop:
                return False
            self.size = stop
            self.reach = stop
        return stop > start

    def add_to_runs(self, start: int, stop: int, data: bytes) -> int:
        """Add a fragment if it is NEW; return how it lies to the runs."""
        count = len(self.parts)
        run = start
        at = self.first_after(start)
        if count:
            last = self.parts[count - 1]
            if stop > last.stop:
                if start < last.stop:
                    return CONTRADICTS
                if start == last.stop:
                    run = last.sent_start
        if at < count:
            part = self.parts[at]
            if part.start < stop:
                if part.start > start and part.sent_start > start:
                    return CONTRADICTS
                # It begins within a run: is there all of it?
                run = part.sent_start
                while part.stop < stop:
                    at += 1
                    if at == count:
                        return CONTRADICTS
                    part = self.parts[at]
                    if part.sent_start != run:
                        return CONTRADICTS
                return COPY
        self.starts.insert(at, start)
        self.parts.insert(at, Part(start, stop, run, stop, data))
        self.held_bytes += PART_BYTES + len(data)
        self.covered += stop - start
        return NEW

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
