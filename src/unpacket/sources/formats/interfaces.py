# cython: nonecheck=False
"""What the interfaces of a pcapng section say of their packets.

An interface counts time in ticks of ``10**-n`` or ``2**-n`` seconds, from an epoch
that may be moved by whole seconds. A time that 64 bits cannot hold in nanoseconds
(more than 292 years from 1970) becomes the nearest that they can.
"""

from array import array

from unpacket._core.constants import LOW32

# Merging captures makes an interface of each; tshark has merged some thousands.
MAX_INTERFACES = 1 << 16
BILLION = 1_000_000_000
LAST_WHOLE_SECOND = 9_223_372_035
LATEST_NS = (1 << 63) - 1
# In ``shift``: the ticks are decimal.
DECIMAL = 255
# Ticks so short that 2**64 of them are less than a nanosecond.
NO_TIME = 127


class Interfaces:
    """The interfaces of one section, by number from 0, as columns."""

    __slots__ = (
        "_capacity",
        "_divisor",
        "_most_ticks",
        "_multiplier",
        "_offset_ns",
        "_shift",
        "count",
        "counts_lost",
        "last_ns",
        "link_type",
        "longest",
        "lost",
        "noted",
        "snaplen",
    )

    link_type: "array[int]"
    longest: "array[int]"
    snaplen: "array[int]"
    _shift: bytearray
    _multiplier: "array[int]"
    _most_ticks: "array[int]"
    _divisor: "array[int]"
    _offset_ns: "array[int]"

    def __init__(self) -> None:
        self.count = 0
        # The time of the latest packet: all that is known of one without a time.
        self.last_ns = 0
        # What packets said was lost before them, if any did.
        self.lost = 0
        self.counts_lost = False
        # How many packets have a comment, or a count of losses, among their options.
        self.noted = 0
        self._capacity = 0
        self._grow(8)

    def _grow(self, capacity: int) -> None:
        link_type = array("H", bytes(2 * capacity))
        longest = array("I", bytes(4 * capacity))
        snaplen = array("I", bytes(4 * capacity))
        shift = bytearray(capacity)
        multiplier = array("Q", bytes(8 * capacity))
        most_ticks = array("Q", bytes(8 * capacity))
        divisor = array("Q", bytes(8 * capacity))
        offset_ns = array("q", bytes(8 * capacity))
        for index in range(self.count):
            link_type[index] = self.link_type[index]
            longest[index] = self.longest[index]
            snaplen[index] = self.snaplen[index]
            shift[index] = self._shift[index]
            multiplier[index] = self._multiplier[index]
            most_ticks[index] = self._most_ticks[index]
            divisor[index] = self._divisor[index]
            offset_ns[index] = self._offset_ns[index]
        self.link_type = link_type
        self.longest = longest
        self.snaplen = snaplen
        self._shift = shift
        self._multiplier = multiplier
        self._most_ticks = most_ticks
        self._divisor = divisor
        self._offset_ns = offset_ns
        self._capacity = capacity

    def add(
        self,
        link_type: int,
        snaplen: int,
        longest: int,
        resolution: int,
        offset_s: int,
    ) -> None:
        """Add the interface with the next number.

        Args:
            snaplen: How many bytes of a packet were kept; 0 for all.
            longest: More captured bytes than this are damage.
            resolution: The byte of if_tsresol: n, with the high bit set for 2**-n
                seconds and else 10**-n.
            offset_s: if_tsoffset, in seconds.

        Raises:
            ValueError: There are MAX_INTERFACES already.
        """
        if self.count == MAX_INTERFACES:
            raise ValueError(f"more than {MAX_INTERFACES} interfaces in a section")
        if self.count == self._capacity:
            self._grow(2 * self._capacity)
        shift = DECIMAL
        multiplier = 1
        divisor = 1
        if resolution & 0x80:
            shift = resolution & 0x7F
        elif resolution <= 9:
            multiplier = 10 ** (9 - resolution)
        elif resolution <= 28:  # 10**19 is the last that 64 bits hold
            divisor = 10 ** (resolution - 9)
        else:
            shift = NO_TIME
        index = self.count
        self.link_type[index] = link_type
        self.snaplen[index] = snaplen
        self.longest[index] = longest
        self._shift[index] = shift
        self._multiplier[index] = multiplier
        self._most_ticks[index] = LATEST_NS // multiplier
        self._divisor[index] = divisor
        self._offset_ns[index] = max(
            -LATEST_NS, min(LATEST_NS, offset_s * 1_000_000_000)
        )
        self.count = index + 1

    def time_ns(self, index: int, ticks: int) -> int:
        """Return nanoseconds since 1970, rounded down, of a time in ticks."""
        n = self._shift[index]
        if n == DECIMAL:
            if self._divisor[index] > 1:
                since_ns = ticks // self._divisor[index]
            elif ticks > self._most_ticks[index]:
                since_ns = LATEST_NS
            else:
                since_ns = ticks * self._multiplier[index]
        else:
            # Nanoseconds are ticks * 10**9 / 2**n, in pieces that fit into 64 bits.
            seconds = ticks >> n if n < 64 else 0
            rest = ticks - (seconds << n) if n < 64 else ticks
            if n < 32:
                rest = rest * BILLION >> n
            elif n < 96:
                rest = (rest >> 32) * BILLION + ((rest & LOW32) * BILLION >> 32)
                rest >>= n - 32
            else:
                rest = 0
            if seconds > LAST_WHOLE_SECOND:
                since_ns = LATEST_NS
            else:
                since_ns = seconds * BILLION + rest
        offset_ns = self._offset_ns[index]
        if offset_ns > 0 and since_ns > LATEST_NS - offset_ns:
            return LATEST_NS
        return since_ns + offset_ns
