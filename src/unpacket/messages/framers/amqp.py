"""AMQP 0-9-1: frames with a type, a channel and a length, which end in 0xCE."""

import re
from typing import Any

from unpacket.messages.answers import Answer, message
from unpacket.messages.constants import CANNOT_SAY, ITS_OWN, NOT_ITS_OWN, TOO_SHORT
from unpacket.messages.framers.measured import Measured
from unpacket.messages.framers.noted import Noted, Octets, noted, text

MAGIC = b"AMQP"
FRAME_END = 0xCE
KINDS = {1: "method", 2: "header", 3: "body", 8: "heartbeat"}
# The largest frame that is believed; servers agree on 128 KiB.
MAX_FRAME = 1 << 28
METHODS = {
    10: ("connection", {10: "start", 11: "start-ok", 20: "secure", 21: "secure-ok",
         30: "tune", 31: "tune-ok", 40: "open", 41: "open-ok", 50: "close",
         51: "close-ok", 60: "blocked", 61: "unblocked"}),
    20: ("channel", {10: "open", 11: "open-ok", 20: "flow", 21: "flow-ok",
         40: "close", 41: "close-ok"}),
    40: ("exchange", {10: "declare", 11: "declare-ok", 20: "delete", 21: "delete-ok",
         30: "bind", 31: "bind-ok", 40: "unbind", 51: "unbind-ok"}),
    50: ("queue", {10: "declare", 11: "declare-ok", 20: "bind", 21: "bind-ok",
         30: "purge", 31: "purge-ok", 40: "delete", 41: "delete-ok", 50: "unbind",
         51: "unbind-ok"}),
    60: ("basic", {10: "qos", 11: "qos-ok", 20: "consume", 21: "consume-ok",
         30: "cancel", 31: "cancel-ok", 40: "publish", 50: "return", 60: "deliver",
         70: "get", 71: "get-ok", 72: "get-empty", 80: "ack", 90: "reject",
         100: "recover-async", 110: "recover", 111: "recover-ok", 120: "nack"}),
    85: ("confirm", {10: "select", 11: "select-ok"}),
    90: ("tx", {10: "select", 11: "select-ok", 20: "commit", 21: "commit-ok",
         30: "rollback", 31: "rollback-ok"}),
}  # fmt: skip
# The first fields of some: 1 a short text, 2, 4 and 8 a number of so many bytes.
FIELDS = {
    "connection.close": (("code", 2), ("reason", 1)),
    "channel.close": (("code", 2), ("reason", 1)),
    "exchange.declare": (("", 2), ("exchange", 1), ("kind", 1)),
    "queue.declare": (("", 2), ("queue", 1)),
    "queue.declare-ok": (("queue", 1), ("messages", 4), ("consumers", 4)),
    "queue.bind": (("", 2), ("queue", 1), ("exchange", 1), ("routing_key", 1)),
    "basic.publish": (("", 2), ("exchange", 1), ("routing_key", 1)),
    "basic.consume": (("", 2), ("queue", 1), ("consumer", 1)),
    "basic.deliver": (("consumer", 1), ("delivery", 8), ("", -1), ("exchange", 1),
                      ("routing_key", 1)),
    "basic.get": (("", 2), ("queue", 1)),
    "basic.ack": (("delivery", 8),),
    "connection.open": (("host", 1),),
}  # fmt: skip


def read(message: Noted, facts: dict[str, Any]) -> str:
    """Read a frame, or the header that a connection begins with."""
    head = message.head
    if head.startswith(MAGIC):
        facts["type"] = "protocol"
        facts["version"] = ".".join(str(one) for one in head[5:8])
        return f"protocol {facts['version']}"
    kind = KINDS[head[0]]
    facts["type"] = kind
    facts["channel"] = int.from_bytes(head[1:3])
    octets = Octets(message.seen())
    if kind == "method":
        number, method = octets.number(2), octets.number(2)
        name, methods = METHODS.get(number, (str(number), {}))
        facts["method"] = f"{name}.{methods.get(method, method)}"
        words = []
        for field, size in FIELDS.get(facts["method"], ()):
            value = text(octets.sized(1)) if size == 1 else octets.number(abs(size))
            if field:
                facts[field] = value
                words.append(str(value))
        return " ".join([facts["method"], *(word for word in words if word)])
    if kind == "header":
        facts["class"] = METHODS.get(octets.number(2), ("unknown", {}))[0]
        octets.take(2)
        facts["size"] = octets.number(8)
        return f"header, {facts['size']} bytes"
    if kind == "body":
        facts["size"] = int.from_bytes(head[3:7])
        return f"body, {facts['size']} bytes"
    return kind


class Amqp(Measured):
    """Cuts AMQP 0-9-1 into frames."""

    __slots__ = ()

    name = "amqp"
    ports = (5672,)
    head = 7
    starts = re.compile(rb"[\x01\x02\x03\x08](?:\Z|.(?:\Z|.(?:\Z|[\x00-\x0f])))", re.S)

    def measure(self, data: bytes, start: int, sought: bool) -> int:
        """Return how long a frame is."""
        left = len(data) - start
        if not sought and data[start] == MAGIC[0]:
            if not data.startswith(MAGIC[:left], start):
                return 0
            return 8 if left >= 8 else left - 8
        if data[start] not in KINDS:
            return 0
        if left < 7:
            return left - 7
        length = int.from_bytes(data[start + 3 : start + 7]) + 8
        if length > MAX_FRAME or (data[start] == 1 and length < 12):
            return 0
        return length

    def fits(self, data: bytes, start: int, length: int) -> bool:
        """Return whether a frame ends as all do."""
        return data[start + length - 1] == FRAME_END

    def answer(self, data: bytes, start: int, length: int) -> Answer:
        """Return the answer for a frame that begins there."""
        size = 8 if data[start] == MAGIC[0] else 7
        head = data[start : start + size]
        return noted(message(length, size), read, self.direction, head)

    def begins(self, data: bytes, ended: bool) -> int:
        """Say whether a half that begins so is AMQP 0-9-1."""
        if data.startswith(b"AMQP\0\0\x09\1") or (
            data[:1] == b"\1"
            and (data[1:3] == b"\0\0" and data[7:11] == b"\0\x0a\0\x0a")
        ):
            return ITS_OWN
        begun = b"AMQP\0\0\x09\1".startswith(data) or (
            len(data) < 11 and b"\1\0\0".startswith(data[:3])
        )
        if begun and not ended:
            return TOO_SHORT
        return CANNOT_SAY if data[:1] in b"\1\2\3\x08" else NOT_ITS_OWN

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes: the client begins with the protocol's name."""
        return 0 if data.startswith(MAGIC) else -1

    reader = staticmethod(read)
