"""The connections that go through, and when they are forgotten."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Iterator
from enum import Enum

from unpacket._core.reassembly.events import Direction
from unpacket._core.reassembly.stream import Stream
from unpacket.inline.half import Half
from unpacket.inline.packets import Segment

# SYNs of one connection with different numbers, of which the SYN-ACK will choose.
MAX_CANDIDATES = 4
SECOND_NS = 1_000_000_000
HALF_OPEN_NS = 30 * SECOND_NS
LINGER_NS = 60 * SECOND_NS


class State(Enum):
    """What a connection has come to.

    Attributes:
        OPENING: A SYN went on, and no SYN-ACK that answers it.
        OPEN: Data goes on as it is inspected.
        CLOSED: Both FINs or an RST went on: acknowledgements go on, new data does not.
        REFUSED: The inspector dropped it at its start.
        RESET: The inspector ended it: whoever speaks is answered with an RST.
    """

    OPENING = 1
    OPEN = 2
    CLOSED = 3
    REFUSED = 4
    RESET = 5


class Flow:
    """A connection.

    Attributes:
        first: Who is number 0: the sender of the SYN, or of the first packet.
        halves: What number 0 sends, and what number 1 sends.
        syns: The SYNs that were not answered yet, by sequence number.
        stream: As the assembler has it, once there is something of it.
        signed: Whether both SYNs agreed on signatures (RFC 2385, RFC 5925): what
            would have to be changed is dropped.
        trusted: Whether the inspector failed and the choice is to fail open.
        is_over: Whether the inspector knows that it has ended.
        challenged: What the server acknowledged in answer to a SYN that it did not
            expect; an RST there is exact.
    """

    __slots__ = (
        "challenged",
        "first",
        "halves",
        "is_over",
        "key",
        "seen_ns",
        "signed",
        "state",
        "stream",
        "syns",
        "timestamps",
        "trusted",
    )

    def __init__(self, segment: Segment, state: State) -> None:
        self.key = segment.key
        self.first = segment.source
        self.halves = (Half(), Half())
        self.state = state
        self.syns: dict[int, Segment] = {}
        self.stream: Stream | None = None
        self.signed = False
        self.timestamps = False
        self.trusted = False
        self.challenged = -1
        self.is_over = False
        self.seen_ns = 0

    def number_of(self, segment: Segment) -> int:
        """Return which half a segment belongs to."""
        return 0 if segment.source == self.first else 1

    def direction(self, number: int) -> Direction:
        """Return the direction of a half in the words of the stream."""
        stream = self.stream
        if stream is None:
            return Direction(number)
        client = stream.client
        packed = ipaddress.ip_address(client.address).packed
        is_first = packed + client.port.to_bytes(2, "big") == self.first
        return Direction(number if is_first else 1 - number)

    @property
    def is_ended_by_inspector(self) -> bool:
        """Whether nothing of it goes on, by a verdict."""
        return self.state in (State.REFUSED, State.RESET)

    def timeout_ns(self, idle_ns: int) -> int:
        """Return after how long a quiet connection is forgotten."""
        if self.state is State.OPEN:
            return idle_ns
        return HALF_OPEN_NS if self.state is State.OPENING else LINGER_NS


class FlowTable:
    """Connections by their ends, the one that was quiet for longest first."""

    def __init__(self, max_flows: int, idle_ns: int) -> None:
        self._max_flows = max_flows
        self._idle_ns = idle_ns
        # Those that are open apart from the others, which must not push them out.
        self._open: OrderedDict[tuple[bytes, bytes], Flow] = OrderedDict()
        self._other: OrderedDict[tuple[bytes, bytes], Flow] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open) + len(self._other)

    def __iter__(self) -> Iterator[Flow]:
        yield from list(self._open.values())
        yield from list(self._other.values())

    def find(self, key: tuple[bytes, bytes]) -> Flow | None:
        """Return the connection between two ends."""
        return self._open.get(key) or self._other.get(key)

    def touch(self, flow: Flow, now_ns: int) -> None:
        """Note that a connection is alive, and where it belongs now."""
        flow.seen_ns = now_ns
        wanted, other = self._open, self._other
        if flow.state is not State.OPEN:
            wanted, other = other, wanted
        if other.get(flow.key) is flow:
            del other[flow.key]
        wanted[flow.key] = flow
        wanted.move_to_end(flow.key)

    def remove(self, flow: Flow) -> None:
        """Forget a connection."""
        for table in (self._open, self._other):
            if table.get(flow.key) is flow:
                del table[flow.key]

    def expired(self, now_ns: int) -> Iterator[Flow]:
        """Take out and give what was quiet for too long, or is one too many."""
        for table in (self._open, self._other):
            while table:
                flow = next(iter(table.values()))
                timeout_ns = flow.timeout_ns(self._idle_ns)
                if len(table) <= self._max_flows and now_ns - flow.seen_ns < timeout_ns:
                    break
                del table[flow.key]
                yield flow
