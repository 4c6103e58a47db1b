"""What a receiver would believe: questions without effects.

RFC 9293 section 3.10, RFC 5961 (RST and ACK), RFC 7323 section 5 (PAWS); and what Linux
drops without a word.
"""

from unpacket._core.constants import (
    ACK,
    ACK_SEEN,
    DOUBT_ACK,
    DOUBT_FRAGMENTS,
    DOUBT_IP_LENGTH,
    DOUBT_IP_OPTIONS,
    DOUBT_MD5,
    DOUBT_NO_ACK,
    DOUBT_PROBE,
    DOUBT_TIMESTAMP,
    DOUBT_TTL,
    DOUBT_WINDOW,
    EDGE_KNOWN,
    FAR,
    FIN,
    FINISHED,
    LOW32,
    MAX_LEAD,
    MAX_WINDOW,
    NO_SCALE,
    ODD,
    ODD_FRAGMENTS,
    ODD_IP_LENGTH,
    ODD_IP_OPTIONS,
    ODD_MD5,
    OPEN,
    RST,
    SYN,
    SYN_SEEN,
    TIMESTAMPS,
    UNKNOWN_SCALE,
    UNSEEN,
    ZERO_WINDOW,
)
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.half import Half
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream
from unpacket._core.sequence import delta, unwrap

# A window that was not seen to be bigger: slack for what the capture missed.
LEAST_WINDOW = 65535

# How far beyond a new SYN its connection's first ACKs may lie.
FIRST_FLIGHT = 1 << 16

# Timestamps of packets that overtake each other differ by a tick; Linux allows one.
PAWS_TICKS = 1


def doubts_about(
    ctx: Context, half: Half, peer: Half | None, seg: Segment, offset: int
) -> int:
    """Return why it is not clear yet that the receiver accepts a segment, as bits.

    ``seg.doubts`` are among them. ``offset`` is that of its first byte.
    """
    doubts = seg.doubts
    stop = offset + seg.length
    fin = seg.flags & FIN
    if seg.flags & ODD:
        doubts |= oddities(ctx, half, seg)
    if not seg.flags & ACK:
        established = half.flags & ACK_SEEN or (
            half.flags & SYN_SEEN and peer is not None and peer.flags & SYN_SEEN
        )
        if established:
            doubts |= DOUBT_NO_ACK
    elif ctx.check_ack and acknowledges_wrongly(half, peer, seg):
        doubts |= DOUBT_ACK
    if stop <= half.next_offset:
        if not fin:
            # Nothing is new but what it acknowledges.
            if seg.length == 0 and news(peer, seg) and not timely(ctx, half, peer, seg):
                doubts |= DOUBT_TIMESTAMP
            return doubts
        if not timely(ctx, half, peer, seg):
            doubts |= DOUBT_TIMESTAMP
        if not half.flags & FINISHED and far_ttl(ctx, half, seg):
            doubts |= DOUBT_TTL
        return doubts
    if not timely(ctx, half, peer, seg):
        doubts |= DOUBT_TIMESTAMP
    if ctx.window_exact or offset > half.next_offset:
        if beyond_window(ctx, half, stop):
            doubts |= DOUBT_WINDOW
    if far_ttl(ctx, half, seg):
        doubts |= DOUBT_TTL
    if (
        seg.length == 1
        and offset == half.next_offset
        and peer is not None
        and peer.flags & ZERO_WINDOW
    ):
        doubts |= DOUBT_PROBE
    return doubts


def oddities(ctx: Context, half: Half, seg: Segment) -> int:
    """Return the doubts that the headers of a segment alone give, as bits."""
    doubts = 0
    if seg.flags & ODD_MD5 and ctx.check_md5 and half.state == OPEN:
        if half.extra is None or not half.extra.md5:
            doubts |= DOUBT_MD5
    if seg.flags & ODD_IP_OPTIONS and ctx.check_ip_options:
        doubts |= DOUBT_IP_OPTIONS
    if seg.flags & ODD_IP_LENGTH and ctx.check_ip_length:
        doubts |= DOUBT_IP_LENGTH
    if seg.flags & ODD_FRAGMENTS and ctx.check_fragments:
        doubts |= DOUBT_FRAGMENTS
    return doubts


def far_ttl(ctx: Context, half: Half, seg: Segment) -> bool:
    """Return whether a segment's TTL is far from its half's own."""
    hops = seg.ttl
    hops -= half.ttl
    return half.ttl != 0 and (hops >= ctx.ttl_distance or -hops >= ctx.ttl_distance)


def timely(ctx: Context, half: Half, peer: Half | None, seg: Segment) -> bool:
    """Return whether a segment passes PAWS (RFC 7323 section 5.3)."""
    return not (
        ctx.paws
        and seg.has_timestamp
        and half.flags & TIMESTAMPS
        and peer is not None
        and peer.flags & TIMESTAMPS
        # Linux takes what is half of the circle away for newer.
        and delta(half.ts_recent, seg.tsval) > PAWS_TICKS
    )


def news(peer: Half | None, seg: Segment) -> bool:
    """Return whether a segment acknowledges more than was acknowledged."""
    if not seg.flags & ACK or peer is None or peer.state != OPEN:
        return False
    return unwrap(seg.ack, peer.base_seq, peer.next_offset) > peer.acked


