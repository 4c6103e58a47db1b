"""What a sender leaves to its network card: large segments and checksums.

With offload a kernel hands down TCP packets of up to 64 KiB that have only the
sum of the pseudo-header in their checksum; the card cuts them to size and fills
the checksums in. A TUN device says by the virtio header in front of a packet what
is left to do (linux/virtio_net.h, little-endian as on the machines that we know).
"""

import struct
from typing import NamedTuple

_HEADER = struct.Struct("<BBHHHH")
HEADER_LENGTH = _HEADER.size

_NEEDS_CHECKSUM = 1
_NOT_LARGE = 0
_FIN_AND_PSH = 0x09
_CWR = 0x80
_CHECKSUM = 16


class Offloaded(NamedTuple):
    """A packet as its kernel let go of it, and the virtio header before it."""

    header: bytes
    packet: bytes

    def finished(self) -> list[bytes]:
        """Return the packets that a network card would send: cut and summed."""
        flags, kind, _, size, start, at = _HEADER.unpack(self.header)
        if kind != _NOT_LARGE:
            return _cut(self.packet, start, size)
        if not flags & _NEEDS_CHECKSUM:
            return [self.packet]
        # The field holds the sum of the pseudo-header, so it is part of the sum.
        whole = bytearray(self.packet)
        struct.pack_into(">H", whole, start + at, _folded(whole[start:]) ^ 0xFFFF)
        return [bytes(whole)]


def of(read: bytes) -> Offloaded:
    """Split what was read from a TUN device with IFF_VNET_HDR."""
    return Offloaded(read[:HEADER_LENGTH], read[HEADER_LENGTH:])


NOTHING_LEFT = bytes(HEADER_LENGTH)
"""The virtio header of a packet that is finished."""


def _cut(packet: bytes, start: int, size: int) -> list[bytes]:
    """Cut a TCP packet whose TCP header is at ``start`` into payloads of ``size``."""
    payload_at = start + (packet[start + 12] >> 4) * 4
    seq = int.from_bytes(packet[start + 4 : start + 8], "big")
    pieces = []
    for number, at in enumerate(range(payload_at, len(packet), size)):
        payload = packet[at : at + size]
        piece = bytearray(packet[:payload_at] + payload)
        if at + size < len(packet):
            piece[start + 13] &= ~_FIN_AND_PSH
        if number:
            piece[start + 13] &= ~_CWR
        done = at - payload_at
        struct.pack_into(">I", piece, start + 4, (seq + done) & 0xFFFFFFFF)
        _address(piece, number)
        _sum(piece, start)
        pieces.append(bytes(piece))
    return pieces


def _address(piece: bytearray, number: int) -> None:
    """Set the lengths, the identification and the sum of the IP header."""
    if piece[0] >> 4 == 6:
        struct.pack_into(">H", piece, 4, len(piece) - 40)
        return
    identification = int.from_bytes(piece[4:6], "big") + number
    struct.pack_into(">HH", piece, 2, len(piece), identification & 0xFFFF)
    struct.pack_into(">H", piece, 10, 0)
    struct.pack_into(">H", piece, 10, _folded(piece[: (piece[0] & 15) * 4]) ^ 0xFFFF)


def _sum(piece: bytearray, start: int) -> None:
    """Set the TCP checksum (RFC 9293 section 3.1)."""
    addresses = piece[8:40] if piece[0] >> 4 == 6 else piece[12:20]
    struct.pack_into(">H", piece, start + _CHECKSUM, 0)
    pseudo = addresses + struct.pack(">II", len(piece) - start, 6)
    struct.pack_into(
        ">H", piece, start + _CHECKSUM, _folded(pseudo + piece[start:]) ^ 0xFFFF
    )


def _folded(data: bytes | bytearray) -> int:
    """Return the 16-bit one's complement sum of ``data`` (RFC 1071)."""
    # 2**16 is 1 modulo 2**16 - 1, so the remainder is the folded sum, but for
    # that of anything but zeros, which folds to 0xFFFF and never to 0.
    padded = bytes(data) + bytes(len(data) % 2)
    return int.from_bytes(padded, "big") % 0xFFFF or 0xFFFF
