"""Which conversation a segment is of, by its ends: Wireshark's ``tcp.stream``.

A conversation never times out, and ends only where a SYN begins another between the
same ends. VLANs and tunnels tell connections apart as far as the decoder's ``context``
does.
"""

from array import array

from unpacket._core.decode.segments import Segments
from unpacket.analysis.constants import KEY_WORDS, NO_CONVERSATION

FIRST_SLOTS = 1 << 12


class Conversations:
    """The latest conversation between each two ends, in an open-addressed table.

    Attributes:
        count: How many there were so far; the next has this number.
        keys: Of each conversation its ends, KEY_WORDS numbers: ``a_hi``, ``a_lo``,
            ``b_hi``, ``b_lo``, ports, context and family.
    """

    __slots__ = ("_mask", "_slots", "_used", "count", "keys")

    def __init__(self) -> None:
        self._slots = array("q", [NO_CONVERSATION]) * FIRST_SLOTS
        self._mask = FIRST_SLOTS - 1
        self._used = 0
        self.count = 0
        self.keys = memoryview(bytearray(8 * KEY_WORDS * FIRST_SLOTS)).cast("Q")

    def slot_of(self, segments: Segments, i: int) -> int:
        """Return the slot of row ``i``: its own, or the one that is free for it."""
        slot = (segments.hash[i] >> 15) & self._mask
        while True:
            number = self._slots[slot]
            if number < 0:
                return slot
            at = number * KEY_WORDS
            if (
                self.keys[at + 4] == segments.ports[i]
                and self.keys[at + 1] == segments.a_lo[i]
                and self.keys[at + 3] == segments.b_lo[i]
                and self.keys[at] == segments.a_hi[i]
                and self.keys[at + 2] == segments.b_hi[i]
                and self.keys[at + 5] == segments.context[i]
                and self.keys[at + 6] == segments.family[i]
            ):
                return slot
            slot = (slot + 1) & self._mask

    def at(self, slot: int) -> int:
        """Return the conversation of a slot, or NO_CONVERSATION."""
        return self._slots[slot]

    def begin(self, slot: int, segments: Segments, i: int) -> int:
        """Begin a conversation with row ``i``, and return its number."""
        number = self.count
        at = number * KEY_WORDS
        if at + KEY_WORDS > len(self.keys):
            larger = memoryview(bytearray(16 * len(self.keys))).cast("Q")
            larger[: len(self.keys)] = self.keys
            self.keys = larger
        self.keys[at] = segments.a_hi[i]
        self.keys[at + 1] = segments.a_lo[i]
        self.keys[at + 2] = segments.b_hi[i]
        self.keys[at + 3] = segments.b_lo[i]
        self.keys[at + 4] = segments.ports[i]
        self.keys[at + 5] = segments.context[i]
        self.keys[at + 6] = segments.family[i]
        self.keys[at + 7] = segments.hash[i]
        self.count += 1
        if self._slots[slot] < 0:
            self._used += 1
        self._slots[slot] = number
        if 2 * self._used > self._mask:
            self._grow()
        return number

    def _grow(self) -> None:
        """Let the table have twice as many slots."""
        old = self._slots
        size = 2 * (self._mask + 1)
        self._slots = array("q", [NO_CONVERSATION]) * size
        self._mask = size - 1
        for index in range(size // 2):
            number = old[index]
            if number >= 0:
                slot = (self.keys[number * KEY_WORDS + 7] >> 15) & self._mask
                while self._slots[slot] >= 0:
                    slot = (slot + 1) & self._mask
                self._slots[slot] = number
