"""A packet socket of Linux with its ring: blocks of frames that the kernel fills.

TPACKET_V3 (linux/if_packet.h; the order of the calls matters). A block is copied out
and given back at once, so the kernel never waits for whoever keeps a batch: what the
ring has room for is all that can wait, and what does not fit is counted as dropped.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import select
import socket
import struct
from typing import NamedTuple

from unpacket.errors import SourceError
from unpacket.sources.live import constants
from unpacket.sources.live.socket_filter import Row, attach

BLOCK_BYTES = 1 << 20
LEAST_BLOCKS = 2
# The block that is being filled is given after this time, or twice it.
BLOCK_TIMEOUT_MS = 20
# In front of each frame, for a cooked header (20 bytes) and the tag of a VLAN (4); the
# kernel has 14 or 16 there itself.
RESERVED_BYTES = 16

# Of a block: its status, the frames in it, where the first begins, how long it is.
HEAD = struct.Struct("4I")
HEAD_AT = 8
KERNEL_HAS_IT = 0
OURS = 1

REMEDY = (
    "run it as root, or let Python do so: "
    "setcap cap_net_raw=eip $(readlink -f $(command -v python3))"
)


class Counted(NamedTuple):
    """What the kernel counted since it was asked before.

    Attributes:
        received: Frames that passed the filter, dropped ones included.
        dropped: Those that the ring had no room for.
        freezes: How often it began to drop.
    """

    received: int
    dropped: int
    freezes: int


class Address(ctypes.Structure):
    """``struct sockaddr_ll``, for ``bind`` to an interface by number."""

    _fields_ = (
        ("family", ctypes.c_uint16),
        ("protocol", ctypes.c_uint16),
        ("index", ctypes.c_int),
        ("hardware", ctypes.c_uint16),
        ("kind", ctypes.c_uint8),
        ("size", ctypes.c_uint8),
        ("address", ctypes.c_uint8 * 8),
    )


class Ring:
    """Frames of an interface, in blocks.

    Args:
        name: Of the interface, for messages.
        index: The kernel's number of it, 0 for all.
        cooked: Whether the kernel takes off the link layer.
        ring_bytes: How much may wait; less is taken where the kernel has no more.
        rows: The filter to be attached, or None.
        incoming_only: Whether to spare the kernel what is sent.
        fanout: Group and mode, or None.

    Raises:
        SourceError: The kernel refuses it.
    """

    def __init__(
        self,
        name: str,
        index: int,
        *,
        cooked: bool,
        ring_bytes: int,
        rows: list[Row] | None,
        promiscuous: bool,
        incoming_only: bool,
        fanout: tuple[int, int] | None,
    ) -> None:
        self._name = name
        self._next = 0
        self._was_down = False
        self._map: mmap.mmap | None = None
        self._socket = packet_socket(name, cooked=cooked)
        try:
            self._set_up(index, ring_bytes, rows, incoming_only=incoming_only)
            if promiscuous:
                self._be_promiscuous(index)
            if fanout is not None:
                group, mode = fanout
                self._option(constants.FANOUT, struct.pack("=I", group | mode << 16))
        except OSError as error:
            self.close()
            raise refused(name, error) from error
        except BaseException:
            self.close()
            raise

    def _set_up(
        self,
        index: int,
        ring_bytes: int,
        rows: list[Row] | None,
        *,
        incoming_only: bool,
    ) -> None:
        self._option(constants.VERSION, constants.VERSION_3)
        self._option(constants.RESERVE, RESERVED_BYTES)
        if incoming_only:
            self._option(constants.IGNORE_OUTGOING, 1)
        if rows is not None:
            attach(self._socket, rows)
        self._block_count = self._ask_for(max(ring_bytes // BLOCK_BYTES, LEAST_BLOCKS))
        size = self._block_count * BLOCK_BYTES
        self._map = mmap.mmap(self._socket.fileno(), size)
        self._memory = memoryview(self._map)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN | select.POLLERR)
        bind(self._socket, index)

    def _ask_for(self, blocks: int) -> int:
        """Ask for a ring of so many blocks, or half of it until the kernel has it."""
        while True:
            asked = struct.pack(
                "7I", BLOCK_BYTES, blocks, BLOCK_BYTES, blocks, BLOCK_TIMEOUT_MS, 0, 0
            )
            try:
                self._option(constants.RX_RING, asked)
            except OSError as error:
                if error.errno != errno.ENOMEM or blocks <= LEAST_BLOCKS:
                    raise
                blocks = max(blocks // 2, LEAST_BLOCKS)
            else:
                return blocks

    @property
    def ring_bytes(self) -> int:
        """How much may wait."""
        return self._block_count * BLOCK_BYTES

    def fileno(self) -> int:
        """Return the descriptor of the socket."""
        return self._socket.fileno()

    def block(self) -> tuple[int, int, int] | None:
        """Return where the next block is, if the kernel has filled it.

        Returns:
            How long it is, how many frames it has, and where in it the first begins.
        """
        at = self._next * BLOCK_BYTES + HEAD_AT
        status, frames, first, length = HEAD.unpack_from(self._memory, at)
        if not status & OURS:
            return None
        return min(length, BLOCK_BYTES), frames, first

    def copy_to(self, target: bytearray, length: int) -> None:
        """Copy the block that ``block`` described."""
        at = self._next * BLOCK_BYTES
        # Of two memory views: else there would be one more copy.
        memoryview(target)[:length] = self._memory[at : at + length]

    def give_back(self) -> None:
        """Let the kernel fill that block again, and go on with the next one."""
        at = self._next * BLOCK_BYTES + HEAD_AT
        self._next = (self._next + 1) % self._block_count
        struct.pack_into("I", self._memory, at, KERNEL_HAS_IT)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the next block; return whether there may be one.

        An interface that is down may come up again, and then goes on.

        Raises:
            SourceError: The interface is gone.
        """
        happened = self._poll.poll(timeout_s * 1000)
        for _, what in happened:
            if what & select.POLLERR:
                trouble = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if trouble == errno.ENETDOWN:
                    self._was_down = True
                elif trouble:
                    raise refused(self._name, OSError(trouble, os.strerror(trouble)))
        # The kernel takes the name away from the socket; it does not say so.
        if self._was_down and not self._socket.getsockname()[0]:
            raise SourceError(self._name, "the interface is gone")
        return any(what & select.POLLIN for _, what in happened)

    def counted(self) -> Counted:
        """Return what the kernel counted since the last call."""
        answer = self._socket.getsockopt(constants.SOL_PACKET, constants.STATISTICS, 12)
        return Counted(*struct.unpack("3I", answer))

    def shut(self) -> None:
        """Let no more frames in; the blocks that have some can still be read."""
        attach(self._socket, [(6, 0, 0, 0)])

    def close(self) -> None:
        """Give the ring back to the kernel."""
        if self._map is not None:
            self._memory.release()
            self._map.close()
            self._map = None
        self._socket.close()

    def _be_promiscuous(self, index: int) -> None:
        asked = struct.pack("iHH8s", index, constants.PROMISCUOUS_MEMBERSHIP, 0, b"")
        self._option(constants.ADD_MEMBERSHIP, asked)

    def _option(self, option: int, value: int | bytes) -> None:
        self._socket.setsockopt(constants.SOL_PACKET, option, value)


