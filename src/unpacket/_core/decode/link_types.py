# cython: nonecheck=False, initializedcheck=False
"""Link layers that are not plain: from the start of a frame to what it carries.

``tunnel`` comes here with a link type; each function returns what its functions do.
"""

from unpacket._core.decode.layers import (
    ATM,
    AVS,
    BYTES_SWAPPED,
    ENC,
    FDDI,
    FIBRE_CHANNEL,
    FIREWIRE,
    FRAME_RELAY,
    HDLC,
    LINK_TYPES,
    NETANALYZER,
    NFLOG,
    PFLOG,
    PKTAP,
    PPI,
    PRISM,
    RADIOTAP,
    TOKEN_RING,
    WLAN,
)
from unpacket._core.decode.link import (
    header,
    logical_link,
    loopback,
    network_type,
    raw_ip,
)
from unpacket._core.decode.packet import Packet
from unpacket._core.decode.reasons import (
    ENCAPSULATED,
    LINK_HEADER,
    LINK_TRUNCATED,
    NOT_IP,
    UNKNOWN_LINK_TYPE,
)
from unpacket._core.native import reads


def framing(packet: Packet, link_type: int) -> int:
    """Pass the header that a frame of ``link_type`` begins with."""
    if link_type == 105:  # IEEE802_11
        return wireless(packet, 0)
    if link_type == 127:  # IEEE802_11_RADIOTAP
        return radiotap(packet)
    if link_type == 192:  # PPI
        return per_packet_information(packet)
    if link_type == 119:  # IEEE802_11_PRISM
        return prism(packet)
    if link_type == 163:  # IEEE802_11_AVS
        return avs(packet)
    if link_type == 9 or link_type == 50:  # PPP, PPP_HDLC
        return ppp(packet)
    if link_type == 204:  # PPP_WITH_DIR
        packet.at += 1
        return ppp(packet)
    if link_type == 51:  # PPP_ETHER
        packet.inside = 0x8864
        return ENCAPSULATED
    if link_type == 104:  # C_HDLC
        return cisco(packet)
    if link_type == 205:  # C_HDLC_WITH_DIR
        packet.at += 1
        return cisco(packet)
    if link_type == 10:
        return ahead(packet, FDDI, 13)
    if link_type == 6:  # IEEE802_5
        return token_ring(packet)
    if link_type == 100:  # ATM_RFC1483
        return ahead(packet, ATM, 0)
    if link_type == 122:  # IP_OVER_FC
        return ahead(packet, FIBRE_CHANNEL, 16)
    if link_type == 107:  # FRELAY
        return frame_relay(packet)
    if link_type == 138:  # APPLE_IP_OVER_IEEE1394
        packet.push(FIREWIRE, 0)
        return header(packet, 18, 16)
    if link_type == 219:
        packet.inside = 0x8847
        return ENCAPSULATED
    if link_type == 239:
        return nflog(packet)
    if link_type == 109:
        return bare(packet, ENC, 12)
    if link_type == 117:
        return packet_filter(packet)
    if link_type == 240:
        packet.push(NETANALYZER, 0)
        if packet.stop - packet.at < 18:
            return LINK_TRUNCATED
        packet.at += 4
        return header(packet, 14, 12)
    if link_type == 258:
        return packet_tap(packet)
    # These come inside of PPI and PKTAP.
    if link_type == 1:
        return header(packet, 14, 12)
    if link_type == 0 or link_type == 108:
        return loopback(packet)
    if link_type == 12 or link_type == 14 or link_type == 101:
        return raw_ip(packet)
    return UNKNOWN_LINK_TYPE


def little16(packet: Packet, at: int) -> int:
    """Return 16 bits that stand in little-endian order."""
    value = reads.be16(packet, at)
    return value >> 8 | (value & 0xFF) << 8


def little32(packet: Packet, at: int) -> int:
    """Return 32 bits that stand in little-endian order."""
    return little16(packet, at) | little16(packet, at + 2) << 16


def ahead(packet: Packet, kind: int, size: int) -> int:
    """Pass ``size`` bytes in front of an IEEE 802.2 header."""
    packet.push(kind, 0)
    if packet.stop - packet.at < size:
        return LINK_TRUNCATED
    packet.at += size
    return logical_link(packet)


def bare(packet: Packet, kind: int, size: int) -> int:
    """Pass ``size`` bytes in front of IP."""
    packet.push(kind, 0)
    packet.at += size
    return raw_ip(packet)


