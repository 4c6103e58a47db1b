"""Network namespaces to measure in: a client, a server, and a host between them.

All is made by ``ip`` and taken down at the end. Needs root and iproute2; where one of
them is missing, ``NotHere`` says so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

CLIENT, SERVER, ROUTER = "c", "s", "r"
ADDRESS = {CLIENT: "10.72.1.1", SERVER: "10.72.2.1"}
# Of the router, where packets are routed and not read.
GATEWAYS = {CLIENT: "10.72.1.2", SERVER: "10.72.2.2"}
PATIENCE_S = 20.0


class NotHere(Exception):
    """This machine cannot be measured; the message says why."""


def name(end: str) -> str:
    """Return the name of a namespace of this process."""
    return f"unpb{os.getpid()}{end}"


def ip(*words: str) -> None:
    """Run ``ip``.

    Raises:
        NotHere: It fails.
    """
    done = subprocess.run(("ip", *words), capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHere(f"ip {' '.join(words)}: {done.stderr.strip()}")


def inside(end: str, *command: str) -> tuple[str, ...]:
    """Return a command that runs in a namespace."""
    return ("ip", "netns", "exec", name(end), *command)


@contextmanager
def namespaces() -> Iterator[None]:
    """Make the three namespaces."""
    if os.geteuid() != 0:
        raise NotHere("network namespaces need root")
    for program in ("ip", "iperf3"):
        if shutil.which(program) is None:
            raise NotHere(f"{program} is not installed")
    made = []
    try:
        for end in (CLIENT, SERVER, ROUTER):
            ip("netns", "add", name(end))
            made.append(end)
            ip("-n", name(end), "link", "set", "lo", "up")
        yield
    finally:
        for end in made:
            subprocess.run(
                ("ip", "netns", "del", name(end)), capture_output=True, check=False
            )


def own_end(end: str, device: str, *, routed: bool) -> None:
    """Give a device of a namespace its address, and let all go by it."""
    prefix = "/24" if routed else ""
    ip("-n", name(end), "addr", "add", ADDRESS[end] + prefix, "dev", device)
    ip("-n", name(end), "link", "set", device, "up")
    way = ("via", GATEWAYS[end]) if routed else ("dev", device)
    ip("-n", name(end), "route", "add", "default", *way)


def joined(one: str, device: str, other: str, other_device: str) -> None:
    """Join two namespaces by a pair of devices."""
    ip(
        *("-n", name(one), "link", "add", device, "type", "veth"),
        *("peer", "name", other_device, "netns", name(other)),
    )
    for end, link in ((one, device), (other, other_device)):
        ip("-n", name(end), "link", "set", link, "up")


@contextmanager
def served(end: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``bench.inline`` in a namespace until it is ready; end it with its input."""
    command = inside(end, sys.executable, "-m", "bench.inline", *arguments)
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        if child.stdout.readline().strip() != "ready":
            raise NotHere(f"{' '.join(arguments)} did not begin")
        yield child
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def answer_of(child: subprocess.Popen[str]) -> Any:
    """Let a child of ``served`` end, and return what it prints, as JSON."""
    assert child.stdin is not None
    assert child.stdout is not None
    # One that has ended already wants to know of nothing.
    with suppress(BrokenPipeError):
        child.stdin.write("\n")
        child.stdin.close()
    text = child.stdout.read()
    child.wait(timeout=PATIENCE_S)
    return json.loads(text)


def iperf(seconds: float, *options: str) -> dict[str, float]:
    """Return bits a second and bytes of one flow from the client to the server."""
    server = subprocess.Popen(
        inside(SERVER, "iperf3", "-s", "-1"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(0.5)
        command = ("iperf3", "-c", ADDRESS[SERVER], "-J", "-C", "cubic")
        done = subprocess.run(
            inside(CLIENT, *command, "-t", f"{seconds:g}", *options),
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds + PATIENCE_S,
        )
        told = json.loads(done.stdout)
        if "error" in told:
            raise NotHere(f"iperf3: {told['error']}")
        received = told["end"]["sum_received"]
        return {
            "bits_per_second": received["bits_per_second"],
            "bytes": received["bytes"],
            "seconds": received["seconds"],
        }
    finally:
        server.kill()
        server.wait()
