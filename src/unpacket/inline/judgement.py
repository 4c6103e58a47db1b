"""Asks the inspector, and carries out what it answers."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Literal, Protocol

from unpacket._core.reassembly.events import Closed, Data, Opened
from unpacket._core.reassembly.stream import Stream
from unpacket.inline.admission import Admitted
from unpacket.inline.emission import (
    acknowledgement,
    answered_with_reset,
    built_segments,
    cut,
    out_of_pure,
    reset_to_receiver,
)
from unpacket.inline.flows import Flow, State
from unpacket.inline.half import LOW32, Half
from unpacket.inline.outbox import Outcome
from unpacket.inline.packets import ACK, FIN, NO_PACKET, PSH, RST, SYN, Segment
from unpacket.inline.verdicts import (
    ACCEPT,
    DROP,
    RESET,
    Answer,
    Arrival,
    Hold,
    Inspector,
    Replace,
    Verdict,
)

# The origin of what is sent because time has passed.
NOBODY = -1


class Choices(Protocol):
    """What of ``Settings`` matters here."""

    @property
    def on_failure(self) -> Literal["open", "closed"]: ...


class Counts(Protocol):
    """What of ``Statistics`` is counted here."""

    failures: int


class BadAnswer(TypeError):
    """An inspector answered what it must not."""


class Judge:
    """Has an inspector, and what is to be decided by when."""

    def __init__(
        self,
        inspector: Inspector,
        choices: Choices,
        counts: Counts,
        report: Callable[[Stream | None, Exception], None],
    ) -> None:
        self._inspector = inspector
        self._choices = choices
        self._counts = counts
        self._report = report
        self._deadlines: list[tuple[int, int, Flow, int, int]] = []
        self._made = 0

    def judge(self, found: Admitted, now_ns: int) -> None:
        """Ask about a packet that was admitted, and fill its outcome."""
        flow, outcome = found.flow, found.outcome
        half = flow.halves[found.number]
        if flow.state is State.REFUSED:
            outcome.reason = "inspector"
            return
        if flow.state is State.RESET:
            self._refuse(found)
            return
        if half.blocked and found.is_new_of(half):
            outcome.reason = "blocked"
            return
        before = half.released
        out_before = half.out_end
        verdict = self._decide(found, half, now_ns)
        if verdict is RESET:
            self._reset(found)
        elif verdict is DROP:
            self._drop(found, half)
        else:
            self._emit(found, half, before, out_before)
            self._close_if_done(flow)
        if any(isinstance(event, Closed) for event in found.events):
            self._end(flow)

    def forget(self, flow: Flow) -> None:
        """Let the inspector forget a connection that was quiet for too long."""
        for half in flow.halves:
            half.deadline_ns = 0
        self._end(flow)

    def expire(self, now_ns: int) -> list[Outcome]:
        """Carry out the verdicts on what has waited for too long."""
        outcomes: list[Outcome] = []
        while self._deadlines and self._deadlines[0][0] <= now_ns:
            deadline_ns, _, flow, number, origin = heapq.heappop(self._deadlines)
            half = flow.halves[number]
            if half.deadline_ns != deadline_ns or flow.is_ended_by_inspector:
                continue
            outcome = Outcome(origin)
            outcomes.append(outcome)
            self._carry_out_late(flow, number, outcome)
        return outcomes

    def _decide(self, found: Admitted, half: Half, now_ns: int) -> Verdict:
        """Ask, and carry out all but DROP and RESET."""
        is_new = found.events or found.now_seen > found.seen
        if half.blocked or not is_new:
            # What waits goes on waiting.
            return ACCEPT
        flow = found.flow
        if flow.trusted:
            self._release(half, found.now_seen)
            return ACCEPT
        stream = flow.stream
        pending = half.waiting(half.released, found.now_seen)
        try:
            check_events(found, pending)
            assert stream is not None, "what has events has a stream"
            arrival = Arrival(
                stream,
                flow.direction(found.number),
                found.events,
                pending,
                found.segment.packet.data,
                now_ns,
            )
            answer = self._inspector.inspect(arrival)
            return self._carry_out(answer, found, half, len(pending), now_ns)
        except Exception as error:
            self._counts.failures += 1
            self._report(stream, error)
            if self._choices.on_failure == "closed":
                return RESET
            flow.trusted = True
            self._release(half, found.now_seen)
            return ACCEPT

    def _carry_out(
        self, answer: Answer, found: Admitted, half: Half, pending: int, now_ns: int
    ) -> Verdict:
        if answer is None or answer is ACCEPT:
            self._release(half, found.now_seen)
            return ACCEPT
        if answer is DROP or answer is RESET:
            return answer
        if isinstance(answer, Hold):
            if pending > answer.max_bytes:
                return self._carry_out(answer.then, found, half, pending, now_ns)
            if pending:
                self._wait(found, half, answer.seconds, answer.then, now_ns)
            return ACCEPT
        if not isinstance(answer, Replace):
            raise BadAnswer(f"{answer!r:.60} is no verdict")
        if not self._inspector.replaces:
            raise BadAnswer("an inspector with replaces = False returned Replace")
        if answer.keep > pending:
            raise BadAnswer(f"keep is {answer.keep}, and {pending} bytes are pending")
        half.deadline_ns = 0
        half.release(pending - answer.keep, answer.payload)
        if answer.keep:
            self._wait(found, half, answer.seconds, answer.then, now_ns)
        return ACCEPT

    def _release(self, half: Half, stop: int) -> None:
        half.deadline_ns = 0
        if half.released < stop:
            half.release(stop - half.released)

    def _wait(
        self, found: Admitted, half: Half, seconds: float, then: Verdict, now_ns: int
    ) -> None:
        """Let what is pending wait, from now on if nothing waited before."""
        half.at_deadline = then
        if half.deadline_ns:
            return
        half.deadline_ns = now_ns + max(1, int(seconds * 1e9))
        self._made += 1
        entry = (
            half.deadline_ns,
            self._made,
            found.flow,
            found.number,
            found.outcome.origin,
        )
        heapq.heappush(self._deadlines, entry)

    def _carry_out_late(self, flow: Flow, number: int, outcome: Outcome) -> None:
        """Carry out the verdict of a bound, without a packet at hand."""
        half = flow.halves[number]
        verdict = half.at_deadline
        half.deadline_ns = 0
        outcome.reason = "deadline"
        template = half.last
        if template is None:
            return
        if verdict is RESET:
            outcome.forward += reset_to_receiver(flow, number)
            outcome.back += reset_to_receiver(flow, 1 - number)
            self._stop(flow, State.RESET)
            return
        if verdict is DROP:
            half.block()
            return
        start = half.out_end
        self._release(half, half.seen)
        segment = template.copy()
        segment.flags = ACK | PSH
        if half.fin_waits:
            segment.flags |= FIN
            half.fin_waits, half.fin_passed = False, True
        receiver = flow.halves[1 - number]
        parts = cut(half, receiver, segment, start, half.out_end)
        outcome.forward += built_segments(parts)
        self._close_if_done(flow)

    def _drop(self, found: Admitted, half: Half) -> None:
        flow = found.flow
        found.outcome.reason = "inspector"
        if any(isinstance(event, Opened) for event in found.events) and (
            found.segment.flags & SYN
        ):
            self._stop(flow, State.REFUSED)
            return
        half.block()

    def _reset(self, found: Admitted) -> None:
        flow, outcome = found.flow, found.outcome
        self._refuse(found)
        if not found.segment.flags & SYN:
            outcome.forward += reset_to_receiver(flow, found.number)
        elif found.segment.flags & ACK:
            # Its receiver waits for this SYN-ACK.
            template = flow.halves[1].last
            if template is not None:
                abort = template.copy()
                abort.flags = RST | ACK
                abort.options = b""
                outcome.forward.append(abort.built())
        self._stop(flow, State.RESET)

    def _refuse(self, found: Admitted) -> None:
        """Answer a packet with an RST."""
        segment = found.segment
        if found.acked >= 0:
            segment = segment.copy()
            segment.ack = found.acked
        answer = answered_with_reset(segment)
        if answer is not None:
            found.outcome.back.append(answer)
        found.outcome.reason = "inspector"

    def _stop(self, flow: Flow, state: State) -> None:
        """Let nothing more of a flow go on."""
        flow.state = state
        flow.syns.clear()
        self._end(flow)

    def _end(self, flow: Flow) -> None:
        if flow.stream is not None and not flow.is_over:
            flow.is_over = True
            self._inspector.ended(flow.stream)

    def _close_if_done(self, flow: Flow) -> None:
        first, second = flow.halves
        if first.fin_passed and second.fin_passed and flow.state is State.OPEN:
            flow.state = State.CLOSED

    def _emit(self, found: Admitted, half: Half, before: int, out_before: int) -> None:
        """Build what goes on of a packet, and what answers it."""
        segment, outcome = found.segment, found.outcome
        if segment.flags & SYN:
            outcome.forward.append(segment.sent())
            return
        if not found.is_placed:
            self._emit_unplaced(found)
            return
        if segment.flags & RST:
            segment.seq = (half.base + self._out_of_reset(half, found.start)) & LOW32
            outcome.forward.append(segment.sent())
            return
        if found.has_fin and half.released < half.fin:
            segment.flags &= ~FIN
            half.fin_waits = True
        elif half.fin_waits and half.fin == half.released:
            segment.flags |= FIN
        if segment.flags & FIN:
            half.fin_waits, half.fin_passed = False, True
        self._cut_acknowledged(found, half)
        holds = self._inspector.replaces or half.released < found.now_seen
        was_held = before < found.seen
        made: list[Segment]
        if not segment.payload and half.out_end == out_before:
            is_fin = segment.flags & FIN
            segment.seq = (half.base + out_of_pure(half, found.start)) & LOW32
            if is_fin:
                segment.seq = (half.base + half.out_end) & LOW32
            made = [segment]
        elif holds or was_held or half.is_translated:
            made = self._translated(found, half, out_before)
        else:
            if not found.is_plain:
                segment.payload = half.original(found.start, segment.payload)
            made = [segment]
        if holds and not made:
            self._answer_sender(found, half)
        if len(made) == 1:
            outcome.forward.append(made[0].sent())
        else:
            outcome.forward += built_segments(made)
        self._remember(half, segment, found)

    def _cut_acknowledged(self, found: Admitted, half: Half) -> None:
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

    def _out_of_reset(self, half: Half, start: int) -> int:
        if half.fin_passed and start > half.fin:
            return half.out_end + 1
        if start >= half.released or start >= half.seen:
            return half.out_end
        return half.out_acked

    def _translated(
        self, found: Admitted, half: Half, out_before: int
    ) -> list[Segment]:
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

    def _answer_sender(self, found: Admitted, half: Half) -> None:
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

    def _emit_unplaced(self, found: Admitted) -> None:
        """Let the receiver say where it is (Handley, Paxson and Kreibich 2001).

        A keep-alive lies just below what is expected, and is answered.
        """
        segment = found.segment
        if segment.payload or segment.flags & FIN:
            segment.seq = (segment.seq - 1) & LOW32
            segment.payload = b""
            segment.flags &= ~(FIN | PSH)
        found.outcome.forward.append(segment.sent())
        self._remember(found.flow.halves[found.number], segment, found)

    def _remember(self, half: Half, segment: Segment, found: Admitted) -> None:
        """Keep what packets of our own begin from."""
        if found.start <= found.seen or half.last is None:
            # Nobody else needs it any more; it may be large.
            segment.payload = b""
            segment.packet = NO_PACKET
            half.last = segment


def check_events(found: Admitted, pending: bytes) -> None:
    """Raise where the assembler gave others than the bytes that go on."""
    new = found.now_seen - found.seen
    shown = [event.payload for event in found.events if isinstance(event, Data)]
    given = b"".join(shown)
    if given != (pending[len(pending) - new :] if new else b""):
        raise AssertionError("the assembler and the engine read different bytes")
