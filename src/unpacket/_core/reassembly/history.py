# cython: nonecheck=False, initializedcheck=False
"""The latest delivered bytes, so that late copies can be compared with them.

Delivered payload is not copied for this: a record says where it lies in the
buffer of its batch, which stays alive while its records are young. Records form
one ring for all streams, and each knows the one before it of the same half. So
delivering costs one record, and an idle stream costs nothing.

What is remembered depends on delivered bytes alone (``window_bytes``, and RECORDS
pieces), never on how the input was cut into batches.
"""

from unpacket._core.native import fill as native
from unpacket._core.native import room as native_room
from unpacket._core.reassembly.held import Clash, Piece, clash, piece_of

# The ring is a power of two, for the mask. Of 16,384 records it has 640 KiB: with
# eight numbers in each it pushed most else out of the processor's cache.
RECORDS = 16384
MASK = RECORDS - 1

# The numbers of a record. OFFSET: where its bytes lie in the half. TOTAL: how many
# bytes all records before it described; so its length is the difference to the next
# one's. PLACE: its store above, its position there below. FRAME: above, the number of
# its frame; below, by how many records the one before it of its half is older, 0 where
# the ring did not have it any more.
WORDS = 4
OFFSET = 0
TOTAL = 1
PLACE = 2
FRAME = 3
POSITION_BITS = 32
POSITION_MASK = (1 << POSITION_BITS) - 1

# How many records one late segment is compared with: a bound on what a hostile one
# costs. 64 KiB of segments of 64 bytes.
MAX_STEPS = 1024

# How many records one lies before another takes SPAN_BITS. A record's link holds the
# number of an earlier record of its half, above by how many of that half's that is
# earlier. ROOT is that of a half's first.
SPAN_BITS = 16
SPAN_MASK = (1 << SPAN_BITS) - 1
FRAME_UNIT = 1 << SPAN_BITS
FRAME_MASK = (1 << (63 - SPAN_BITS)) - 1
ROOT = -(1 << SPAN_BITS)
NO_LINK = 0

# Payload that is copied lies in chunks of this size.
CHUNK_BYTES = 1 << 18

# A batch's buffer is kept where at least a quarter of all of it is delivered payload
# and it is not tiny; otherwise that payload is copied.
KEEP_RATIO = 4
KEEP_LEAST_BYTES = 1 << 16


def numbers(count: int) -> "memoryview[int]":
    """Return a writable view of ``count`` zeroed 64-bit integers."""
    return memoryview(bytearray(8 * count)).cast("q")


class Store:
    """A buffer that records point into, and the age at which it may go."""

    __slots__ = ("buffer", "last_total", "number")

    def __init__(self, number: int, buffer: bytes | bytearray) -> None:
        self.number = number
        self.buffer = buffer
        self.last_total = 0


