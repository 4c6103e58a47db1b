"""POP3 (RFC 1939): commands, replies, and the mails in them.

Only the command says whether a reply goes on behind its first line; behind a hole the
order of both is counted again from there on.
"""

import re
from collections.abc import Sequence
from typing import Any

from unpacket.messages.answers import Answer, message, part, refuse, tunnel
from unpacket.messages.constants import CANNOT_SAY, ITS_OWN, NOT_ITS_OWN
from unpacket.messages.framers.dotted import Dotted
from unpacket.messages.framers.mail import Mail, read_mail
from unpacket.messages.framers.noted import Noted, leads_to, noted, text
from unpacket.messages.framers.sided import Asked, is_tls
from unpacket.messages.framers.spoken import Spoken, line_length, read_command, word_of

COMMAND = re.compile(
    rb"(?:USER|PASS|APOP|AUTH|STAT|LIST|UIDL|RETR|TOP|DELE|NOOP|RSET|QUIT|CAPA|STLS"
    rb"|UTF8|LANG)\b",
    re.IGNORECASE,
)
STATUS = re.compile(rb"(?:\+OK|-ERR)(?=[ \r\n])|\+ ")
GREETING = re.compile(rb"\+OK[^\n]*(?:POP|<[^<>\s]+@[^<>\s]+>)", re.IGNORECASE)
# With these commands a client begins.
FIRST = re.compile(rb"(?:USER|APOP|AUTH|CAPA|STLS|QUIT)[ \r\n]", re.IGNORECASE)

# Commands whose reply has more lines; the second ones only without an argument.
LONG = {"RETR", "TOP", "CAPA"}
LONG_ALONE = {"LIST", "UIDL", "AUTH"}
MAILS = {"RETR", "TOP"}


class Conversation:
    """What the halves know of each other.

    Attributes:
        asked: The commands without a reply.
        greeted: Whether the server has said who it is.
        spoke: Whether the client has said anything since the server's reply began.
        may_encrypt: Whether the client has asked for TLS.
    """

    def __init__(self, whole: bool) -> None:
        self.asked = Asked(whole)
        self.greeted = not whole
        self.spoke = False
        self.may_encrypt = False


class Pop3(Spoken):
    """Cuts POP3 into commands, replies and mails."""

    __slots__ = ("lines", "torn")

    name = "pop3"
    ports = (110,)

    shared: Conversation
    lines: Dotted | None

    def remembered(self, whole: bool) -> Conversation:
        """Return what the halves of a stream share."""
        return Conversation(whole)

    def start(self, whole: bool) -> None:
        """Prepare a half."""
        self.lines = None
        # Whether some of the reply's lines are missing.
        self.torn = False

    def client(self, data: bytes, start: int, ended: bool) -> Answer:
        """Cut commands."""
        shared = self.shared
        if shared.may_encrypt and is_tls(data, start):
            return tunnel("tls")
        length = line_length(data, start)
        if length == 0:
            return self.unfinished(data, start, ended)
        answer = self.plain(data, start, length)
        if answer.item is None:
            return answer
        line = data[start : start + length]
        word = word_of(line).decode("ascii", "replace")
        alone = len(line.split(None, 1)) < 2 or not line.split(None, 1)[1].strip()
        shared.may_encrypt = word == "STLS"
        shared.spoke = True
        is_long = word in LONG or (word in LONG_ALONE and alone)
        shared.asked.ask(word + "+" if is_long else word)
        if COMMAND.match(line) is not None:
            noted(answer, read_command, 0)
        return answer

    def server(self, data: bytes, start: int, ended: bool) -> Answer:
        """Cut replies."""
        shared = self.shared
        if self.torn and shared.spoke:
            # The client has gone on: the end of the lines is missing too.
            self.lines = None
            self.torn = self.certain = False
            return refuse()
        if self.lines is not None:
            answer = self.lines.frame(data, start, ended)
            if self.torn:
                noted(answer, read_reply, 1)
                answer.anomaly = "beginning-missing"
            if answer.head:
                self.lines = None
                self.torn = False
            return answer
        length = line_length(data, start)
        if length == 0:
            return self.unfinished(data, start, ended)
        if STATUS.match(data, start) is None:
            return self.plain(data, start, length)
        command = self.answered()
        word = (command or "").rstrip("+")
        context = word if shared.asked.certain and word else None
        if data.startswith(b"+OK", start):
            if shared.may_encrypt and word == "STLS":
                answer = noted(message(length), read_reply, 1, context=context)
                return leads_to(answer, "tls", data[start : start + length])
            if command is not None and command.endswith("+"):
                self.lines = Dotted()
                shared.spoke = False
                if word in MAILS:
                    answer = noted(
                        part(length, length),
                        read_mail_reply,
                        1,
                        data[start : start + length],
                        context,
                        Mail,
                    )
                    mail: Any = answer.item
                    mail.dotted = True
                    return answer
                return noted(part(length), read_reply, 1, context=context)
        return noted(message(length), read_reply, 1, context=context)

    def answered(self) -> str | None:
        """Return the command that a reply answers; the greeting answers none."""
        shared = self.shared
        if not shared.greeted:
            shared.greeted = True
            return None
        return shared.asked.answer()

    def reset(self) -> None:
        """Forget where a line begins; within a reply what follows is the rest."""
        super().reset()
        shared = self.shared
        shared.asked.lose()
        shared.greeted = True
        if self.lines is not None:
            self.certain = self.torn = True
            self.lines.at_line = False

    def first_line(self, line: bytes) -> int:
        """Say whether a half that begins so is POP3: with a greeting that says it."""
        if GREETING.match(line) is not None:
            return ITS_OWN
        known = COMMAND.match(line) or line.startswith((b"+OK ", b"+OK\r\n", b"-ERR "))
        return CANNOT_SAY if known else NOT_ITS_OWN

    def together(self, first: Sequence[bytes], ended: bool) -> int:
        """Say whether both sides are: a greeting, and what a client begins with."""
        for one, other in (first, first[::-1]):
            if one.startswith(b"+OK") and FIRST.match(other) is not None:
                return ITS_OWN
        return CANNOT_SAY

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes."""
        if STATUS.match(data) is not None:
            return 1
        return 0 if COMMAND.match(data) is not None and b"\n" in data else -1


def read_reply(message: Noted, facts: dict[str, Any]) -> str:
    """Read a reply and its lines; the context is the command that it answers."""
    lines = message.octets().splitlines()
    first = lines[0] if lines else b""
    is_status = STATUS.match(first + b"\n") is not None
    status, _, rest = first.partition(b" ")
    facts["status"] = text(status) if is_status else None
    facts["text"] = text(rest if is_status else first)
    facts["lines"] = [text(line) for line in lines[1:]]
    facts["answers"] = message.context
    count = len(lines) - 1
    more = f" ({count} lines)" if count > 0 else ""
    return f"{text(first, 200)}{more}"


def read_mail_reply(message: Noted, facts: dict[str, Any]) -> str:
    """Read a reply that has a mail behind its first line."""
    first = message.head.rstrip(b"\r\n")
    status, _, rest = first.partition(b" ")
    facts["status"], facts["text"] = text(status), text(rest)
    facts["answers"] = message.context
    return f"{text(status)} {read_mail(message, facts)}"
