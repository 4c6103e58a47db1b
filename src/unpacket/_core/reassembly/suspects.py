"""Segments of which it is not clear yet whether the receiver took them.

A suspect waits, whatever the grounds of doubt are, and the same evidence decides about
all: what the peer acknowledged, what others have at the same offsets, and how both ends
go on. ``weigh`` is where that is decided.
"""

from unpacket._core.constants import (
    ACK,
    DOUBT_ACK,
    DOUBT_AFTER_FIN,
    DOUBT_CHECKSUM,
    DOUBT_FAST_OPEN,
    DOUBT_FIN,
    DOUBT_PROBE,
    DOUBT_TTL,
    DOUBT_WINDOW,
    FIN,
    FINISHED,
    OPEN,
    URG,
)
from unpacket._core.decode.reasons import doubt_name
from unpacket._core.reassembly.accounting import segment_bytes
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.costs import SUSPECT_BYTES
from unpacket._core.reassembly.delivery import (
    disputed,
    drain,
    finish_if_due,
    note_fin,
    refuse,
    refute_fin,
)
from unpacket._core.reassembly.gaps import watch
from unpacket._core.reassembly.half import Half, HalfExtra
from unpacket._core.reassembly.held import BY_PLACE, piece_of
from unpacket._core.reassembly.intake import accept, expect_urgent
from unpacket._core.reassembly.judgement import beyond_window, far_ttl, seen_edge
from unpacket._core.reassembly.pending import Suspect
from unpacket._core.reassembly.release import release
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream
from unpacket._core.sequence import unwrap

# How many segments of one half may wait for evidence.
MAX_SUSPECTS = 64

# What becomes of a suspect.
WAITS = 0
ACCEPTED = 1
REFUSED = 2

# Grounds that say nothing against bytes which nobody contradicts, where the receiver
# was not captured: the sender's way may have changed, its sums may be offloaded.
OBSERVER = DOUBT_CHECKSUM | DOUBT_TTL
# Grounds that are no mark on bytes which were acknowledged: such segments are usual.
USUAL = DOUBT_ACK | DOUBT_WINDOW | DOUBT_FAST_OPEN | DOUBT_PROBE | DOUBT_AFTER_FIN


def suspect(
    ctx: Context,
    stream: Stream,
    half: Half,
    peer: Half | None,
    seg: Segment,
    base: int,
) -> bool:
    """Keep a segment until it is clear whether the receiver accepted it.

    Returns:
        Whether a limit was reached that closes the stream.
    """
    extra = half.more()
    if extra.suspects is None:
        extra.suspects = []
    extra.suspects.append(Suspect(base, seg))
    ctx.memory_bytes += segment_bytes(seg) + SUSPECT_BYTES
    if len(extra.suspects) > MAX_SUSPECTS or ctx.memory_bytes > ctx.memory_limit:
        return settle_oldest(ctx, stream, half, peer)
    return False


def weigh(ctx: Context, half: Half, item: Suspect, edge: int) -> int:
    """Return what becomes of a suspect, as far as ``edge`` is acknowledged."""
    seg = item.seg
    doubts = seg.doubts
    stop = item.stop()
    # It has the suspect.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    if doubts & DOUBT_AFTER_FIN:
        if extra.fin_offset < 0 or stop <= extra.fin_offset:
            doubts &= ~DOUBT_AFTER_FIN
        elif extra.fin_sure:
            return REFUSED
        elif edge == extra.fin_offset + 1 and stop == edge:
            # Its last byte or the FIN was taken: what comes next will say which.
            return WAITS
    if doubts & DOUBT_WINDOW and not beyond_window(ctx, half, stop):
        doubts &= ~DOUBT_WINDOW
    if doubts & DOUBT_TTL and not far_ttl(ctx, half, seg):
        doubts &= ~DOUBT_TTL
    if doubts == 0:
        seg.doubts = 0
        return ACCEPTED
    if doubts & DOUBT_FAST_OPEN and item.base != 0:
        # Its SYN was not the true one.
        return REFUSED if half.acked >= 0 else WAITS
    if doubts & ~DOUBT_AFTER_FIN and contradicted(ctx, half, seg, item.base):
        return REFUSED
    if doubts & DOUBT_FIN:
        # A FIN alone, where there is another one, or data behind it.
        if edge == stop + 1 and half.next_offset == stop:
            return ACCEPTED
        return REFUSED if edge > stop + 1 else WAITS
    if edge >= item.wanted():
        return ACCEPTED
    if seg.length and stop <= half.next_offset:
        # Nothing is new in it.
        return ACCEPTED
    return WAITS


