"""What one assembler's halves and streams share: its policy as numbers, the time,
the events so far, the timers, the delivered bytes that are remembered.
"""

from heapq import heapify, heappop, heappush
from typing import Any

from unpacket._core.constants import NEVER, NS, UNBOUNDED
from unpacket._core.reassembly.costs import STREAM_BYTES
from unpacket._core.reassembly.events import Event, Gap, Note, Rejected
from unpacket._core.reassembly.half import Half, HalfExtra, direction_of
from unpacket._core.reassembly.held import POLICIES
from unpacket._core.reassembly.history import History
from unpacket._core.reassembly.payload_gatherer import Gatherer
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream, ended
from unpacket.policy import Policy

# 36 years: added to any time it fits into 64 bits.
LONGEST_NS = 1 << 60

CHECKSUM_RULES = {"ignore": 0, "auto": 1, "verify": 2}
# So many timers are never looked through for those that nobody needs.
LEAST_TIMERS = 1024

# Of so many streams it is named how much came after their end.
MAX_LATE_STREAMS = 1 << 16
RST_RULES = {"any": 0, "window": 1, "exact": 2}


def nanoseconds(seconds: float | None) -> int:
    """Return ``seconds`` in nanoseconds; -1 for None, which means never."""
    return -1 if seconds is None else min(round(seconds * NS), LONGEST_NS)


def bound(value: int | None) -> int:
    """Return a limit as a number: None means that there is none."""
    return UNBOUNDED if value is None else value


