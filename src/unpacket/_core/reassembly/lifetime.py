"""The life of a stream from outside: what each segment and each end does to it.

An RST is believed once nothing speaks against it. Until then, and after the end, what
comes is queued; here it is decided what becomes of the queue.
"""

from unpacket._core.constants import (
    ANOTHER,
    CLOSED_BY_FIN,
    ENDED,
    GOES_ON,
    NOTHING,
    OPEN,
    REUSED,
    RST,
    STREAM_GOES_ON,
    SYN,
)
from unpacket._core.decode.reasons import doubt_name
from unpacket._core.reassembly.arrival import end_by_reset, process
from unpacket._core.reassembly.connection import close
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.delivery import discard
from unpacket._core.reassembly.enlisting import recall
from unpacket._core.reassembly.fins import over
from unpacket._core.reassembly.half import Half
from unpacket._core.reassembly.intake import overlap_of
from unpacket._core.reassembly.judgement import begins_another
from unpacket._core.reassembly.pending import Reset
from unpacket._core.reassembly.resets import (
    begin_reset,
    queue_up,
    room,
    take_queue,
    undecided,
    weigh_next,
)
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream
from unpacket._core.sequence import unwrap


def take(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, seg: Segment
) -> int:
    """Take the next segment of a half, whatever has become of its stream.

    Returns:
        GOES_ON, ENDED (the stream is closed now), or REUSED: the segment shows
        that another connection has begun, with ``ctx.successor``.
    """
    if stream.reason:
        return closed_already(ctx, stream, half, peer, seg)
    if stream.reset is not None:
        return wait_on(ctx, stream, half, peer, seg)
    if seg.flags & (SYN | RST) == SYN and over(stream):
        if begins_another(half, seg.seq, seg.flags):
            # All that lacks is the last acknowledgement.
            close(ctx, stream, CLOSED_BY_FIN)
            return closed_already(ctx, stream, half, peer, seg)
    return process(ctx, stream, half, peer, seg)


def end(ctx: Context, stream: Stream, number: int) -> None:
    """End a stream for reason ``REASONS[number]``, or for an RST that waits."""
    recall(stream)
    if stream.reset is not None and not stream.reason:
        believe_reset(ctx, stream)
        # Nothing follows what they began.
        for from_a, seg in ctx.successor:
            half = stream.half_a if from_a else stream.half_b
            # It sent the segment.
            discard(half, seg.captured, "after_rst")  # type: ignore[arg-type]
        del ctx.successor[:]
    else:
        close(ctx, stream, number)


def closed_already(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, seg: Segment
) -> int:
    """A packet of a stream that has ended: late, or a port that is used again."""
    if seg.flags & (SYN | RST) == SYN and begins_another(half, seg.seq, seg.flags):
        stream.candidate = None
        half.payload_bytes -= seg.captured
        ctx.successor.append((half is stream.half_a, seg))
        return REUSED
    extra = half.more()
    extra.late_packets += not seg.copy
    count_late(ctx, stream, half, seg, 1)
    if ctx.notes and seg.length:
        offset = unwrap(seg.seq, half.base_seq, half.next_offset)
        ctx.note(stream, half, "late", offset, seg)
    late = stream.reset
    if late is None:
        if seg.length == 0 or seg.flags & RST or not ctx.close_grace_ns:
            return GOES_ON
        late = begin_reset(ctx, stream, None, False)
    elif not room(ctx, late):
        take_queue(ctx, late)
        stream.reset = None
        return GOES_ON
    queue_up(ctx, late, half is stream.half_a, seg)
    shown = weigh_next(stream, late, half, peer, seg)
    if shown == NOTHING:
        return GOES_ON
    # It was not late: the conversation goes on, or there is another one.
    start = late.foreign if shown == ANOTHER else 0
    queue = take_queue(ctx, late)
    stream.reset = None
    for from_a, item in queue[start:]:
        sender: Half = stream.half_a if from_a else stream.half_b  # type: ignore[assignment]
        sender.payload_bytes -= item.captured
        sender.extra.late_packets -= not item.copy  # type: ignore[union-attr]
        count_late(ctx, stream, sender, item, -1)
        ctx.successor.append((from_a, item))
    return REUSED


def count_late(
    ctx: Context, stream: Stream, half: Half, seg: Segment, sign: int
) -> None:
    """Account for payload that came after the end; with -1 it was none after all.

    What is in the stream already came again; all else is in no stream.
    """
    extra = half.more()
    again = 0
    if half.state == OPEN and seg.captured:
        base = unwrap(seg.seq, half.base_seq, half.next_offset)
        start = max(0, base)
        stop = min(base + seg.captured, half.next_offset)
        if start < stop:
            again = stop - start
            missing = extra.missing
            if missing is not None:
                again -= overlap_of(missing, start, stop)
    extra.duplicate_bytes += sign * again
    ctx.late_segments += sign
    count = seg.captured - again
    discard(half, sign * count, "late")
    if not seg.flags & RST:
        # What an RST carries is a diagnostic.
        ctx.come_late(stream, sign * count, seg.frame)


