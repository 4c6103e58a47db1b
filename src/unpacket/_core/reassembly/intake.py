"""Payload that a receiver would accept: delivered at once, held, or accounted for.

Offsets are 64 bits and never wrap. What overlaps is compared, and counted once.
"""

from unpacket._core.constants import ACK, FIN, FIN_SEEN, FINISHED, HAS_CONFLICT
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.costs import BUFFER_BYTES, PIECE_BYTES
from unpacket._core.reassembly.delivery import (
    deliver,
    discard,
    drain,
    emit,
    end_at_fin,
    finish_if_due,
    mark,
    refute_fin,
    remember,
)
from unpacket._core.reassembly.events import Conflict
from unpacket._core.reassembly.gaps import watch
from unpacket._core.reassembly.half import Half, HalfExtra, direction_of
from unpacket._core.reassembly.held import (
    AT_ONCE,
    BY_PLACE,
    Clash,
    Held,
    fin_of,
    piece_of,
)
from unpacket._core.reassembly.held import Piece as HeldPiece
from unpacket._core.reassembly.limits import overfull
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream


def clashed(
    ctx: Context, stream: Stream, half: Half, clashes: list[Clash], seg: Segment
) -> int:
    """Report conflicts; return how many bytes they are about."""
    extra = half.more()
    half.flags |= HAS_CONFLICT
    total = 0
    for found in clashes:
        total += len(found.kept)
        extra.conflicts += 1
        emit(
            ctx,
            half,
            Conflict(
                stream,
                direction_of(half),
                found.offset,
                found.kept,
                found.other,
                found.winner.frame,
                found.loser.frame,
                seg.frame,
                seg.time_ns,
            ),
        )
    extra.conflict_bytes += total
    return total


def repeated(extra: HalfExtra, seg: Segment) -> None:
    """Count a segment that brings again what was seen, once."""
    if not seg.copy and not seg.counted:
        seg.counted = True
        extra.retransmissions += 1


def late(
    ctx: Context, stream: Stream, half: Half, seg: Segment, base: int, stop: int
) -> None:
    """Account for the first bytes of a segment, up to ``stop``: they are not new.

    ``base`` is the offset of the segment's first byte.
    """
    extra = half.more()
    start = base
    if start < 0:
        start = min(0, stop)
        discard(half, start - base, "before_start")
    if start >= stop:
        return
    repeated(extra, seg)
    absent = 0
    if extra.missing is not None:
        absent = overlap_of(extra.missing, start, stop)
        discard(half, absent, "after_gap")
    conflicting = 0
    if ctx.history.window_bytes:
        copy = piece_of(
            start, stop, start, stop, base, seg.payload, seg.frame, seg.time_ns
        )
        clashes = ctx.history.compare(half.last_record, copy)
        if clashes is not None:
            conflicting = clashed(ctx, stream, half, clashes, seg)
    extra.duplicate_bytes += stop - start - conflicting - absent


def overlap_of(ranges: list[tuple[int, int, str]], start: int, stop: int) -> int:
    """Return how many of the offsets ``[start, stop)`` lie in ranges."""
    total = 0
    for low, high, _reason in ranges:
        total += max(0, min(high, stop) - max(low, start))
    return total


def expect_urgent(half: Half, seg: Segment, base: int) -> None:
    """Note which byte the urgent pointer of an accepted segment means.

    Linux knows one at a time, and takes the pointer as BSD did: behind the byte
    (tcp_check_urg). A later one makes the byte before it ordinary again, if that was
    not read yet; here the program reads whatever is in order at once.
    """
    if base + seg.length < half.acked:
        # Older than what its receiver has acknowledged: dropped (tcp_sequence).
        return
    offset = base + (seg.urgent - 1 if seg.urgent else 0)
    extra = half.more()
    if offset >= half.next_offset and offset > extra.urgent_offset:
        extra.urgent_offset = offset


