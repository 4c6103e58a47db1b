"""What goes on of a packet that was accepted, and what answers it."""

from __future__ import annotations

from unpacket._core.constants import LOW32
from unpacket.inline.admitted import Admitted
from unpacket.inline.emission import acknowledgement, built_segments, cut, out_of_pure
from unpacket.inline.half import Half
from unpacket.inline.packets import ACK, FIN, NO_PACKET, PSH, RST, SYN, Segment


def emit(
    found: Admitted, half: Half, before: int, out_before: int, replaces: bool
) -> None:
    """Build what goes on of a packet, and what answers it."""
    segment, outcome = found.segment, found.outcome
    if segment.flags & SYN:
        outcome.forward.append(segment.sent())
        return
    if not found.is_placed:
        emit_unplaced(found)
        return
    if segment.flags & RST:
        segment.seq = (half.base + out_of_reset(half, found.start)) & LOW32
        outcome.forward.append(segment.sent())
        return
    if found.has_fin and half.released < half.fin:
        segment.flags &= ~FIN
        half.fin_waits = True
    elif half.fin_waits and half.fin == half.released:
        segment.flags |= FIN
    if segment.flags & FIN:
        half.fin_waits, half.fin_passed = False, True
    cut_acknowledged(found, half)
    holds = replaces or half.released < found.now_seen
    was_held = before < found.seen
    made: list[Segment]
    if not segment.payload and half.out_end == out_before:
        is_fin = segment.flags & FIN
        segment.seq = (half.base + out_of_pure(half, found.start)) & LOW32
        if is_fin:
            segment.seq = (half.base + half.out_end) & LOW32
        made = [segment]
    elif holds or was_held or half.is_translated():
        made = translated(found, half, out_before)
    else:
        if not found.is_plain:
            segment.payload = half.original(found.start, segment.payload)
        made = [segment]
    if holds and not made:
        answer_sender(found, half)
    if len(made) == 1:
        outcome.forward.append(made[0].sent())
    else:
        outcome.forward += built_segments(made)
    remember(half, segment, found)


def cut_acknowledged(found: Admitted, half: Half) -> None:
    """Take off what the receiver has: nobody keeps it, to tell what it was.

    Should the acknowledgement be a forged one, other bytes do not get by.
    """
    segment = found.segment
    below = min(half.acked, found.stop) - found.start
    if not segment.payload or below <= 0:
        return
    segment.payload = segment.payload[below:]
    if segment.payload or segment.flags & FIN:
        found.start += below
        segment.seq = (half.base + found.start) & LOW32
        return
    # The receiver answers what lies below, though not always.
    answer = acknowledgement(found.flow, found.number)
    if answer is not None:
        found.outcome.back.append(answer)


def out_of_reset(half: Half, start: int) -> int:
    if half.fin_passed and start > half.fin:
        return half.out_end + 1
    if start >= half.released or start >= half.seen:
        return half.out_end
    return half.out_acked


def translated(found: Admitted, half: Half, out_before: int) -> list[Segment]:
    """Return what goes on where bytes are replaced, or wait."""
    flow, segment = found.flow, found.segment
    receiver = flow.halves[1 - found.number]
    start, stop = found.start, found.stop
    out_start = half.edits.out(min(start, half.released))
    if half.out_end > out_before:
        out_start = min(out_start, out_before)
        out_stop = half.out_end
    elif stop >= half.released:
        out_stop = half.out_end
    else:
        out_stop = max(out_start, half.edits.out(stop))
    if start > half.released and out_stop == half.out_end == out_before:
        out_start = out_stop
    out_start = max(out_start, half.out_acked)
    if out_start >= out_stop and not segment.flags & FIN:
        return []
    return cut(half, receiver, segment, out_start, max(out_start, out_stop))


def answer_sender(found: Admitted, half: Half) -> None:
    """Answer a packet of which nothing went on: its sender would wait for ever.

    But for what is next in order and waits for a verdict: to report that as
    received would be to take it back.
    """
    outcome, segment = found.outcome, found.segment
    outcome.reason = "held"
    if half.starts or not half.pending:
        answer = acknowledgement(found.flow, found.number)
        if answer is not None:
            outcome.back.append(answer)
    last = half.last
    if last is None or (last.ack, last.window) != (segment.ack, segment.window):
        # What it acknowledges is not to wait.
        bare = segment.copy()
        bare.payload = b""
        bare.flags = ACK
        bare.seq = (half.base + half.out_end) & LOW32
        bare.gso_size = 0
        outcome.forward.append(bare.built())


def emit_unplaced(found: Admitted) -> None:
    """Let the receiver say where it is (Handley, Paxson and Kreibich 2001).

    A keep-alive lies just below what is expected, and is answered.
    """
    segment = found.segment
    if segment.payload or segment.flags & FIN:
        segment.seq = (segment.seq - 1) & LOW32
        segment.payload = b""
        segment.flags &= ~(FIN | PSH)
    found.outcome.forward.append(segment.sent())
    remember(found.flow.halves[found.number], segment, found)


def remember(half: Half, segment: Segment, found: Admitted) -> None:
    """Keep what packets of our own begin from."""
    if found.start <= found.seen or half.last is None:
        # Nobody else needs it any more; it may be large.
        segment.payload = b""
        segment.packet = NO_PACKET
        half.last = segment
