"""What happens to streams by time and for memory, and not by a segment of their own.

The clock is the capture's. With it pass the graces of halves and the quiet times of
streams; where memory is short, those that were quiet longest end first.
"""

from unpacket._core.constants import (
    BEGINNING,
    CLOSED_BY_MEMORY,
    CLOSED_BY_TIMEOUT,
    END,
    GRACE,
    LATEST_NS,
    MAX_COPIES,
    NEVER,
    NO_TICK,
    NS,
    RESET,
    REUSED,
    WAITING,
    WHEEL,
)
from unpacket._core.reassembly.accounting import fixed_bytes, recount
from unpacket._core.reassembly.connection import begin, check_ended
from unpacket._core.reassembly.context import Context
from unpacket._core.reassembly.costs import CHOICE_BYTES
from unpacket._core.reassembly.enlisting import recall, seen
from unpacket._core.reassembly.fins import fin_due
from unpacket._core.reassembly.forgotten import Forgotten, remember
from unpacket._core.reassembly.gaps import grace_over
from unpacket._core.reassembly.half import Half, settle
from unpacket._core.reassembly.lifetime import end, reset_due
from unpacket._core.reassembly.resets import take_queue
from unpacket._core.reassembly.stream import Stream
from unpacket._core.reassembly.table import FlowTable, by_id, deadline

# 73 years of a capture without a step of its clock. Then the clock that timers go by
# stands still, so that it and its distance from such times fit into 64 bits too.
LONGEST_NS = 1 << 61

# Nobody captures a quieter time than a year: what is more was the clock, and no time.
LONGEST_STEP_NS = 365 * 86400 * NS

# A clock that goes back by more than an hour between two packets was set.
STEP_NS = 3600 * NS


