"""One connection: who is client, where its halves begin, what a receiver would
accept, and how it ends (RFC 9293 sections 3.5, 3.6 and 3.10).
"""

from unpacket._core.constants import (
    ACK,
    ACK_SEEN,
    BEGINNING,
    BY_SYN,
    BY_SYN_ACK,
    CONFIRMED,
    EDGE_KNOWN,
    ENDED,
    FIN,
    FIN_SEEN,
    FINISHED,
    GOES_ON,
    LOW32,
    MAX_ISNS,
    MAX_LEAD,
    MAX_WINDOW,
    OPEN,
    PIECE_BYTES,
    REASONS,
    REUSED,
    RST,
    RST_SEEN,
    SIMPLE,
    SUM_GOOD,
    SYN,
    SYN_SEEN,
    TIMESTAMPS,
    UNSEEN,
    URG,
    WAITING,
    ZERO_WINDOW,
)
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.delivery import (
    discard,
    drain,
    finish_if_due,
    miss,
    miss_by_evidence,
    release,
)
from unpacket._core.reassembly.events import closed
from unpacket._core.reassembly.gaps import give_up, hole_end, watch
from unpacket._core.reassembly.half import Half, HalfExtra
from unpacket._core.reassembly.handshake import (
    announce,
    choose_isn,
    handshake_options,
    is_client,
    set_client,
)
from unpacket._core.reassembly.held import BY_PLACE
from unpacket._core.reassembly.intake import accept, expect_urgent, repeated
from unpacket._core.reassembly.judgement import (
    allowed,
    begins_another,
    beyond_window,
    confirms,
    credible_reset,
    doubt,
    is_keep_alive,
    timely,
)
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream, recall
from unpacket._core.reassembly.suspects import acknowledged, settle_suspects, suspect
from unpacket._core.sequence import delta, unwrap


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


BAD_CHECKSUM = 2

GOOD_CHECKSUM = 1

BY_FIN = 1

BY_TIMEOUT = 3

BY_END = 7

# So many segments are collected at most, copies included, for each that may be.
MOST_COLLECTED = 4


def close(ctx: Context, stream: Stream, number: int) -> None:
    """End the stream for reason ``REASONS[number]``; deliver what still waits."""
    if stream.reason:
        return
    recall(stream)
    first = stream.half_a
    second = stream.half_b
    if first is None or not is_client(first):
        first, second = second, first
    if begin_if_waiting(ctx, stream, first, second):
        return
    if begin_if_waiting(ctx, stream, second, first):
        return
    announce(ctx, stream)
    if stream.candidate is not None:
        refuse_candidate(ctx, stream)
    flush(ctx, stream, first, second)
    flush(ctx, stream, second, first)
    if number in (BY_TIMEOUT, BY_END) and all_finished(first, second):
        number = BY_FIN
    let_go(ctx, first)
    let_go(ctx, second)
    stream.reason = number
    ctx.events.append(closed(stream, REASONS[number], ctx.frame, ctx.time_ns))


def begin_if_waiting(
    ctx: Context, stream: Stream, half: Half | None, peer: Half | None
) -> bool:
    """Let a half that still collects begin; return whether that ended the stream."""
    if half is None or half.state != WAITING:
        return False
    begin(ctx, stream, half, peer)
    # What it collected may have been the end of the stream already.
    return stream.reason != 0


def all_finished(first: Half | None, second: Half | None) -> bool:
    """Return whether both FINs have taken effect."""
    return (
        first is not None
        and second is not None
        and first.flags & FINISHED != 0
        and second.flags & FINISHED != 0
    )


def let_go(ctx: Context, half: Half | None) -> None:
    """Free what only a living half needs; the counts of what happened stay."""
    if half is None:
        return
    # Late packets are never data: no fast path for them.
    half.flags &= ~SIMPLE
    extra = half.extra
    if extra is None:
        return
    if extra.eventful():
        extra.held = None
        extra.unreleased = None
        extra.waiting = None
        extra.isns = None
    else:
        half.extra = None


