# cython: nonecheck=False, initializedcheck=False
# cython: boundscheck=False, overflowcheck=False
"""The ordinary segment: of an enlisted stream, in order, and nothing to ask about.

Nearly every segment is one, so this loop is what reassembly costs. Whatever is
unusual in the least it leaves to the complete way, and changes nothing. It touches no
object of Python's, so that other threads can run meanwhile; what it delivers it writes
down, and ``tell`` makes the events of it.

The checks of index and overflow are off in this file: with them it took 840
instructions a segment, without them 300. Rows are below ``segments.count``, which
no column is shorter than; ``place`` is masked by the table's size, an entry names a
slot that there is, and ``rows`` a row of the ledger. Times are between two limits
that ``quick_run`` makes, all within 63 bits; the other numbers are lengths of 32
bits or counts, and sequence numbers are meant modulo 2**32.
"""

from unpacket._core.constants import (
    ACK,
    CHUNK,
    DELIVERED_OFFSET,
    DELIVERED_ROW,
    DELIVERED_SIDE,
    DELIVERED_SLOT,
    DELIVERY_WORDS,
    HALF32,
    HASH_SHIFT,
    IGNORED,
    IS_CLIENT,
    KEY_A_HI,
    KEY_A_LO,
    KEY_B_HI,
    KEY_B_LO,
    KEY_OWNER,
    KEY_PORTS,
    LATEST_NS,
    LOW32,
    MAX_COPIES,
    NO_TICK,
    NONE,
    ODD,
    ONE_COPY,
    OWNER_SHIFT,
    ROW_A,
    ROW_ACKED,
    ROW_B,
    ROW_BYTES,
    ROW_FLAGS,
    ROW_LAST,
    ROW_NEXT,
    ROW_PACKETS,
    ROW_RECORD,
    ROW_SEEN,
    ROW_SEQ,
    ROW_WINDOW,
    ROW_WORDS,
    SCALING_SHIFT,
    SLOT_BITS,
    SLOT_MASK,
    SUM_GOOD,
    TAG_SHIFT,
    TIMESTAMPS,
    TTL_SHIFT,
)
from unpacket._core.decode.segments import BAD, GOOD, Segments
from unpacket._core.memory.batch import Batch
from unpacket._core.native import memory
from unpacket._core.native import octets as native
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.direction import CLIENT, SERVER
from unpacket._core.reassembly.events import Data
from unpacket._core.reassembly.stream import Stream
from unpacket._core.reassembly.table import FlowTable

# What an ordinary segment has of these is ACK alone.
NOT_PLAIN = 0x37 | ODD

# An acknowledgement that is older may be too old to be believed.
OLD_ACK = 65535


CHUNK_MASK = CHUNK - 1


