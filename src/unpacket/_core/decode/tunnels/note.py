# cython: nonecheck=False, initializedcheck=False
"""What a tunnel leaves in the path of a stream, and in its key."""

from unpacket._core.decode.layers import IPV4, IPV6, KEYED_BY_NOTHING
from unpacket._core.decode.link import network_type
from unpacket._core.decode.packet import Packet
from unpacket._core.decode.reasons import NOT_IP, TUNNEL_TRUNCATED


def outer(packet: Packet) -> int:
    """Note the IP header that a tunnel is in."""
    packet.push(IPV4 if packet.family == 4 else IPV6, 0)
    return 0


def ends(packet: Packet, kind: int) -> int:
    """Let the two ends of a tunnel, in either order, tell its streams apart."""
    if packet.keyed_by == KEYED_BY_NOTHING:
        return 0
    packet.add_key(kind << 32 | 0x40000000)
    if packet.src_hi < packet.dst_hi or (
        packet.src_hi == packet.dst_hi and packet.src_lo < packet.dst_lo
    ):
        packet.add_key(packet.src_hi)
        packet.add_key(packet.src_lo)
        packet.add_key(packet.dst_hi)
        packet.add_key(packet.dst_lo)
    else:
        packet.add_key(packet.dst_hi)
        packet.add_key(packet.dst_lo)
        packet.add_key(packet.src_hi)
        packet.add_key(packet.src_lo)
    return 0


def number(packet: Packet, kind: int, identifier: int) -> int:
    """Note a header whose identifier both directions have."""
    packet.push(kind, identifier)
    if packet.keyed_by != KEYED_BY_NOTHING:
        packet.add_key(kind << 32 | identifier)
    return 0


def typed(packet: Packet, ethertype: int) -> int:
    """Go on by an EtherType where there is no length instead of it."""
    if ethertype < 0x0600:
        return NOT_IP
    return network_type(packet, ethertype)


def bare_ip(packet: Packet) -> int:
    """Tell IP by its version."""
    if packet.stop <= packet.at:
        return TUNNEL_TRUNCATED
    version = packet.data[packet.at] >> 4
    if version == 4:
        return network_type(packet, 0x0800)
    if version == 6:
        return network_type(packet, 0x86DD)
    return NOT_IP
