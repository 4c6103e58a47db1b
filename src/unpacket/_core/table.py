"""Which stream a segment belongs to, and when a quiet stream ends.

The flow table is open-addressed over typed memory; its hash is keyed at random, so
nobody can choose tuples that collide. The clock is a wheel of one-second buckets:
each stream sits in one, at or before its deadline, and is looked at only when that
comes round. So a packet costs the clock nothing.
"""

from unpacket._core.context import NEVER, NS
from unpacket._core.state import HALF_BYTES, STREAM_BYTES

FIRST_BITS = 10
FIRST_SLOTS = 1024
HASH_SHIFT = 15

WHEEL = 1024
WHEEL_MASK = WHEEL - 1

EMPTY = -1


def integers(count, value):
    """Return a writable view of ``count`` 32-bit integers."""
    view = memoryview(bytearray(4 * count)).cast("i")
    if value:
        for index in range(count):
            view[index] = value
    return view


def tags(count):
    """Return a writable view of ``count`` zeroed 64-bit numbers."""
    return memoryview(bytearray(8 * count)).cast("Q")


class FlowTable:
    """The streams that have not been forgotten.

    Attributes:
        streams: The streams by slot; None where a slot is free, or waits for the
            wheel to free it.
        live: How many streams the table finds.
        tick: The second that the wheel has reached; -1 before the first packet.
    """

    __slots__ = (
        "free",
        "live",
        "mask",
        "next_timed",
        "slots",
        "streams",
        "tags",
        "tick",
        "used",
        "wheel",
    )

    def __init__(self):
        self.mask = (1 << FIRST_BITS) - 1
        self.tags = tags(1 << FIRST_BITS)
        self.slots = integers(1 << FIRST_BITS, EMPTY)
        self.streams = []
        self.free = []
        self.live = 0
        self.used = 0
        self.tick = -1
        self.wheel = integers(WHEEL, EMPTY)
        self.next_timed = integers(FIRST_SLOTS, EMPTY)

    def find(self, segments, i):
        """Return the stream of row ``i`` of ``segments``, or None."""
        mask = self.mask
        tag = segments.hash[i]
        place = (tag >> HASH_SHIFT) & mask
        while True:
            slot = self.slots[place]
            if slot == EMPTY:
                return None
            if self.tags[place] == tag:
                stream = self.streams[slot]
                if (
                    stream.a_lo == segments.a_lo[i]
                    and stream.b_lo == segments.b_lo[i]
                    and stream.ports == segments.ports[i]
                    and stream.a_hi == segments.a_hi[i]
                    and stream.b_hi == segments.b_hi[i]
                    and stream.context == segments.context[i]
                    and stream.family == segments.family[i]
                ):
                    return stream
            place = (place + 1) & mask

    def touch(self, segments, start, stop):
        """Look at the slots of rows ``[start, stop)``, so that cache misses overlap."""
        mixed = 0
        mask = self.mask
        for i in range(start, stop):
            mixed ^= self.slots[(segments.hash[i] >> HASH_SHIFT) & mask]
        return mixed

    def add(self, stream):
        """Put a stream in."""
        if (self.live + 1) * 8 > (self.mask + 1) * 5:
            self.grow()
        self.link(stream)
        self.live += 1

    def link(self, stream):
        """Let the stream be found; give it a slot if it has none."""
        if stream.slot < 0:
            if self.free:
                stream.slot = self.free.pop()
                self.streams[stream.slot] = stream
            else:
                stream.slot = len(self.streams)
                self.streams.append(stream)
                if stream.slot >= len(self.next_timed):
                    self.next_timed = longer(self.next_timed)
        place = (stream.hash >> HASH_SHIFT) & self.mask
        while self.slots[place] != EMPTY:
            place = (place + 1) & self.mask
        self.slots[place] = stream.slot
        self.tags[place] = stream.hash

    def grow(self):
        """Double the table."""
        size = 2 * (self.mask + 1)
        self.mask = size - 1
        old_tags = self.tags
        old_slots = self.slots
        self.tags = tags(size)
        self.slots = integers(size, EMPTY)
        for index in range(len(old_slots)):
            slot = old_slots[index]
            if slot == EMPTY:
                continue
            place = (old_tags[index] >> HASH_SHIFT) & self.mask
            while self.slots[place] != EMPTY:
                place = (place + 1) & self.mask
            self.slots[place] = slot
            self.tags[place] = old_tags[index]

    def remove(self, stream):
        """Forget a stream; its slot is freed when the wheel comes to it."""
        mask = self.mask
        place = (stream.hash >> HASH_SHIFT) & mask
        while self.slots[place] != stream.slot:
            place = (place + 1) & mask
        # Close the hole: move back what probing would no longer find.
        hole = place
        while True:
            place = (place + 1) & mask
            slot = self.slots[place]
            if slot == EMPTY:
                break
            home = (self.tags[place] >> HASH_SHIFT) & mask
            if (place - home) & mask >= (place - hole) & mask:
                self.slots[hole] = slot
                self.tags[hole] = self.tags[place]
                hole = place
        self.slots[hole] = EMPTY
        self.streams[stream.slot] = None
        self.live -= 1

    def start_clock(self, now_ns):
        """Begin to count seconds."""
        self.tick = now_ns // NS

    def schedule(self, slot, deadline_ns):
        """Look at the stream in ``slot`` again at ``deadline_ns`` or before."""
        tick = deadline_ns // NS + 1
        if tick <= self.tick:
            tick = self.tick + 1
        if tick > self.tick + WHEEL_MASK:
            tick = self.tick + WHEEL_MASK
        bucket = tick & WHEEL_MASK
        self.next_timed[slot] = self.wheel[bucket]
        self.wheel[bucket] = slot

    def take_bucket(self, tick):
        """Empty the bucket of ``tick``: return its streams in the order of ids."""
        bucket = tick & WHEEL_MASK
        slot = self.wheel[bucket]
        self.wheel[bucket] = EMPTY
        due = []
        while slot != EMPTY:
            following = self.next_timed[slot]
            stream = self.streams[slot]
            if stream is None:
                self.free.append(slot)
            else:
                due.append(stream)
            slot = following
        if len(due) > 1:
            due.sort(key=by_id)
        return due

    def idlest(self):
        """Return the streams of the first bucket to come that has any."""
        for ahead in range(1, WHEEL + 1):
            due = self.take_bucket(self.tick + ahead)
            if due:
                return due
        return []


def longer(view):
    """Return a copy of a view of integers that is twice as long."""
    size = len(view)
    bigger = integers(2 * size, 0)
    bigger[:size] = view
    return bigger


def by_id(stream):
    """Sort key: the order of first packets."""
    return stream.id


def deadline(ctx, stream):
    """Return when a stream that stays quiet is closed, or forgotten."""
    if stream.reason:
        wait = ctx.linger_ns
    else:
        wait = ctx.idle_ns
        first = stream.half_a
        second = stream.half_b
        if (first is None or first.packets == 0 or second is None
                or second.packets == 0) and unanswered(stream):
            wait = ctx.half_open_ns
    if wait < 0 or stream.last_ns > NEVER - wait:
        return NEVER
    return stream.last_ns + wait


def unanswered(stream):
    """Return whether neither side has sent payload."""
    for half in (stream.half_a, stream.half_b):
        if half is not None and half.payload_bytes:
            return False
    return True


def cost(stream):
    """Return what a stream takes, for the memory bound."""
    size = STREAM_BYTES
    if stream.half_a is not None:
        size += HALF_BYTES
    if stream.half_b is not None:
        size += HALF_BYTES
    return size
