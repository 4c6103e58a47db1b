"""What decryption costs: ``python -m bench.decryption [--megabytes N]``.

A download under TLS 1.3 with AES-256-GCM, made by OpenSSL in memory, in packets with
1,460 bytes. Printed are seconds of CPU of one process each: its events as they were
captured, all records through the library of ciphers and no more, and the events of what
is carried. The last may take 1.5 times as much as the first two together.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from bench.frames import ACK, Text, random_connection, write_capture

RUNS = 3
MEGABYTE = 1 << 20
MSS = 1460


def turns(log: Path, megabytes: int) -> Iterator[tuple[int, bytes]]:
    """Give what both sides send, as it is made."""
    from tests.tls.speaking import Ends, Session

    session = Session(Ends(log))
    content = os.urandom(MEGABYTE)
    session.write(0, b"GET / HTTP/1.1\r\n\r\n")
    for _ in range(megabytes):
        session.write(1, content)
        yield from session.turns
        session.turns.clear()


def make(path: Path, log: Path, megabytes: int) -> None:
    """Write the capture and its key log."""
    draw = Random(1)
    connection = random_connection(draw, Text(b""), True)

    def frames() -> Iterator[bytes]:
        yield from connection.open()
        ends = (connection.client, connection.server)
        for side, data in turns(log, megabytes):
            sender, peer = ends[side], ends[1 - side]
            sender.text = Text(data)
            for at in range(0, len(data), MSS):
                yield sender.frame(peer.seq, ACK, at, min(MSS, len(data) - at))

    write_capture(path, frames(), draw)


def events(path: str, log: str) -> int:
    """Read the events as they were captured."""
    import unpacket

    return sum(
        len(event.payload)
        for event in unpacket.events(path)
        if isinstance(event, unpacket.Data)
    )


def carried(path: str, log: str) -> int:
    """Read the events of what is carried."""
    import unpacket

    return sum(
        len(event.payload)
        for event in unpacket.events(path, keys=log)
        if isinstance(event, unpacket.Data)
    )


def cipher(path: str, log: str) -> int:
    """Open records of 16 KiB, as many as there are bytes."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    aead = AESGCM(bytes(32))
    header = b"\x17\3\3\x40\x11"
    sealed = aead.encrypt(bytes(12), bytes((1 << 14) + 1), header)
    count = os.path.getsize(path) // len(sealed)
    for _ in range(count):
        aead.decrypt(bytes(12), sealed, header)
    return count << 14


TASKS: dict[str, Callable[[str, str], int]] = {
    "events": events,
    "cipher": cipher,
    "carried": carried,
}


def timed(name: str, path: Path, log: Path) -> dict[str, Any]:
    """Run a task in a process of its own; return its seconds and bytes."""
    command = [sys.executable, "-m", "bench.decryption", "--run", name]
    done = subprocess.run(
        [*command, str(path), str(log)], stdout=subprocess.PIPE, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Make the capture, run each task some times, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--run", nargs=3, metavar=("TASK", "CAPTURE", "LOG"))
    chosen = parser.parse_args()
    if chosen.run:
        name, path, log = chosen.run
        start = time.process_time()
        count = TASKS[name](path, log)
        print(json.dumps({"cpu_s": time.process_time() - start, "bytes": count}))
        return
    with tempfile.TemporaryDirectory() as directory:
        path, log = Path(directory) / "tls.pcap", Path(directory) / "keys.log"
        make(path, log, chosen.megabytes)
        best = dict.fromkeys(TASKS, float("inf"))
        for _ in range(RUNS):
            for name in TASKS:
                best[name] = min(best[name], timed(name, path, log)["cpu_s"])
    for name, seconds in best.items():
        print(f"{name:8} {seconds:8.3f} s")
    share = best["carried"] / (best["events"] + best["cipher"])
    print(f"carried is {share:.2f} of events and cipher together")


if __name__ == "__main__":
    main()
