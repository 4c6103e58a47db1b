"""The connections that go through, and when they are forgotten."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Iterator
from enum import Enum

from unpacket._core.reassembly.direction import Direction
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


OPEN = State.OPEN


class Flow:
    """A connection.

    Attributes:
        first: Who is number 0: the sender of the SYN, or of the first packet.
        halves: What number 0 sends, and what number 1 sends.
        syns: The SYNs that were not answered yet, by who sent them and their number.
        stream: As the assembler has it, once there is something of it.
        signed: Whether both SYNs agreed on signatures (RFC 2385, RFC 5925): what
            would have to be changed is dropped.
        trusted: Whether the inspector failed and the choice is to fail open.
        charged_bytes: What the table counts for it.
        is_over: Whether the inspector knows that it has ended.
        challenged: What the server acknowledged in answer to a SYN that it did not
            expect; an RST there is exact.
    """

    __slots__ = (
        "challenged",
        "_directions",
        "charged_bytes",
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
        self.syns: dict[tuple[int, int], Segment] = {}
        self.stream: Stream | None = None
        self.signed = False
        self.timestamps = False
        self.trusted = False
        self.challenged = -1
        self.is_over = False
        self.seen_ns = 0
        self.charged_bytes = 0
        self._directions = (Direction.CLIENT, Direction.SERVER)

    def is_promised(self) -> bool:
        """Return whether bytes of it are in packets that were not judged yet."""
        first, second = self.halves
        return first.promised > 0 or second.promised > 0

    def number_of(self, segment: Segment) -> int:
        """Return which half a segment belongs to."""
        return 0 if segment.source == self.first else 1

    def follow(self, stream: Stream) -> None:
        """Note which stream it is, whose client need not have spoken first."""
        self.stream = stream
        client = stream.client
        packed = ipaddress.ip_address(client.address).packed
        if packed + client.port.to_bytes(2, "big") != self.first:
            self._directions = (Direction.SERVER, Direction.CLIENT)

    def direction(self, number: int) -> Direction:
        """Return the direction of a half in the words of the stream."""
        return self._directions[number]

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
    """Connections by their ends, the one that was quiet for longest first.

    Attributes:
        held_bytes: What all of them keep.
    """

    def __init__(self, max_flows: int, idle_ns: int) -> None:
        self.held_bytes = 0
        self._max_flows = max_flows
        self._flows: dict[tuple[bytes, bytes], Flow] = {}
        self._idle_ns = idle_ns
        # Those that are open apart from the others, which must not push them out.
        self._open: OrderedDict[tuple[bytes, bytes], Flow] = OrderedDict()
        self._other: OrderedDict[tuple[bytes, bytes], Flow] = OrderedDict()
        # The last one of those that are open.
        self._latest: Flow | None = None

    def __len__(self) -> int:
        return len(self._open) + len(self._other)

    def __iter__(self) -> Iterator[Flow]:
        yield from list(self._open.values())
        yield from list(self._other.values())

    def find(self, key: tuple[bytes, bytes]) -> Flow | None:
        """Return the connection between two ends."""
        return self._flows.get(key)

    def touch(self, flow: Flow, now_ns: int) -> None:
        """Note that a connection is alive, and where it belongs now."""
        flow.seen_ns = now_ns
        first, second = flow.halves
        self._charge(flow, first.held_bytes() + second.held_bytes())
        if flow is self._latest and flow.state is OPEN:
            return
        wanted, other = self._open, self._other
        self._latest = flow
        if flow.state is not OPEN:
            wanted, other = other, wanted
            self._latest = None
        if other.get(flow.key) is flow:
            del other[flow.key]
        self._flows[flow.key] = wanted[flow.key] = flow
        wanted.move_to_end(flow.key)

    def _charge(self, flow: Flow, held_bytes: int) -> None:
        self.held_bytes += held_bytes - flow.charged_bytes
        flow.charged_bytes = held_bytes

    def remove(self, flow: Flow) -> None:
        """Forget a connection."""
        self._latest = None
        self._charge(flow, 0)
        for table in (self._flows, self._open, self._other):
            if table.get(flow.key) is flow:
                del table[flow.key]

    def expired(self, now_ns: int) -> Iterator[Flow]:
        """Take out and give what was quiet for too long, or is one too many."""
        self._latest = None
        for table in (self._open, self._other):
            while table:
                flow = next(iter(table.values()))
                timeout_ns = flow.timeout_ns(self._idle_ns)
                if len(table) <= self._max_flows and now_ns - flow.seen_ns < timeout_ns:
                    break
                del table[flow.key], self._flows[flow.key]
                self._charge(flow, 0)
                yield flow
