"""DLT (AUTOSAR diagnostic log and trace), with a storage or serial header or without.

Those headers begin with magic; without them a message is one if another follows.
"""

import re
import struct
from typing import Any

from unpacket.messages.answers import Answer, message
from unpacket.messages.constants import CANNOT_SAY, ITS_OWN, NOT_ITS_OWN, TOO_SHORT
from unpacket.messages.framers.measured import Measured
from unpacket.messages.framers.noted import MOST_ITEMS, Noted, Octets, noted, text

STORAGE, SERIAL = b"DLT\x01", b"DLS\x01"
STORAGE_BYTES = 16
# The bits of a header's first byte; those above are the version.
EXTENDED, BIG_ENDIAN, WITH_ECU, WITH_SESSION, WITH_TIME = 1, 2, 4, 8, 16
VERSION = 0x20
EXTENDED_BYTES = 10
TYPES = ("log", "trace", "network", "control")
LEVELS = ("", "fatal", "error", "warning", "info", "debug", "verbose")
CONTROLS = {1: "request", 2: "response", 3: "time"}
IDENTIFIER = re.compile(rb"[ -~]{1,4}\x00*\Z")


def header(flags: int) -> int:
    """Return how long the standard header is that has some parts."""
    parts = sum(4 for part in (WITH_ECU, WITH_SESSION, WITH_TIME) if flags & part)
    return 4 + parts + (EXTENDED_BYTES if flags & EXTENDED else 0)


def before(data: bytes, start: int) -> int:
    """Return how long the header before the standard one is."""
    magic = data[start : start + 4]
    return STORAGE_BYTES if magic == STORAGE else 4 if magic == SERIAL else 0


def read(message: Noted, facts: dict[str, Any]) -> str:
    """Read a message."""
    octets = Octets(message.head)
    size = before(message.head, 0)
    if size == STORAGE_BYTES:
        seconds, micros = struct.unpack("<Ii", message.head[4:12])
        facts["stored_s"] = seconds + micros / 1_000_000
        facts["stored_ecu"] = text(message.head[12:16].rstrip(b"\0"))
    octets.take(size)
    flags = octets.number(1)
    facts["counter"] = octets.number(1)
    octets.take(2)
    if flags & WITH_ECU:
        facts["ecu"] = text(octets.take(4).rstrip(b"\0"))
    if flags & WITH_SESSION:
        facts["session"] = octets.number(4)
    if flags & WITH_TIME:
        # In tenths of a millisecond.
        facts["uptime_s"] = octets.number(4) / 10_000
    order = ">" if flags & BIG_ENDIAN else "<"
    payload = Octets(message.seen())
    if not flags & EXTENDED:
        return read_number(payload, facts, order)
    info, count = octets.number(1), octets.number(1)
    facts["application"] = text(octets.take(4).rstrip(b"\0"))
    facts["context"] = text(octets.take(4).rstrip(b"\0"))
    kind, detail = info >> 1 & 7, info >> 4
    facts["type"] = TYPES[kind] if kind < 4 else str(kind)
    if kind == 0:
        facts["level"] = LEVELS[detail] if detail < len(LEVELS) else str(detail)
    elif kind == 3:
        facts["control"] = CONTROLS.get(detail, str(detail))
    words = f"{facts['application']} {facts['context']} {facts.get('level', '')}"
    if not info & 1:
        return f"{words.strip()} {read_number(payload, facts, order)}"
    arguments: list[Any] = []
    facts["arguments"] = arguments
    for _ in range(min(count, MOST_ITEMS)):
        arguments.append(argument(payload, order))
    return f"{words.strip()} {' '.join(map(str, arguments))}"


def read_number(octets: Octets, facts: dict[str, Any], order: str) -> str:
    """Read the number that says what a payload without types is."""
    facts["message_id"] = struct.unpack(f"{order}I", octets.take(4))[0]
    return f"message {facts['message_id']}"


def argument(octets: Octets, order: str) -> Any:
    """Return a value with the type before it; bytes and what is rare as hex."""
    little = order == "<"
    number = octets.little if little else octets.number
    kind = number(4)
    size = (0, 1, 2, 4, 8, 16)[kind & 15] if kind & 15 < 6 else 0
    named = bool(kind & 0x800)
    if kind & 0x600:
        # A string, or bytes; a name comes before either.
        length = number(2)
        if named:
            octets.take(number(2))
        value = octets.take(length)
        return text(value.rstrip(b"\0")) if kind & 0x200 else value.hex()
    if named:
        names = number(2), number(2) if not kind & 0x10 else 0
        octets.take(sum(names))
    value = octets.take(size or 1)
    endian = "little" if little else "big"
    if kind & 0x10:
        return value != b"\0"
    if kind & 0x80 and size in (4, 8):
        return struct.unpack(f"{order}{'f' if size == 4 else 'd'}", value)[0]
    return int.from_bytes(value, endian, signed=bool(kind & 0x20))  # type: ignore[arg-type]


class Dlt(Measured):
    """Cuts DLT into messages."""

    __slots__ = ()

    name = "dlt"
    ports = (3490,)
    starts = re.compile(rb"D(?:\Z|L(?:\Z|[TS](?:\Z|\x01)))|[\x20-\x3f]")
    reader = staticmethod(read)

    def measure(self, data: bytes, start: int, sought: bool) -> int:
        """Return how long a message is."""
        left = len(data) - start
        if data[start] == STORAGE[0]:
            if left < 4:
                begun = data[start:]
                fits = STORAGE.startswith(begun) or SERIAL.startswith(begun)
                return left - 4 if fits else 0
            if not before(data, start):
                return 0
        at = start + before(data, start)
        if at + 4 > len(data):
            fits = at >= len(data) or data[at] & 0xE0 == VERSION
            return len(data) - at - 4 if fits else 0
        flags = data[at]
        size = header(flags)
        length = int.from_bytes(data[at + 2 : at + 4])
        if flags & 0xE0 != VERSION or length < size:
            return 0
        # All of the header has to be there, since it is no body.
        if at + size > len(data):
            return len(data) - at - size
        if sought and at == start and not identified(data, at):
            return 0
        return at - start + length

    def answer(self, data: bytes, start: int, length: int) -> Answer:
        """Return the answer for a message that begins there."""
        size = before(data, start)
        size += header(data[start + size])
        head = data[start : start + size]
        return noted(message(length, size), read, self.direction, head)

    def begins(self, data: bytes, ended: bool) -> int:
        """Say whether a half that begins so is DLT: by magic, or by names."""
        length = self.measure(data, 0, True) if data else -1
        if length < 0:
            return NOT_ITS_OWN if ended else TOO_SHORT
        if length == 0:
            return NOT_ITS_OWN
        flags = data[0]
        sure = before(data, 0) or (flags & (EXTENDED | WITH_ECU) == 5 and length < 4096)
        return ITS_OWN if sure else CANNOT_SAY


def identified(data: bytes, at: int) -> bool:
    """Return whether the names in a header are some."""
    flags = data[at]
    end = at + header(flags)
    names = []
    if flags & WITH_ECU:
        names.append(data[at + 4 : at + 8])
    if flags & EXTENDED:
        names += [data[end - 8 : end - 4], data[end - 4 : end]]
    return all(IDENTIFIER.match(name) or name == bytes(4) for name in names)
