"""Framers of what people can read: lines of commands, and replies with numbers.

Behind a hole, and where the beginning was not captured, what comes before the end of
a line is the rest of one that nobody saw, and is skipped.
"""

import re
from typing import Any

from unpacket.messages.answers import (
    Answer,
    broken,
    message,
    need,
    part,
    refuse,
    skip,
)
from unpacket.messages.constants import CANNOT_SAY, NOT_ITS_OWN, TOO_SHORT
from unpacket.messages.framers.noted import Noted, noted, text
from unpacket.messages.framers.sided import Sided

# RFC 4954 section 4 wants 12,288 for AUTH, more than any other extension.
MAX_LINE = 12 << 10

LF = 0x0A
READABLE = re.compile(rb"[^\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]*\Z")
REPLY = re.compile(rb"(\d\d\d)([ -]|\r?\n)")


def line_length(data: bytes, start: int) -> int:
    """Return how long the line is that begins there; 0 if its end is not there."""
    found = data.find(b"\n", start, start + MAX_LINE)
    return 0 if found < 0 else found + 1 - start


def word_of(line: bytes) -> bytes:
    """Return the first word of a line, in upper case."""
    words = line[:64].split(None, 1)
    return words[0].upper() if words else b""


def read_line(message: Noted, facts: dict[str, Any]) -> str:
    """Read a line of no particular kind."""
    facts["text"] = text(message.octets().rstrip(b"\r\n"))
    return str(facts["text"])


def read_command(message: Noted, facts: dict[str, Any]) -> str:
    """Read a command and its argument."""
    line = text(message.octets().rstrip(b"\r\n"))
    command, _, argument = line.partition(" ")
    facts["command"] = command.upper()
    facts["argument"] = argument
    return line


def read_reply(message: Noted, facts: dict[str, Any]) -> str:
    """Read a reply with a number; the context is the command that it answers."""
    lines = message.octets().splitlines()
    if lines and lines[0][:3].isdigit():
        facts["code"] = int(lines[0][:3])
    texts = [text(line[4:] if REPLY.match(line + b"\n") else line) for line in lines]
    facts["text"] = texts
    facts["answers"] = message.context
    number = facts.get("code", "")
    more = f" ({len(texts)} lines)" if len(texts) > 1 else ""
    return f"{number} {texts[0] if texts else ''}{more}".strip()


class Spoken(Sided):
    """A framer of lines.

    Attributes:
        replying: The code of a reply that has more lines; empty if none has.
        reply_reader: Reads the facts of a reply with a number.
    """

    __slots__ = ("replying",)

    reply_reader = staticmethod(read_reply)

    def __init__(self) -> None:
        super().__init__()
        self.replying = b""

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        """Say what begins, or goes on, at ``data[start]``."""
        if not self.certain:
            if data[start] != LF:
                return refuse()
            self.certain = True
            return skip(1)
        if self.direction == 0:
            return self.client(data, start, ended)
        return self.server(data, start, ended)

    def client(self, data: bytes, start: int, ended: bool) -> Answer:
        """Do that for what the client sends."""
        raise NotImplementedError

    def server(self, data: bytes, start: int, ended: bool) -> Answer:
        """Do that for what the server sends."""
        raise NotImplementedError

    def find_start(self, data: bytes, start: int, ended: bool) -> int:
        """Return the end of a line, behind which one begins."""
        if self.certain:
            return start
        found = data.find(b"\n", start)
        return len(data) if found < 0 else found

    def begins(self, data: bytes, ended: bool) -> int:
        """Say whether a half that begins so is of this protocol: its first line."""
        line = data[: data.find(b"\n") + 1]
        if READABLE.match(line or data) is None:
            return NOT_ITS_OWN
        if not line and not ended and len(data) < MAX_LINE:
            return TOO_SHORT
        return self.first_line(line or data)

    def first_line(self, line: bytes) -> int:
        """Say whether a half whose first line is this is of the protocol."""
        return CANNOT_SAY

    def reset(self) -> None:
        """Forget where a line begins."""
        self.certain = False
        self.replying = b""

    def unfinished(self, data: bytes, start: int, ended: bool) -> Answer:
        """Answer for a line whose end is not there."""
        left = len(data) - start
        if left < MAX_LINE and not ended:
            return need()
        self.certain = False
        if left >= MAX_LINE or READABLE.match(data, start) is None:
            return refuse()
        return noted(broken(left), read_line, self.direction)

    def reply(self, data: bytes, start: int, ended: bool) -> Answer:
        """Answer for a line of a reply, as SMTP and FTP have them.

        The lines of one are one message (RFC 959 section 4.2): up to the one that
        has the first one's code, and no hyphen behind it.
        """
        length = line_length(data, start)
        if length == 0:
            return self.unfinished(data, start, ended)
        found = REPLY.match(data, start)
        if self.replying:
            if found is None or found[1] != self.replying or found[2] == b"-":
                return part(length)
        elif found is None:
            return self.plain(data, start, length)
        elif found[2] == b"-":
            self.replying = found[1]
            return noted(part(length), self.reply_reader, 1, context=self.context())
        code = int(found[1])
        self.replying = b""
        answer = message(length)
        noted(answer, self.reply_reader, 1, context=self.context())
        return self.replied(code, answer, data[start : start + length])

    def context(self) -> Any:
        """Return what a reply should know: the command that it answers."""
        return None

    def replied(self, code: int, answer: Answer, line: bytes) -> Answer:
        """Return the answer for the last line of a reply."""
        return answer

    def plain(self, data: bytes, start: int, length: int) -> Answer:
        """Answer for a line that is what it is."""
        if READABLE.match(data, start, start + length) is None:
            self.certain = False
            return refuse()
        return noted(message(length), read_line, self.direction)
