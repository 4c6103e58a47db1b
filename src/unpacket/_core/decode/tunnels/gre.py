# cython: nonecheck=False, initializedcheck=False
"""GRE (RFC 2784, 2890), and what is carried in it: PPTP (RFC 2637), ERSPAN, WCCP."""

from unpacket._core.decode.layers import (
    ERSPAN,
    GRE,
    GRE_KEY,
    KEYED_BY_NOTHING,
    LINK_TYPES,
    WCCP,
)
from unpacket._core.decode.packet import Packet
from unpacket._core.decode.reasons import (
    ENCAPSULATED,
    NONE,
    NOT_IP,
    TUNNEL_HEADER,
    TUNNEL_TRUNCATED,
)
from unpacket._core.decode.tunnels.layer2 import ethernet, ppp
from unpacket._core.decode.tunnels.note import bare_ip, ends, typed
from unpacket._core.native import reads


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
    if protocol == 0x883E:
        return redirected(packet)
    ends(packet, GRE)
    if protocol == 0x6558 and flags & 0x2000 and packet.keyed_by != KEYED_BY_NOTHING:
        # NVGRE has its virtual network there (RFC 7637).
        packet.add_key(GRE_KEY << 32 | key >> 8)
    if protocol >> 8 == 0x82 or protocol >> 8 == 0x83 or protocol == 0x9000:
        # Aruba's access points send their controller frames of 802.11.
        packet.inside = LINK_TYPES | 105
        return ENCAPSULATED
    return typed(packet, protocol)


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


def redirected(packet: Packet) -> int:
    """Pass what a router puts before a packet that it redirects to a cache.

    WCCP version 1 puts nothing there, version 2 four bytes (draft-mclaggan-wccp-v2rev1
    section 4.1); no number says which. The first of the four has bits in its lower half
    alone, IP its version in the upper one. Linux tells them so, too.
    """
    at = packet.at
    packet.push(WCCP, 0)
    if packet.stop <= at:
        return TUNNEL_TRUNCATED
    if packet.data[at] >> 4 == 0:
        if packet.stop - at < 4:
            return TUNNEL_TRUNCATED
        packet.at = at + 4
    return bare_ip(packet)
