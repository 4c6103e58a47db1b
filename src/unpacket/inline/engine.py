"""The heart of everything inline: packets in, packets out, no I/O and no clock.

A packet passes three rooms. It is admitted, or refused, by the ``rules``; what it
brings goes to an ``Assembler``, which makes events; the inspector is asked about
these, and ``emission`` builds what goes on. Many packets pass each room together,
since a batch costs little more than a packet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from unpacket._core.memory.batch import Batch
from unpacket._core.reassembly.assembler import Assembler
from unpacket._core.reassembly.events import Event
from unpacket._core.reassembly.stream import Stream, set_live
from unpacket.inline import icmp
from unpacket.inline.admission import Admission
from unpacket.inline.admitted import Admitted
from unpacket.inline.envelope import TCP, Refused, opened
from unpacket.inline.flows import OPEN, Flow, FlowTable
from unpacket.inline.fragments import Fragments
from unpacket.inline.half import WIDEST_WINDOW
from unpacket.inline.judgement import Judge
from unpacket.inline.outbox import Outcome, outcome_of
from unpacket.inline.packets import ACK, Packet, Segment, segment_of
from unpacket.inline.settings import Settings, Statistics
from unpacket.inline.verdicts import Inspector, as_inspector
from unpacket.policy import Policy
from unpacket.sources.live.losses import Losses
from unpacket.sources.live.stream_facts import LiveFacts

RAW_IP = 101
BATCH_FRAMES = 256
# Larger ones are fed alone: what is copied into a buffer for several costs more.
ALONE_BYTES = 8192
# Offsets and FINs are judged before the assembler sees them: it has to believe all.
POLICY = Policy(
    deliver="in_order",
    gap="wait",
    gap_grace_s=None,
    overlap="first",
    # Of each direction of max_streams.
    conflict_window_bytes=4096,
    memory_limit_bytes=1 << 40,
    checksum="ignore",
    rst="any",
    close_grace_s=0.0,
    paws=False,
    ack=False,
    md5=False,
    ip_options=False,
    ip_length=False,
    window=False,
    ttl_distance=0,
    max_held_bytes=None,
    max_held_segments=None,
    duplicate_window_s=0.0,
    context="none",
    midstream_grace_s=0.0,
    midstream_grace_segments=1,
    idle_timeout_s=None,
    half_open_timeout_s=None,
    linger_s=0.0,
)


class Engine:
    """Inspects the packets of any number of streams.

    ``process`` takes packets in the order in which they came, from wherever they
    came; ``tick`` is to be called at least every tenth of a second.

    Attributes:
        statistics: What became of the packets.
        losses: When packets went by that never came here, as whoever brings them
            notes; ``capture_drops`` of a stream says how many may have been its own.
    """

    def __init__(
        self,
        inspector: object,
        settings: Settings | None = None,
        *,
        report: Callable[[Stream | None, Exception], None] = lambda stream, error: None,
    ) -> None:
        """Make an engine.

        Args:
            inspector: An ``Inspector``, a class of one, or a function.
            report: Called with each exception of the inspector.

        Raises:
            TypeError: ``inspector`` is none.
        """
        self.settings = settings or Settings()
        self.inspector: Inspector = as_inspector(inspector)
        self.statistics = Statistics()
        self.losses = Losses()
        idle_ns = int(self.settings.idle_timeout_s * 1e9)
        self._flows = FlowTable(self.settings.max_streams, idle_ns)
        self._fragments = Fragments()
        self._admission = Admission(self._flows, self.settings, self._forget)
        self._judge = Judge(self.inspector, self.settings, self.statistics, report)
        self._assembler = Assembler(POLICY)
        self._next_frame = 1
        self._passes_unseen = self.settings.passes_unseen
        # The assembler is done with it when it has answered. It keeps its buffer until
        # the next one comes.
        self._batch = Batch(BATCH_FRAMES)

    @property
    def streams(self) -> int:
        """How many streams are followed now."""
        return len(self._flows)

    def process(
        self, packets: Sequence[tuple[int, Packet]], now_ns: int
    ) -> list[Outcome]:
        """Inspect packets, and return what becomes of each, in order.

        Args:
            packets: Each with a number that says where it came from, which its
                ``Outcome`` has as ``origin``.
            now_ns: The time, which is never less than before.
        """
        outcomes: list[Outcome] = []
        admitted: list[Admitted] = []
        for origin, packet in packets:
            outcome = outcome_of(origin)
            outcomes.append(outcome)
            try:
                segment = self._opened(packet, outcome, now_ns)
                if segment is None:
                    continue
                found = self._admission.admit_ordinary(segment, outcome)
                if found is None:
                    if admitted and self._admission.waits(segment):
                        self._finish(admitted, now_ns)
                        admitted = []
                    segment.load()
                    skipped = self._skipped(segment)
                    found = self._admission.admit(segment, outcome, now_ns)
                    if found is not None and skipped:
                        found.events += skipped
            except Refused as refused:
                outcome.reason = refused.reason
                continue
            if found is not None:
                admitted.append(found)
        self._finish(admitted, now_ns)
        passed = 0
        for index in range(len(outcomes)):
            outcome = outcomes[index]
            packet = packets[index][1]
            forward = outcome.forward
            if len(forward) == 1 and forward[0] is packet and not outcome.reason:
                passed += 1
                self.statistics.made += len(outcome.back)
            else:
                self._count(outcome)
        self.statistics.passed += passed
        return outcomes

    def tick(self, now_ns: int) -> list[Outcome]:
        """Return what is to be sent because time has passed; forget what is quiet."""
        for flow in self._flows.expired(now_ns):
            self._forget(flow)
        self._assembler.advance(now_ns)
        outcomes = self._judge.expire(now_ns)
        for outcome in outcomes:
            self.statistics.made += len(outcome.forward) + len(outcome.back)
        return outcomes

    def _opened(self, packet: Packet, outcome: Outcome, now_ns: int) -> Segment | None:
        """Return the segment of a packet; None where it has none, or not yet."""
        envelope = opened(packet.data)
        fragments = [packet]
        if envelope.fragment is not None:
            joined = self._fragments.add(packet, envelope, now_ns)
            if joined is None:
                outcome.reason = "fragment"
                return None
            packet, fragments = joined
            envelope = opened(packet.data)
        if envelope.protocol == TCP:
            return segment_of(packet, envelope)
        outcome.forward += fragments
        if len(fragments) == 1:
            outcome.forward = [icmp.translated(fragments[0], envelope, self._flows)]
        return None

    def _skipped(self, segment: Segment) -> list[Event]:
        """Go on behind what passed unseen and is acknowledged; return the events."""
        if not self._passes_unseen:
            return []
        flow = self._flows.find(segment.key)
        if flow is None or flow.state is not OPEN or flow.stream is None:
            return []
        number = 1 - flow.number_of(segment)
        half = flow.halves[number]
        if not half.placed or half.fin >= 0 or half.blocked or half.is_translated():
            return []
        out = half.out_at(segment.ack)
        if not half.out_sent() < out <= half.out_sent() + WIDEST_WINDOW:
            return []
        if not segment.flags & ACK or not flow.stream.capture_drops:
            return []
        half.skip(out)
        return self._assembler.skip_to(flow.stream, flow.direction(number), out)

    def _finish(self, admitted: list[Admitted], now_ns: int) -> None:
        """Let the assembler and the inspector see what was admitted."""
        if not admitted:
            return
        frames: list[bytes] = []
        for found in admitted:
            if found.is_ordinary:
                frames.append(found.segment.packet.data)
            else:
                frames += found.frames
            found.stop_frame = self._next_frame + len(frames)
        events = self._fed(frames, now_ns)
        at = 0
        count = len(events)
        for found in admitted:
            while at < count:
                event = events[at]
                if event.frame >= found.stop_frame:
                    break
                self._give(event, found)
                at += 1
            self._judge.judge(found, now_ns)
            self._flows.touch(found.flow, now_ns)

    def _fed(self, frames: list[bytes], now_ns: int) -> list[Event]:
        """Let the assembler have frames, and return the events that they cause."""
        events: list[Event] = []
        start = 0
        while start < len(frames):
            stop = start + 1
            if len(frames[start]) < ALONE_BYTES:
                most = min(len(frames), start + BATCH_FRAMES)
                while stop < most and len(frames[stop]) < ALONE_BYTES:
                    stop += 1
            self._fill(frames[start:stop], now_ns)
            batch = self._batch
            if events:
                events += self._assembler.feed(batch)
            else:
                events = self._assembler.feed(batch)
            start = stop
        return events

    def _fill(self, frames: list[bytes], now_ns: int) -> None:
        """Put frames into the batch."""
        batch = self._batch
        # One alone is not copied.
        buffer = b"".join(frames)
        batch.attach(buffer, len(buffer), self._next_frame)
        at = 0
        for data in frames:
            length = len(data)
            batch.add(at, length, length, now_ns, RAW_IP)
            at += length
        self._next_frame += len(frames)

    def _give(self, event: Event, found: Admitted) -> None:
        """Let a packet have an event that it caused."""
        if found.flow.stream is None:
            set_live(event.stream, LiveFacts(self.losses, None))
            found.flow.follow(event.stream)
            self.statistics.streams += 1
        if event.stream is found.flow.stream:
            found.events.append(event)

    def _forget(self, flow: Flow) -> None:
        """Let go of a connection that was quiet for too long."""
        self._judge.forget(flow)
        if flow.stream is not None and flow.stream.close_reason is None:
            self._assembler.close(flow.stream)

    def _count(self, outcome: Outcome) -> None:
        """Count a packet that did not just go on."""
        statistics = self.statistics
        statistics.made += len(outcome.back)
        if outcome.reason or not outcome.forward:
            statistics.dropped[outcome.reason or "held"] += 1
            statistics.made += len(outcome.forward)
        else:
            statistics.rewritten += 1
