"""One connection: who is client, where its halves begin, what a receiver would
accept, and how it ends (RFC 9293 sections 3.5, 3.6 and 3.10).
"""

from unpacket._core.constants import (
    ACK,
    ACK_SEEN,
    BEGINNING,
    BY_SYN,
    BY_SYN_ACK,
    CLOSED_BY_END,
    CLOSED_BY_FIN,
    CLOSED_BY_INTERRUPTION,
    CLOSED_BY_LIMIT,
    CLOSED_BY_REUSE,
    CLOSED_BY_RST,
    CLOSED_BY_TIMEOUT,
    CONFIRMED,
    DOUBT_ACK,
    DOUBT_AFTER_FIN,
    DOUBT_CHECKSUM,
    DOUBT_FAST_OPEN,
    DOUBT_NO_ACK,
    DOUBT_TIMESTAMP,
    DOUBT_TTL,
    EDGE_KNOWN,
    ENDED,
    FIN,
    FINISHED,
    GOES_ON,
    LOW32,
    MAX_LEAD,
    MAX_WINDOW,
    ODD,
    ODD_MD5,
    OPEN,
    REASONS,
    RESET,
    REUSED,
    RST,
    RST_SEEN,
    SUM_GOOD,
    SYN,
    SYN_SEEN,
    TIMESTAMPS,
    UNSEEN,
    URG,
    WAITING,
    ZERO_WINDOW,
)
from unpacket._core.decode.reasons import doubt_name
from unpacket._core.reassembly.accounting import segment_bytes
from unpacket._core.reassembly.claims import (
    claim,
    drop_claim,
    forgive,
    prove_claim,
    proves,
)
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.delivery import discard, finish_if_due, refuse
from unpacket._core.reassembly.ending import (
    all_finished,
    flush,
    let_go,
    refuse_candidate,
)
from unpacket._core.reassembly.events import closed
from unpacket._core.reassembly.fins import take_fin
from unpacket._core.reassembly.gaps import give_up, watch
from unpacket._core.reassembly.half import Half, HalfExtra
from unpacket._core.reassembly.handshake import (
    announce,
    choose_acknowledged,
    choose_isn,
    handshake_options,
    is_client,
    move_base,
    note_isn,
    set_client,
)
from unpacket._core.reassembly.held import BY_PLACE
from unpacket._core.reassembly.intake import accept, expect_urgent, repeated
from unpacket._core.reassembly.judgement import (
    allowed,
    began_elsewhere,
    claim_of,
    confirms,
    credible_reset,
    doubts_about,
    far_ttl,
    is_keep_alive,
    is_stray_syn,
    oddities,
    seen_edge,
    timely,
)
from unpacket._core.reassembly.pending import Reset
from unpacket._core.reassembly.resets import begin_reset, take_queue
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream, recall
from unpacket._core.reassembly.suspects import (
    acknowledged,
    refuse_contradicted,
    refute,
    settle_at_end,
    settle_suspects,
    suspect,
)
from unpacket._core.sequence import delta, unwrap

BAD_CHECKSUM = 2

GOOD_CHECKSUM = 1

# What ends a stream whose two FINs nobody has acknowledged, as bits: it had ended by
# these.
CLOSED_BY_SILENCE = (
    1 << CLOSED_BY_RST
    | 1 << CLOSED_BY_TIMEOUT
    | 1 << CLOSED_BY_REUSE
    | 1 << CLOSED_BY_END
    | 1 << CLOSED_BY_INTERRUPTION
)

# Doubts that are the observer's, not the receiver's.
HEARSAY = DOUBT_TTL | DOUBT_CHECKSUM

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
    if stream.reset is not None:
        drop_reset(ctx, stream, stream.reset)
    settle_at_end(ctx, stream, first, second)
    settle_at_end(ctx, stream, second, first)
    if ctx.believed:
        del ctx.believed[:]
    flush(ctx, stream, first, second)
    flush(ctx, stream, second, first)
    if CLOSED_BY_SILENCE >> number & 1 and all_finished(first, second):
        number = CLOSED_BY_FIN
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
    begin(ctx, stream, half, peer, True)
    # What it collected may have been the end of the stream already.
    return stream.reason != 0


