"""The loop over segments: batches in, events out.

An ``Assembler`` does no I/O and reads no clock. What it answers depends on the
frames and the policy alone, never on how the input was cut into batches.
"""

import ipaddress
from array import array
from collections.abc import Iterator
from os import urandom  # noqa: TID251 -- no I/O: what secrets does, without its imports
from typing import NamedTuple

from unpacket._core.constants import (
    ACK,
    BEGINNING,
    CHOICE_BYTES,
    GRACE,
    HALF_BYTES,
    IGNORED,
    IS_CLIENT,
    LATEST_NS,
    LAYER_BYTES,
    MAX_COPIES,
    NEVER,
    NO_TICK,
    NS,
    OPEN,
    PIECE_BYTES,
    REUSED,
    STREAM_BYTES,
    SYN,
    WAITING,
)
from unpacket._core.decode.checksum_states import HostSums
from unpacket._core.decode.decoder import Decoder
from unpacket._core.decode.segments import Segments
from unpacket._core.memory.batch import Batch
from unpacket._core.native import octets as native
from unpacket._core.native import released
from unpacket._core.reassembly.channel_choice import Choices
from unpacket._core.reassembly.connection import begin, check_ended, close, process
from unpacket._core.reassembly.context import Context, nanoseconds
from unpacket._core.reassembly.delivery import release
from unpacket._core.reassembly.events import Data, Direction, Event
from unpacket._core.reassembly.fast_path import quick_run, tell
from unpacket._core.reassembly.gaps import grace_over, skip
from unpacket._core.reassembly.half import Half, settle
from unpacket._core.reassembly.judgement import shift_of
from unpacket._core.reassembly.payload_gatherer import Gatherer
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream, recall, seen
from unpacket._core.reassembly.table import FlowTable, by_id, cost, deadline
from unpacket.policy import Policy

# No row of any batch.
NOWHERE = (1 << 62) - 1

# So many paths are remembered, to have the streams that are in them share them.
MAX_PATHS = 4096

# 73 years of a capture without a step of its clock. Then the clock that timers go by
# stands still, so that it and its distance from such times fit into 64 bits too.
LONGEST_NS = 1 << 61

# A clock that moves by more than an hour between two packets was set.
STEP_NS = 3600 * NS

BY_TIMEOUT = 3
BY_MEMORY = 5
BY_REUSE = 6
BY_END = 7
BY_USER = 8

# How many events of the end are made at a time.
PORTION = 4096

# Where run() returns before the end of the batch.
NEVER_PAUSE = 0
IF_EVENTS = 1
EACH_RUN = 2

HASH_KEYS = 32
HASH_BITS = 44
# The part of all memory that fragments may take at most: one in this many.
FRAGMENTS_SHARE = 4


class Trace(NamedTuple):
    """Which frames carried segments of which streams.

    Attributes:
        frames, ids: A row for each frame of each segment: the frame's number, the id
            of the stream. The frames of a datagram in fragments stand where the last
            of them came.
        moved: Frames that an earlier row named: number, the id that stands there,
            the id that is right. The SYN of a connection that uses the ports of
            another is known as such by what follows it.
    """

    frames: "array[int]"
    ids: "array[int]"
    moved: list[tuple[int, int, int]]


class Rows:
    """Two columns of numbers that grow together."""

    __slots__ = ("count", "numbers")

    def __init__(self, room: int) -> None:
        self.count = 0
        self.numbers = integers(2 * room + 2)

    def add(self, first: int, second: int) -> None:
        """Add a row."""
        if 2 * self.count >= len(self.numbers):
            before = self.numbers
            self.numbers = integers(2 * len(before))
            self.numbers[: len(before)] = before
        self.numbers[2 * self.count] = first
        self.numbers[2 * self.count + 1] = second
        self.count += 1

    def columns(self) -> "tuple[array[int], array[int]]":
        """Return the columns."""
        both = array("q")
        both.frombytes(memoryview(self.numbers)[: 2 * self.count].tobytes())
        return both[::2], both[1::2]


