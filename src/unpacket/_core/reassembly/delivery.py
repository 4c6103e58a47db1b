"""One direction of a stream: deliver what is in order, hold what is not, and say
what is missing.

Everything here is about bytes that the receiver would accept; ``stream`` decides
that. Offsets are 64 bits and never wrap.
"""

from collections import deque

from unpacket._core.constants import (
    FIN,
    FIN_SEEN,
    FINISHED,
    GRACE,
    HAS_CONFLICT,
    HAS_GAP,
    IGNORED,
    NEVER,
    OPEN,
    PIECE_BYTES,
    SIMPLE,
)
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.events import Conflict, Data, Event, Finished, finished
from unpacket._core.reassembly.held import Clash, Held, piece_of
from unpacket._core.reassembly.held import Piece as HeldPiece
from unpacket._core.reassembly.stream import (
    Half,
    HalfExtra,
    Segment,
    Stream,
    direction_of,
)

# How many segments of one half may wait for evidence.
MAX_SUSPECTS = 64


def emit(ctx: Context, half: Half, event: Event) -> None:
    """Give an event of the half out, after those that still wait."""
    extra = half.extra
    if extra is not None and extra.unreleased:
        extra.unreleased.append(event)
    else:
        ctx.events.append(event)


def discard(half: Half, count: int) -> None:
    """Account for payload that belongs to no place in the stream."""
    extra = half.more()
    extra.discarded_bytes += count


def deliver(
    ctx: Context,
    stream: Stream,
    half: Half,
    length: int,
    payload: bytes | None,
    parts: list[HeldPiece] | None,
    frame: int,
    time_ns: int,
) -> None:
    """Deliver the next ``length`` bytes.

    ``payload`` is None where nobody takes them.
    """
    offset = half.next_offset
    half.next_offset = offset + length
    if half.next_offset > half.sent_edge:
        half.sent_edge = half.next_offset
    extra = half.extra
    waits = ctx.acked_only and (
        half.acked < half.next_offset
        # What was acknowledged with this segment has not been given out yet.
        or (extra is not None and extra.unreleased)
    )
    if not waits and (not ctx.want_data or half.flags & IGNORED):
        return
    event = Data.__new__(Data)
    event.stream = stream
    event.direction = direction_of(half)
    event.offset = offset
    event.payload = payload  # type: ignore[assignment]
    event.frame = frame
    event.time_ns = time_ns
    event.parts = parts
    event.acknowledged = True
    if waits:
        extra = half.more()
        if extra.unreleased is None:
            extra.unreleased = deque()
        extra.unreleased.append(event)
        extra.unreleased_bytes += length
        ctx.memory_bytes += length + PIECE_BYTES
        return
    ctx.events.append(event)


def miss(ctx: Context, stream: Stream, half: Half, stop: int, reason: str) -> None:
    """Declare everything up to ``stop`` a gap."""
    extra = half.more()
    offset = half.next_offset
    half.next_offset = stop
    half.flags |= HAS_GAP
    extra.gap_bytes += stop - offset
    extra.gaps += 1
    emit(ctx, half, ctx.gap(stream, half, offset, stop - offset, reason))


def miss_by_evidence(ctx: Context, stream: Stream, half: Half, stop: int) -> None:
    """Declare everything up to ``stop`` a gap, for the reason that ACKs show."""
    start = half.next_offset
    if half.acked < 0:
        miss(ctx, stream, half, stop, "unknown")
        return
    if half.acked > start:
        miss(ctx, stream, half, min(stop, half.acked), "not_captured")
    if half.acked < stop:
        miss(ctx, stream, half, stop, "unacknowledged")


def release(ctx: Context, half: Half, everything: bool) -> None:
    """Give out what the peer has acknowledged by now, or everything."""
    extra = half.extra
    if extra is None or not extra.unreleased:
        return
    waiting = extra.unreleased
    while waiting:
        event = waiting.popleft()
        if isinstance(event, Data):
            data = event
            size = len(data.payload)
            if data.offset < half.acked < data.offset + size:
                head, data = split(data, half.acked)
                give_out(ctx, half, head)
                extra.unreleased_bytes -= size - len(data.payload)
                ctx.memory_bytes -= size - len(data.payload)
                size = len(data.payload)
            if data.offset >= half.acked:
                if not everything:
                    waiting.appendleft(data)
                    break
                data.acknowledged = False
            extra.unreleased_bytes -= size
            ctx.memory_bytes -= size + PIECE_BYTES
            give_out(ctx, half, data)
            continue
        if isinstance(event, Finished) and not everything:
            if half.acked <= half.next_offset:
                waiting.appendleft(event)
                break
        ctx.events.append(event)