def refuse_candidate(ctx: Context, stream: Stream) -> None:
    """The SYN that might have been a port reuse was none."""
    # Both are there while there is a candidate.
    half: Half = stream.half_a if stream.candidate_a else stream.half_b  # type: ignore[assignment]
    half.packets += 1
    half.duplicates += stream.candidate.copy  # type: ignore[union-attr]
    half.payload_bytes += stream.candidate.captured  # type: ignore[union-attr]
    ctx.memory_bytes -= stream.candidate.captured + PIECE_BYTES  # type: ignore[union-attr]
    ctx.reject(stream, half, "syn", stream.candidate, None)  # type: ignore[arg-type]
    stream.candidate = None


def check_ended(ctx: Context, stream: Stream, half: Half, peer: Half | None) -> bool:
    """Close the stream once both halves are finished and given out."""
    if (
        peer is not None
        and half.flags & FINISHED
        and peer.flags & FINISHED
        and not (half.extra is not None and half.extra.unreleased)
        and not (peer.extra is not None and peer.extra.unreleased)
    ):
        close(ctx, stream, 1)
        return True
    return False


def open_half(ctx: Context, half: Half, base_seq: int) -> None:
    """Offset 0 of the half is ``base_seq``."""
    if half.flags & EDGE_KNOWN:
        half.flags &= ~EDGE_KNOWN
        ahead = delta(half.base_seq, base_seq)
        if 0 <= ahead < MAX_WINDOW:
            half.acked = ahead
    half.base_seq = base_seq
    half.state = OPEN


def begin(ctx: Context, stream: Stream, half: Half, peer: Half | None) -> bool:
    """Choose offset 0 of a half without SYN: its lowest sequence number so far.

    Returns:
        Whether the stream has ended.
    """
    # A half that is WAITING has both.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    waiting: list[Segment] = extra.waiting  # type: ignore[assignment]
    extra.waiting = None
    lowest = waiting[0].seq
    for seg in waiting:
        if delta(seg.seq, lowest) < 0:
            lowest = seg.seq
    if half.flags & EDGE_KNOWN and 0 <= delta(lowest, half.base_seq) < MAX_LEAD:
        lowest = half.base_seq
    open_half(ctx, half, lowest)
    announce(ctx, stream)
    return replay(ctx, stream, half, peer, waiting)


def replay(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, waiting: list[Segment]
) -> bool:
    """Process the collected segments; return whether the stream has ended."""
    for seg in waiting:
        ctx.memory_bytes -= seg.captured + PIECE_BYTES
        if stream.reason:
            discard(half, seg.captured)
        else:
            receive(ctx, stream, half, peer, seg)
    if not stream.reason:
        watch(ctx, stream, half)
    return stream.reason != 0


def collect(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, seg: Segment
) -> bool:
    """Keep a segment of a half that began before the capture.

    Returns:
        Whether the stream has ended.
    """
    extra = half.more()
    if half.state == UNSEEN:
        if half.flags & EDGE_KNOWN:
            ahead = delta(seg.seq, half.base_seq)
            if 0 <= ahead < MAX_LEAD:
                open_half(ctx, half, half.base_seq)
                announce(ctx, stream)
                receive(ctx, stream, half, peer, seg)
                return stream.reason != 0
            if ahead == -1 and seg.length <= 1 and not seg.flags & FIN:
                extra.keep_alives += not seg.copy
                extra.discarded_bytes += seg.captured
                return False
        half.state = WAITING
        extra.waiting = []
        ctx.set_timer(ctx.now_ns + ctx.midstream_ns, BEGINNING, stream, half)
    # A half that is WAITING has the list.
    waiting: list[Segment] = extra.waiting  # type: ignore[assignment]
    waiting.append(seg)
    ctx.memory_bytes += seg.captured + PIECE_BYTES
    count = len(waiting)
    if half.duplicates and count < MOST_COLLECTED * ctx.midstream_segments:
        # What the capture has twice is no reason to wait for less.
        for item in waiting:
            count -= item.copy
    if count >= ctx.midstream_segments:
        return begin(ctx, stream, half, peer)
    return False


