"""Records connections that are slow for a reason that is known.

    sudo python -m tests.analysis.slow_paths FOLDER [held-out]

Two ends of Linux, each in a network namespace of its own, speak through TUN devices.
What lies between them is this program: it delays, drops and slows packets, and records
them at a place between two stretches of the way. Payload is left out of the files.

The verdicts were made with recordings of these ways. With ``held-out`` other numbers
and other losses are drawn; those in ``tests/analysis/slow`` were, and nobody looked at
them before the verdicts were as they are.
"""

from __future__ import annotations

import ctypes
import fcntl
import gzip
import heapq
import os
import random
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI, IFF_UP = 1, 0x1000, 1
SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8914, 0x8916, 0x891C
SO_MAX_PACING_RATE = 47
CLIENT, SERVER = "10.8.0.1", "10.8.0.2"
PORT = 80
KEPT_BYTES = 68
RAW = 101
MS = 0.001


class Way(NamedTuple):
    """What happens to packets, and what the two programs do.

    Attributes:
        near_s, far_s: How long packets take between the client and the place of the
            capture, and between that and the server, one way.
        near_loss, far_loss: How many of the server's packets get lost there.
        rate: Bytes a second that the way to the client takes, None for all.
        blame, side: What is to be found.
    """

    blame: str
    side: str
    near_s: float = 0.02
    far_s: float = 0.02
    near_loss: float = 0.0
    far_loss: float = 0.0
    rate: float | None = None
    size: int = 600_000
    receive_buffer: int | None = None
    pacing: int | None = None
    read_pause_s: float = 0.0
    read_size: int = 65536
    send_pause_s: float = 0.0
    send_size: int = 65536


WAYS = {
    "delay-middle": Way("network", "server", 0.05, 0.05),
    "delay-at-client": Way("network", "server", 0.0, 0.1),
    "delay-at-server": Way("network", "server", 0.1, 0.0),
    "slow-link": Way("network", "server", 0.01, 0.01, rate=400_000),
    "loss-before-3": Way("loss_before_capture", "server", far_loss=0.03),
    "loss-before-5": Way("loss_before_capture", "server", far_loss=0.05),
    "loss-before-at-client": Way(
        "loss_before_capture", "server", 0.0, 0.04, far_loss=0.03
    ),
    "loss-behind-3": Way("loss_behind_capture", "server", near_loss=0.03),
    "loss-behind-5": Way("loss_behind_capture", "server", near_loss=0.05),
    "loss-behind-at-server": Way(
        "loss_behind_capture", "server", 0.04, 0.0, near_loss=0.03
    ),
    "small-buffer-middle": Way("receiver", "client", receive_buffer=6000),
    "small-buffer-at-client": Way(
        "receiver", "client", 0.0, 0.03, receive_buffer=6000
    ),
    "small-buffer-at-server": Way(
        "receiver", "client", 0.03, 0.0, receive_buffer=6000
    ),
    "slow-reader": Way(
        "receiver", "client", receive_buffer=30_000, read_pause_s=0.05, read_size=16_000
    ),
    "slow-reader-long": Way(
        "receiver", "client", 0.005, 0.005, size=1_000_000, receive_buffer=60_000,
        read_pause_s=0.2, read_size=100_000,
    ),
    "slow-program": Way(
        "sender", "server", send_pause_s=0.3, send_size=20_000, size=200_000
    ),
    "slow-program-at-client": Way(
        "sender", "server", 0.0, 0.02, send_pause_s=0.3, send_size=20_000, size=200_000
    ),
    "slow-program-small": Way(
        "sender", "server", send_pause_s=0.2, send_size=500, size=8000
    ),
    "paced-middle": Way("pacing", "server", pacing=200_000, size=400_000),
    "paced-at-server": Way("pacing", "server", 0.02, 0.0, pacing=150_000, size=300_000),
}  # fmt: skip


def enter(work: Callable[[], None]) -> None:
    """Do something in a thread that has a network of its own."""
    failure: list[BaseException] = []

    def run() -> None:
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.unshare(CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "unshare")
            work()
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]