def ppp(packet: Packet) -> int:
    """Tell PPP from Cisco's HDLC, which is found under its link type, too."""
    if packet.stop - packet.at < 2:
        return LINK_TRUNCATED
    address = packet.data[packet.at]
    if address == 0x0F or address == 0x8F:
        return cisco(packet)
    packet.inside = 0x880B
    return ENCAPSULATED


def cisco(packet: Packet) -> int:
    """Pass Cisco's HDLC: an address, a zero, an EtherType."""
    packet.push(HDLC, 0)
    if packet.stop - packet.at < 4:
        return LINK_TRUNCATED
    if reads.be16(packet, packet.at + 2) == 0x8035:
        # RARP's number, but SLARP: keep-alives.
        return NOT_IP
    return header(packet, 4, 2)


def token_ring(packet: Packet) -> int:
    """Pass a token ring header, with the route that its source may have added."""
    at = packet.at
    packet.push(TOKEN_RING, 0)
    if packet.stop - at < 15:
        return LINK_TRUNCATED
    size = 14
    if packet.data[at + 8] & 0x80:
        size += packet.data[at + 14] & 31
    if packet.stop - at < size:
        return LINK_TRUNCATED
    packet.at = at + size
    return logical_link(packet)


def frame_relay(packet: Packet) -> int:
    """Pass an address of Q.922, and what RFC 2427 or Cisco put behind it."""
    at = packet.at
    packet.push(FRAME_RELAY, 0)
    if packet.stop - at < 4:
        return LINK_TRUNCATED
    if packet.data[at + 1] & 1 == 0:
        # Longer addresses.
        return ENCAPSULATED
    if packet.data[at + 2] != 3:
        return header(packet, 4, 2)
    following = packet.data[at + 3]
    packet.at = at + 4
    if following == 0xCC:
        return network_type(packet, 0x0800)
    if following == 0x8E:
        return network_type(packet, 0x86DD)
    if following == 0 and packet.stop - at >= 10 and packet.data[at + 4] == 0x80:
        # A filling byte, and SNAP.
        return header(packet, 6, 4)
    if following == 0x80:
        return header(packet, 5, 3)
    return NOT_IP


def nflog(packet: Packet) -> int:
    """Find the packet among the attributes of Linux's netfilter log.

    Their lengths are in the byte order of whoever captured; they tell it themselves.
    """
    at = packet.at
    packet.push(NFLOG, 0)
    if packet.stop - at < 4:
        return LINK_TRUNCATED
    family = packet.data[at]
    at += 4
    while packet.stop - at >= 4:
        size = little16(packet, at)
        kind = little16(packet, at + 2)
        if size < 4 or kind & 0xFF == 0:
            if reads.be16(packet, at + 2) != 0 and size & 0xFF == 0:
                size = reads.be16(packet, at)
                kind = reads.be16(packet, at + 2)
        if size < 4:
            return LINK_HEADER
        if kind & 0x7FFF == 9:  # NFULA_PAYLOAD
            packet.at = at + 4
            if at + size < packet.wire_stop:
                packet.wire_stop = at + size
                packet.stop = min(packet.stop, packet.wire_stop)
            if family == 2:
                return network_type(packet, 0x0800)
            if family == 10:
                return network_type(packet, 0x86DD)
            return NOT_IP
        at += (size + 3) // 4 * 4
    return NOT_IP if at >= packet.wire_stop else LINK_TRUNCATED


