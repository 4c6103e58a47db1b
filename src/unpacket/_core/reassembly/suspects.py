"""Segments whose acceptance is not clear yet: they wait for evidence, bounded.

What the peer acknowledges decides, and bytes that others contradict.
"""

from unpacket._core.constants import FIN, FIN_SEEN, FINISHED, PIECE_BYTES, URG
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.delivery import finish_if_due, release
from unpacket._core.reassembly.gaps import watch
from unpacket._core.reassembly.half import Half, HalfExtra
from unpacket._core.reassembly.held import BY_PLACE, piece_of
from unpacket._core.reassembly.intake import accept, expect_urgent
from unpacket._core.reassembly.judgement import far_ttl
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream

# How many segments of one half may wait for evidence.
MAX_SUSPECTS = 64


def acknowledged(ctx: Context, stream: Stream, half: Half, peer: Half | None) -> bool:
    """The peer has acknowledged more: decide what waited for that.

    Returns:
        Whether a limit was reached that closes the stream.
    """
    extra = half.extra
    if extra is None:
        return False
    closes = False
    if extra.suspects:
        closes = settle_suspects(ctx, stream, half, peer, False)
    if extra.fin_offset >= 0 and half.acked > extra.fin_offset + 1:
        if not half.flags & FINISHED:
            # The peer took bytes beyond it: the FIN was no FIN of this half.
            extra.fin_offset = -1
    release(ctx, half, False)
    watch(ctx, stream, half)
    release(ctx, half, False)
    return closes


def suspect(
    ctx: Context,
    stream: Stream,
    half: Half,
    peer: Half | None,
    seg: Segment,
    base: int,
    reason: str,
) -> bool:
    """Keep a segment until it is clear whether the receiver accepted it.

    Returns:
        Whether a limit was reached that closes the stream.
    """
    extra = half.more()
    if extra.suspects is None:
        extra.suspects = []
    extra.suspects.append((base, reason, seg))
    ctx.memory_bytes += seg.captured + PIECE_BYTES
    if len(extra.suspects) > MAX_SUSPECTS or ctx.memory_bytes > ctx.memory_limit:
        return settle_oldest(ctx, stream, half, peer)
    return False


def settle_oldest(ctx: Context, stream: Stream, half: Half, peer: Half | None) -> bool:
    """Decide about the oldest suspect without evidence, since there are too many.

    A far TTL alone is weak evidence against bytes that nobody contradicts; bytes
    that the peer never allowed are not believed.

    Returns:
        Whether a limit was reached that closes the stream.
    """
    # It has the suspect.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    base, reason, seg = extra.suspects.pop(0)  # type: ignore[union-attr]
    closes = settle_one(ctx, stream, half, peer, seg, base, reason, reason == "ttl")
    # The way has changed, it seems: what else came by it is no suspect any more.
    keep: list[tuple[int, str, Segment]] = []
    suspects = extra.suspects
    extra.suspects = keep
    for base, reason, seg in suspects:  # type: ignore[union-attr]
        if reason == "ttl" and not far_ttl(ctx, half, seg):
            closes |= settle_one(ctx, stream, half, peer, seg, base, reason, True)
        else:
            keep.append((base, reason, seg))
    return closes


def settle_suspects(
    ctx: Context, stream: Stream, half: Half, peer: Half | None, at_end: bool
) -> bool:
    """Accept the suspects that the peer has acknowledged; at the end, decide all.

    Returns:
        Whether a limit was reached that closes the stream.
    """
    # It has the suspects.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    closes = False
    keep: list[tuple[int, str, Segment]] = []
    suspects = extra.suspects
    extra.suspects = keep
    silent = at_end and (peer is None or peer.packets == 0)
    # A hole that one of them leaves may be filled by the next.
    ctx.settling = True
    for base, reason, seg in suspects:  # type: ignore[union-attr]
        stop = base + seg.length
        # A FIN has a sequence number of its own.
        wanted = stop
        if seg.flags & FIN and not at_end:
            wanted += 1
        accepted = half.acked >= wanted or (silent and reason != "window")
        partly = reason == "fast_open" and 0 <= half.acked < stop
        if not accepted and not partly and not at_end:
            keep.append((base, reason, seg))
            continue
        if partly and half.acked > base:
            # The peer took less of the SYN's data (RFC 7413 section 4.2.2).
            refuse_rest(ctx, stream, half, seg, base, half.acked - base)
            accepted = True
        closes |= settle_one(ctx, stream, half, peer, seg, base, reason, accepted)
    ctx.settling = False
    return closes


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
    seg: Segment,
    base: int,
    reason: str,
    accepted: bool,
) -> bool:
    """Accept a suspect or reject it.

    One whose bytes others contradict is rejected as a whole: no receiver has a
    mixture.

    Returns:
        Whether a limit was reached that closes the stream.
    """
    ctx.memory_bytes -= seg.captured + PIECE_BYTES
    # It had the suspect.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    if 0 <= extra.fin_offset < base + seg.length:
        ctx.reject(stream, half, "after_fin", seg, base)
        return False
    if reason == "fast_open" and base != 0:
        # Its SYN was not the true one.
        accepted = False
    if not accepted or (seg.length and contradicted(ctx, half, seg, base)):
        ctx.reject(stream, half, reason, seg, base)
        return False
    if reason == "ttl" and base >= half.next_offset:
        half.ttl = seg.ttl
    closes = False
    if ctx.urgent_apart and seg.flags & URG:
        expect_urgent(half, seg, base)
    held_fin = seg.flags & FIN != 0 and ctx.wins == BY_PLACE
    if seg.length or held_fin:
        closes = accept(ctx, stream, half, peer, seg, base)
    if seg.flags & FIN and not held_fin:
        settle_fin(ctx, stream, half, seg, base, reason)
    return closes


def settle_fin(
    ctx: Context, stream: Stream, half: Half, seg: Segment, base: int, reason: str
) -> None:
    """Believe the FIN of a suspect, unless the half goes on beyond it."""
    extra = half.more()
    stop = base + seg.length
    if extra.fin_offset < 0:
        if stop >= half.sent_edge and stop >= half.next_offset:
            if half.acked <= stop + 1:
                extra.fin_offset = stop
                half.flags |= FIN_SEEN
                finish_if_due(ctx, stream, half)
                return
        if seg.length == 0:
            ctx.reject(stream, half, reason, seg, base)


def contradicted(ctx: Context, half: Half, seg: Segment, base: int) -> bool:
    """Return whether delivered or held bytes differ from a segment's."""
    stop = base + seg.captured
    piece = piece_of(base, stop, base, stop, base, seg.payload, seg.frame, seg.time_ns)
    if base < half.next_offset and ctx.history.window_bytes:
        if ctx.history.compare(half.last_record, piece) is not None:
            return True
    # It had the suspect.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    return extra.held is not None and extra.held.differs(piece)
