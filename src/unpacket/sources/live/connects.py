"""Who opened which connection, by the kernel's trace event ``inet_sock_set_state``.

It names the thread that calls ``connect``: also of a program that is gone before
anybody could look for its sockets. The port is chosen later; the address of the
kernel's socket joins the two events.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import select
import socket
import struct
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from unpacket.sources.live.owners import Process
from unpacket.sources.live.proc import process_of
from unpacket.sources.live.tracefs import TraceInstance

EVENT = "sock/inet_sock_set_state"
SYN_SENT = 2
CLOSE = 7
CONDITION = f"protocol==6 && (newstate=={SYN_SENT} || oldstate=={SYN_SENT})"

# Connections that are remembered, and those that have no port yet.
MOST_CONNECTIONS = 1 << 16
MOST_OPENING = 1 << 14
READ_BYTES = 1 << 16
WAIT_MS = 100
# A line that was not understood does not grow for ever.
LONGEST_LINE = 1 << 12

LINE = re.compile(
    rb"\s*(?P<name>.+)-(?P<thread>\d+)\s+.*inet_sock_set_state: "
    rb"skaddr=(?P<socket>\S+).*? oldstate=0x(?P<old>[0-9a-f]+).*? "
    rb"newstate=0x(?P<new>[0-9a-f]+).*? sport=0x(?P<port>[0-9a-f]+).*? "
    rb"dport=0x(?P<other>[0-9a-f]+).*? family=0x(?P<family>[0-9a-f]+).*? "
    rb"saddr=0x(?P<own>[0-9a-f]+).*? daddr=0x(?P<target>[0-9a-f]+)"
)

# Own address and port, and the other's. The event does not print addresses of IPv6:
# they are "" here.
Ends: TypeAlias = tuple[str, int, str, int]


class Opening(NamedTuple):
    """A socket that is being connected."""

    process: Process | None
    address: str
    port: int


class Connections:
    """Who connected, by the lines of the trace."""

    def __init__(self) -> None:
        self._opening: OrderedDict[bytes, Opening] = OrderedDict()
        self._opened: OrderedDict[Ends, Process] = OrderedDict()

    def find(
        self, address: str, port: int, other_address: str, other_port: int
    ) -> Process | None:
        """Return who connected to the other end, or None if that was not seen."""
        if ":" in address:
            address = other_address = ""
        found = self._opened.get((address, port, other_address, other_port))
        if found is not None:
            return found
        # Its port is not known yet: it is clear who it is if there is only one.
        waiting = {
            one.process
            for one in self._opening.values()
            if (one.address, one.port) == (other_address, other_port)
        }
        return waiting.pop() if len(waiting) == 1 else None

    def take(
        self, line: bytes, process_of: Callable[[int, str], Process | None]
    ) -> None:
        """Take a line of the trace; what is not understood is passed over.

        Args:
            process_of: Returns the process of a thread that is called so.
        """
        match = LINE.match(line)
        if match is None:
            return
        key = match["socket"]
        old, new, port, other, family = (
            int(match[name], 16) for name in ("old", "new", "port", "other", "family")
        )
        own, target = address_of(match["own"]), address_of(match["target"])
        if family != socket.AF_INET and own == target == "0.0.0.0":
            own = target = ""
        if new == SYN_SENT:
            name = match["name"].decode(errors="replace").strip()
            process = process_of(int(match["thread"]), name)
            self._opening[key] = Opening(process, target, other)
            if len(self._opening) > MOST_OPENING:
                self._opening.popitem(last=False)
        elif old == SYN_SENT:
            opening = self._opening.pop(key, None)
            if opening is None or opening.process is None:
                return
            ends = own, port, target, other
            self._opened.pop(ends, None)
            self._opened[ends] = opening.process
            if len(self._opened) > MOST_CONNECTIONS:
                self._opened.popitem(last=False)


class Connects:
    """Listens to the kernel in a thread of its own, and remembers who connected.

    Raises:
        OSError: This process may not, or the kernel has no such event.
    """

    def __init__(self) -> None:
        self._trace = TraceInstance(EVENT, CONDITION)
        self._connections = Connections()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._listen, name="unpacket connects", daemon=True
        )
        self._thread.start()
        # Who does not close a source leaves nothing behind in the kernel all the same.
        atexit.register(self.close)

    def close(self) -> None:
        """Listen no more."""
        if not self._stopped.is_set():
            self._stopped.set()
            atexit.unregister(self.close)
            self._thread.join()
            self._trace.close()

    def find(
        self, address: str, port: int, other_address: str, other_port: int
    ) -> Process | None:
        """Return who connected to the other end, or None if that was not seen."""
        with self._lock:
            return self._connections.find(address, port, other_address, other_port)

    def _listen(self) -> None:
        pipe = self._trace.pipe
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        rest = b""
        while not self._stopped.is_set():
            poll.poll(WAIT_MS)
            with contextlib.suppress(BlockingIOError):
                # Others may connect faster than this reads.
                while not self._stopped.is_set() and (
                    data := os.read(pipe, READ_BYTES)
                ):
                    *lines, rest = (rest + data).split(b"\n")
                    rest = rest[:LONGEST_LINE]
                    for line in lines:
                        with self._lock:
                            self._connections.take(line, process_of)


def address_of(number: bytes) -> str:
    """Return an IPv4 address that was printed as a number of this machine's."""
    return socket.inet_ntoa(struct.pack("=I", int(number, 16) & 0xFFFFFFFF))
