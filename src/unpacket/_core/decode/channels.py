# cython: nonecheck=False, initializedcheck=False
"""By which channel each segment came to the capture: interface, VLAN, MAC addresses.

Only where the policy asks for it: each direction of a connection is then taken from
one channel alone (``choice`` decides from which). A channel is a number other than 0,
equal where interface, VLAN tags or addresses are; MAC addresses, which are longer, are
told apart by 62 bits of them.

Bytes of a frame are read unchecked (``native.loads``), where the batch says that the
frame has them. No sum exceeds 64 bits: a product of 32 bits and a factor is below
2**60, and no more than three are added up.
"""

from array import array

from unpacket._core.constants import LOW32
from unpacket._core.decode.layers import ID_BITS, MAX_LAYERS, VLAN
from unpacket._core.decode.segments import Segments
from unpacket._core.memory.batch import Batch
from unpacket._core.native import loads

# What ``Policy.channel`` names but for the first, in the order of these numbers.
RULES = ("any", "interface", "vlan", "mac")
BY_INTERFACE = 1
BY_VLAN = 2

# Of a frame without tags.
UNTAGGED = 1
TAG_BITS = 13
# Set in each tag, so that a tag is never nothing.
TAG = 1 << 12
# What is left of the tags before, to have room for another one.
TAGS_MASK = (1 << 50) - 1
ADDRESSES = 1 << 62

# Link types, and what is read of their headers: the two addresses of Ethernet; the
# sender's of Linux's cooked captures, where the second kind has the interface too.
ETHERNET = 1
COOKED = 113
COOKED_2 = 276
ETHERNET_BYTES = 12
COOKED_BYTES = 14
COOKED_2_BYTES = 20

# As those of ``duplicates``.
FACTOR_0 = 0x9E3779B
FACTOR_1 = 0x243F6A9
FACTOR_2 = 0xB7E1515


class Channels:
    """Tells channels apart.

    Args:
        rule: By which of ``RULES``.
    """

    __slots__ = ("_rule",)

    def __init__(self, rule: str) -> None:
        self._rule = RULES.index(rule)

    def tell(self, batch: Batch, segments: Segments) -> int:
        """Fill the column ``channel`` of the segments, which are of ``batch``."""
        for i in range(segments.count):
            segments.channel[i] = self.of(
                batch,
                segments.index[i],
                segments.layers,
                MAX_LAYERS * i,
                segments.layer_count[i],
            )
        return 0

    def salt(self, segments: Segments) -> int:
        """Make segments of other channels look like those of other connections.

        As long as copies are looked for: a packet has none in another channel, nor
        shall that channel's packets push it out of the table. The second call undoes
        what the first did.
        """
        for i in range(segments.count):
            mixed = (segments.channel[i] & LOW32) * FACTOR_0
            mixed += (segments.channel[i] >> 32) * FACTOR_1
            segments.identity[i] ^= mixed
            segments.ports[i] ^= mixed >> 20 & LOW32
        return 0

    def of(
        self, batch: Batch, index: int, layers: "array[int]", first: int, count: int
    ) -> int:
        """Return the channel of a frame with ``count`` layers from ``first`` on."""
        captured = batch.captured[index]
        start = batch.start[index]
        link_type = batch.link_type[index]
        if self._rule == BY_INTERFACE:
            channel = batch.interface[index] if batch.has_interfaces else 0
            channel = (channel & LOW32 >> 1) + 1 << 32
            if link_type == COOKED_2 and captured >= COOKED_2_BYTES:
                channel |= loads.load32(batch.data, start + 4, True)
            return channel
        if self._rule == BY_VLAN:
            channel = UNTAGGED
            for n in range(first, first + count):
                tag = layers[n] & 0xFFF
                # 0 is a priority, and no VLAN (IEEE 802.1Q).
                if layers[n] >> ID_BITS == VLAN and tag:
                    channel = (channel & TAGS_MASK) << TAG_BITS | TAG | tag
            return channel
        channel = ADDRESSES
        if link_type == ETHERNET and captured >= ETHERNET_BYTES:
            word = loads.load32(batch.data, start + 8, True)
            channel += word * FACTOR_2
        elif link_type == COOKED and captured >= COOKED_BYTES:
            start += 6
        elif link_type == COOKED_2 and captured >= COOKED_2_BYTES:
            start += 12
        else:
            return channel
        word = loads.load32(batch.data, start, True)
        channel += word * FACTOR_0
        word = loads.load32(batch.data, start + 4, True)
        channel += word * FACTOR_1
        return channel
