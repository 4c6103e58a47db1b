"""How much memory streams take, by the numbers of ``costs``.

A stream and its halves are counted when they are made. What a half needs once something
unusual has happened to it is counted anew whenever a segment or a timer is done with:
``HalfExtra.counted`` is what is in the sum, so that just that is taken off it again.
Payload that waits is counted where it begins to wait and where it ends to.
"""

from unpacket._core.constants import NEVER
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.costs import (
    EVENT_BYTES,
    EXTRA_BYTES,
    HALF_BYTES,
    HELD_BYTES,
    LAYER_BYTES,
    LIST_BYTES,
    PART_BYTES,
    QUEUE_BYTES,
    RANGE_BYTES,
    REJECTED_BYTES,
    SACK_BYTES,
    SEGMENT_BYTES,
    TIMER_BYTES,
)
from unpacket._core.reassembly.events import Conflict, Data, Event
from unpacket._core.reassembly.half import Half, HalfExtra
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream

# Behind so many events that wait for an acknowledgement a conflict does not wait.
MOST_WAITING = 1024


def recount(ctx: Context, stream: Stream) -> None:
    """Count what the halves of a stream need by now besides themselves."""
    if stream.half_a is not None and stream.half_a.extra is not None:
        recount_extra(ctx, stream.half_a.extra)
    if stream.half_b is not None and stream.half_b.extra is not None:
        recount_extra(ctx, stream.half_b.extra)


def recount_extra(ctx: Context, extra: HalfExtra) -> None:
    """Count a HalfExtra with what it leads to."""
    size = EXTRA_BYTES
    if extra.held is not None:
        size += HELD_BYTES
    if extra.rejected is not None:
        size += REJECTED_BYTES
    if extra.unreleased is not None:
        size += QUEUE_BYTES
    if extra.waiting is not None:
        size += LIST_BYTES + TIMER_BYTES
    if extra.suspects is not None:
        size += LIST_BYTES
    if extra.isns is not None:
        size += LIST_BYTES
    if extra.missing is not None:
        size += LIST_BYTES + RANGE_BYTES * len(extra.missing)
    if extra.refused is not None:
        size += LIST_BYTES + RANGE_BYTES * len(extra.refused)
    if extra.doubted is not None:
        size += REJECTED_BYTES
    if extra.unplaced is not None:
        size += REJECTED_BYTES
    if extra.grace_ns != NEVER:
        size += TIMER_BYTES
    ctx.memory_bytes += size - extra.counted
    extra.counted = size


def may_wait(extra: HalfExtra, event: Event) -> bool:
    """Return whether an event waits with those that wait for an acknowledgement.

    Conflicts do not wait behind many: whoever causes them at will must not fill the
    memory.
    """
    return len(extra.unreleased) < MOST_WAITING or not isinstance(event, Conflict)  # type: ignore[arg-type]


def drop_extra(ctx: Context, half: Half) -> None:
    """Let a half have no HalfExtra any more."""
    ctx.memory_bytes -= half.extra.counted  # type: ignore[union-attr]
    half.extra = None


def fixed_bytes(ctx: Context, stream: Stream) -> int:
    """Return what is counted for a stream that has ended and is to be forgotten."""
    size = ctx.stream_bytes + half_bytes(stream.half_a) + half_bytes(stream.half_b)
    if stream.layers is not None:
        size += LAYER_BYTES * len(stream.layers)
    return size


def half_bytes(half: Half | None) -> int:
    """Return what is counted for a half."""
    if half is None:
        return 0
    if half.extra is None:
        return HALF_BYTES
    return HALF_BYTES + half.extra.counted


def segment_bytes(seg: Segment) -> int:
    """Return what a segment takes that waits."""
    size = SEGMENT_BYTES + seg.captured
    if seg.sacks is not None:
        size += SACK_BYTES * len(seg.sacks)
    return size


def event_bytes(event: Event) -> int:
    """Return what an event takes that waits for an acknowledgement."""
    size = EVENT_BYTES
    if isinstance(event, Data):
        data = event
        size += len(data.payload)
        if data.parts is not None:
            size += PART_BYTES * len(data.parts)
    elif isinstance(event, Conflict):
        size += len(event.kept) + len(event.other)
    return size