def device(address: str) -> int:
    """Make a TUN device in the network of this thread, and return its descriptor."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    name = b"tun0"
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH", name, IFF_TUN | IFF_NO_PI))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for request, value in (
            (SIOCSIFADDR, address),
            (SIOCSIFNETMASK, "255.255.255.0"),
        ):
            packed = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
            fcntl.ioctl(control, request, struct.pack("16s16s", name, packed))
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH", name, IFF_UP))
    return descriptor


class Relay:
    """The way between two devices, and the place where packets are recorded."""

    def __init__(self, way: Way, client: int, server: int, seed: int) -> None:
        self._way = way
        self._client, self._server = client, server
        self._random = random.Random(seed)
        self._due: list[tuple[float, int, str, bytes]] = []
        self._count = 0
        self._free_s = 0.0
        self.frames: list[tuple[int, bytes]] = []
        self.stopped = False

    def run(self) -> None:
        """Pass packets on until stopped."""
        while not self.stopped:
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                _, _, place, packet = heapq.heappop(self._due)
                getattr(self, place)(packet)
            wait = max(0.0, self._due[0][0] - now) if self._due else 0.05
            ready, _, _ = select.select(
                [self._client, self._server], [], [], min(wait, 0.05)
            )
            for descriptor in ready:
                self._read(descriptor)

    def _read(self, descriptor: int) -> None:
        way = self._way
        while True:
            try:
                packet = os.read(descriptor, 65536)
            except BlockingIOError:
                return
            if packet[0] >> 4 != 4 or packet[9] != 6:
                continue
            if descriptor == self._client:
                self._later(way.near_s, "_at_tap_from_client", packet)
            elif self._random.random() >= way.far_loss or not has_data(packet):
                self._later(way.far_s, "_at_tap_from_server", packet)

    def _later(self, seconds: float, place: str, packet: bytes) -> None:
        self._count += 1
        when = time.monotonic() + seconds
        heapq.heappush(self._due, (when, self._count, place, packet))

    def _record(self, packet: bytes) -> None:
        self.frames.append((time.time_ns(), packet))

    def _at_tap_from_client(self, packet: bytes) -> None:
        self._record(packet)
        self._later(self._way.far_s, "_to_server", packet)

    def _at_tap_from_server(self, packet: bytes) -> None:
        way = self._way
        self._record(packet)
        if has_data(packet) and self._random.random() < way.near_loss:
            return
        wait = way.near_s
        if way.rate is not None:
            now = time.monotonic()
            self._free_s = max(self._free_s, now) + len(packet) / way.rate
            wait += self._free_s - now
        self._later(wait, "_to_client", packet)

    def _to_server(self, packet: bytes) -> None:
        put(self._server, packet)

    def _to_client(self, packet: bytes) -> None:
        put(self._client, packet)


def has_data(packet: bytes) -> bool:
    return len(packet) > 100


def put(descriptor: int, packet: bytes) -> None:
    try:
        os.write(descriptor, packet)
    except OSError:
        # The other end is gone.
        return


def record(way: Way, seed: int) -> list[tuple[int, bytes]]:
    """Return what was captured of one connection."""
    devices: dict[str, int] = {}
    sockets: dict[str, socket.socket] = {}

    def make_server() -> None:
        devices["server"] = device(SERVER)
        listener = socket.create_server((SERVER, PORT))
        if way.pacing is not None:
            listener.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, way.pacing)
        sockets["server"] = listener

    def make_client() -> None:
        devices["client"] = device(CLIENT)
        one = socket.socket()
        if way.receive_buffer is not None:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, way.receive_buffer)
        sockets["client"] = one

    enter(make_server)
    enter(make_client)
    relay = Relay(way, devices["client"], devices["server"], seed)
    threads = [
        threading.Thread(target=relay.run),
        threading.Thread(target=serve, args=(sockets["server"], way)),
    ]
    for thread in threads:
        thread.start()
    client = sockets["client"]
    client.settimeout(30)
    client.connect((SERVER, PORT))
    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    while client.recv(way.read_size):
        if way.read_pause_s:
            time.sleep(way.read_pause_s)
    client.close()
    time.sleep(0.3)
    relay.stopped = True
    for thread in threads:
        thread.join()
    sockets["server"].close()
    for descriptor in devices.values():
        os.close(descriptor)
    return relay.frames


def serve(listener: socket.socket, way: Way) -> None:
    """Answer one request."""
    connection, _ = listener.accept()
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.recv(4096)
        left = way.size
        while left:
            size = min(left, way.send_size)
            connection.sendall(bytes(size))
            left -= size
            if way.send_pause_s:
                time.sleep(way.send_pause_s)


def write(path: Path, frames: list[tuple[int, bytes]]) -> None:
    """Write a capture in which payload is cut off."""
    octets = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, KEPT_BYTES, RAW)]
    for time_ns, packet in frames:
        kept = packet[:KEPT_BYTES]
        seconds, rest = divmod(time_ns, 1_000_000_000)
        octets.append(struct.pack("<IIII", seconds, rest, len(kept), len(packet)))
        octets.append(kept)
    path.write_bytes(gzip.compress(b"".join(octets), mtime=0))


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    is_held_out = "held-out" in sys.argv[2:]
    for seed, (name, way) in enumerate(WAYS.items()):
        if is_held_out:
            way = other(way)
            seed += 7000
        frames = record(way, seed)
        write(folder / f"{name}.pcap.gz", frames)
        print(name, len(frames), flush=True)


def other(way: Way) -> Way:
    """Return a way with the same trouble and other numbers."""
    return way._replace(
        size=int(1.7 * way.size),
        near_s=0.6 * way.near_s,
        far_s=0.6 * way.far_s,
        near_loss=0.7 * way.near_loss,
        far_loss=0.7 * way.far_loss,
    )


if __name__ == "__main__":
    main()
