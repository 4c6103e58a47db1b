"""The loop over segments: batches in, events out.

An ``Assembler`` does no I/O and reads no clock. What it answers depends on the
frames and the policy alone, never on how the input was cut into batches.
"""

import ipaddress
from collections.abc import Iterator
from os import urandom  # noqa: TID251 -- no I/O: what secrets does, without its imports
from typing import Any

from unpacket._core.constants import (
    ALL_SEGMENTS,
    CLOSED_BY_END,
    CLOSED_BY_INTERRUPTION,
    CLOSED_BY_USER,
    EVENTS_PORTION,
    IGNORED,
    OPEN,
)
from unpacket._core.decode.checksum_states import HostSums
from unpacket._core.decode.decoder import Decoder
from unpacket._core.memory.batch import Batch
from unpacket._core.reassembly.accounting import recount
from unpacket._core.reassembly.channel_choice import Choices
from unpacket._core.reassembly.connection import check_ended
from unpacket._core.reassembly.context import Context, nanoseconds
from unpacket._core.reassembly.demultiplexer import Demultiplexer
from unpacket._core.reassembly.direction import Direction
from unpacket._core.reassembly.enlisting import recall
from unpacket._core.reassembly.events import Event
from unpacket._core.reassembly.gaps import skip
from unpacket._core.reassembly.half import Half, settle
from unpacket._core.reassembly.lifetime import end
from unpacket._core.reassembly.release import release
from unpacket._core.reassembly.run import Run
from unpacket._core.reassembly.stepper import Stepper
from unpacket._core.reassembly.stream import Stream, ended
from unpacket._core.reassembly.table import FlowTable, by_id, check_owned
from unpacket._core.reassembly.timers import Timers
from unpacket._core.reassembly.trace import Trace, TraceRows
from unpacket._core.signature import SignatureOf
from unpacket._decode_as import udp_ports
from unpacket.policy import Policy

AT_WORK = (
    "feed() was called while it was at work: an assembler takes one batch at a time, "
    "from one thread; give each thread its own"
)

HASH_KEYS = 32
HASH_BITS = 44
# The part of all memory that fragments may take at most: one in this many.
FRAGMENTS_SHARE = 4


def constructed(
    policy: Policy | None = None,
    *,
    data: bool = True,
    notes: bool = False,
    sums: bool = False,
) -> None:
    """Have the arguments of ``Assembler``."""


