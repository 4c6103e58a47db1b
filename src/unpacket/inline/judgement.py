"""Asks the inspector, and carries out what it answers."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Literal, Protocol

from unpacket._core.reassembly.events import Closed, Data, Opened
from unpacket._core.reassembly.stream import Stream
from unpacket.inline.admitted import Admitted
from unpacket.inline.emission import (
    answered_with_reset,
    built_segments,
    cut,
    reset_to_receiver,
)
from unpacket.inline.flows import Flow, State
from unpacket.inline.half import Half
from unpacket.inline.outbox import Outcome, outcome_of
from unpacket.inline.packets import (
    ACK,
    FIN,
    NO_PACKET,
    PSH,
    RST,
    SYN,
)
from unpacket.inline.passing import emit
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
        self._inspect = inspector.inspect
        self._replaces = bool(inspector.replaces)
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
        if found.is_ordinary and self._passes(found, half, now_ns):
            return
        before = half.released
        out_before = half.out_end
        verdict = self._decide(found, half, now_ns)
        if verdict is RESET:
            self._reset(found)
        elif verdict is DROP:
            self._drop(found, half)
        else:
            emit(found, half, before, out_before, self._replaces)
            self._close_if_done(flow)
        self._end_if_closed(found)

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
            outcome = outcome_of(origin)
            outcomes.append(outcome)
            self._carry_out_late(flow, number, outcome)
        return outcomes

    def _passes(self, found: Admitted, half: Half, now_ns: int) -> bool:
        """Let an ordinary packet go on as it came; return whether that was all.

        Where it is not, its payload waits, and its verdict is not known yet.
        """
        segment = found.segment
        payload = delivered(found)
        if payload is None or half.released != found.seen or found.flow.trusted:
            found.is_ordinary = False
            segment.load()
            half.keep(segment.payload)
            return False
        if found.events:
            found.answer = self._asked(found, payload, now_ns)
            found.is_asked = True
            if found.answer is not ACCEPT and found.answer is not None:
                segment.load()
                half.keep(payload)
                return False
        half.pass_on(payload)
        found.outcome.forward.append(segment.packet)
        segment.packet = NO_PACKET
        half.last = segment
        self._end_if_closed(found)
        return True

    def _decide(self, found: Admitted, half: Half, now_ns: int) -> Verdict:
        """Ask, and carry out all but DROP and RESET."""
        if half.blocked or not (found.events or found.now_seen > found.seen):
            # What waits goes on waiting.
            return ACCEPT
        if found.flow.trusted:
            self._release(half, found.now_seen)
            return ACCEPT
        pending = half.waiting(half.released, found.now_seen)
        if not found.is_asked:
            found.answer = self._asked(found, pending, now_ns)
        return self._carry_out(found.answer, found, half, len(pending), now_ns)

    def _asked(self, found: Admitted, pending: bytes, now_ns: int) -> Answer:
        """Return what the inspector answers, or what its failure comes to."""
        flow = found.flow
        stream = flow.stream
        try:
            if not found.is_ordinary:
                check_events(found, pending)
            assert stream is not None, "what has events has a stream"
            arrival = Arrival.__new__(Arrival)
            arrival.stream = stream
            arrival.direction = flow.direction(found.number)
            arrival.events = found.events
            arrival.pending = pending
            arrival.packet = found.segment.packet.data
            arrival.time_ns = now_ns
            answer = self._inspect(arrival)
            if answer is not None and answer is not ACCEPT:
                self._check_answer(answer, len(pending))
            return answer
        except Exception as error:
            self._counts.failures += 1
            self._report(stream, error)
            if self._choices.on_failure == "closed":
                return RESET
            flow.trusted = True
            return ACCEPT

    def _check_answer(self, answer: object, pending: int) -> None:
        """Raise BadAnswer for what an inspector must not answer."""
        if isinstance(answer, Verdict):
            return
        if not isinstance(answer, Hold | Replace):
            raise BadAnswer(f"{answer!r:.60} is no verdict")
        if not isinstance(answer.then, Verdict):
            raise BadAnswer(f"{answer.then!r:.60} is no verdict for a bound")
        if isinstance(answer, Hold):
            return
        if not self._replaces:
            raise BadAnswer("an inspector with replaces = False returned Replace")
        if answer.keep > pending:
            raise BadAnswer(f"keep is {answer.keep}, and {pending} bytes are pending")

    def _carry_out(
        self, answer: Answer, found: Admitted, half: Half, pending: int, now_ns: int
    ) -> Verdict:
        if answer is None or answer is ACCEPT:
            self._release(half, found.now_seen)
            return ACCEPT
        if isinstance(answer, Verdict):
            return answer
        if isinstance(answer, Hold):
            if pending > answer.max_bytes:
                return self._carry_out(answer.then, found, half, pending, now_ns)
            if pending:
                self._wait(found, half, answer.seconds, answer.then, now_ns)
            return ACCEPT
        half.deadline_ns = 0
        # The bytes themselves, whatever class they are of.
        half.release(pending - answer.keep, bytes(answer.payload))
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
        opens = [event for event in found.events if isinstance(event, Opened)]
        if opens and found.segment.flags & SYN:
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
            template = flow.halves[found.number].last
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

    def _end_if_closed(self, found: Admitted) -> None:
        for event in found.events:
            if isinstance(event, Closed):
                self._end(found.flow)

    def _close_if_done(self, flow: Flow) -> None:
        first, second = flow.halves
        if first.fin_passed and second.fin_passed and flow.state is State.OPEN:
            flow.state = State.CLOSED


def delivered(found: Admitted) -> bytes | None:
    """Return the payload of an ordinary packet, as the assembler gave it.

    It is all of the packet's where it has its length. None: it is not.
    """
    count = found.now_seen - found.seen
    if not count:
        return b""
    if len(found.events) != 1:
        return None
    event = found.events[0]
    if isinstance(event, Data) and len(event.payload) == count:
        payload: bytes = event.payload
        return payload
    return None


def check_events(found: Admitted, pending: bytes) -> None:
    """Raise where the assembler gave others than the bytes that go on."""
    new = found.now_seen - found.seen
    shown = [event.payload for event in found.events if isinstance(event, Data)]
    given = b"".join(shown)
    if given != (pending[len(pending) - new :] if new else b""):
        raise AssertionError("the assembler and the engine read different bytes")
