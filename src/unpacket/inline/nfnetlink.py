"""The netfilter queue by netlink: packets from the kernel, verdicts back.

Layouts and numbers: linux/netfilter/nfnetlink_queue.h, linux/netlink.h.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from unpacket.errors import SourceError

NETLINK_NETFILTER = 12
SUBSYSTEM = 3 << 8
PACKET, VERDICT, CONFIG, VERDICT_BATCH = (SUBSYSTEM | n for n in range(4))
NLM_F_REQUEST, NLM_F_ACK = 1, 4
NLMSG_ERROR = 2

CFG_CMD, CFG_PARAMS, CFG_QUEUE_MAXLEN, CFG_MASK, CFG_FLAGS = 1, 2, 3, 4, 5
CMD_BIND = 1
COPY_PACKET = 2
# A netlink attribute has 16 bits for its length, with its header.
COPY_BYTES = 0xFFFF - 4
FLAG_FAIL_OPEN, FLAG_GSO = 1, 4

ATTR_HDR, ATTR_VERDICT, ATTR_MARK = 1, 2, 3
ATTR_PAYLOAD, ATTR_CAP_LEN, ATTR_SKB_INFO = 10, 13, 14
SKB_CSUM_NOT_READY, SKB_GSO = 1, 2
NF_DROP, NF_ACCEPT = 0, 1

# Of the namespace of this thread.
STATISTICS = Path("/proc/thread-self/net/netfilter/nfnetlink_queue")
SO_RCVBUFFORCE = 33
BUFFER_BYTES = 8 << 20
READ_BYTES = 1 << 17

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")


class Queued(NamedTuple):
    """A packet that waits for its verdict.

    Attributes:
        id: Of the packet in its queue, ascending.
        partial: Whether the kernel has not filled its checksum yet.
        is_gso: Whether it is larger than what goes on the wire.
        cut: Whether the kernel did not give all of it.
    """

    id: int
    data: bytes
    mark: int | None
    partial: bool
    is_gso: bool
    cut: bool


class Counted(NamedTuple):
    """What the kernel counts for a queue.

    Attributes:
        waiting: Packets that have no verdict yet.
        dropped: Packets for which there was no room in the queue.
        user_dropped: Packets for which there was no room in the socket.
    """

    waiting: int
    dropped: int
    user_dropped: int


class QueueSocket:
    """A queue of the kernel that belongs to this process.

    Attributes:
        overruns: How often the kernel reported that messages were lost (ENOBUFS).
    """

    def __init__(self, number: int, *, max_packets: int, fail_open: bool) -> None:
        """Bind to a queue.

        Raises:
            SourceError: Whose message says which: the kernel has no such queues, this
                process must not, or the queue belongs to another one.
        """
        self.number = number
        self.overruns = 0
        self._sequence = 0
        try:
            self._socket = socket.socket(
                socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER
            )
        except OSError as error:
            raise SourceError(self.name, "this kernel has no netfilter") from error
        try:
            self._socket.bind((0, 0))
            self._configure(CFG_CMD, struct.pack(">BxH", CMD_BIND, 0))
            self._configure(CFG_PARAMS, struct.pack(">IB", COPY_BYTES, COPY_PACKET))
            self._configure(CFG_QUEUE_MAXLEN, struct.pack(">I", max_packets))
            flags = FLAG_GSO | (FLAG_FAIL_OPEN if fail_open else 0)
            value = struct.pack(">I", flags)
            mask = attribute(CFG_MASK, struct.pack(">I", FLAG_GSO | FLAG_FAIL_OPEN))
            self._configure(CFG_FLAGS, value, mask)
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
            self._socket.setblocking(False)
        except OSError as error:
            self._socket.close()
            raise SourceError(self.name, self._reason(error)) from error

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"netfilter queue {self.number}"

    def _reason(self, error: OSError) -> str:
        if error.errno != errno.EPERM:
            if error.errno in (errno.EINVAL, errno.ENOENT, errno.EOPNOTSUPP):
                return "this kernel lacks them (CONFIG_NETFILTER_NETLINK_QUEUE)"
            return (error.strerror or "").lower()
        owner = owners().get(self.number)
        if owner is not None:
            return f"it belongs to the process with netlink port {owner} already"
        return "operation not permitted (CAP_NET_ADMIN is needed: sudo)"

    def _configure(self, kind: int, value: bytes, more: bytes = b"") -> None:
        self._send(CONFIG, attribute(kind, value) + more, NLM_F_ACK)
        answer = self._socket.recv(READ_BYTES)
        _, kind, _, _, _ = _HEADER.unpack_from(answer)
        if kind == NLMSG_ERROR:
            (code,) = struct.unpack_from("=i", answer, _HEADER.size)
            if code:
                raise OSError(-code, os.strerror(-code))

    def _send(self, kind: int, body: bytes, flags: int = 0) -> None:
        self._socket.send(self._message(kind, body, flags))

    def _message(self, kind: int, body: bytes, flags: int) -> bytes:
        self._sequence = self._sequence + 1 & 0xFFFFFFFF
        general = struct.pack(">BBH", 0, 0, self.number)
        length = _HEADER.size + len(general) + len(body)
        header = _HEADER.pack(length, kind, flags | NLM_F_REQUEST, self._sequence, 0)
        return header + general + body

    def fileno(self) -> int:
        """Return the descriptor, for ``select``."""
        return self._socket.fileno()

    def read(self) -> list[Queued]:
        """Return the packets of one read; none where nothing waits."""
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return []
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            # Some were lost; what is there goes on.
            self.overruns += 1
            return []
        return list(queued(data))

    def accept_up_to(self, packet_id: int) -> None:
        """Let all packets go on that have no verdict, up to an id."""
        verdict = struct.pack(">II", NF_ACCEPT, packet_id)
        self._send(VERDICT_BATCH, attribute(ATTR_VERDICT, verdict))

    def drop(self, packet_id: int) -> None:
        """Let a packet go no further."""
        verdict = struct.pack(">II", NF_DROP, packet_id)
        self._send(VERDICT, attribute(ATTR_VERDICT, verdict))

    def replace(self, packet_id: int, data: bytes, mark: int | None) -> None:
        """Let another packet go on in the place of one, with the same mark."""
        body = attribute(ATTR_VERDICT, struct.pack(">II", NF_ACCEPT, packet_id))
        if mark is not None:
            body += attribute(ATTR_MARK, struct.pack(">I", mark))
        self._send(VERDICT, body + attribute(ATTR_PAYLOAD, data))

    def counted(self) -> Counted:
        """Return what the kernel counted for this queue."""
        for row in rows():
            if row[0] == self.number:
                return Counted(row[2], row[5], row[6])
        return Counted(0, 0, 0)

    def close(self) -> None:
        """Give the queue back; what waits in it is dropped."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def attribute(kind: int, value: bytes) -> bytes:
    """Return a netlink attribute, padded."""
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)