class History:
    """Where the latest delivered bytes of all halves lie.

    Attributes:
        count: How many records were made, ever; the next record's number.
        total: How many bytes they described.
        first: The first record of the present batch.
        fresh_bytes: What the records of the present batch describe in its buffer.
        present: The number of the store that the present batch is.
        present_place: The place of its first byte.
        kept_bytes: The size of all buffers that are kept alive.
        ring: WORDS numbers for each of the latest RECORDS records.
        link: One number for each, made when it is needed.
    """

    __slots__ = (
        "batch",
        "chunk",
        "chunk_used",
        "count",
        "first",
        "fresh_bytes",
        "kept_bytes",
        "link",
        "present",
        "present_place",
        "ring",
        "stamp",
        "stores",
        "total",
        "window_bytes",
    )

    batch: Store | None
    chunk: Store | None
    stores: list[Store]

    def __init__(self, window_bytes: int) -> None:
        self.window_bytes = window_bytes
        self.count = 0
        self.total = 0
        self.first = 0
        self.present = 0
        self.present_place = 0
        self.fresh_bytes = 0
        self.stamp = 0
        self.kept_bytes = 0
        self.batch = None
        self.stores = []
        self.chunk = None
        self.chunk_used = 0
        size = RECORDS if window_bytes else 1
        self.ring = numbers(WORDS * size)
        self.link = numbers(size)

    def begin(self, buffer: bytes | bytearray) -> None:
        """Records that follow point into ``buffer``, a batch's."""
        self.stamp += 1
        self.present = self.stamp
        self.present_place = self.stamp << POSITION_BITS
        self.first = self.count
        self.fresh_bytes = 0
        self.batch = Store(self.stamp, buffer)

    def end(self) -> None:
        """The batch is done: keep its buffer, or copy what was delivered of it."""
        # Nothing ends that has not begun.
        batch: Store = self.batch  # type: ignore[assignment]
        self.batch = None
        young = max(self.first, self.count - RECORDS)
        kept = self.fresh_bytes
        size = len(batch.buffer)
        if kept * KEEP_RATIO >= size and size >= KEEP_LEAST_BYTES:
            batch.last_total = self.total
            self.kept_bytes += size
            self.stores.append(batch)
        elif kept:
            view = memoryview(batch.buffer)
            for number in range(young, self.count):
                if self.store(number) == self.present:
                    start = self.position(number)
                    size = self.length(number)
                    at = allot(self, number, size)
                    native.keep(self.chunk.buffer, at, view, start, size)  # type: ignore[union-attr, arg-type]
        self.prune()

    def word(self, number: int, which: int) -> int:
        """Return one of the numbers of record ``number``, which the ring must have."""
        return self.ring[WORDS * (number & MASK) + which]

    def length(self, number: int) -> int:
        """Return how many bytes a record describes."""
        following = self.total
        if number + 1 < self.count:
            following = self.word(number + 1, TOTAL)
        return following - self.word(number, TOTAL)

    def store(self, number: int) -> int:
        """Return the number of the store that has the bytes of a record."""
        return self.word(number, PLACE) >> POSITION_BITS

    def position(self, number: int) -> int:
        """Return where in its store the bytes of a record begin."""
        return self.word(number, PLACE) & POSITION_MASK

    def before(self, number: int) -> int:
        """Return the record before this one of its half, or -1."""
        older = self.word(number, FRAME) & SPAN_MASK
        return number - older if older else -1

    def copy(self, number: int, payload: bytes) -> None:
        """Copy ``payload`` to the chunk, and let record ``number`` say so."""
        size = len(payload)
        at = allot(self, number, size)
        native.keep_bytes(self.chunk.buffer, at, payload, 0, size)  # type: ignore[union-attr, arg-type]

    def prune(self) -> None:
        """Let go of the buffers that no valid record points into."""
        horizon = self.total - self.window_bytes
        keep = []
        for store in self.stores:
            if store.last_total >= horizon or store is self.chunk:
                keep.append(store)
            else:
                self.kept_bytes -= len(store.buffer)
        self.stores = keep

    def add(
        self, previous: int, offset: int, length: int, position: int, frame: int
    ) -> int:
        """Record bytes of the present batch; return the record's number.

        ``previous`` is the number of the half's record before it, or -1; ``frame``
        is below 2**47.
        """
        number = self.count
        older = number - previous
        if previous < 0 or older >= RECORDS:
            older = 0
        slot = number & MASK
        at = WORDS * slot
        self.ring[at + OFFSET] = offset
        self.ring[at + TOTAL] = self.total
        self.ring[at + PLACE] = self.present_place | position
        self.ring[at + FRAME] = (frame & FRAME_MASK) * FRAME_UNIT | older
        self.link[slot] = NO_LINK
        self.count = number + 1
        self.total += length
        self.fresh_bytes += length
        return number

    def link_up(self, last: int) -> None:
        """Link the records of a half up to ``last`` that have no link yet.

        The links lead back by one, three, seven... records, so that any can be
        found in about log n steps (Myers, "An applicative random-access stack").
        Only halves that get late copies pay for them.
        """
        oldest = max(-1, self.count - RECORDS - 1)
        bare = []
        number = last
        while number > oldest and self.link[number & MASK] == NO_LINK:
            bare.append(number)
            number = self.before(number)
        while bare:
            number = bare.pop()
            before = self.before(number)
            link = ROOT
            if before > oldest:
                link = before << SPAN_BITS | 1
                near = self.link[before & MASK]
                if near >> SPAN_BITS > oldest:
                    far = self.link[(near >> SPAN_BITS) & MASK]
                    if far & SPAN_MASK == near & SPAN_MASK and far > 0:
                        link = far + (near & SPAN_MASK) + 1
            self.link[number & MASK] = link

    def newest_before(self, last: int, stop: int) -> int:
        """Return the newest record of a half that begins before ``stop``, or -1."""
        oldest = max(-1, self.count - RECORDS - 1)
        number = last
        while number > oldest and self.word(number, OFFSET) >= stop:
            farther = self.link[number & MASK] >> SPAN_BITS
            if farther > oldest and self.word(farther, OFFSET) >= stop:
                number = farther
            else:
                number = self.before(number)
        return number

    def add_copy(self, previous: int, offset: int, payload: bytes, frame: int) -> int:
        """Record bytes that no batch buffer holds; return the record's number."""
        number = self.add(previous, offset, len(payload), 0, frame)
        self.fresh_bytes -= len(payload)
        self.copy(number, payload)
        return number

    def compare(self, last: int, piece: Piece) -> list[Clash] | None:
        """Compare ``piece``, a late copy, with what was delivered.

        Args:
            last: The number of the half's latest record, or -1.

        Returns:
            The clashes, in order of offset, the delivered bytes as winner; or None.
        """
        clashes = []
        self.link_up(last)
        number = self.newest_before(last, piece.stop)
        for _step in range(MAX_STEPS):
            if number < 0 or self.count - number > RECORDS:
                break
            if self.total - self.word(number, TOTAL) > self.window_bytes:
                break
            offset = self.word(number, OFFSET)
            start = max(piece.start, offset)
            stop = min(piece.stop, offset + self.length(number))
            if start < stop:
                payload = self.payload(number, start, stop)
                if payload is not None:
                    frame = self.word(number, FRAME) >> SPAN_BITS
                    kept = piece_of(start, stop, start, stop, start, payload, frame, 0)
                    found = clash(kept, piece, start, stop)
                    if found is not None:
                        clashes.append(found)
            if offset <= piece.start:
                break
            number = self.before(number)
        if not clashes:
            return None
        clashes.reverse()
        return clashes

    def payload(self, number: int, start: int, stop: int) -> bytes | None:
        """Return the delivered bytes ``[start, stop)`` of record ``number``."""
        wanted = self.store(number)
        found = None
        if self.batch is not None and self.batch.number == wanted:
            found = self.batch
        for store in self.stores:
            if store.number == wanted:
                found = store
        if found is None:
            return None
        begin = self.position(number) + start - self.word(number, OFFSET)
        return bytes(memoryview(found.buffer)[begin : begin + stop - start])


def allot(history: History, number: int, size: int) -> int:
    """Let the bytes of record ``number`` lie in the chunk; return where there."""
    chunk = history.chunk
    if chunk is None or history.chunk_used + size > len(chunk.buffer):
        history.stamp += 1
        chunk = Store(history.stamp, native_room.room(max(size, CHUNK_BYTES)))
        history.chunk = chunk
        history.chunk_used = 0
        history.kept_bytes += len(chunk.buffer)
        history.stores.append(chunk)
    chunk.last_total = history.total
    at = history.chunk_used
    history.ring[WORDS * (number & MASK) + PLACE] = chunk.number << POSITION_BITS | at
    history.chunk_used = at + size
    return at
