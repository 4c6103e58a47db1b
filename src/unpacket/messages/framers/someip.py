"""SOME/IP (AUTOSAR): service, method, length, and who asks; service discovery in it.

A peer may send magic cookies, so that whoever lost its way finds a message again.
"""

import ipaddress
import re
from typing import Any

from unpacket.messages.constants import CANNOT_SAY, ITS_OWN, NOT_ITS_OWN, TOO_SHORT
from unpacket.messages.framers.measured import Measured
from unpacket.messages.framers.noted import MOST_ITEMS, Noted, Octets

HEADER = 16
# What the length leaves out.
BEFORE = 8
MAX_LENGTH = 1 << 28
KINDS = {
    0x00: "request", 0x01: "fire and forget", 0x02: "notification",
    0x40: "request ack", 0x41: "fire and forget ack", 0x42: "notification ack",
    0x80: "response", 0x81: "error", 0xC0: "response ack", 0xC1: "error ack",
}  # fmt: skip
SEGMENTED = 0x20
DISCOVERY = b"\xff\xff\x81\x00"
COOKIES = (b"\xff\xff\x00\x00\x00\x00\x00\x08", b"\xff\xff\x80\x00\x00\x00\x00\x08")
ENTRIES = {0: "find", 1: "offer", 6: "subscribe", 7: "subscribe ack"}
ENDPOINTS = {0x04: 4, 0x14: 4, 0x24: 4, 0x06: 16, 0x16: 16, 0x26: 16}


def read(message: Noted, facts: dict[str, Any]) -> str:
    """Read a message."""
    head = Octets(message.head)
    facts["service"] = head.number(2)
    facts["method"] = head.number(2)
    head.take(4)
    facts["client"], facts["session"] = head.number(2), head.number(2)
    head.take(1)
    facts["interface_version"] = head.number(1)
    kind = head.number(1)
    facts["type"] = KINDS[kind & ~SEGMENTED]
    facts["segmented"] = bool(kind & SEGMENTED)
    facts["return_code"] = head.number(1)
    if message.head[:8] in COOKIES:
        facts["type"] = "magic cookie"
        return "magic cookie"
    if message.head[:4] == DISCOVERY:
        return read_discovery(Octets(message.seen()), facts)
    return f"{facts['type']} {facts['service']:04x}.{facts['method']:04x}"


def read_discovery(octets: Octets, facts: dict[str, Any]) -> str:
    """Read the entries and options of service discovery."""
    facts["type"] = "discovery"
    octets.take(4)
    entries: list[dict[str, Any]] = []
    facts["entries"] = entries
    inner = octets.inner(octets.number(4))
    while inner.left and len(entries) < MOST_ITEMS:
        kind = inner.number(1)
        inner.take(3)
        service, instance = inner.number(2), inner.number(2)
        major, ttl = inner.number(1), inner.number(3)
        name = ENTRIES.get(kind, str(kind))
        if ttl == 0 and name in ("offer", "subscribe"):
            name = f"stop {name}"
        entry = {"type": name, "service": service, "instance": instance}
        entries.append(entry | {"major": major, "ttl": ttl, "minor": inner.number(4)})
    endpoints: list[str] = []
    facts["endpoints"] = endpoints
    inner = octets.inner(octets.number(4)) if octets.left else octets
    while inner.left and len(endpoints) < MOST_ITEMS:
        size = inner.number(2)
        kind = inner.number(1)
        option = inner.inner(size)
        if kind in ENDPOINTS:
            option.take(1)
            address = ipaddress.ip_address(option.take(ENDPOINTS[kind]))
            option.take(1)
            name = "tcp" if option.number(1) == 6 else "udp"
            endpoints.append(f"{name} {address} {option.number(2)}")
    words = (f"{one['type']} {one['service']:04x}" for one in entries)
    return f"discovery {', '.join(words)}".rstrip()


class SomeIp(Measured):
    """Cuts SOME/IP into messages."""

    __slots__ = ()

    name = "someip"
    ports = (30490, 30501, 30509)
    head = HEADER
    starts = re.compile(rb".{4}[\x00-\x0f].{7}\x01|.{1,12}\Z", re.DOTALL)
    reader = staticmethod(read)

    def measure(self, data: bytes, start: int, sought: bool) -> int:
        """Return how long a message is."""
        left = len(data) - start
        if left < HEADER:
            is_short = left > 4 and data[start + 4] > 0x0F
            is_other = left > 12 and data[start + 12] != 1
            if is_short or is_other:
                return 0
            # The byte that may say next that it is none.
            return left - next(size for size in (5, 13, HEADER) if left < size)
        length = int.from_bytes(data[start + 4 : start + 8])
        if data[start + 12] != 1 or data[start + 14] & ~SEGMENTED not in KINDS:
            return 0
        if not BEFORE <= length <= MAX_LENGTH or data[start + 15] > 0x5E:
            return 0
        return BEFORE + length

    def begins(self, data: bytes, ended: bool) -> int:
        """Say whether a half that begins so is SOME/IP: by its first header."""
        length = self.measure(data, 0, True) if data else -1
        if length < 0:
            return NOT_ITS_OWN if ended else TOO_SHORT
        if length == 0:
            return NOT_ITS_OWN
        # Requests have no return code, and short messages are the rule.
        usual = data[14] & 0xC1 == 0x80 or data[15] == 0
        return ITS_OWN if usual and length <= 0xFFFF else CANNOT_SAY

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes: clients ask."""
        if len(data) < HEADER or self.measure(data, 0, True) <= 0:
            return -1
        return {0: 0, 1: 0, 0x80: 1, 0x81: 1}.get(data[14], -1)