def attributes(data: bytes, at: int, stop: int) -> Iterator[tuple[int, bytes]]:
    """Give kind and value of each attribute."""
    while at + _ATTRIBUTE.size <= stop:
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            return
        yield kind & 0x3FFF, data[at + _ATTRIBUTE.size : at + length]
        at += length + 3 & ~3


def queued(data: bytes) -> Iterator[Queued]:
    """Give the packets of what was read."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, _, _, _ = _HEADER.unpack_from(data, at)
        if length < _HEADER.size or at + length > len(data):
            return
        if kind == PACKET:
            found = dict(attributes(data, at + _HEADER.size + 4, at + length))
            if len(found.get(ATTR_HDR, b"")) >= 4:
                yield queued_packet(found)
        at += length + 3 & ~3


def queued_packet(found: dict[int, bytes]) -> Queued:
    """Return a packet of its attributes."""
    info = int.from_bytes(found.get(ATTR_SKB_INFO, b""), "big")
    mark = found.get(ATTR_MARK)
    return Queued(
        int.from_bytes(found[ATTR_HDR][:4], "big"),
        found.get(ATTR_PAYLOAD, b""),
        None if mark is None else int.from_bytes(mark, "big"),
        bool(info & SKB_CSUM_NOT_READY),
        bool(info & SKB_GSO),
        ATTR_CAP_LEN in found,
    )


def rows() -> list[list[int]]:
    """Return what the kernel shows of its queues."""
    try:
        lines = STATISTICS.read_text().splitlines()
    except OSError:
        return []
    return [[int(word) for word in line.split()] for line in lines]


def owners() -> dict[int, int]:
    """Return the netlink ports that queues belong to."""
    return {row[0]: row[1] for row in rows()}
