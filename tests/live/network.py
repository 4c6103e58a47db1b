"""Networks for tests: namespaces, links, and a wire that loses, repeats and reorders.

What is made is named after this process, and removed when the test ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import random
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import Any

import pytest

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000


def can_capture() -> bool:
    """Return whether this process may open packet sockets."""
    if not hasattr(socket, "AF_PACKET"):
        return False
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except OSError:
        return False
    return True


def can_make_networks() -> bool:
    """Return whether this process may make namespaces."""
    return can_capture() and os.geteuid() == 0 and shutil.which("ip") is not None


needs_capture = pytest.mark.skipif(
    not can_capture(), reason="packets cannot be captured here (CAP_NET_RAW)"
)
needs_networks = pytest.mark.skipif(
    not can_make_networks(), reason="networks cannot be made here (root, and ip)"
)
needs_tun = pytest.mark.skipif(
    not can_make_networks() or not os.path.exists("/dev/net/tun"),
    reason="TUN devices cannot be made here",
)


def ip(*words: str) -> None:
    """Run ``ip``."""
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


@contextlib.contextmanager
def namespace(name: str) -> Iterator[str]:
    """Make a network namespace, in which lo is up."""
    whole = f"unpacket-{os.getpid()}-{name}"
    ip("netns", "add", whole)
    try:
        ip("-n", whole, "link", "set", "lo", "up")
        yield whole
    finally:
        ip("netns", "del", whole)


@contextlib.contextmanager
def inside(name: str) -> Iterator[None]:
    """Let what this thread opens be in a namespace."""
    library = ctypes.CDLL(None, use_errno=True)
    with (
        open("/proc/thread-self/ns/net") as before,
        open(f"/var/run/netns/{name}") as there,
    ):
        if library.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            library.setns(before.fileno(), CLONE_NEWNET)


@contextlib.contextmanager
def two_hosts() -> Iterator[tuple[str, str]]:
    """Make two namespaces with a cable between: 10.99.0.1 and .2, both called eth0."""
    with namespace("a") as a, namespace("b") as b:
        ip(
            *("link", "add", "eth0", "netns", a, "type", "veth"),
            *("peer", "name", "eth0", "netns", b),
        )
        for number, name in enumerate((a, b), 1):
            ip("-n", name, "addr", "add", f"10.99.0.{number}/24", "dev", "eth0")
            address = f"fd99::{number}/64"
            ip("-n", name, "addr", "add", address, "dev", "eth0", "nodad")
            ip("-n", name, "link", "set", "eth0", "up")
        yield a, b


class Wire:
    """Carries packets between two TUN devices, and does to them what wires do.

    Args:
        loss, copies, late: Which part is lost, comes twice, or 3 ms later.
    """

    def __init__(
        self, a: int, b: int, *, seed: int, loss: float, copies: float, late: float
    ) -> None:
        self._ends = (a, b)
        self._random = random.Random(seed)
        self._rates = (loss, copies, late)
        self._stopped = False
        self.counts = {"carried": 0, "lost": 0, "copied": 0, "late": 0}
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        self._thread.join()

    def _carry(self) -> None:
        import select

        waiting: list[tuple[float, int, int, bytes]] = []
        number = 0
        loss, copies, late = self._rates
        while not self._stopped:
            ready, _, _ = select.select(self._ends, [], [], 0.001)
            now_s = time.monotonic()
            for end in ready:
                packet = os.read(end, 65536)
                other = self._ends[0] if end == self._ends[1] else self._ends[1]
                self.counts["carried"] += 1
                if self._random.random() < loss:
                    self.counts["lost"] += 1
                    continue
                times = 1
                if self._random.random() < copies:
                    self.counts["copied"] += 1
                    times = 2
                due_s = now_s
                if self._random.random() < late:
                    self.counts["late"] += 1
                    due_s += 0.003
                for _ in range(times):
                    number += 1
                    heappush(waiting, (due_s, number, other, packet))
            while waiting and waiting[0][0] <= time.monotonic():
                _, _, other, packet = heappop(waiting)
                with contextlib.suppress(OSError):
                    os.write(other, packet)


def tun(name: str, namespace_name: str, address: str) -> int:
    """Make a TUN device in a namespace, and return what is on its other side."""
    with inside(namespace_name):
        end = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(
            end, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI)
        )
    ip("-n", namespace_name, "addr", "add", f"{address}/24", "dev", name)
    ip("-n", namespace_name, "link", "set", name, "up")
    return end


@contextlib.contextmanager
def bad_wire(
    seed: int, *, loss: float, copies: float, late: float
) -> Iterator[tuple[str, str, Wire]]:
    """Make two namespaces with such a wire between: 10.98.0.1 and .2, both tun0."""
    with namespace("a") as a, namespace("b") as b:
        ends = (tun("tun0", a, "10.98.0.1"), tun("tun0", b, "10.98.0.2"))
        wire = Wire(*ends, seed=seed, loss=loss, copies=copies, late=late)
        try:
            yield a, b, wire
        finally:
            wire.stop()
            for end in ends:
                os.close(end)


def served(
    client_in: str | None, server_in: str | None, address: str, talk: Callable[..., Any]
) -> None:
    """Connect two sockets, each in its namespace, and let ``talk`` have both.

    It is given the client's and the server's, which are closed after it.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with maybe_inside(server_in):
        listener = socket.create_server((address, 0), family=family)
    with listener:
        listener.settimeout(20)
        with maybe_inside(client_in):
            client = socket.create_connection(listener.getsockname()[:2], timeout=20)
        server, _ = listener.accept()
        server.settimeout(20)
        with client, server:
            talk(client, server)


@contextlib.contextmanager
def maybe_inside(name: str | None) -> Iterator[None]:
    if name is None:
        yield
    else:
        with inside(name):
            yield


def exchange(
    client: socket.socket, server: socket.socket, request: bytes, response: bytes
) -> tuple[bytes, bytes]:
    """Let the client ask and the server answer; return what each has read."""
    read: list[bytes] = [b"", b""]

    def answer() -> None:
        read[1] = read_all(server)
        server.sendall(response)
        server.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=answer)
    thread.start()
    client.sendall(request)
    client.shutdown(socket.SHUT_WR)
    read[0] = read_all(client)
    thread.join()
    return read[0], read[1]


def read_all(end: socket.socket) -> bytes:
    parts = []
    while part := end.recv(65536):
        parts.append(part)
    return b"".join(parts)
