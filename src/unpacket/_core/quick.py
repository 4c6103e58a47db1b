# cython: nonecheck=False, initializedcheck=False
# cython: boundscheck=False, overflowcheck=False
"""The ordinary segment: of a known stream, in order, and nothing to be asked about.

Nearly every segment is one, so this loop is what reassembly costs. Whatever is
unusual in the least it leaves to the complete way, and changes nothing.

The checks of index and overflow are off in this file: with them it took 840
instructions a segment, without them 300. Rows are below ``segments.count``, which
no column is shorter than; ``place`` is masked by the table's size, and an entry
names a slot that there is. Times are between two limits that ``run`` makes, all
within 63 bits; the other numbers are lengths of 32 bits or counts.
"""

from unpacket._core import inline_memory as memory
from unpacket._core import inline_octets as native
from unpacket._core.batch import Batch
from unpacket._core.constants import (
    ACK,
    CHUNK,
    HASH_SHIFT,
    IGNORED,
    NO_TICK,
    SIMPLE,
    SLOT_BITS,
    SLOT_MASK,
    SUM_GOOD,
    TAG_SHIFT,
    TIMESTAMPS,
    ZERO_WINDOW,
)
from unpacket._core.context import Context
from unpacket._core.events import Data
from unpacket._core.segments import BAD, GOOD, Segments
from unpacket._core.state import Half, Stream, direction_of
from unpacket._core.table import FlowTable

FIN_SYN_RST_ACK = 0x17

LOW32 = 0xFFFFFFFF
HALF32 = 0x80000000

CHUNK_MASK = CHUNK - 1

# As in the assembler: beyond it times are not to be calculated with.
LATEST_NS = (1 << 62) - 1


