# cython: nonecheck=False, initializedcheck=False
"""Tunnels: from the header of what carries packets to the packet that is innermost.

The layers below come here with ENCAPSULATED, ``packet.inside`` saying what stands at
``packet.at``. Each function passes one header, notes it in the packet's layers, and
returns a number of ``reasons``: NONE at an IP header, ENCAPSULATED at the next tunnel
(or, with ``inside`` 0, at what nobody can look into), anything else as the end.

Work is bounded: each turn notes at least one layer, and there is room for MAX_LAYERS.

What leaves a key (``Policy.context``) is what both directions of a connection have in
common. Numbers of virtual networks are; of GRE, IP in IP, L2TP and the like it is the
pair of the tunnel's ends. Numbers that each receiver chooses for itself (GTP, L2TP,
MPLS labels), and addresses that change as a user moves (GTP), are facts of the path
and no key. MPLS is no key at all, since its labels are taken off one hop before the
end, so that one direction may have some and the other none; nor is ERSPAN, which is
how a copy came to be captured and no part of where the packet was; nor WCCP, since a
router redirects requests, and the answers go without.
"""

from unpacket._core.decode.ip import ip_layer
from unpacket._core.decode.layers import (
    CISCO_METADATA,
    ETAG,
    ETHERIP,
    ETHERNET,
    FABRICPATH,
    HSR,
    IPV4,
    IPV6,
    LINK_TYPES,
    MAX_LAYERS,
    MPLS,
    UDP_PORTS,
    VNTAG,
)
from unpacket._core.decode.link import network_type
from unpacket._core.decode.link_types import framing
from unpacket._core.decode.packet import Packet
from unpacket._core.decode.reasons import (
    ENCAPSULATED,
    NONE,
    TUNNEL_HEADER,
    TUNNEL_TRUNCATED,
)
from unpacket._core.decode.tunnels.gre import generic
from unpacket._core.decode.tunnels.layer2 import (
    backbone,
    ethernet,
    mpls,
    ppp,
    pppoe,
    secured,
    service_header,
    tag,
    trill,
)
from unpacket._core.decode.tunnels.note import ends, outer
from unpacket._core.decode.tunnels.udp import l2tp_v3, udp


def unwrap(packet: Packet) -> int:
    """Pass one tunnel after the other until there is none."""
    reason = ENCAPSULATED
    while reason == ENCAPSULATED:
        inside = packet.inside
        if inside == 0 or packet.layer_count == MAX_LAYERS:
            return ENCAPSULATED
        packet.inside = 0
        if inside >= LINK_TYPES:
            reason = framing(packet, inside - LINK_TYPES)
        elif inside >= UDP_PORTS:
            reason = udp(packet, inside - UDP_PORTS)
        elif inside < 256:
            reason = network(packet, inside)
        else:
            reason = link(packet, inside)
        if reason == NONE:
            # Whoever drops the outer packet never sees the inner one.
            damaged = packet.ip_header_damaged
            reason = ip_layer(packet)
            if damaged:
                packet.ip_header_damaged = True
    return reason


def link(packet: Packet, ethertype: int) -> int:
    """Pass the header that an EtherType announces."""
    if ethertype == 0x8847 or ethertype == 0x8848:
        return mpls(packet)
    if ethertype == 0x8864:
        return pppoe(packet)
    if ethertype == 0x880B:
        return ppp(packet)
    if ethertype == 0x6558:
        return ethernet(packet)
    if ethertype == 0x88E7:
        return backbone(packet)
    if ethertype == 0x894F:
        return service_header(packet)
    if ethertype == 0x88E5:
        return secured(packet)
    if ethertype == 0x8926:
        return tag(packet, VNTAG, 6)
    if ethertype == 0x893F:
        return tag(packet, ETAG, 8)
    if ethertype == 0x892F:
        return tag(packet, HSR, 6)
    if ethertype == 0x8909:
        return tag(packet, CISCO_METADATA, 8)
    if ethertype == 0x22F3:
        return trill(packet)
    if ethertype == 0x8903:
        # The rest of FabricPath's tag.
        if packet.stop - packet.at < 2:
            return TUNNEL_TRUNCATED
        packet.at += 2
        packet.push(FABRICPATH, 0)
        return ethernet(packet)
    return ENCAPSULATED


def network(packet: Packet, protocol: int) -> int:
    """Pass the header that an IP protocol number announces, and note that IP."""
    outer(packet)
    if protocol == 4 or protocol == 41:
        ends(packet, IPV4 if protocol == 4 else IPV6)
        return network_type(packet, 0x0800 if protocol == 4 else 0x86DD)
    if protocol == 47:
        return generic(packet)
    if protocol == 97:
        return ether_ip(packet)
    if protocol == 115:
        return l2tp_v3(packet)
    if protocol == 137:
        ends(packet, MPLS)
        return mpls(packet)
    ends(packet, ETHERNET)
    return ethernet(packet)


def ether_ip(packet: Packet) -> int:
    """Pass EtherIP (RFC 3378)."""
    packet.push(ETHERIP, 0)
    ends(packet, ETHERIP)
    if packet.stop - packet.at < 2:
        return TUNNEL_TRUNCATED
    if packet.data[packet.at] >> 4 != 3:
        return TUNNEL_HEADER
    packet.at += 2
    return ethernet(packet)