def check_ended(ctx: Context, stream: Stream, half: Half, peer: Half | None) -> bool:
    """Close the stream once both halves are finished and given out."""
    if (
        peer is not None
        and half.flags & FINISHED
        and peer.flags & FINISHED
        and not (half.extra is not None and half.extra.unreleased)
        and not (peer.extra is not None and peer.extra.unreleased)
    ):
        close(ctx, stream, CLOSED_BY_FIN)
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


def begin(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, known: bool
) -> bool:
    """Choose offset 0 of a half without SYN: its lowest sequence number so far.

    ``known`` says whether what the peer had acknowledged was known before these
    segments came; what it acknowledges only now says that they were new.

    Returns:
        Whether the stream has ended.
    """
    # A half that is WAITING has both.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    waiting: list[Segment] = extra.waiting  # type: ignore[assignment]
    extra.waiting = None
    lowest = waiting[0].seq
    extra.md5 = True
    for seg in waiting:
        if delta(seg.seq, lowest) < 0:
            lowest = seg.seq
        if not seg.flags & ODD_MD5:
            extra.md5 = False
    if half.flags & EDGE_KNOWN and 0 <= delta(lowest, half.base_seq) < MAX_LEAD:
        lowest = half.base_seq
    if not known:
        half.flags &= ~EDGE_KNOWN
    open_half(ctx, half, lowest)
    announce(ctx, stream)
    return replay(ctx, stream, half, peer, waiting)


def replay(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, waiting: list[Segment]
) -> bool:
    """Process the collected segments; return whether the stream has ended."""
    for seg in waiting:
        ctx.memory_bytes -= segment_bytes(seg)
        if stream.reason:
            discard(half, seg.captured, "late")
            ctx.come_late(stream, seg.captured, seg.frame)
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
                extra.md5 = seg.flags & ODD_MD5 != 0
                announce(ctx, stream)
                receive(ctx, stream, half, peer, seg)
                return stream.reason != 0
            if ahead == -1 and seg.length <= 1 and not seg.flags & FIN:
                extra.keep_alives += not seg.copy
                extra.duplicate_bytes += seg.captured
                return False
        half.state = WAITING
        extra.waiting = []
        ctx.set_timer(ctx.now_ns + ctx.midstream_ns, BEGINNING, stream, half)
    # A half that is WAITING has the list.
    waiting: list[Segment] = extra.waiting  # type: ignore[assignment]
    waiting.append(seg)
    ctx.memory_bytes += segment_bytes(seg)
    count = len(waiting)
    if half.duplicates and count < MOST_COLLECTED * ctx.midstream_segments:
        # What the capture has twice is no reason to wait for less.
        for item in waiting:
            count -= item.copy
    if count >= ctx.midstream_segments:
        return begin(ctx, stream, half, peer, True)
    return False


def process(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, seg: Segment
) -> int:
    """Take the next segment of a half; the slow and complete way.

    Returns:
        GOES_ON, ENDED (the stream is closed now), or REUSED: the segment shows
        that another connection has begun, with ``ctx.successor``.
    """
    seg.doubts = 0
    if seg.checksum == GOOD_CHECKSUM:
        half.flags |= SUM_GOOD
    elif (
        seg.checksum == BAD_CHECKSUM
        and ctx.checksum_rule
        and (ctx.checksum_rule == 2 or half.flags & SUM_GOOD)
        and not damaged_in_part(ctx, half, seg)
    ):
        announce(ctx, stream)
        offset = None
        if half.state == OPEN:
            offset = unwrap(seg.seq, half.base_seq, half.next_offset)
            refuse(ctx, stream, half, "checksum", seg, offset)
        else:
            ctx.reject(stream, half, "checksum", seg, None)
        return GOES_ON
    if stream.candidate is not None and confirms(stream, half, peer, seg):
        ctx.successor.append((stream.candidate_a, stream.candidate))
        ctx.successor.append((half is stream.half_a, seg))
        ctx.memory_bytes -= segment_bytes(stream.candidate)
        stream.candidate = None
        half.packets -= 1
        half.duplicates -= seg.copy
        half.payload_bytes -= seg.captured
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
            discard(half, seg.captured, "late")
            ctx.come_late(stream, seg.captured, seg.frame)
        elif half.state == OPEN:
            # What the peer had collected acknowledged something of this half.
            receive(ctx, stream, half, peer, seg)
        elif seg.length or seg.flags & FIN:
            collect(ctx, stream, half, peer, seg)
        elif half.ttl == 0:
            half.ttl = seg.ttl
    while ctx.believed:
        # What was in doubt acknowledges the other side's bytes.
        from_a, other = ctx.believed.pop(0)
        if not stream.reason:
            if from_a:
                acknowledge(ctx, stream, stream.half_a, stream.half_b, other)  # type: ignore[arg-type]
            else:
                acknowledge(ctx, stream, stream.half_b, stream.half_a, other)  # type: ignore[arg-type]
    return ENDED if stream.reason else GOES_ON


