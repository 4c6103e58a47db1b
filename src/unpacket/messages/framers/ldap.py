"""LDAP (RFC 4511): requests and responses in BER."""

import re
from typing import Any

from unpacket.messages.answers import Answer, message, need, tunnel
from unpacket.messages.constants import CANNOT_SAY, ITS_OWN, NOT_ITS_OWN, TOO_SHORT
from unpacket.messages.framers import ber
from unpacket.messages.framers.measured import Measured
from unpacket.messages.framers.noted import (
    MOST_ITEMS,
    Noted,
    Octets,
    Short,
    leads_to,
    noted,
    text,
)
from unpacket.messages.framers.sided import is_tls

OPERATIONS = {
    0x60: "bind request", 0x61: "bind response", 0x42: "unbind request",
    0x63: "search request", 0x64: "search entry", 0x65: "search done",
    0x73: "search reference", 0x66: "modify request", 0x67: "modify response",
    0x68: "add request", 0x69: "add response", 0x4A: "delete request",
    0x6B: "delete response", 0x6C: "rename request", 0x6D: "rename response",
    0x6E: "compare request", 0x6F: "compare response", 0x50: "abandon request",
    0x77: "extended request", 0x78: "extended response", 0x79: "intermediate response",
}  # fmt: skip
REQUESTS = {tag for tag, name in OPERATIONS.items() if name.endswith("request")}
RESULTS = {tag for tag, name in OPERATIONS.items() if "response" in name or tag == 0x65}
SCOPES = ("base", "one", "subtree", "children")
STARTTLS = b"1.3.6.1.4.1.1466.20037"
# What leads to TLS is looked into before it has all come.
EXTENDED_REQUEST, EXTENDED_RESPONSE = 0x77, 0x78
MAX_EXTENDED = 4096
# The largest message that is believed.
MAX_LENGTH = 1 << 28


class Conversation:
    """What the halves know of each other.

    Attributes:
        asked: The number of the message that asks for TLS, or None.
    """

    def __init__(self) -> None:
        self.asked: int | None = None


def read(message: Noted, facts: dict[str, Any]) -> str:
    """Read a request or a response."""
    octets = Octets(message.octets(), len(ber_head(message)))
    facts["message_id"] = ber.integer(octets)
    tag, inner = ber.element(octets)
    name = OPERATIONS.get(tag, f"0x{tag:02x}")
    facts["operation"] = name
    words = ""
    if tag == 0x60:
        facts["version"] = ber.integer(inner)
        words = facts["name"] = text(ber.string(inner))
    elif tag == 0x63:
        words = facts["base"] = text(ber.string(inner))
        scope = ber.integer(inner)
        facts["scope"] = SCOPES[scope] if 0 <= scope < 4 else str(scope)
    elif tag in (0x4A, 0x50, 0x42):
        if tag == 0x4A:
            words = facts["name"] = text(inner.rest())
    elif tag == EXTENDED_REQUEST:
        words = facts["oid"] = text(ber.string(inner))
    elif tag == 0x64:
        words = facts["name"] = text(ber.string(inner))
        names: list[str] = []
        facts["attributes"] = names
        _, attributes = ber.element(inner)
        while attributes.left and len(names) < MOST_ITEMS:
            names.append(text(ber.string(ber.element(attributes)[1])))
    elif tag in RESULTS and tag != 0x79:
        facts["code"] = ber.integer(inner)
        facts["name"] = text(ber.string(inner))
        facts["diagnostic"] = text(ber.string(inner))
        words = f"{facts['code']} {facts['diagnostic']}".rstrip()
    elif tag in (0x66, 0x68, 0x6C, 0x6E):
        words = facts["name"] = text(ber.string(inner))
    return f"{name} {words}".rstrip()


def ber_head(message: Noted) -> bytes:
    """Return the tag and the length of a message."""
    head, _ = ber.measure(message.head, 0)
    return message.head[: max(0, head)]


class Ldap(Measured):
    """Cuts LDAP into messages."""

    __slots__ = ()

    name = "ldap"
    ports = (389, 3268)
    starts = re.compile(rb"\x30(?:\Z|[\x05-\x7f\x81-\x84])")
    reader = staticmethod(read)

    shared: Conversation

    def remembered(self, whole: bool) -> Conversation:
        """Return what the halves of a stream share."""
        return Conversation()

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        """Say how long the message is that begins at ``data[start]``."""
        if self.shared.asked is not None and self.certain:
            if is_tls(data, start):
                return tunnel("tls")
            if data[start:] == b"\x16" and not ended:
                return need()
        length = self.measure(data, start, False)
        if length > 0 and self.certain:
            tag = operation_at(data, start)
            missing = start + length - len(data)
            is_extended = tag in (EXTENDED_REQUEST, EXTENDED_RESPONSE)
            if is_extended and 0 < missing and length < MAX_EXTENDED and not ended:
                return need(missing)
        return super().frame(data, start, ended)

    def measure(self, data: bytes, start: int, sought: bool) -> int:
        """Return how long a message is."""
        if data[start] != 0x30:
            return 0
        head, size = ber.measure(data, start)
        if head <= 0:
            return head
        if not 5 <= size <= MAX_LENGTH:
            return 0
        # Its number, and what it is.
        at = start + head
        if at + 2 > len(data):
            return len(data) - at - 2
        if data[at] != 2 or not 1 <= data[at + 1] <= 5:
            return 0
        at += 2 + data[at + 1]
        if at >= len(data):
            return len(data) - at - 1
        return head + size if data[at] in OPERATIONS else 0

    def answer(self, data: bytes, start: int, length: int) -> Answer:
        """Return the answer for a message that begins there."""
        head, _ = ber.measure(data, start)
        octets = data[start : start + head]
        answer = noted(message(length, head), read, self.direction, octets)
        tag = operation_at(data, start)
        if tag not in (EXTENDED_REQUEST, EXTENDED_RESPONSE):
            return answer
        inner = Octets(data, start + head, start + length)
        try:
            number = ber.integer(inner)
            operation = ber.element(inner)[1]
            if self.direction == 0:
                if ber.string(operation) == STARTTLS:
                    self.shared.asked = number
            elif number == self.shared.asked:
                self.shared.asked = None
                if ber.integer(operation) == 0:
                    return leads_to(answer, "tls", data[start : start + length])
        except Short:
            pass
        return answer

    def begins(self, data: bytes, ended: bool) -> int:
        """Say whether a half that begins so is LDAP: with a bind or the like."""
        length = self.measure(data, 0, True) if data else -1
        if length < 0:
            return NOT_ITS_OWN if ended else TOO_SHORT
        if length == 0:
            return NOT_ITS_OWN
        return ITS_OWN if operation_at(data, 0) in OPERATIONS else CANNOT_SAY

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes."""
        if not data or self.measure(data, 0, True) <= 0:
            return -1
        return 0 if operation_at(data, 0) in REQUESTS else 1


def operation_at(data: bytes, start: int) -> int:
    """Return the tag of what a message is, that ``measure`` has seen."""
    head, _ = ber.measure(data, start)
    at = start + head
    return data[at + 2 + data[at + 1]]
