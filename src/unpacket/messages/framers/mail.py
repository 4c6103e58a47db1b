"""A message of mail as SMTP and POP3 carry it: its fields, and the parts in it.

What the standard library's ``email`` package reads of it. It is lenient, and bounded
here: only so much is read of the fields, and so many parts of parts.
"""

import email.message
import email.parser
import email.policy
import re
from email.errors import MessageError
from email.header import decode_header, make_header
from typing import Any, NamedTuple

from unpacket.messages.framers.noted import Noted, text

FIELDS = ("from", "to", "cc", "subject", "date", "message-id", "content-type")

# A mail of more is kept as it is. As much as servers usually take.
MAX_MAIL = 128 << 20
MAX_PARTS = 1000
# Parts within parts; each level makes reading slower, and a deep one exhausts the
# stack.
MAX_MULTIPARTS = 50
NESTED = re.compile(rb"(?:multipart|message)/", re.IGNORECASE)


class MailPart(NamedTuple):
    """A part of a mail.

    Attributes:
        name: Of the file, as the part says; None if it says none.
        content_type: Such as ``image/png``.
        data: Its bytes, transfer encoding undone.
        complete: Whether all of the mail is there.
    """

    name: str | None
    content_type: str
    data: bytes
    complete: bool


class Mail(Noted):
    """A mail; its body is as it was sent, leading dots doubled where ``dotted``."""

    __slots__ = ("dotted",)

    dotted: bool

    def mail(self, most: int = MAX_MAIL) -> bytes:
        """Return the mail up to a hole, without what its transfer added."""
        found = self.seen(most)
        if not self.dotted:
            return found
        # A line that begins with a point has one more (RFC 5321 section 4.5.2).
        found = found.replace(b"\r\n.", b"\r\n")
        return found[1:] if found.startswith(b".") else found

    @property
    def parts(self) -> list[MailPart]:
        """What the mail consists of; of one that is not in parts, itself."""
        octets = self.mail()
        if sum(1 for _ in NESTED.finditer(octets)) > MAX_MULTIPARTS:
            self.note("too-many-parts")
            return []
        parser = email.parser.BytesParser(policy=email.policy.compat32)
        found: list[MailPart] = []
        for part in parser.parsebytes(octets).walk():
            if part.is_multipart():
                continue
            if len(found) == MAX_PARTS:
                self.note("too-many-parts")
                break
            found.append(
                MailPart(name_of(part), type_of(part), data_of(part), self.complete)
            )
        return found


def data_of(part: email.message.Message) -> bytes:
    """Return what a part has, or its bytes as they are if they cannot be decoded."""
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError, MessageError):
        data = None
    if isinstance(data, bytes):
        return data
    return str(part.get_payload()).encode("utf-8", "surrogateescape")


def name_of(part: email.message.Message) -> str | None:
    """Return the name of the file that a part is, as far as it says so."""
    try:
        name = part.get_filename()
    except (ValueError, LookupError, TypeError, MessageError):
        return None
    return None if name is None else decoded(str(name))


def type_of(part: email.message.Message) -> str:
    """Return the type of a part."""
    try:
        return part.get_content_type()
    except (ValueError, LookupError, MessageError):
        return "application/octet-stream"


def decoded(value: str) -> str:
    """Return a field's text, encoded words (RFC 2047) undone."""
    try:
        found = str(make_header(decode_header(value)))
    except (ValueError, LookupError, MessageError):
        found = value
    found = " ".join(found.split())
    # Bytes that are no ASCII come as lone surrogates, which JSON would not take.
    return text(found.encode("utf-8", "surrogateescape"))


def read_mail(message: Noted, facts: dict[str, Any]) -> str:
    """Read the fields of a mail."""
    assert isinstance(message, Mail)
    octets = message.mail(64 << 10)
    head, _, _ = octets.partition(b"\r\n\r\n")
    parser = email.parser.BytesHeaderParser(policy=email.policy.compat32)
    parsed = parser.parsebytes(head)
    for name in FIELDS:
        value = parsed.get(name)
        facts[name.replace("-", "_")] = None if value is None else decoded(str(value))
    return f"mail {facts['from'] or '?'}: {facts['subject'] or ''}".rstrip()
