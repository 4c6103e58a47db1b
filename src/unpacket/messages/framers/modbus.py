"""Modbus/TCP: a transaction, a length, a unit, and a function with its data."""

import re
from collections.abc import Sequence
from typing import Any

from unpacket.messages.constants import CANNOT_SAY, ITS_OWN, NOT_ITS_OWN, TOO_SHORT
from unpacket.messages.framers.measured import Measured
from unpacket.messages.framers.noted import Noted, Octets

HEADER = 7
# A unit and a function at least; 253 bytes of it at most.
LEAST, MOST = 2, 254
EXCEPTION = 0x80
FUNCTIONS = {
    1: "read coils", 2: "read discrete inputs", 3: "read holding registers",
    4: "read input registers", 5: "write coil", 6: "write register",
    7: "read exception status", 8: "diagnostics", 11: "get event counter",
    12: "get event log", 15: "write coils", 16: "write registers",
    17: "report server id", 20: "read file record", 21: "write file record",
    22: "mask write register", 23: "read and write registers", 24: "read queue",
    43: "encapsulated transport", 90: "unity",
}  # fmt: skip
EXCEPTIONS = {
    1: "illegal function", 2: "illegal data address", 3: "illegal data value",
    4: "device failure", 5: "acknowledge", 6: "busy", 8: "memory parity error",
    10: "gateway path unavailable", 11: "gateway target failed to respond",
}  # fmt: skip


def read(message: Noted, facts: dict[str, Any]) -> str:
    """Read a request or a response."""
    facts["transaction"] = int.from_bytes(message.head[:2])
    facts["unit"] = message.head[6]
    octets = Octets(message.seen())
    number = octets.number(1)
    name = FUNCTIONS.get(number & 0x7F, str(number & 0x7F))
    facts["function"] = name
    if number & EXCEPTION:
        code = octets.number(1)
        facts["exception"] = EXCEPTIONS.get(code, str(code))
        return f"{name}: {facts['exception']}"
    if number in (5, 6) or (number in (1, 2, 3, 4, 15, 16) and message.side == 0):
        facts["address"] = octets.number(2)
        facts["value" if number in (5, 6) else "count"] = octets.number(2)
        return f"{name} {facts['address']}"
    if number in (1, 2, 3, 4):
        data = octets.sized(1)
        if number in (3, 4) and len(data) % 2 == 0:
            words = (data[at : at + 2] for at in range(0, len(data), 2))
            facts["registers"] = [int.from_bytes(word) for word in words]
        else:
            facts["data"] = data.hex()
    elif number in (15, 16):
        facts["address"] = octets.number(2)
        facts["count"] = octets.number(2)
    return name


class Modbus(Measured):
    """Cuts Modbus/TCP into requests and responses."""

    __slots__ = ()

    name = "modbus"
    ports = (502,)
    head = HEADER
    starts = re.compile(rb"..\x00\x00\x00[\x02-\xfe]|.{0,2}\x00{0,3}\Z", re.DOTALL)
    reader = staticmethod(read)

    def measure(self, data: bytes, start: int, sought: bool) -> int:
        """Return how long a message is."""
        left = len(data) - start
        if left < HEADER + 1:
            if any(data[start + 2 : start + 5]):
                return 0
            # Each of those three bytes may say that it is none.
            return min(left - 3, -1) if left < 5 else left - HEADER - 1
        length = int.from_bytes(data[start + 4 : start + 6])
        if any(data[start + 2 : start + 4]) or not LEAST <= length <= MOST:
            return 0
        function = data[start + 7]
        if function & 0x7F == 0 or (sought and function & 0x7F not in FUNCTIONS):
            return 0
        # Some devices send more than the code of an exception.
        return 0 if sought and function & EXCEPTION and length != 3 else 6 + length

    def begins(self, data: bytes, ended: bool) -> int:
        """Say whether a half that begins so may be Modbus; few bytes say little."""
        length = self.measure(data, 0, False) if data else -1
        if length < 0:
            return NOT_ITS_OWN if ended else TOO_SHORT
        return CANNOT_SAY if length else NOT_ITS_OWN

    def together(self, first: Sequence[bytes], ended: bool) -> int:
        """Say whether both sides are: transaction, unit and function are the same."""
        one, other = first
        if min(len(one), len(other)) <= HEADER:
            return CANNOT_SAY if ended else TOO_SHORT
        same = one[:2] == other[:2] and one[6] == other[6]
        return ITS_OWN if same and (one[7] ^ other[7]) & 0x7F == 0 else CANNOT_SAY
