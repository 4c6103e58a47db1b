# cython: nonecheck=False, initializedcheck=False, overflowcheck=False
"""IPv4 and IPv6: from the IP header to the TCP header, or to why there is none.

Each function returns a number of ``reasons``. NONE says that ``packet.at`` is the
start of a TCP header, FRAGMENT that it is the data of a fragment, for ``defrag`` to
collect; ``transport`` goes on with what comes of that.

RFC 791, RFC 8200 and its extension headers, RFC 2675 (jumbograms), RFC 4302 (AH).
"""

from unpacket._core.constants import ODD_IP_LENGTH, ODD_IP_OPTIONS
from unpacket._core.decode.checksum import ones_sum
from unpacket._core.decode.layers import UDP_PORTS
from unpacket._core.decode.packet import Packet
from unpacket._core.decode.reasons import (
    ENCAPSULATED,
    FRAGMENT,
    ICMP,
    IP_HEADER,
    IP_TRUNCATED,
    NONE,
    OTHER_PROTOCOL,
    UDP,
)
from unpacket._core.native import reads

# No standard bounds the chain; each header costs its sender 8 bytes. FreeBSD stops
# at 15 and Linux nowhere.
MAX_HEADERS = 64


def ip_layer(packet: Packet) -> int:
    """Read the header that ``packet.ethertype`` announces, and those it announces."""
    packet.ip_header_damaged = False
    packet.odd = 0
    if packet.ethertype == 0x0800:
        return ipv4(packet)
    return ipv6(packet)


def ipv4(packet: Packet) -> int:
    at = packet.at
    left = packet.stop - at
    if left < 20:
        return IP_TRUNCATED
    words_0 = reads.be32(packet, at)
    words_2 = reads.be32(packet, at + 4)
    words_4 = reads.be32(packet, at + 8)
    src = reads.be32(packet, at + 12)
    dst = reads.be32(packet, at + 16)
    size = (words_0 >> 24 & 15) * 4
    if words_0 >> 28 != 4 or size < 20:
        return IP_HEADER
    if left < size:
        return IP_TRUNCATED
    total = words_0 & 0xFFFF
    if total == 0:
        # Segmentation offload: the packet was captured before its length was known.
        packet.length_known = False
    else:
        packet.length_known = True
        if total < size:
            return IP_HEADER
        # A host drops what claims to be longer than the frame. Here it is only odd:
        # many tools that shorten frames forget to write the original length.
        if total > left and packet.stop == packet.wire_stop:
            packet.odd = ODD_IP_LENGTH
        packet.wire_stop = at + total
        packet.stop = min(packet.stop, packet.wire_stop)
        # Offload leaves the checksum empty.
        if packet.verify_checksums and words_4 & 0xFFFF != 0:
            header_sum = words_0 + words_2 + words_4 + src + dst
            if size > 20:
                header_sum += ones_sum(packet, at + 20, at + size)
            packet.ip_header_damaged = header_sum % 0xFFFF != 0
    if size > 20 and refused_options(packet, at + 20, at + size):
        packet.odd |= ODD_IP_OPTIONS
    packet.family = 4
    packet.ip_id = words_2 >> 16
    packet.fragment_start = (words_2 & 0x1FFF) * 8
    packet.more_fragments = words_2 & 0x2000 != 0
    packet.ttl = words_4 >> 24
    packet.protocol = words_4 >> 16 & 0xFF
    packet.src_hi = 0
    packet.src_lo = src
    packet.dst_hi = 0
    packet.dst_lo = dst
    packet.at = at + size
    if words_2 & 0x3FFF == 0:
        return transport(packet)
    if (
        packet.protocol != 6
        and packet.protocol != 51
        and packet.protocol != 17
        and packet.protocol != 4
        and packet.protocol != 41
        and packet.protocol != 47
        and packet.protocol != 97
        and packet.protocol != 115
        and packet.protocol != 137
        and packet.protocol != 143
    ):
        # Nothing that the whole datagram could hold is wanted.
        return transport(packet)
    return FRAGMENT


