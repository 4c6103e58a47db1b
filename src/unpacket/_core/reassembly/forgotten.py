"""What is remembered of streams that were forgotten: where each side would go on.

A stream that time or memory has ended may speak again, and one that is over may repeat
its last words. The latest are remembered, each by the keyed hash of its ends and its
next sequence numbers; the oldest makes room. Nothing here depends on the hash but how
long it takes to look: what is found depends on the order of ends alone.
"""

from unpacket._core.constants import (
    ACK,
    AGAIN,
    BY_EARLIER,
    CLOSED_BY_MEMORY,
    CLOSED_BY_TIMEOUT,
    CONTINUES,
    FAR,
    FIN,
    FINISHED,
    HASH_SHIFT,
    IS_CLIENT,
    LOW32,
    NONE,
    OPEN,
    RST,
    UNRELATED,
)
from unpacket._core.decode.segments import Segments
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.costs import HALF_BYTES
from unpacket._core.reassembly.half import Half
from unpacket._core.reassembly.handshake import announce
from unpacket._core.reassembly.stream import Stream
from unpacket._core.reassembly.table import integers
from unpacket._core.sequence import delta

# What is known of a stream: where the side of the lower address goes on, and the other;
# that the former is the client; that both sides have ended, and nothing comes next.
KNOWN_A = 1
KNOWN_B = 2
CLIENT_A = 4
OVER = 8
MARK_BITS = 8

WORDS = 2
# With its place in a list of those that look alike, and the beginning of such a list.
ENTRY_BYTES = 24
FIRST_ENTRIES = 64
# What a million lookups need is not known by its numbers any more.
MOST_ENTRIES = 1 << 16
# The part of all memory that this may take at most: one in so many.
SHARE = 16


class Forgotten:
    """The latest streams that were forgotten.

    Attributes:
        count: How many are remembered.
        words: Two numbers of each: its hash, with the marks below; the next sequence
            number of the side with the lower address, with that of the other below.
        heads: By the low bits of a hash, the latest that has them.
        following: Behind each the one before it that has the same low bits.
        size: For how many there is room.
        most: For how many there may be.
        hand: Where the next is put.
    """

    __slots__ = ("count", "following", "hand", "heads", "most", "size", "words")

    words: "memoryview[int]"
    heads: "memoryview[int]"
    following: "memoryview[int]"

    def __init__(self, memory_limit: int) -> None:
        self.most = 0
        most = MOST_ENTRIES
        while most >= FIRST_ENTRIES:
            if most * ENTRY_BYTES * SHARE <= memory_limit:
                self.most = most
                break
            most >>= 1
        self.clear()

    def clear(self) -> None:
        """Remember none, and need no memory."""
        self.count = 0
        self.hand = 0
        self.size = 0
        # No view is empty.
        self.words = unsigned_words(WORDS)
        self.heads = integers(1, NONE)
        self.following = integers(1, NONE)

    def held_bytes(self) -> int:
        """Return what this takes."""
        return self.size * ENTRY_BYTES

    def put(self, hashed: int, marks: int, seq_a: int, seq_b: int) -> None:
        """Remember a stream; of two with the same ends the later one is found."""
        if self.count == self.size:
            if self.size < self.most:
                self.grow()
            elif self.size == 0:
                return
            else:
                self.unlink(self.hand)
        at = self.hand
        word = seq_a
        self.words[WORDS * at] = hashed << MARK_BITS | marks
        self.words[WORDS * at + 1] = word << 32 | seq_b
        self.link(at)
        if self.count < self.size:
            self.count += 1
        self.hand += 1
        if self.hand == self.most:
            self.hand = 0

    def grow(self) -> None:
        """Have room for twice as many."""
        old = self.words
        self.size = 2 * self.size if self.size else FIRST_ENTRIES
        self.words = unsigned_words(WORDS * self.size)
        self.words[: len(old)] = old
        self.heads = integers(self.size, NONE)
        self.following = integers(self.size, NONE)
        for at in range(self.count):
            self.link(at)

    def place(self, at: int) -> int:
        """Return where the list begins that an entry is in."""
        hashed = self.words[WORDS * at] >> MARK_BITS
        return (hashed >> HASH_SHIFT) & (self.size - 1)

    def link(self, at: int) -> None:
        """Let an entry be found first of those that look like it."""
        place = self.place(at)
        self.following[at] = self.heads[place]
        self.heads[place] = at

    def unlink(self, at: int) -> None:
        """Let an entry not be found any more: it is the last of its list."""
        place = self.place(at)
        other = self.heads[place]
        if other == at:
            self.heads[place] = NONE
            return
        while self.following[other] != at:
            other = self.following[other]
        self.following[other] = NONE

    def find(self, hashed: int) -> int:
        """Return the latest with a hash, or NONE."""
        if self.count == 0:
            return NONE
        at = self.heads[(hashed >> HASH_SHIFT) & (self.size - 1)]
        while at != NONE:
            word = self.words[WORDS * at]
            if word >> MARK_BITS == hashed:
                return at
            at = self.following[at]
        return NONE

    def marks(self, at: int) -> int:
        """Return what is known of the entry at a place."""
        return self.words[WORDS * at] & ((1 << MARK_BITS) - 1)

    def seq(self, at: int, first: bool) -> int:
        """Return where a side goes on: that of the lower address, or the other."""
        word = self.words[WORDS * at + 1]
        return word >> 32 if first else word & LOW32