def give_out(ctx: Context, half: Half, data: Data) -> None:
    """Let a Data event go to those who want it."""
    if ctx.want_data and not half.flags & IGNORED:
        ctx.events.append(data)


def part(event: Data) -> HeldPiece:
    """Return which packet carried a Data event that has no parts."""
    start = event.offset
    stop = start + len(event.payload)
    return piece_of(start, stop, start, stop, start, None, event.frame, event.time_ns)


def split(event: Data, offset: int) -> tuple[Data, Data]:
    """Return a Data event as two, cut at ``offset``."""
    at = offset - event.offset
    head_parts = []
    tail_parts = []
    for piece in event.parts or (part(event),):
        if piece.start < offset:
            head_parts.append(piece.cut(piece.start, min(piece.stop, offset)))
        if piece.stop > offset:
            tail_parts.append(piece.cut(max(piece.start, offset), piece.stop))
    head = Data(
        event.stream,
        event.direction,
        event.offset,
        event.payload[:at],
        event.frame,
        event.time_ns,
        head_parts,
    )
    tail = Data(
        event.stream,
        event.direction,
        offset,
        event.payload[at:],
        event.frame,
        event.time_ns,
        tail_parts,
    )
    return head, tail


def remember(
    ctx: Context, half: Half, offset: int, payload: bytes | None, frame: int
) -> None:
    """Keep a copy of delivered bytes for comparison with late ones."""
    if ctx.history.window_bytes and payload:
        half.last_record = ctx.history.add_copy(
            half.last_record, offset, payload, frame
        )


def drain(ctx: Context, stream: Stream, half: Half) -> None:
    """Deliver the held bytes that are next, then finish if that was all."""
    # Who drains has held something, or declared a gap.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    held = extra.held
    while held is not None and held.count and held.start == half.next_offset:
        first = held.first()
        if first.payload is None:
            held.pop_first()
            ctx.memory_bytes -= PIECE_BYTES
            miss(ctx, stream, half, first.stop, "truncated")
            continue
        # What nobody takes need not be joined.
        wanted = ctx.acked_only or (ctx.want_data and not half.flags & IGNORED)
        parts = []
        payloads = []
        start = first.start
        stop = start
        while held.count and held.start == stop:
            piece = held.first()
            if piece.payload is None:
                break
            held.pop_first()
            payload = piece.bytes_of(piece.start, piece.stop)
            ctx.memory_bytes -= len(payload) + PIECE_BYTES
            remember(ctx, half, piece.start, payload, piece.frame)
            stop = piece.stop
            if wanted:
                payloads.append(payload)
                piece.payload = None
                parts.append(piece)
        joined = payloads[0] if len(payloads) == 1 else b"".join(payloads)
        deliver(ctx, stream, half, stop - start, joined, parts, ctx.frame, ctx.time_ns)
    finish_if_due(ctx, stream, half)


def finish_if_due(ctx: Context, stream: Stream, half: Half) -> None:
    """Say that the half is whole once its FIN is next."""
    extra = half.extra
    if (
        extra is not None
        and extra.fin_offset == half.next_offset
        and not half.flags & FINISHED
    ):
        half.flags |= FINISHED
        event = finished(stream, direction_of(half), ctx.frame, ctx.time_ns)
        if ctx.acked_only and half.acked <= half.next_offset:
            if extra.unreleased is None:
                extra.unreleased = deque()
            extra.unreleased.append(event)
        else:
            emit(ctx, half, event)


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
        extra.discarded_bytes += start - base
    if start >= stop:
        return
    repeated(extra, seg)
    conflicting = 0
    if ctx.history.window_bytes:
        copy = piece_of(
            start, stop, start, stop, base, seg.payload, seg.frame, seg.time_ns
        )
        clashes = ctx.history.compare(half.last_record, copy)
        if clashes is not None:
            conflicting = clashed(ctx, stream, half, clashes, seg)
    extra.duplicate_bytes += stop - start - conflicting


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
    if stop > half.sent_edge:
        half.sent_edge = stop
    if start < half.next_offset:
        late(ctx, stream, half, seg, base, min(seen, half.next_offset))
        if stop <= half.next_offset:
            if ctx.notes:
                ctx.note(stream, half, "duplicate", base, seg)
            return False
        start = half.next_offset
    if start == half.next_offset and seen == stop and not holds(half):
        payload = seg.payload
        if start > base:
            payload = payload[start - base :]  # type: ignore[index]
        remember(ctx, half, start, payload, seg.frame)
        deliver(ctx, stream, half, stop - start, payload, None, seg.frame, seg.time_ns)
        finish_if_due(ctx, stream, half)
        return overfull(ctx, stream, half, peer)
    extra = half.more()
    if extra.held is None:
        extra.held = Held()
    if start > half.next_offset:
        extra.out_of_order += not seg.copy
        if ctx.notes:
            ctx.note(stream, half, "out_of_order", base, seg)
    if seen > start:
        piece = piece_of(
            start, seen, start, stop, base, seg.payload, seg.frame, seg.time_ns
        )
        hold(ctx, stream, half, piece, seg)
    if stop > seen:
        begin = max(start, seen)
        piece = piece_of(begin, stop, start, stop, begin, None, seg.frame, seg.time_ns)
        hold(ctx, stream, half, piece, seg)
    drain(ctx, stream, half)
    watch(ctx, stream, half)
    return overfull(ctx, stream, half, peer)


