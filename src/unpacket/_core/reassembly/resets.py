"""What comes after an RST, or after the end: does it show that nothing ended, that the
ports carry another connection, or nothing?

A host that has sent an RST, or believed one, has no connection any more. So whoever
acknowledges what was sent after it shows that it was not believed, and two ends that
acknowledge each other with quite other numbers have another connection. Nothing here
has an effect on the stream: what is queued is processed once this is decided.
"""

from unpacket._core.constants import (
    ACK,
    ANOTHER,
    FIN,
    LOW32,
    NOTHING,
    OPEN,
    RST,
    STREAM_GOES_ON,
    SYN,
)
from unpacket._core.reassembly.accounting import segment_bytes
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.costs import QUEUED_BYTES, RESET_BYTES
from unpacket._core.reassembly.delivery import discard
from unpacket._core.reassembly.half import Half
from unpacket._core.reassembly.judgement import sure_edge
from unpacket._core.reassembly.pending import Range, Reset
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream
from unpacket._core.sequence import delta, unwrap

# So many segments of a stream that has ended wait for what they are.
MAX_LATE = 64
MAX_LATE_BYTES = 1 << 18

# So many segments with numbers of their own need nobody who confirms them: who sends
# SYN and RST in turn must not have each looked at again with all that came before it.
MAX_FOREIGN = 16


def begin_reset(
    ctx: Context, stream: Stream, seg: Segment | None, from_a: bool
) -> Reset:
    """Let an RST wait, or, where ``seg`` is None, what comes after the end."""
    reset = Reset(seg, from_a)
    for half, used in ((stream.half_a, reset.used_a), (stream.half_b, reset.used_b)):
        if half is not None and half.state == OPEN:
            used.start((half.base_seq + sure_edge(half)) & LOW32)
    stream.reset = reset
    ctx.memory_bytes += RESET_BYTES
    return reset


def room(ctx: Context, reset: Reset) -> bool:
    """Return whether the queue may grow."""
    if reset.seg is None:
        return len(reset.queue) < MAX_LATE and reset.queued_bytes < MAX_LATE_BYTES
    return (
        len(reset.queue) < ctx.max_held_segments
        and reset.queued_bytes <= ctx.max_held_bytes
        and ctx.memory_bytes <= ctx.memory_limit
    )


def queue_up(ctx: Context, reset: Reset, from_a: bool, seg: Segment) -> None:
    """Put a segment at the end of the queue."""
    reset.queue.append((from_a, seg))
    reset.queued_bytes += seg.captured
    ctx.memory_bytes += segment_bytes(seg) + QUEUED_BYTES


def take_queue(ctx: Context, reset: Reset) -> list[tuple[bool, Segment]]:
    """Return the queue, and leave none."""
    queue = reset.queue
    ctx.memory_bytes -= RESET_BYTES + QUEUED_BYTES * len(queue)
    for _, seg in queue:
        ctx.memory_bytes -= segment_bytes(seg)
    reset.queue = []
    reset.queued_bytes = 0
    return queue


def weigh_next(
    stream: Stream, reset: Reset, half: Half, peer: Half | None, seg: Segment
) -> int:
    """Return what a segment, the last of the queue, shows together with the others."""
    shown = weigh_one(stream, reset, half, peer, seg)
    if (
        shown == NOTHING
        and reset.foreign >= 0
        and len(reset.queue) - reset.foreign >= MAX_FOREIGN
    ):
        return STREAM_GOES_ON if undecided(reset) else ANOTHER
    return shown


def weigh_one(
    stream: Stream, reset: Reset, half: Half, peer: Half | None, seg: Segment
) -> int:
    """Return what a segment shows by its numbers."""
    from_a = half is stream.half_a
    used, others = reset.used_a, reset.used_b
    fresh, fresh_others = reset.fresh_a, reset.fresh_b
    if not from_a:
        used, others = others, used
        fresh, fresh_others = fresh_others, fresh
    stop = (seg.seq + seg.length + (seg.flags & FIN)) & LOW32
    if seg.flags & SYN:
        stop = (stop + 1) & LOW32
    if seg.flags & RST:
        # Who answers with another RST has no connection.
        reset.answered = False
        reset.went_on = False
        if seg.flags & ACK and fresh_others.holds(seg.ack):
            return ANOTHER
        return NOTHING
    other_isn = (
        seg.flags & SYN
        and half.state == OPEN
        and seg.seq != ((half.base_seq - 1) & LOW32)
    )
    # A side that was silent has no numbers yet that its segment could be far from.
    answers = not used.known and seg.flags & ACK and fresh_others.holds(seg.ack)
    if other_isn or answers or (used.known and not used.near(seg.seq)):
        return weigh_far(stream, reset, fresh, fresh_others, seg, stop, peer)
    if not used.known:
        used.start(seg.seq)
    grows = delta(stop, used.last) > 0
    used.extend(stop)
    if grows and from_a == reset.from_a:
        reset.went_on = True
    if seg.flags & ACK:
        if others.holds(seg.ack):
            return STREAM_GOES_ON
        if (
            from_a != reset.from_a
            and seg.length == 0
            and not seg.flags & (SYN | FIN)
            and not seg.copy
            and peer is not None
            and peer.acked >= 0
            and unwrap(seg.ack, peer.base_seq, peer.next_offset) == peer.acked
        ):
            reset.answered = True
    if grows and seg.length and unheard(reset, peer):
        return STREAM_GOES_ON
    return NOTHING


def weigh_far(
    stream: Stream,
    reset: Reset,
    fresh: Range,
    others: Range,
    seg: Segment,
    stop: int,
    peer: Half | None,
) -> int:
    """Return what a segment shows whose numbers are not the stream's."""
    if reset.foreign < 0:
        reset.foreign = len(reset.queue) - 1
    again = fresh.known and fresh.last == seg.seq
    if not fresh.known or not fresh.near(seg.seq):
        fresh.start(seg.seq)
    fresh.extend(stop)
    if seg.flags & ACK and others.holds(seg.ack):
        return ANOTHER
    # One side was captured: its next segment must do.
    if again and seg.length and unheard(reset, peer):
        return ANOTHER
    return NOTHING


def unheard(reset: Reset, peer: Half | None) -> bool:
    """Return whether the peer of a segment was never captured but for its RSTs."""
    if peer is None:
        return True
    return peer.packets == 0 or (peer.packets == 1 and peer.state != OPEN)


def undecided(reset: Reset) -> bool:
    """Return whether an RST is not believed although nobody has acknowledged more."""
    return reset.answered or reset.went_on


def drop_reset(ctx: Context, stream: Stream, waits: Reset) -> None:
    """The stream ends for another reason than an RST that still waits."""
    stream.reset = None
    for from_a, item in take_queue(ctx, waits):
        # Whoever sent it has a half.
        sender: Half = stream.half_a if from_a else stream.half_b  # type: ignore[assignment]
        discard(sender, item.captured, "after_rst")
    if waits.seg is not None:
        half: Half = stream.half_a if waits.from_a else stream.half_b  # type: ignore[assignment]
        discard(half, waits.seg.captured, "rst_payload")
