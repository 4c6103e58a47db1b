"""Bytes held out of order, and who wins where two segments claim the same offsets.

The pieces are disjoint, sorted by offset, and remember the segment that they were
cut from: real stacks decide overlaps between whole segments, not byte ranges. They
lie in blocks of bounded length, so that n insertions in any order cost about
n log n.
"""

from unpacket._core.reassembly.linux_queue import LinuxQueue, tail_room

# A block splits in two when it gets this long: moving 512 pointers costs 30 ns.
MAX_BLOCK = 512

# The older bytes stand where their segment, or the buffer that it became part of,
# begins before the new one's: `Held.place` says where that is.
BY_PLACE = 1 << 7
# The ``origin`` of what Linux drops, and of what it takes at once.
LOSES = 1 << 62
AT_ONCE = -1

# Bit n: the new segment wins in relation n of `relation`. From the table of the
# design, which restates Suricata's policies.
POLICIES = {
    "first": 0b0000000,
    "vista": 0b0000000,
    "bsd": 0b0011000,
    "windows": 0b0011000,
    "macos": 0b0011000,
    "irix": 0b0011000,
    "hpux10": 0b0011000,
    "linux": 0b0011100,
    "linux-queue": BY_PLACE,
    "old-linux": 0b0011110,
    "solaris": 0b1010110,
    "hpux11": 0b1010110,
    "last": 0b1111111,
}


def relation(start: int, stop: int, old_start: int, old_stop: int) -> int:
    """Return how a new segment lies to an old one that it touches, from 0 to 6."""
    if start == old_start:
        if stop < old_stop:
            return 0
        return 1 if stop == old_stop else 2
    if start < old_start:
        return 3 if stop < old_stop else 4
    return 5 if stop <= old_stop else 6


class Piece:
    """Bytes ``[start, stop)`` of a segment that began as ``[origin, end)``.

    ``payload`` begins at offset ``base``. It is None where the bytes were cut off
    by the capture's snap length: known to have been sent, and not to be had; and
    where the piece is a FIN, the position behind the payload of its segment.
    """

    __slots__ = (
        "ack",
        "base",
        "doubts",
        "end",
        "fin",
        "frame",
        "origin",
        "payload",
        "start",
        "stop",
        "time_ns",
    )

    start: int
    stop: int
    origin: int
    end: int
    base: int
    payload: bytes | None
    fin: bool
    frame: int
    time_ns: int
    # What the segment acknowledged, a sequence number; -1 where it did not.
    ack: int
    doubts: int

    def cut(self, start: int, stop: int) -> "Piece":
        """Return the part ``[start, stop)`` of this piece as a piece.

        A part of less than half the payload gets a copy of its own, so that a
        sliver never keeps 64 KiB alive: what is held stays within twice of what
        is counted.
        """
        if self.fin:
            # It has one position.
            return self
        base = self.base
        payload = self.payload
        if payload is not None and (stop - start) * 2 < len(payload):
            payload = self.bytes_of(start, stop)
            base = start
        piece = piece_of(
            start,
            stop,
            self.origin,
            self.end,
            base,
            payload,
            self.frame,
            self.time_ns,
            self.ack,
        )
        piece.doubts = self.doubts
        return piece

    def size(self) -> int:
        """Return how many bytes of payload the piece has."""
        return 0 if self.payload is None else self.stop - self.start

    def bytes_of(self, start: int, stop: int) -> bytes:
        """Return the payload at the offsets ``[start, stop)``; there must be one."""
        if start == self.base and stop - start == len(self.payload):  # type: ignore[arg-type]
            return self.payload  # type: ignore[return-value]
        return self.payload[start - self.base : stop - self.base]  # type: ignore[index]


def piece_of(
    start: int,
    stop: int,
    origin: int,
    end: int,
    base: int,
    payload: bytes | None,
    frame: int,
    time_ns: int,
    ack: int = -1,
) -> Piece:
    """Return a Piece, without a call through Python."""
    piece = Piece.__new__(Piece)
    piece.start = start
    piece.stop = stop
    piece.origin = origin
    piece.end = end
    piece.base = base
    piece.payload = payload
    piece.fin = False
    piece.frame = frame
    piece.time_ns = time_ns
    piece.ack = ack
    piece.doubts = 0
    return piece


def fin_of(offset: int, origin: int, frame: int, time_ns: int) -> Piece:
    """Return the Piece of a FIN that lies at ``offset``."""
    piece = piece_of(
        offset, offset + 1, origin, offset + 1, offset, None, frame, time_ns
    )
    piece.fin = True
    return piece


