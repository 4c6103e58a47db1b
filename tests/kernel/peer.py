"""A crafted client of the kernel's listening socket, and the record of both ways.

Offsets are counted from 0 = the first payload byte of the client; what the kernel
sends is acknowledged in the same way, from 0 = its first payload byte.
"""

import socket
import struct
from collections.abc import Sequence
from typing import NamedTuple

from tests import builder
from tests.builder import ACK, MS, RAW, SYN, Frame
from tests.kernel.device import KERNEL_END, PORT, Device

ABORT = struct.pack("ii", 1, 0)
PROTOCOL_TCP = 6
PORTS = range(10_000, 60_000)


class Outcome(NamedTuple):
    """What a program saw of a connection.

    Attributes:
        data: All that ``recv`` gave.
        end: ``"eof"``, ``"rst"`` or, as long as more may come, ``""``.
    """

    data: bytes
    end: str


class Wire:
    """A device, and every packet that went over it.

    Attributes:
        frames: Raw IP packets, a millisecond apart.
    """

    def __init__(self, device: Device, start_ns: int = builder.START_NS) -> None:
        self.device = device
        self.frames: list[Frame] = []
        self._now_ns = start_ns

    def send(self, packet: bytes) -> list[bytes]:
        """Hand a packet to the kernel; return the packets of TCP that it answered."""
        self._record(packet)
        self.device.write(packet)
        return self.listen()

    def listen(self) -> list[bytes]:
        """Return the packets of TCP that the kernel has sent by itself."""
        answers = [packet for packet in self.device.answers() if is_tcp(packet)]
        for packet in answers:
            self._record(packet)
        return answers

    def take(self) -> list[Frame]:
        """Return the frames so far, and begin anew."""
        frames, self.frames = self.frames, []
        return frames

    def _record(self, packet: bytes) -> None:
        self._now_ns += MS
        self.frames.append(Frame(self._now_ns, packet, RAW, len(packet)))


class Connection:
    """One connection to the listening socket, with all of its bytes crafted.

    Attributes:
        client: Address and port.
        isn, kernel_isn: Initial sequence numbers of the two ends.
        kernel_timestamp: Of the SYN-ACK; 0 without timestamps.
        outcome: What the program has read, which reads at once what there is.
    """

    def __init__(
        self, wire: Wire, version: int, number: int, isn: int, options: bytes = b""
    ) -> None:
        """Shake hands.

        Args:
            number: Of the connection; no two have the same client, nor the same
                address and identification of fragments.
            options: Of the SYN.
        """
        self.version = version
        self.isn = isn
        network, port = divmod(number, len(PORTS))
        address = f"10.9.{1 + network}.2" if version == 4 else f"fd09::{2 + network}"
        self.client = (address, PORTS[port])
        self._identification = number if version == 6 else number & 0xFFFF
        self._wire = wire
        self._target = (KERNEL_END[version], PORT)
        self.outcome = Outcome(b"", "")
        self._socket: socket.socket | None = None
        syn = self.segment(-1, flags=SYN, acked=None, options=options)
        answer = wire.send(self.packet(syn))[0]
        header = answer[ip_header_bytes(answer) :]
        self.kernel_isn = int.from_bytes(header[4:8], "big")
        self.kernel_timestamp = timestamp_of(header)

    def establish(self, options: bytes) -> None:
        """Send the third packet of the handshake, and accept."""
        self._wire.send(self.packet(self.segment(0, options=options)))
        self.accept()

    def accept(self) -> bool:
        """Take the connection from the listening socket; return whether it is there."""
        try:
            accepted, _ = self._wire.device.listeners[self.version].accept()
        except BlockingIOError:
            return False
        accepted.setblocking(False)
        self._socket = accepted
        return True

    def segment(
        self,
        offset: int,
        payload: bytes = b"",
        *,
        flags: int = ACK,
        acked: int | None = 0,
        window: int = 65535,
        options: bytes = b"",
        urgent: int = 0,
        sum_xor: int = 0,
    ) -> bytes:
        """Return a TCP segment at an offset of the client."""
        ack = 0 if acked is None else self.kernel_isn + 1 + acked
        return builder.tcp(
            self.client,
            self._target,
            self.isn + 1 + offset,
            payload,
            ack=ack if flags & ACK else None,
            flags=flags,
            window=window,
            options=options,
            urgent=urgent,
            sum_xor=sum_xor,
        )

    def packet(
        self, payload: bytes, fragment_offset: int = 0, more_fragments: bool = False
    ) -> bytes:
        """Return an IP packet of the client; see ``builder.ip``."""
        return builder.ip(
            self.client[0],
            self._target[0],
            payload,
            identification=self._identification,
            fragment_offset=fragment_offset,
            more_fragments=more_fragments,
        )

    def send(self, packets: Sequence[bytes]) -> None:
        """Send packets, and record what the kernel answers."""
        for packet in packets:
            self._wire.send(packet)
            self._read()

    def _read(self) -> None:
        data, end = self.outcome
        if self._socket is None or end:
            return
        try:
            while chunk := self._socket.recv(1 << 20):
                data += chunk
            end = "eof"
        except BlockingIOError:
            pass
        except (ConnectionResetError, BrokenPipeError):
            end = "rst"
        self.outcome = Outcome(data, end)

    def close(self) -> None:
        """Forget the connection, unrecorded."""
        if self._socket is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            self._socket.close()
        for _ in self._wire.device.answers():
            pass


def is_tcp(packet: bytes) -> bool:
    """Return whether an IP packet of the kernel carries TCP."""
    return packet[9 if packet[0] >> 4 == 4 else 6] == PROTOCOL_TCP


def ip_header_bytes(packet: bytes) -> int:
    """Return the length of the IP header of a packet of the kernel."""
    return (packet[0] & 15) * 4 if packet[0] >> 4 == 4 else 40


def timestamp_of(header: bytes) -> int:
    """Return the timestamp value in a TCP header, or 0."""
    at, stop = 20, (header[12] >> 4) * 4
    while at < stop:
        kind = header[at]
        if kind == 8:
            return int.from_bytes(header[at + 2 : at + 6], "big")
        at += 1 if kind == 1 else max(header[at + 1], 2)
    return 0
