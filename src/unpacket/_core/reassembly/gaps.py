"""Holes before what is held: where they end, how long they may wait, and who gives up.

A hole becomes a ``Gap`` always before the data that follows it.
"""

from unpacket._core.constants import GRACE, NEVER
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.delivery import cut_piece, drain, miss, miss_hole
from unpacket._core.reassembly.half import Half, HalfExtra
from unpacket._core.reassembly.release import release
from unpacket._core.reassembly.stream import Stream


def hole_end(half: Half) -> int:
    """Return where the hole at the delivered edge ends, or -1 if there is none."""
    extra = half.extra
    if extra is None:
        return -1
    if extra.fin_offset == half.next_offset:
        return -1
    if extra.held is not None and extra.held.count:
        if cut_piece(half):
            return extra.held.first().stop
        return extra.held.start
    if extra.fin_offset > half.next_offset:
        return extra.fin_offset
    return -1


def watch(ctx: Context, stream: Stream, half: Half) -> None:
    """Give up the holes that the peer has acknowledged past, after their grace."""
    extra = half.extra
    if ctx.grace_ns < 0 or extra is None or ctx.settling:
        return
    if ctx.grace_ns == 0:
        fill(ctx, stream, half, half.acked)
        return
    if extra.grace_ns != NEVER:
        return
    stop = hole_end(half)
    if stop >= 0 and (half.acked >= stop or (half.acked < 0 and cut_piece(half))):
        extra.grace_ns = ctx.now_ns + ctx.grace_ns
        extra.grace_acked = half.acked
        ctx.set_timer(extra.grace_ns, GRACE, stream, half)


def fill(ctx: Context, stream: Stream, half: Half, acked: int) -> None:
    """Give up the holes that end at ``acked`` or before.

    Where the peer was never seen, what the capture cut off is not waited for.
    """
    stop = hole_end(half)
    while stop >= 0 and (acked >= stop or (half.acked < 0 and cut_piece(half))):
        miss_hole(ctx, stream, half, stop, "not_captured")
        drain(ctx, stream, half)
        stop = hole_end(half)


def give_up(ctx: Context, stream: Stream, half: Half, acked: int) -> None:
    """Give up the holes behind whose end a segment of the peer acknowledges bytes."""
    stop = hole_end(half)
    while 0 <= stop < acked:
        miss_hole(ctx, stream, half, stop, "not_captured")
        drain(ctx, stream, half)
        stop = hole_end(half)
    release(ctx, half, False)


def grace_over(ctx: Context, stream: Stream, half: Half) -> None:
    """The grace has passed: what was acknowledged when it began will not come."""
    # Where a grace was set there is one.
    extra: HalfExtra = half.extra  # type: ignore[assignment]
    extra.grace_ns = NEVER
    fill(ctx, stream, half, extra.grace_acked)
    release(ctx, half, False)
    watch(ctx, stream, half)


def skip(ctx: Context, stream: Stream, half: Half, stop: int) -> None:
    """Go on at ``stop``: the holes before it are gaps that nobody waits for."""
    extra = half.extra
    if extra is not None and extra.fin_offset >= 0:
        stop = min(stop, extra.fin_offset)
    end = hole_end(half)
    while half.next_offset < stop and 0 <= end < stop:
        miss_hole(ctx, stream, half, end, "skipped")
        drain(ctx, stream, half)
        end = hole_end(half)
    if half.next_offset < stop:
        miss(ctx, stream, half, stop, "skipped")
        drain(ctx, stream, half)
