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
how a copy came to be captured and no part of where the packet was.
"""

from unpacket._core.decode.ip import ip_layer
from unpacket._core.decode.layers import (
    AYIYA,
    CISCO_METADATA,
    CONTROL_WORD,
    ERSPAN,
    ETAG,
    ETHERIP,
    ETHERNET,
    FABRICPATH,
    GENEVE,
    GRE,
    GRE_KEY,
    GTP,
    HSR,
    IPV4,
    IPV6,
    KEYED_BY_NOTHING,
    L2TP,
    L2TPV3,
    LINK_TYPES,
    MAX_LAYERS,
    MPLS,
    NSH,
    PBB,
    PPP,
    PPPOE,
    TEREDO,
    TRILL,
    UDP,
    UDP_PORTS,
    VNTAG,
    VXLAN,
    VXLAN_GPE,
)
from unpacket._core.decode.link import header, network_type
from unpacket._core.decode.link_types import framing
from unpacket._core.decode.packet import Packet
from unpacket._core.decode.reasons import (
    ENCAPSULATED,
    NONE,
    NOT_IP,
    TUNNEL_HEADER,
    TUNNEL_TRUNCATED,
)
from unpacket._core.decode.reasons import UDP as PLAIN_UDP
from unpacket._core.native import reads


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
    return ayiya(packet)


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


def ethernet(packet: Packet) -> int:
    """Pass an Ethernet header."""
    packet.push(ETHERNET, 0)
    if packet.stop - packet.at < 14:
        return TUNNEL_TRUNCATED
    return header(packet, 14, 12)


def looks_like_ethernet(packet: Packet, at: int) -> bool:
    """Return whether a frame at ``at`` would be one that leads on."""
    if packet.stop - at < 16:
        return False
    ethertype = reads.be16(packet, at + 12)
    version = packet.data[at + 14] >> 4
    if ethertype == 0x0800:
        return version == 4
    if ethertype == 0x86DD:
        return version == 6
    if ethertype == 0x0806:
        return reads.be16(packet, at + 14) == 1
    if ethertype <= 1500:
        # 802.3, with SNAP.
        return reads.be16(packet, at + 14) == 0xAAAA
    return (
        ethertype == 0x8100
        or ethertype == 0x88A8
        or ethertype == 0x8847
        or ethertype == 0x8848
        or ethertype == 0x8863
        or ethertype == 0x8864
        or ethertype == 0x88E7
    )


def tag(packet: Packet, kind: int, size: int) -> int:
    """Pass ``size`` bytes that end with the EtherType of what follows."""
    packet.push(kind, 0)
    if packet.stop - packet.at < size:
        return TUNNEL_TRUNCATED
    return header(packet, size, size - 2)


def mpls(packet: Packet) -> int:
    """Pass a stack of labels (RFC 3032), and guess what is below it.

    Nothing says that. IP shows by its version; routers guess by it, too (RFC 4928).
    """
    bottom = False
    while not bottom:
        if packet.layer_count == MAX_LAYERS:
            return ENCAPSULATED
        if packet.stop - packet.at < 4:
            return TUNNEL_TRUNCATED
        entry = reads.be32(packet, packet.at)
        packet.at += 4
        packet.push(MPLS, entry >> 12)
        bottom = entry & 0x100 != 0
    at = packet.at
    left = packet.stop - at
    if left < 1:
        return TUNNEL_TRUNCATED
    version = packet.data[at] >> 4
    if version == 4 and packet.data[at] & 15 >= 5:
        if (
            left < 20
            or at + reads.be16(packet, at + 2) <= packet.wire_stop
            or not looks_like_ethernet(packet, at)
        ):
            return network_type(packet, 0x0800)
    if version == 6 and not looks_like_ethernet(packet, at):
        return network_type(packet, 0x86DD)
    if version == 1:
        # An associated channel for operation and maintenance (RFC 5586).
        return NOT_IP
    if version == 0 and looks_like_ethernet(packet, at + 4):
        # The control word of a pseudo-wire (RFC 4448 section 4.6).
        packet.push(CONTROL_WORD, 0)
        packet.at = at + 4
        return ethernet(packet)
    if looks_like_ethernet(packet, at):
        return ethernet(packet)
    if left < 20:
        return TUNNEL_TRUNCATED
    return ENCAPSULATED


def pppoe(packet: Packet) -> int:
    """Pass a PPPoE session header (RFC 2516)."""
    at = packet.at
    if packet.stop - at < 6:
        return TUNNEL_TRUNCATED
    number(packet, PPPOE, reads.be16(packet, at + 2))
    if packet.data[at] != 0x11:
        return TUNNEL_HEADER
    if packet.data[at + 1] != 0:
        return NOT_IP
    size = reads.be16(packet, at + 4)
    packet.at = at + 6
    # 0 is what segmentation offload leaves, as in IPv4.
    if size > 0 and packet.at + size < packet.wire_stop:
        packet.wire_stop = packet.at + size
        packet.stop = min(packet.stop, packet.wire_stop)
    return ppp(packet)


def ppp(packet: Packet) -> int:
    """Pass PPP: the fields of HDLC, if they are there, and the protocol (RFC 1661).

    The protocol is one byte if that is odd, by agreement.
    """
    packet.push(PPP, 0)
    if packet.stop - packet.at >= 2 and reads.be16(packet, packet.at) == 0xFF03:
        packet.at += 2
    at = packet.at
    if packet.stop <= at:
        return TUNNEL_TRUNCATED
    protocol = packet.data[at]
    if protocol & 1:
        packet.at = at + 1
    else:
        if packet.stop - at < 2:
            return TUNNEL_TRUNCATED
        protocol = reads.be16(packet, at)
        packet.at = at + 2
    if protocol == 0x21:
        return network_type(packet, 0x0800)
    if protocol == 0x57:
        return network_type(packet, 0x86DD)
    if protocol == 0x0281 or protocol == 0x0283:
        packet.inside = 0x8847
        return ENCAPSULATED
    if (
        protocol == 0x2D  # compressed TCP, and what could not be compressed
        or protocol == 0x2F
        or protocol == 0x31  # bridging
        or protocol == 0x3D  # multilink
        or protocol == 0x53  # encryption
        or protocol == 0x55
        or protocol == 0x61  # header compression
        or protocol == 0xFB  # compression
        or protocol == 0xFD
    ):
        return ENCAPSULATED
    return NOT_IP


def backbone(packet: Packet) -> int:
    """Pass the service tag of IEEE 802.1ah; an Ethernet frame follows."""
    if packet.stop - packet.at < 4:
        return TUNNEL_TRUNCATED
    number(packet, PBB, reads.be32(packet, packet.at) & 0xFFFFFF)
    packet.at += 4
    return ethernet(packet)


def trill(packet: Packet) -> int:
    """Pass a TRILL header and its options (RFC 6325 section 3)."""
    at = packet.at
    packet.push(TRILL, 0)
    if packet.stop - at < 6:
        return TUNNEL_TRUNCATED
    packet.at = at + 6 + (reads.be16(packet, at) >> 6 & 31) * 4
    return ethernet(packet)


def service_header(packet: Packet) -> int:
    """Pass a network service header (RFC 8300)."""
    at = packet.at
    left = packet.stop - at
    if left < 8:
        return TUNNEL_TRUNCATED
    words = reads.be32(packet, at)
    size = (words >> 16 & 63) * 4
    packet.push(NSH, reads.be32(packet, at + 4) >> 8)
    if words >> 30 != 0 or size < 8:
        return TUNNEL_HEADER
    if left < size:
        return TUNNEL_TRUNCATED
    packet.at = at + size
    return next_protocol(packet, words & 0xFF)


def next_protocol(packet: Packet, following: int) -> int:
    """Go on by the numbers that NSH and VXLAN-GPE have in common."""
    if following == 1:
        return network_type(packet, 0x0800)
    if following == 2:
        return network_type(packet, 0x86DD)
    if following == 3:
        return ethernet(packet)
    if following == 4:
        packet.inside = 0x894F
    elif following == 5:
        packet.inside = 0x8847
    return ENCAPSULATED


def generic(packet: Packet) -> int:
    """Pass GRE (RFC 2784, 2890 and 1701), PPTP's form of it (RFC 2637), ERSPAN."""
    at = packet.at
    left = packet.stop - at
    if left < 4:
        return TUNNEL_TRUNCATED
    flags = reads.be16(packet, at)
    protocol = reads.be16(packet, at + 2)
    if flags & 7 == 1:
        return pptp(packet, flags, protocol)
    if flags & 7 != 0:
        return TUNNEL_HEADER
    size = 4
    if flags & 0xC000:
        size += 4
    key_at = at + size
    if flags & 0x2000:
        size += 4
    if flags & 0x1000:
        size += 4
    if left < size:
        return TUNNEL_TRUNCATED
    key = reads.be32(packet, key_at)
    packet.at = at + size
    if flags & 0x4000:
        reason = source_routes(packet)
        if reason != NONE:
            return reason
    if flags & 0x2000:
        packet.push(GRE_KEY, key)
    else:
        packet.push(GRE, 0)
    if protocol == 0x88BE:
        return erspan(packet, 8 if flags & 0x1000 else 0)
    if protocol == 0x22EB:
        return erspan(packet, 12)
    ends(packet, GRE)
    if protocol == 0x6558 and flags & 0x2000 and packet.keyed_by != KEYED_BY_NOTHING:
        # NVGRE has its virtual network there (RFC 7637).
        packet.add_key(GRE_KEY << 32 | key >> 8)
    if protocol >> 8 == 0x82 or protocol >> 8 == 0x83 or protocol == 0x9000:
        # Aruba's access points send their controller frames of 802.11.
        packet.inside = LINK_TYPES | 105
        return ENCAPSULATED
    return typed(packet, protocol)


