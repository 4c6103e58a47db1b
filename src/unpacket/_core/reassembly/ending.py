"""What is left of a stream that ends: delivered, given up, or let go."""

from unpacket._core.constants import FINISHED, OPEN, SIMPLE
from unpacket._core.reassembly.accounting import drop_extra, segment_bytes
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.delivery import (
    drain,
    finish_if_due,
    miss,
    miss_by_evidence,
)
from unpacket._core.reassembly.gaps import hole_end
from unpacket._core.reassembly.half import Half
from unpacket._core.reassembly.judgement import beyond_window
from unpacket._core.reassembly.release import release
from unpacket._core.reassembly.stream import Stream


def flush(ctx: Context, stream: Stream, half: Half | None, peer: Half | None) -> None:
    """Deliver or give up everything that still waits: the stream ends."""
    if half is None or half.state != OPEN:
        return
    extra = half.extra
    if extra is not None:
        if extra.claim > half.acked and not beyond_window(ctx, half, extra.claim):
            # Nobody has contradicted it.
            half.acked = extra.claim
        extra.claim = -1
    ctx.ending = True
    if extra is not None and extra.held is not None:
        drain(ctx, stream, half)
    stop = hole_end(half)
    while stop >= 0:
        miss_by_evidence(ctx, stream, half, stop)
        drain(ctx, stream, half)
        stop = hole_end(half)
    extra = half.extra
    fin = -1 if extra is None else extra.fin_offset
    # One byte beyond the edge is the FIN's sequence number, where no FIN was
    # captured (RFC 9293 section 3.4).
    if fin < 0 and half.acked > half.next_offset + 1:
        miss(ctx, stream, half, half.acked, "not_captured")
    elif fin >= 0:
        finish_if_due(ctx, stream, half)
    ctx.ending = False
    release(ctx, half, True)


def all_finished(first: Half | None, second: Half | None) -> bool:
    """Return whether both FINs have taken effect."""
    return (
        first is not None
        and second is not None
        and first.flags & FINISHED != 0
        and second.flags & FINISHED != 0
    )


def let_go(ctx: Context, half: Half | None) -> None:
    """Free what only a living half needs; the counts of what happened stay."""
    if half is None:
        return
    # Late packets are never data: no fast path for them.
    half.flags &= ~SIMPLE
    extra = half.extra
    if extra is None:
        return
    if extra.tracked:
        extra.tracked = False
        del ctx.trackers[extra]
    if extra.eventful():
        extra.held = None
        extra.suspects = None
        extra.unreleased = None
        extra.waiting = None
        extra.isns = None
        extra.refused = None
    else:
        drop_extra(ctx, half)


def refuse_candidate(ctx: Context, stream: Stream) -> None:
    """The SYN that might have been a port reuse was none."""
    # Both are there while there is a candidate.
    half: Half = stream.half_a if stream.candidate_a else stream.half_b  # type: ignore[assignment]
    half.packets += 1
    half.duplicates += stream.candidate.copy  # type: ignore[union-attr]
    half.payload_bytes += stream.candidate.captured  # type: ignore[union-attr]
    ctx.memory_bytes -= segment_bytes(stream.candidate)  # type: ignore[arg-type]
    ctx.reject(stream, half, "syn", stream.candidate, None)  # type: ignore[arg-type]
    stream.candidate = None
