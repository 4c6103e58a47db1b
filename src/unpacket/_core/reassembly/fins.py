"""The FIN of a half: where it may lie, and when it is believed."""

from unpacket._core.constants import DOUBT_FIN, FIN, FINISHED, LOW32, NEVER
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.delivery import (
    drain,
    finish_if_due,
    note_fin,
    refuse,
    refute_fin,
)
from unpacket._core.reassembly.half import Half, HalfExtra
from unpacket._core.reassembly.held import BY_PLACE
from unpacket._core.reassembly.intake import repeated
from unpacket._core.reassembly.judgement import beyond_window
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream
from unpacket._core.reassembly.suspects import settle_suspects, suspect, went_on


def take_fin(ctx: Context, stream: Stream, half: Half, seg: Segment, stop: int) -> bool:
    """Note where the half ends; return whether the segment may be looked at further."""
    extra = half.more()
    if stop == extra.fin_offset:
        extra.fin_repeated |= not seg.copy and not seg.doubts
        repeated(extra, seg)
        return True
    offset = stop - seg.length
    if stop < half.next_offset or (extra.fin_offset >= 0 and extra.fin_sure):
        refuse(ctx, stream, half, "fin", seg, offset)
        return False
    if seg.length == 0 and beyond_window(ctx, half, stop) and not ctx.window_exact:
        refuse(ctx, stream, half, "fin", seg, offset)
        return False
    if seg.doubts or extra.fin_offset >= 0 or stop < half.sent_edge:
        if not seg.doubts and extra.fin_offset != half.next_offset:
            # Its data is beyond doubt, and only the end is not.
            seg.flags &= ~FIN
            alone = fin_of(seg, stop)
            alone.doubts = DOUBT_FIN
            suspect(ctx, stream, half, None, alone, stop)
            return seg.length > 0
        return True
    note_fin(half, seg, stop)
    return True


def fin_of(seg: Segment, stop: int) -> Segment:
    """Return the FIN of a segment as one without data."""
    alone = Segment.__new__(Segment)
    alone.seq = (seg.seq + seg.length) & LOW32
    alone.ack = seg.ack
    alone.flags = seg.flags | FIN
    alone.window = seg.window
    alone.length = 0
    alone.captured = 0
    alone.ttl = seg.ttl
    alone.mss = 0
    alone.wscale = seg.wscale
    alone.sack_permitted = False
    alone.has_timestamp = seg.has_timestamp
    alone.tsval = seg.tsval
    alone.checksum = seg.checksum
    alone.copy = seg.copy
    alone.counted = True
    alone.doubts = 0
    alone.frame = seg.frame
    alone.time_ns = seg.time_ns
    alone.sacks = None
    alone.payload = b""
    return alone


def over(stream: Stream) -> bool:
    """Return whether both FINs lie next, and at least one is beyond doubt."""
    half = stream.half_a
    other = stream.half_b
    if half is None or half.extra is None or other is None or other.extra is None:
        return False
    if half.extra.fin_offset != half.next_offset:
        return False
    if other.extra.fin_offset != other.next_offset:
        return False
    return half.extra.fin_sure or other.extra.fin_sure


def fin_due(ctx: Context, stream: Stream, half: Half, peer: Half | None) -> None:
    """The time is over that a FIN which nobody acknowledged had to be contradicted."""
    # It had a FIN.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    extra.fin_ns = NEVER
    if extra.fin_offset != half.next_offset or half.flags & FINISHED:
        return
    if went_on(half, peer):
        refute_fin(ctx, stream, half)
        if extra.suspects:
            settle_suspects(ctx, stream, half, peer, half.acked)
        drain(ctx, stream, half)
        return
    if ctx.wins != BY_PLACE and half.acked >= 0 and not extra.fin_repeated:
        if peer is not None and peer.packets and not peer.flags & FINISHED:
            # Who was captured, and has not acknowledged it, may go on getting bytes.
            return
    extra.fin_sure = True
    finish_if_due(ctx, stream, half)
    if extra.suspects:
        settle_suspects(ctx, stream, half, peer, half.acked)
