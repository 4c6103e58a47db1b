# cython: nonecheck=False, initializedcheck=False
"""Headers between two link layers: tags, MPLS, PPPoE, 802.1ah, MACsec, NSH."""

from unpacket._core.decode.layers import (
    CONTROL_WORD,
    ETHERNET,
    MACSEC,
    MAX_LAYERS,
    MPLS,
    NSH,
    PBB,
    PPP,
    PPPOE,
    TRILL,
)
from unpacket._core.decode.link import header, network_type
from unpacket._core.decode.packet import Packet
from unpacket._core.decode.reasons import (
    ENCAPSULATED,
    NOT_IP,
    TUNNEL_HEADER,
    TUNNEL_TRUNCATED,
)
from unpacket._core.decode.tunnels.note import number
from unpacket._core.native import reads

# The check value of MACsec's cipher suites (IEEE 802.1AE clause 14). Linux can be made
# to use a shorter one.
ICV_BYTES = 16


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


def secured(packet: Packet) -> int:
    """Pass MACsec's tag (IEEE 802.1AE clause 9) where it protects and does not hide.

    Behind what was protected there is a check value, and behind a short frame padding.
    """
    at = packet.at
    packet.push(MACSEC, 0)
    if packet.stop - at < 6:
        return TUNNEL_TRUNCATED
    control = packet.data[at]
    if control & 0x80:
        return TUNNEL_HEADER
    if control & 0x0C:
        # Encrypted, or changed by a cipher suite of its own.
        return ENCAPSULATED
    short = packet.data[at + 1] & 63
    # With the sender's name, or without.
    at += 14 if control & 0x20 else 6
    if packet.stop - at < 2:
        return TUNNEL_TRUNCATED
    stop = at + short if short > 0 else packet.wire_stop - ICV_BYTES
    if stop < at + 2:
        return TUNNEL_HEADER
    # What IP says of itself is surer than the size of the check value.
    stop = max(stop, ip_stop(packet, at))
    if stop < packet.wire_stop:
        packet.wire_stop = stop
        packet.stop = min(packet.stop, stop)
    packet.at = at
    return header(packet, 2, 0)


def ip_stop(packet: Packet, at: int) -> int:
    """Return where an IP packet behind the EtherType at ``at`` ends, by its length.

    0 is what does not say so.
    """
    if packet.stop - at < 8:
        return 0
    ethertype = reads.be16(packet, at)
    if ethertype == 0x0800:
        return at + 2 + reads.be16(packet, at + 4)
    if ethertype == 0x86DD:
        return at + 42 + reads.be16(packet, at + 6)
    return 0


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
