"""A nameless network namespace, and the TUN device by which it is reached.

A namespace lives as long as its file descriptor or a process in it, so even a
killed recorder leaves nothing behind.
"""

import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_interface
from pathlib import Path
from types import TracebackType
from typing import Self

# `os.setns` and `os.unshare` came with Python 3.12; the numbers are those of
# linux/sched.h and linux/if_tun.h.
_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_TUNSETIFF = 0x400454CA
_IFF_TUN = 0x0001
_IFF_NO_PI = 0x1000
_IFF_VNET_HDR = 0x4000
_TUNSETOFFLOAD = 0x400454D0
# The kernel leaves to us: checksums, and the cutting of TCP over IPv4 and IPv6.
_TUN_F_CSUM_TSO4_TSO6 = 0x01 | 0x02 | 0x04

_NEEDED = {"ip": "iproute2", "unshare": "util-linux", "setpriv": "util-linux"}

_LARGE_START = ("initcwnd", "64", "initrwnd", "512")
_SETTINGS = {
    # Most hosts' choice. BBR, which may be this one's, would pace large segments
    # away.
    "tcp_congestion_control": "cubic",
    # A window in which a segment of 64 KiB is not much, from the start.
    "tcp_rmem": "4096 1048576 4194304",
    "tcp_tso_win_divisor": "1",
}

_LISTENING = "0A"

_OWN = "/proc/thread-self/ns/net"
_TUN = "/dev/net/tun"


def why_not() -> str | None:
    """Return why nothing can be recorded on this machine, or None if it can."""
    if not os.path.exists(_OWN):
        return "there are no network namespaces here (not Linux?)"
    if not os.access(_TUN, os.R_OK | os.W_OK):
        return f"{_TUN} cannot be opened (it takes root and the tun driver)"
    for program, package in _NEEDED.items():
        if shutil.which(program) is None:
            return f"the program {program} is not installed (package {package})"
    try:
        Namespace().close()
    except OSError as error:
        return f"no network namespace can be made ({error})"
    return None


class Namespace:
    """A network namespace with its loopback, and what else is put there.

    Only the calling thread ever changes sides; `entered` brings it back.
    """

    def __init__(self) -> None:
        home = os.open(_OWN, os.O_RDONLY)
        try:
            _checked(_libc.unshare(_CLONE_NEWNET))
            try:
                self._fd = os.open(_OWN, os.O_RDONLY)
            finally:
                _checked(_libc.setns(home, _CLONE_NEWNET))
        finally:
            os.close(home)
        try:
            with self.entered():
                _ip("link", "set", "lo", "up")
                for name, value in _SETTINGS.items():
                    with suppress(OSError):  # an older kernel, or one without it
                        Path("/proc/sys/net/ipv4", name).write_text(value)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the namespace. It is gone once its processes are."""
        os.close(self._fd)

    def listens(self, port: int) -> bool:
        """Whether a program in here accepts connections to this TCP port."""
        # Asked of the kernel, since a connection would be a client to the program.
        with self.entered():
            tables = [
                Path(f"/proc/thread-self/net/{name}").read_text()
                for name in ("tcp", "tcp6")
            ]
        rows = [line.split() for table in tables for line in table.splitlines()[1:]]
        return any(
            row[1].endswith(f":{port:04X}") and row[3] == _LISTENING for row in rows
        )

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be inside for the length of a `with`: sockets and children too."""
        home = os.open(_OWN, os.O_RDONLY)
        try:
            _checked(_libc.setns(self._fd, _CLONE_NEWNET))
            try:
                yield
            finally:
                _checked(_libc.setns(home, _CLONE_NEWNET))
        finally:
            os.close(home)

    def open_tun(
        self, name: str, addresses: Collection[str], *, offload: bool = False
    ) -> int:
        """Make the TUN device ``name`` in here, bring it up, return its end.

        Each address has its prefix length (``192.0.2.1/24``). What the
        namespace sends is read from the descriptor, one IP packet at a time
        with finished checksums and no larger than 1500 bytes; it does not block.
        With ``offload`` a virtio header is before each packet, which may be of
        64 KiB and without its checksum.
        """
        flags = _IFF_TUN | _IFF_NO_PI | (_IFF_VNET_HDR if offload else 0)
        with self.entered():
            fd = os.open(_TUN, os.O_RDWR | os.O_NONBLOCK)
            try:
                request = struct.pack("16sH22x", name.encode(), flags)
                fcntl.ioctl(fd, _TUNSETIFF, request)
                if offload:
                    fcntl.ioctl(fd, _TUNSETOFFLOAD, _TUN_F_CSUM_TSO4_TSO6)
                # No link-local address, hence no multicast chatter among the TCP.
                Path(f"/proc/sys/net/ipv6/conf/{name}/addr_gen_mode").write_text("1")
                for address in addresses:
                    # Duplicate address detection would leave an IPv6 address
                    # unusable for its first second.
                    nodad = ["nodad"] if ":" in address else []
                    _ip("address", "add", address, "dev", name, *nodad)
                _ip("link", "set", name, "up", "mtu", "1500")
                for address in addresses if offload else ():
                    # As large senders do: else the transfers here would end
                    # before 64 KiB may be sent at once.
                    net = str(ip_interface(address).network)
                    # With its own metric, or the kernel's route would go before.
                    metric = ["metric", "256"] if ":" in address else []
                    _ip("route", "replace", net, "dev", name, *metric, *_LARGE_START)
            except BaseException:
                os.close(fd)
                raise
        return fd


def _ip(*arguments: str) -> None:
    command = ["ip", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