def weigh_at_end(ctx: Context, half: Half, peer: Half | None, item: Suspect) -> int:
    """Return what becomes of a suspect for which no more evidence will come."""
    seg = item.seg
    silent = peer is None or peer.packets == 0
    verdict = weigh(ctx, half, item, half.acked)
    if verdict != WAITS:
        return verdict
    if seg.length and half.acked >= item.stop():
        return ACCEPTED
    # It has the suspect.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    if 0 <= extra.fin_offset < item.stop() and seg.doubts & ~DOUBT_AFTER_FIN:
        # The half ends before it, beyond doubt.
        return REFUSED
    if seg.doubts & (DOUBT_WINDOW | DOUBT_FIN | DOUBT_FAST_OPEN | DOUBT_PROBE):
        usual = seg.doubts & (DOUBT_FAST_OPEN | DOUBT_PROBE) == seg.doubts
        return ACCEPTED if silent and usual else REFUSED
    if seg.doubts & DOUBT_AFTER_FIN and not silent:
        return REFUSED
    if silent:
        return ACCEPTED
    if not ctx.deliver_doubted or item.refuted:
        return REFUSED
    # Who acknowledges what was not seen may have got what the capture has missed; so
    # what lies before it may be missing too.
    if item.base <= half.next_offset or seg.doubts == DOUBT_ACK:
        return ACCEPTED
    return REFUSED


def settle_suspects(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, edge: int
) -> bool:
    """Decide about the suspects, as far as ``edge`` is acknowledged.

    Returns:
        Whether a limit was reached that closes the stream.
    """
    # It has the suspects.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    closes = False
    # A hole that one of them leaves may be filled by the next.
    before = ctx.settling
    ctx.settling = True
    again = True
    while again and extra.suspects:
        again = False
        suspects = extra.suspects
        keep: list[Suspect] = []
        extra.suspects = keep
        if len(suspects) > 1:
            # Of two that differ the one that is less in doubt is taken.
            suspects.sort(key=gravity)
        for item in suspects:
            seg = item.seg
            if (
                seg.doubts & DOUBT_FAST_OPEN
                and item.base == 0
                and 0 < edge < item.stop()
            ):
                # The peer took less of the SYN's data (RFC 7413 section 4.2.2).
                refuse_rest(ctx, stream, half, seg, 0, edge)
            verdict = weigh(ctx, half, item, edge)
            if verdict == WAITS:
                if seg.doubts & DOUBT_FAST_OPEN and 0 <= half.acked <= item.base:
                    verdict = REFUSED
                else:
                    keep.append(item)
                    continue
            # One that is accepted may bring an acknowledgement along, or contradict
            # one that waits.
            again = True
            closes |= settle_one(ctx, stream, half, peer, item, verdict == ACCEPTED)
    ctx.settling = before
    return closes


def settle_at_end(
    ctx: Context, stream: Stream, half: Half | None, peer: Half | None
) -> bool:
    """Decide about all suspects: the stream ends."""
    if half is None or half.state != OPEN or half.extra is None:
        return False
    extra = half.extra
    before = ctx.settling
    ctx.settling = True
    settle_suspects(ctx, stream, half, peer, half.acked)
    if extra.fin_offset >= 0 and not extra.fin_sure and went_on(half, peer):
        refute_fin(ctx, stream, half)
        drain(ctx, stream, half)
    while extra.suspects:
        at = 0
        for n in range(len(extra.suspects)):
            if extra.suspects[n].base < extra.suspects[at].base:
                at = n
        item = extra.suspects.pop(at)
        verdict = weigh_at_end(ctx, half, peer, item)
        settle_one(ctx, stream, half, peer, item, verdict == ACCEPTED)
        if verdict != ACCEPTED and peer is not None and peer.extra is not None:
            if peer.extra.claim_frame == item.seg.frame:
                # Nor is it true what it acknowledges.
                peer.extra.claim = -1
    ctx.settling = before
    return False