def packet_filter(packet: Packet) -> int:
    """Pass the header of OpenBSD's packet filter log."""
    if packet.stop - packet.at < 4:
        return LINK_TRUNCATED
    return bare(packet, PFLOG, (packet.data[packet.at] + 3) // 4 * 4)


def packet_tap(packet: Packet) -> int:
    """Pass the header of macOS's packet tap, which names the link type of the rest."""
    at = packet.at
    packet.push(PKTAP, 0)
    if packet.stop - at < 12:
        return LINK_TRUNCATED
    return nested(packet, little32(packet, at), little32(packet, at + 8))


def per_packet_information(packet: Packet) -> int:
    """Pass a PPI header, which names the link type of the rest."""
    at = packet.at
    packet.push(PPI, 0)
    if packet.stop - at < 8:
        return LINK_TRUNCATED
    return nested(packet, little16(packet, at + 2), little32(packet, at + 4))


def nested(packet: Packet, size: int, link_type: int) -> int:
    """Go on behind ``size`` bytes with another link type."""
    if size < 8 or link_type > 0xFFFF:
        return LINK_HEADER
    if packet.stop - packet.at < size:
        return LINK_TRUNCATED
    packet.at += size
    packet.inside = LINK_TYPES | link_type
    return ENCAPSULATED


def prism(packet: Packet) -> int:
    """Pass the header of Prism, or AVS's, which some drivers write instead."""
    at = packet.at
    if packet.stop - at < 8:
        return LINK_TRUNCATED
    if reads.be32(packet, at) >> 4 == 0x8021100:
        return avs(packet)
    packet.push(PRISM, 0)
    return monitored(packet, 144, 0)


def avs(packet: Packet) -> int:
    """Pass AVS's header of a monitored frame."""
    at = packet.at
    packet.push(AVS, 0)
    if packet.stop - at < 8:
        return LINK_TRUNCATED
    return monitored(packet, reads.be32(packet, at + 4), 0)


def radiotap(packet: Packet) -> int:
    """Pass a radiotap header, and learn of its flags how the frame ends.

    The flags come first but for a time of 64 bits, which is aligned.
    """
    at = packet.at
    packet.push(RADIOTAP, 0)
    if packet.stop - at < 8:
        return LINK_TRUNCATED
    size = little16(packet, at + 2)
    if packet.data[at] != 0 or size < 8:
        return LINK_HEADER
    if packet.stop - at < size:
        return LINK_TRUNCATED
    present = little32(packet, at + 4)
    first = 8
    word = present
    while word >> 31 and first + 4 <= size:
        word = little32(packet, at + first)
        first += 4
    flags = 0
    if present & 2:
        if present & 1:
            first = (first + 7) // 8 * 8 + 8
        if first < size:
            flags = packet.data[at + first]
    return monitored(packet, size, flags)


def monitored(packet: Packet, size: int, flags: int) -> int:
    """Pass ``size`` bytes in front of an 802.11 frame, of which flags tell more."""
    if size < 8:
        return LINK_HEADER
    if packet.stop - packet.at < size:
        return LINK_TRUNCATED
    if flags & 0x40:
        # The check sequence was wrong: nobody took this frame.
        return LINK_HEADER
    packet.at += size
    return wireless(packet, flags)


def wireless(packet: Packet, flags: int) -> int:
    """Pass the header of an IEEE 802.11 data frame.

    Flags are radiotap's: 0x10 says that the check sequence was captured, 0x20 that the
    header is filled up to a multiple of four. With BYTES_SWAPPED the first two bytes
    change places.
    """
    at = packet.at
    packet.push(WLAN, 0)
    if packet.stop - at < 2:
        return LINK_TRUNCATED
    kind = packet.data[at]
    control = packet.data[at + 1]
    if flags & BYTES_SWAPPED:
        kind = control
        control = packet.data[at]
    # Not data, or data frames without data.
    if kind & 0x0C != 0x08 or kind & 0x40:
        return NOT_IP
    size = 24
    if control & 3 == 3:
        # From one access point to the other.
        size += 6
    quality = 0
    if kind & 0x80:
        quality = size
        size += 2
        if control & 0x80:
            size += 4
    if packet.stop - at < size:
        return LINK_TRUNCATED
    several = quality > 0 and packet.data[at + quality] & 0x80 != 0
    fragment = control & 4 != 0 or packet.data[at + 22] & 15 != 0
    if flags & 0x20:
        size = (size + 3) // 4 * 4
    if flags & 0x10 and packet.wire_stop - at >= size + 4:
        packet.wire_stop -= 4
        packet.stop = min(packet.stop, packet.wire_stop)
    packet.at = at + size
    if fragment:
        return ENCAPSULATED
    if packet.stop - packet.at < 2:
        return LINK_TRUNCATED
    if control & 0x40 and reads.be16(packet, packet.at) != 0xAAAA:
        # Encrypted, unless somebody removed that and left the flag.
        return ENCAPSULATED
    if several:
        return aggregate(packet)
    return logical_link(packet)


def aggregate(packet: Packet) -> int:
    """Pass the header of an aggregated frame, if it is the only one.

    A frame gives one segment: several are counted as what is not looked into.
    """
    at = packet.at
    if packet.stop - at < 14:
        return LINK_TRUNCATED
    size = 14 + reads.be16(packet, at + 12)
    if at + (size + 3) // 4 * 4 + 14 <= packet.wire_stop:
        return ENCAPSULATED
    packet.at = at + 14
    return logical_link(packet)
