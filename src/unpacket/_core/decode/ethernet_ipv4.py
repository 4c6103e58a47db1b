# cython: nonecheck=False, initializedcheck=False
# cython: boundscheck=False, overflowcheck=False
"""The plainest frame, which most are: Ethernet, IPv4 without options, TCP.

What ``link`` and ``ip`` find out in a dozen steps is found here in one. Whatever is
else they decide about.

The checks of index and overflow are off in this file: all bytes that are read are
among the first LEAST of the frame, which the first lines compare with the data.
"""

from unpacket._core.constants import ODD_IP_LENGTH
from unpacket._core.decode.packet import Packet
from unpacket._core.native import loads

# What the three headers take.
LEAST = 54


def plain(packet: Packet, start: int, captured: int, original: int) -> bool:
    """Find the TCP header of the Ethernet frame at ``start``, if it is a plain one.

    Else nothing is changed.
    """
    if captured < LEAST or start < 0 or start > len(packet.data) - captured:
        return False
    if loads.load16(packet.data, start + 12, True) != 0x0800:
        return False
    at = start + 14
    words_0 = loads.load32(packet.data, at, True)
    words_2 = loads.load32(packet.data, at + 4, True)
    words_4 = loads.load32(packet.data, at + 8, True)
    total = words_0 & 0xFFFF
    if (
        words_0 >> 24 != 0x45
        # Of a fragment, or an odd flag.
        or words_2 & 0x3FFF != 0
        or words_4 >> 16 & 0xFF != 6
        or total < 40
    ):
        return False
    src = loads.load32(packet.data, at + 12, True)
    dst = loads.load32(packet.data, at + 16, True)
    packet.ip_header_damaged = False
    packet.odd = 0
    if packet.verify_checksums and words_4 & 0xFFFF != 0:
        # As in ``ip``.
        header_sum = words_0 + words_2 + words_4 + src + dst
        packet.ip_header_damaged = header_sum % 0xFFFF != 0
    packet.layer_count = 0
    packet.family = 4
    packet.ttl = words_4 >> 24
    packet.ip_id = words_2 >> 16
    packet.src_hi = 0
    packet.src_lo = src
    packet.dst_hi = 0
    packet.dst_lo = dst
    packet.length_known = True
    packet.wire_stop = at + total
    packet.stop = packet.wire_stop
    if at + total > start + captured:
        packet.stop = start + captured
        if captured == original:
            # As in ``ip``.
            packet.odd = ODD_IP_LENGTH
    packet.at = at + 20
    return True
