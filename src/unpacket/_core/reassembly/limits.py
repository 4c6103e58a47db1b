"""The bounds on what waits in a half, and what happens at each."""

from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.delivery import drain, finish_if_due, miss_hole
from unpacket._core.reassembly.gaps import hole_end
from unpacket._core.reassembly.half import Half
from unpacket._core.reassembly.release import release
from unpacket._core.reassembly.stream import Stream


def exceeds(ctx: Context, half: Half, other: Half | None) -> bool:
    """Return whether what ``half`` holds (with ``other``'s, if any) is too much."""
    extra = half.extra
    if extra is None or extra.held is None:
        return False
    held = extra.held
    size = held.payload_bytes
    count = held.count
    if other is not None and other.extra is not None:
        extra = other.extra
        if extra.held is not None:
            size += extra.held.payload_bytes
            count += extra.held.count
    return (
        size > ctx.max_held_bytes
        or count > ctx.max_held_segments
        or (held.count and held.stop - half.next_offset > ctx.max_held_span)
        or held.runs > ctx.max_holes
        or ctx.memory_bytes > ctx.memory_limit
    )


def overfull(ctx: Context, stream: Stream, half: Half, peer: Half | None) -> bool:
    """Enforce the bounds on what waits; return whether that closes the stream."""
    extra = half.extra
    if extra is None:
        return False
    if extra.unreleased and (
        extra.unreleased_bytes > ctx.max_held_bytes
        or len(extra.unreleased) > ctx.max_held_segments
    ):
        release(ctx, half, True)
    other = peer if ctx.together else None
    while extra.held is not None and extra.held.count and exceeds(ctx, half, other):
        if ctx.close_at_limit:
            return True
        stop = hole_end(half)
        if stop < 0:
            # What waits lies behind a FIN.
            extra.fin_sure = True
            finish_if_due(ctx, stream, half)
            break
        miss_hole(ctx, stream, half, stop, "limit")
        drain(ctx, stream, half)
    return False