def packet_socket(name: str, *, cooked: bool) -> socket.socket:
    """Open a packet socket that gets nothing yet.

    Raises:
        SourceError: This process may not.
    """
    kind = socket.SOCK_DGRAM if cooked else socket.SOCK_RAW
    try:
        return socket.socket(socket.AF_PACKET, kind, 0)
    except OSError as error:
        raise refused(name, error) from error


def bind(packet: socket.socket, index: int) -> None:
    """Let all that passes an interface into a packet socket."""
    protocol = socket.htons(constants.ETH_P_ALL)
    address = Address(socket.AF_PACKET, protocol, index)
    # Python's own takes a name, and 0, which is all interfaces, has none.
    library = ctypes.CDLL(None, use_errno=True)
    size = ctypes.sizeof(address)
    if library.bind(packet.fileno(), ctypes.byref(address), size):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def refused(name: str, error: OSError) -> SourceError:
    """Return what the user is to read where the kernel refuses something."""
    if error.errno in (errno.EPERM, errno.EACCES):
        failure = SourceError(name, "capturing on it needs the capability CAP_NET_RAW")
        failure.add_note(REMEDY)
        return failure
    if error.errno in (errno.ENODEV, errno.ENXIO):
        return SourceError(name, "there is no such interface")
    return SourceError(name, (error.strerror or str(error)).lower())
