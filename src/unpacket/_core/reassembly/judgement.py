"""What a receiver would believe of a segment: questions, without any effect.

RFC 9293 section 3.10, RFC 7323 section 5 (PAWS), RFC 5961 (RST in the window).
"""

from unpacket._core.constants import (
    ACK,
    ACK_SEEN,
    FIN,
    FINISHED,
    LOW32,
    MAX_LEAD,
    MAX_WINDOW,
    NO_SCALE,
    OPEN,
    RST,
    SYN,
    SYN_SEEN,
    TIMESTAMPS,
    UNKNOWN_SCALE,
    ZERO_WINDOW,
)
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.half import Half
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream
from unpacket._core.sequence import delta, unwrap


def far_ttl(ctx: Context, half: Half, seg: Segment) -> bool:
    """Return whether a segment's TTL is far from its half's own."""
    hops = seg.ttl
    hops -= half.ttl
    return half.ttl != 0 and (hops >= ctx.ttl_distance or -hops >= ctx.ttl_distance)


# A window that was not seen to be bigger: slack for what the capture missed.
LEAST_WINDOW = 65535

# How far beyond a new SYN its connection's first ACKs may lie.
FIRST_FLIGHT = 1 << 16


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


def is_keep_alive(half: Half, offset: int) -> bool:
    """Return whether one byte at ``offset`` only asks whether the peer is there."""
    # Nobody asks while data is under way; and the byte before what the peer has
    # acknowledged is never new.
    return offset == half.next_offset - 1 or (
        half.acked >= half.sent_edge and half.next_offset < offset == half.acked - 1
    )


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