def settle_oldest(ctx: Context, stream: Stream, half: Half, peer: Half | None) -> bool:
    """Decide about the oldest suspect without evidence, since there are too many.

    A far TTL or a wrong sum alone is weak evidence against bytes that nobody
    contradicts; bytes that the peer never allowed are not believed.

    Returns:
        Whether a limit was reached that closes the stream.
    """
    # It has the suspect.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    item = extra.suspects.pop(0)  # type: ignore[union-attr]
    verdict = weigh(ctx, half, item, half.acked)
    weak = item.seg.doubts & ~OBSERVER == 0 and not item.refuted
    accepted = verdict == ACCEPTED or (verdict == WAITS and weak)
    closes = settle_one(ctx, stream, half, peer, item, accepted)
    if extra.suspects:
        # The way has changed, it seems: what else came by it is no suspect any more.
        closes |= settle_suspects(ctx, stream, half, peer, half.acked)
    return closes


def gravity(item: Suspect) -> tuple[int, int]:
    """Sort key: what is least in doubt first, then what came first."""
    doubts = item.seg.doubts
    grave = 0
    if doubts & ~(USUAL & ~DOUBT_ACK | DOUBT_FIN):
        grave = 1
    if doubts & ~(USUAL & ~DOUBT_ACK | DOUBT_FIN | OBSERVER):
        grave = 2
    return (grave, item.seg.frame)


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
    item: Suspect,
    accepted: bool,
) -> bool:
    """Accept a suspect or reject it.

    One whose bytes others contradict is rejected as a whole: no receiver has a
    mixture.

    Returns:
        Whether a limit was reached that closes the stream.
    """
    seg = item.seg
    base = item.base
    ctx.memory_bytes -= segment_bytes(seg) + SUSPECT_BYTES
    if not accepted:
        refuse(ctx, stream, half, doubt_name(seg.doubts), seg, base)
        return False
    # It had the suspect.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    if extra.fin_offset >= 0 and base + seg.length > extra.fin_offset:
        if extra.fin_sure or half.acked == extra.fin_offset + 1:
            seg.doubts |= DOUBT_AFTER_FIN
            refuse(ctx, stream, half, "after_fin", seg, base)
            return False
        refute_fin(ctx, stream, half)
    if seg.doubts & DOUBT_TTL and base >= half.next_offset:
        half.ttl = seg.ttl
    doubts = seg.doubts
    seg.doubts &= ~USUAL
    closes = False
    if seg.flags & URG:
        expect_urgent(half, seg, base)
    held_fin = seg.flags & FIN != 0 and ctx.wins == BY_PLACE
    if peer is not None and peer.extra is not None and peer.extra.unreleased:
        give_before(ctx, peer, seg)
    if seg.length or held_fin:
        closes = accept(ctx, stream, half, peer, seg, base)
    if seg.flags & FIN and not held_fin:
        seg.doubts = doubts
        settle_fin(ctx, stream, half, seg, base)
    if peer is not None and not stream.reason:
        ctx.believed.append((half is stream.half_a, seg))
    return closes


def give_before(ctx: Context, peer: Half, seg: Segment) -> None:
    """Give out what a segment that is accepted now acknowledges: it is an answer."""
    if not seg.flags & ACK or peer.state != OPEN:
        return
    acked = unwrap(seg.ack, peer.base_seq, peer.next_offset)
    before = peer.acked
    if before < acked <= seen_edge(peer):
        # All else that this acknowledgement means comes when its turn is.
        peer.acked = acked
        release(ctx, peer, False)
        peer.acked = before