def wait_on(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, seg: Segment
) -> int:
    """Take a segment that comes after an RST which still waits."""
    # The caller has looked.
    waits: Reset = stream.reset  # type: ignore[assignment]
    queue_up(ctx, waits, half is stream.half_a, seg)
    shown = weigh_next(stream, waits, half, peer, seg)
    if shown == NOTHING:
        if room(ctx, waits):
            return GOES_ON
        shown = STREAM_GOES_ON if undecided(waits) else NOTHING
    if shown == STREAM_GOES_ON:
        return refuse_reset(ctx, stream)
    if shown == ANOTHER:
        return believe_reset(ctx, stream)
    believe_reset(ctx, stream)
    return REUSED if ctx.successor else ENDED


def reset_due(ctx: Context, stream: Stream) -> int:
    """The time is over that an RST had to be contradicted."""
    # The caller has looked.
    waits: Reset = stream.reset  # type: ignore[assignment]
    if undecided(waits):
        return refuse_reset(ctx, stream)
    return believe_reset(ctx, stream)


def refuse_reset(ctx: Context, stream: Stream) -> int:
    """Nobody has believed the RST: process what came since as if it had not."""
    # The caller has looked.
    waits: Reset = stream.reset  # type: ignore[assignment]
    stream.reset = None
    queue = take_queue(ctx, waits)
    frame = ctx.frame
    time_ns = ctx.time_ns
    reject_reset(ctx, stream, waits.from_a, waits.seg)  # type: ignore[arg-type]
    outcome = GOES_ON
    for index in range(len(queue)):
        from_a, seg = queue[index]
        last = index + 1 == len(queue)
        if seg.flags & RST and stream.reset is None and not last:  # type: ignore[redundant-expr]
            # What spoke against the first speaks against these.
            reject_reset(ctx, stream, from_a, seg)
            continue
        half: Half = stream.half_a if from_a else stream.half_b  # type: ignore[assignment]
        peer = stream.half_b if from_a else stream.half_a
        ctx.frame = seg.frame
        ctx.time_ns = seg.time_ns
        outcome = process(ctx, stream, half, peer, seg)
        if outcome == REUSED:
            for rest in queue[index + 1 :]:
                uncount(stream, rest[0], rest[1])
                ctx.successor.append(rest)
            break
    ctx.frame = frame
    ctx.time_ns = time_ns
    return outcome


def reject_reset(ctx: Context, stream: Stream, from_a: bool, seg: Segment) -> None:
    """Report an RST that nobody believed."""
    half: Half = stream.half_a if from_a else stream.half_b  # type: ignore[assignment]
    offset = None
    if half.state == OPEN:
        offset = unwrap(seg.seq, half.base_seq, half.next_offset)
    reason = doubt_name(seg.doubts) if seg.doubts else "rst"
    ctx.reject(stream, half, reason, seg, offset)


def uncount(stream: Stream, from_a: bool, seg: Segment) -> None:
    """A segment is another stream's: it does not count for this one."""
    half: Half = stream.half_a if from_a else stream.half_b  # type: ignore[assignment]
    half.packets -= 1
    half.duplicates -= seg.copy
    half.payload_bytes -= seg.captured


def believe_reset(ctx: Context, stream: Stream) -> int:
    """Nothing has contradicted the RST: the stream ended with it.

    Returns:
        ENDED, or REUSED where ``ctx.successor`` has what came of another connection.
    """
    # The caller has looked.
    waits: Reset = stream.reset  # type: ignore[assignment]
    stream.reset = None
    queue = take_queue(ctx, waits)
    fresh = len(queue) if waits.foreign < 0 else waits.foreign
    seg: Segment = waits.seg  # type: ignore[assignment]
    half: Half = stream.half_a if waits.from_a else stream.half_b  # type: ignore[assignment]
    peer = stream.half_b if waits.from_a else stream.half_a
    for from_a, item in queue[:fresh]:
        sender: Half = stream.half_a if from_a else stream.half_b  # type: ignore[assignment]
        discard(sender, item.captured, "after_rst")
    for from_a, item in queue[fresh:]:
        uncount(stream, from_a, item)
        ctx.successor.append((from_a, item))
    frame = ctx.frame
    time_ns = ctx.time_ns
    ctx.frame = seg.frame
    ctx.time_ns = seg.time_ns
    end_by_reset(ctx, stream, half, peer, seg)
    ctx.frame = frame
    ctx.time_ns = time_ns
    return REUSED if ctx.successor else ENDED
