# cython: nonecheck=False, initializedcheck=False
"""Tunnels in UDP, known by their ports, where the bytes agree."""

from unpacket._core.decode.layers import (
    AYIYA,
    GENEVE,
    GTP,
    KEYED_BY_NOTHING,
    L2TP,
    L2TPV3,
    LISP,
    MPLS,
    TEREDO,
    UDP,
    VXLAN,
    VXLAN_GPE,
)
from unpacket._core.decode.link import network_type
from unpacket._core.decode.packet import Packet
from unpacket._core.decode.reasons import (
    ENCAPSULATED,
    NOT_IP,
    TUNNEL_HEADER,
    TUNNEL_TRUNCATED,
)
from unpacket._core.decode.reasons import UDP as PLAIN_UDP
from unpacket._core.decode.tunnels.access_point import capwap, tzsp
from unpacket._core.decode.tunnels.gre import generic
from unpacket._core.decode.tunnels.layer2 import (
    ethernet,
    looks_like_ethernet,
    mpls,
    next_protocol,
    ppp,
)
from unpacket._core.decode.tunnels.note import bare_ip, ends, number, outer, typed
from unpacket._core.native import reads


def udp(packet: Packet, port: int) -> int:
    """Pass a UDP header, and what the port announces, unless it is something else."""
    at = packet.at
    if packet.stop - at < 8:
        return PLAIN_UDP
    size = reads.be16(packet, at + 4)
    if size >= 8 and at + size < packet.wire_stop:
        packet.wire_stop = at + size
        packet.stop = min(packet.stop, packet.wire_stop)
    outer(packet)
    packet.push(UDP, 0)
    packet.at = at + 8
    if packet.wire_stop - packet.at < 4:
        # No tunnel has a header as short as this; it may keep a mapping alive.
        return PLAIN_UDP
    if port == 4789 or port == 8472:
        return vxlan(packet)
    if port == 4790:
        return vxlan_gpe(packet)
    if port == 6081:
        return geneve(packet)
    if port == 2152:
        return gtp(packet)
    if port == 3544:
        return teredo(packet)
    if port == 1701:
        return l2tp(packet)
    if port == 4754:
        return generic(packet)
    if port == 6635:
        ends(packet, MPLS)
        return mpls(packet)
    if port == 5247:
        return capwap(packet)
    if port == 37008:
        return tzsp(packet)
    if port == 4341:
        return lisp(packet)
    return ayiya(packet)


def vxlan(packet: Packet) -> int:
    """Pass VXLAN (RFC 7348), unless it says that it is none."""
    at = packet.at
    if packet.stop - at < 8:
        return TUNNEL_TRUNCATED
    if packet.data[at] & 8 == 0:
        return PLAIN_UDP
    number(packet, VXLAN, reads.be32(packet, at + 4) >> 8)
    packet.at = at + 8
    return ethernet(packet)


def vxlan_gpe(packet: Packet) -> int:
    """Pass VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe), which names what follows."""
    at = packet.at
    if packet.stop - at < 8:
        return TUNNEL_TRUNCATED
    flags = packet.data[at]
    if flags & 0x30 != 0 or flags & 8 == 0:
        return PLAIN_UDP
    number(packet, VXLAN_GPE, reads.be32(packet, at + 4) >> 8)
    packet.at = at + 8
    return next_protocol(packet, packet.data[at + 3] if flags & 4 else 3)


def geneve(packet: Packet) -> int:
    """Pass Geneve and its options (RFC 8926)."""
    at = packet.at
    if packet.stop - at < 8:
        return TUNNEL_TRUNCATED
    if packet.data[at] >> 6 != 0:
        return PLAIN_UDP
    number(packet, GENEVE, reads.be32(packet, at + 4) >> 8)
    size = 8 + (packet.data[at] & 63) * 4
    if packet.stop - at < size:
        return TUNNEL_TRUNCATED
    packet.at = at + size
    return typed(packet, reads.be16(packet, at + 2))


def gtp(packet: Packet) -> int:
    """Pass GTP-U (3GPP TS 29.281) and its extension headers."""
    at = packet.at
    if packet.stop - at < 8:
        return TUNNEL_TRUNCATED
    flags = packet.data[at]
    # Version 1, not GTP'; a message that carries a user's packet.
    if flags >> 4 != 3 or packet.data[at + 1] != 255:
        return PLAIN_UDP
    packet.push(GTP, reads.be32(packet, at + 4))
    if packet.keyed_by != KEYED_BY_NOTHING:
        packet.add_key(GTP << 32)
    packet.at = at + 8
    if flags & 7:
        if packet.stop - packet.at < 4:
            return TUNNEL_TRUNCATED
        following = packet.data[packet.at + 3] if flags & 4 else 0
        packet.at += 4
        while following != 0:
            if packet.stop <= packet.at:
                return TUNNEL_TRUNCATED
            size = packet.data[packet.at] * 4
            if size == 0:
                return TUNNEL_HEADER
            if packet.stop - packet.at < size:
                return TUNNEL_TRUNCATED
            packet.at += size
            following = packet.data[packet.at - 1]
    return bare_ip(packet)