def typed(packet: Packet, ethertype: int) -> int:
    """Go on by an EtherType where there is no length instead of it."""
    if ethertype < 0x0600:
        return NOT_IP
    return network_type(packet, ethertype)


def source_routes(packet: Packet) -> int:
    """Pass the source routes of RFC 1701, up to the empty one."""
    while True:
        at = packet.at
        if packet.stop - at < 4:
            return TUNNEL_TRUNCATED
        family = reads.be16(packet, at)
        size = packet.data[at + 3]
        packet.at = at + 4 + size
        if family == 0 and size == 0:
            return NONE


def pptp(packet: Packet, flags: int, protocol: int) -> int:
    """Pass version 1 of GRE, which carries PPP."""
    at = packet.at
    left = packet.stop - at
    size = 8
    if flags & 0x1000:
        size += 4
    if flags & 0x80:
        size += 4
    if left < size:
        return TUNNEL_TRUNCATED
    if protocol != 0x880B or flags & 0x2000 == 0:
        return TUNNEL_HEADER
    packet.push(GRE_KEY, reads.be16(packet, at + 6))
    ends(packet, GRE)
    payload = reads.be16(packet, at + 4)
    packet.at = at + size
    if flags & 0x1000 == 0 or payload == 0:
        # An acknowledgement alone.
        return NOT_IP
    if packet.at + payload < packet.wire_stop:
        packet.wire_stop = packet.at + payload
        packet.stop = min(packet.stop, packet.wire_stop)
    return ppp(packet)


def erspan(packet: Packet, size: int) -> int:
    """Pass ERSPAN: type I without a header, II with 8 bytes, III with 12 or 20."""
    at = packet.at
    if packet.stop - at < size:
        return TUNNEL_TRUNCATED
    session = 0
    if size > 0:
        session = reads.be16(packet, at + 2) & 0x3FF
    packet.push(ERSPAN, session)
    packet.at = at + size
    if size == 12:
        last = reads.be16(packet, at + 10)
        if last & 1:
            packet.at += 8
        if last >> 10 & 31 == 2:
            # What was mirrored is IP, and not Ethernet.
            return bare_ip(packet)
    return ethernet(packet)


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
