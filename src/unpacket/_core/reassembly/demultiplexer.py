# cython: initializedcheck=False
"""Each segment to its stream (RFC 9293 section 3.3.1 names a connection by its ends).

Nearly all rows are ordinary, and the inner loop takes them. Any other is made an
object here and goes the complete way: to a stream that lives or lingers, to a new one,
or to the one that follows another between the same ends.
"""

from unpacket._core.constants import (
    ACK,
    AGAIN,
    CLOSED_BY_REUSE,
    CONTINUES,
    IS_CLIENT,
    LATEST_NS,
    MAX_COPIES,
    NO_TICK,
    REUSED,
    SYN,
    UNRELATED,
)
from unpacket._core.decode.segments import Segments
from unpacket._core.native import released
from unpacket._core.reassembly.accounting import recount
from unpacket._core.reassembly.channel_choice import Choices, begins
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.costs import CHOICE_BYTES, HALF_BYTES, LAYER_BYTES
from unpacket._core.reassembly.enlisting import recall
from unpacket._core.reassembly.fast_path import quick_run, tell
from unpacket._core.reassembly.forgotten import relation, revive
from unpacket._core.reassembly.half import (
    Half,
    settle,
)
from unpacket._core.reassembly.judgement import shift_of
from unpacket._core.reassembly.lifetime import end, reset_due, take
from unpacket._core.reassembly.rows import segment_of, stream_of
from unpacket._core.reassembly.run import Run
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream
from unpacket._core.reassembly.table import FlowTable
from unpacket._core.reassembly.timers import Timers

# So many paths are remembered, to have the streams that are in them share them.
MAX_PATHS = 4096