class Assembler(Stepper):
    """Turns batches of frames into events.

    A batch is worked off at once (``feed``, ``trace``), or a part at a time: begun
    with ``begin`` or ``begin_decoded``, and then with ``step`` or ``proceed`` until
    these return None.

    Args:
        policy: How streams are rebuilt; ``Policy()`` if None.
        data: Whether there shall be ``Data`` events. Without them payload is not
            copied at all; everything else is told as before.
        notes: Whether there shall be ``Note`` events.
        sums: Whether to count the states of checksums by sender, and UDP that looks
            like a tunnel.
        owner_bytes: What the owner keeps for each stream: it counts as the stream's,
            for the memory bound.

    Attributes:
        policy: The policy that was given.
        decoder: What frames go through first, with its counters.
        sums: The counts of checksums, or None.
    """

    __slots__ = ("is_at_work", "policy", "timers")

    __signature__ = SignatureOf(constructed)

    def __init__(
        self,
        policy: Policy | None = None,
        *,
        data: bool = True,
        notes: bool = False,
        sums: bool = False,
        owner_bytes: int = 0,
    ) -> None:
        # First, for __del__ comes even where this raises.
        self.table = FlowTable()
        self.is_at_work = False
        if policy is None:
            policy = Policy()
        if not isinstance(policy, Policy):
            raise TypeError(f"policy is a {type(policy).__name__}, and not a Policy")
        self.policy = policy
        self.ctx = Context(policy, bool(data), bool(notes), owner_bytes)
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
            udp_ports(policy.decode_as),
        )
        choices = None if policy.channel == "any" else Choices()
        self.timers = Timers(self.ctx, self.table, choices is not None)
        self.demultiplexer = Demultiplexer(self.ctx, self.table, self.timers, choices)
        self.run = Run()
        self.observer: Any = None
        self.sums = HostSums() if sums else None
        if sums:
            self.decoder.look_alike()

    def __del__(self) -> None:
        # What waits for an acknowledgement refers to its stream, which refers to it,
        # and the compiled classes take no part in the search for cycles.
        try:
            streams = self.table.streams
        except AttributeError:
            # The arguments were wrong.
            return
        for stream in streams:
            if stream is not None:
                let_go_of(stream)

    def feed(self, batch: Batch) -> list[Event]:
        """Take the next frames, and return the events that they cause, in order.

        Raises:
            RuntimeError: It is at work already, in another thread or further out.
            TypeError: ``batch`` is no ``Batch``.
        """
        if self.is_at_work:
            raise RuntimeError(AT_WORK)
        self.begin(batch)
        self.is_at_work = True
        try:
            self.work(ALL_SEGMENTS, False)
        finally:
            self.is_at_work = False
        return self.take()

    def trace(self, batch: Batch) -> "tuple[list[Event], Trace]":
        """Do what ``feed`` does, and tell which frames were of which stream.

        Raises:
            TypeError: ``batch`` is no ``Batch``.
        """
        self.begin(batch)
        self.ctx.each_delivery = False
        if self.ctx.moved is None:
            self.ctx.moved = []
        run = self.run
        rows = TraceRows(batch.count)
        while self.more():
            segments = run.segments
            first = run.row
            self.demultiplexer.take_ordinary(run, segments.count)
            for i in range(first, run.row):
                # Nothing that is ordinary ends a stream.
                stream = self.table.find(segments, i)
                rows.add_segment(segments, batch, i, stream.id)  # type: ignore[union-attr]
            if run.row == segments.count:
                continue
            i = run.row
            stream = self.demultiplexer.take_any(run)
            if stream is not None:
                rows.add_segment(segments, batch, i, stream.id)
        return self.take(), rows.trace()

    def moved(self) -> list[tuple[int, int, int]]:
        """Return what ``trace`` has named a wrong stream for, since this was asked.

        Which of two connections on the same ports a segment is of may be known later:
        by what follows, by time, or at the end.

        Returns:
            For each such segment the number of its frame, the id that was named, and
            the id that is right, in this order: what is right may be so for a while.
        """
        moved = self.ctx.moved or []
        self.ctx.moved = []
        return moved

    def advance(self, now_ns: int) -> list[Event]:
        """Let time pass without packets; return the events that this causes.

        Time that goes back is not obeyed.
        """
        self.timers.advance(now_ns)
        if self.ctx.reopened:
            self.demultiplexer.reopen_due()
        self.timers.evict()
        self.decoder.advance(now_ns)
        return self.take()

    def finish(self, *, interrupted: bool = False) -> list[Event]:
        """Close every stream that is left; the capture has ended.

        Streams close in the order of ids, with reason ``end_of_capture``.

        Args:
            interrupted: Whether the capture goes on, and only reading has ended: then
                the reason is ``interrupted``.
        """
        events: list[Event] = []
        for part in self.finishing(interrupted=interrupted):
            events += part
        return events

    def finishing(self, *, interrupted: bool = False) -> Iterator[list[Event]]:
        """Do what ``finish`` does, and give the events some at a time.

        A million streams have a million events, which need not exist at once.
        """
        streams: list[Stream | None] = self.table.streams
        if not in_order(streams):
            streams = list(self.streams)
        fresh: list[Stream] = []
        for index in range(len(streams)):
            stream = streams[index]
            if stream is not None:
                self.finish_stream(stream, fresh, interrupted)
                if len(self.ctx.events) >= EVENTS_PORTION:
                    yield self.take()
        while fresh:
            self.finish_stream(fresh.pop(0), fresh, interrupted)
        self.timers.finish()
        self.decoder.finish()
        yield self.take()

    def finish_stream(
        self, stream: Stream, fresh: list[Stream], interrupted: bool
    ) -> None:
        """Close a stream that is left; add to ``fresh`` one that has followed it."""
        if not ended(stream) and stream.reset is not None:
            follower = self.demultiplexer.end_reset(stream)
            if follower is not None:
                fresh.append(follower)
                return
        if not ended(stream):
            number = CLOSED_BY_INTERRUPTION if interrupted else CLOSED_BY_END
            end(self.ctx, stream, number)
        self.timers.forget(stream)

    def skip_to(
        self, stream: Stream, direction: Direction | int, offset: int
    ) -> list[Event]:
        """Go on at ``offset``; the holes before it become gaps, reason ``skipped``.

        Data that is already held is delivered. No effect on what lies behind.

        Returns:
            The events that this causes.
        """
        check_owned(self.table, stream)
        recall(stream)
        half = stream.half(direction)
        if half is not None and half.state == OPEN and not stream.reason:
            peer = stream.half_b if half is stream.half_a else stream.half_a
            skip(self.ctx, stream, half, offset)
            release(self.ctx, half, False)
            if check_ended(self.ctx, stream, half, peer):
                self.timers.linger(stream)
            else:
                settle(half)
            recount(self.ctx, stream)
        return self.take()

    def ignore(self, stream: Stream, direction: Direction | int) -> None:
        """Deliver no more of a direction; its state is still followed."""
        check_owned(self.table, stream)
        recall(stream)
        half = stream.half(direction)
        if half is None:
            half = self.demultiplexer.add_half(stream, stream.half_a is None)
        half.flags |= IGNORED

    def track(
        self, stream: Stream, direction: Direction | int, tracker: object
    ) -> None:
        """Let ``tracker`` follow what the peer acknowledges of a direction.

        Its method ``acknowledge(ack, sacks)`` gets sequence numbers.
        """
        check_owned(self.table, stream)
        if stream.reason:
            # Nothing is acknowledged any more.
            return
        recall(stream)
        half = stream.half(direction)
        if half is None:
            half = self.demultiplexer.add_half(stream, stream.half_a is None)
        extra = half.more()
        extra.tracked = True
        self.ctx.trackers[extra] = tracker
        recount(self.ctx, stream)

    def close(self, stream: Stream) -> list[Event]:
        """End a stream now, with reason ``user``; return the events of that."""
        check_owned(self.table, stream)
        if not stream.reason:
            end(self.ctx, stream, CLOSED_BY_USER)
            self.timers.linger(stream)
            recount(self.ctx, stream)
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
    def packets(self) -> int:
        """TCP segments so far."""
        return self.demultiplexer.packets

    @property
    def copies(self) -> list[tuple[int, int, int]]:
        """The first segments that the capture has twice.

        For each the frame's number, that of the frame whose copy it is, and the id
        of the stream.
        """
        return self.demultiplexer.copies

    @property
    def late(self) -> dict[int, tuple[int, int]]:
        """Payload that came after the end of a stream and is in none, by its id.

        For each stream how many bytes, and the number of the first frame that brought
        some. That of the first 65,536 such streams; ``late_bytes`` is that of all.
        """
        return dict(self.ctx.late)

    @property
    def late_bytes(self) -> int:
        """How much payload came after the end of its stream, and is in none."""
        return self.ctx.late_bytes

    @property
    def other_channel(self) -> int:
        """How many segments came by another channel than their direction's."""
        return self.demultiplexer.other_channel

    @property
    def not_followed(self) -> int:
        """How many segments are of connections that the policy leaves out."""
        return self.demultiplexer.not_followed

    @property
    def backwards(self) -> int:
        """How often time went back from one segment to the next."""
        return self.timers.backwards

    @property
    def late_segments(self) -> int:
        """How many segments came after the end of their stream, copies and all."""
        return self.ctx.late_segments

    @property
    def steps_back(self) -> list[tuple[int, int]]:
        """The first frames whose time went back, and by how many ns."""
        return list(self.timers.steps_back)

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


def let_go_of(stream: Stream) -> None:
    """Drop the events of a stream that were never given out."""
    let_go(stream.half_a)
    let_go(stream.half_b)


def let_go(half: Half | None) -> None:
    """Drop the events of a half that were never given out."""
    if half is not None and half.extra is not None:
        half.extra.unreleased = None


def take_complete_way(assembler: Assembler) -> None:
    """Let no segment go the fast path, of an assembler that was fed nothing yet.

    For tests, which compare: nobody can notice.
    """
    assembler.ctx.enlists = False


def secret_bits(count: int) -> int:
    """Return that many random bits, up to 64."""
    return int.from_bytes(urandom(8), "big") >> (64 - count)
