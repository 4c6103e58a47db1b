"""The heart of everything inline: packets in, packets out, no I/O and no clock.

A packet passes three rooms. It is admitted, or refused, by the ``rules``; what it
brings goes to an ``Assembler``, which makes events; the inspector is asked about
these, and ``emission`` builds what goes on. Many packets pass each room together,
since a batch costs little more than a packet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from unpacket._core.memory.batch import Batch
from unpacket._core.reassembly.assembler import Assembler
from unpacket._core.reassembly.events import Event
from unpacket._core.reassembly.stream import Stream
from unpacket.inline import icmp
from unpacket.inline.admission import Admission, Admitted
from unpacket.inline.flows import Flow, FlowTable
from unpacket.inline.fragments import Fragments
from unpacket.inline.judgement import Judge
from unpacket.inline.outbox import Outcome
from unpacket.inline.packets import (
    TCP,
    Packet,
    Refused,
    Segment,
    opened,
    segment_of,
)
from unpacket.inline.verdicts import Inspector, as_inspector
from unpacket.policy import Policy

RAW_IP = 101
BATCH_FRAMES = 256
MIB = 1 << 20
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The choices of an engine.

    Attributes:
        on_failure: What becomes of a stream whose inspector raised: ``"closed"``
            resets it, ``"open"`` lets it pass without inspection.
        max_held_bytes: What is kept for each direction of a stream; beyond that
            packets are dropped, and come again.
        max_memory_bytes: The same for all streams together.
        max_streams: Beyond that the one that was quiet for longest is forgotten.
        idle_timeout_s: So is one that was quiet for so long.
        ttl_floor: Data leaves with this time to live at least, or with that of its
            SYN where that is less.
        mtu: SYNs announce no segments that would not fit in packets of so many bytes;
            0: they are left as they are.
    """

    on_failure: Literal["open", "closed"] = "closed"
    max_held_bytes: int = 4 * MIB
    max_memory_bytes: int = 512 * MIB
    max_streams: int = 65536
    idle_timeout_s: float = 300.0
    ttl_floor: int = 8
    mtu: int = 0

    def __post_init__(self) -> None:
        if self.on_failure not in ("open", "closed"):
            raise ValueError(
                f"on_failure is {self.on_failure!r}, and neither 'open' nor 'closed'"
            )
        for name, least in (
            ("max_held_bytes", 65536),
            ("max_memory_bytes", 65536),
            ("max_streams", 1),
        ):
            if getattr(self, name) < least:
                raise ValueError(
                    f"{name} is {getattr(self, name)}, and not {least} at least"
                )
        if not 0 <= self.ttl_floor <= 255:
            raise ValueError(f"ttl_floor is {self.ttl_floor}, and not from 0 to 255")
        if self.mtu and not 576 <= self.mtu <= 65535:
            raise ValueError(f"mtu is {self.mtu}, and not from 576 to 65535")


@dataclass(slots=True)
class Statistics:
    """What became of packets, each counted once.

    Attributes:
        passed: They went on as they were.
        rewritten: They went on with other contents, in one or more packets.
        dropped: They did not go on, by reason.
        made: Packets of our own: acknowledgements, RSTs, what was released late.
        failures: How often the inspector raised.
        streams: How many streams were opened.
    """

    passed: int = 0
    rewritten: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    made: int = 0
    failures: int = 0
    streams: int = 0


class Engine:
    """Inspects the packets of any number of streams.

    ``process`` takes packets in the order in which they came, from wherever they
    came; ``tick`` is to be called at least every tenth of a second.
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
        idle_ns = int(self.settings.idle_timeout_s * 1e9)
        self._flows = FlowTable(self.settings.max_streams, idle_ns)
        self._fragments = Fragments()
        self._admission = Admission(self._flows, self.settings, self._forget)
        self._judge = Judge(self.inspector, self.settings, self.statistics, report)
        self._assembler = Assembler(POLICY)
        self._next_frame = 1
        # The assembler is done with it when it has answered.
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
            outcome = Outcome(origin)
            outcomes.append(outcome)
            try:
                segment = self._opened(packet, outcome, now_ns)
                if segment is None:
                    continue
                if self._admission.replaces_flow(segment):
                    # What is still to be judged is of the connection before it.
                    self._finish(admitted, now_ns)
                    admitted = []
                found = self._admission.admit(segment, outcome, now_ns)
            except Refused as refused:
                outcome.reason = refused.reason
                continue
            if found is not None:
                admitted.append(found)
        self._finish(admitted, now_ns)
        for (_, packet), outcome in zip(packets, outcomes, strict=True):
            self._count(packet, outcome)
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

    def _finish(self, admitted: list[Admitted], now_ns: int) -> None:
        """Let the assembler and the inspector see what was admitted."""
        frames: list[bytes] = []
        for found in admitted:
            frames += found.frames
            found.stop_frame = self._next_frame + len(frames)
        events: list[Event] = []
        for start in range(0, len(frames), BATCH_FRAMES):
            events += self._fed(frames[start : start + BATCH_FRAMES], now_ns)
        at = 0
        for found in admitted:
            while at < len(events) and events[at].frame < found.stop_frame:
                self._give(events[at], found)
                at += 1
            self._judge.judge(found, now_ns)
            self._flows.touch(found.flow, now_ns)

    def _fed(self, frames: list[bytes], now_ns: int) -> list[Event]:
        """Let the assembler have frames, and return the events that they cause."""
        buffer = b"".join(frames)
        batch = self._batch
        batch.attach(buffer, len(buffer), self._next_frame)
        start = 0
        for data in frames:
            batch.add(start, len(data), len(data), now_ns, RAW_IP)
            start += len(data)
        self._next_frame += len(frames)
        events = self._assembler.feed(batch)
        batch.attach(b"", 0, 1)
        return events

    def _give(self, event: Event, found: Admitted) -> None:
        """Let a packet have an event that it caused."""
        if found.flow.stream is None:
            found.flow.follow(event.stream)
            self.statistics.streams += 1
        if event.stream is found.flow.stream:
            found.events.append(event)

    def _forget(self, flow: Flow) -> None:
        """Let go of a connection that was quiet for too long."""
        self._judge.forget(flow)
        if flow.stream is not None and flow.stream.close_reason is None:
            self._assembler.close(flow.stream)

    def _count(self, packet: Packet, outcome: Outcome) -> None:
        statistics = self.statistics
        statistics.made += len(outcome.back)
        if outcome.reason or not outcome.forward:
            statistics.dropped[outcome.reason or "held"] += 1
            statistics.made += len(outcome.forward)
        elif len(outcome.forward) == 1 and outcome.forward[0] is packet:
            statistics.passed += 1
        else:
            statistics.rewritten += 1
