"""Ordinary conversations, of which nearly all goes the fast path, with one oddity.

Hostile frames hardly ever come to the fast path: it takes a whole handshake first,
and then what comes in order. Here all is as two stacks would say it, but for one
step, which is drawn from ``ODDITIES``.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.builder import (
    ACK,
    FIN,
    MS,
    PSH,
    RAW,
    RST,
    SECOND,
    SYN,
    Conversation,
    End,
    Frame,
    checksum,
    ip,
    mss,
    sack_permitted,
    tcp,
    timestamps,
    window_scale,
)

# Neither end is always the lower one, and sequence numbers wrap in some.
ENDS: list[tuple[End, End]] = [
    (("10.0.0.1", 40000), ("10.0.0.2", 80)),
    (("10.0.0.9", 40000), ("10.0.0.2", 443)),
    (("2001:db8::1", 40000), ("2001:db8::2", 80)),
]
ISNS = [(1000, 5000), (0xFFFFFFF0, 0x7FFFFFF8), (0xFFFFFFFF, 0)]


@dataclass
class Side:
    """What one end has done so far.

    Attributes:
        sent: The offset that it sends next.
        received: What it has of the other, and acknowledges.
    """

    sent: int = 0
    received: int = 0


@dataclass
class Stacks:
    """Two ends that speak as stacks do; offsets of payload begin at 0.

    Attributes:
        timed: Whether they agreed on timestamps.
        ticks: The clock that timestamps are read from.
    """

    wire: Conversation
    timed: bool
    ticks: int = 100
    window: int = 8000
    sides: tuple[Side, Side] = field(default_factory=lambda: (Side(), Side()))

    def send(self, who: int, payload: bytes = b"", **changes: Any) -> Frame:
        """Send a segment; ``changes`` are what is odd about it.

        ``offset`` and ``ack`` are offsets, ``timestamp`` is the TSval or None;
        all others are those of ``Conversation.send``.
        """
        side = self.sides[who]
        self.ticks += 1
        usual = self.ticks if self.timed else None
        timestamp = changes.pop("timestamp", usual)
        offset = changes.pop("offset", side.sent)
        ack = changes.pop("ack", side.received)
        options = b"" if timestamp is None else timestamps(timestamp, 1)
        changes = {"window": self.window, "options": options, **changes}
        return self.wire.send(
            1 if who else 0,
            offset + 1,
            payload,
            ack=None if ack is None else ack + 1,
            **changes,
        )

    def handshake(self, **changes: Any) -> None:
        options = mss(1460) + window_scale(2) + sack_permitted()
        if self.timed:
            options += timestamps(50)
        self.wire.client(0, ack=None, flags=SYN, options=options, **changes)
        self.wire.server(0, ack=1, flags=SYN, options=options, **changes)
        self.send(0, **changes)

    def say(self, who: int, payload: bytes, **changes: Any) -> Frame:
        """Send payload that is next, as stacks do; all of it arrives."""
        frame = self.send(who, payload, **changes)
        self.sides[who].sent += len(payload)
        self.sides[1 - who].received = self.sides[who].sent
        return frame

    def acknowledge(self, who: int, **changes: Any) -> Frame:
        return self.send(who, **changes)

    def farewell(self, first: int) -> None:
        """Close both directions."""
        for who in (first, 1 - first):
            self.send(who, flags=FIN)
            self.sides[who].sent += 1
            self.sides[1 - who].received = self.sides[who].sent
        self.acknowledge(first)

    def wait(self, time_ns: int) -> None:
        self.wire.now_ns += time_ns


Oddity = Callable[[Stacks, int], Any]


def lost(stacks: Stacks, who: int) -> None:
    """A segment that was not captured, and yet acknowledged."""
    stacks.say(who, b"lost-bytes")
    stacks.wire.frames.pop()


def retransmitted(stacks: Stacks, who: int) -> None:
    stacks.say(who, b"twice")
    stacks.send(who, b"twice", offset=stacks.sides[who].sent - 5)


def contradicted(stacks: Stacks, who: int) -> None:
    stacks.say(who, b"truth")
    stacks.send(who, b"false", offset=stacks.sides[who].sent - 5)


def out_of_order(stacks: Stacks, who: int) -> None:
    stacks.say(who, b"one")
    stacks.say(who, b"two")
    frames = stacks.wire.frames
    second, first = frames.pop(), frames.pop()
    frames += [
        second._replace(time_ns=first.time_ns),
        first._replace(time_ns=second.time_ns),
    ]


def copied(stacks: Stacks, who: int) -> None:
    """A mirror port gives a pure ACK twice."""
    frame = stacks.acknowledge(who, identification=77)
    stacks.wire.frames.append(frame._replace(time_ns=frame.time_ns + 1000))


def fragmented(stacks: Stacks, who: int) -> None:
    """A datagram in two fragments."""
    frame = stacks.say(who, b"fragments-of-a-datagram")
    if frame.data[0] >> 4 != 4:
        return
    stacks.wire.frames.pop()
    source, target = stacks.wire.ends[who][0], stacks.wire.ends[1 - who][0]
    payload = frame.data[20:]
    for start, stop in ((0, 24), (24, len(payload))):
        data = ip(
            source,
            target,
            payload[start:stop],
            identification=9,
            fragment_offset=start,
            more_fragments=start == 0,
        )
        stacks.wire.frames.append(Frame(frame.time_ns, data, RAW, len(data)))


def probed(stacks: Stacks, who: int) -> None:
    """The window closes, a byte beyond it asks again, and is not taken."""
    stacks.acknowledge(1 - who, window=0)
    stacks.send(who, b"?")
    stacks.acknowledge(1 - who, window=0)
    stacks.acknowledge(1 - who)


def beside(stacks: Stacks, wait_ns: int) -> None:
    """Another connection begins meanwhile; no timer shorter than a second is set."""
    other = ("10.9.9.9", 999)
    server = stacks.wire.ends[1]
    if ":" in server[0]:
        server = ("10.9.9.8", 80)
    stacks.wait(wait_ns)
    segment = tcp(other, server, 7, flags=SYN)
    data = ip(other[0], server[0], segment)
    stacks.wire.frames.append(Frame(stacks.wire.now_ns, data, RAW, len(data)))


def quiet(stacks: Stacks, who: int) -> None:
    """Its time is over in the middle of a second in which others spoke already.

    So no timer is due: it is the packet alone that comes too late.
    """
    into = (stacks.wire.now_ns - stacks.wire.start_ns) % SECOND
    stacks.wait(600 * MS - into)
    stacks.say(who, b"before")
    beside(stacks, 950 * MS)
    stacks.wait(100 * MS)
    stacks.say(who, b"after")


def paused(stacks: Stacks, who: int) -> None:
    """Somebody else's time is over meanwhile."""
    beside(stacks, MS)
    stacks.wait(700 * MS)
    stacks.say(who, b"still here")
    stacks.wait(700 * MS)
    stacks.say(who, b"and here")