def refused_options(packet: Packet, at: int, stop: int) -> bool:
    """Return whether a host drops a packet for its options in ``[at, stop)``.

    That is where they contradict themselves, and where they name a way to go, which
    hosts do not by default (RFC 7126 section 4.3).
    """
    while at < stop:
        option = packet.data[at]
        if option == 0:
            return False
        if option == 1:
            at += 1
            continue
        if stop - at < 2:
            return True
        size = packet.data[at + 1]
        if size < 2 or at + size > stop:
            return True
        if option == 131 or option == 137:  # source routes
            return True
        if option == 7:  # record route
            if size < 3 or packet.data[at + 2] < 4:
                return True
            if packet.data[at + 2] <= size < packet.data[at + 2] + 3:
                return True
        elif option == 68:  # timestamps
            if size < 4 or packet.data[at + 2] < 5:
                return True
        elif option == 148 and size < 4:  # router alert
            return True
        at += size
    return False


def ipv6(packet: Packet) -> int:
    at = packet.at
    left = packet.stop - at
    if left < 40:
        return IP_TRUNCATED
    if packet.data[at] >> 4 != 6:
        return IP_HEADER
    packet.family = 6
    packet.ip_id = 0
    packet.fragment_start = 0
    packet.more_fragments = False
    packet.protocol = packet.data[at + 6]
    packet.ttl = packet.data[at + 7]
    packet.src_hi = reads.be64(packet, at + 8)
    packet.src_lo = reads.be64(packet, at + 16)
    packet.dst_hi = reads.be64(packet, at + 24)
    packet.dst_lo = reads.be64(packet, at + 32)
    packet.at = at + 40
    payload = reads.be16(packet, at + 4)
    packet.length_known = payload != 0
    if payload == 0 and packet.protocol == 0:
        payload = jumbo_payload(packet)
        if payload < 0:
            return IP_HEADER
        packet.length_known = payload > 0
    if packet.length_known:
        if payload > left - 40 and packet.stop == packet.wire_stop:
            packet.odd = ODD_IP_LENGTH
        packet.wire_stop = packet.at + payload
        packet.stop = min(packet.stop, packet.wire_stop)
    return transport(packet)


def jumbo_payload(packet: Packet) -> int:
    """Return the length in a jumbo payload option of the hop-by-hop header.

    0 says that there is none, which is how Linux's BIG TCP shows itself in a
    capture: the payload reaches to the end of the frame. -1 is a length that a
    receiver refuses.
    """
    at = packet.at
    if packet.stop - at < 8:
        return 0
    stop = min(packet.stop, at + 8 + packet.data[at + 1] * 8)
    at += 2
    while at + 2 <= stop:
        option = packet.data[at]
        if option == 0:  # Pad1
            at += 1
            continue
        size = packet.data[at + 1]
        if option == 0xC2 and size == 4 and at + 6 <= stop:
            jumbo = reads.be32(packet, at + 2)
            if jumbo <= 0xFFFF or packet.at + jumbo > packet.wire_stop:
                return -1
            return jumbo
        at += 2 + size
    return 0