def run(
    ctx: Context, table: FlowTable, segments: Segments, batch: Batch, i: int, stop: int
) -> int:
    """Process rows from ``i`` on, before ``stop``; return the first that is left."""
    if table.tick == NO_TICK:
        return i
    history = ctx.history
    skew_ns = ctx.skew_ns
    # Before the one the clock goes back, from the other on something is due.
    earliest_ns = ctx.now_ns + skew_ns
    latest_ns = min(ctx.next_timer_ns, LATEST_NS - skew_ns) + skew_ns
    mask = table.mask
    begun = i
    stream: Stream
    while i < stop:
        if i & CHUNK_MASK == 0:
            prefetch(table, segments, i)
        time_ns = segments.time_ns[i]
        if (
            time_ns < earliest_ns
            or time_ns >= latest_ns
            or segments.flags[i] & FIN_SYN_RST_ACK != ACK
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
        # An entry has no free slot.
        stream = table.streams[(entry & SLOT_MASK) - 1]  # type: ignore[assignment]
        if (
            stream.a_lo != segments.a_lo[i]
            or stream.b_lo != segments.b_lo[i]
            or stream.ports != segments.ports[i]
            or stream.context != segments.context[i]
            or stream.family != segments.family[i]
            or stream.a_hi != segments.a_hi[i]
            or stream.b_hi != segments.b_hi[i]
            or time_ns - skew_ns - stream.seen_ns > ctx.quiet_ns
        ):
            # Another of the same tag may follow, or the stream's time may be over.
            break
        if segments.direction[i] == 0:
            half = stream.half_a
            peer = stream.half_b
        else:
            half = stream.half_b
            peer = stream.half_a
        if (
            half is None
            or peer is None
            or half.flags & (SIMPLE | ZERO_WINDOW) != SIMPLE
            or peer.flags & (SIMPLE | ZERO_WINDOW) != SIMPLE
        ):
            break
        offset = half.next_offset
        if segments.seq[i] != (half.base_seq + offset) & LOW32:
            break
        checksum = segments.checksum[i]
        if checksum == BAD and ctx.checksum_rule:
            if ctx.checksum_rule == 2 or half.flags & SUM_GOOD:
                break
        timed = segments.has_timestamp[i]
        if timed:
            # A half that never agreed on timestamps goes the other way.
            if not half.flags & TIMESTAMPS:
                break
            if (segments.tsval[i] - half.ts_recent) & LOW32 >= HALF32:
                break
        window = segments.window[i]
        acked = peer.acked
        if window == 0 or acked < 0:
            break
        ahead = segments.ack[i]
        ahead = ((ahead - peer.base_seq - acked + HALF32) & LOW32) - HALF32
        if ahead > peer.next_offset - acked:
            break
        length = segments.length[i]
        if length:
            ttl = segments.ttl[i]
            if (
                segments.captured[i] != length
                or ttl - half.ttl >= ctx.ttl_distance
                or half.ttl - ttl >= ctx.ttl_distance
                or ctx.acked_only
            ):
                break
        if timed:
            half.ts_recent = segments.tsval[i]
        if checksum == GOOD:
            half.flags |= SUM_GOOD
        if ahead > 0:
            acked += ahead
            peer.acked = acked
        edge = acked + 2 * (window << half.shift)
        if edge > peer.window_edge:
            peer.window_edge = edge
        half.packets += 1
        stream.seen_ns = time_ns - skew_ns
        if time_ns > stream.last_ns:
            stream.last_ns = time_ns
        if length:
            half.payload_bytes += length
            half.next_offset = offset + length
            half.sent_edge = offset + length
            frame = batch.first_number + segments.index[i]
            start = segments.start[i]
            wanted = ctx.want_data and not half.flags & IGNORED
            if segments.source[i] < 0:
                if history.window_bytes:
                    half.last_record = history.add(
                        half.last_record, offset, length, start, frame
                    )
                if wanted:
                    payload = native.octets(batch, start, length)
            else:
                side = segments.side[segments.source[i]]
                payload = side[start : start + length]
                if history.window_bytes:
                    half.last_record = history.add_copy(
                        half.last_record, offset, payload, frame
                    )
            if wanted:
                give(ctx, stream, half, offset, payload, frame, time_ns)
        earliest_ns = time_ns
        i += 1
    if i > begun:
        ctx.now_ns = earliest_ns - skew_ns
        ctx.time_ns = earliest_ns
        ctx.frame = batch.first_number + segments.index[i - 1]
    return i


def prefetch(table: FlowTable, segments: Segments, start: int) -> None:
    """Ask for the memory that the rows from ``start`` on will need.

    In three steps of CHUNK rows each, the next row's slot first, so that the waits
    overlap and nothing is pushed out of the cache before its turn.
    """
    mask = table.mask
    entries = table.entries
    streams = table.streams
    count = segments.count
    first = start + 2 * CHUNK if start else 0
    for i in range(first, min(count, start + 3 * CHUNK)):
        memory.prefetch_entry(entries, (segments.hash[i] >> HASH_SHIFT) & mask)
    first = start + CHUNK if start else 0
    for i in range(first, min(count, start + 2 * CHUNK)):
        entry = entries[(segments.hash[i] >> HASH_SHIFT) & mask]
        if entry:
            memory.prefetch_stream(streams, (entry & SLOT_MASK) - 1)
    for i in range(start, min(count, start + CHUNK)):
        entry = entries[(segments.hash[i] >> HASH_SHIFT) & mask]
        if entry:
            memory.prefetch_halves(streams, (entry & SLOT_MASK) - 1)


def give(
    ctx: Context,
    stream: Stream,
    half: Half,
    offset: int,
    payload: bytes,
    frame: int,
    time_ns: int,
) -> None:
    """Add a Data event."""
    event = Data.__new__(Data)
    event.stream = stream
    event.direction = direction_of(half)
    event.offset = offset
    event.payload = payload
    event.frame = frame
    event.time_ns = time_ns
    event.parts = None
    event.acknowledged = True
    ctx.events.append(event)
