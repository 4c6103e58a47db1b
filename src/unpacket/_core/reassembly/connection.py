"""One connection: who is client, where its halves begin, what a receiver would
accept, and how it ends (RFC 9293 sections 3.5, 3.6 and 3.10).
"""

from unpacket._core.constants import (
    ACK,
    ACK_SEEN,
    BEGINNING,
    BY_FIRST,
    BY_PORT,
    BY_SYN,
    BY_SYN_ACK,
    CONFIRMED,
    EDGE_KNOWN,
    ENDED,
    FIN,
    FIN_SEEN,
    FINISHED,
    GOES_ON,
    IS_CLIENT,
    LOW32,
    NO_SCALE,
    OPEN,
    PIECE_BYTES,
    REASONS,
    REUSED,
    RST,
    RST_SEEN,
    SACK_PERMITTED,
    SIMPLE,
    SUM_GOOD,
    SYN,
    SYN_SEEN,
    TIMESTAMPS,
    UNKNOWN_SCALE,
    UNSEEN,
    WAITING,
    ZERO_WINDOW,
)
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.delivery import (
    accept,
    acknowledged,
    discard,
    far_ttl,
    finish_if_due,
    flush,
    give_up,
    repeated,
    suspect,
    watch,
)
from unpacket._core.reassembly.events import closed, opened
from unpacket._core.reassembly.stream import Half, HalfExtra, Segment, Stream, recall
from unpacket._core.sequence import delta, unwrap

BAD_CHECKSUM = 2
GOOD_CHECKSUM = 1

BY_FIN = 1
BY_TIMEOUT = 3
BY_END = 7

# The farthest that a receiver can ever allow: 65535 << 14 (RFC 7323 section 2.3).
MAX_WINDOW = 1 << 30

# How far a first segment may lie beyond what the peer has acknowledged, to be taken
# for what follows it: more is seldom in flight.
MAX_LEAD = 1 << 24

# A window that was not seen to be bigger: slack for what the capture missed.
LEAST_WINDOW = 65535

# How far beyond a new SYN its connection's first ACKs may lie.
FIRST_FLIGHT = 1 << 16

# So many segments are collected at most, copies included, for each that may be.
MOST_COLLECTED = 4

# Other initial sequence numbers that a half remembers.
MAX_ISNS = 8

# Ports below this are well known (RFC 6335 section 6).
WELL_KNOWN = 1024


def is_client(half: Half) -> bool:
    """Return whether the half's sender is the client."""
    return half.flags & IS_CLIENT != 0


def set_client(stream: Stream, half: Half, peer: Half | None, evidence: int) -> None:
    """Let the sender of ``half`` be the client, unless better evidence is known."""
    if stream.opened or (stream.evidence and stream.evidence <= evidence):
        return
    stream.evidence = evidence
    half.flags |= IS_CLIENT
    if peer is not None:
        peer.flags &= ~IS_CLIENT


def announce(ctx: Context, stream: Stream) -> None:
    """Open the stream for the consumer, who is told the roles as known by now."""
    if stream.opened:
        return
    if not stream.evidence:
        low = stream.ports >> 16
        high = stream.ports & 0xFFFF
        stream.evidence = BY_FIRST
        if (low < WELL_KNOWN) != (high < WELL_KNOWN):
            stream.evidence = BY_PORT
            a_is_client = high < WELL_KNOWN
            for half, client in (
                (stream.half_a, a_is_client),
                (stream.half_b, not a_is_client),
            ):
                if half is not None:
                    if client:
                        half.flags |= IS_CLIENT
                    else:
                        half.flags &= ~IS_CLIENT
    stream.opened = 1
    ctx.events.append(opened(stream, ctx.frame, ctx.time_ns))


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


def begins_another(half: Half, seq: int, flags: int) -> bool:
    """Return whether a SYN, or a SYN-ACK, is not the one that a half began with."""
    known = half.flags & SYN_SEEN != 0
    late = delta(half.base_seq, (seq + 1) & LOW32)
    # A half that began without its SYN may see it late.
    same = late == 0 if known else half.state == OPEN and 0 <= late < MAX_LEAD
    # A SYN-ACK alone (one side was captured) must have another number than one that
    # was seen.
    return not same and (known or not flags & ACK)


def confirms(stream: Stream, half: Half, peer: Half | None, seg: Segment) -> bool:
    """Return whether a segment shows that ``stream.candidate`` opened a connection."""
    # The caller has looked.
    candidate: Segment = stream.candidate  # type: ignore[assignment]
    from_candidate = (half is stream.half_a) == stream.candidate_a
    first = (candidate.seq + 1) & LOW32
    if seg.flags & (ACK | RST) != ACK:
        return False
    if not from_candidate:
        ahead = delta(seg.ack, first)
        if seg.flags & SYN:
            return 0 <= ahead <= candidate.length
        return 0 <= ahead < FIRST_FLIGHT and (half.state != OPEN or far(half, seg.seq))
    # One side was captured: its next segment must do.
    return (
        (peer is None or peer.packets == 0) and not seg.flags & SYN and seg.seq == first
    )


def far(half: Half, seq: int) -> bool:
    """Return whether ``seq`` lies nowhere near what the half sends next."""
    ahead = delta(seq, (half.base_seq + half.next_offset) & LOW32)
    return ahead > FIRST_FLIGHT or ahead < -FIRST_FLIGHT


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