def transport(packet: Packet) -> int:
    """Pass over extension headers and tell what ``packet`` carries."""
    while packet.protocol != 6:
        at = packet.at
        left = packet.stop - at
        if packet.protocol == 17:
            return udp(packet)
        if packet.protocol == 1 or packet.protocol == 58:
            return ICMP
        if (
            packet.protocol == 4  # IPv4 in IP
            or packet.protocol == 41  # IPv6 in IP
            or packet.protocol == 47  # GRE
            or packet.protocol == 97  # EtherIP
            or packet.protocol == 115  # L2TPv3
            or packet.protocol == 137  # MPLS in IP
            or packet.protocol == 143  # Ethernet (RFC 8986)
        ):
            packet.inside = packet.protocol
            return ENCAPSULATED
        if packet.protocol == 51:  # authentication header
            if left < 2:
                return IP_TRUNCATED
            size = packet.data[at + 1] * 4 + 8
        elif packet.family == 4:
            return OTHER_PROTOCOL
        elif (
            packet.protocol == 0  # hop by hop
            or packet.protocol == 43  # routing
            or packet.protocol == 60  # destination options
            or packet.protocol == 135  # mobility
            or packet.protocol == 139  # host identity
            or packet.protocol == 140  # shim6
        ):
            if left < 2:
                return IP_TRUNCATED
            size = packet.data[at + 1] * 8 + 8
        elif packet.protocol == 44:
            size = 8
        else:
            return OTHER_PROTOCOL
        if packet.depth == MAX_HEADERS or packet.wire_stop - at < size:
            return IP_HEADER
        if left < size:
            return IP_TRUNCATED
        if packet.protocol == 43:
            final_destination(packet, size)
        elif packet.protocol == 60:
            home_address(packet, at + size)
        if packet.protocol == 44:
            offset = reads.be16(packet, at + 2)
            packet.ip_id = reads.be32(packet, at + 4)
            packet.more_fragments = offset & 1 == 1
            packet.fragment_start = offset & 0xFFF8
            packet.protocol = packet.data[at]
            packet.at = at + size
            packet.depth += 1
            # A fragment that is the whole is one (RFC 6946).
            if packet.fragment_start > 0 or packet.more_fragments:
                return FRAGMENT
        else:
            packet.protocol = packet.data[at]
            packet.at = at + size
            packet.depth += 1
    return NONE


def final_destination(packet: Packet, size: int) -> int:
    """Take the destination from a routing header that has not been used up.

    The pseudo-header of a checksum has it so (RFC 8200 section 8.1), and it is the
    address that the answers come from. Types 0 (RFC 5095), 2 (RFC 6275) and 4 (RFC
    8754, where the last stop stands first).
    """
    at = packet.at
    kind = packet.data[at + 2]
    if packet.data[at + 3] == 0 or size < 24:
        return 0
    if kind == 0:
        # Nobody takes these any more (RFC 5095).
        packet.odd |= ODD_IP_OPTIONS
    if kind == 4:
        last = at + 8
    elif kind == 0 or kind == 2:
        last = at + 8 + (size - 8) // 16 * 16 - 16
    else:
        return 0
    packet.dst_hi = reads.be64(packet, last)
    packet.dst_lo = reads.be64(packet, last + 8)
    return 0


def home_address(packet: Packet, stop: int) -> int:
    """Take the source from destination options that end at ``stop``.

    A mobile host is away, and says here by which address its peers know it: the one
    that checksums are made with (RFC 6275 section 6.3).
    """
    at = packet.at + 2
    while at + 2 <= stop:
        option = packet.data[at]
        if option == 0:  # Pad1
            at += 1
            continue
        size = packet.data[at + 1]
        if option == 0xC9 and size == 16 and at + 18 <= stop:
            packet.src_hi = reads.be64(packet, at + 2)
            packet.src_lo = reads.be64(packet, at + 10)
        at += 2 + size
    return 0


def udp(packet: Packet) -> int:
    """Tell UDP that carries packets of its own by its ports."""
    if packet.stop - packet.at < 4 or packet.fragment_start > 0:
        return UDP
    port = reads.be16(packet, packet.at + 2)
    if packet.ports_named:
        port = packet.ports[port]
    if (
        port != 4789  # VXLAN
        and port != 4790  # VXLAN-GPE
        and port != 8472  # VXLAN, as Linux had it before there was a number
        and port != 6081  # Geneve
        and port != 2152  # GTP-U
        and port != 3544  # Teredo
        and port != 1701  # L2TP
        and port != 4754  # GRE in UDP
        and port != 6635  # MPLS in UDP
        and port != 5072  # AYIYA
        and port != 5247  # CAPWAP
        and port != 37008  # TZSP
        and port != 4341  # LISP
    ):
        # The others answer to any port of the tunnel's other end.
        port = reads.be16(packet, packet.at)
        if packet.ports_named:
            port = packet.ports[port]
        if port != 3544 and port != 1701 and port != 5072 and port != 5247:
            return UDP
    packet.inside = UDP_PORTS | port
    return ENCAPSULATED