def holds(half: Half) -> bool:
    """Return whether any piece waits for bytes before it."""
    extra = half.extra
    return extra is not None and extra.held is not None and extra.held.count > 0


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


def hole_end(half: Half) -> int:
    """Return where the hole at the delivered edge ends, or -1 if there is none."""
    extra = half.extra
    if extra is None:
        return -1
    if extra.held is not None and extra.held.count:
        return extra.held.start
    if extra.fin_offset > half.next_offset:
        return extra.fin_offset
    return -1


def watch(ctx: Context, stream: Stream, half: Half) -> None:
    """Give up the holes that the peer has acknowledged past, after their grace."""
    extra = half.extra
    if ctx.grace_ns < 0 or extra is None or ctx.settling:
        return
    if ctx.grace_ns == 0:
        stop = hole_end(half)
        while stop >= 0 and half.acked >= stop:
            miss(ctx, stream, half, stop, "not_captured")
            drain(ctx, stream, half)
            stop = hole_end(half)
        return
    if extra.grace_ns != NEVER:
        return
    stop = hole_end(half)
    if stop >= 0 and half.acked >= stop:
        extra.grace_ns = ctx.now_ns + ctx.grace_ns
        extra.grace_acked = half.acked
        ctx.set_timer(extra.grace_ns, GRACE, stream, half)


def give_up(ctx: Context, stream: Stream, half: Half, acked: int) -> None:
    """Give up the holes behind whose end a segment of the peer acknowledges bytes."""
    stop = hole_end(half)
    while 0 <= stop < acked:
        miss(ctx, stream, half, stop, "not_captured")
        drain(ctx, stream, half)
        stop = hole_end(half)
    release(ctx, half, False)


def grace_over(ctx: Context, stream: Stream, half: Half) -> None:
    """The grace has passed: what was acknowledged when it began will not come."""
    # Where a grace was set there is one.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    extra.grace_ns = NEVER
    edge = extra.grace_acked
    stop = hole_end(half)
    while stop >= 0 and edge >= stop:
        miss(ctx, stream, half, stop, "not_captured")
        drain(ctx, stream, half)
        stop = hole_end(half)
    release(ctx, half, False)
    watch(ctx, stream, half)


def exceeds(ctx: Context, half: Half, other: Half | None) -> bool:
    """Return whether what ``half`` holds (with ``other``'s, if any) is too much."""
    extra = half.extra
    if extra is None or extra.held is None:
        return False
    held = extra.held
    size = held.payload_bytes
    count = held.count
    if other is not None and other.extra is not None:
        extra = other.extra
        if extra.held is not None:
            size += extra.held.payload_bytes
            count += extra.held.count
    return (
        size > ctx.max_held_bytes
        or count > ctx.max_held_segments
        or (held.count and held.stop - half.next_offset > ctx.max_held_span)
        or held.runs > ctx.max_holes
        or ctx.memory_bytes > ctx.memory_limit
    )


def overfull(ctx: Context, stream: Stream, half: Half, peer: Half | None) -> bool:
    """Enforce the bounds on what waits; return whether that closes the stream."""
    extra = half.extra
    if extra is None:
        return False
    if extra.unreleased and (
        extra.unreleased_bytes > ctx.max_held_bytes
        or len(extra.unreleased) > ctx.max_held_segments
    ):
        release(ctx, half, True)
    other = peer if ctx.together else None
    while extra.held is not None and extra.held.count and exceeds(ctx, half, other):
        if ctx.close_at_limit:
            return True
        miss(ctx, stream, half, extra.held.start, "limit")
        drain(ctx, stream, half)
    return False


