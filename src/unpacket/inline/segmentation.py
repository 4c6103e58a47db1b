"""What a network card would do to a packet: fill its checksum, and cut it."""

from __future__ import annotations

from unpacket.inline.envelope import TCP, opened
from unpacket.inline.packets import CWR, FIN, PSH, Packet, segment_of


def filled(packet: Packet) -> Packet:
    """Return a packet whose checksum of TCP is filled."""
    if not packet.partial:
        return packet
    envelope = opened(packet.data)
    if envelope.protocol != TCP:
        return packet
    segment = segment_of(packet, envelope)
    segment.load()
    segment.partial = False
    return segment.built()


def pieces(packet: Packet, mtu: int) -> list[Packet]:
    """Return a packet as several that are no larger than a device takes.

    Whoever sends them itself has no device that would cut them.
    """
    if len(packet.data) <= mtu:
        return [packet]
    envelope = opened(packet.data)
    if envelope.protocol != TCP:
        return [packet]
    segment = segment_of(packet, envelope)
    segment.load()
    size = mtu - segment.header_bytes
    parts = []
    for at in range(0, len(segment.payload), size):
        part = segment.copy()
        part.seq = segment.seq + at & 0xFFFFFFFF
        part.payload = segment.payload[at : at + size]
        part.gso_size = 0
        if at:
            part.flags &= ~CWR
        if at + size < len(segment.payload):
            part.flags &= ~(FIN | PSH)
        parts.append(part.built())
    return parts