def process(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, seg: Segment
) -> int:
    """Take the next segment of a half; the slow and complete way.

    Returns:
        GOES_ON, ENDED (the stream is closed now), or REUSED: the segment shows
        that ``stream.candidate``, a SYN before it, began a new connection.
    """
    if stream.reason:
        return closed_already(ctx, stream, half, seg)
    if seg.checksum == GOOD_CHECKSUM:
        half.flags |= SUM_GOOD
    elif (
        seg.checksum == BAD_CHECKSUM
        and ctx.checksum_rule
        and (ctx.checksum_rule == 2 or half.flags & SUM_GOOD)
    ):
        announce(ctx, stream)
        offset = None
        if half.state == OPEN:
            offset = unwrap(seg.seq, half.base_seq, half.next_offset)
        ctx.reject(stream, half, "checksum", seg, offset)
        return GOES_ON
    if stream.candidate is not None and confirms(stream, half, peer, seg):
        return REUSED
    if seg.flags & RST:
        reset(ctx, stream, half, peer, seg)
    elif seg.flags & SYN:
        synchronise(ctx, stream, half, peer, seg)
    elif half.state == OPEN:
        receive(ctx, stream, half, peer, seg)
    else:
        if seg.flags & ACK:
            half.flags |= ACK_SEEN
            acknowledge(ctx, stream, half, peer, seg)
        if stream.reason:
            discard(half, seg.captured)
        elif half.state == OPEN:
            # What the peer had collected acknowledged something of this half.
            receive(ctx, stream, half, peer, seg)
        elif seg.length or seg.flags & FIN:
            collect(ctx, stream, half, peer, seg)
        elif half.ttl == 0:
            half.ttl = seg.ttl
    # mypy takes it for what it was at first.
    return ENDED if stream.reason else GOES_ON  # type: ignore[redundant-expr]


def closed_already(ctx: Context, stream: Stream, half: Half, seg: Segment) -> int:
    """A packet of a stream that has ended: late, or a port that is used again."""
    if seg.flags & (SYN | RST) == SYN and begins_another(half, seg.seq, seg.flags):
        stream.candidate = None
        return REUSED
    extra = half.more()
    extra.late_packets += not seg.copy
    extra.discarded_bytes += seg.captured
    if ctx.notes and seg.length:
        offset = unwrap(seg.seq, half.base_seq, half.next_offset)
        ctx.note(stream, half, "late", offset, seg)
    return GOES_ON


def synchronise(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, seg: Segment
) -> None:
    """Take a SYN or a SYN-ACK (RFC 9293 section 3.5)."""
    base = (seg.seq + 1) & LOW32
    if half.state == OPEN:
        if half.base_seq != base:
            if not half.flags & SYN_SEEN and 0 <= delta(half.base_seq, base) < MAX_LEAD:
                # The half's own SYN, captured after its data.
                discard(half, seg.captured)
                return
            if other_isn(ctx, stream, half, peer, seg, base):
                acknowledge(ctx, stream, half, peer, seg)
            return
        if not half.flags & SYN_SEEN:
            half.flags |= SYN_SEEN
            handshake_options(half, peer, seg)
        else:
            repeated(half.more(), seg)
    else:
        half.flags |= SYN_SEEN
        handshake_options(half, peer, seg)
        if seg.flags & ACK:
            half.flags |= ACK_SEEN
            # Whatever acknowledges has a peer.
            set_client(stream, peer, half, BY_SYN_ACK)  # type: ignore[arg-type]
        else:
            set_client(stream, half, peer, BY_SYN)
        waiting = None if half.extra is None else half.extra.waiting
        open_half(ctx, half, base)
        announce(ctx, stream)
        if waiting is not None:
            half.extra.waiting = None  # type: ignore[union-attr]
            replay(ctx, stream, half, peer, waiting)
    acknowledge(ctx, stream, half, peer, seg)
    if seg.length and not stream.reason and half.next_offset == 0:
        suspect(ctx, stream, half, peer, seg, 0, "fast_open")
        acknowledged(ctx, stream, half, peer)
    elif seg.captured:
        extra = half.more()
        extra.duplicate_bytes += seg.captured


