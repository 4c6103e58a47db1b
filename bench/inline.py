"""Gateway, queue and live capture on real kernels: ``python -m bench.inline``.

One flow, cubic, between namespaces of this machine; what is promised is a ratio of
two that ran one after the other, or a rate. Needs root; what this machine does not
have is left out, with the reason.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import statistics
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench import networks
from bench.networks import ADDRESS, CLIENT, ROUTER, SERVER, NotHere
from bench.report import Figure, figures_table

SMALL_MSS = 100
BATCH_PACKETS = 64
ROUNDS = 3000
FRAME_BYTES = 100
PORT = 7


class Accept:
    """An inspector that looks at everything and lets it through."""

    replaces = False

    def __init__(self) -> None:
        self.bytes = 0

    def inspect(self, arrival: object) -> None:
        """Count the bytes of a packet."""
        self.bytes += len(arrival.pending)  # type: ignore[attr-defined]

    def ended(self, stream: object) -> None:
        """Forget nothing."""


def until_told(stop: Callable[[], None]) -> None:
    """Call ``stop`` once something comes by standard input."""
    import threading

    def wait() -> None:
        sys.stdin.readline()
        stop()

    threading.Thread(target=wait, daemon=True).start()


def counted(passed: int, lost: int, begun_s: float) -> dict[str, float]:
    """Return what a gateway counted, and what a packet cost it.

    ``begun_s`` is how much CPU was used when it began.
    """
    cost = (time.process_time() - begun_s) / max(passed, 1) * 1e6
    return {"passed": passed, "lost": lost, "cpu_us": cost}


def serve_gateway(offload: bool, inspected: bool) -> None:
    """Be the gateway, or a relay that does nothing but pass packets on."""
    from unpacket.inline.gateway import Gateway
    from unpacket.inline.tun import Tun

    if inspected:
        gateway = Gateway(Accept(), offload=offload)
        with gateway:
            print("ready", flush=True)
            until_told(gateway.stop)
            begun_s = time.process_time()
            gateway.run()
            passed = gateway.engine.statistics.passed
            print(json.dumps(counted(passed, gateway.lost, begun_s)))
        return
    passed = 0
    with Tun("unp0", offload=offload) as one, Tun("unp1", offload=offload) as two:
        print("ready", flush=True)
        begun_s = time.process_time()
        poll = select.poll()
        for descriptor in (one.fileno(), two.fileno(), sys.stdin.fileno()):
            poll.register(descriptor, select.POLLIN)
        while True:
            ready = poll.poll()
            if any(found == sys.stdin.fileno() for found, _ in ready):
                break
            for source, target in ((one, two), (two, one)):
                for _, packet in source.read_many(0, BATCH_PACKETS):
                    target.write(packet)
                    passed += 1
        print(json.dumps(counted(passed, one.lost + two.lost, begun_s)))


def serve_queue() -> None:
    """Be the queue of a host that forwards."""
    from unpacket.inline.queue import Queue

    queue = Queue(Accept(), 0, install=True)
    with queue:
        print("ready", flush=True)
        until_told(queue.stop)
        queue.run()
        counted = queue.engine.statistics
        print(
            json.dumps(
                {
                    "passed": counted.passed,
                    "dropped": counted.dropped.total(),
                    "queue": queue.losses.queue,
                    "socket": queue.losses.socket,
                }
            )
        )


def serve_echo() -> None:
    """Send back what comes, until a connection ends."""
    listener = socket.create_server((ADDRESS[SERVER], PORT))
    print("ready", flush=True)
    accepted, _ = listener.accept()
    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while data := accepted.recv(1):
        accepted.sendall(data)
    print("{}")


def ask_echo() -> None:
    """Print the median time of a byte there and back, in microseconds."""
    asker = socket.create_connection((ADDRESS[SERVER], PORT))
    asker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        asker.sendall(b"x")
        asker.recv(1)
        taken.append((time.perf_counter() - start) * 1e6)
    asker.close()
    print("ready", flush=True)
    print(json.dumps(statistics.median(taken)))


def serve_capture(device: str) -> None:
    """Reassemble what passes a device."""
    from unpacket import Assembler
    from unpacket.sources.live.opening import live

    source = live(device, direction="in", processes=False)
    assembler = Assembler()
    frames = events = 0
    ended = False

    def end() -> None:
        nonlocal ended
        ended = True

    print("ready", flush=True)
    until_told(end)
    for batch in source:
        frames += len(batch)
        events += len(assembler.feed(batch))
        if ended:
            break
    seen = source.live.statistics  # type: ignore[union-attr]
    print(
        json.dumps(
            {
                "frames": frames,
                "events": events,
                "received": seen.received,
                "dropped": seen.dropped,
                "cpu_s": time.process_time(),
            }
        )
    )
    source.close()


def send_frames(device: str, rate: int, seconds: float) -> None:
    """Send segments of 100 bytes of eight connections, so many a second."""
    from tests import builder

    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.bind((device, 0))
    ether = b"\xff" * 6 + b"\x02" * 6 + struct.pack(">H", 0x0800)
    size = FRAME_BYTES - 54
    frames = []
    for number in range(64):
        for port in range(8):
            ends = (ADDRESS[CLIENT], 40000 + port), (ADDRESS[SERVER], PORT)
            segment = builder.tcp(*ends, 1 + number * size, bytes(size), ack=1)
            frames.append(ether + builder.ip(ends[0][0], ends[1][0], segment))
    start = time.perf_counter()
    sent = 0
    most = int(rate * seconds)
    while sent < most:
        due = min(most, int((time.perf_counter() - start) * rate) + 1)
        if due <= sent:
            time.sleep(0.0005)
        while sent < due:
            sender.send(frames[sent % len(frames)])
            sent += 1
    print("ready", flush=True)
    print(json.dumps({"sent": sent, "seconds": time.perf_counter() - start}))


@contextmanager
def through_gateway(*options: str) -> Iterator[list[dict[str, float]]]:
    """Let client and server be joined by a gateway; what it counted is appended."""
    found: list[dict[str, float]] = []
    with networks.served(ROUTER, "--serve", "gateway", *options) as child:
        for end, device in ((CLIENT, "unp0"), (SERVER, "unp1")):
            owner, target = networks.name(ROUTER), networks.name(end)
            networks.ip("-n", owner, "link", "set", device, "netns", target)
            networks.own_end(end, device, routed=False)
        yield found
        found.append(networks.answer_of(child))


def round_trip() -> float:
    """Return the median microseconds of a byte from client to server and back."""
    with networks.served(SERVER, "--serve", "echo") as child:
        with networks.served(CLIENT, "--serve", "ask") as asker:
            taken = float(networks.answer_of(asker))
        child.wait(timeout=networks.PATIENCE_S)
    return taken


def gateway(seconds: float) -> list[Figure]:
    """Measure the gateway beside a relay."""
    found: dict[str, float] = {}
    for kind, options in (("plain", ()), ("offload", ("--offload",))):
        for way in ("relay", "inspected"):
            more = ("--inspect",) if way == "inspected" else ()
            with networks.namespaces(), through_gateway(*options, *more) as told:
                rate = networks.iperf(seconds)["bits_per_second"]
                found[f"{kind} {way}"] = rate / 1e6
                if kind == "plain":
                    found[f"{way} round trip"] = round_trip()
                    small = networks.iperf(seconds, "-M", str(SMALL_MSS))
                    packets = small["bytes"] / SMALL_MSS / small["seconds"]
                    found[f"{way} packets"] = packets
            print(f"gateway {kind} {way}: {told}", file=sys.stderr)
            found[f"{kind} {way} us"] = told[0]["cpu_us"]
    return [
        Figure("gateway, Mbit/s", found["plain inspected"], 400, "", True),
        Figure(
            "  of a relay",
            found["plain inspected"] / found["plain relay"],
            0.8,
            "x",
            True,
        ),
        Figure(
            "gateway with offload, Mbit/s", found["offload inspected"], 3000, "", True
        ),
        Figure(
            "  of a relay",
            found["offload inspected"] / found["offload relay"],
            0.7,
            "x",
            True,
        ),
        Figure(
            f"gateway, segments of {SMALL_MSS} bytes a second",
            found["inspected packets"],
            40_000,
            "",
            True,
        ),
        Figure(
            "  of a relay", found["inspected packets"] / found["relay packets"], None
        ),
        Figure("CPU a packet, us", found["plain inspected us"], None, ""),
        Figure(
            "  to a relay", found["plain inspected us"] / found["plain relay us"], None
        ),
        Figure(
            "CPU a packet with offload, us", found["offload inspected us"], None, ""
        ),
        Figure(
            "  to a relay",
            found["offload inspected us"] / found["offload relay us"],
            None,
        ),
        Figure("round trip, us", found["inspected round trip"], None, ""),
        Figure(
            "  to a relay",
            found["inspected round trip"] / found["relay round trip"],
            1.5,
        ),
    ]


def queue(seconds: float) -> list[Figure]:
    """Measure the queue, with and without segmentation offload."""
    found: dict[str, float] = {}
    for kind in ("offload", "plain"):
        with networks.namespaces():
            for end, device in ((CLIENT, "vc"), (SERVER, "vs")):
                networks.joined(end, "v0", ROUTER, device)
                networks.own_end(end, "v0", routed=True)
                address = networks.GATEWAYS[end] + "/24"
                router = networks.name(ROUTER)
                networks.ip("-n", router, "addr", "add", address, "dev", device)
                if kind == "plain":
                    for owner, link in ((networks.name(end), "v0"), (router, device)):
                        networks.ip(
                            "-n", owner, "link", "set", link, "gso_max_segs", "1"
                        )
            import subprocess

            forward = "net.ipv4.ip_forward=1"
            subprocess.run(
                networks.inside(ROUTER, "sysctl", "-qw", forward), check=True
            )
            found[f"{kind} direct"] = networks.iperf(seconds)["bits_per_second"] / 1e6
            with networks.served(ROUTER, "--serve", "queue") as child:
                rate = networks.iperf(seconds)["bits_per_second"] / 1e6
                found[f"{kind} inspected"] = rate
                print(f"queue {kind}: {networks.answer_of(child)}", file=sys.stderr)
    return [
        Figure(
            "queue with offload, Mbit/s", found["offload inspected"], 2000, "", True
        ),
        Figure(
            "  of no queue", found["offload inspected"] / found["offload direct"], None
        ),
        Figure("queue, Mbit/s", found["plain inspected"], 250, "", True),
        Figure("  of no queue", found["plain inspected"] / found["plain direct"], None),
    ]


def capture(seconds: float, rate: int) -> list[Figure]:
    """Measure live capture, reassembled, beside dumpcap."""
    import shutil
    import subprocess

    with networks.namespaces():
        networks.joined(CLIENT, "v0", SERVER, "v0")
        peer = None
        if shutil.which("dumpcap"):
            peer = subprocess.Popen(
                networks.inside(
                    *(SERVER, "dumpcap", "-q", "-i", "v0", "-B", "64"),
                    *("-w", "/dev/null"),
                ),
                stderr=subprocess.PIPE,
                text=True,
            )
            time.sleep(1)
        with networks.served(SERVER, "--serve", "capture", "--device", "v0") as child:
            sending = ("--rate", str(rate), "--seconds", str(seconds))
            with networks.served(
                CLIENT, "--serve", "send", "--device", "v0", *sending
            ) as sender:
                sent = networks.answer_of(sender)
            time.sleep(0.5)
            counted = networks.answer_of(child)
        words = ""
        if peer is not None:
            peer.send_signal(2)
            _, text = peer.communicate(timeout=networks.PATIENCE_S)
            words = text.strip().splitlines()[-1]
    print(f"capture: {sent}, {counted}, dumpcap: {words}", file=sys.stderr)
    achieved = sent["sent"] / sent["seconds"]
    return [
        Figure("frames of 100 bytes a second, sent", achieved, rate * 0.95, "", True),
        Figure("  not seen", float(sent["sent"] - counted["frames"]), 0, ""),
        Figure("  dropped by the kernel", float(counted["dropped"]), 0, ""),
    ]


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser("python -m bench.inline", description=__doc__)
    parser.add_argument("--only", choices=("gateway", "queue", "capture"))
    parser.add_argument("--seconds", type=float, default=4.0, help="of each run")
    parser.add_argument("--rate", type=int, default=100_000, help="frames a second")
    for hidden in ("--serve", "--device"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    for hidden in ("--offload", "--inspect"):
        parser.add_argument(hidden, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    jobs: dict[str, Callable[[], None]] = {
        "gateway": lambda: serve_gateway(options.offload, options.inspect),
        "queue": serve_queue,
        "echo": serve_echo,
        "ask": ask_echo,
        "capture": lambda: serve_capture(options.device),
        "send": lambda: send_frames(options.device, options.rate, options.seconds),
    }
    if options.serve:
        jobs[options.serve]()
        return 0
    parts: dict[str, Callable[[], list[Figure]]] = {
        "gateway": lambda: gateway(options.seconds),
        "queue": lambda: queue(options.seconds),
        "capture": lambda: capture(options.seconds, options.rate),
    }
    figures: list[Figure] = []
    for part in [options.only] if options.only else parts:
        try:
            figures += parts[part]()
        except NotHere as reason:
            print(f"{part}: not measured: {reason}", file=sys.stderr)
    if figures:
        print(figures_table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