class Clash:
    """A range of offsets for which two pieces have different bytes."""

    __slots__ = ("kept", "offset", "other", "winner", "loser")

    def __init__(
        self, offset: int, kept: bytes, other: bytes, winner: Piece, loser: Piece
    ) -> None:
        self.offset = offset
        self.kept = kept
        self.other = other
        self.winner = winner
        self.loser = loser


def clash(winner: Piece, loser: Piece, start: int, stop: int) -> Clash | None:
    """Return where two pieces differ in ``[start, stop)``, or None.

    The range runs from the first to the last byte that differs.
    """
    kept = winner.bytes_of(start, stop)
    other = loser.bytes_of(start, stop)
    if kept == other:
        return None
    low = first_difference(kept, other)
    high = last_difference(kept, other)
    return Clash(start + low, kept[low:high], other[low:high], winner, loser)


def first_difference(a: bytes, b: bytes) -> int:
    """Return the index of the first byte in which ``a`` and ``b`` differ."""
    n = 0
    while a[n] == b[n]:
        n += 1
    return n


def last_difference(a: bytes, b: bytes) -> int:
    """Return the index after the last byte in which ``a`` and ``b`` differ."""
    n = len(a)
    while a[n - 1] == b[n - 1]:
        n -= 1
    return n


class Held:
    """The pieces of one half that wait for what comes before them.

    Attributes:
        count: How many pieces wait.
        payload_bytes: How many payload bytes they have, overlaps not counted twice.
        runs: How many runs of contiguous offsets they form.
        start, stop: The first offset held, and the one after the last. Both are
            meaningless while ``count`` is 0.
        queue: What Linux would compare as one, where that policy asked for it.
    """

    __slots__ = (
        "blocks",
        "count",
        "payload_bytes",
        "queue",
        "runs",
        "start",
        "stop",
    )

    blocks: list[list[Piece]]
    queue: LinuxQueue | None

    def __init__(self) -> None:
        self.blocks = []
        self.count = 0
        self.payload_bytes = 0
        self.runs = 0
        self.start = 0
        self.stop = 0
        self.queue = None

    def block_of(self, offset: int) -> int:
        """Return the index of the last block that starts at or before ``offset``."""
        low = 0
        high = len(self.blocks)
        while low < high:
            middle = (low + high) >> 1
            block = self.blocks[middle]
            piece = block[0]
            if piece.start <= offset:
                low = middle + 1
            else:
                high = middle
        return low - 1 if low else 0

    def place_in(self, block: list[Piece], offset: int) -> int:
        """Return how many pieces of ``block`` start at or before ``offset``."""
        low = 0
        high = len(block)
        while low < high:
            middle = (low + high) >> 1
            piece = block[middle]
            if piece.start <= offset:
                low = middle + 1
            else:
                high = middle
        return low

    def put(self, piece: Piece) -> bool:
        """Insert a piece, unless it touches another's offsets; return whether."""
        start = piece.start
        stop = piece.stop
        if self.count == 0:
            self.blocks = [[piece]]
            self.count = 1
            self.runs = 1
            self.payload_bytes = piece.size()
            self.start = start
            self.stop = stop
            return True
        # Most come after all others, and need no search.
        if start >= self.stop:
            number = len(self.blocks) - 1
            block = self.blocks[number]
            index = len(block)
        else:
            number = self.block_of(start)
            block = self.blocks[number]
            index = self.place_in(block, start)
        joins = 0
        if index:
            other = block[index - 1]
            if other.stop > start:
                return False
            joins += other.stop == start
        if index < len(block):
            other = block[index]
            if other.start < stop:
                return False
            joins += other.start == stop
        elif number + 1 < len(self.blocks):
            following = self.blocks[number + 1]
            other = following[0]
            if other.start < stop:
                return False
            joins += other.start == stop
        block.insert(index, piece)
        if len(block) > MAX_BLOCK:
            half = len(block) >> 1
            self.blocks.insert(number + 1, block[half:])
            del block[half:]
        self.count += 1
        self.runs += 1 - joins
        self.payload_bytes += piece.size()
        if start < self.start:
            self.start = start
        if stop > self.stop:
            self.stop = stop
        return True

    def first(self) -> Piece:
        """Return the piece with the lowest offsets."""
        block = self.blocks[0]
        return block[0]

    def pop_first(self) -> Piece:
        """Remove and return the piece with the lowest offsets."""
        block = self.blocks[0]
        piece = block[0]
        del block[0]
        if not block:
            del self.blocks[0]
        self.count -= 1
        self.payload_bytes -= piece.size()
        if self.count == 0:
            self.runs = 0
        else:
            block = self.blocks[0]
            other = block[0]
            self.start = other.start
            if other.start != piece.stop:
                self.runs -= 1
        return piece

    def take(self, start: int, stop: int) -> list[Piece]:
        """Remove and return, in order, the pieces that touch ``[start, stop)``."""
        taken = []
        while self.count:
            number = self.block_of(start)
            block = self.blocks[number]
            index = self.place_in(block, start)
            if index:
                piece = block[index - 1]
                if piece.stop > start:
                    index -= 1
            if index == len(block):
                number += 1
                index = 0
                if number == len(self.blocks):
                    break
                block = self.blocks[number]
            piece = block[index]
            if piece.start >= stop:
                break
            self.remove(number, index, piece)
            taken.append(piece)
            start = piece.stop
            if start >= stop:
                break
        return taken

    def remove(self, number: int, index: int, piece: Piece) -> None:
        """Take the piece at ``index`` of block ``number`` out."""
        block = self.blocks[number]
        joins = 0
        if index:
            other = block[index - 1]
            joins += other.stop == piece.start
        elif number:
            before = self.blocks[number - 1]
            other = before[len(before) - 1]
            joins += other.stop == piece.start
        if index + 1 < len(block):
            other = block[index + 1]
            joins += other.start == piece.stop
        elif number + 1 < len(self.blocks):
            following = self.blocks[number + 1]
            other = following[0]
            joins += other.start == piece.stop
        del block[index]
        if not block:
            del self.blocks[number]
        self.count -= 1
        self.runs += joins - 1
        self.payload_bytes -= piece.size()
        if self.count:
            block = self.blocks[0]
            other = block[0]
            self.start = other.start
            block = self.blocks[len(self.blocks) - 1]
            other = block[len(block) - 1]
            self.stop = other.stop

    def overlaps(self, start: int, stop: int) -> bool:
        """Return whether any piece touches ``[start, stop)``."""
        if self.count == 0 or start >= self.stop or stop <= self.start:
            return False
        number = self.block_of(start)
        block = self.blocks[number]
        index = self.place_in(block, start)
        if index:
            piece = block[index - 1]
            if piece.stop > start:
                return True
        if index < len(block):
            piece = block[index]
            return piece.start < stop
        if number + 1 < len(self.blocks):
            block = self.blocks[number + 1]
            piece = block[0]
            return piece.start < stop
        return False

    def differs(self, new: Piece) -> bool:
        """Return whether any byte held differs from ``new``'s at its offset."""
        if not self.overlaps(new.start, new.stop):
            return False
        found = False
        for old in self.take(new.start, new.stop):
            self.put(old)
            start = max(old.start, new.start)
            stop = min(old.stop, new.stop)
            if old.payload is not None and clash(old, new, start, stop) is not None:
                found = True
        return found

    def buffers(self) -> int:
        """Return how many buffers ``queue`` has."""
        return 0 if self.queue is None else self.queue.count

    def shift(self) -> int:
        """Return ``shift`` of ``queue``, after ``place``."""
        return 0 if self.queue is None else self.queue.shift

    def place(self, start: int, stop: int, size: int, packet_bytes: int) -> int:
        """Return the ``origin`` that makes BY_PLACE decide as Linux would.

        Args:
            start, stop: The segment, with its FIN.
            size: Its payload in bytes.
            packet_bytes: The IP packet that carried it.
        """
        if self.queue is None:
            self.queue = LinuxQueue()
        origin = self.queue.add(start, stop, size, tail_room(packet_bytes))
        self.queue.prune(self.count + 1)
        return LOSES if origin < 0 else origin

    def add(self, new: Piece, wins: int) -> list[Clash] | None:
        """Hold a piece; decide by ``wins`` (of ``POLICIES``) where it meets others.

        Returns:
            The clashes: where the bytes of two pieces differ. Bytes that are
            equal in both are nobody's loss.
        """
        if self.put(new):
            return None
        clashes = []
        position = new.start
        for old in self.take(new.start, new.stop):
            if old.start > position:
                self.put(new.cut(position, old.start))
                position = old.start
            if old.start < position:
                self.put(old.cut(old.start, position))
            stop = min(old.stop, new.stop)
            if wins == BY_PLACE:
                new_wins = old.origin >= new.origin
            else:
                kind = relation(new.origin, new.end, old.origin, old.end)
                new_wins = wins >> kind & 1 == 1
            if not (old.fin or new.fin):
                if old.payload is None or new.payload is None:
                    new_wins = old.payload is None
            winner, loser = (new, old) if new_wins else (old, new)
            if loser.payload is not None and winner.payload is not None:
                found = clash(winner, loser, position, stop)
                if found is not None:
                    clashes.append(found)
            self.put(winner.cut(position, stop))
            if old.stop > stop:
                self.put(old.cut(stop, old.stop))
            position = stop
        if position < new.stop:
            self.put(new.cut(position, new.stop))
        return clashes