def other_isn(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, seg: Segment, base: int
) -> bool:
    """Take a SYN whose initial sequence number is not the half's.

    Returns:
        Whether its acknowledgement may be believed.
    """
    untouched = (
        half.flags & SYN_SEEN
        and not half.flags & CONFIRMED
        and half.next_offset == 0
        and half.sent_edge == 0
    )
    extra = half.more()
    if untouched:
        if extra.isns is None:
            extra.isns = []
        if len(extra.isns) < MAX_ISNS and base not in extra.isns:
            extra.isns.append(base)
        if seg.length:
            # Offset 0 of its own stream, if that becomes this one.
            offset = delta(base, half.base_seq)
            suspect(ctx, stream, half, peer, seg, offset, "fast_open")
        return True
    if stream.candidate is not None:
        if seg.copy and seg.seq == stream.candidate.seq:
            discard(half, seg.captured)
            return False
        refuse_candidate(ctx, stream)
    # Until it is refused it counts for no stream.
    half.packets -= 1
    half.duplicates -= seg.copy
    half.payload_bytes -= seg.captured
    ctx.memory_bytes += seg.captured + PIECE_BYTES
    stream.candidate = seg
    stream.candidate_a = half is stream.half_a
    return False


def acknowledge(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, seg: Segment
) -> None:
    """Use what a segment of ``half`` acknowledges, and the window that it offers."""
    if not seg.flags & ACK or peer is None:
        return
    if peer.state == UNSEEN:
        peer.base_seq = seg.ack
        peer.flags |= EDGE_KNOWN
        return
    if peer.state == WAITING:
        peer.base_seq = seg.ack
        peer.flags |= EDGE_KNOWN
        if begin(ctx, stream, peer, half):
            return
    choose_isn(peer, seg.ack)
    acked = unwrap(seg.ack, peer.base_seq, peer.next_offset)
    if acked < 0 or acked > peer.sent_edge + MAX_WINDOW:
        return
    if not peer.flags & CONFIRMED:
        peer.flags |= CONFIRMED
        if peer.extra is not None:
            peer.extra.isns = None
    edge = acked + allowed(half, peer, seg)
    if edge > peer.window_edge:
        peer.window_edge = edge
    if seg.window == 0:
        half.flags |= ZERO_WINDOW
    else:
        half.flags &= ~ZERO_WINDOW
    extra = peer.extra
    if extra is not None and extra.tracker is not None and not seg.copy:
        extra.tracker.acknowledge(seg.ack, seg.sacks)
    if acked > peer.acked:
        peer.acked = acked
        closes = acknowledged(ctx, stream, peer, half)
        if closes:
            close(ctx, stream, 4)
            return
    elif not ctx.passed_only:
        return
    if ctx.passed_only:
        give_up(ctx, stream, peer, acked)
    check_ended(ctx, stream, peer, half)


