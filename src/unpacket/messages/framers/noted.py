"""Messages that say what they are once somebody asks, of the bytes that they have.

What is read is bounded, and what makes no sense is an anomaly and no error: a reader
takes from ``Octets``, which raises ``Short`` where nothing is left.
"""

from collections.abc import Callable
from typing import Any

from unpacket.messages.answers import Answer
from unpacket.messages.body import chunks
from unpacket.messages.results import Message, clear

# Facts are of the first bytes of a message; what is behind them is in its body.
MOST_READ = 64 << 10
# Of a list no more is in the facts, and of a text no more characters.
MOST_ITEMS = 100
MOST_TEXT = 1000

# Fills the facts, and returns the summary.
Reader = Callable[["Noted", dict[str, Any]], str]


class Short(Exception):
    """There are fewer bytes than something says."""


class Noted(Message):
    """A message with facts that a function reads of it.

    Attributes:
        head: The framing before the body, as it came.
        side: 0 for what the client sent, 1 for the server.
        context: What the framer knew besides.
    """

    __slots__ = ("_facts", "_reader", "_summary", "context", "head", "side")

    head: bytes
    side: int
    context: Any
    _reader: Reader
    _facts: dict[str, Any] | None
    _summary: str

    def octets(self) -> bytes:
        """Return the first bytes of the whole message, up to a hole."""
        return self.head + self.seen()

    def seen(self, most: int = MOST_READ) -> bytes:
        """Return the first bytes of the body, up to a hole."""
        body = self._body
        if body is None:
            return b""
        most = min(most, body.first_hole())
        pieces = []
        have = 0
        for piece in chunks(body):
            pieces.append(piece)
            have += len(piece)
            if have >= most:
                break
        return b"".join(pieces)[:most]

    def _read(self) -> dict[str, Any]:
        if self._facts is None:
            facts: dict[str, Any] = {}
            self._facts = facts
            try:
                self._summary = self._reader(self, facts)
            except Short:
                self._summary = " ".join(
                    str(value) for value in facts.values() if isinstance(value, str)
                )
                # A message that a hole has cut is short, and no more than that.
                if self.complete and self.body_length <= MOST_READ:
                    self.note("malformed")
        return self._facts

    @property
    def summary(self) -> str:
        """What a reader of one line should know of the message."""
        self._read()
        return self._summary

    @property
    def facts(self) -> dict[str, Any]:
        """What the message says, as JSON has it."""
        return dict(self._read())


def noted(
    answer: Answer,
    reader: Reader,
    side: int,
    head: bytes = b"",
    context: Any = None,
    kind: type[Noted] = Noted,
) -> Answer:
    """Return an answer whose message has facts."""
    found = kind.__new__(kind)
    clear(found)
    found.head = head
    found.side = side
    found.context = context
    found._reader = reader
    found._facts = None
    found._summary = ""
    answer.item = found
    return answer


def leads_to(answer: Answer, protocol: str, octets: bytes) -> Answer:
    """Return an answer behind whose message another protocol begins.

    Args:
        octets: The message, which is no body then.
    """
    answer.tunnels = True
    answer.protocol = protocol
    answer.head = answer.length
    answer.item.head = octets
    return answer


class Octets:
    """Reads from the front of some bytes.

    Attributes:
        at: Where it reads next.
        stop: Where nothing is left.
    """

    __slots__ = ("at", "data", "stop")

    def __init__(self, data: bytes, at: int = 0, stop: int | None = None) -> None:
        self.data = data
        self.at = at
        self.stop = len(data) if stop is None else min(stop, len(data))

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return self.stop - self.at

    def take(self, count: int) -> bytes:
        """Return the next bytes.

        Raises:
            Short: There are fewer.
        """
        if not 0 <= count <= self.stop - self.at:
            raise Short
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size: int) -> int:
        """Return an unsigned number, the most significant byte first."""
        return int.from_bytes(self.take(size))

    def little(self, size: int) -> int:
        """Return an unsigned number, the least significant byte first."""
        return int.from_bytes(self.take(size), "little")

    def until(self, delimiter: bytes) -> bytes:
        """Return what comes before a delimiter, and pass over both."""
        found = self.data.find(delimiter, self.at, self.stop)
        if found < 0:
            raise Short
        taken = self.data[self.at : found]
        self.at = found + len(delimiter)
        return taken

    def sized(self, size: int) -> bytes:
        """Return so many bytes as a length of ``size`` bytes before them says."""
        return self.take(self.number(size))

    def inner(self, count: int) -> "Octets":
        """Return a reader of the next bytes alone, and pass over them."""
        if not 0 <= count <= self.stop - self.at:
            raise Short
        self.at += count
        return Octets(self.data, self.at - count, self.at)

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(self.stop - self.at)


def text(octets: bytes, most: int = MOST_TEXT) -> str:
    """Return bytes as text; what is no UTF-8 becomes escapes."""
    found = octets[: most + 1].decode("utf-8", "backslashreplace")
    return found if len(found) <= most else f"{found[:most]}..."
