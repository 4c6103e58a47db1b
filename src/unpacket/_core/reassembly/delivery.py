"""Bytes that are next in a half, on their way out: at once, or as acknowledged.

Everything here is about bytes that the receiver would accept. Offsets are 64 bits and
never wrap.
"""

from collections import deque

from unpacket._core.constants import (
    DOUBT_URGENT,
    END,
    FIN_SEEN,
    FINISHED,
    HAS_GAP,
    IGNORED,
    NEVER,
)
from unpacket._core.decode.reasons import doubt_name
from unpacket._core.reassembly.accounting import event_bytes, may_wait
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.costs import BUFFER_BYTES, PIECE_BYTES
from unpacket._core.reassembly.events import Data, Event, Urgent, finished
from unpacket._core.reassembly.half import Half, HalfExtra, direction_of
from unpacket._core.reassembly.held import Held, piece_of
from unpacket._core.reassembly.held import Piece as HeldPiece
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream

# Why bytes are missing that no frame holds.
UNSEEN_REASONS = ("not_captured", "unacknowledged", "unknown")

# So many of the latest gaps, and of the ranges that were refused, a half remembers.
MAX_RANGES = 64


def emit(ctx: Context, half: Half, event: Event) -> None:
    """Give an event of the half out, after those that still wait."""
    extra = half.extra
    if extra is not None and extra.unreleased and may_wait(extra, event):
        keep(ctx, half, event)
    else:
        ctx.events.append(event)


def keep(ctx: Context, half: Half, event: Event) -> None:
    """Let an event wait for the peer's acknowledgement."""
    extra = half.more()
    if extra.unreleased is None:
        extra.unreleased = deque()
    extra.unreleased.append(event)
    ctx.memory_bytes += event_bytes(event)


def discard(half: Half, count: int, reason: str) -> None:
    """Account for payload that is in no stream, for one of ``reasons.UNPLACED``."""
    if count == 0:
        return
    extra = half.more()
    extra.discarded_bytes += count
    if extra.unplaced is None:
        extra.unplaced = {}
    extra.unplaced[reason] = extra.unplaced.get(reason, 0) + count