def quick_run(
    ctx: Context, table: FlowTable, segments: Segments, batch: Batch, i: int, stop: int
) -> int:
    """Process rows from ``i`` on, before ``stop``; return the first that is left."""
    segments.delivered_words = 0
    # Many runs end where they begin, behind a segment that was no ordinary one.
    if table.tick == NO_TICK or i >= stop or segments.flags[i] & NOT_PLAIN != ACK:
        return i
    skew_ns = ctx.skew_ns
    if skew_ns < -LATEST_NS:
        # Times so far apart that their difference is no number of 64 bits.
        return i
    words = table.ledger.signed
    unsigned = table.ledger.unsigned
    # Before the one the clock goes back, from the other on something is due.
    earliest_ns = ctx.now_ns + skew_ns
    latest_ns = min(ctx.next_timer_ns, LATEST_NS - skew_ns) + skew_ns
    mask = table.mask
    exact = ctx.window_exact
    # Of a window that the capture need not have seen to grow.
    slack = 1 if exact else 2
    begun = i
    delivered = 0
    enough = DELIVERY_WORDS if ctx.each_delivery else NONE
    while i < stop:
        if i & CHUNK_MASK == 0:
            prefetch(table, segments, i)
        time_ns = segments.time_ns[i]
        if (
            time_ns < earliest_ns
            or time_ns >= latest_ns
            or segments.flags[i] & NOT_PLAIN != ACK
        ):
            break
        hashed = segments.hash[i]
        place = (hashed >> HASH_SHIFT) & mask
        tag = hashed >> TAG_SHIFT
        entry = table.entries[place]
        while entry != 0 and entry >> SLOT_BITS != tag:
            place = (place + 1) & mask
            entry = table.entries[place]
        if entry == 0:
            break
        slot = (entry & SLOT_MASK) - 1
        row = ROW_WORDS * table.rows[slot]
        ports = segments.context[i]
        ports = ports << 32 | segments.ports[i]
        if (
            unsigned[row + KEY_A_LO] != segments.a_lo[i]
            or unsigned[row + KEY_B_LO] != segments.b_lo[i]
            or unsigned[row + KEY_A_HI] != segments.a_hi[i]
            or unsigned[row + KEY_B_HI] != segments.b_hi[i]
            or unsigned[row + KEY_PORTS] != ports
            or words[row + KEY_OWNER] != slot << OWNER_SHIFT | segments.family[i]
            or time_ns - skew_ns - words[row + ROW_SEEN] >= ctx.quiet_ns
        ):
            # Not enlisted, or its time may be over, or another of the tag follows.
            break
        half = row + (ROW_A if segments.direction[i] == 0 else ROW_B)
        peer = 2 * row + ROW_A + ROW_B - half
        offset = words[half + ROW_NEXT]
        sequences = unsigned[half + ROW_SEQ]
        if segments.seq[i] != (sequences + offset) & LOW32:
            break
        state = unsigned[half + ROW_FLAGS]
        checksum = segments.checksum[i]
        if checksum == BAD and ctx.checksum_rule:
            if ctx.checksum_rule == 2 or state & SUM_GOOD:
                break
        timed = segments.has_timestamp[i]
        recent = segments.tsval[i]
        if timed:
            # A half that never agreed on timestamps goes the other way.
            if not state & TIMESTAMPS:
                break
            if (recent - (sequences >> 32)) & LOW32 >= HALF32:
                break
        window = segments.window[i]
        if window == 0:
            break
        acked = words[peer + ROW_ACKED]
        ahead = segments.ack[i]
        ahead -= unsigned[peer + ROW_SEQ] & LOW32
        ahead = ((ahead - acked + HALF32) & LOW32) - HALF32
        if ahead > words[peer + ROW_NEXT] - acked or ahead < -OLD_ACK:
            break
        if acked + ahead < 0:
            # Not even the SYN.
            break
        copied = segments.copy[i] > 0
        if copied and ctx.duplicates < MAX_COPIES:
            # These are named.
            break
        length = segments.length[i]
        if length:
            if exact and offset + length > words[half + ROW_WINDOW]:
                break
            hops = segments.ttl[i]
            hops -= state >> TTL_SHIFT & 0xFF
            if (
                segments.captured[i] != length
                or hops >= ctx.ttl_distance
                or -hops >= ctx.ttl_distance
                or ctx.acked_only
                or segments.source[i] >= 0
            ):
                break
        if timed:
            unsigned[half + ROW_SEQ] = recent << 32 | sequences & LOW32
        if checksum == GOOD:
            unsigned[half + ROW_FLAGS] = state | SUM_GOOD
        if ahead > 0:
            acked += ahead
            words[peer + ROW_ACKED] = acked
        edge = acked + slack * (window << (state >> SCALING_SHIFT & 0xFF))
        if edge > words[peer + ROW_WINDOW]:
            words[peer + ROW_WINDOW] = edge
        words[half + ROW_PACKETS] += 1
        if copied:
            words[half + ROW_PACKETS] += ONE_COPY
            ctx.duplicates += 1
        words[row + ROW_SEEN] = time_ns - skew_ns
        if time_ns > words[row + ROW_LAST]:
            words[row + ROW_LAST] = time_ns
        if length:
            words[half + ROW_BYTES] += length
            words[half + ROW_NEXT] = offset + length
            if ctx.history.window_bytes:
                words[half + ROW_RECORD] = ctx.history.add(
                    words[half + ROW_RECORD],
                    offset,
                    length,
                    segments.start[i],
                    batch.first_number + segments.index[i],
                )
            if ctx.want_data and not state & IGNORED:
                segments.delivered[delivered + DELIVERED_ROW] = i
                segments.delivered[delivered + DELIVERED_SLOT] = slot
                segments.delivered[delivered + DELIVERED_OFFSET] = offset
                segments.delivered[delivered + DELIVERED_SIDE] = state & IS_CLIENT
                delivered += DELIVERY_WORDS
        earliest_ns = time_ns
        i += 1
        if delivered == enough:
            break
    if i > begun:
        ctx.now_ns = earliest_ns - skew_ns
        ctx.time_ns = earliest_ns
        ctx.frame = batch.first_number + segments.index[i - 1]
    segments.delivered_words = delivered
    return i


def tell(ctx: Context, table: FlowTable, segments: Segments, batch: Batch) -> None:
    """Make the events of what the last run delivered."""
    for at in range(0, segments.delivered_words, DELIVERY_WORDS):
        stream = table.streams[segments.delivered[at + DELIVERED_SLOT]]
        payload = delivered_octets(segments, batch, at)
        ctx.events.append(delivered_data(segments, batch, at, stream, payload))  # type: ignore[arg-type]
    segments.delivered_words = 0


def delivered_octets(segments: Segments, batch: Batch, at: int) -> bytes:
    """Return the payload of the delivery at ``at``."""
    i = segments.delivered[at + DELIVERED_ROW]
    return native.octets(batch, segments.start[i], segments.length[i])


def delivered_data(
    segments: Segments, batch: Batch, at: int, stream: Stream, payload: bytes
) -> Data:
    """Make the event of the delivery at ``at``."""
    i = segments.delivered[at + DELIVERED_ROW]
    event = Data.__new__(Data)
    event.stream = stream
    event.direction = CLIENT if segments.delivered[at + DELIVERED_SIDE] else SERVER
    event.offset = segments.delivered[at + DELIVERED_OFFSET]
    event.payload = payload
    event.frame = batch.first_number + segments.index[i]
    event.time_ns = segments.time_ns[i]
    event.ack = segments.ack[i]
    event.parts = None
    event.acknowledged = True
    event.doubts = 0
    return event


def prefetch(table: FlowTable, segments: Segments, start: int) -> int:
    """Ask for the memory that the rows from ``start`` on will need.

    In two steps of CHUNK rows each, so that the waits overlap and nothing is pushed
    out of the cache before its turn.
    """
    mask = table.mask
    entries = table.entries
    rows = table.rows
    words = table.ledger.signed
    count = segments.count
    first = start + CHUNK if start else 0
    for i in range(first, min(count, start + 2 * CHUNK)):
        memory.prefetch(entries, (segments.hash[i] >> HASH_SHIFT) & mask)
    for i in range(start, min(count, start + CHUNK)):
        entry = entries[(segments.hash[i] >> HASH_SHIFT) & mask]
        if entry:
            row = ROW_WORDS * rows[(entry & SLOT_MASK) - 1]
            memory.prefetch(words, row)
            memory.prefetch(words, row + ROW_A)
            memory.prefetch(words, row + ROW_B)
    return 0