def acknowledged(ctx: Context, stream: Stream, half: Half, peer: Half | None) -> bool:
    """The peer has acknowledged more: decide what waited for that.

    Returns:
        Whether a limit was reached that closes the stream.
    """
    extra = half.extra
    if extra is None:
        return False
    closes = False
    if extra.suspects:
        closes = settle_suspects(ctx, stream, half, peer, False)
    if extra.fin_offset >= 0 and half.acked > extra.fin_offset + 1:
        if not half.flags & FINISHED:
            # The peer took bytes beyond it: the FIN was no FIN of this half.
            extra.fin_offset = -1
    release(ctx, half, False)
    watch(ctx, stream, half)
    release(ctx, half, False)
    return closes


def suspect(
    ctx: Context,
    stream: Stream,
    half: Half,
    peer: Half | None,
    seg: Segment,
    base: int,
    reason: str,
) -> bool:
    """Keep a segment until it is clear whether the receiver accepted it.

    Returns:
        Whether a limit was reached that closes the stream.
    """
    extra = half.more()
    if extra.suspects is None:
        extra.suspects = []
    extra.suspects.append((base, reason, seg))
    ctx.memory_bytes += seg.captured + PIECE_BYTES
    if len(extra.suspects) > MAX_SUSPECTS or ctx.memory_bytes > ctx.memory_limit:
        return settle_oldest(ctx, stream, half, peer)
    return False


def settle_oldest(ctx: Context, stream: Stream, half: Half, peer: Half | None) -> bool:
    """Decide about the oldest suspect without evidence, since there are too many.

    A far TTL alone is weak evidence against bytes that nobody contradicts; bytes
    that the peer never allowed are not believed.

    Returns:
        Whether a limit was reached that closes the stream.
    """
    # It has the suspect.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    base, reason, seg = extra.suspects.pop(0)  # type: ignore[union-attr]
    closes = settle_one(ctx, stream, half, peer, seg, base, reason, reason == "ttl")
    # The way has changed, it seems: what else came by it is no suspect any more.
    keep: list[tuple[int, str, Segment]] = []
    suspects = extra.suspects
    extra.suspects = keep
    for base, reason, seg in suspects:  # type: ignore[union-attr]
        if reason == "ttl" and not far_ttl(ctx, half, seg):
            closes |= settle_one(ctx, stream, half, peer, seg, base, reason, True)
        else:
            keep.append((base, reason, seg))
    return closes


def far_ttl(ctx: Context, half: Half, seg: Segment) -> bool:
    """Return whether a segment's TTL is far from its half's own."""
    hops = seg.ttl
    hops -= half.ttl
    return half.ttl != 0 and (hops >= ctx.ttl_distance or -hops >= ctx.ttl_distance)


def settle_suspects(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, at_end: bool
) -> bool:
    """Accept the suspects that the peer has acknowledged; at the end, decide all.

    Returns:
        Whether a limit was reached that closes the stream.
    """
    # It has the suspects.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    closes = False
    keep: list[tuple[int, str, Segment]] = []
    suspects = extra.suspects
    extra.suspects = keep
    silent = at_end and (peer is None or peer.packets == 0)
    # A hole that one of them leaves may be filled by the next.
    ctx.settling = True
    for base, reason, seg in suspects:  # type: ignore[union-attr]
        stop = base + seg.length
        # A FIN has a sequence number of its own.
        wanted = stop
        if seg.flags & FIN and not at_end:
            wanted += 1
        accepted = half.acked >= wanted or (silent and reason != "window")
        partly = reason == "fast_open" and 0 <= half.acked < stop
        if not accepted and not partly and not at_end:
            keep.append((base, reason, seg))
            continue
        if partly and half.acked > base:
            # The peer took less of the SYN's data (RFC 7413 section 4.2.2).
            refuse_rest(ctx, stream, half, seg, base, half.acked - base)
            accepted = True
        closes |= settle_one(ctx, stream, half, peer, seg, base, reason, accepted)
    ctx.settling = False
    return closes