def deliver(
    ctx: Context,
    stream: Stream,
    half: Half,
    length: int,
    payload: bytes | None,
    parts: list[HeldPiece] | None,
    frame: int,
    time_ns: int,
    ack: int,
    doubts: int,
) -> None:
    """Deliver the next ``length`` bytes.

    ``payload`` is None where nobody takes them. ``doubts`` say why it had to be asked
    whether the receiver took any of them.
    """
    offset = half.next_offset
    half.next_offset = offset + length
    if half.next_offset > half.sent_edge:
        half.sent_edge = half.next_offset
    extra = half.extra
    urgent = extra is not None and offset <= extra.urgent_offset < half.next_offset
    if urgent and not ctx.urgent_apart:
        # Not all programs read that byte in its place.
        mark(half, DOUBT_URGENT, 1)
        doubts |= DOUBT_URGENT
        urgent = False
    waits = ctx.acked_only and (
        half.acked < half.next_offset
        # What was acknowledged with this segment has not been given out yet.
        or (extra is not None and bool(extra.unreleased))
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
    event.doubts = doubts
    event.ack = ack
    if urgent:
        # It has a pointer.
        put_out_around(ctx, half, event, extra.urgent_offset, waits)  # type: ignore[union-attr]
    else:
        put_out(ctx, half, event, length, waits)


def put_out(ctx: Context, half: Half, event: Event, length: int, waits: bool) -> None:
    """Give out what is next, or let it wait for the peer's acknowledgement."""
    if waits:
        keep(ctx, half, event)
        extra = half.more()
        extra.unreleased_bytes += length
        return
    ctx.events.append(event)


def put_out_around(
    ctx: Context, half: Half, event: Data, offset: int, waits: bool
) -> None:
    """Give out what is next with the byte at ``offset`` apart from it."""
    if event.offset < offset:
        head, event = split(event, offset)
        put_out(ctx, half, head, len(head.payload), waits)
    rest = None
    if len(event.payload) > 1:
        event, rest = split(event, offset + 1)
    frame = event.pieces[0].frame
    octet = Urgent(
        event.stream, event.direction, offset, event.payload, frame, event.time_ns
    )
    put_out(ctx, half, octet, 1, waits)
    if rest is not None:
        put_out(ctx, half, rest, len(rest.payload), waits)


def miss(ctx: Context, stream: Stream, half: Half, stop: int, reason: str) -> None:
    """Declare everything up to ``stop`` a gap."""
    extra = half.more()
    offset = half.next_offset
    half.next_offset = stop
    half.flags |= HAS_GAP
    extra.gap_bytes += stop - offset
    if extra.missing is None:
        extra.missing = []
    add_range(extra.missing, offset, stop, "")
    if extra.refused is not None and reason in UNSEEN_REASONS:
        # What a frame holds is not missing in the capture: it was refused.
        for start, end, why in sorted(extra.refused):
            if end <= offset:
                continue
            if start >= stop or offset == stop:
                break
            if start > offset:
                declare(ctx, stream, half, offset, start, reason)
                offset = start
            end = min(end, stop)
            declare(ctx, stream, half, offset, end, why)
            offset = end
    if offset < stop:
        declare(ctx, stream, half, offset, stop, reason)


def declare(
    ctx: Context, stream: Stream, half: Half, start: int, stop: int, reason: str
) -> None:
    """Report one gap."""
    # Whoever misses something has it.
    half.extra.gaps += 1  # type: ignore[union-attr]
    emit(ctx, half, ctx.gap(stream, half, start, stop - start, reason))


def add_range(
    ranges: list[tuple[int, int, str]], start: int, stop: int, reason: str
) -> None:
    """Remember a range, and forget the oldest where there are too many."""
    ranges.append((start, stop, reason))
    if len(ranges) > MAX_RANGES:
        del ranges[0]


def refuse(
    ctx: Context, stream: Stream, half: Half, reason: str, seg: Segment, offset: int
) -> None:
    """Reject a segment for good; a gap that this leaves has the same reason."""
    extra = half.more()
    if seg.captured and offset + seg.captured > half.next_offset:
        if extra.refused is None:
            extra.refused = []
        add_range(extra.refused, max(0, offset), offset + seg.captured, reason)
    ctx.reject(stream, half, reason, seg, offset)


def cut_piece(half: Half) -> bool:
    """Return whether the next bytes are known, but were cut off by the capture."""
    extra = half.extra
    if extra is None or extra.held is None or extra.held.count == 0:
        return False
    first = extra.held.first()
    return first.start == half.next_offset and first.payload is None and not first.fin


def miss_hole(ctx: Context, stream: Stream, half: Half, stop: int, reason: str) -> None:
    """Give up the hole at the delivered edge, which ends at ``stop``."""
    if cut_piece(half):
        # It has a piece.
        half.extra.held.pop_first()  # type: ignore[union-attr]
        ctx.memory_bytes -= PIECE_BYTES
        miss(ctx, stream, half, stop, "truncated")
    else:
        miss(ctx, stream, half, stop, reason)


def miss_by_evidence(ctx: Context, stream: Stream, half: Half, stop: int) -> None:
    """Declare everything up to ``stop`` a gap, for the reason that ACKs show."""
    start = half.next_offset
    if half.acked < 0 or cut_piece(half):
        miss_hole(ctx, stream, half, stop, "unknown")
        return
    if half.acked > start:
        miss(ctx, stream, half, min(stop, half.acked), "not_captured")
    if half.acked < stop:
        miss(ctx, stream, half, stop, "unacknowledged")


def part(event: Data) -> HeldPiece:
    """Return which packet carried a Data event that has no parts."""
    start = event.offset
    stop = start + len(event.payload)
    piece = piece_of(
        start, stop, start, stop, start, None, event.frame, event.time_ns, event.ack
    )
    piece.doubts = event.doubts
    return piece


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
        event.ack,
    )
    tail = Data(
        event.stream,
        event.direction,
        offset,
        event.payload[at:],
        event.frame,
        event.time_ns,
        tail_parts,
        tail_parts[0].ack,
    )
    head.doubts = tail.doubts = event.doubts
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
        if extra.fin_offset == half.next_offset:
            # Whether this, or the FIN, is what comes next, the receiver will say.
            break
        first = held.first()
        if first.fin:
            held.pop_first()
            ctx.memory_bytes -= PIECE_BYTES
            end_at_fin(ctx, stream, half, first.frame, first.time_ns)
            break
        if first.payload is None:
            if ctx.grace_ns >= 0 and not ctx.ending:
                # The whole segment may still come.
                break
            miss_hole(ctx, stream, half, first.stop, "truncated")
            continue
        # What nobody takes need not be joined.
        wanted = ctx.acked_only or (ctx.want_data and not half.flags & IGNORED)
        parts = []
        payloads = []
        start = first.start
        stop = start
        doubts = 0
        while held.count and held.start == stop and stop != extra.fin_offset:
            piece = held.first()
            if piece.payload is None:
                break
            if piece.start < extra.fin_offset < piece.stop:
                # What is in order beats what waits, a FIN too.
                refute_fin(ctx, stream, half)
            held.pop_first()
            payload = piece.bytes_of(piece.start, piece.stop)
            ctx.memory_bytes -= len(payload) + PIECE_BYTES
            remember(ctx, half, piece.start, payload, piece.frame)
            stop = piece.stop
            if piece.doubts:
                doubts |= piece.doubts
                mark(half, piece.doubts, len(payload))
            if wanted:
                payloads.append(payload)
                piece.payload = None
                parts.append(piece)
        joined = payloads[0] if len(payloads) == 1 else b"".join(payloads)
        deliver(
            ctx,
            stream,
            half,
            stop - start,
            joined,
            parts,
            ctx.frame,
            ctx.time_ns,
            first.ack,
            doubts,
        )
    if held is not None and held.queue is not None:
        before = held.buffers()
        held.queue.advance(half.next_offset)
        ctx.memory_bytes -= (before - held.buffers()) * BUFFER_BYTES
    finish_if_due(ctx, stream, half)