def damaged_in_part(ctx: Context, half: Half, seg: Segment) -> bool:
    """Return whether a wrong checksum is no more than a doubt; say so if it is.

    Offload and edits of the payload spoil the sums of segments that carry some, and a
    SYN is known by what acknowledges it.
    """
    if ctx.checksum_rule == 2 or seg.flags & RST:
        return False
    if seg.flags & SYN:
        return half.state == OPEN and not half.flags & CONFIRMED
    if seg.length == 0:
        return False
    seg.doubts |= DOUBT_CHECKSUM
    return True


def synchronise(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, seg: Segment
) -> None:
    """Take a SYN or a SYN-ACK (RFC 9293 section 3.5)."""
    base = (seg.seq + 1) & LOW32
    if half.state == OPEN:
        if half.base_seq != base:
            if not half.flags & SYN_SEEN and 0 <= delta(half.base_seq, base) < MAX_LEAD:
                # The half's own SYN, captured after its data.
                discard(half, seg.captured, "syn")
                return
            if other_isn(ctx, stream, half, peer, seg, base):
                acknowledge(ctx, stream, half, peer, seg)
            return
        if not half.flags & SYN_SEEN:
            half.flags |= SYN_SEEN
            handshake_options(half, peer, seg)
        else:
            repeated(half.more(), seg)
    elif is_stray_syn(half, peer, base):
        announce(ctx, stream)
        other_isn(ctx, stream, half, peer, seg, base)
        return
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
    if seg.flags & ACK and peer is not None:
        choose_acknowledged(peer, seg.ack)
    acknowledge(ctx, stream, half, peer, seg)
    if seg.length and not stream.reason and half.next_offset == 0:
        seg.doubts |= DOUBT_FAST_OPEN
        suspect(ctx, stream, half, peer, seg, 0)
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
    if untouched:
        note_isn(half, seg)
        if seg.length:
            # Offset 0 of its own stream, if that becomes this one.
            offset = delta(base, half.base_seq)
            seg.doubts |= DOUBT_FAST_OPEN
            suspect(ctx, stream, half, peer, seg, offset)
        if seg.flags & ACK and peer is not None:
            choose_acknowledged(peer, seg.ack)
        return True
    if seg.doubts or (seg.checksum == BAD_CHECKSUM and half.flags & SUM_GOOD):
        ctx.reject(stream, half, "checksum", seg, None)
        return False
    if stream.candidate is not None:
        if seg.copy and seg.seq == stream.candidate.seq:
            discard(half, seg.captured, "syn")
            return False
        refuse_candidate(ctx, stream)
    # Until it is refused it counts for no stream.
    half.packets -= 1
    half.duplicates -= seg.copy
    half.payload_bytes -= seg.captured
    ctx.memory_bytes += segment_bytes(seg)
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
        if seg.doubts:
            return
        peer.base_seq = seg.ack
        peer.flags |= EDGE_KNOWN
        return
    if peer.state == WAITING:
        peer.base_seq = seg.ack
        peer.flags |= EDGE_KNOWN
        if begin(ctx, stream, peer, half, False):
            return
    choose_isn(peer, seg.ack)
    acked = unwrap(seg.ack, peer.base_seq, peer.next_offset)
    if acked < 0:
        return
    edge = acked + allowed(ctx, half, peer, seg)
    proved = False
    if ctx.check_ack:
        if acked > seen_edge(peer):
            proved = proves(half, peer, seg, acked)
            if not proved:
                claim(half, peer, seg, acked, edge)
                return
        elif claim_of(peer) >= 0:
            drop_claim(half, peer, seg)
    elif acked > peer.sent_edge + MAX_WINDOW:
        return
    believe(ctx, stream, half, peer, seg, acked, edge)
    if proved and not stream.reason and half.extra is not None:
        forgive(half, seg.ack)
        if half.extra.suspects:
            closes = settle_suspects(ctx, stream, half, peer, half.acked)
            close_if(ctx, stream, closes)


