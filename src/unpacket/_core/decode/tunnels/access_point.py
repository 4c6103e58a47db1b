# cython: nonecheck=False, initializedcheck=False
"""What access points and sensors send to those that control them, in UDP."""

from unpacket._core.decode.layers import (
    BYTES_SWAPPED,
    CAPWAP,
    KEYED_BY_NOTHING,
    LINK_TYPES,
    TZSP,
)
from unpacket._core.decode.link_types import wireless
from unpacket._core.decode.packet import Packet
from unpacket._core.decode.reasons import (
    ENCAPSULATED,
    TUNNEL_HEADER,
    TUNNEL_TRUNCATED,
)
from unpacket._core.decode.reasons import UDP as PLAIN_UDP
from unpacket._core.decode.tunnels.layer2 import ethernet
from unpacket._core.native import reads


def capwap(packet: Packet) -> int:
    """Pass the header of CAPWAP data (RFC 5415 section 4.3, RFC 5416 section 5).

    Stations wander from one access point to the other, so its ends are no key.
    """
    at = packet.at
    if packet.stop <= at:
        return TUNNEL_TRUNCATED
    preamble = packet.data[at]
    if preamble > 1:
        return PLAIN_UDP
    if preamble == 1:
        # DTLS.
        packet.push(CAPWAP, 0)
        return ENCAPSULATED
    if packet.stop - at < 8:
        return TUNNEL_TRUNCATED
    fields = reads.be32(packet, at)
    if fields & 8:
        # Keeps the channel alive.
        return PLAIN_UDP
    packet.push(CAPWAP, 0)
    if packet.keyed_by != KEYED_BY_NOTHING:
        packet.add_key(CAPWAP << 32)
    # With the address of the radio, and what the radio says of the frame.
    size = (fields >> 19 & 31) * 4
    if size < 8:
        return TUNNEL_HEADER
    if fields & 0x80:
        # A fragment.
        return ENCAPSULATED
    if packet.stop - at < size + 2:
        return TUNNEL_TRUNCATED
    packet.at = at + size
    if fields & 0x100 == 0:
        return ethernet(packet)
    if fields >> 9 & 31 != 1:
        # Of no radio that anybody has defined but IEEE 802.11's.
        return ENCAPSULATED
    # Some access points send the two bytes of frame control in the wrong order. Data
    # frames of version 0, the only one, show that.
    control = reads.be16(packet, packet.at)
    if control & 0x300 != 0 and control & 0x0F == 0x08:
        return wireless(packet, BYTES_SWAPPED)
    return wireless(packet, 0)


def tzsp(packet: Packet) -> int:
    """Pass TaZmen Sniffer Protocol's header and tags, up to the one that ends them.

    It says how a frame came to the capture, and is no key.
    """
    at = packet.at
    if packet.stop - at < 4:
        return TUNNEL_TRUNCATED
    # Version 1; a frame that was received, or one that shall be sent.
    if packet.data[at] != 1 or packet.data[at + 1] > 1:
        return PLAIN_UDP
    inside = reads.be16(packet, at + 2)
    packet.push(TZSP, 0)
    at += 4
    while True:
        if packet.stop <= at:
            return TUNNEL_TRUNCATED
        tag = packet.data[at]
        at += 1
        if tag == 1:
            break
        # 0 fills up; all others have a length.
        if tag != 0:
            if packet.stop <= at:
                return TUNNEL_TRUNCATED
            at += 1 + packet.data[at]
    packet.at = at
    if inside == 1:
        return ethernet(packet)
    if inside == 18:
        packet.inside = LINK_TYPES | 105
    elif inside == 119 or inside == 127:
        # Prism's and AVS's headers.
        packet.inside = LINK_TYPES | (119 if inside == 119 else 163)
    return ENCAPSULATED
