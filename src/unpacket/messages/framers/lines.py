"""Lines, or whatever else ends in a delimiter."""

from typing import Any

from unpacket.messages.answers import Answer, broken, message, need, refuse, skip
from unpacket.messages.framer import Framer
from unpacket.messages.results import Message, clear


class Line(Message):
    """One line; ``body`` has its delimiter too.

    Attributes:
        delimiter: What it ends in, unless it is cut.
    """

    __slots__ = ("delimiter",)

    delimiter: bytes

    @property
    def line(self) -> bytes:
        """The line without its delimiter, and without the CR of a CR LF."""
        line = self.body.removesuffix(self.delimiter)
        return line.removesuffix(b"\r") if self.delimiter == b"\n" else line

    @property
    def text(self) -> str:
        """The same as text; bytes that are no UTF-8 become escapes."""
        return self.line.decode("utf-8", "backslashreplace")

    @property
    def summary(self) -> str:
        """The line as text."""
        return self.text

    @property
    def facts(self) -> dict[str, Any]:
        """The line as text."""
        return {"text": self.text}


class Lines(Framer):
    """Cuts behind each delimiter.

    Of a stream whose beginning was not captured, and behind a hole, what comes before
    the first delimiter is the rest of a line that nobody saw, and is skipped.

    Args:
        delimiter: One or more bytes.
    """

    __slots__ = ("delimiter", "synchronized")

    name = "lines"

    def __init__(self, delimiter: bytes = b"\n") -> None:
        if not delimiter:
            raise ValueError("the delimiter is empty")
        self.delimiter = delimiter
        self.synchronized = True

    def begin(self, direction: int, whole: bool) -> Framer:
        """Return the framer of a half that begins."""
        half = Lines(self.delimiter)
        half.synchronized = whole
        return half

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        """Say where the line ends that begins at ``data[start]``."""
        size = len(self.delimiter)
        if not self.synchronized:
            if data.startswith(self.delimiter, start):
                self.synchronized = True
                return skip(size)
            return need() if self.may_be_delimiter(data, start) else refuse()
        end = data.find(self.delimiter, start)
        if end < 0:
            if not ended:
                return need()
            answer = broken(len(data) - start)
        else:
            answer = message(end + size - start)
        line = Line.__new__(Line)
        clear(line)
        line.delimiter = self.delimiter
        answer.item = line
        return answer

    def find_start(self, data: bytes, start: int, ended: bool) -> int:
        """Return where a line begins; a delimiter, if one has to come before it."""
        if self.synchronized:
            return start
        found = data.find(self.delimiter, start)
        if found >= 0:
            return found
        at = max(start, len(data) - len(self.delimiter) + 1)
        while at < len(data) and not self.may_be_delimiter(data, at):
            at += 1
        return at

    def may_be_delimiter(self, data: bytes, at: int) -> bool:
        """Return whether what is there is a part of a delimiter, cut at the end."""
        return self.delimiter.startswith(data[at:])

    def reset(self) -> None:
        """Forget where a line begins."""
        self.synchronized = False