def open_window(stacks: Stacks, who: int) -> None:
    """What comes then is far, and allowed."""
    stacks.acknowledge(1 - who, window=60_000)
    stacks.send(who, b"far", offset=stacks.sides[who].sent + 200_000)


def take_window_back(stacks: Stacks, who: int) -> None:
    """What was allowed once stays so (RFC 9293 section 3.8.6)."""
    stacks.acknowledge(1 - who, window=60_000)
    stacks.acknowledge(1 - who, window=1)
    stacks.send(who, b"far", offset=stacks.sides[who].sent + 200_000)


def begin_timestamps(stacks: Stacks, who: int) -> None:
    """Both send them from here on, and an older one comes."""
    stacks.timed = True
    for side in (who, 1 - who, who, 1 - who):
        stacks.say(side, b"timed")
    stacks.send(who, b"decoy", timestamp=3)


def offloaded(frame: Frame) -> Frame:
    """Return a frame as it is before the network card has made its checksum."""
    data = frame.data
    header = 20 if data[0] >> 4 == 4 else 40
    ends = data[12:20] if header == 20 else data[8:40]
    pseudo = ends + struct.pack(">II", len(data) - header, 6)
    field = struct.pack(">H", checksum(pseudo) ^ 0xFFFF)
    at = header + 16
    return frame._replace(data=data[:at] + field + data[at + 2 :])


def earlier(stacks: Stacks, who: int) -> None:
    stacks.wait(-5 * MS)
    stacks.say(who, b"earlier")


def reset_within(stacks: Stacks, who: int) -> None:
    stacks.send(who, flags=RST, offset=stacks.sides[who].sent + 3)


def ended_within(stacks: Stacks, who: int) -> None:
    """A FIN carries bytes, and the other goes on."""
    stacks.send(who, b"last", flags=FIN)
    stacks.sides[who].sent += 5
    stacks.sides[1 - who].received = stacks.sides[who].sent


