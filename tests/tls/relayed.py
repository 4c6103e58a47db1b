"""What real programs say to each other over loopback, by a relay that takes it down."""

import contextlib
import os
import selectors
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.tls.speaking import Turn

PATIENCE_S = 10.0
QUIET_S = 0.15


def free_port() -> int:
    """Return a port of loopback at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Return whether somebody does, after waiting for that."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.02)
    return False


class Relay:
    """Passes connections on to a port, and keeps what both sides sent.

    Attributes:
        port: Where it listens.
        talks: The turns of each connection so far.
    """

    def __init__(self, target: int) -> None:
        self.talks: list[list[Turn]] = []
        self._seen = self._settled = 0
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # accept() of another thread ends by that, and by close() alone it does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(PATIENCE_S)
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def settle(self) -> None:
        """Wait until something was sent, and then nothing for a while."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            time.sleep(QUIET_S)
            count = sum(len(turns) for turns in self.talks)
            if count == self._seen and count > self._settled:
                break
            self._seen = count
        self._settled = self._seen

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            turns: list[Turn] = []
            self.talks.append(turns)
            thread = threading.Thread(
                target=self._pass_on, args=(client, turns), daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _pass_on(self, client: socket.socket, turns: list[Turn]) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            ends = (client, server)
            with selectors.DefaultSelector() as ready:
                for side in (0, 1):
                    ready.register(ends[side], selectors.EVENT_READ, side)
                left = 2
                while left:
                    found = ready.select(PATIENCE_S)
                    if not found:
                        return
                    for key, _ in found:
                        side = key.data
                        try:
                            data = ends[side].recv(1 << 16)
                            if data:
                                turns.append((side, data))
                                ends[1 - side].sendall(data)
                                continue
                            ends[1 - side].shutdown(socket.SHUT_WR)
                        except OSError:
                            pass
                        ready.unregister(ends[side])
                        left -= 1


class Program:
    """A program that runs as long as it is needed."""

    def __init__(self, *arguments: str, port: int = 0, **environment: str) -> None:
        self.process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | environment,
        )
        self._port = port

    def __enter__(self) -> Self:
        if self._port:
            assert listens(self._port), self.process.args
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None and not pipe.closed:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.process.wait(PATIENCE_S)

    def write(self, data: bytes) -> None:
        """Type something."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def end(self) -> bytes:
        """End what is typed, and the program; return what it has printed."""
        process = self.process
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
        process.kill()
        return process.communicate()[0]


def ran(*arguments: str, data: bytes = b"", **environment: str) -> bytes:
    """Return what a program prints that ends by itself."""
    return subprocess.run(
        arguments,
        input=data,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | environment,
        timeout=60,
        check=False,
    ).stdout


def openssl_server(port: int, files: Sequence[str], *options: str) -> list[str]:
    """Return the command of a server that prints what it reads."""
    cert, key = files
    return [
        "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", cert,
        "-key", key, "-quiet", *options,
    ]  # fmt: skip


def openssl_client(port: int, log: Path, *options: str) -> list[str]:
    """Return the command of a client that sends what is typed."""
    return [
        "openssl", "s_client", "-connect", f"127.0.0.1:{port}",
        "-keylogfile", str(log), *options,
    ]  # fmt: skip