class Timers:
    """The clock of one assembler, and who is due by it.

    Attributes:
        backwards: How often time went back from one segment to the next.
        steps_back: The first of these: the number of the frame, and by how much.
        has_choices: Whether each stream has its channels beside the table.
        forgotten: Where the streams would go on that time or memory has ended, and
            where others ended.
    """

    __slots__ = (
        "backwards",
        "ctx",
        "forgotten",
        "has_choices",
        "steps_back",
        "table",
    )

    steps_back: list[tuple[int, int]]

    def __init__(self, ctx: Context, table: FlowTable, has_choices: bool) -> None:
        self.ctx = ctx
        self.table = table
        self.has_choices = has_choices
        self.backwards = 0
        self.steps_back = []
        self.forgotten = Forgotten(self.ctx.memory_limit)

    def set_clock(self, time_ns: int, before_ns: int) -> None:
        """Let it be ``time_ns``, the time of a packet, and do what is due by then.

        Time that goes back is counted, not obeyed. A step forward, be it the clock's
        (a device that learns the date, two captures in one), has passed like any
        other time: how long a stream was quiet does not decide what it is. After a
        step back times count from there.

        ``before_ns`` is the time of the packet before.
        """
        ctx = self.ctx
        time_ns = max(-LATEST_NS, min(LATEST_NS, time_ns))
        if self.table.tick == NO_TICK:
            ctx.now_ns = 0
            ctx.skew_ns = time_ns
            self.table.start_clock(0)
            ctx.next_timer_ns = 0
        ahead = time_ns - (ctx.now_ns + ctx.skew_ns)
        if ahead < 0:
            before_ns = max(-LATEST_NS, min(LATEST_NS, before_ns))
            if time_ns < before_ns:
                self.backwards += 1
                if self.backwards <= MAX_COPIES:
                    self.steps_back.append((self.ctx.frame, before_ns - time_ns))
            if ahead < -STEP_NS:
                ctx.skew_ns += ahead
        elif ahead > LONGEST_STEP_NS:
            ctx.skew_ns += ahead
        elif ahead > 0:
            self.pass_time(ahead)

    def advance(self, now_ns: int) -> None:
        """Let time pass without packets, which is no step of the capture's clock."""
        ctx = self.ctx
        if self.table.tick == NO_TICK:
            return
        now_ns = max(-LATEST_NS, min(LATEST_NS, now_ns))
        ahead = now_ns - (ctx.now_ns + ctx.skew_ns)
        if ahead > 0:
            ctx.time_ns = now_ns
            self.pass_time(ahead)

    def pass_time(self, ahead: int) -> None:
        """Let it be later, and do what is due by then."""
        ctx = self.ctx
        step = min(ahead, LONGEST_STEP_NS)
        if ctx.now_ns >= LONGEST_NS:
            step = 0
        ctx.now_ns += step
        ctx.skew_ns += ahead - step
        if ctx.now_ns >= ctx.next_timer_ns:
            self.run_due()

    def run_due(self) -> None:
        """Do what is due by now."""
        ctx = self.ctx
        table = self.table
        while True:
            timer = ctx.pop_timer()
            if timer is None:
                break
            self.wake(timer[2], timer[3], timer[4])
        now_tick = ctx.now_ns // NS
        if now_tick - table.tick > WHEEL:
            # Time has jumped past the whole wheel: every stream is looked at once.
            due = []
            for ahead in range(WHEEL):
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
        for stream in due:
            when = deadline(self.ctx, stream)
            if when <= self.ctx.now_ns:
                self.expire(stream)
            else:
                self.table.schedule(stream.slot, when)

    def wake(self, kind: int, stream: Stream, half: Half) -> None:
        """A timer of a half is due."""
        ctx = self.ctx
        if stream.reason:
            return
        recall(stream)
        if kind != RESET and stream.reset is not None:
            if stream.reset.deadline_ns > ctx.now_ns:
                # What came since may fill a hole, or contradict an end.
                ctx.set_timer(stream.reset.deadline_ns, kind, stream, half)
                return
        peer = stream.half_b if half is stream.half_a else stream.half_a
        if kind == GRACE:
            if half.extra is not None and half.extra.grace_ns != NEVER:
                grace_over(ctx, stream, half)
        elif kind == BEGINNING and half.state == WAITING:
            begin(ctx, stream, half, peer, True)
        elif kind == END:
            if half.extra is not None and half.extra.fin_ns <= ctx.now_ns:
                fin_due(ctx, stream, half, peer)
        elif kind == RESET and stream.reset is not None:
            if stream.reset.deadline_ns <= ctx.now_ns:
                if reset_due(ctx, stream) == REUSED:
                    ctx.reopened.append((stream, ctx.successor))
                    ctx.successor = []
        if not stream.reason:
            check_ended(ctx, stream, half, peer)
        if stream.reason:
            self.linger(stream)
        else:
            settle(half)
        recount(ctx, stream)

    def linger(self, stream: Stream) -> None:
        """A stream has ended: look at it again when it is to be forgotten."""
        self.table.unschedule(stream.slot)
        self.table.schedule(stream.slot, deadline(self.ctx, stream))

    def expire_if_due(self, stream: Stream) -> bool:
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
            end(self.ctx, stream, CLOSED_BY_TIMEOUT)
        self.remember(stream)
        self.forget(stream)

    def evict(self) -> None:
        """Close streams that were quiet long, if need be, until the memory suffices."""
        ctx = self.ctx
        while ctx.memory_bytes > ctx.memory_limit and self.table.live:
            stream = self.table.idlest()
            if not stream.reason:
                end(ctx, stream, CLOSED_BY_MEMORY)
            self.remember(stream)
            self.forget(stream)

    def remember(self, stream: Stream) -> None:
        """Remember of a stream that is to be forgotten where it would go on."""
        self.ctx.memory_bytes -= self.forgotten.held_bytes()
        remember(self.forgotten, stream)
        self.ctx.memory_bytes += self.forgotten.held_bytes()

    def finish(self) -> None:
        """Let go of what is remembered of others than the streams in the table."""
        self.ctx.memory_bytes -= self.forgotten.held_bytes()
        self.forgotten.clear()

    def forget(self, stream: Stream) -> None:
        """Remove a closed stream from the table."""
        recall(stream)
        if self.ctx.gatherer is not None:
            self.ctx.gatherer.sift(self.ctx.events)
            self.ctx.gatherer.leave(stream)
        self.table.remove(stream)
        if stream.reset is not None:
            take_queue(self.ctx, stream.reset)
            stream.reset = None
        self.ctx.memory_bytes -= fixed_bytes(self.ctx, stream)
        if self.has_choices:
            self.ctx.memory_bytes -= CHOICE_BYTES