def accept(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, seg: Segment, base: int
) -> bool:
    """Take the payload of a segment that the receiver would accept.

    ``base`` is the offset of its first byte.

    Returns:
        Whether a limit was reached that closes the stream.
    """
    start = base
    stop = base + seg.length
    seen = base + seg.captured
    # Where a FIN is the last position of what is held.
    fin = ctx.wins == BY_PLACE and seg.flags & FIN != 0 and half.flags & FINISHED == 0
    if stop > half.sent_edge:
        half.sent_edge = stop
    if seg.captured < seg.length and came_before(half, start, stop):
        # There may be no byte of it to compare.
        repeated(half.more(), seg)
    if start < half.next_offset:
        late(ctx, stream, half, seg, base, min(seen, half.next_offset))
        if stop < half.next_offset or (stop == half.next_offset and not fin):
            if ctx.notes:
                ctx.note(stream, half, "duplicate", base, seg)
            if seg.flags & FIN:
                finish_if_due(ctx, stream, half)
            return False
        start = half.next_offset
    if half.extra is not None and start <= half.next_offset:
        if start < half.extra.fin_offset < stop:
            # What is in order beats what waits, a FIN too.
            refute_fin(ctx, stream, half)
    if start == half.next_offset and seen == stop and not holds(half):
        payload = seg.payload
        if start > base:
            payload = payload[start - base :]  # type: ignore[index]
        if stop > start:
            remember(ctx, half, start, payload, seg.frame)
            if seg.doubts:
                mark(half, seg.doubts, stop - start)
            deliver(
                ctx,
                stream,
                half,
                stop - start,
                payload,
                None,
                seg.frame,
                seg.time_ns,
                seg.ack if seg.flags & ACK else -1,
                seg.doubts,
            )
        if fin:
            if half.flags & FIN_SEEN and half.more().fin_offset == half.next_offset:
                repeated(half.more(), seg)
            end_at_fin(ctx, stream, half, seg.frame, seg.time_ns)
        finish_if_due(ctx, stream, half)
        return overfull(ctx, stream, half, peer)
    extra = half.more()
    if extra.held is None:
        extra.held = Held()
    if start > half.next_offset:
        extra.out_of_order += not seg.copy
        if ctx.notes:
            ctx.note(stream, half, "out_of_order", base, seg)
    origin = start
    if ctx.wins == BY_PLACE:
        origin = AT_ONCE
        if start > half.next_offset:
            origin = place(ctx, stream, half, seg, start, stop + fin)
            shift = extra.held.shift()
            if shift:
                # It became one buffer with a FIN before it.
                base -= shift
                start -= shift
                seen -= shift
                stop -= shift
                fin = True
    if seen > start:
        piece = piece_of(
            start,
            seen,
            origin,
            stop,
            base,
            seg.payload,
            seg.frame,
            seg.time_ns,
            seg.ack if seg.flags & ACK else -1,
        )
        piece.doubts = seg.doubts
        hold(ctx, stream, half, piece, seg)
    begin = max(start, seen)
    if stop > begin:
        piece = piece_of(begin, stop, origin, stop, begin, None, seg.frame, seg.time_ns)
        hold(ctx, stream, half, piece, seg)
    if fin:
        piece = fin_of(stop, origin, seg.frame, seg.time_ns)
        hold(ctx, stream, half, piece, seg)
    drain(ctx, stream, half)
    watch(ctx, stream, half)
    return overfull(ctx, stream, half, peer)


def came_before(half: Half, start: int, stop: int) -> bool:
    """Return whether a segment was captured that has any of ``[start, stop)``."""
    if start < half.next_offset:
        return True
    return holds(half) and half.extra.held.overlaps(start, stop)  # type: ignore[union-attr]


def holds(half: Half) -> bool:
    """Return whether any piece waits for bytes before it."""
    extra = half.extra
    return extra is not None and extra.held is not None and extra.held.count > 0


def place(
    ctx: Context, stream: Stream, half: Half, seg: Segment, start: int, stop: int
) -> int:
    """Return the ``origin`` of a segment's pieces, as Linux would queue it."""
    # Both are there: `accept` made them.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    held: Held = extra.held  # type: ignore[assignment]
    before = held.buffers()
    packet_bytes = seg.length + 20 + (20 if stream.family == 4 else 40)
    if seg.has_timestamp:
        packet_bytes += 12
    if seg.sacks:
        packet_bytes += 4 + 8 * len(seg.sacks)
    origin = held.place(start, stop, seg.length, packet_bytes)
    ctx.memory_bytes += (held.buffers() - before) * BUFFER_BYTES
    return origin


def hold(
    ctx: Context, stream: Stream, half: Half, piece: HeldPiece, seg: Segment
) -> None:
    """Put a piece among those that wait, and account for what overlaps."""
    # Both are there: `accept` made them.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    held: Held = extra.held  # type: ignore[assignment]
    before_bytes = held.payload_bytes
    before_count = held.count
    clashes = held.add(piece, ctx.wins)
    lost = piece.size() - (held.payload_bytes - before_bytes)
    ctx.memory_bytes += held.payload_bytes - before_bytes
    ctx.memory_bytes += (held.count - before_count) * PIECE_BYTES
    conflicting = 0
    if clashes:
        conflicting = clashed(ctx, stream, half, clashes, seg)
    extra.duplicate_bytes += lost - conflicting
    if lost:
        repeated(extra, seg)