ODDITIES: dict[str, Oddity] = {
    "nothing": lambda stacks, who: None,
    "lost": lost,
    "retransmitted": retransmitted,
    "contradicted": contradicted,
    "out of order": out_of_order,
    "copied": copied,
    "fragmented": fragmented,
    "zero window": probed,
    "quiet": quiet,
    "paused": paused,
    "time goes back": earlier,
    "FIN with bytes": ended_within,
    "SYN inside": lambda s, who: s.send(who, flags=SYN),
    "RST": lambda s, who: s.send(who, flags=RST),
    "RST in the window": reset_within,
    "no ACK flag": lambda s, who: s.send(who, b"decoy", ack=None, flags=PSH),
    "bad checksum": lambda s, who: s.send(who, b"decoy", sum_xor=0x5A5A),
    "bad checksum, no bytes": lambda s, who: s.acknowledge(who, sum_xor=0x5A5A),
    "old timestamp": lambda s, who: s.send(who, b"decoy", timestamp=3),
    "slightly old timestamp": lambda s, who: s.send(
        who, b"decoy", timestamp=s.ticks - 3 if s.timed else None
    ),
    "timestamps that nobody agreed on": lambda s, who: s.say(
        who, b"timed", timestamp=None if s.timed else 0x70000000
    ),
    "timestamps begin": begin_timestamps,
    "ACK of what was never sent": lambda s, who: s.acknowledge(
        who, ack=s.sides[who].received + 6
    ),
    "ACK far beyond": lambda s, who: s.acknowledge(
        who, ack=s.sides[who].received + 70_000
    ),
    "ACK beyond any window": lambda s, who: s.acknowledge(
        who, ack=s.sides[who].received + (3 << 29)
    ),
    "old ACK": lambda s, who: s.acknowledge(who, ack=0),
    "cut": lambda s, who: s.say(who, b"cut short", captured=3),
    "lower TTL": lambda s, who: s.send(who, b"decoy", ttl=3),
    "higher TTL": lambda s, who: s.send(who, b"decoy", ttl=255),
    "larger window": open_window,
    "window taken back": take_window_back,
    "smaller window": lambda s, who: s.acknowledge(who, window=1),
    "urgent": lambda s, who: s.say(who, b"urgent!", flags=ACK | 0x20),
    "beyond the window": lambda s, who: s.send(
        who, b"far", offset=s.sides[who].sent + 50_000
    ),
}
Turn = tuple[int, bytes]
Odd = dict[int, tuple[str, int]]

TURNS: st.SearchStrategy[list[Turn]] = st.lists(
    st.tuples(st.integers(0, 1), st.binary(max_size=30)), min_size=2, max_size=12
)


def conversation(
    turns: Sequence[Turn],
    odd: Odd,
    *,
    timed: bool,
    ends: tuple[End, End] = ENDS[0],
    isns: tuple[int, int] = ISNS[0],
    offload: bool = False,
    begins: int = 0,
    closes: int | None = 0,
) -> list[Frame]:
    """Return the frames of a whole conversation.

    Args:
        turns: Who speaks, and what; who says nothing acknowledges.
        odd: Before which turn there is an oddity, and who has it.
        timed: Whether timestamps are agreed on.
        offload: Whether the handshake's checksums were left to the network card: the
            first good one is that of a segment behind it.
        begins: How many frames were not captured at the beginning.
        closes: Who closes first, or None where nobody does.
    """
    wire = Conversation(*ends, client_isn=isns[0], server_isn=isns[1], link_type=RAW)
    stacks = Stacks(wire, timed)
    stacks.handshake()
    if offload:
        wire.frames[:] = map(offloaded, wire.frames)
    for index in range(len(turns) + 1):
        if index in odd:
            name, who = odd[index]
            ODDITIES[name](stacks, who)
        if index < len(turns):
            who, payload = turns[index]
            if payload:
                stacks.say(who, payload)
            else:
                stacks.acknowledge(who)
    if closes is not None:
        stacks.farewell(closes)
    return wire.frames[begins:]


@st.composite
def ordinary(draw: st.DrawFn, oddities: Sequence[str] = tuple(ODDITIES)) -> list[Frame]:
    """Return the frames of a whole conversation with one oddity, some with two."""
    turns = draw(TURNS)
    places = st.integers(0, len(turns))
    steps = st.tuples(st.sampled_from(oddities), st.integers(0, 1))
    return conversation(
        turns,
        dict(draw(st.lists(st.tuples(places, steps), min_size=1, max_size=2))),
        timed=draw(st.booleans()),
        ends=draw(st.sampled_from(ENDS)),
        isns=draw(st.sampled_from(ISNS)),
        offload=draw(st.booleans()),
        begins=draw(st.sampled_from([0, 0, 0, 3])),
        closes=draw(st.sampled_from([None, 0, 1])),
    )
