# cython: initializedcheck=False
"""Which stream a segment belongs to, and when a quiet stream ends.

The flow table is open-addressed over typed memory; its hash is keyed at random, so
nobody can choose tuples that collide. The clock is a wheel of one-second buckets:
each stream sits in one, at or before its deadline, and is looked at only when that
comes round. So a packet costs the clock nothing.
"""

from unpacket._core.constants import (
    HASH_SHIFT,
    NEVER,
    NO_TICK,
    NONE,
    NS,
    SLOT_BITS,
    SLOT_MASK,
    SYN_SEEN,
    TAG_SHIFT,
    WHEEL,
)
from unpacket._core.decode.segments import Segments
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.enlisting import enlist, seen
from unpacket._core.reassembly.ledger import Ledger
from unpacket._core.reassembly.stream import Stream

FIRST_BITS = 10
FIRST_SLOTS = 1024
WHEEL_MASK = WHEEL - 1

# What stands before the first stream of bucket n is FIRST_BUCKET - n.
FIRST_BUCKET = -2

# Of how many streams the one to be given up is chosen. Redis found 10 to come near
# to what a list of all by age would choose, which every packet would have to keep.
SAMPLE = 16


def integers(count: int, value: int) -> "memoryview[int]":
    """Return a writable view of ``count`` 32-bit integers."""
    view = memoryview(bytearray(4 * count)).cast("i")
    if value:
        for index in range(count):
            view[index] = value
    return view


def empty_entries(count: int) -> "memoryview[int]":
    """Return a writable view of ``count`` zeroed 64-bit entries."""
    return memoryview(bytearray(8 * count)).cast("q")


class FlowTable:
    """The streams that have not been forgotten.

    Attributes:
        streams: The streams by slot; None where a slot is free.
        rows: Where each slot's stream is or was in the ledger. The row says of whom
            it is.
        live: How many streams the table finds.
        free: A slot without a stream, or NONE; ``next_timed`` leads to the others.
        tick: The second that the wheel has reached; NO_TICK before the first packet.
    """

    __slots__ = (
        "entries",
        "free",
        "hand",
        "ledger",
        "live",
        "mask",
        "next_timed",
        "rows",
        "streams",
        "timed_before",
        "tick",
        "wheel",
    )

    streams: list[Stream | None]

    def __init__(self) -> None:
        self.mask = (1 << FIRST_BITS) - 1
        self.entries = empty_entries(1 << FIRST_BITS)
        self.streams = []
        self.ledger = Ledger()
        self.rows = integers(FIRST_SLOTS, 0)
        self.free = NONE
        self.live = 0
        self.hand = 0
        self.tick = NO_TICK
        self.wheel = integers(WHEEL, NONE)
        self.next_timed = integers(FIRST_SLOTS, NONE)
        self.timed_before = integers(FIRST_SLOTS, NONE)

    def find(self, segments: Segments, i: int) -> Stream | None:
        """Return the stream of row ``i`` of ``segments``, or None."""
        mask = self.mask
        hashed = segments.hash[i]
        place = (hashed >> HASH_SHIFT) & mask
        tag = hashed >> TAG_SHIFT
        while True:
            entry = self.entries[place]
            if entry == 0:
                return None
            if entry >> SLOT_BITS == tag:
                # An entry has no free slot.
                stream: Stream = self.streams[(entry & SLOT_MASK) - 1]  # type: ignore[assignment]
                if (
                    stream.a_lo == segments.a_lo[i]
                    and stream.b_lo == segments.b_lo[i]
                    and stream.ports == segments.ports[i]
                    and stream.context == segments.context[i]
                    and stream.family == segments.family[i]
                    and stream.a_hi == segments.a_hi[i]
                    and stream.b_hi == segments.b_hi[i]
                ):
                    return stream
            place = (place + 1) & mask

    def add(self, stream: Stream) -> None:
        """Put a stream in."""
        if (self.live + 1) * 8 > (self.mask + 1) * 5:
            self.grow()
        self.link(stream)
        self.live += 1

    def link(self, stream: Stream) -> None:
        """Let the stream be found; give it a slot if it has none."""
        if stream.slot < 0:
            if self.free != NONE:
                stream.slot = self.free
                self.free = self.next_timed[self.free]
                self.streams[stream.slot] = stream
            else:
                stream.slot = len(self.streams)
                self.streams.append(stream)
                if stream.slot >= len(self.next_timed):
                    self.next_timed = longer(self.next_timed)
                    self.timed_before = longer(self.timed_before)
                    self.rows = longer(self.rows)
        place = (stream.hash >> HASH_SHIFT) & self.mask
        while self.entries[place]:
            place = (place + 1) & self.mask
        tag = stream.hash >> TAG_SHIFT
        self.entries[place] = tag << SLOT_BITS | (stream.slot + 1)

    def grow(self) -> None:
        """Double the table."""
        size = 2 * (self.mask + 1)
        self.mask = size - 1
        old = self.entries
        self.entries = empty_entries(size)
        for index in range(len(old)):
            entry = old[index]
            if entry:
                place = self.home(entry)
                while self.entries[place]:
                    place = (place + 1) & self.mask
                self.entries[place] = entry

    def home(self, entry: int) -> int:
        """Return where an entry would be if nothing was in its way."""
        return (entry >> SLOT_BITS >> (HASH_SHIFT - TAG_SHIFT)) & self.mask

    def enlist(self, stream: Stream) -> None:
        """Let a stream go on in the ledger if nothing unusual is under way in it."""
        if enlist(stream, self.ledger):
            self.rows[stream.slot] = stream.row

    def holds(self, stream: Stream) -> bool:
        """Return whether a stream that was added has not been removed."""
        return self.streams[stream.slot] is stream

    def remove(self, stream: Stream) -> None:
        """Forget a stream, and free its slot."""
        mask = self.mask
        place = (stream.hash >> HASH_SHIFT) & mask
        while (self.entries[place] & SLOT_MASK) - 1 != stream.slot:
            place = (place + 1) & mask
        # Close the hole: move back what probing would no longer find.
        hole = place
        while True:
            place = (place + 1) & mask
            entry = self.entries[place]
            if entry == 0:
                break
            if (place - self.home(entry)) & mask >= (place - hole) & mask:
                self.entries[hole] = entry
                hole = place
        self.entries[hole] = 0
        self.unschedule(stream.slot)
        self.streams[stream.slot] = None
        self.next_timed[stream.slot] = self.free
        self.free = stream.slot
        self.live -= 1

    def start_clock(self, now_ns: int) -> None:
        """Begin to count seconds."""
        self.tick = now_ns // NS

    def schedule(self, slot: int, deadline_ns: int) -> None:
        """Look at the stream in ``slot`` again at ``deadline_ns`` or before."""
        tick = deadline_ns // NS + 1
        if tick <= self.tick:
            tick = self.tick + 1
        if tick > self.tick + WHEEL_MASK:
            tick = self.tick + WHEEL_MASK
        bucket = tick & WHEEL_MASK
        following = self.wheel[bucket]
        self.next_timed[slot] = following
        if following != NONE:
            self.timed_before[following] = slot
        self.timed_before[slot] = FIRST_BUCKET - bucket
        self.wheel[bucket] = slot

    def unschedule(self, slot: int) -> None:
        """Take the stream in ``slot`` off the wheel, if it is there."""
        before = self.timed_before[slot]
        if before == NONE:
            return
        following = self.next_timed[slot]
        if before <= FIRST_BUCKET:
            self.wheel[FIRST_BUCKET - before] = following
        else:
            self.next_timed[before] = following
        if following != NONE:
            self.timed_before[following] = before
        self.timed_before[slot] = NONE

    def take_bucket(self, tick: int) -> list[Stream]:
        """Empty the bucket of ``tick``: return its streams in the order of ids."""
        bucket = tick & WHEEL_MASK
        slot = self.wheel[bucket]
        self.wheel[bucket] = NONE
        due: list[Stream] = []
        while slot != NONE:
            # Nor has the wheel.
            due.append(self.streams[slot])  # type: ignore[arg-type]
            self.timed_before[slot] = NONE
            slot = self.next_timed[slot]
        if len(due) > 1:
            due.sort(key=by_id)
        return due

    def idlest(self) -> Stream:
        """Return the stream to be given up first of the next SAMPLE in turn.

        That is one that lingers, else the one that was quiet longest. There must be
        a stream.
        """
        found = None
        size = len(self.streams)
        left = min(SAMPLE, self.live)
        while left:
            self.hand += 1
            if self.hand >= size:
                self.hand = 0
            stream = self.streams[self.hand]
            if stream is None:
                continue
            left -= 1
            if found is None or sooner(stream, found):
                found = stream
        return found  # type: ignore[return-value]