def teredo(packet: Packet) -> int:
    """Pass Teredo's indicators (RFC 4380 section 5.1.1); IPv6 follows."""
    at = packet.at
    if packet.stop - at >= 4 and reads.be16(packet, at) == 1:
        # Authentication: two strings and their lengths, a nonce, a confirmation.
        at += 13 + packet.data[at + 2] + packet.data[at + 3]
    if packet.stop - at >= 8 and reads.be16(packet, at) == 0:
        at += 8
    if packet.stop <= at:
        return PLAIN_UDP
    if packet.data[at] >> 4 != 6:
        return PLAIN_UDP
    packet.push(TEREDO, 0)
    if packet.keyed_by != KEYED_BY_NOTHING:
        packet.add_key(TEREDO << 32)
    packet.at = at
    return network_type(packet, 0x86DD)


def ayiya(packet: Packet) -> int:
    """Pass AYIYA (draft-massar-v6ops-ayiya): identity and signature, then IP."""
    at = packet.at
    if packet.stop - at < 8:
        return PLAIN_UDP
    size = 8 + (1 << (packet.data[at] >> 4)) + (packet.data[at + 1] >> 4) * 4
    following = packet.data[at + 3]
    # Opcode 1 forwards.
    if packet.data[at + 2] & 15 != 1 or (following != 4 and following != 41):
        return PLAIN_UDP
    packet.push(AYIYA, 0)
    if packet.keyed_by != KEYED_BY_NOTHING:
        packet.add_key(AYIYA << 32)
    if packet.stop - at < size:
        return TUNNEL_TRUNCATED
    packet.at = at + size
    return network_type(packet, 0x0800 if following == 4 else 0x86DD)


def lisp(packet: Packet) -> int:
    """Pass LISP's data header (RFC 9300 section 5.3, RFC 9305); IP follows, usually."""
    at = packet.at
    if packet.stop - at < 8:
        return TUNNEL_TRUNCATED
    flags = packet.data[at]
    # With the bit I, above the locators there is the number of the virtual network.
    number(packet, LISP, reads.be32(packet, at + 4) >> 8 if flags & 8 else 0)
    if flags & 3:
        # Encrypted (RFC 8061).
        return ENCAPSULATED
    packet.at = at + 8
    if flags & 4:
        return next_protocol(packet, packet.data[at + 3])
    return bare_ip(packet)


def l2tp(packet: Packet) -> int:
    """Pass L2TP: version 2 (RFC 2661), and version 3 over UDP (RFC 3931)."""
    at = packet.at
    if packet.stop - at < 6:
        return TUNNEL_TRUNCATED
    flags = reads.be16(packet, at)
    version = flags & 15
    # The first bit is that of messages which control the tunnel.
    if flags & 0x8000 or (version != 2 and version != 3):
        return PLAIN_UDP
    if version == 3:
        packet.at = at + 4
        return l2tp_v3(packet)
    size = 6
    if flags & 0x4000:
        length = reads.be16(packet, at + 2)
        if length >= size and at + length < packet.wire_stop:
            packet.wire_stop = at + length
            packet.stop = min(packet.stop, packet.wire_stop)
        size += 2
    session = reads.be16(packet, at + size - 2)
    if flags & 0x0800:
        size += 4
    if flags & 0x0200:
        size += 2 + reads.be16(packet, at + size)
    packet.push(L2TP, session)
    ends(packet, L2TP)
    if packet.stop - at < size:
        return TUNNEL_TRUNCATED
    packet.at = at + size
    return ppp(packet)


def l2tp_v3(packet: Packet) -> int:
    """Pass a data message of L2TP version 3, and find the frame in it.

    How long its cookie is, and whether a sublayer follows, was agreed in messages that
    control the tunnel. So the places are tried where they let an Ethernet frame begin.
    """
    at = packet.at
    if packet.stop - at < 4:
        return TUNNEL_TRUNCATED
    session = reads.be32(packet, at)
    if session == 0:
        return PLAIN_UDP if packet.protocol == 17 else NOT_IP
    packet.push(L2TPV3, session)
    ends(packet, L2TPV3)
    at += 4
    for skipped in range(0, 16, 4):
        if looks_like_ethernet(packet, at + skipped):
            packet.at = at + skipped
            return ethernet(packet)
    return ENCAPSULATED
