"""ICMP messages that quote a segment: what they quote is what its sender sent.

A router on the way quotes what it got from here, with numbers that the sender does
not know. "Too big" also says how large segments may be from now on (RFC 1191,
RFC 8201).
"""

from __future__ import annotations

from unpacket._core.constants import LOW32
from unpacket.inline.envelope import TCP, Envelope, word_sum
from unpacket.inline.flows import FlowTable
from unpacket.inline.packets import Packet, pseudo_sum

ICMP, ICMP_6 = 1, 58
# Unreachable, time exceeded, parameter problem (RFC 792, RFC 4443).
ERRORS = {ICMP: frozenset((3, 11, 12)), ICMP_6: frozenset((1, 2, 3, 4))}
TOO_BIG = {ICMP: (3, 4), ICMP_6: (2, 0)}
# The least that a path carries (RFC 791: 68, of which Linux believes 552; RFC 8200).
LEAST_MTU = {ICMP: 552, ICMP_6: 1280}


def translated(packet: Packet, envelope: Envelope, flows: FlowTable) -> Packet:
    """Return an ICMP error with the sender's own numbers; others as they are."""
    data = packet.data
    at = envelope.head_bytes
    protocol = envelope.protocol
    if envelope.stop - at < 8 or data[at] not in ERRORS.get(protocol, ()):
        return packet
    quoted = at + 8
    found = quoted_segment(data, quoted, envelope.stop)
    if found is None:
        return packet
    tcp_at, source, target = found
    flow = flows.find((source, target) if source < target else (target, source))
    if flow is None:
        return packet
    half = flow.halves[0 if source == flow.first else 1]
    if (data[at], data[at + 1]) == TOO_BIG[protocol]:
        mtu = int.from_bytes(data[at + 6 : at + 8], "big")
        if mtu >= LEAST_MTU[protocol]:
            half.segment_bytes = mtu
    if not half.is_translated():
        return packet
    seq = int.from_bytes(data[tcp_at + 4 : tcp_at + 8], "big")
    original = half.edits.original(half.out_at(seq))
    fresh = bytearray(data[: envelope.stop])
    fresh[tcp_at + 4 : tcp_at + 8] = ((half.base + original) & LOW32).to_bytes(4, "big")
    fresh[at + 2 : at + 4] = b"\0\0"
    total = word_sum(bytes(fresh[at:]))
    if protocol == ICMP_6:
        length = len(fresh) - at
        total += pseudo_sum(data[8:24], data[24:40], length) - TCP + ICMP_6
    fresh[at + 2 : at + 4] = (0xFFFF - total % 0xFFFF).to_bytes(2, "big")
    return Packet(bytes(fresh), mark=packet.mark)


def quoted_segment(data: bytes, at: int, stop: int) -> tuple[int, bytes, bytes] | None:
    """Return where a quoted TCP header lies, and its ends; None where there is none."""
    if stop - at < 28:
        return None
    if data[at] >> 4 == 4:
        length = (data[at] & 15) * 4
        if data[at + 9] != TCP or length < 20:
            return None
        a, b = data[at + 12 : at + 16], data[at + 16 : at + 20]
    else:
        length = 40
        if stop - at < 48 or data[at + 6] != TCP:
            return None
        a, b = data[at + 8 : at + 24], data[at + 24 : at + 40]
    tcp_at = at + length
    if stop - tcp_at < 8:
        return None
    return tcp_at, a + data[tcp_at : tcp_at + 2], b + data[tcp_at + 2 : tcp_at + 4]
