"""IMAP (RFC 9051): commands and responses, with the literals in them.

A literal is so many bytes as the end of the line before it says. Those of a client
come once the server wants them, unless their length has a plus behind it (RFC 7888).
"""

import re
from typing import Any

from unpacket.messages.answers import Answer, message, part, tunnel
from unpacket.messages.constants import CANNOT_SAY, ITS_OWN, NOT_ITS_OWN
from unpacket.messages.framers.noted import Noted, leads_to, noted, text
from unpacket.messages.framers.sided import is_tls
from unpacket.messages.framers.spoken import Spoken, line_length

LITERAL = re.compile(rb"\{(\d{1,10})(\+?)\}\r?\n\Z")
# The longest end of a line that may be one.
LITERAL_BYTES = 16
TAGGED = re.compile(rb"([^\s(){%*\"\\+\]]{1,64}) ([A-Za-z]+)((?: [A-Za-z]+)?)")
RESPONSE = re.compile(rb"(\*|\+|[^\s(){%*\"\\+\]]{1,64}) ?([^\r\n]*)")
STATUS = re.compile(rb"(OK|NO|BAD|PREAUTH|BYE)\b", re.IGNORECASE)
GREETING = re.compile(rb"\* (?:OK|PREAUTH|BYE)[ \r\n]", re.IGNORECASE)
FIRST = re.compile(
    rb"[A-Za-z0-9.]{1,16} (?:CAPABILITY|LOGIN|AUTHENTICATE|STARTTLS|ID|LOGOUT)[ \r\n]",
    re.IGNORECASE,
)
# Of these there may be as many without an answer.
MAX_TAGS = 1024
# What a client begins a literal of none with.
NO_LITERAL = -1


class Conversation:
    """What the halves know of each other.

    Attributes:
        commands: Those without an answer, by tag.
        refused: The tag of the last command that the server did not want.
        may_encrypt: Whether the client has asked for TLS.
    """

    def __init__(self) -> None:
        self.commands: dict[bytes, str] = {}
        self.refused = b""
        self.may_encrypt = False


def read_command(message: Noted, facts: dict[str, Any]) -> str:
    """Read a command; its literals are in the body."""
    octets = message.octets()
    line = octets.partition(b"\n")[0].rstrip(b"\r")
    found = TAGGED.match(line)
    if found is None:
        facts["text"] = text(line)
        return text(line)
    word = found[2].upper()
    end = found.end(2)
    if word == b"UID":
        word += found[3].upper()
        end = found.end(3)
    facts["tag"] = text(found[1])
    facts["command"] = text(word)
    facts["argument"] = text(line[end:].lstrip(b" "))
    return text(line)


def read_response(message: Noted, facts: dict[str, Any]) -> str:
    """Read a response; the context is the command that it ends."""
    octets = message.octets()
    line = octets.partition(b"\n")[0].rstrip(b"\r")
    found = RESPONSE.match(line)
    if found is None:
        facts["text"] = text(line)
        return text(line)
    rest = found[2]
    facts["tag"] = text(found[1])
    status = STATUS.match(rest)
    facts["status"] = None if status is None else text(status[1].upper())
    if status is None and found[1] == b"*":
        words = rest.split(None, 2)
        if words and words[0].isdigit() and len(words) > 1 and len(words[0]) < 12:
            facts["number"] = int(words[0])
            words = words[1:]
        facts["name"] = text(words[0].upper()) if words else ""
    facts["text"] = text(rest)
    facts["answers"] = message.context
    return text(line)


class Imap(Spoken):
    """Cuts IMAP into commands and responses."""

    __slots__ = ("literal", "opened_by", "within")

    name = "imap"
    ports = (143,)

    shared: Conversation

    def remembered(self, whole: bool) -> Conversation:
        """Return what the halves of a stream share."""
        return Conversation()

    def start(self, whole: bool) -> None:
        """Prepare a half."""
        # How long the literal is that the server may want; NO_LITERAL if there is
        # none.
        self.literal = NO_LITERAL
        self.opened_by = b""
        # Whether a message goes on behind a literal.
        self.within = False

    def client(self, data: bytes, start: int, ended: bool) -> Answer:
        """Cut commands."""
        shared = self.shared
        if self.literal != NO_LITERAL:
            size = self.literal
            self.literal = NO_LITERAL
            if shared.refused == self.opened_by:
                # It never comes.
                self.within = False
                return message(0)
            return part(size)
        if shared.may_encrypt and is_tls(data, start):
            return tunnel("tls")
        return self.logical(data, start, ended)

    def server(self, data: bytes, start: int, ended: bool) -> Answer:
        """Cut responses."""
        return self.logical(data, start, ended)

    def logical(self, data: bytes, start: int, ended: bool) -> Answer:
        """Cut a line, with a literal if one follows."""
        length = line_length(data, start)
        if length == 0:
            return self.unfinished(data, start, ended)
        stop = start + length
        found = LITERAL.search(data, max(start, stop - LITERAL_BYTES), stop)
        within = self.within
        if not within:
            answer = self.plain(data, start, length)
            if answer.item is None:
                return answer
        size = 0 if found is None else int(found[1])
        self.within = found is not None
        waits = found is not None and self.direction == 0 and not found[2]
        if found is None:
            answer = message(length)
        else:
            answer = part(length if waits else length + size)
        if waits:
            self.literal = size
        if within:
            return answer
        if self.direction == 0:
            self.command(data, start, stop)
            return noted(answer, read_command, 0)
        return self.response(data, start, stop, answer)

    def command(self, data: bytes, start: int, stop: int) -> None:
        """Remember what a client wants."""
        found = TAGGED.match(data, start, stop)
        if found is None:
            return
        shared = self.shared
        self.opened_by = found[1]
        shared.refused = b""
        shared.may_encrypt = found[2].upper() == b"STARTTLS"
        if len(shared.commands) < MAX_TAGS:
            shared.commands[found[1]] = text(found[2].upper())

    def response(self, data: bytes, start: int, stop: int, answer: Answer) -> Answer:
        """Learn what the server has decided."""
        shared = self.shared
        found = RESPONSE.match(data, start, stop)
        command = None
        protocol = None
        if found is not None and found[1] not in (b"*", b"+"):
            command = shared.commands.pop(found[1], None)
            status = STATUS.match(found[2])
            is_ok = status is not None and status[1].upper() == b"OK"
            if not is_ok:
                shared.refused = found[1]
            elif command in ("STARTTLS", "COMPRESS"):
                protocol = "tls" if command == "STARTTLS" else "deflate"
        noted(answer, read_response, 1, context=command)
        if protocol is not None:
            leads_to(answer, protocol, data[start:stop])
        return answer

    def reset(self) -> None:
        """Forget where a line begins."""
        super().reset()
        self.within = False
        self.literal = NO_LITERAL

    def first_line(self, line: bytes) -> int:
        """Say whether a half that begins so is IMAP: a greeting, or a command."""
        if GREETING.match(line) is not None or FIRST.match(line) is not None:
            return ITS_OWN
        return CANNOT_SAY if TAGGED.match(line) is not None else NOT_ITS_OWN

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes: most of a server's begin with a star."""
        if data.startswith((b"* ", b"+ ")):
            return 1
        found = TAGGED.match(data)
        if found is None or b"\n" not in data:
            return -1
        return 1 if STATUS.fullmatch(found[2]) is not None else 0
