"""A TUN or TAP device in a network namespace of its own, with listening sockets.

A thread of its own leaves for a new namespace (``unshare`` moves the calling thread
alone), makes the device and the sockets there, and ends: descriptors keep belonging
to the namespace in which they were made, and it goes when the last is closed. Nothing
of the host's network is touched.

A packet that is written to the device has been through the kernel's whole receive
path when ``write`` returns, and the answers can be read. So nobody ever waits.
"""

import ctypes
import errno
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

# The networks 10.9.0.0/16 and fd09::/64 lie behind the device.
KERNEL_END = {4: "10.9.0.1", 6: "fd09::1"}
PORT = 7000
MTU = 9000

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_TAP, IFF_NO_PI = 1, 2, 0x1000
SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8914, 0x8916, 0x891C
SIOCSIFMTU, SIOCGIFHWADDR, SIOCGIFINDEX = 0x8922, 0x8927, 0x8933
IFF_UP, IFF_NOARP = 1, 0x80
ETHERNET_BYTES = 14
SO_RCVBUFFORCE = 33
BUFFER_BYTES = 1 << 22
RTMGRP_IPV6_IFADDR = 0x100
# Far more than a new IPv6 address ever takes to become usable.
PATIENCE_S = 10
NAME = b"tun0"


class Unavailable(Exception):
    """This machine does not let us have a device in a namespace."""


class Device:
    """The device, and the sockets that listen behind it.

    Attributes:
        listeners: By IP version. They do not block.
    """

    def __init__(self, *, tap: bool = False) -> None:
        """Make it.

        Args:
            tap: Hand packets to the kernel in the buffers of a TAP device, which
                are pieces of pages as those of most network cards; those of a TUN
                device are pieces of linear memory.

        Raises:
            Unavailable: It is not to be had, with the reason.
        """
        self.listeners: dict[int, socket.socket] = {}
        self._descriptor = -1
        self._tap = tap
        self._ethernet = b""
        failure: list[OSError] = []

        def enter() -> None:
            try:
                self._make()
            except OSError as error:
                failure.append(error)

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if failure:
            self.close()
            raise Unavailable(f"no TUN device in a namespace: {failure[0]}")

    def _make(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        self._descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        kind = IFF_TAP if self._tap else IFF_TUN
        request = struct.pack("16sH22x", NAME, kind | IFF_NO_PI)
        fcntl.ioctl(self._descriptor, TUNSETIFF, request)
        # No duplicate address detection: the address could not be used at once.
        write_setting("ipv6/conf/all/disable_ipv6", "0")
        write_setting(f"ipv6/conf/{NAME.decode()}/accept_dad", "0")
        write_setting("ipv4/tcp_syncookies", "0")
        # Or a datagram is dropped when 64 fragments of others came in between.
        write_setting("ipv4/ipfrag_max_dist", "0")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as four:
            # A TAP device would ask for hardware addresses first.
            flags = IFF_UP | IFF_NOARP
            if self._tap:
                found = fcntl.ioctl(four, SIOCGIFHWADDR, struct.pack("16s24x", NAME))
                self._ethernet = found[18:24] + bytes(6)
            for command, address in (
                (SIOCSIFADDR, KERNEL_END[4]),
                (SIOCSIFNETMASK, "255.255.0.0"),
            ):
                packed = socket.inet_aton(address)
                request = struct.pack("16sHH4s16x", NAME, socket.AF_INET, 0, packed)
                fcntl.ioctl(four, command, request)
            fcntl.ioctl(four, SIOCSIFMTU, struct.pack("16si20x", NAME, MTU))
            for name in (b"lo", NAME):
                fcntl.ioctl(four, SIOCSIFFLAGS, struct.pack("16sH22x", name, flags))
            found = fcntl.ioctl(four, SIOCGIFINDEX, struct.pack("16s24x", NAME))
            index = struct.unpack_from("i", found, 16)[0]
        add_ipv6_address(index)
        for version, family in ((4, socket.AF_INET), (6, socket.AF_INET6)):
            listener = socket.socket(family, socket.SOCK_STREAM)
            self.listeners[version] = listener
            # So that no memory is short: then the kernel throws away what it holds.
            listener.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
            listener.bind((KERNEL_END[version], PORT))
            listener.listen(4096)
            listener.setblocking(False)

    def write(self, packet: bytes) -> None:
        """Hand an IP packet to the kernel; it has been received on return."""
        if self._tap:
            protocol = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\0"
            packet = self._ethernet + protocol + packet
        os.write(self._descriptor, packet)

    def answers(self) -> Iterator[bytes]:
        """Give the IP packets that the kernel has sent so far."""
        while True:
            try:
                frame = os.read(self._descriptor, 1 << 16)
            except BlockingIOError:
                return
            yield frame[ETHERNET_BYTES:] if self._tap else frame

    def close(self) -> None:
        """Close all; the namespace and the device go with it."""
        for listener in self.listeners.values():
            listener.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> "Device":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def write_setting(name: str, value: str) -> None:
    """Set a kernel parameter of the namespace of this thread."""
    Path("/proc/sys/net", name).write_text(value)


def add_ipv6_address(interface: int) -> None:
    """Give an interface the address, and wait until it can be used."""
    with (
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as news,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe,
    ):
        news.bind((0, RTMGRP_IPV6_IFADDR))
        news.settimeout(PATIENCE_S)
        packed = socket.inet_pton(socket.AF_INET6, KERNEL_END[6])
        request = struct.pack("16sIi", packed, 64, interface)
        fcntl.ioctl(probe, SIOCSIFADDR, request)
        while True:
            try:
                probe.bind((KERNEL_END[6], 0))
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:
                    raise
                news.recv(1 << 16)
            else:
                return
