"""Framers whose two halves know of each other: a reply may decide what follows.

A half decides by what the other one had said when its bytes came. That does not depend
on how the bytes are cut, so long as a framer answers as soon as it can.
"""

from collections import deque
from typing import Any

from unpacket.messages.framer import Framer
from unpacket.messages.framers.tls.framer import Tls
from unpacket.messages.results import Message

# Commands of one stream that may wait for a reply.
MAX_WAITING = 1024


class Sided(Framer):
    """A framer with a side.

    Attributes:
        direction: 0 for what the client sends, 1 for the server.
        certain: Whether it is known that a message begins where it is asked.
        shared: What both halves know, see ``remembered``.
    """

    __slots__ = ("certain", "direction", "shared")

    shared: Any

    def __init__(self) -> None:
        self.direction = 0
        self.certain = True
        self.shared = None

    def begin(self, direction: int, whole: bool) -> Framer:
        """Return the framer of a half that begins; the client's is asked for first."""
        half = type(self)()
        half.direction = direction
        half.certain = whole
        if direction == 0 or self.shared is None:
            self.shared = self.remembered(whole)
        half.shared = self.shared
        half.start(whole)
        return half

    def remembered(self, whole: bool) -> Any:
        """Return what the halves of a stream share."""
        return None

    def start(self, whole: bool) -> None:
        """Prepare a half."""

    def reset(self) -> None:
        """Forget where a message begins."""
        self.certain = False

    def tunnel(self, protocol: str | None, opener: Message | None) -> Framer | None:
        """Return what frames what comes behind STARTTLS and its like."""
        return Tls() if protocol == "tls" else None


class Asked:
    """The commands of a client that wait for their replies, the oldest first.

    Attributes:
        certain: Whether none of either was missed, so that the order says which
            reply belongs to which.
    """

    __slots__ = ("certain", "owed", "waiting")

    def __init__(self, whole: bool) -> None:
        self.waiting: deque[str] = deque()
        self.certain = whole
        # Replies that were captured before their commands.
        self.owed = 0

    def ask(self, command: str) -> None:
        """A command was sent."""
        if self.owed:
            self.owed -= 1
        elif len(self.waiting) < MAX_WAITING:
            self.waiting.append(command)
        else:
            self.lose()

    def first(self) -> str | None:
        """Return the command that the next reply answers, as far as is known."""
        return self.waiting[0] if self.waiting else None

    def answer(self) -> str | None:
        """A reply was sent; return the command that it answers, or None."""
        if self.waiting:
            return self.waiting.popleft()
        if self.certain:
            self.owed += 1
        return None

    def lose(self) -> None:
        """Commands or replies are missing."""
        self.waiting.clear()
        self.certain = False
        self.owed = 0


def is_tls(data: bytes, start: int) -> bool:
    """Return whether a hello of TLS may begin there."""
    return data.startswith(b"\x16\x03", start)