def seen_edge(half: Half) -> int:
    """Return up to where a half was seen to send, in doubt or not, with its FIN."""
    edge = sure_edge(half)
    if half.extra is not None and half.extra.suspects:
        for item in half.extra.suspects:
            edge = max(edge, item.wanted())
    return edge


def sure_edge(half: Half) -> int:
    """Return up to where a half was seen to send beyond doubt, with its FIN."""
    edge = max(half.sent_edge, half.next_offset)
    if half.extra is not None and half.extra.fin_offset >= edge:
        edge = half.extra.fin_offset + 1
    # What was acknowledged was sent, though the capture may have missed it.
    return max(edge, half.acked)


def acknowledges_wrongly(half: Half, peer: Half | None, seg: Segment) -> bool:
    """Return whether a segment acknowledges what was never sent, or long ago.

    What the capture missed may have been sent, of course.
    """
    if peer is None:
        return False
    if peer.state != OPEN:
        # It was seen, and has sent nothing behind what was acknowledged before.
        return (
            peer.state == UNSEEN
            and peer.packets != 0
            and peer.flags & EDGE_KNOWN != 0
            and delta(seg.ack, peer.base_seq) > 0
        )
    acked = unwrap(seg.ack, peer.base_seq, peer.next_offset)
    if acked > seen_edge(peer):
        return True
    if acked < 0 and peer.flags & SYN_SEEN:
        # Not even its SYN. Linux takes nothing older than what it has sent.
        return True
    # RFC 5961 section 5.2: as much as the widest window that the sender ever offered.
    widest = max(peer.window_edge - max(peer.acked, 0), LEAST_WINDOW)
    return peer.acked >= 0 and acked < peer.acked - widest


def claim_of(half: Half) -> int:
    """Return what the peer says to have got beyond all that was seen, or -1."""
    return -1 if half.extra is None else half.extra.claim


def beyond_window(ctx: Context, half: Half, stop: int) -> bool:
    """Return whether ``stop`` is farther than the peer ever allowed."""
    if not ctx.check_window or stop <= half.next_offset:
        return False
    if half.window_edge < 0:
        return stop > max(half.next_offset, half.sent_edge) + MAX_WINDOW
    if ctx.window_exact:
        return stop > half.window_edge
    # A sender does not jump: what follows what was seen shows that the capture lacks
    # ACKs, not that the segment is a decoy.
    return stop > max(half.window_edge, half.sent_edge + 2 * LEAST_WINDOW)


def allowed(ctx: Context, half: Half, peer: Half | None, seg: Segment) -> int:
    """Return how many bytes beyond its acknowledgement a segment allows, with slack.

    The slack is a factor of two, since the capture need not have every ACK.
    """
    window = seg.window
    if not seg.flags & SYN:
        window = window << shift_of(half, peer)
    if ctx.window_exact:
        return window
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


def is_stray_syn(half: Half, peer: Half | None, seg: Segment, base_seq: int) -> bool:
    """Return whether a SYN cannot be the one that a half began with.

    Of a connection that began before the capture, whose other side spoke and has
    acknowledged other numbers. A SYN-ACK from not far before these may have been
    captured late, as all is where a capture is not in order.
    """
    if peer is None or peer.packets == 0 or peer.flags & SYN_SEEN:
        return False
    if not half.flags & EDGE_KNOWN or half.base_seq == base_seq:
        return False
    return not seg.flags & ACK or not 0 < delta(half.base_seq, base_seq) <= FAR


def began_elsewhere(half: Half, peer: Half | None, seg: Segment, offset: int) -> bool:
    """Return whether a half goes on where no SYN of it was that anybody answered.

    So the SYN that it seemed to begin with was never taken for one.
    """
    if 0 <= offset <= FIRST_FLIGHT or not seg.flags & ACK or seg.length == 0:
        return False
    if half.next_offset or half.sent_edge or not half.flags & SYN_SEEN:
        return False
    return peer is not None and peer.packets != 0 and not peer.flags & SYN_SEEN


def is_keep_alive(half: Half, offset: int) -> bool:
    """Return whether one byte at ``offset`` only asks whether the peer is there."""
    # Nobody asks while data is under way; and the byte before what the peer has
    # acknowledged is never new.
    return offset == half.next_offset - 1 or (
        half.acked >= half.sent_edge and half.next_offset < offset == half.acked - 1
    )


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
        return is_exact(half, offset)
    low = half.next_offset
    if 0 <= half.acked < low:
        low = half.acked
    high = max(half.window_edge, half.sent_edge + LEAST_WINDOW)
    return low <= offset <= high


def is_exact(half: Half, offset: int) -> bool:
    """Return whether an RST lies where its receiver expects the next byte.

    That is what was seen and acknowledged, and behind the FIN, if that came.
    """
    if offset == half.next_offset or offset == half.acked:
        return True
    edge = seen_edge(half)
    if offset == edge or offset == claim_of(half):
        return True
    extra = half.extra
    return extra is not None and 0 <= extra.fin_offset == offset


def far(half: Half, seq: int, distance: int) -> bool:
    """Return whether ``seq`` lies nowhere near what the half sends next."""
    ahead = delta(seq, (half.base_seq + half.next_offset) & LOW32)
    return ahead > distance or ahead < -distance


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
        return 0 <= ahead < FIRST_FLIGHT and (
            half.state != OPEN or far(half, seg.seq, FIRST_FLIGHT)
        )
    # One side was captured: its next segment must do.
    return (
        (peer is None or peer.packets == 0) and not seg.flags & SYN and seg.seq == first
    )