def believe(
    ctx: Context,
    stream: Stream,
    half: Half,
    peer: Half,
    seg: Segment,
    acked: int,
    edge: int,
) -> None:
    """Let it be true that ``half`` has got the bytes of ``peer`` up to ``acked``."""
    if not peer.flags & CONFIRMED:
        peer.flags |= CONFIRMED
        if peer.extra is not None:
            peer.extra.isns = None
    extra = peer.extra
    if acked == peer.acked and edge <= peer.window_edge and not seg.copy:
        if seg.length == 0 and not seg.flags & (SYN | FIN) and extra is not None:
            if extra.held is None or not extra.held.count:
                # It answers something that it has not taken.
                refute(peer, acked)
    if edge > peer.window_edge:
        peer.window_edge = edge
    if seg.window == 0:
        half.flags |= ZERO_WINDOW
    else:
        half.flags &= ~ZERO_WINDOW
    if extra is not None and extra.tracked and not seg.copy:
        ctx.trackers[extra].acknowledge(seg.ack, seg.sacks)
    if extra is not None and 0 <= extra.claim <= acked:
        extra.claim = -1
    if acked > peer.acked:
        peer.acked = acked
        closes = acknowledged(ctx, stream, peer, half)
        if closes:
            close(ctx, stream, CLOSED_BY_LIMIT)
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
    if not half.flags & CONFIRMED and began_elsewhere(half, peer, seg, offset):
        half.flags &= ~SYN_SEEN
        move_base(half, seg.seq)
        offset = 0
    stop = offset + seg.length
    fin = seg.flags & FIN
    if peer is not None and 0 <= claim_of(half) <= offset:
        close_if(ctx, stream, prove_claim(ctx, stream, peer, half, True))
        if stream.reason:
            discard(half, seg.captured, "late")
            ctx.come_late(stream, seg.captured, seg.frame)
            return
    seg.doubts = doubts_about(ctx, half, peer, seg, offset)
    if seg.flags & ACK and not seg.doubts & (DOUBT_ACK | DOUBT_NO_ACK):
        half.flags |= ACK_SEEN
    if seg.length == 0 and not fin:
        if half.extra is not None and half.extra.suspects and not seg.doubts:
            # Who has nothing to say says where it would go on.
            refute(half, offset)
        listen(ctx, stream, half, peer, seg, offset)
        if seg.flags & URG and not seg.doubts:
            expect_urgent(half, seg, offset)
        return
    listen(ctx, stream, half, peer, seg, offset)
    if stream.reason:
        discard(half, seg.captured, "late")
        ctx.come_late(stream, seg.captured, seg.frame)
        return
    if seg.flags & URG and not seg.doubts:
        expect_urgent(half, seg, offset)
    if not fin and seg.length == 1 and is_keep_alive(half, offset):
        extra: HalfExtra | None
        extra = half.more()
        extra.keep_alives += not seg.copy
        extra.duplicate_bytes += seg.captured
        if ctx.notes:
            ctx.note(stream, half, "keep_alive", offset, seg)
        return
    # Linux holds a FIN as the last position of its segment.
    held_fin = fin != 0 and ctx.wins == BY_PLACE and half.flags & FINISHED == 0
    if fin and not held_fin and not take_fin(ctx, stream, half, seg, stop):
        return
    extra = half.extra
    if extra is not None and 0 <= extra.fin_offset < stop:
        if extra.fin_sure:
            refuse(ctx, stream, half, "after_fin", seg, offset)
            return
        if extra.fin_offset <= half.next_offset:
            seg.doubts |= DOUBT_AFTER_FIN
    closes = False
    if seg.doubts and (stop > half.next_offset or fin):
        closes = suspect(ctx, stream, half, peer, seg, offset)
        if not stream.reason:
            closes |= acknowledged(ctx, stream, half, peer)
    elif seg.length == 0 and not held_fin:
        finish_if_due(ctx, stream, half)
        watch(ctx, stream, half)
    else:
        if extra is not None and extra.suspects:
            refuse_contradicted(ctx, stream, half, seg, offset)
        closes = accept(ctx, stream, half, peer, seg, offset)
        if half.extra is not None and half.extra.suspects:
            closes |= settle_suspects(ctx, stream, half, peer, half.acked)
    if peer is not None and 0 <= claim_of(half) <= seen_edge(half):
        close_if(ctx, stream, prove_claim(ctx, stream, peer, half, False))
    if closes:
        close(ctx, stream, CLOSED_BY_LIMIT)
    else:
        check_ended(ctx, stream, half, peer)