def end_at_fin(
    ctx: Context, stream: Stream, half: Half, frame: int, time_ns: int
) -> None:
    """Let a FIN lie at the edge."""
    extra = half.more()
    extra.fin_offset = half.next_offset
    extra.fin_frame = frame
    extra.fin_time_ns = time_ns
    half.flags |= FIN_SEEN


def mark(half: Half, doubts: int, count: int) -> None:
    """Count bytes that are delivered in spite of a doubt."""
    extra = half.more()
    if extra.doubted is None:
        extra.doubted = {}
    name = doubt_name(doubts)
    extra.doubted[name] = extra.doubted.get(name, 0) + count


def finish_if_due(ctx: Context, stream: Stream, half: Half) -> None:
    """Say that the half is whole once its FIN is next, and believed."""
    extra = half.extra
    if (
        extra is not None
        and extra.fin_offset == half.next_offset
        and not half.flags & FINISHED
    ):
        if not extra.fin_sure:
            taken = half.acked > extra.fin_offset and not disputed(half)
            if taken or not ctx.close_grace_ns or ctx.ending:
                extra.fin_sure = True
            else:
                if extra.fin_ns == NEVER:
                    extra.fin_ns = ctx.now_ns + ctx.close_grace_ns
                    ctx.set_timer(extra.fin_ns, END, stream, half)
                return
        if extra.held is not None and extra.held.count:
            purge(ctx, stream, half)
        half.flags |= FINISHED
        event = finished(stream, direction_of(half), ctx.frame, ctx.time_ns)
        if ctx.acked_only and half.acked <= half.next_offset:
            keep(ctx, half, event)
        else:
            emit(ctx, half, event)


def disputed(half: Half) -> bool:
    """Return whether a byte came where the FIN is, and one of both was acknowledged."""
    # It has a FIN.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    if not extra.suspects or half.acked != extra.fin_offset + 1:
        return False
    for item in extra.suspects:
        if item.base <= extra.fin_offset and item.stop() == half.acked:
            return True
    return False


def note_fin(half: Half, seg: Segment, stop: int) -> None:
    """Let the half end at ``stop``, as ``seg`` says."""
    extra = half.more()
    extra.fin_offset = stop
    extra.fin_frame = seg.frame
    extra.fin_time_ns = seg.time_ns
    half.flags |= FIN_SEEN


def refute_fin(ctx: Context, stream: Stream, half: Half) -> None:
    """The half goes on behind its FIN, which the receiver never took for one."""
    # It has a FIN.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    ctx.reject_bytes(
        stream,
        half,
        "fin",
        extra.fin_offset,
        b"",
        extra.fin_frame,
        extra.fin_time_ns,
    )
    extra.fin_offset = -1
    extra.fin_sure = False
    extra.fin_repeated = False
    half.flags &= ~FIN_SEEN


def purge(ctx: Context, stream: Stream, half: Half) -> None:
    """Drop what is held beyond the end of the half: no receiver looks at it."""
    # It has held pieces.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    held: Held = extra.held  # type: ignore[assignment]
    if held.queue is not None:
        ctx.memory_bytes -= held.buffers() * BUFFER_BYTES
        held.queue.advance(NEVER)
    while held.count:
        piece = held.pop_first()
        ctx.memory_bytes -= piece.size() + PIECE_BYTES
        if piece.payload is not None:
            payload = piece.bytes_of(piece.start, piece.stop)
            ctx.reject_bytes(
                stream,
                half,
                "after_fin",
                piece.start,
                payload,
                piece.frame,
                piece.time_ns,
            )