class Context:
    """Shared by everything that works on one assembler's streams.

    Attributes:
        now_ns: The time that timers go by: it never goes back, and a step of the
            capture's clock is not in it.
        skew_ns: By how much packet times are ahead of that.
        time_ns: The time of the packet at hand.
        frame: The number of the packet at hand.
        next_timer_ns: When ``timers`` or the clock of streams want attention.
        quiet_ns: After less than this no stream is due for anything.
        enlists: Whether streams in which nothing unusual is under way are enlisted,
            which is what the fast path asks for.
        duplicates: How many segments so far the capture has twice.
        believed: Segments that were in doubt and are not, whose acknowledgements have
            not been looked at: whether from the lower address; the segment.
        reopened: Streams that others have followed, each with what they begin with.
        successor: The same of a connection that has taken the ports of a stream.
        moved: Segments that turned out to be of another stream, where somebody asks:
            frame, the id of the stream that it was taken for, the id of its stream.
        memory_bytes: What streams and waiting payload take.
        stream_bytes: What a stream takes without its halves, and with what the owner
            of the assembler keeps for it.
        trackers: Who follows for a user what is acknowledged, by the half's HalfExtra.
            Here, since they are objects of users: streams hold none, and so need no
            search for cycles.
        each_delivery: Whether the inner loop stops behind each segment that delivers.
        gatherer: Takes payload in place of the events; None where these are told.
    """

    __slots__ = (
        "acked_only",
        "believed",
        "check_ack",
        "check_fragments",
        "check_ip_length",
        "check_ip_options",
        "check_md5",
        "check_window",
        "checksum_rule",
        "close_at_limit",
        "close_grace_ns",
        "deliver_doubted",
        "duplicates",
        "each_delivery",
        "ending",
        "enlists",
        "events",
        "frame",
        "gatherer",
        "grace_ns",
        "half_open_ns",
        "history",
        "idle_ns",
        "late",
        "late_bytes",
        "late_segments",
        "linger_ns",
        "max_held_bytes",
        "max_held_segments",
        "max_held_span",
        "max_holes",
        "memory_bytes",
        "memory_limit",
        "midstream",
        "midstream_ns",
        "midstream_segments",
        "moved",
        "next_timer_ns",
        "notes",
        "now_ns",
        "passed_only",
        "paws",
        "quiet_ns",
        "reopened",
        "rst_rule",
        "settling",
        "skew_ns",
        "stream_bytes",
        "successor",
        "time_ns",
        "timer_bound",
        "timer_count",
        "timers",
        "together",
        "trackers",
        "ttl_distance",
        "urgent_apart",
        "want_data",
        "window_exact",
        "wins",
    )

    believed: list[tuple[bool, Segment]]
    reopened: list[tuple[Stream, list[tuple[bool, Segment]]]]
    successor: list[tuple[bool, Segment]]
    events: list[Event]
    late: dict[int, tuple[int, int]]
    gatherer: Gatherer | None
    trackers: dict[HalfExtra, Any]
    moved: list[tuple[int, int, int]] | None
    timers: list[tuple[int, int, int, Stream, Half]]

    def __init__(
        self, policy: Policy, want_data: bool, notes: bool, owner_bytes: int
    ) -> None:
        self.acked_only = policy.deliver == "acked"
        self.close_at_limit = policy.gap == "wait"
        self.grace_ns = nanoseconds(policy.gap_grace_s)
        self.passed_only = policy.gap == "passed"
        if self.close_at_limit or self.passed_only:
            # Only a limit ends the wait, or a segment that ``give_up`` looks at.
            self.grace_ns = -1
        self.wins = POLICIES[policy.overlap]
        self.checksum_rule = CHECKSUM_RULES[policy.checksum]
        self.urgent_apart = policy.urgent == "out_of_line"
        self.rst_rule = RST_RULES[policy.rst]
        self.paws = policy.paws
        self.check_window = policy.window
        self.window_exact = policy.window and policy.window_exact
        self.check_ack = policy.ack
        self.check_md5 = policy.md5
        self.check_ip_options = policy.ip_options
        self.check_ip_length = policy.ip_length
        self.check_fragments = policy.ip_length and policy.fragment_overlap == "first"
        self.close_grace_ns = nanoseconds(policy.close_grace_s)
        self.deliver_doubted = policy.doubt == "deliver"
        self.ttl_distance = policy.ttl_distance or 256
        self.max_held_bytes = bound(policy.max_held_bytes)
        self.max_held_segments = bound(policy.max_held_segments)
        self.max_held_span = bound(policy.max_held_span_bytes)
        self.max_holes = bound(policy.max_holes)
        self.together = policy.limit_scope == "stream"
        self.memory_limit = policy.memory_limit_bytes
        self.midstream = policy.midstream
        self.midstream_ns = nanoseconds(policy.midstream_grace_s)
        self.midstream_segments = policy.midstream_grace_segments
        self.idle_ns = nanoseconds(policy.idle_timeout_s)
        self.half_open_ns = nanoseconds(policy.half_open_timeout_s)
        self.linger_ns = nanoseconds(policy.linger_s)
        waits = (self.idle_ns, self.half_open_ns, self.linger_ns)
        self.quiet_ns = min([wait for wait in waits if wait >= 0])
        self.want_data = want_data
        self.notes = notes
        self.enlists = True
        self.history = History(policy.conflict_window_bytes)
        self.events = []
        self.believed = []
        self.successor = []
        self.reopened = []
        self.late = {}
        self.late_bytes = 0
        self.late_segments = 0
        self.gatherer = None
        self.trackers = {}
        self.moved = None
        self.each_delivery = False
        self.timers = []
        self.timer_count = 0
        self.timer_bound = LEAST_TIMERS
        self.next_timer_ns = NEVER
        self.memory_bytes = 0
        self.stream_bytes = STREAM_BYTES + owner_bytes
        self.duplicates = 0
        # Before any packet.
        self.now_ns = -NEVER
        # While suspects are decided about: what is a hole is not known yet.
        self.settling = False
        # While a stream ends: what is missing will not come.
        self.ending = False
        self.skew_ns = 0
        self.time_ns = 0
        self.frame = 0

    def set_timer(
        self, deadline_ns: int, kind: int, stream: Stream, half: Half
    ) -> None:
        """Wake ``half`` at ``deadline_ns``."""
        # The count breaks ties: streams are not to be compared.
        self.timer_count += 1
        if len(self.timers) > self.timer_bound:
            # Those of streams that have ended keep them alive: time may stand still.
            self.timers = [timer for timer in self.timers if not ended(timer[3])]
            heapify(self.timers)
            # Those that are left are counted, and no more than an eighth beside them.
            self.timer_bound = len(self.timers) * 9 // 8 + LEAST_TIMERS
        heappush(self.timers, (deadline_ns, self.timer_count, kind, stream, half))
        if deadline_ns < self.next_timer_ns:
            self.next_timer_ns = deadline_ns

    def pop_timer(self) -> tuple[int, int, int, Stream, Half] | None:
        """Return the first timer that is due, or None."""
        if self.timers and self.timers[0][0] <= self.now_ns:
            return heappop(self.timers)
        return None

    def reject(
        self, stream: Stream, half: Half, reason: str, seg: Segment, offset: int | None
    ) -> None:
        """Report a segment that the receiver would not have accepted."""
        payload = seg.payload if seg.payload is not None else b""
        self.reject_bytes(stream, half, reason, offset, payload, seg.frame, seg.time_ns)

    def reject_bytes(
        self,
        stream: Stream,
        half: Half,
        reason: str,
        offset: int | None,
        payload: bytes,
        frame: int,
        time_ns: int,
    ) -> None:
        """Report bytes of a segment that the receiver would not have accepted."""
        extra = half.more()
        if extra.rejected is None:
            extra.rejected = {}
        extra.rejected[reason] = extra.rejected.get(reason, 0) + 1
        extra.rejected_bytes += len(payload)
        direction = direction_of(half)
        self.events.append(
            Rejected(stream, direction, reason, offset, payload, frame, time_ns)
        )

    def come_late(self, stream: Stream, count: int, frame: int) -> None:
        """Count payload that came after the end of a stream, and is in none.

        A count below 0 takes back what was counted before.
        """
        if count == 0:
            return
        self.late_bytes += count
        if stream.id in self.late:
            before, first = self.late[stream.id]
            if before + count > 0:
                self.late[stream.id] = (before + count, first)
            else:
                del self.late[stream.id]
        elif count > 0 and len(self.late) < MAX_LATE_STREAMS:
            self.late[stream.id] = (count, frame)

    def note(
        self, stream: Stream, half: Half, kind: str, offset: int, seg: Segment
    ) -> None:
        """Tell those who asked what a segment was.

        A copy that the capture made is nothing else than that, unless it is late.
        """
        if seg.copy and kind != "late":
            kind = "copy"
        self.events.append(
            Note(
                stream,
                direction_of(half),
                kind,
                offset,
                seg.seq,
                seg.payload if seg.payload is not None else b"",
                seg.frame,
                seg.time_ns,
            )
        )

    def gap(
        self, stream: Stream, half: Half, offset: int, length: int, reason: str
    ) -> Gap:
        """Make the event of a gap."""
        return Gap(
            stream,
            direction_of(half),
            offset,
            length,
            reason,
            self.frame,
            self.time_ns,
            self.ending,
        )