def listen(
    ctx: Context,
    stream: Stream,
    half: Half,
    peer: Half | None,
    seg: Segment,
    offset: int,
) -> None:
    """Use what a segment says of its sender and of the other side's bytes.

    What is in doubt itself proves no more than that others in doubt arrived, and only
    where the doubt is the observer's: a far TTL, a wrong sum.
    """
    if seg.doubts == 0:
        update(half, seg, offset)
        acknowledge(ctx, stream, half, peer, seg)
        return
    if peer is None or not seg.flags & ACK or peer.state != OPEN:
        return
    if seg.doubts == DOUBT_ACK:
        acknowledge(ctx, stream, half, peer, seg)
        return
    if seg.doubts & ~HEARSAY or peer.extra is None or not peer.extra.suspects:
        return
    acked = unwrap(seg.ack, peer.base_seq, peer.next_offset)
    if peer.acked < acked <= seen_edge(peer):
        if settle_suspects(ctx, stream, peer, half, acked):
            close(ctx, stream, CLOSED_BY_LIMIT)


def drop_reset(ctx: Context, stream: Stream, waits: Reset) -> None:
    """The stream ends for another reason than an RST that still waits."""
    stream.reset = None
    for from_a, item in take_queue(ctx, waits):
        # Whoever sent it has a half.
        sender: Half = stream.half_a if from_a else stream.half_b  # type: ignore[assignment]
        discard(sender, item.captured, "after_rst")
    if waits.seg is not None:
        half: Half = stream.half_a if waits.from_a else stream.half_b  # type: ignore[assignment]
        discard(half, waits.seg.captured, "rst_payload")


def close_if(ctx: Context, stream: Stream, closes: bool) -> None:
    """End the stream where a limit says so."""
    if closes:
        close(ctx, stream, CLOSED_BY_LIMIT)


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
        stop = offset + seg.length
        if stop < half.next_offset or (seg.length and stop == half.next_offset):
            # Linux takes no time from what brings nothing new.
            return
        half.ts_recent = seg.tsval


def reset(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, seg: Segment
) -> None:
    """Take an RST; its payload is a diagnostic and never data (RFC 9293 3.10.7)."""
    doubts = 0
    if seg.flags & ODD:
        doubts = oddities(ctx, half, seg)
    if doubts or not credible_reset(ctx, half, peer, seg):
        announce(ctx, stream)
        offset = None
        if half.state == OPEN:
            offset = unwrap(seg.seq, half.base_seq, half.next_offset)
        ctx.reject(stream, half, doubt_name(doubts) if doubts else "rst", seg, offset)
        return
    if ctx.close_grace_ns == 0 or ctx.rst_rule == 0:
        end_by_reset(ctx, stream, half, peer, seg)
        return
    announce(ctx, stream)
    # Neither keeps a host from believing it; where it was not believed, they are why.
    if far_ttl(ctx, half, seg):
        seg.doubts |= DOUBT_TTL
    elif not timely(ctx, half, peer, seg):
        seg.doubts |= DOUBT_TIMESTAMP
    waits = begin_reset(ctx, stream, seg, half is stream.half_a)
    waits.deadline_ns = ctx.now_ns + ctx.close_grace_ns
    ctx.set_timer(waits.deadline_ns, RESET, stream, half)


def end_by_reset(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, seg: Segment
) -> None:
    """End the stream with an RST."""
    acknowledge(ctx, stream, half, peer, seg)
    half.flags |= RST_SEEN
    discard(half, seg.captured, "rst_payload")
    close(ctx, stream, CLOSED_BY_RST)
