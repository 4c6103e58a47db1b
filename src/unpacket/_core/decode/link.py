# cython: nonecheck=False, initializedcheck=False
"""The link layer: from the start of a frame to the IP header, or to why there is none.

Link types are the LINKTYPE_ values of https://www.tcpdump.org/linktypes.html. Each
function returns a number of ``reasons``, where NONE says that ``packet.at`` is the
start of an IP header of the version that ``packet.ethertype`` names.
"""

from unpacket._core.decode.layers import KEYED_BY_VLAN, LINK_TYPES, LLC, VLAN
from unpacket._core.decode.packet import Packet
from unpacket._core.decode.reasons import (
    ARP,
    ENCAPSULATED,
    LINK_HEADER,
    LINK_TRUNCATED,
    NONE,
    NOT_IP,
)
from unpacket._core.native import reads

# Switches stack two. Wireshark reads any number.
MAX_VLAN_TAGS = 8


def link_layer(packet: Packet, link_type: int) -> int:
    """Read the header that every frame of ``link_type`` begins with."""
    packet.layer_count = 0
    if link_type == 1:  # ETHERNET
        return header(packet, 14, 12)
    if link_type == 101 or link_type == 12 or link_type == 14:
        # RAW, and what DLT_RAW is on most systems and on OpenBSD.
        return raw_ip(packet)
    if link_type == 113:  # LINUX_SLL
        return header(packet, 16, 14)
    if link_type == 276:  # LINUX_SLL2
        return header(packet, 20, 0)
    if link_type == 0 or link_type == 108:  # NULL, LOOP
        return loopback(packet)
    if link_type == 228:  # IPV4
        return network_type(packet, 0x0800)
    if link_type == 229:  # IPV6
        return network_type(packet, 0x86DD)
    packet.inside = LINK_TYPES | link_type
    return ENCAPSULATED


def header(packet: Packet, size: int, type_at: int) -> int:
    """Pass over a header of ``size`` bytes that holds an EtherType at ``type_at``."""
    if packet.stop - packet.at < size:
        return LINK_TRUNCATED
    ethertype = reads.be16(packet, packet.at + type_at)
    packet.at += size
    return network_type(packet, ethertype)


def network_type(packet: Packet, ethertype: int) -> int:
    """Go on by an EtherType, the last two bytes before ``packet.at`` or elsewhere.

    The values are IEEE 802 numbers, and those below 0x0600 what IEEE 802.3 and
    Linux's cooked captures say with that field.
    """
    if ethertype == 0x0800 or ethertype == 0x86DD:
        packet.ethertype = ethertype
        return NONE
    return other_type(packet, ethertype)


def other_type(packet: Packet, ethertype: int) -> int:
    """Go on by an EtherType that is not IP's."""
    tags = 0
    while (
        ethertype == 0x8100
        or ethertype == 0x88A8
        or ethertype == 0x9100
        or ethertype == 0x9200
    ):
        if tags == MAX_VLAN_TAGS:
            return LINK_HEADER
        if packet.stop - packet.at < 4:
            return LINK_TRUNCATED
        vlan = reads.be16(packet, packet.at) & 0xFFF
        ethertype = reads.be16(packet, packet.at + 2)
        packet.at += 4
        tags += 1
        packet.push(VLAN, vlan)
        # 0 is a priority, and no VLAN (IEEE 802.1Q).
        if packet.keyed_by == KEYED_BY_VLAN and vlan > 0:
            packet.add_key(VLAN << 32 | vlan)
    if ethertype == 0x0800 or ethertype == 0x86DD:
        packet.ethertype = ethertype
        return NONE
    if ethertype == 0x0806 or ethertype == 0x8035:  # ARP, RARP
        return ARP
    if (
        ethertype == 0x8847  # MPLS
        or ethertype == 0x8848
        or ethertype == 0x8864  # PPPoE session
        or ethertype == 0x880B  # PPP
        or ethertype == 0x6558  # transparent Ethernet bridging
        or ethertype == 0x88E7  # provider backbone bridging
        or ethertype == 0x894F  # NSH
        or ethertype == 0x8926  # VN-Tag
        or ethertype == 0x893F  # E-TAG
        or ethertype == 0x892F  # HSR
        or ethertype == 0x22F3  # TRILL
        or ethertype == 0x88E5  # MACsec
        or ethertype == 0x8903  # FabricPath
        or ethertype == 0x8909  # Cisco metadata
    ):
        packet.inside = ethertype
        return ENCAPSULATED
    if ethertype == 1:
        # A cooked capture's Novell frame. An 802.3 frame has no header in 1 byte.
        return NOT_IP
    if ethertype <= 1500:
        return logical_link(packet)
    return NOT_IP


def logical_link(packet: Packet) -> int:
    """Read an IEEE 802.2 header, with SNAP (RFC 1042) or with IP's own SAP."""
    if packet.stop - packet.at < 3:
        return LINK_TRUNCATED
    saps = reads.be16(packet, packet.at)
    if packet.data[packet.at + 2] != 3:  # unnumbered information
        return NOT_IP
    if saps == 0x0606:
        packet.at += 3
        packet.push(LLC, 0)
        return network_type(packet, 0x0800)
    if saps != 0xAAAA:
        return NOT_IP
    if packet.stop - packet.at < 8:
        return LINK_TRUNCATED
    organization = reads.be32(packet, packet.at + 3) >> 8
    ethertype = reads.be16(packet, packet.at + 6)
    packet.at += 8
    # 00:00:00 is EtherTypes, 00:00:F8 the same through a bridge (IEEE 802.1H).
    if organization != 0 and organization != 0xF8:
        return NOT_IP
    if ethertype < 0x0600:
        return NOT_IP
    packet.push(LLC, 0)
    return network_type(packet, ethertype)


def loopback(packet: Packet) -> int:
    """Read BSD's address family, in the byte order of whoever captured."""
    if packet.stop - packet.at < 4:
        return LINK_TRUNCATED
    family = reads.be32(packet, packet.at)
    if family & 0xFFFF == 0:
        family = (family >> 24) | (family >> 8 & 0xFF00)
    packet.at += 4
    if family == 2:
        return network_type(packet, 0x0800)
    # AF_INET6 of Linux, of NetBSD and OpenBSD, of FreeBSD, and of macOS.
    if family == 10 or family == 24 or family == 28 or family == 30:
        return network_type(packet, 0x86DD)
    return NOT_IP


def raw_ip(packet: Packet) -> int:
    """Tell the version of a packet that has no link layer."""
    if packet.at >= packet.stop:
        return LINK_TRUNCATED
    version = packet.data[packet.at] >> 4
    if version == 4:
        return network_type(packet, 0x0800)
    if version == 6:
        return network_type(packet, 0x86DD)
    return NOT_IP