def refuse_rest(
    ctx: Context, stream: Stream, half: Half, seg: Segment, base: int, size: int
) -> None:
    """Reject what a suspect has beyond its first ``size`` bytes."""
    # A suspect has its payload.
    payload: bytes = seg.payload  # type: ignore[assignment]
    seg.payload = payload[size:]
    seg.captured = len(seg.payload)
    ctx.memory_bytes -= seg.captured
    ctx.reject(stream, half, "fast_open", seg, base + size)
    seg.payload = payload[:size]
    seg.captured = len(seg.payload)
    seg.length = size


def settle_one(
    ctx: Context,
    stream: Stream,
    half: Half,
    peer: Half | None,
    seg: Segment,
    base: int,
    reason: str,
    accepted: bool,
) -> bool:
    """Accept a suspect or reject it.

    One whose bytes others contradict is rejected as a whole: no receiver has a
    mixture.

    Returns:
        Whether a limit was reached that closes the stream.
    """
    ctx.memory_bytes -= seg.captured + PIECE_BYTES
    # It had the suspect.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    if 0 <= extra.fin_offset < base + seg.length:
        ctx.reject(stream, half, "after_fin", seg, base)
        return False
    if reason == "fast_open" and base != 0:
        # Its SYN was not the true one.
        accepted = False
    if not accepted or (seg.length and contradicted(ctx, half, seg, base)):
        ctx.reject(stream, half, reason, seg, base)
        return False
    if reason == "ttl" and base >= half.next_offset:
        half.ttl = seg.ttl
    closes = False
    if seg.length:
        closes = accept(ctx, stream, half, peer, seg, base)
    if seg.flags & FIN:
        settle_fin(ctx, stream, half, seg, base, reason)
    return closes


def settle_fin(
    ctx: Context, stream: Stream, half: Half, seg: Segment, base: int, reason: str
) -> None:
    """Believe the FIN of a suspect, unless the half goes on beyond it."""
    extra = half.more()
    stop = base + seg.length
    if extra.fin_offset < 0:
        if stop >= half.sent_edge and stop >= half.next_offset:
            if half.acked <= stop + 1:
                extra.fin_offset = stop
                half.flags |= FIN_SEEN
                finish_if_due(ctx, stream, half)
                return
        if seg.length == 0:
            ctx.reject(stream, half, reason, seg, base)


def contradicted(ctx: Context, half: Half, seg: Segment, base: int) -> bool:
    """Return whether delivered or held bytes differ from a segment's."""
    stop = base + seg.captured
    piece = piece_of(base, stop, base, stop, base, seg.payload, seg.frame, seg.time_ns)
    if base < half.next_offset and ctx.history.window_bytes:
        if ctx.history.compare(half.last_record, piece) is not None:
            return True
    # It had the suspect.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    return extra.held is not None and extra.held.differs(piece)


def skip(ctx: Context, stream: Stream, half: Half, stop: int) -> None:
    """Go on at ``stop``: the holes before it are gaps that nobody waits for."""
    extra = half.extra
    if extra is not None and extra.fin_offset >= 0:
        stop = min(stop, extra.fin_offset)
    end = hole_end(half)
    while half.next_offset < stop and 0 <= end < stop:
        miss(ctx, stream, half, end, "skipped")
        drain(ctx, stream, half)
        end = hole_end(half)
    if half.next_offset < stop:
        miss(ctx, stream, half, stop, "skipped")
        drain(ctx, stream, half)


def flush(ctx: Context, stream: Stream, half: Half | None, peer: Half | None) -> None:
    """Deliver or give up everything that still waits: the stream ends."""
    if half is None or half.state != OPEN:
        return
    extra = half.extra
    if extra is not None and extra.suspects:
        settle_suspects(ctx, stream, half, peer, True)
    ctx.ending = True
    stop = hole_end(half)
    while stop >= 0:
        miss_by_evidence(ctx, stream, half, stop)
        drain(ctx, stream, half)
        stop = hole_end(half)
    fin = -1 if extra is None else extra.fin_offset
    # One byte beyond the edge is the FIN's sequence number, where no FIN was
    # captured (RFC 9293 section 3.4).
    if fin < 0 and half.acked > half.next_offset + 1:
        miss(ctx, stream, half, half.acked, "not_captured")
    ctx.ending = False
    release(ctx, half, True)


def settle(half: Half) -> None:
    """Take the fast path again if nothing unusual is left."""
    extra = half.extra
    if half.state == OPEN and (
        extra is None
        or (
            extra.fin_offset < 0
            and not extra.suspects
            and not extra.unreleased
            and not extra.isns
            and extra.tracker is None
            and (extra.held is None or extra.held.count == 0)
        )
    ):
        half.flags |= SIMPLE
