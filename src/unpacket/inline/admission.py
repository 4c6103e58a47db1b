"""Which packets come before the inspector, and which never do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from unpacket._core.constants import LOW32
from unpacket.inline import rules
from unpacket.inline.admitted import Admitted, admitted
from unpacket.inline.emission import (
    LARGEST_BYTES,
    answered_with_reset,
    translate_acknowledgement,
    turned,
)
from unpacket.inline.envelope import Refused
from unpacket.inline.flows import MAX_CANDIDATES, OPEN, Flow, FlowTable, State
from unpacket.inline.outbox import Outcome
from unpacket.inline.packets import (
    ACK,
    FIN,
    OPTION_MSS,
    RST,
    SYN,
    URG,
    Segment,
    options_of,
    ttl_of,
)
from unpacket.inline.rules import RESERVED

# What was held is shown to the assembler in packets that IP has room for.
FRAME_BYTES = 1 << 15
# Where there is one of these, the rules have something to decide.
UNUSUAL = FIN | SYN | RST | URG
TIMESTAMPS_BYTES = 12


class Bounds(Protocol):
    """What of ``Settings`` matters here."""

    @property
    def max_held_bytes(self) -> int: ...
    @property
    def max_memory_bytes(self) -> int: ...
    @property
    def ttl_floor(self) -> int: ...
    @property
    def mtu(self) -> int: ...


class Admission:
    """Applies the rules, and keeps the state that they need."""

    def __init__(
        self,
        flows: FlowTable,
        bounds: Bounds,
        forget: Callable[[Flow], None],
    ) -> None:
        """Make one.

        Args:
            forget: Called with a connection whose ports are used again.
        """
        self._flows = flows
        self._bounds = bounds
        self._forget = forget
        self._now_ns = 0
        self._max_held_bytes = bounds.max_held_bytes
        self._max_memory_bytes = bounds.max_memory_bytes
        self._ttl_floor = bounds.ttl_floor

    def waits(self, segment: Segment) -> bool:
        """Return whether what was admitted before has to be judged before a segment.

        Bytes that were promised are not here yet; what is acknowledged may be in a
        packet that is not judged; and one that may end a connection and begin another
        is of none of those before it.
        """
        flow = self._flows.find(segment.key)
        if flow is None:
            return False
        if flow.is_promised():
            return True
        if segment.flags & SYN and flow.state is not State.OPENING:
            return True
        other = flow.halves[1 - flow.number_of(segment)]
        return other.placed and other.out_at(segment.ack) > other.out_sent()

    def admit_ordinary(self, segment: Segment, outcome: Outcome) -> Admitted | None:
        """Return what is to be judged of a segment about which nothing is odd.

        It is next in order, no number in it is to be translated, nothing waits before
        it, and nothing in it is to be changed: what is noted here is what ``admit``
        would note. None: ``admit`` is to decide, and nothing was noted.

        Raises:
            Refused: It must not go on.
        """
        flags = segment.flags
        if flags & UNUSUAL or not flags & ACK:
            return None
        if segment.urgent or segment.reserved & RESERVED:
            return None
        options_bytes = len(segment.options)
        if options_bytes and (
            options_bytes != TIMESTAMPS_BYTES or not segment.has_timestamps
        ):
            return None
        data = segment.packet.data
        if segment.body_stop != len(data) or len(data) > LARGEST_BYTES:
            return None
        flow = self._flows.find(segment.key)
        if flow is None or flow.state is not OPEN or flow.signed or flow.trusted:
            return None
        number = flow.number_of(segment)
        half = flow.halves[number]
        other = flow.halves[1 - number]
        if not half.placed or not other.placed or half.blocked or half.fin >= 0:
            return None
        if half.midstream and not half.seen:
            return None
        if half.starts or half.pending or half.deadline_ns or half.segment_bytes:
            return None
        if half.released != half.seen - half.promised:
            return None
        if half.is_translated() or other.is_translated():
            return None
        start = half.original_at(segment.seq)
        out = other.out_at(segment.ack)
        if start != half.seen or not other.out_acked <= out <= other.out_sent():
            return None
        count = segment.body_stop - segment.body_at
        held_bytes = half.held_bytes()
        if count and (
            held_bytes + count > self._max_held_bytes
            or self._flows.held_bytes + held_bytes + count > self._max_memory_bytes
        ):
            return None
        ttl = ttl_of(segment.head)
        if ttl < self._ttl_floor and (not half.ttl or ttl < half.ttl):
            return None
        rules.check_timestamp(flow, half, segment)
        found = admitted(flow, number, segment, outcome)
        found.is_ordinary = found.is_plain = True
        found.acked = segment.ack
        edge = out + (segment.window << max(half.scale, 0))
        rules.note_window(flow, number, segment, out, edge)
        other.acknowledge(out)
        found.start = found.seen = start
        half.promise(count)
        found.stop = found.now_seen = half.seen
        return found

    def admit(self, segment: Segment, outcome: Outcome, now_ns: int) -> Admitted | None:
        """Return what is to be judged; None where it goes on, or not, without.

        Raises:
            Refused: It must not go on.
        """
        self._now_ns = now_ns
        flow = self._flows.find(segment.key)
        if segment.flags & SYN:
            return self._admit_syn(flow, segment, outcome)
        if flow is None:
            if segment.flags & RST or not segment.flags & ACK:
                # It can end nothing that is known here; it carries nothing either.
                if segment.payload:
                    raise Refused("no_stream")
                outcome.forward.append(segment.packet)
                return None
            flow = self._new_flow(segment, State.OPEN)
        rules.check_signature(flow, segment)
        if flow.state is State.REFUSED:
            raise Refused("inspector")
        if flow.state is State.RESET:
            answer = answered_with_reset(segment)
            if answer is not None:
                outcome.back.append(answer)
            raise Refused("inspector")
        number = flow.number_of(segment)
        rules.normalize(segment)
        if flow.state is State.OPENING:
            return self._admit_opening(flow, number, segment, outcome)
        found = admitted(flow, number, segment, outcome)
        if segment.flags & RST:
            return self._admit_reset(found)
        return self._admit_ordinary(found)

    def _new_flow(self, segment: Segment, state: State) -> Flow:
        flow = Flow(segment, state)
        self._flows.touch(flow, self._now_ns)
        return flow

    def _admit_syn(
        self, flow: Flow | None, segment: Segment, outcome: Outcome
    ) -> Admitted | None:
        """Take a SYN or SYN-ACK; neither has payload, or a FIN, when it goes on."""
        if segment.flags & (FIN | RST):
            raise Refused("syn")
        rules.normalize(segment)
        # A receiver that took it would have to acknowledge it first; without, the
        # sender sends it again.
        segment.payload = b""
        clamp_mss(segment, self._bounds.mtu)
        if segment.flags & ACK:
            return self._admit_syn_ack(flow, segment, outcome)
        if flow is None or (flow.state is not State.OPEN and not flow.syns):
            if flow is not None:
                if flow.is_ended_by_inspector and is_syn_of(flow, segment):
                    raise Refused("inspector")
                self._flows.remove(flow)
                self._forget(flow)
            flow = self._new_flow(segment, State.OPENING)
        number = flow.number_of(segment)
        wanted = number, segment.seq
        known = wanted in flow.syns
        if flow.state is State.OPEN and is_syn_of(flow, segment):
            known = True
        elif len(flow.syns) < MAX_CANDIDATES or known:
            flow.syns[wanted] = segment.copy()
        else:
            raise Refused("syn")
        if flow.state is State.OPENING and number == 0:
            found = admitted(flow, 0, segment, outcome)
            if not known and len(flow.syns) == 1:
                rules.learn_syn(flow.halves[0], segment)
                flow.halves[0].last = segment.copy()
                found.frames.append(segment.sent().data)
            return found
        # Its receiver answers with what it has, unless it has forgotten the stream; or
        # both opened it (RFC 9293 section 3.5), and each answers the other's SYN.
        outcome.forward.append(segment.sent())
        return None

    def _admit_syn_ack(
        self, flow: Flow | None, segment: Segment, outcome: Outcome
    ) -> Admitted | None:
        if flow is None:
            raise Refused("syn")
        if flow.state is State.REFUSED:
            raise Refused("inspector")
        number = flow.number_of(segment)
        syn = flow.syns.get((1 - number, (segment.ack - 1) & LOW32))
        if syn is None:
            half = flow.halves[number]
            known = half.placed and not half.midstream
            repeated = segment.seq == (half.base - 1) & LOW32
            if flow.state is State.OPEN and known and repeated:
                outcome.forward.append(segment.sent())
                return None
            raise Refused("syn")
        if flow.state is not State.OPENING:
            # The ports are used again, and its receiver knew before us.
            self._flows.remove(flow)
            self._forget(flow)
            flow = self._new_flow(syn, State.OPENING)
            number = 1
        found = admitted(flow, number, segment, outcome)
        opening, answer = syn, segment
        if number == 0:
            # Both opened: the assembler sees it as if number 1 had answered.
            opening, answer = segment.copy(), syn.copy()
            opening.flags &= ~ACK
            opening.ack = 0
            answer.flags |= ACK
            answer.ack = (segment.seq + 1) & LOW32
        if flow.stream is None or opening.seq != (flow.halves[0].base - 1) & LOW32:
            found.frames.append(opening.sent().data)
        found.frames.append(answer.sent().data)
        own, other = flow.halves[number], flow.halves[1 - number]
        rules.learn_syn(own, segment)
        rules.learn_syn(other, syn)
        rules.agree(flow, number, syn, segment)
        own.last = segment.copy()
        other.last = syn
        flow.syns.clear()
        flow.state = State.OPEN
        return found

    def _admit_opening(
        self,
        flow: Flow,
        number: int,
        segment: Segment,
        outcome: Outcome,
    ) -> Admitted | None:
        """Take what comes between SYN and SYN-ACK: a refusal, or a challenge."""
        if segment.payload or segment.flags & FIN:
            raise Refused("handshake")
        if number == 0:
            if not segment.flags & RST or segment.seq != flow.challenged:
                raise Refused("handshake")
        elif segment.flags & RST:
            asked = 0, (segment.ack - 1) & LOW32
            if asked not in flow.syns or not segment.flags & ACK:
                raise Refused("rst")
            found = admitted(flow, 1, segment, outcome)
            found.frames.append(segment.sent().data)
            flow.state = State.CLOSED
            flow.syns.clear()
            return found
        else:
            # A server that still has a stream of these ports: the client's RST to
            # what it acknowledges ends that.
            flow.challenged = segment.ack
        outcome.forward.append(segment.sent())
        return None

    def _admit_reset(self, found: Admitted) -> Admitted | None:
        flow, segment = found.flow, found.segment
        half = flow.halves[found.number]
        segment.payload = b""
        segment.flags &= ~FIN
        if not half.placed:
            found.outcome.forward.append(segment.sent())
            return None
        found.start = found.stop = rules.check_reset(half, segment)
        if segment.flags & ACK:
            other = flow.halves[1 - found.number]
            out = 0
            if other.placed:
                out = min(other.out_at(segment.ack), other.out_sent())
            translate_acknowledgement(flow, found.number, segment, out)
        if flow.state is State.OPEN:
            shown = segment.copy()
            shown.seq = (half.base + half.seen) & LOW32
            found.frames.append(shown.built().data)
        flow.state = State.CLOSED
        return found

    def _admit_ordinary(self, found: Admitted) -> Admitted:
        flow, number, segment = found.flow, found.number, found.segment
        half, other = flow.halves[number], flow.halves[1 - number]
        rules.check_timestamp(flow, half, segment)
        out = rules.check_acknowledgement(flow, number, segment)
        if half.placed:
            room = self._max_memory_bytes - self._flows.held_bytes
            most = min(self._max_held_bytes, half.held_bytes() + max(room, 0))
            found.start, found.stop = rules.trim(half, segment, most)
            is_new = segment.payload and found.stop > half.seen
            if flow.state is State.CLOSED and is_new:
                raise Refused("closed")
        found.acked = segment.ack
        edge = translate_acknowledgement(flow, number, segment, out)
        rules.note_window(flow, number, segment, out, edge)
        other.acknowledge(out)
        rules.raise_ttl(half, segment, self._ttl_floor)
        found.seen = half.seen
        found.is_placed = half.placed
        if half.placed:
            found.is_plain = found.start == half.seen and not half.starts
            # Nothing is promised here: what had been was judged.
            half.take(found.start, segment.payload)
            found.has_fin = rules.takes_fin(half, segment, found.stop)
        found.now_seen = half.seen
        if flow.state is State.OPEN and half.placed:
            self._show(found)
        return found

    def _show(self, found: Admitted) -> None:
        """Note what the assembler is to see, in original numbers, and in order.

        What waits for a hole is shown when that is filled.
        """
        half = found.flow.halves[found.number]
        if found.start > found.seen and found.now_seen == found.seen:
            return
        if half.midstream and not found.seen:
            # The assembler too is to learn from the receiver where it is.
            answer = turned(found.segment)
            answer.flags = ACK
            answer.seq, answer.ack = found.segment.ack, half.base
            found.frames.append(answer.built().data)
        if found.is_plain:
            found.frames.append(found.segment.sent().data)
            return
        shown = found.segment.copy()
        shown.partial = False
        new = half.waiting(found.seen, found.now_seen)
        if not new and not found.has_fin and found.start < 0:
            # Before the start of a stream that began in the middle.
            return
        if not new and found.has_fin:
            # Alone: behind a copy it would wait for its acknowledgement.
            shown.seq = (half.base + half.seen) & LOW32
            shown.payload = b""
        if new and (
            found.start < 0 or shown.payload[found.seen - found.start :] != new
        ):
            # Together with what had come before; nobody but the first is in it.
            shown.flags &= ~FIN
            for at in range(0, len(new), FRAME_BYTES):
                shown.seq = (half.base + found.seen + at) & LOW32
                shown.payload = new[at : at + FRAME_BYTES]
                if found.has_fin and at + FRAME_BYTES >= len(new):
                    shown.flags |= FIN
                found.frames.append(shown.built().data)
            return
        found.frames.append(shown.built().data)


def is_syn_of(flow: Flow, segment: Segment) -> bool:
    """Return whether a SYN is the one that a connection began with."""
    half = flow.halves[0]
    is_first = segment.source == flow.first and not half.midstream
    return is_first and segment.seq == (half.base - 1) & LOW32


def clamp_mss(segment: Segment, mtu: int) -> None:
    """Let a SYN announce no larger segments than fit in packets of ``mtu`` bytes."""
    if not mtu:
        return
    most = mtu - (60 if segment.version == 6 else 40)
    options = options_of(segment.options)
    if OPTION_MSS in options and int.from_bytes(options[OPTION_MSS], "big") > most:
        at = segment.options.index(bytes((OPTION_MSS, 4)) + options[OPTION_MSS])
        value = most.to_bytes(2, "big")
        segment.options = segment.options[: at + 2] + value + segment.options[at + 4 :]