def handshake_options(half: Half, peer: Half | None, seg: Segment) -> None:
    """Remember what a SYN says of its sender."""
    half.mss = seg.mss
    half.scale = seg.wscale
    if half.ttl == 0:
        half.ttl = seg.ttl
    if seg.sack_permitted:
        half.flags |= SACK_PERMITTED
    if seg.has_timestamp:
        half.flags |= TIMESTAMPS
        half.ts_recent = seg.tsval


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


def choose_isn(half: Half, seq: int) -> None:
    """Let the initial sequence number be the one that ``seq`` belongs to, if any."""
    extra = half.extra
    if extra is None or not extra.isns or half.sent_edge:
        return
    before = half.base_seq
    best = delta(seq, before)
    if best == 0:
        return
    for index in range(len(extra.isns)):
        ahead = delta(seq, extra.isns[index])
        if 0 <= ahead and (best < 0 or ahead < best):
            best = ahead
            half.base_seq, extra.isns[index] = extra.isns[index], half.base_seq
    moved = delta(before, half.base_seq)
    if moved and extra.suspects:
        extra.suspects = [
            (base + moved, reason, item) for base, reason, item in extra.suspects
        ]


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


def allowed(half: Half, peer: Half | None, seg: Segment) -> int:
    """Return how many bytes beyond its acknowledgement a segment allows, with slack.

    The slack is a factor of two, since the capture need not have every ACK.
    """
    window = seg.window
    if not seg.flags & SYN:
        window = window << shift_of(half, peer)
    return max(2 * window, LEAST_WINDOW)


def shift_of(half: Half, peer: Half | None) -> int:
    """Return the window scale that counts for what ``half`` offers (RFC 7323 2.2)."""
    if not half.flags & SYN_SEEN:
        return UNKNOWN_SCALE
    if half.scale == NO_SCALE:
        return 0
    if peer is not None and peer.flags & SYN_SEEN and peer.scale == NO_SCALE:
        return 0
    return half.scale


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
    if fin and believed and not take_fin(ctx, stream, half, seg, stop):
        return
    extra = half.extra
    if extra is not None and extra.fin_offset >= 0 and stop > extra.fin_offset:
        ctx.reject(stream, half, "after_fin", seg, offset)
        return
    if seg.length == 0 and reason is None:
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


def timely(ctx: Context, half: Half, peer: Half | None, seg: Segment) -> bool:
    """Return whether a segment passes PAWS (RFC 7323 section 5.3)."""
    return not (
        ctx.paws
        and seg.has_timestamp
        and half.flags & TIMESTAMPS
        and peer is not None
        and peer.flags & TIMESTAMPS
        and delta(seg.tsval, half.ts_recent) < 0
    )


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


def is_keep_alive(half: Half, offset: int) -> bool:
    """Return whether one byte at ``offset`` only asks whether the peer is there."""
    # Nobody asks while data is under way; and the byte before what the peer has
    # acknowledged is never new.
    return offset == half.next_offset - 1 or (
        half.acked >= half.sent_edge and half.next_offset < offset == half.acked - 1
    )


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


def beyond_window(ctx: Context, half: Half, stop: int) -> bool:
    """Return whether ``stop`` is farther than the peer ever allowed."""
    if not ctx.check_window or stop <= half.next_offset:
        return False
    if half.window_edge < 0:
        return stop > max(half.next_offset, half.sent_edge) + MAX_WINDOW
    # A sender does not jump: what follows what was seen shows that the capture lacks
    # ACKs, not that the segment is a decoy.
    return stop > max(half.window_edge, half.sent_edge + 2 * LEAST_WINDOW)


def doubt(
    ctx: Context, half: Half, peer: Half | None, seg: Segment, offset: int
) -> str | None:
    """Return why it is not clear yet that the receiver accepts a segment, or None."""
    stop = offset + seg.length
    if stop <= half.next_offset:
        # Only a FIN can still change anything.
        if seg.flags & FIN and not half.flags & FINISHED and far_ttl(ctx, half, seg):
            return "ttl"
        return None
    if offset > half.next_offset and beyond_window(ctx, half, stop):
        return "window"
    if far_ttl(ctx, half, seg):
        return "ttl"
    if (
        seg.length == 1
        and offset == half.next_offset
        and peer is not None
        and peer.flags & ZERO_WINDOW
    ):
        return "window_probe"
    return None


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


def credible_reset(ctx: Context, half: Half, peer: Half | None, seg: Segment) -> bool:
    """Return whether the peer's host would believe an RST."""
    if ctx.rst_rule == 0:
        return True
    if half.state != OPEN:
        if peer is None or peer.state != OPEN or not peer.flags & SYN_SEEN:
            return True
        # In SYN-SENT an RST counts if it acknowledges the SYN.
        if not seg.flags & ACK:
            return peer.flags & ACK_SEEN != 0
        ahead = unwrap(seg.ack, peer.base_seq, peer.next_offset)
        return 0 <= ahead <= peer.sent_edge + 1
    offset = unwrap(seg.seq, half.base_seq, half.next_offset)
    if ctx.rst_rule == 2:
        return offset == half.next_offset or offset == half.acked
    low = half.next_offset
    if 0 <= half.acked < low:
        low = half.acked
    high = max(half.window_edge, half.sent_edge + LEAST_WINDOW)
    return low <= offset <= high
