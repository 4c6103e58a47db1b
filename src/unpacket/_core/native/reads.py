"""Numbers in network byte order, out of a packet. Beyond its data there are zeros.

The compiled twin is in the ``.pxd``: in C a call from module to module is not
inlined, and a dozen of them for each frame took 27 of 124 ns.
"""

from unpacket._core.decode.packet import Packet


def be16(packet: Packet, at: int) -> int:
    """Return the 16 bits at ``at``."""
    if at < 0 or at > len(packet.data) - 2:
        return 0
    return packet.data[at] << 8 | packet.data[at + 1]


def be32(packet: Packet, at: int) -> int:
    """Return the 32 bits at ``at``."""
    if at < 0 or at > len(packet.data) - 4:
        return 0
    return int.from_bytes(packet.data[at : at + 4], "big")


def be64(packet: Packet, at: int) -> int:
    """Return the 64 bits at ``at``, or as much of them as ``be32`` returns."""
    return be32(packet, at) << 32 | be32(packet, at + 4)