def remember(forgotten: Forgotten, stream: Stream) -> None:
    """Remember a stream that has closed."""
    marks = 0
    seq_a = 0
    seq_b = 0
    if stream.half_a is not None and stream.half_a.state == OPEN:
        marks |= KNOWN_A
        seq_a = next_seq(stream.half_a)
    if stream.half_b is not None and stream.half_b.state == OPEN:
        marks |= KNOWN_B
        seq_b = next_seq(stream.half_b)
    if not marks:
        return
    if stream.client_is_a():
        marks |= CLIENT_A
    if stream.reason not in (CLOSED_BY_TIMEOUT, CLOSED_BY_MEMORY):
        marks |= OVER
    forgotten.put(stream.hash, marks, seq_a, seq_b)


def next_seq(half: Half) -> int:
    """Return the sequence number behind all that a half had, with its FIN."""
    stop = half.base_seq + half.next_offset
    if half.flags & FINISHED:
        stop += 1
    return stop & LOW32


def relation(forgotten: Forgotten, at: int, segments: Segments, i: int) -> int:
    """Return what row ``i``, which is no SYN, is to a stream that was forgotten.

    Where both sides had ended new payload is another's: who would still send it?
    """
    marks = forgotten.marks(at)
    first = segments.direction[i] == 0
    ours, others = KNOWN_A, KNOWN_B
    if not first:
        ours, others = others, ours
    size = segments.length[i]
    fresh = size > 0
    if marks & ours:
        ahead = delta(segments.seq[i], forgotten.seq(at, first))
        if ahead < -FAR or ahead > FAR:
            return UNRELATED
        fresh = fresh and ahead + size > 0
    if segments.flags[i] & ACK and marks & others:
        ahead = delta(segments.ack[i], forgotten.seq(at, not first))
        if ahead < -FAR or ahead > FAR:
            return UNRELATED
    elif not marks & ours:
        return UNRELATED
    if marks & OVER:
        return UNRELATED if fresh else AGAIN
    return CONTINUES if fresh or segments.flags[i] & (FIN | RST) else AGAIN


def revive(ctx: Context, stream: Stream, forgotten: Forgotten, at: int) -> int:
    """Let a new stream begin where one that was forgotten would go on.

    Returns:
        What its halves take.
    """
    marks = forgotten.marks(at)
    size = 0
    if marks & KNOWN_A:
        stream.half_a = half_at(forgotten.seq(at, True), marks & CLIENT_A != 0)
        size += HALF_BYTES
    if marks & KNOWN_B:
        stream.half_b = half_at(forgotten.seq(at, False), marks & CLIENT_A == 0)
        size += HALF_BYTES
    stream.evidence = BY_EARLIER
    announce(ctx, stream)
    return size


def half_at(seq: int, client: bool) -> Half:
    """Return a half that has sent everything before a sequence number."""
    half = Half()
    half.base_seq = seq
    half.state = OPEN
    half.acked = 0
    if client:
        half.flags |= IS_CLIENT
    return half


def unsigned_words(count: int) -> "memoryview[int]":
    """Return a writable view of ``count`` zeroed 64-bit words."""
    return memoryview(bytearray(8 * count)).cast("Q")
