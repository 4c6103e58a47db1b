"""One connection: who is client, where its halves begin, what a receiver would
accept, and how it ends (RFC 9293 sections 3.5, 3.6 and 3.10).
"""

from unpacket._core.constants import (
    ACK,
    ACK_SEEN,
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
    DOUBT_NO_ACK,
    DOUBT_TTL,
    EDGE_KNOWN,
    FIN,
    FINISHED,
    MAX_LEAD,
    MAX_WINDOW,
    ODD_MD5,
    OPEN,
    REASONS,
    SYN,
    SYN_SEEN,
    TIMESTAMPS,
    UNSEEN,
    URG,
    WAITING,
    ZERO_WINDOW,
)
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
from unpacket._core.reassembly.enlisting import recall
from unpacket._core.reassembly.events import closed
from unpacket._core.reassembly.fins import take_fin
from unpacket._core.reassembly.gaps import give_up, watch
from unpacket._core.reassembly.half import Half, HalfExtra
from unpacket._core.reassembly.handshake import (
    announce,
    choose_isn,
    is_client,
    move_base,
    open_half,
)
from unpacket._core.reassembly.held import BY_PLACE
from unpacket._core.reassembly.intake import accept, expect_urgent
from unpacket._core.reassembly.judgement import (
    allowed,
    began_elsewhere,
    claim_of,
    doubts_about,
    is_keep_alive,
    seen_edge,
)
from unpacket._core.reassembly.resets import drop_reset
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream
from unpacket._core.reassembly.suspects import (
    acknowledged,
    refuse_contradicted,
    refute,
    settle_at_end,
    settle_suspects,
    suspect,
)
from unpacket._core.sequence import delta, unwrap

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
