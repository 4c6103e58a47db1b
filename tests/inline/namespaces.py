"""Network namespaces for the tests: a client, a server, and a host between them.

They are made and taken down by ``ip``, and named by the process, so that several runs
do not meet. What needs root, or programs that are not there, skips the test.
"""

import ctypes
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

Result = TypeVar("Result")
CLONE_NEWNET = 0x40000000
# Far more than anything here takes.
PATIENCE_S = 20


def run(*command: str, check: bool = True) -> str:
    """Run a program, and return what it prints."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60
    )
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


class Namespace:
    """A network namespace with a name."""

    def __init__(self, name: str) -> None:
        self.name = f"unp{os.getpid()}{name}"

    def ip(self, *words: str) -> None:
        """Run ``ip`` in it."""
        run("ip", "-n", self.name, *words)

    def run(self, *command: str, check: bool = True) -> str:
        """Run a program in it."""
        return run("ip", "netns", "exec", self.name, *command, check=check)

    def start(self, *command: str, **options: Any) -> "subprocess.Popen[bytes]":
        """Start a program in it."""
        return subprocess.Popen(
            ["ip", "netns", "exec", self.name, *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            **options,
        )

    def inside(self, function: Callable[[], Result]) -> Result:
        """Return what a function returns, called by a thread that is in it."""
        found: list[Result] = []
        failed: list[BaseException] = []

        def call() -> None:
            try:
                self.enter()
                found.append(function())
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return found[0]

    def enter(self) -> None:
        """Let the calling thread be in it."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open(f"/run/netns/{self.name}") as file:
            if libc.setns(file.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")

    def listener(self, address: str, port: int) -> socket.socket:
        """Return a socket that listens in it."""

        def make() -> socket.socket:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            made = socket.socket(family, socket.SOCK_STREAM)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((address, port))
            made.listen()
            made.settimeout(PATIENCE_S)
            return made

        return self.inside(make)

    def connect(self, address: str, port: int) -> socket.socket:
        """Return a socket that is connected from it."""

        def make() -> socket.socket:
            made = socket.create_connection((address, port), PATIENCE_S)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return made

        return self.inside(make)


@contextmanager
def namespaces(*names: str) -> Iterator[list[Namespace]]:
    """Make namespaces; skip the test where that cannot be."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root here")
    if shutil.which("ip") is None:
        pytest.skip("ip (iproute2) is not installed")
    made: list[Namespace] = []
    try:
        for name in names:
            one = Namespace(name)
            done = subprocess.run(
                ["ip", "netns", "add", one.name], capture_output=True, check=False
            )
            if done.returncode:
                pytest.skip(f"no network namespaces: {done.stderr.decode().strip()}")
            made.append(one)
            one.ip("link", "set", "lo", "up")
            # No duplicate address detection: it takes a second.
            for setting in ("all", "default"):
                one.run("sysctl", "-qw", f"net.ipv6.conf.{setting}.accept_dad=0")
        yield made
    finally:
        for one in made:
            run("ip", "netns", "del", one.name, check=False)


def link(one: Namespace, device: str, other: Namespace, other_device: str) -> None:
    """Join two namespaces by a pair of devices."""
    one.ip(
        *("link", "add", device, "type", "veth", "peer", "name", other_device),
        *("netns", other.name),
    )
    one.ip("link", "set", device, "up")
    other.ip("link", "set", other_device, "up")


def carried(sender: Namespace, receiver: Namespace, address: str, text: bytes) -> bytes:
    """Return what a program in one namespace reads of a text sent from another."""
    with (
        receiver.listener(address, 7) as listener,
        sender.connect(address, 7) as connected,
    ):
        accepted, _ = listener.accept()

        def send() -> None:
            connected.sendall(text)
            connected.shutdown(socket.SHUT_WR)

        with accepted:
            accepted.settimeout(PATIENCE_S)
            writer = threading.Thread(target=send)
            writer.start()
            received = bytearray()
            while chunk := accepted.recv(1 << 16):
                received += chunk
            writer.join()
    return bytes(received)


@contextmanager
def running(where: Namespace, service: Any) -> Iterator[Any]:
    """Run a gateway or a queue in a thread that is in a namespace."""
    ready = threading.Event()
    failed: list[BaseException] = []

    def serve() -> None:
        try:
            where.enter()
            with service:
                ready.set()
                service.run()
        except BaseException as error:
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=serve)
    thread.start()
    ready.wait(PATIENCE_S)
    try:
        if failed:
            raise failed[0]
        yield service
    finally:
        if thread.is_alive() and not failed:
            service.stop()
        thread.join(PATIENCE_S)
    if failed:
        raise failed[0]