class Demultiplexer:
    """Takes rows to the streams that they are of.

    Attributes:
        next_id: The number of the next stream.
        packets: Segments so far.
        copies: The first segments that the capture has twice: the frame's number,
            that of the frame whose copy it is, and the stream's id.
        other_channel: Segments that came by another channel than their direction of
            the stream is taken from.
        not_followed: Segments of connections whose start was not captured, where the
            policy leaves these out.
        paths: The layers of streams, each once.
        tells: Whether what ordinary segments deliver becomes events at once; else it
            stays written down in the segments.
    """

    __slots__ = (
        "candidate_channel",
        "choices",
        "copies",
        "ctx",
        "next_id",
        "not_followed",
        "other_channel",
        "packets",
        "paths",
        "table",
        "tells",
        "timers",
    )

    choices: Choices | None
    copies: list[tuple[int, int, int]]
    paths: dict[tuple[int, ...], tuple[int, ...]]

    def __init__(
        self, ctx: Context, table: FlowTable, timers: Timers, choices: Choices | None
    ) -> None:
        self.ctx = ctx
        self.table = table
        self.timers = timers
        self.choices = choices
        self.candidate_channel = 0
        self.next_id = 0
        self.packets = 0
        self.copies = []
        self.other_channel = 0
        self.not_followed = 0
        self.paths = {}
        self.tells = True

    def take_ordinary(self, run: Run, stop: int) -> None:
        """Process the rows that are next, before ``stop``, as far as all is ordinary.

        With channels that is one row at most.
        """
        ctx = self.ctx
        segments = run.segments
        i = run.row
        # There is a batch while there are rows.
        batch = run.batch
        if self.choices is not None:
            stream = self.table.find(segments, i)
            if not self.choices.is_chosen(stream, segments, i):
                return
            # One at a time, for each may be of another channel.
            stop = i + 1
        if run.lets_go and self.choices is None and not ctx.each_delivery:
            run.row = released.reassemble(ctx, self.table, segments, batch, i, stop)  # type: ignore[arg-type]
        else:
            run.row = quick_run(ctx, self.table, segments, batch, i, stop)  # type: ignore[arg-type]
        self.packets += run.row - i
        if segments.delivered_words:
            if ctx.gatherer is not None:
                ctx.gatherer.take(self.table.streams, segments, batch)  # type: ignore[arg-type]
            elif self.tells:
                tell(ctx, self.table, segments, batch)  # type: ignore[arg-type]

    def take_any(self, run: Run) -> Stream | None:
        """Process the row that is next, whatever it is.

        Returns:
            The stream that it is of, if it is of any.
        """
        stream = self.process_row(run, run.row)
        run.row += 1
        ctx = self.ctx
        if ctx.memory_bytes > ctx.memory_limit:
            self.timers.evict()
        if ctx.gatherer is not None:
            ctx.gatherer.sift(ctx.events)
        return stream

    def process_row(self, run: Run, i: int) -> Stream | None:
        """Process row ``i`` of the segments; return the stream that it is of."""
        ctx = self.ctx
        segments = run.segments
        time_ns = segments.time_ns[i]
        self.packets += 1
        ctx.frame = run.batch.first_number + segments.index[i]  # type: ignore[union-attr]
        ctx.time_ns = time_ns
        skew_ns = ctx.skew_ns
        # As in ``quick_run``: the clock goes on, and nothing is due by then.
        if (
            skew_ns >= -LATEST_NS
            and ctx.now_ns + skew_ns <= time_ns
            and time_ns < min(ctx.next_timer_ns, LATEST_NS - skew_ns) + skew_ns
            and self.table.tick != NO_TICK
        ):
            ctx.now_ns = time_ns - skew_ns
        else:
            self.timers.set_clock(time_ns, run.time_before(i))
            if ctx.reopened:
                self.reopen_due()
        stream = self.table.find(segments, i)
        if stream is not None and self.timers.expire_if_due(stream):
            stream = None
        if stream is None:
            if not ctx.midstream and not segments.flags[i] & SYN:
                self.not_followed += 1
                return None
            stream = self.begin(run, i)
            if stream is None:
                return None
        if self.choices is not None and stream.reset is not None:
            self.renew(stream, segments, i)
        if self.choices is not None and self.choices.elsewhere(stream, segments, i):
            self.other_channel += 1
            return None
        recall(stream)
        if segments.copy[i]:
            self.count_copy(stream, segments.copy[i])
        if segments.direction[i] == 0:
            half = stream.half_a
            peer = stream.half_b
        else:
            half = stream.half_b
            peer = stream.half_a
        if (
            stream.reason
            and half is not None
            and segments.length[i] == 0
            and not segments.flags[i] & SYN
            and stream.reset is None
        ):
            # The last ACK of most connections. A stream that has ended counts no
            # packets: its events have been told.
            return stream
        stream = self.process_segment(run, stream, half, peer, i)
        if self.choices is not None and stream.candidate is not None:
            if stream.candidate.frame == ctx.frame:
                self.choices.stand(stream, segments.channel[i])
        return stream

    def begin(self, run: Run, i: int) -> Stream | None:
        """Begin the stream of row ``i``, or go on with one that was forgotten.

        Returns:
            None where the row only repeats what the latter had.
        """
        segments = run.segments
        forgotten = self.timers.forgotten
        known = forgotten.find(segments.hash[i])
        shown = UNRELATED
        if known >= 0 and not segments.flags[i] & SYN:
            shown = relation(forgotten, known, segments, i)
            if shown == AGAIN:
                self.ctx.late_segments += 1
                return None
        stream = self.open(run, i)
        if shown == CONTINUES:
            self.ctx.memory_bytes += revive(self.ctx, stream, forgotten, known)
        return stream

    def count_copy(self, stream: Stream, frames_ago: int) -> None:
        """Count a packet that the capture has twice; remember the first of them."""
        ctx = self.ctx
        ctx.duplicates += 1
        if ctx.duplicates <= MAX_COPIES:
            self.copies.append((ctx.frame, ctx.frame - frames_ago, stream.id))

    def process_segment(
        self, run: Run, stream: Stream, half: Half | None, peer: Half | None, i: int
    ) -> Stream:
        """Process row ``i`` as an object; return the stream that it turns out to be of.

        ``half`` and ``peer`` are those of its sender and receiver, as far as they
        were seen.
        """
        ctx = self.ctx
        segments = run.segments
        if half is None:
            half = self.add_half(stream, segments.direction[i] == 0)
        if peer is None and segments.flags[i] & ACK:
            peer = self.add_half(stream, segments.direction[i] != 0)
        seg = segment_of(segments, run.batch, i)  # type: ignore[arg-type]
        half.payload_bytes += seg.captured
        alive = stream.reason == 0
        if alive:
            half.packets += 1
            half.duplicates += seg.copy
            stream.seen_ns = ctx.now_ns
            if ctx.time_ns > stream.latest_ns:
                stream.latest_ns = ctx.time_ns
        if take(ctx, stream, half, peer, seg) == REUSED:
            successor = ctx.successor
            ctx.successor = []
            fresh = self.reopen(stream, successor)
            if self.choices is not None:
                self.choose(fresh, successor, segments, i)
            return fresh
        if not stream.reason:
            settle(half)
            half.shift = shift_of(half, peer)
            if peer is not None:
                settle(peer)
                peer.shift = shift_of(peer, half)
            if ctx.enlists:
                self.table.enlist(stream)
        elif alive:
            self.timers.linger(stream)
        recount(ctx, stream)
        return stream

    def open(self, run: Run, i: int) -> Stream:
        """Begin the stream of row ``i``: number it, and put it in the table."""
        ctx = self.ctx
        segments = run.segments
        stream = stream_of(segments, run.batch, i)  # type: ignore[arg-type]
        if segments.layer_count[i] > 0:
            stream.layers = self.layers(segments, i)
        self.start(stream, segments.time_ns[i], ctx.frame)
        if self.choices is not None:
            self.choices.choose(stream, stream.first_a, segments.channel[i])
        return stream

    def start(self, stream: Stream, time_ns: int, frame: int) -> None:
        """Number a stream that begins with a frame, and put it in the table."""
        ctx = self.ctx
        stream.id = self.next_id
        self.next_id += 1
        stream.first_ns = time_ns
        stream.latest_ns = time_ns
        stream.seen_ns = ctx.now_ns
        stream.first_frame = frame
        self.table.add(stream)
        self.table.schedule(stream.slot, ctx.now_ns + ctx.quiet_ns)
        ctx.memory_bytes += ctx.stream_bytes
        if self.choices is not None:
            ctx.memory_bytes += CHOICE_BYTES
            self.choices.begin(stream)

    def layers(self, segments: Segments, i: int) -> tuple[int, ...]:
        """Return the layers of row ``i``, one tuple for all streams that have them."""
        layers = segments.path_layers(i)
        if len(self.paths) == MAX_PATHS:
            self.paths.clear()
        self.ctx.memory_bytes += LAYER_BYTES * len(layers)
        return self.paths.setdefault(layers, layers)

    def add_half(self, stream: Stream, first: bool) -> Half:
        """Make a half of the stream: the side with the lower address, or the other.

        Whoever is seen first is taken for the client until there is evidence.
        """
        half = Half()
        other = stream.half_b if first else stream.half_a
        if other is None or not other.flags & IS_CLIENT:
            half.flags |= IS_CLIENT
        if first:
            stream.half_a = half
        else:
            stream.half_b = half
        self.ctx.memory_bytes += HALF_BYTES
        return half

    def reopen(self, stream: Stream, successor: list[tuple[bool, Segment]]) -> Stream:
        """The ports carry a new connection: end the old one, and begin another.

        ``successor`` has its segments: whether from the lower address; the segment.
        They may show that it was followed by another in its turn.

        Returns:
            The last new one; ``successor`` has what that began with.
        """
        ctx = self.ctx
        frame = ctx.frame
        time_ns = ctx.time_ns
        fresh = self.follow(stream, successor)
        while ctx.successor:
            successor[:] = ctx.successor
            del ctx.successor[:]
            fresh = self.follow(fresh, successor)
        ctx.frame = frame
        ctx.time_ns = time_ns
        return fresh

    def follow(self, stream: Stream, successor: list[tuple[bool, Segment]]) -> Stream:
        """End a stream and begin the one that follows it.

        ``ctx.successor`` has what does not belong to that one either.

        Returns:
            The new one.
        """
        ctx = self.ctx
        if not stream.reason:
            end(ctx, stream, CLOSED_BY_REUSE)
        from_a, first = successor[0]
        fresh = next_stream(stream)
        fresh.first_a = from_a
        if fresh.layers is not None:
            ctx.memory_bytes += LAYER_BYTES * len(fresh.layers)
        # Where time alone has shown that another follows, it may have expired by now.
        if self.table.holds(stream):
            if self.choices is not None:
                self.candidate_channel = self.choices.candidate(stream)
            self.timers.forget(stream)
        self.start(fresh, first.time_ns, first.frame)
        for from_a, seg in successor:
            if ctx.successor:
                ctx.successor.append((from_a, seg))
                continue
            ctx.frame = seg.frame
            ctx.time_ns = seg.time_ns
            if ctx.moved is not None:
                ctx.moved.append((seg.frame, stream.id, fresh.id))
            self.process_again(fresh, from_a, seg)
        return fresh

    def choose(
        self,
        stream: Stream,
        successor: list[tuple[bool, Segment]],
        segments: Segments,
        i: int,
    ) -> None:
        """Choose the channels of a new stream, which row ``i`` has shown to be one."""
        # There are choices where this is called.
        choices: Choices = self.choices  # type: ignore[assignment]
        choices.choose(stream, segments.direction[i] == 0, segments.channel[i])
        from_a, first = successor[0]
        if len(successor) > 1 and first.flags & SYN:
            choices.choose(stream, from_a, self.candidate_channel)

    def renew(self, stream: Stream, segments: Segments, i: int) -> None:
        """Believe an RST where a SYN follows it, which may come by any channel."""
        if not stream.reason and begins(stream, segments, i):
            end(self.ctx, stream, CLOSED_BY_REUSE)
            self.timers.linger(stream)

    def reopen_due(self) -> None:
        """Begin the streams that time has shown to be others than those before them."""
        reopened = self.ctx.reopened
        self.ctx.reopened = []
        for stream, successor in reopened:
            self.reopen(stream, successor)

    def end_reset(self, stream: Stream) -> Stream | None:
        """The capture ends: decide about an RST that still waits.

        Returns:
            The stream that has followed, if any has.
        """
        while stream.reset is not None and not stream.reason:
            if reset_due(self.ctx, stream) == REUSED:
                successor = self.ctx.successor
                self.ctx.successor = []
                return self.reopen(stream, successor)
        return None

    def process_again(self, stream: Stream, from_a: bool, seg: Segment) -> None:
        """Process a segment that had been taken for one of another stream."""
        half = stream.half_a if from_a else stream.half_b
        peer = stream.half_b if from_a else stream.half_a
        if half is None:
            half = self.add_half(stream, from_a)
        if peer is None and seg.flags & ACK:
            peer = self.add_half(stream, not from_a)
        half.packets += 1
        half.duplicates += seg.copy
        half.payload_bytes += seg.captured
        stream.seen_ns = self.ctx.now_ns
        if seg.time_ns > stream.latest_ns:
            stream.latest_ns = seg.time_ns
        take(self.ctx, stream, half, peer, seg)
        recount(self.ctx, stream)


def next_stream(stream: Stream) -> Stream:
    """Return a new stream between the ends of another."""
    fresh = Stream()
    fresh.a_hi = stream.a_hi
    fresh.a_lo = stream.a_lo
    fresh.b_hi = stream.b_hi
    fresh.b_lo = stream.b_lo
    fresh.ports = stream.ports
    fresh.context = stream.context
    fresh.family = stream.family
    fresh.hash = stream.hash
    fresh.link_type = stream.link_type
    fresh.layers = stream.layers
    return fresh
