"""SMTP (RFC 5321): commands, replies, and the mail between them.

A mail is one message, sent behind DATA or in the chunks of BDAT (RFC 3030). What
follows DATA is mail if the server says so; where its reply is not there, if it is no
command.
"""

import re
from typing import Any

from unpacket.messages.answers import Answer, message, need, part, refuse, tunnel
from unpacket.messages.constants import CANNOT_SAY, ITS_OWN, NOT_ITS_OWN
from unpacket.messages.framers.dotted import Dotted
from unpacket.messages.framers.mail import Mail, read_mail
from unpacket.messages.framers.noted import leads_to, noted
from unpacket.messages.framers.sided import Asked, is_tls
from unpacket.messages.framers.spoken import (
    Spoken,
    line_length,
    read_command,
    word_of,
)

HELLO = re.compile(rb"(?:EHLO|HELO|LHLO)(?: |\r?\n)", re.IGNORECASE)
GREETING = re.compile(rb"220[ -][^\n]*\bL?E?SMTP\b", re.IGNORECASE)
COMMAND = re.compile(
    rb"(?:MAIL FROM:|RCPT TO:|(?:EHLO|HELO|LHLO|VRFY|EXPN|AUTH|BDAT) "
    rb"|(?:DATA|RSET|QUIT|NOOP|HELP|STARTTLS)\b)",
    re.IGNORECASE,
)
# Enough of a line to tell any of these.
ENOUGH = 10
CHUNK = re.compile(rb"BDAT[ \t]+(\d{1,18})([ \t]+LAST)?[ \t]*\r?\n", re.IGNORECASE)


class Conversation:
    """What the halves know of each other.

    Attributes:
        asked: The commands without a reply.
        greeted: Whether the server has said who it is.
        takes_mail: Whether it wants a mail, as its last answer to DATA says; None
            if there is no answer.
        mail_over: Whether it has said anything since a mail began.
        may_encrypt: Whether the client has asked for TLS.
    """

    def __init__(self, whole: bool) -> None:
        self.asked = Asked(whole)
        self.greeted = not whole
        self.takes_mail: bool | None = None
        self.mail_over = False
        self.may_encrypt = False


class Smtp(Spoken):
    """Cuts SMTP into commands, replies and mails."""

    __slots__ = ("after_data", "chunks", "keeps", "mail", "torn")

    name = "smtp"
    ports = (25, 587, 2525, 1025)

    shared: Conversation
    mail: Dotted | None

    def remembered(self, whole: bool) -> Conversation:
        """Return what the halves of a stream share."""
        return Conversation(whole)

    def start(self, whole: bool) -> None:
        """Prepare a half."""
        self.after_data = False
        # Whether a mail came in chunks, and has not had its last one.
        self.chunks = False
        # Whether the next reset comes of a decision here, and of nothing missing.
        self.keeps = False
        # Whether some of the mail is missing.
        self.torn = False
        self.mail = None

    def client(self, data: bytes, start: int, ended: bool) -> Answer:
        """Cut commands and mails."""
        shared = self.shared
        if self.after_data:
            left = len(data) - start
            is_mail = shared.takes_mail
            if is_mail is None:
                if left < ENOUGH and not ended and b"\n" not in data[start:]:
                    return need()
                is_mail = COMMAND.match(data, start) is None
            self.after_data = False
            if is_mail:
                self.mail = Dotted()
                self.torn = shared.mail_over = False
        if self.torn and shared.mail_over:
            # Its end is missing too.
            self.mail = None
            self.torn = self.certain = False
            return refuse()
        if self.mail is not None:
            return self.dotted(data, start, ended)
        if shared.may_encrypt and is_tls(data, start):
            return tunnel("tls")
        length = line_length(data, start)
        if length == 0:
            return self.unfinished(data, start, ended)
        chunk = CHUNK.match(data, start, start + length)
        if chunk is not None:
            return self.chunk(chunk, length)
        if self.chunks:
            # Something else than the next chunk: the mail was given up.
            self.chunks = False
            self.keeps = True
            return refuse("unfinished-mail")
        word = word_of(data[start : start + length])
        answer = self.plain(data, start, length)
        if answer.item is None:
            return answer
        shared.asked.ask(word.decode("ascii", "replace"))
        shared.may_encrypt = word == b"STARTTLS"
        if word == b"DATA":
            self.after_data = True
            shared.takes_mail = None
        if COMMAND.match(data, start) is not None:
            noted(answer, read_command, 0)
        return answer

    def dotted(self, data: bytes, start: int, ended: bool) -> Answer:
        """Cut a mail that ends in a point."""
        mail: Dotted = self.mail  # type: ignore[assignment]
        answer = mail.frame(data, start, ended)
        new_mail(answer, True)
        if self.torn:
            answer.anomaly = "beginning-missing"
        if answer.head:
            self.mail = None
            self.torn = False
            self.shared.takes_mail = None
            self.shared.asked.ask("mail")
        return answer

    def chunk(self, found: re.Match[bytes], length: int) -> Answer:
        """Cut a chunk: a line says how long it is, and whether it is the last."""
        size = int(found[1])
        is_last = found[2] is not None
        self.chunks = not is_last
        self.shared.asked.ask("BDAT")
        answer = (message if is_last else part)(length + size, length)
        new_mail(answer, False)
        return answer

    def server(self, data: bytes, start: int, ended: bool) -> Answer:
        """Cut replies."""
        return self.reply(data, start, ended)

    def context(self) -> str | None:
        """Return the command that a reply answers, if that is certain."""
        asked = self.shared.asked
        return asked.first() if self.shared.greeted and asked.certain else None

    def replied(self, code: int, answer: Answer, line: bytes) -> Answer:
        """Learn what the server has decided."""
        shared = self.shared
        if not shared.greeted:
            shared.greeted = True
            return answer
        command = shared.asked.answer()
        shared.mail_over = code != 354
        if code == 354:
            shared.takes_mail = True
        elif command == "DATA":
            shared.takes_mail = False
        # Nothing else is answered so, but for a greeting.
        if code == 220 and shared.may_encrypt:
            return leads_to(answer, "tls", line)
        return answer

    def reset(self) -> None:
        """Forget where a line begins; within a mail what follows is the rest of it."""
        if self.keeps:
            self.keeps = False
            return
        super().reset()
        self.chunks = self.after_data = False
        self.shared.asked.lose()
        self.shared.greeted = True
        if self.mail is not None:
            self.certain = self.torn = True
            self.mail.at_line = False

    def first_line(self, line: bytes) -> int:
        """Say whether a half that begins so is SMTP: a greeting or a hello."""
        if GREETING.match(line) is not None or HELLO.match(line) is not None:
            return ITS_OWN
        known = line.startswith((b"220 ", b"220-")) or COMMAND.match(line) is not None
        return CANNOT_SAY if known else NOT_ITS_OWN

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes: replies have numbers."""
        if len(data) < ENOUGH:
            return -1
        if data[:3].isdigit() and data[3:4] in b" -":
            return 1
        return 0 if COMMAND.match(data) is not None else -1


def new_mail(answer: Answer, dotted: bool) -> None:
    """Make the message of an answer a mail."""
    noted(answer, read_mail, 0, kind=Mail)
    found: Any = answer.item
    found.dotted = dotted
