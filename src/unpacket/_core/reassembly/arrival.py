"""A segment arrives: whether its sum is right, and what a SYN, an RST and the first
bytes of a half that began before the capture do (RFC 9293 sections 3.5 and 3.10.7).
"""

from unpacket._core.constants import (
    ACK,
    ACK_SEEN,
    BEGINNING,
    BY_SYN,
    BY_SYN_ACK,
    CLOSED_BY_RST,
    CONFIRMED,
    DOUBT_CHECKSUM,
    DOUBT_FAST_OPEN,
    DOUBT_TIMESTAMP,
    DOUBT_TTL,
    EDGE_KNOWN,
    ENDED,
    FIN,
    GOES_ON,
    LOW32,
    MAX_LEAD,
    ODD,
    ODD_MD5,
    OPEN,
    RESET,
    REUSED,
    RST,
    RST_SEEN,
    SUM_GOOD,
    SYN,
    SYN_SEEN,
    UNSEEN,
    WAITING,
)
from unpacket._core.decode.reasons import doubt_name
from unpacket._core.reassembly.accounting import segment_bytes
from unpacket._core.reassembly.connection import (
    acknowledge,
    begin,
    close,
    receive,
    replay,
)
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.delivery import discard, refuse
from unpacket._core.reassembly.ending import refuse_candidate
from unpacket._core.reassembly.half import Half
from unpacket._core.reassembly.handshake import (
    announce,
    choose_acknowledged,
    handshake_options,
    note_isn,
    open_half,
    set_client,
)
from unpacket._core.reassembly.intake import repeated
from unpacket._core.reassembly.judgement import (
    confirms,
    credible_reset,
    far_ttl,
    is_stray_syn,
    oddities,
    timely,
)
from unpacket._core.reassembly.resets import begin_reset
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream
from unpacket._core.reassembly.suspects import acknowledged, suspect
from unpacket._core.sequence import delta, unwrap

BAD_CHECKSUM = 2
GOOD_CHECKSUM = 1

# So many segments are collected at most, copies included, for each that may be.
MOST_COLLECTED = 4


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
    elif is_stray_syn(half, peer, seg, base):
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
