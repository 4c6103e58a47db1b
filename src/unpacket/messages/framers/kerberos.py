"""Kerberos over TCP (RFC 4120 section 7.2.2): a length, and a message in DER."""

import re
from typing import Any

from unpacket.messages.constants import ITS_OWN, NOT_ITS_OWN, TOO_SHORT
from unpacket.messages.framers import ber
from unpacket.messages.framers.measured import Measured
from unpacket.messages.framers.noted import Noted, Octets, text

KINDS = {
    0x6A: "AS-REQ", 0x6B: "AS-REP", 0x6C: "TGS-REQ", 0x6D: "TGS-REP", 0x6E: "AP-REQ",
    0x6F: "AP-REP", 0x74: "KRB-SAFE", 0x75: "KRB-PRIV", 0x76: "KRB-CRED",
    0x7E: "KRB-ERROR",
}  # fmt: skip
REQUESTS = (0x6A, 0x6C)
# The fields of each that are names: by the tags of their contexts.
NAMES = {
    "KRB-ERROR": {
        0xA7: "client_realm",
        0xA8: "client",
        0xA9: "realm",
        0xAA: "server",
        0xAB: "text",
    },
    "REP": {0xA3: "client_realm", 0xA4: "client"},
    "BODY": {0xA1: "client", 0xA2: "realm", 0xA3: "server"},
}
REQUEST_BODY, ERROR_CODE = 0xA4, 0xA6
MAX_LENGTH = 1 << 24


def words_of(octets: Octets) -> str:
    """Return a string, or the parts of a name, joined."""
    tag, inner = ber.element(octets)
    if tag != 0x30:
        return text(inner.rest())
    # The kind of the name comes first.
    ber.element(inner)
    _, parts = ber.element(inner)
    _, strings = ber.element(parts)
    found: list[str] = []
    while strings.left and len(found) < 16:
        found.append(text(ber.string(strings)))
    return "/".join(found)


def read_names(octets: Octets, facts: dict[str, Any], names: dict[int, str]) -> None:
    """Read the fields that are names."""
    while octets.left:
        tag, inner = ber.element(octets)
        if tag in names:
            facts[names[tag]] = words_of(inner)
        elif tag == ERROR_CODE and names is NAMES["KRB-ERROR"]:
            facts["code"] = ber.integer(inner)
        elif tag == REQUEST_BODY and not names:
            read_names(ber.element(inner)[1], facts, NAMES["BODY"])


def read(message: Noted, facts: dict[str, Any]) -> str:
    """Read a message."""
    tag, octets = ber.element(Octets(message.seen()))
    kind = KINDS[tag]
    facts["type"] = kind
    names = {} if tag in REQUESTS else NAMES["REP"]
    names = NAMES.get(kind, names)
    if tag in REQUESTS or kind.endswith("REP") or kind == "KRB-ERROR":
        read_names(ber.element(octets)[1], facts, names)
    words = [kind, str(facts.get("code", ""))]
    words += [facts.get("client", ""), facts.get("server", "")]
    return " ".join(word for word in words if word)


class Kerberos(Measured):
    """Cuts Kerberos into messages."""

    __slots__ = ()

    name = "kerberos"
    ports = (88, 464)
    starts = re.compile(rb"\x00(?:\Z|.(?:\Z|.(?:\Z|.(?:\Z|[\x6a-\x7e]))))", re.DOTALL)
    reader = staticmethod(read)

    def measure(self, data: bytes, start: int, sought: bool) -> int:
        """Return how long a message is."""
        left = len(data) - start
        if data[start] != 0:
            return 0
        if left < 5:
            return left - 5
        if data[start + 4] not in KINDS:
            return 0
        length = int.from_bytes(data[start : start + 4])
        head, size = ber.measure(data, start + 4)
        if head <= 0:
            return head
        return 4 + length if head + size == length else 0

    def begins(self, data: bytes, ended: bool) -> int:
        """Say whether a half that begins so is Kerberos: two lengths that agree."""
        length = self.measure(data, 0, True) if data else -1
        if length < 0:
            return NOT_ITS_OWN if ended else TOO_SHORT
        return ITS_OWN if length else NOT_ITS_OWN

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes."""
        if len(data) < 6 or self.measure(data, 0, True) <= 0:
            return -1
        return 0 if data[4] in (*REQUESTS, 0x6E) else 1
