# cython: nonecheck=False, initializedcheck=False
# cython: boundscheck=False, overflowcheck=False
"""Which frames are copies that the capture made of others: mirror ports, two taps.

A switch that mirrors a packet as it comes and as it goes, and taps before and behind
a router, show it twice. It was sent once: its copy is no retransmission.
docs/captures.md has the rule, and its reasons.

The checks of index and overflow are off in this file, whose loop every segment takes.
Rows are below ``segments.count``, and every column has ``capacity`` rows; slots are
masked, and the tables have as many. Eight bytes of a frame are read where the batch
says that it has twelve. Differences are masked to 64 bits; a product of 32 bits and a
factor is below 2**60, and never are more than four added up.
"""

from array import array

from unpacket._core.constants import LOW32
from unpacket._core.decode.layers import MAX_LAYERS
from unpacket._core.decode.segments import BAD, UNFILLED, Segments
from unpacket._core.memory.batch import Batch
from unpacket._core.native import loads

# How many segments are remembered, each until another one takes its slot. In 128 KiB,
# which a processor's cache has room for; mirror ports have their copies within dozens.
SLOTS = 4096
SLOT_MASK = SLOTS - 1
# Words of a slot: the sequence and acknowledgement numbers; ``Segments.identity``; the
# time; ``facts``: frame number, checksum and its state, the way that it came by.
WORDS = 4

# The same of senders, of whom a copy was found lately: the connection with direction,
# steadiness and IP id; the numbers.
SENDERS = 1024
SENDER_MASK = SENDERS - 1
SENDER_WORDS = 2
STEADY = 1 << 16

# A copy needs no more evidence where it comes sooner than any sender could learn of a
# loss: what goes through two hosts and a switch takes longer.
PROMPT_NS = 50_000

MASK64 = (1 << 64) - 1
HALF64 = 1 << 63

# Within the window no capture has 2**24 frames that leave a slot alone.
FRAME_MASK = (1 << 24) - 1
SUM_SHIFT = 24
STATE_SHIFT = 40
WAY_SHIFT = 42
WAY_MASK = (1 << 22) - 1

SYN_OR_FIN = 3
RST = 4
ETHERNET = 1
# What two MAC addresses take.
ADDRESSES = 12

# Odd, below 2**28, and else digits of pi, e and some roots.
FACTOR_0 = 0x9E3779B
FACTOR_1 = 0x243F6A9
FACTOR_2 = 0xB7E1515
FACTOR_3 = 0x6A09E67


