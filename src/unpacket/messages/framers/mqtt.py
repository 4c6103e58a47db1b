"""MQTT (3.1.1 and 5): a type, a length, and what they say."""

import re
from typing import Any

from unpacket.messages.answers import Answer, message
from unpacket.messages.constants import CANNOT_SAY, ITS_OWN, NOT_ITS_OWN, TOO_SHORT
from unpacket.messages.framers.measured import Measured
from unpacket.messages.framers.noted import MOST_ITEMS, Noted, Octets, noted, text

KINDS = (
    "RESERVED",
    "CONNECT",
    "CONNACK",
    "PUBLISH",
    "PUBACK",
    "PUBREC",
    "PUBREL",
    "PUBCOMP",
    "SUBSCRIBE",
    "SUBACK",
    "UNSUBSCRIBE",
    "UNSUBACK",
    "PINGREQ",
    "PINGRESP",
    "DISCONNECT",
    "AUTH",
)
PUBLISH = 3
# The least and the most that each has behind its length (5 allows properties).
MOST = (1 << 28) - 1
LEAST = (0, 10, 2, 2, 2, 2, 2, 2, 5, 3, 4, 2, 0, 0, 0, 0)
CONNECT = re.compile(rb"\x10[\x80-\xff]{0,3}[\x00-\x7f]\x00(?:\x04MQTT|\x06MQIsdp)")
CONNECT_BYTES = 13


class Conversation:
    """What both halves know: the version that the client speaks."""

    def __init__(self) -> None:
        self.version = 4


def length_at(data: bytes, at: int) -> tuple[int, int]:
    """Return the number that is there, and in how many bytes; 0 if in none."""
    value = 0
    for n in range(4):
        if at + n >= len(data):
            return 0, 0
        value |= (data[at + n] & 0x7F) << 7 * n
        if data[at + n] < 0x80:
            return value, n + 1
    return 0, -1


def properties(octets: Octets, version: int) -> None:
    """Pass over the properties that version 5 has."""
    if version == 5 and octets.left:
        size, count = length_at(octets.data[: octets.stop], octets.at)
        octets.take(max(count, 0) + size)


def read(message: Noted, facts: dict[str, Any]) -> str:
    """Read a message; the context is the version."""
    first = message.head[0]
    octets = Octets(message.seen())
    number, version = first >> 4, message.context
    kind = KINDS[number]
    facts["type"] = kind
    if kind == "CONNECT":
        octets.sized(2)
        facts["version"] = octets.number(1)
        flags = octets.number(1)
        facts["keep_alive_s"] = octets.number(2)
        properties(octets, facts["version"])
        facts["client_id"] = text(octets.sized(2))
        if flags & 4:
            properties(octets, facts["version"])
            facts["will_topic"] = text(octets.sized(2))
            octets.sized(2)
        facts["user"] = text(octets.sized(2)) if flags & 0x80 else None
        return f"CONNECT {facts['client_id']}".rstrip()
    if kind == "CONNACK":
        facts["session_present"] = bool(octets.number(1))
        facts["code"] = octets.number(1)
        return f"CONNACK {facts['code']}"
    if kind == "PUBLISH":
        facts["qos"] = first >> 1 & 3
        facts["retain"] = bool(first & 1)
        facts["duplicate"] = bool(first & 8)
        facts["topic"] = text(octets.sized(2))
        if facts["qos"]:
            facts["packet_id"] = octets.number(2)
        properties(octets, version)
        facts["payload"] = text(octets.rest())
        return f"PUBLISH {facts['topic']}"
    if kind in ("SUBSCRIBE", "UNSUBSCRIBE"):
        facts["packet_id"] = octets.number(2)
        properties(octets, version)
        topics: list[str] = []
        facts["topics"] = topics
        while octets.left and len(topics) < MOST_ITEMS:
            topics.append(text(octets.sized(2)))
            if kind == "SUBSCRIBE":
                octets.number(1)
        return f"{kind} {', '.join(topics)}"
    if 4 <= number <= 11:
        facts["packet_id"] = octets.number(2)
        if kind in ("SUBACK", "UNSUBACK"):
            properties(octets, version)
            facts["codes"] = list(octets.rest()[:MOST_ITEMS])
        return f"{kind} {facts['packet_id']}"
    if octets.left:
        facts["code"] = octets.number(1)
    return kind


class Mqtt(Measured):
    """Cuts MQTT into messages."""

    __slots__ = ()

    name = "mqtt"
    ports = (1883,)
    starts = re.compile(rb"[\x10-\x20\x30-\xf0]")

    shared: Conversation

    def remembered(self, whole: bool) -> Conversation:
        """Return what the halves of a stream share."""
        return Conversation()

    def measure(self, data: bytes, start: int, sought: bool) -> int:
        """Return how long a message is."""
        kind, flags = data[start] >> 4, data[start] & 15
        if kind == 0 or (kind != PUBLISH and flags != (2 if kind in (6, 8, 10) else 0)):
            return 0
        if kind == PUBLISH and flags & 6 == 6:
            return 0
        size, count = length_at(data, start + 1)
        if count <= 0:
            return count - 1 if count == 0 else 0
        if size < LEAST[kind] or (size and kind in (12, 13)):
            return 0
        if sought and kind == PUBLISH and size < 3:
            return 0
        if kind == 1:
            # The version decides how others are read.
            missing = start + 1 + count + min(size, 9) - len(data)
            if missing > 0:
                return -missing
        return 1 + count + size

    def answer(self, data: bytes, start: int, length: int) -> Answer:
        """Return the answer for a message that begins there."""
        head = 1 + length_at(data, start + 1)[1]
        if data[start] == 0x10:
            at = start + head + 2 + int.from_bytes(data[start + head :][:2])
            if at < start + length and at < len(data):
                self.shared.version = data[at]
        answer = message(length, head)
        octets = data[start : start + head]
        return noted(answer, read, self.direction, octets, self.shared.version)

    reader = staticmethod(read)

    def begins(self, data: bytes, ended: bool) -> int:
        """Say whether a half that begins so is MQTT: with a CONNECT."""
        if CONNECT.match(data) is not None:
            return ITS_OWN
        if data[:1] == b"\x10":
            return TOO_SHORT if len(data) < CONNECT_BYTES and not ended else NOT_ITS_OWN
        if data[:1] == b"\x20":
            return CANNOT_SAY if len(data) > 1 or ended else TOO_SHORT
        return CANNOT_SAY if self.measure(data, 0, False) > 0 else NOT_ITS_OWN

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes, where that is certain."""
        kind = data[0] >> 4 if data and self.measure(data, 0, False) > 0 else 0
        if kind in (1, 8, 10, 12):
            return 0
        return 1 if kind in (2, 9, 11, 13) else -1