def receive(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, seg: Segment
) -> None:
    """Take a segment without SYN or RST, of a half whose offset 0 is known."""
    if half.extra is not None and half.extra.isns:
        choose_isn(half, seg.seq)
    offset = unwrap(seg.seq, half.base_seq, half.next_offset)
    stop = offset + seg.length
    fin = seg.flags & FIN
    if not seg.flags & ACK:
        established = half.flags & ACK_SEEN or (
            half.flags & SYN_SEEN and peer is not None and peer.flags & SYN_SEEN
        )
        if established and (seg.length or fin):
            ctx.reject(stream, half, "no_ack", seg, offset)
            return
    else:
        half.flags |= ACK_SEEN
    if (stop > half.next_offset or fin) and not timely(ctx, half, peer, seg):
        if seg.length == 0:
            ctx.reject(stream, half, "timestamp", seg, offset)
            return
        # A retransmission that overtook it may have set the clock: what the peer
        # acknowledges tells whether it took the segment.
        closes = suspect(ctx, stream, half, peer, seg, offset, "timestamp")
        if half.acked >= stop:
            closes |= acknowledged(ctx, stream, half, peer)
        if closes:
            close(ctx, stream, 4)
        else:
            check_ended(ctx, stream, half, peer)
        return
    reason = doubt(ctx, half, peer, seg, offset)
    if reason is None:
        update(half, seg, offset)
        acknowledge(ctx, stream, half, peer, seg)
    if stream.reason:
        discard(half, seg.captured)
        return
    if ctx.urgent_apart and seg.flags & URG and reason is None:
        expect_urgent(half, seg, offset)
    if seg.length == 0 and not fin:
        return
    if not fin and seg.length == 1 and is_keep_alive(half, offset):
        extra: HalfExtra | None
        extra = half.more()
        extra.keep_alives += not seg.copy
        extra.duplicate_bytes += seg.captured
        if ctx.notes:
            ctx.note(stream, half, "keep_alive", offset, seg)
        return
    believed = reason is None or reason != "ttl"
    # Linux holds a FIN as the last position of its segment.
    held_fin = fin != 0 and ctx.wins == BY_PLACE and half.flags & FINISHED == 0
    if fin and believed and not held_fin:
        if not take_fin(ctx, stream, half, seg, stop):
            return
    extra = half.extra
    if extra is not None and extra.fin_offset >= 0 and stop > extra.fin_offset:
        ctx.reject(stream, half, "after_fin", seg, offset)
        return
    if seg.length == 0 and reason is None and not held_fin:
        finish_if_due(ctx, stream, half)
        watch(ctx, stream, half)
        check_ended(ctx, stream, half, peer)
        return
    if reason is not None:
        closes = suspect(ctx, stream, half, peer, seg, offset, reason)
        if half.acked >= stop:
            closes |= acknowledged(ctx, stream, half, peer)
    else:
        closes = accept(ctx, stream, half, peer, seg, offset)
    if closes:
        close(ctx, stream, 4)
    else:
        check_ended(ctx, stream, half, peer)


def update(half: Half, seg: Segment, offset: int) -> None:
    """Remember the TTL and the timestamp of a segment that is not in doubt."""
    if half.ttl == 0:
        half.ttl = seg.ttl
    if not seg.has_timestamp:
        return
    if not half.flags & TIMESTAMPS:
        # Timestamps are agreed on in the handshake, if that was captured.
        if not half.flags & SYN_SEEN:
            half.flags |= TIMESTAMPS
            half.ts_recent = seg.tsval
    elif offset <= half.next_offset and delta(seg.tsval, half.ts_recent) > 0:
        half.ts_recent = seg.tsval


def take_fin(ctx: Context, stream: Stream, half: Half, seg: Segment, stop: int) -> bool:
    """Note where the half ends; return whether the segment may be believed."""
    extra = half.more()
    if extra.fin_offset >= 0:
        if stop == extra.fin_offset:
            repeated(extra, seg)
            return True
    elif stop >= half.next_offset and stop >= half.sent_edge:
        if not beyond_window(ctx, half, stop):
            extra.fin_offset = stop
            half.flags |= FIN_SEEN
            return True
    ctx.reject(stream, half, "fin", seg, stop - seg.length)
    return False


def reset(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, seg: Segment
) -> None:
    """Take an RST; its payload is a diagnostic and never data (RFC 9293 3.10.7)."""
    if not credible_reset(ctx, half, peer, seg):
        announce(ctx, stream)
        offset = None
        if half.state == OPEN:
            offset = unwrap(seg.seq, half.base_seq, half.next_offset)
        ctx.reject(stream, half, "rst", seg, offset)
        return
    acknowledge(ctx, stream, half, peer, seg)
    half.flags |= RST_SEEN
    if seg.captured:
        discard(half, seg.captured)
    close(ctx, stream, 2)
