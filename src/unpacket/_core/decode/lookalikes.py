# cython: nonecheck=False, initializedcheck=False
"""UDP that looks like a tunnel, on ports where none is looked for.

Only what leaves little doubt counts, for a port is suggested to somebody: VXLAN and
Geneve with all reserved bits clear and a frame or packet inside, GTP-U with the length
of its datagram.
"""

from unpacket._core.decode.packet import Packet
from unpacket._core.decode.tunnels.layer2 import looks_like_ethernet
from unpacket._core.native import reads

# The ports that are known for what is recognised.
VXLAN_PORT = 4789
GENEVE_PORT = 6081
GTP_PORT = 2152

# Ports that are counted: somebody may make up all of them.
MAX_PORTS = 64


class Lookalikes:
    """Counts the frames that look like a tunnel, by port.

    Attributes:
        counts: Frames, by port and the usual port of what they look like.
    """

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: dict[tuple[int, int], int] = {}

    def look(self, packet: Packet) -> None:
        """Count a packet of UDP whose header is at ``packet.at``."""
        usual = resembled(packet)
        if usual == 0:
            return
        key = (reads.be16(packet, packet.at + 2), usual)
        if key in self.counts or len(self.counts) < MAX_PORTS:
            self.counts[key] = self.counts.get(key, 0) + 1


def resembled(packet: Packet) -> int:
    """Return the usual port of the tunnel that a packet looks like, or 0."""
    at = packet.at + 8
    # A header, and the shortest that it can be of.
    if packet.stop - at < 8 + 20:
        return 0
    size = reads.be16(packet, packet.at + 4) - 8
    words = reads.be32(packet, at)
    last = reads.be32(packet, at + 4)
    if words == 0x08000000 and last & 0xFF == 0:
        return VXLAN_PORT if looks_like_ethernet(packet, at + 8) else 0
    if words >> 24 & 0xF8 == 0x30 and words >> 16 & 0xFF == 0xFF:
        fits = words & 0xFFFF == size - 8
        return GTP_PORT if fits and (words & 0x07000000 or is_ip(packet, at + 8)) else 0
    # Version 0; control packets are none of a user's.
    if words >> 30 == 0 and words & 0xBF0000 == 0 and last & 0xFF == 0:
        inner = at + 8 + (words >> 24 & 63) * 4
        ethertype = words & 0xFFFF
        if ethertype == 0x6558:
            return GENEVE_PORT if looks_like_ethernet(packet, inner) else 0
        if ethertype == 0x0800 or ethertype == 0x86DD:
            return GENEVE_PORT if is_ip(packet, inner) else 0
    return 0


def is_ip(packet: Packet, at: int) -> bool:
    """Return whether there is IP at ``at`` that is as long as its datagram."""
    if packet.stop - at < 20:
        return False
    stop = packet.at + reads.be16(packet, packet.at + 4)
    if packet.data[at] >> 4 == 4:
        return at + reads.be16(packet, at + 2) == stop
    return packet.data[at] >> 4 == 6 and at + 40 + reads.be16(packet, at + 4) == stop