def sooner(stream: Stream, other: Stream) -> bool:
    """Return whether a stream is to be given up before another."""
    lingers = stream.reason != 0
    if lingers != (other.reason != 0):
        return lingers
    if seen(stream) != seen(other):
        return seen(stream) < seen(other)
    return stream.id < other.id


def longer(view: "memoryview[int]") -> "memoryview[int]":
    """Return a copy of a view of integers that is twice as long."""
    size = len(view)
    bigger = integers(2 * size, 0)
    bigger[:size] = view
    return bigger


def by_id(stream: Stream) -> int:
    """Sort key: the order of first packets."""
    return stream.id


def deadline(ctx: Context, stream: Stream) -> int:
    """Return when a stream that stays quiet is closed, or forgotten."""
    if stream.reason:
        wait = ctx.linger_ns
    else:
        wait = ctx.idle_ns
        if unanswered(stream):
            wait = ctx.half_open_ns
    seen_ns = seen(stream)
    if wait < 0 or seen_ns > NEVER - wait:
        return NEVER
    return seen_ns + wait


def unanswered(stream: Stream) -> bool:
    """Return whether a SYN has had no answer, and nothing has followed it."""
    if stream.row >= 0:
        return False
    opened = False
    for half in (stream.half_a, stream.half_b):
        if half is not None and half.packets:
            if opened or half.payload_bytes or not half.flags & SYN_SEEN:
                return False
            opened = True
    return opened


def check_owned(table: FlowTable, stream: Stream) -> None:
    """Refuse a living stream that is not in the table.

    Raises:
        ValueError: It is a copy, or of another assembler.
    """
    if stream.reason or (
        0 <= stream.slot < len(table.streams) and table.streams[stream.slot] is stream
    ):
        return
    raise ValueError(f"{stream!r} is a copy, or a stream of another assembler")
