"""The first events of a stream, kept until their bytes say what it is.

Two questions may be open: which framer fits (``detect``), and who is the client where
no handshake was captured. Nothing is given out before both have an answer, so that no
answer depends on how the bytes were cut.
"""

from typing import Any

from unpacket._core.reassembly.direction import Direction
from unpacket._core.reassembly.events import Data

SERVER = Direction.SERVER

# How many of the first bytes of each half may decide.
MAX_DECIDING_BYTES = 64 << 10


class Opening:
    """What waits.

    Attributes:
        events: All so far, in the order in which they came.
        size: How many bytes they have.
        first: The first contiguous bytes of what each end sent.
        late: Whether something is missing before those.
        asks_framer, asks_roles: The questions.
    """

    __slots__ = ("asks_framer", "asks_roles", "events", "first", "late", "size")

    def __init__(self, asks_framer: bool, asks_roles: bool, late: bool) -> None:
        self.events: list[Any] = []
        self.size = 0
        self.first = [bytearray(), bytearray()]
        self.late = [late, late]
        self.asks_framer = asks_framer
        self.asks_roles = asks_roles

    def add(self, event: Any) -> int:
        """Keep an event; return which end sent it."""
        self.events.append(event)
        sender = 1 if event.direction is SERVER else 0
        first = self.first[sender]
        if isinstance(event, Data):
            self.size += len(event.payload)
            if len(first) < MAX_DECIDING_BYTES:
                first += event.payload
        elif not first:
            self.late[sender] = True
        return sender