def settle_fin(
    ctx: Context, stream: Stream, half: Half, seg: Segment, base: int
) -> None:
    """Believe the FIN of a suspect, unless the half goes on beyond it."""
    extra = half.more()
    stop = base + seg.length
    if extra.fin_offset >= 0 and extra.fin_offset != stop and half.acked == stop + 1:
        refute_fin(ctx, stream, half)
    if extra.fin_offset < 0 and stop >= half.next_offset:
        if half.acked <= stop + 1 and (
            stop >= half.sent_edge or half.acked == stop + 1
        ):
            note_fin(half, seg, stop)
            finish_if_due(ctx, stream, half)
            return
    if seg.length == 0 and extra.fin_offset != stop:
        ctx.reject(stream, half, doubt_name(seg.doubts or DOUBT_FIN), seg, base)


def contradicted(ctx: Context, half: Half, seg: Segment, base: int) -> bool:
    """Return whether delivered or held bytes differ from a segment's."""
    if seg.captured == 0:
        return False
    stop = base + seg.captured
    piece = piece_of(base, stop, base, stop, base, seg.payload, seg.frame, seg.time_ns)
    if base < half.next_offset and ctx.history.window_bytes:
        if ctx.history.compare(half.last_record, piece) is not None:
            return True
    extra = half.extra
    return extra is not None and extra.held is not None and extra.held.differs(piece)


def refuse_contradicted(
    ctx: Context, stream: Stream, half: Half, seg: Segment, base: int
) -> None:
    """Reject the suspects that differ from a segment which is beyond doubt."""
    # It has suspects.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    keep: list[Suspect] = []
    for item in extra.suspects:  # type: ignore[union-attr]
        if item.seg.doubts & ~DOUBT_AFTER_FIN and differs(item, seg, base):
            settle_one(ctx, stream, half, None, item, False)
        else:
            keep.append(item)
    extra.suspects = keep


def differs(item: Suspect, seg: Segment, base: int) -> bool:
    """Return whether a suspect has other bytes than a segment at ``base``."""
    other = item.seg
    start = max(item.base, base)
    stop = min(item.base + other.captured, base + seg.captured)
    if start >= stop:
        return False
    # Both have payload: their ranges meet.
    ours: bytes = seg.payload  # type: ignore[assignment]
    theirs: bytes = other.payload  # type: ignore[assignment]
    return (
        ours[start - base : stop - base] != theirs[start - item.base : stop - item.base]
    )


def refute(half: Half, offset: int) -> None:
    """An end has gone on as if nothing lay behind ``offset``."""
    if half.extra is None or not half.extra.suspects:
        return
    for item in half.extra.suspects:
        if item.base == offset:
            item.refuted = True


def acknowledged(ctx: Context, stream: Stream, half: Half, peer: Half | None) -> bool:
    """The peer has acknowledged more: decide what waited for that.

    Returns:
        Whether a limit was reached that closes the stream.
    """
    extra = half.extra
    if extra is None:
        return False
    closes = False
    if extra.fin_offset >= 0 and not half.flags & FINISHED:
        if half.acked > extra.fin_offset + 1 or (
            half.acked == extra.fin_offset + 1 and fills(half)
        ):
            # The peer took bytes in its place: the FIN was no FIN of this half.
            refute_fin(ctx, stream, half)
            drain(ctx, stream, half)
        elif half.acked == extra.fin_offset + 1 and not disputed(half):
            extra.fin_sure = True
    if extra.suspects:
        closes = settle_suspects(ctx, stream, half, peer, half.acked)
    if not stream.reason:
        finish_if_due(ctx, stream, half)
    release(ctx, half, False)
    watch(ctx, stream, half)
    release(ctx, half, False)
    return closes


def fills(half: Half) -> bool:
    """Return whether a suspect fills the hole before the FIN, and its place too."""
    # It has a FIN.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    if extra.fin_offset == half.next_offset or not extra.suspects:
        return False
    for item in extra.suspects:
        if item.base < extra.fin_offset < item.stop() and item.stop() <= half.acked:
            return True
    return False


def went_on(half: Half, peer: Half | None) -> bool:
    """Return whether a half went on behind its FIN, where nobody acknowledges."""
    if peer is not None and peer.packets:
        return False
    # It has a FIN.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    if extra.suspects:
        for item in extra.suspects:
            if item.seg.doubts & DOUBT_AFTER_FIN and item.seg.length:
                return True
    held = extra.held
    return held is not None and held.count > 0 and held.stop > extra.fin_offset
