"""What the layer knows of one half: where it reads, and what waits.

A reader is in one of these modes:

==========  =====================================================================
BOUNDARY    a message may begin at ``offset``
IN_MESSAGE  a message goes on at ``offset``, and its framer says how
IN_BODY     ``remaining`` bytes of the message come without a word about framing
TO_END      the message reaches to the end of the half
SCANNING    nobody knows where the next message begins
IN_TUNNEL   the bytes are counted, and no more
==========  =====================================================================
"""

from typing import TYPE_CHECKING, Any

from unpacket.messages.constants import BOUNDARY
from unpacket.messages.framer import Framer

if TYPE_CHECKING:
    from collections import deque

    from unpacket import Direction
    from unpacket.messages.pairing import Exchange
    from unpacket.messages.results import Message

# Of bytes that wait no more packets than these are known one by one; what comes
# after is taken for a part of the last.
MAX_MARKS = 4096


class Mark:
    """Where the bytes of one packet begin."""

    __slots__ = ("ack", "frame", "offset", "time_ns")

    offset: int
    frame: int
    time_ns: int
    ack: int


def new_mark(offset: int, frame: int, time_ns: int, ack: int) -> Mark:
    """Return a mark."""
    mark = Mark.__new__(Mark)
    mark.offset = offset
    mark.frame = frame
    mark.time_ns = time_ns
    mark.ack = ack
    return mark


class Reader:
    """One half.

    Attributes:
        offset: Of the next byte that is not dealt with yet.
        received: Up to where the assembler has given bytes or gaps.
        pending: Bytes from ``offset`` on that wait for more, or None.
        wanted: How many bytes ``pending`` has when the framer is asked again.
        queue: Events that came while the reader had to wait for the other half.
        blocked: Whether it has to.
        forced: Whether it goes on all the same, for once.
        awaits: The exchange whose response decides what comes next.
        skip_start: Where the bytes begin that belong to no message; -1 if none do.
        broken_at: Where the last message ended whose end nobody knows, or -1.
        base: The sequence number of offset 0; -1 until it is known.
    """

    __slots__ = (
        "awaits",
        "base",
        "blocked",
        "broken_at",
        "direction",
        "ended",
        "exchange",
        "forced",
        "framer",
        "marks",
        "message",
        "mode",
        "more",
        "now_ack",
        "now_frame",
        "now_ns",
        "now_offset",
        "offset",
        "pending",
        "queue",
        "queued_bytes",
        "received",
        "refused",
        "remaining",
        "server",
        "skip_frame",
        "skip_ns",
        "skip_start",
        "tunnel_bytes",
        "tunnel_start",
        "wanted",
    )

    direction: "Direction"
    framer: Framer
    message: "Message | None"
    exchange: "Exchange | None"
    awaits: "Exchange | None"
    pending: bytearray | None
    queue: "deque[Any] | None"
    marks: list[Mark] | None

    def __init__(self, direction: "Direction", server: bool, framer: Framer) -> None:
        self.direction = direction
        self.server = server
        self.framer = framer
        self.mode = BOUNDARY
        self.offset = 0
        self.received = 0
        self.remaining = 0
        self.more = False
        self.message = None
        self.exchange = None
        self.awaits = None
        self.pending = None
        self.wanted = 0
        self.queue = None
        self.queued_bytes = 0
        self.blocked = False
        self.forced = False
        self.refused = False
        self.ended = False
        self.marks = None
        self.now_offset = 0
        self.now_frame = 0
        self.now_ns = 0
        self.now_ack = -1
        self.broken_at = -1
        self.skip_start = -1
        self.skip_frame = 0
        self.skip_ns = 0
        self.tunnel_start = -1
        self.tunnel_bytes = 0
        self.base = -1

    def arrive(self, offset: int, frame: int, time_ns: int, ack: int) -> None:
        """From ``offset`` on the bytes are of another packet."""
        if self.offset < offset:
            # Some of the packet before wait.
            if self.marks is None:
                self.marks = []
            if len(self.marks) < MAX_MARKS:
                self.marks.append(
                    new_mark(self.now_offset, self.now_frame, self.now_ns, self.now_ack)
                )
        elif self.marks is not None:
            self.marks = None
        self.now_offset = offset
        self.now_frame = frame
        self.now_ns = time_ns
        self.now_ack = ack

    def mark(self, offset: int) -> Mark:
        """Return which packet carried a byte that is not far behind."""
        if offset < self.now_offset and self.marks is not None:
            low = 0
            high = len(self.marks)
            while high - low > 1:
                middle = (low + high) >> 1
                mark = self.marks[middle]
                if mark.offset <= offset:
                    low = middle
                else:
                    high = middle
            return self.marks[low]
        return new_mark(self.now_offset, self.now_frame, self.now_ns, self.now_ack)
