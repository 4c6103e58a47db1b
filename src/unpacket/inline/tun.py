"""A TUN device: IP packets to and from the kernel, with or without offload.

Layouts and numbers: linux/if_tun.h, linux/virtio_net.h, linux/sockios.h.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from types import TracebackType
from typing import Self

from unpacket.errors import SourceError
from unpacket.inline.envelope import TCP, Refused, opened
from unpacket.inline.native import descriptors
from unpacket.inline.outbox import Outcome
from unpacket.inline.packets import Packet, packet_of

CLONE_DEVICE = "/dev/net/tun"
TUNSETIFF, TUNSETVNETHDRSZ, TUNSETOFFLOAD = 0x400454CA, 0x400454D8, 0x400454D0
IFF_TUN, IFF_NO_PI, IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6 = 1, 2, 4
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFMTU = 0x8913, 0x8914, 0x8922
SIOCSIFTXQLEN = 0x8943
IFF_UP = 1
MAX_NAME_BYTES = 15
# So that a burst of small packets is not lost while a batch is inspected.
QUEUE_PACKETS = 5000

# flags, gso_type, hdr_len, gso_size, csum_start, csum_offset, as the machine orders.
VNET_HEADER = struct.Struct("=BBHHHH")
NEEDS_CSUM, DATA_VALID = 1, 2
GSO_NONE, GSO_TCPV4, GSO_TCPV6, GSO_ECN = 0, 1, 4, 0x80
TCP_CSUM_OFFSET = 16
NO_OFFLOAD = VNET_HEADER.pack(0, GSO_NONE, 0, 0, 0, 0)
READ_BYTES = 65536 + 4096


class Tun:
    """A device that is open. It never blocks.

    Attributes:
        name: As the kernel has it; ``%d`` in it was filled in.
        lost: How many packets the kernel did not take.
    """

    def __init__(self, name: str, *, mtu: int = 1500, offload: bool = False) -> None:
        """Make the device, or take one that is there, and bring it up.

        Args:
            offload: Take and give segments of up to 64 KiB with checksums that are
                not filled (IFF_VNET_HDR).

        Raises:
            SourceError: There is none to be had: no right, no such kernel, or in use.
            ValueError: No device can have that name.
        """
        if not 0 < len(name.encode()) <= MAX_NAME_BYTES or "/" in name:
            raise ValueError(f"{name!r} is no name of a network device")
        self.lost = 0
        self._offload = offload
        self._head = bytearray(VNET_HEADER.size if offload else 0)
        self._room = bytearray(READ_BYTES)
        try:
            self._descriptor = os.open(CLONE_DEVICE, os.O_RDWR | os.O_NONBLOCK)
        except OSError as error:
            reason = (error.strerror or "").lower()
            raise SourceError(
                CLONE_DEVICE, f"{reason} (a TUN device needs CAP_NET_ADMIN: sudo)"
            ) from error
        try:
            self.name = self._attach(name)
            self._bring_up(mtu)
        except OSError as error:
            os.close(self._descriptor)
            reason = (error.strerror or "").lower()
            raise SourceError(name, f"{reason} (CAP_NET_ADMIN is needed)") from error

    def _attach(self, name: str) -> str:
        flags = IFF_TUN | IFF_NO_PI | (IFF_VNET_HDR if self._offload else 0)
        request = struct.pack("16sH22x", name.encode(), flags)
        found = fcntl.ioctl(self._descriptor, TUNSETIFF, request)
        if self._offload:
            size = struct.pack("i", VNET_HEADER.size)
            fcntl.ioctl(self._descriptor, TUNSETVNETHDRSZ, size)
            wanted = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6
            fcntl.ioctl(self._descriptor, TUNSETOFFLOAD, wanted)
        return found[:16].rstrip(b"\0").decode()

    def _bring_up(self, mtu: int) -> None:
        packed = self.name.encode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            fcntl.ioctl(control, SIOCSIFMTU, struct.pack("16si20x", packed, mtu))
            queue = struct.pack("16si20x", packed, QUEUE_PACKETS)
            fcntl.ioctl(control, SIOCSIFTXQLEN, queue)
            found = fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16s24x", packed))
            (flags,) = struct.unpack_from("H", found, 16)
            request = struct.pack("16sH22x", packed, flags | IFF_UP)
            fcntl.ioctl(control, SIOCSIFFLAGS, request)

    def fileno(self) -> int:
        """Return the descriptor, for ``select``."""
        return self._descriptor

    def read(self) -> Packet | None:
        """Return the next packet; None where there is none now.

        Raises:
            SourceError: The device is gone.
        """
        try:
            data = descriptors.read_packet(self._descriptor, self._head, self._room)
        except OSError as error:
            reason = (error.strerror or "").lower()
            raise SourceError(self.name, f"the device is gone: {reason}") from error
        if data is None:
            return None
        if not self._offload:
            return packet_of(data, False, 0, b"")
        flags, kind, _, gso_size, _, _ = VNET_HEADER.unpack(self._head)
        if kind & ~GSO_ECN == GSO_NONE:
            gso_size = 0
        partial = bool(flags & NEEDS_CSUM)
        return packet_of(data, partial, gso_size, bytes(self._head))

    def read_many(self, origin: int, most: int) -> list[tuple[int, Packet]]:
        """Return what there is, up to a bound, each with a number for its origin.

        Raises:
            SourceError: The device is gone.
        """
        packets: list[tuple[int, Packet]] = []
        while len(packets) < most:
            packet = self.read()
            if packet is None:
                break
            packets.append((origin, packet))
        return packets

    def write(self, packet: Packet) -> None:
        """Give the kernel a packet, which counts as lost where it does not take it."""
        head = b""
        if self._offload:
            head = packet.offload or offload_of(packet)
        # Malformed (EINVAL), the device is down (EIO), no memory: as on a wire.
        if not descriptors.write_packet(self._descriptor, head, packet.data):
            self.lost += 1

    def close(self) -> None:
        """Close the device; it is gone then, unless somebody made it persistent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def send_all(outcomes: list[Outcome], devices: list[Tun]) -> None:
    """Give two devices what is to be sent; the number of one is its place."""
    for outcome in outcomes:
        number = outcome.origin
        if outcome.forward:
            tun = devices[1 - number]
            for packet in outcome.forward:
                tun.write(packet)
        if outcome.back:
            tun = devices[number]
            for packet in outcome.back:
                tun.write(packet)


def offload_of(packet: Packet) -> bytes:
    """Return the header of a packet that was built here."""
    if not packet.partial:
        return NO_OFFLOAD
    try:
        envelope = opened(packet.data)
    except Refused:
        return NO_OFFLOAD
    if envelope.protocol != TCP:
        return NO_OFFLOAD
    at = envelope.head_bytes
    kind = GSO_NONE
    length = 0
    if packet.gso_size:
        kind = GSO_TCPV6 if packet.data[0] >> 4 == 6 else GSO_TCPV4
        length = at + (packet.data[at + 12] >> 4) * 4
    return VNET_HEADER.pack(
        NEEDS_CSUM, kind, length, packet.gso_size, at, TCP_CSUM_OFFSET
    )