def integers(count: int) -> "memoryview[int]":
    """Return a writable view of ``count`` zeroed 64-bit integers."""
    return memoryview(bytearray(8 * count)).cast("q")


class Assembler:
    """Turns batches of frames into events.

    Args:
        policy: How streams are rebuilt; ``Policy()`` if None.
        data: Whether there shall be ``Data`` events. Without them payload is not
            copied at all; everything else is told as before.
        notes: Whether there shall be ``Note`` events.
        sums: Whether to count the states of checksums by sender.

    Attributes:
        policy: The policy that was given.
        packets: TCP segments so far.
        copies: The first segments that the capture has twice: the frame's number,
            that of the frame whose copy it is, and the stream's id.
        other_channel: Segments that came by another channel than their direction of
            the stream is taken from.
        backwards: How often time went back from one segment to the next.
        sums: The counts of checksums, or None.
    """

    __slots__ = (
        "backwards",
        "batch",
        "choices",
        "copies",
        "ctx",
        "decoded",
        "decoder",
        "evicted",
        "frame_index",
        "looked_at",
        "next_id",
        "not_followed",
        "other_channel",
        "own_segments",
        "packets",
        "pause",
        "paths",
        "policy",
        "reused_id",
        "segment_index",
        "segments",
        "shared",
        "stop_index",
        "sums",
        "table",
    )

    batch: Batch | None
    choices: Choices | None
    copies: list[tuple[int, int, int]]
    decoded: list[Segments]
    sums: HostSums | None
    paths: dict[tuple[int, ...], tuple[int, ...]]
    evicted: Stream | None

    def __init__(
        self,
        policy: Policy | None = None,
        *,
        data: bool = True,
        notes: bool = False,
        sums: bool = False,
    ) -> None:
        # First, for __del__ comes even where this raises.
        self.table = FlowTable()
        if policy is None:
            policy = Policy()
        if not isinstance(policy, Policy):
            raise TypeError(f"policy is a {type(policy).__name__}, and not a Policy")
        self.policy = policy
        self.ctx = Context(policy, bool(data), bool(notes))
        # Fragments have a share of their own: they are decoded a batch ahead, and what
        # happens to streams must not depend on where batches end.
        fragment_bytes = min(
            policy.max_fragment_bytes, policy.memory_limit_bytes // FRAGMENTS_SHARE
        )
        self.ctx.memory_limit -= fragment_bytes
        self.decoder = Decoder(
            [secret_bits(HASH_BITS) for _ in range(HASH_KEYS)],
            nanoseconds(policy.fragment_timeout_s),
            fragment_bytes,
            policy.max_fragmented_datagrams,
            policy.fragment_overlap,
            policy.checksum != "ignore",
            policy.context,
            nanoseconds(policy.duplicate_window_s),
            policy.channel,
        )
        self.choices = None if policy.channel == "any" else Choices()
        self.own_segments = Segments()
        self.segments = self.own_segments
        self.batch = None
        self.decoded = []
        self.frame_index = 0
        self.segment_index = 0
        self.stop_index = NOWHERE
        self.shared = False
        self.next_id = 0
        self.packets = 0
        self.copies = []
        self.other_channel = 0
        self.backwards = 0
        self.not_followed = 0
        self.sums = HostSums() if sums else None
        self.looked_at = 0
        self.paths = {}
        self.evicted = None
        self.reused_id = -1
        self.pause = NEVER_PAUSE

    def __del__(self) -> None:
        # What waits for an acknowledgement refers to its stream, which refers to it,
        # and the compiled classes take no part in the search for cycles.
        for stream in self.table.streams:
            if stream is not None:
                let_go(stream.half_a)
                let_go(stream.half_b)

    def gather(self, gatherer: Gatherer) -> None:
        """Let the payload of all streams be put there, and have no ``Data`` events.

        For this assembler alone, before its first batch.
        """
        self.ctx.gatherer = gatherer

    def feed(self, batch: Batch) -> list[Event]:
        """Take the next frames, and return the events that they cause, in order.

        Raises:
            TypeError: ``batch`` is no ``Batch``.
        """
        self.begin(batch)
        self.pause = NEVER_PAUSE
        self.run()
        return self.take()

    def trace(self, batch: Batch) -> "tuple[list[Event], Trace]":
        """Do what ``feed`` does, and tell which frames were of which stream.

        Raises:
            TypeError: ``batch`` is no ``Batch``.
        """
        self.begin(batch)
        self.pause = EACH_RUN
        rows = Rows(batch.count)
        moved: list[tuple[int, int, int]] = []
        while True:
            self.evicted = None
            next_id = self.next_id
            packets = self.packets
            others = self.other_channel
            self.run()
            if self.batch is None:
                break
            if self.other_channel != others:
                # It was of no stream. With channels each segment is a run.
                continue
            segments = self.segments
            count = self.packets - packets
            for i in range(self.segment_index - count, self.segment_index):
                stream = self.table.find(segments, i)
                if stream is None:
                    stream = self.evicted
                if stream is None:
                    continue
                if segments.source[i] < 0:
                    rows.add(batch.first_number + segments.index[i], stream.id)
                else:
                    for number in segments.side_frames[segments.source[i]]:
                        rows.add(number, stream.id)
            if self.next_id != next_id and stream is not None:
                if stream.first_frame != self.ctx.frame:
                    # Its SYN had been taken for one inside of the stream before it.
                    moved.append((stream.first_frame, self.reused_id, stream.id))
        self.evicted = None
        frames, ids = rows.columns()
        return self.take(), Trace(frames, ids, moved)

    def begin(self, batch: Batch) -> None:
        """Take a batch to be worked off by ``step``."""
        if not isinstance(batch, Batch):
            raise TypeError(f"feed() takes a Batch, and not a {type(batch).__name__}")
        self.batch = batch
        self.shared = False
        self.frame_index = 0
        self.segment_index = 0
        self.stop_index = NOWHERE
        # Those that were decoded elsewhere are in use there again.
        self.segments = self.own_segments
        self.segments.clear()
        self.ctx.history.begin(batch.buffer)

    def decode(self, batch: Batch, free: list[Segments]) -> list[Segments]:
        """Decode the next batch for ``begin_decoded``, beside whatever else runs.

        One thread at a time may, and nobody else feeds meanwhile. ``free`` are
        segments that are done with.
        """
        decoded = []
        at = 0
        while at < batch.count:
            segments = free.pop() if free else Segments()
            segments.clear()
            at = self.decoder.decode(batch, segments, at)
            decoded.append(segments)
        return decoded

    def begin_decoded(self, batch: Batch, decoded: list[Segments]) -> None:
        """Take a batch, and what ``decode`` returned for it, to be worked off."""
        self.begin(batch)
        # To let another thread run takes longer than a segment.
        self.shared = True
        self.frame_index = batch.count
        self.decoded = decoded
        self.pause = NEVER_PAUSE

    def proceed(self, count: int) -> list[Event] | None:
        """Work on for about ``count`` segments; return None where all are done."""
        if self.batch is None:
            return None
        self.stop_index = self.segment_index + count
        self.run()
        return self.take()

    def step(self) -> list[Event] | None:
        """Work on until anything but data is to be told.

        So that what a callback decides about a stream applies from its first byte.

        Returns:
            The events so far, or None where the batch is done.
        """
        if self.batch is None:
            return None
        self.pause = IF_EVENTS
        self.run()
        return self.take()

    def take(self) -> list[Event]:
        """Return the events since the last call."""
        events = self.ctx.events
        if self.ctx.gatherer is not None:
            self.ctx.gatherer.sift(events)
            self.ctx.gatherer.sifted = 0
        self.ctx.events = []
        self.looked_at = 0
        return events

    def advance(self, now_ns: int) -> list[Event]:
        """Let time pass without packets; return the events that this causes.

        Time that goes back is not obeyed.
        """
        ctx = self.ctx
        now_ns = max(-LATEST_NS, min(LATEST_NS, now_ns))
        if self.packets and now_ns > ctx.now_ns + ctx.skew_ns:
            ahead = now_ns - (ctx.now_ns + ctx.skew_ns)
            step = min(ahead, LONGEST_NS)
            if ctx.now_ns >= LONGEST_NS:
                step = 0
            ctx.now_ns += step
            ctx.skew_ns += ahead - step
            ctx.time_ns = now_ns
            if ctx.now_ns >= ctx.next_timer_ns:
                self.run_timers()
        self.decoder.advance(now_ns)
        return self.take()

    def finish(self) -> list[Event]:
        """Close every stream that is left; the capture has ended.

        Streams close in the order of ids, with reason ``end_of_capture``.
        """
        events: list[Event] = []
        for part in self.finishing():
            events += part
        return events

    def finishing(self) -> Iterator[list[Event]]:
        """Do what ``finish`` does, and give the events some at a time.

        A million streams have a million events, which need not exist at once.
        """
        streams: list[Stream | None] = self.table.streams
        if not in_order(streams):
            streams = list(self.streams)
        for index in range(len(streams)):
            stream = streams[index]
            if stream is not None:
                if not stream.reason:
                    close(self.ctx, stream, BY_END)
                self.forget(stream)
                if len(self.ctx.events) >= PORTION:
                    yield self.take()
        self.decoder.finish()
        yield self.take()

    def run(self) -> None:
        """Process the rest of the batch, or up to a pause."""
        ctx = self.ctx
        segments = self.segments
        # There is one until this is done with it.
        batch: Batch = self.batch  # type: ignore[assignment]
        while True:
            if self.segment_index >= segments.count:
                if self.decoded:
                    segments = self.segments = self.decoded.pop(0)
                elif self.frame_index < batch.count:
                    self.frame_index = self.decoder.decode(
                        batch, segments, self.frame_index
                    )
                else:
                    ctx.history.end()
                    self.batch = None
                    return
                self.segment_index = 0
                if self.sums is not None:
                    self.sums.tally(segments)
                continue
            i = self.segment_index
            if i >= self.stop_index:
                return
            stop = min(segments.count, self.stop_index)
            quick = True
            if self.choices is not None:
                # One at a time, for each may be of another channel.
                stop = i + 1
                quick = self.choices.is_chosen(
                    self.table.find(segments, i), segments, i
                )
            if self.shared and self.choices is None:
                self.segment_index = released.reassemble(
                    ctx, self.table, segments, batch, i, stop
                )
            elif quick:
                self.segment_index = quick_run(
                    ctx, self.table, segments, batch, i, stop
                )
            self.packets += self.segment_index - i
            if segments.delivered_words:
                if ctx.gatherer is not None:
                    ctx.gatherer.take(self.table.streams, segments, batch)
                else:
                    tell(ctx, self.table, segments, batch)
            if self.pause == EACH_RUN and self.segment_index > i:
                # The one that is not ordinary is a run of its own.
                return
            if self.segment_index < stop:
                self.segment_index += 1
                self.one(self.segment_index - 1)
                if ctx.gatherer is not None:
                    ctx.gatherer.sift(ctx.events)
            if self.pause and (self.pause == EACH_RUN or self.decisive()):
                return

    def decisive(self) -> bool:
        """Return whether any event since the last call is not merely data."""
        events = self.ctx.events
        while self.looked_at < len(events):
            event = events[self.looked_at]
            self.looked_at += 1
            if not isinstance(event, Data):
                return True
        return False

    def one(self, i: int) -> None:
        """Process row ``i`` of the segments, whatever it is."""
        ctx = self.ctx
        segments = self.segments
        time_ns = segments.time_ns[i]
        self.packets += 1
        ctx.frame = self.batch.first_number + segments.index[i]  # type: ignore[union-attr]
        ctx.time_ns = time_ns
        if time_ns != ctx.now_ns + ctx.skew_ns or self.table.tick == NO_TICK:
            self.clock(time_ns)
        stream = self.table.find(segments, i)
        if stream is not None and self.stale(stream):
            stream = None
        if stream is None:
            if not ctx.midstream and not segments.flags[i] & SYN:
                self.not_followed += 1
                return
            stream = self.open(segments, i)
        if self.choices is not None and self.choices.elsewhere(stream, segments, i):
            self.other_channel += 1
            return
        recall(stream)
        if segments.copy[i]:
            self.duplicated(stream, segments.copy[i])
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
        ):
            # The last ACK of most connections. A stream that has ended counts no
            # packets: its events have been told.
            return
        self.slow(stream, half, peer, i)
        if self.choices is not None and stream.candidate is not None:
            if stream.candidate.frame == ctx.frame:
                self.choices.stand(stream, segments.channel[i])

    def duplicated(self, stream: Stream, frames_ago: int) -> None:
        """Count a packet that the capture has twice; remember the first of them."""
        ctx = self.ctx
        ctx.duplicates += 1
        if ctx.duplicates <= MAX_COPIES:
            self.copies.append((ctx.frame, ctx.frame - frames_ago, stream.id))

    def clock(self, time_ns: int) -> None:
        """Let it be ``time_ns``, the time of a packet, and do what is due by then.

        Time that goes back is counted, not obeyed. A step of the capture's clock (a
        device that learns the date, two captures in one) says nothing about how
        long a stream was quiet: from then on times count from there.
        """
        ctx = self.ctx
        time_ns = max(-LATEST_NS, min(LATEST_NS, time_ns))
        if self.table.tick == NO_TICK:
            ctx.now_ns = 0
            ctx.skew_ns = time_ns
            self.table.start_clock(0)
            ctx.next_timer_ns = 0
        ahead = time_ns - (ctx.now_ns + ctx.skew_ns)
        stands = ctx.now_ns >= LONGEST_NS and ahead > 0
        if ahead > STEP_NS or ahead < -STEP_NS or stands:
            ctx.skew_ns += ahead
            self.backwards += ahead < 0
        elif ahead > 0:
            ctx.now_ns += ahead
            if ctx.now_ns >= ctx.next_timer_ns:
                self.run_timers()
        elif ahead < 0:
            self.backwards += 1

    def slow(
        self, stream: Stream, half: Half | None, peer: Half | None, i: int
    ) -> None:
        """Process any segment."""
        ctx = self.ctx
        segments = self.segments
        if half is None:
            half = self.add_half(stream, segments.direction[i] == 0)
        if peer is None and segments.flags[i] & ACK:
            peer = self.add_half(stream, segments.direction[i] != 0)
        seg = self.segment(i)
        half.payload_bytes += seg.captured
        alive = stream.reason == 0
        if alive:
            half.packets += 1
            half.duplicates += seg.copy
            stream.seen_ns = ctx.now_ns
            if ctx.time_ns > stream.latest_ns:
                stream.latest_ns = ctx.time_ns
        if process(ctx, stream, half, peer, seg) == REUSED:
            half.packets -= alive
            half.duplicates -= alive and seg.copy
            half.payload_bytes -= seg.captured
            self.reuse(stream, seg, i)
            return
        if not stream.reason:
            settle(half)
            half.shift = shift_of(half, peer)
            if peer is not None:
                settle(peer)
                peer.shift = shift_of(peer, half)
            self.table.enlist(stream)
        elif alive:
            self.linger(stream)
        if ctx.memory_bytes > ctx.memory_limit:
            self.evicted = stream
            self.evict()

    def segment(self, i: int) -> Segment:
        """Return row ``i`` of the segments as a Segment of its own."""
        segments = self.segments
        seg = Segment.__new__(Segment)
        seg.seq = segments.seq[i]
        seg.ack = segments.ack[i]
        seg.flags = segments.flags[i]
        seg.window = segments.window[i]
        seg.length = segments.length[i]
        seg.captured = segments.captured[i]
        seg.ttl = segments.ttl[i]
        seg.mss = segments.mss[i]
        seg.wscale = segments.wscale[i]
        seg.sack_permitted = segments.sack_permitted[i] != 0
        seg.has_timestamp = segments.has_timestamp[i] != 0
        seg.tsval = segments.tsval[i]
        seg.checksum = segments.checksum[i]
        seg.copy = segments.copy[i] > 0
        seg.counted = False
        seg.frame = self.ctx.frame
        seg.time_ns = segments.time_ns[i]
        seg.sacks = None
        start = segments.start[i]
        if segments.source[i] < 0:
            seg.payload = native.octets(self.batch, start, seg.captured)  # type: ignore[arg-type]
        else:
            side = segments.side[segments.source[i]]
            seg.payload = side[start : start + seg.captured]
        if segments.sack_count[i]:
            seg.sacks = self.sacks(i)
        return seg

    def sacks(self, i: int) -> list[tuple[int, int]]:
        """Return the SACK blocks of row ``i`` (RFC 2018 section 3)."""
        segments = self.segments
        count = segments.sack_count[i]
        start = segments.sack_start[i]
        if segments.source[i] < 0:
            octets = native.octets(self.batch, start, 8 * count)  # type: ignore[arg-type]
        else:
            side = segments.side[segments.source[i]]
            octets = side[start : start + 8 * count]
        blocks = []
        for at in range(0, 8 * count, 8):
            left = int.from_bytes(octets[at : at + 4], "big")
            right = int.from_bytes(octets[at + 4 : at + 8], "big")
            blocks.append((left, right))
        return blocks

    def open(self, segments: Segments, i: int) -> Stream:
        """Make the stream of row ``i``, which begins with it."""
        stream = Stream()
        stream.a_hi = segments.a_hi[i]
        stream.a_lo = segments.a_lo[i]
        stream.b_hi = segments.b_hi[i]
        stream.b_lo = segments.b_lo[i]
        stream.ports = segments.ports[i]
        stream.context = segments.context[i]
        stream.family = segments.family[i]
        stream.hash = segments.hash[i]
        stream.link_type = self.batch.link_type[segments.index[i]]  # type: ignore[union-attr]
        if segments.layer_count[i] > 0:
            stream.layers = self.layers(segments, i)
        stream.first_a = segments.direction[i] == 0
        self.start(stream, segments.time_ns[i], self.ctx.frame)
        if self.choices is not None:
            self.ctx.memory_bytes += CHOICE_BYTES
            self.choices.begin(stream)
            self.choices.choose(stream, stream.first_a, segments.channel[i])
        return stream

    def layers(self, segments: Segments, i: int) -> tuple[int, ...]:
        """Return the layers of row ``i``, one tuple for all streams that have them."""
        layers = segments.path_layers(i)
        if len(self.paths) == MAX_PATHS:
            self.paths.clear()
        self.ctx.memory_bytes += LAYER_BYTES * len(layers)
        return self.paths.setdefault(layers, layers)

    def start(self, stream: Stream, time_ns: int, frame: int) -> None:
        """Number a stream, and put it in the table."""
        stream.id = self.next_id
        self.next_id += 1
        stream.first_ns = time_ns
        stream.latest_ns = time_ns
        stream.seen_ns = self.ctx.now_ns
        stream.first_frame = frame
        self.table.add(stream)
        self.table.schedule(stream.slot, self.ctx.now_ns + self.ctx.quiet_ns)
        self.ctx.memory_bytes += STREAM_BYTES

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

    def reuse(self, stream: Stream, seg: Segment, i: int) -> None:
        """The ports carry a new connection: end the old one, begin another."""
        ctx = self.ctx
        candidate = stream.candidate
        from_a = stream.candidate_a
        stream.candidate = None
        if candidate is not None:
            ctx.memory_bytes -= candidate.captured + PIECE_BYTES
        if not stream.reason:
            close(ctx, stream, BY_REUSE)
        self.reused_id = stream.id
        channel = 0 if self.choices is None else self.choices.candidate(stream)
        self.forget(stream)
        fresh = self.open(self.segments, i)
        if candidate is not None:
            if self.choices is not None:
                self.choices.choose(fresh, from_a, channel)
            fresh.first_ns = candidate.time_ns
            fresh.first_frame = candidate.frame
            fresh.first_a = from_a
            self.again(fresh, from_a, candidate)
        self.again(fresh, self.segments.direction[i] == 0, seg)

    def again(self, stream: Stream, from_a: bool, seg: Segment) -> None:
        """Process a segment that is at hand already."""
        half = stream.half_a if from_a else stream.half_b
        peer = stream.half_b if from_a else stream.half_a
        if half is None:
            half = self.add_half(stream, from_a)
        if peer is None and seg.flags & ACK:
            peer = self.add_half(stream, not from_a)
        half.packets += 1
        half.duplicates += seg.copy
        half.payload_bytes += seg.captured
        process(self.ctx, stream, half, peer, seg)

    def stale(self, stream: Stream) -> bool:
        """End a stream that was quiet for too long; return whether that was so."""
        ctx = self.ctx
        if ctx.now_ns - seen(stream) < ctx.quiet_ns:
            return False
        if deadline(ctx, stream) > ctx.now_ns:
            return False
        self.expire(stream)
        return True

    def expire(self, stream: Stream) -> None:
        """The time of a stream is over."""
        if not stream.reason:
            close(self.ctx, stream, BY_TIMEOUT)
        self.forget(stream)

    def forget(self, stream: Stream) -> None:
        """Remove a closed stream from the table."""
        recall(stream)
        if self.ctx.gatherer is not None:
            self.ctx.gatherer.sift(self.ctx.events)
            self.ctx.gatherer.leave(stream)
        self.table.remove(stream)
        self.ctx.memory_bytes -= cost(stream)
        if self.choices is not None:
            self.ctx.memory_bytes -= CHOICE_BYTES

    def evict(self) -> None:
        """Close streams that were quiet long until the memory suffices."""
        ctx = self.ctx
        while ctx.memory_bytes > ctx.memory_limit and self.table.live:
            stream = self.table.idlest()
            if not stream.reason:
                close(ctx, stream, BY_MEMORY)
            self.forget(stream)

    def run_timers(self) -> None:
        """Do what is due by now."""
        ctx = self.ctx
        table = self.table
        while True:
            timer = ctx.pop_timer()
            if timer is None:
                break
            self.ring(timer[2], timer[3], timer[4])
        now_tick = ctx.now_ns // NS
        if now_tick - table.tick > 1024:
            # Time has jumped past the whole wheel: every stream is looked at once.
            due = []
            for ahead in range(1024):
                due += table.take_bucket(ahead)
            table.tick = now_tick
            due.sort(key=by_id)
            self.look_at(due)
        while table.tick < now_tick:
            table.tick += 1
            self.look_at(table.take_bucket(table.tick))
        ctx.next_timer_ns = (table.tick + 1) * NS
        if ctx.timers:
            first = ctx.timers[0][0]
            if first < ctx.next_timer_ns:
                ctx.next_timer_ns = first

    def look_at(self, due: list[Stream]) -> None:
        """Expire the streams whose time is over; look at the others again later."""
        ctx = self.ctx
        for stream in due:
            when = deadline(ctx, stream)
            if when <= ctx.now_ns:
                self.expire(stream)
            else:
                self.table.schedule(stream.slot, when)

    def ring(self, kind: int, stream: Stream, half: Half) -> None:
        """A timer of a half is due."""
        ctx = self.ctx
        if stream.reason:
            return
        recall(stream)
        peer = stream.half_b if half is stream.half_a else stream.half_a
        if kind == GRACE:
            if half.extra is not None and half.extra.grace_ns != NEVER:
                grace_over(ctx, stream, half)
        elif kind == BEGINNING and half.state == WAITING:
            begin(ctx, stream, half, peer)
        if not stream.reason:
            check_ended(ctx, stream, half, peer)
        if stream.reason:
            self.linger(stream)
        else:
            settle(half)

    def linger(self, stream: Stream) -> None:
        """A stream has ended: look at it again when it is to be forgotten."""
        self.table.unschedule(stream.slot)
        self.table.schedule(stream.slot, deadline(self.ctx, stream))

    def skip_to(
        self, stream: Stream, direction: Direction | int, offset: int
    ) -> list[Event]:
        """Go on at ``offset``; the holes before it become gaps, reason ``skipped``.

        Data that is already held is delivered. No effect on what lies behind.

        Returns:
            The events that this causes.
        """
        recall(stream)
        half = stream.half(direction)
        if half is not None and half.state == OPEN and not stream.reason:
            peer = stream.half_b if half is stream.half_a else stream.half_a
            skip(self.ctx, stream, half, offset)
            release(self.ctx, half, False)
            if check_ended(self.ctx, stream, half, peer):
                self.linger(stream)
            else:
                settle(half)
        return self.take()

    def ignore(self, stream: Stream, direction: Direction | int) -> None:
        """Deliver no more of a direction; its state is still followed."""
        recall(stream)
        half = stream.half(direction)
        if half is None:
            half = self.add_half(stream, stream.half_a is None)
        half.flags |= IGNORED

    def track(
        self, stream: Stream, direction: Direction | int, tracker: object
    ) -> None:
        """Let ``tracker`` follow what the peer acknowledges of a direction.

        Its method ``acknowledge(ack, sacks)`` gets sequence numbers.
        """
        recall(stream)
        half = stream.half(direction)
        if half is None:
            half = self.add_half(stream, stream.half_a is None)
        extra = half.more()
        extra.tracker = tracker

    def close(self, stream: Stream) -> list[Event]:
        """End a stream now, with reason ``user``; return the events of that."""
        if not stream.reason:
            close(self.ctx, stream, BY_USER)
            self.linger(stream)
        return self.take()

    @property
    def streams(self) -> list[Stream]:
        """The streams that live or linger, in the order of ids."""
        streams = [item for item in self.table.streams if item is not None]
        streams.sort(key=by_id)
        return streams

    def find_stream(
        self, address: str, port: int, other_address: str, other_port: int
    ) -> Stream | None:
        """Return the stream between two ends, named either way round, or None."""
        wanted = {
            (ipaddress.ip_address(address), port),
            (ipaddress.ip_address(other_address), other_port),
        }
        for stream in reversed(self.streams):
            if {
                (ipaddress.ip_address(end.address), end.port)
                for end in (stream.client, stream.server)
            } == wanted:
                return stream
        return None

    @property
    def duplicates(self) -> int:
        """How many segments the capture has twice (see docs/captures.md)."""
        return self.ctx.duplicates

    @property
    def memory_bytes(self) -> int:
        """What streams, waiting payload and fragments take."""
        return self.ctx.memory_bytes + self.decoder.fragment_bytes

    @property
    def now_ns(self) -> int | None:
        """The latest time, or None before the first packet."""
        return self.ctx.now_ns + self.ctx.skew_ns if self.packets else None

    @property
    def counters(self) -> dict[str, int]:
        """How many frames gave no segment, by reason.

        And how many segments were ``not_followed``: those of connections whose start
        was not captured, where the policy says that these are left out.
        """
        counters = dict(self.decoder.counters)
        if self.not_followed:
            counters["not_followed"] = self.not_followed
        return counters


def in_order(streams: list[Stream | None]) -> bool:
    """Return whether streams stand in the order of their ids."""
    last = -1
    for stream in streams:
        if stream is not None:
            if stream.id < last:
                return False
            last = stream.id
    return True


def let_go(half: Half | None) -> None:
    """Drop the events of a half that were never given out."""
    if half is not None and half.extra is not None:
        half.extra.unreleased = None


def secret_bits(count: int) -> int:
    """Return that many random bits, up to 64."""
    return int.from_bytes(urandom(8), "big") >> (64 - count)
