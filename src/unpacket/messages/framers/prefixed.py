"""Messages that begin with their length, as many protocols of programs have them."""

import struct

from unpacket.messages.answers import Answer, message, need, refuse
from unpacket.messages.framer import Framer

# Offsets have 63 bits, and the message lies somewhere in them.
MAX_LENGTH = 1 << 62


class Prefixed(Framer):
    """A header with a length in it, and so many bytes.

    Nothing in such a message says that it is one. So behind a hole that hides a
    length, and in a stream whose beginning was not captured, nobody knows where the
    next one begins: all that follows is skipped. A hole elsewhere costs its bytes.

    Args:
        format: What ``struct`` is to read: one integer, such as ``>H`` or ``<I``.
        offset: How many bytes of the header come before it.
        adjust: How many bytes follow the length, beyond what it says: -4 where a
            length of four bytes at the front counts itself.
        max_length: The longest message that is believed, in bytes.

    Raises:
        ValueError: The format is not that of one integer.
    """

    __slots__ = ("adjust", "head", "lost", "max_length", "offset", "packed")

    name = "prefixed"

    def __init__(
        self,
        format: str = ">H",
        offset: int = 0,
        adjust: int = 0,
        max_length: int = 1 << 31,
    ) -> None:
        try:
            self.packed = struct.Struct(format)
            values = self.packed.unpack(bytes(self.packed.size))
        except struct.error:
            values = ()
        if len(values) != 1 or type(values[0]) is not int:
            raise ValueError(f"format is {format!r}, and not that of one integer")
        if offset < 0:
            raise ValueError(f"offset is {offset}, and not 0 or more")
        self.offset = offset
        self.adjust = adjust
        self.max_length = min(max_length, MAX_LENGTH)
        self.head = offset + self.packed.size
        self.lost = False

    def begin(self, direction: int, whole: bool) -> Framer:
        """Return the framer of a half that begins."""
        half = Prefixed(self.packed.format, self.offset, self.adjust, self.max_length)
        half.lost = not whole
        return half

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        """Say how long the message is that begins at ``data[start]``."""
        if self.lost:
            return refuse()
        missing = start + self.head - len(data)
        if missing > 0:
            return need(missing)
        (value,) = self.packed.unpack_from(data, start + self.offset)
        length = self.head + value + self.adjust
        if length < self.head or length > self.max_length:
            self.lost = True
            return refuse()
        return message(length, self.head)

    def find_start(self, data: bytes, start: int, ended: bool) -> int:
        """Return the end of the data: no message can be known by its bytes."""
        return len(data) if self.lost else start

    def reset(self) -> None:
        """Nobody knows where the next message begins."""
        self.lost = True