class Duplicates:
    """Remembers the latest segments, and finds those that come again.

    Args:
        window_ns: How far apart a frame and its copy may be.
    """

    __slots__ = ("_fine", "_last_ns", "_senders", "_table", "_window_ns")

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self._table = array("Q", bytes(8 * WORDS * SLOTS))
        self._senders = array("Q", bytes(8 * SENDER_WORDS * SENDERS))
        self._last_ns = 0
        # Whether the capture's clock is known to tell such times apart.
        self._fine = False

    def mark(self, batch: Batch, segments: Segments) -> int:
        """Fill the column ``copy`` of the segments, which are of ``batch``."""
        for i in range(segments.count):
            segments.copy[i] = 0
            seq = segments.seq[i]
            ack = segments.ack[i]
            numbers = seq << 32 | ack
            identity = segments.identity[i]
            now = segments.time_ns[i] & MASK64
            if not self._fine:
                self._fine = 0 < distance(now, self._last_ns) <= PROMPT_NS
                self._last_ns = now
            index = segments.index[i]
            facts = batch.first_number + index & FRAME_MASK
            word = segments.sum[i]
            facts |= word << SUM_SHIFT
            word = segments.checksum[i]
            facts |= word << STATE_SHIFT
            word = segments.ttl[i]
            if segments.ip_id[i] == 0:
                word = way_of(batch, segments, i, index)
            facts |= word << WAY_SHIFT
            # By nothing that is secret: what is found is the same in every run.
            slot = seq ^ (ack << 16 & LOW32 | ack >> 16) ^ segments.ports[i]
            slot = WORDS * (slot * FACTOR_0 >> 28 & SLOT_MASK)
            if self._table[slot] == numbers and self._table[slot + 1] == identity:
                age = distance(now, self._table[slot + 2])
                word = self._table[slot + 3]
                if (
                    age <= self._window_ns
                    and may_be_equal(facts, word)
                    and self.came_twice(segments, i, numbers, facts ^ word, age)
                ):
                    segments.copy[i] = (facts & FRAME_MASK) - word & FRAME_MASK
                    continue
            self._table[slot] = numbers
            self._table[slot + 1] = identity
            self._table[slot + 2] = now
            self._table[slot + 3] = facts
        return 0

    def came_twice(
        self, segments: Segments, i: int, numbers: int, differences: int, age: int
    ) -> bool:
        """Return whether there is evidence that a segment was not sent again."""
        if differences >> WAY_SHIFT != 0:
            return True
        if segments.ip_id[i] and self.counting(segments, i, numbers):
            return True
        flags = segments.flags[i]
        return (
            age <= PROMPT_NS
            and self._fine
            and flags & RST == 0
            and (segments.length[i] > 0 or flags & SYN_OR_FIN != 0)
        )

    def counting(self, segments: Segments, i: int, numbers: int) -> bool:
        """Return whether the IP id of a segment that comes again tells anything.

        It does not where it was the same in the one that came again before.
        """
        slot = (segments.a_lo[i] ^ segments.b_lo[i]) & LOW32 ^ segments.ports[i]
        slot = SENDER_WORDS * (slot * FACTOR_0 >> 28 & SENDER_MASK)
        sender = segments.hash[i] << 18
        if segments.direction[i]:
            sender |= 1 << 17
        before = self._senders[slot]
        entry = sender | segments.ip_id[i] & 0xFFFF
        if before >> 17 == entry >> 17:
            if self._senders[slot + 1] == numbers:
                return before & STEADY == 0
            if (before ^ entry) & 0xFFFF == 0:
                entry |= STEADY
        self._senders[slot] = entry
        self._senders[slot + 1] = numbers
        return entry & STEADY == 0


def way_of(batch: Batch, segments: Segments, i: int, index: int) -> int:
    """Return by which way a segment came to the capture, in 22 bits.

    Its TTL, the MAC address of the sender and what was around it: VLAN tags, tunnels.
    """
    word = segments.ttl[i]
    mixed = word * FACTOR_0
    if batch.link_type[index] == ETHERNET and batch.captured[index] >= ADDRESSES:
        # With the last two bytes of the receiver's.
        start = batch.start[index] + 4
        word = loads.load32(batch.data, start, True)
        mixed += word * FACTOR_1
        word = loads.load32(batch.data, start + 4, True)
        mixed += word * FACTOR_2
    for n in range(MAX_LAYERS * i, MAX_LAYERS * i + segments.layer_count[i]):
        word = segments.layers[n]
        mixed = (mixed >> 20 & LOW32) * FACTOR_3
        mixed += (word & LOW32) * FACTOR_1 + (word >> 32) * FACTOR_2
    return mixed >> 24 & WAY_MASK


def distance(time_ns: int, other_ns: int) -> int:
    """Return how far apart two times are, whichever is the later one."""
    ahead = time_ns - other_ns & MASK64
    return ahead if ahead < HALF64 else HALF64 - (ahead - HALF64)


def may_be_equal(facts: int, others: int) -> bool:
    """Return whether two segments may have the same bytes, by their checksums.

    A tap at the sender sees sums that the network card has yet to fill in.
    """
    state = facts >> STATE_SHIFT & 3
    other = others >> STATE_SHIFT & 3
    if (state == BAD) != (other == BAD):
        return False
    if state == UNFILLED or other == UNFILLED:
        return True
    return (facts ^ others) >> SUM_SHIFT & 0xFFFF == 0
