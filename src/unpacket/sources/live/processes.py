"""Finds out whose process each end of a stream is.

In this order: who was seen connecting (``connects``), then who has the socket open
now (the kernel by NETLINK_SOCK_DIAG, descriptors by /proc). The server is whoever has
the listener, until the accepted socket is found. What is not found at once is looked
for again a few times. All of it takes a bounded part of the time.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from unpacket.sources.live.connects import Connects
from unpacket.sources.live.owners import (
    LISTENER,
    SOCKET,
    TRACE_EVENT,
    Owners,
    Process,
)
from unpacket.sources.live.proc import process_of, sockets
from unpacket.sources.live.sock_diag import LISTEN, Found, SocketDiagnosis

if TYPE_CHECKING:
    from unpacket._core.reassembly.stream import Endpoint

# How long after the stream began its ends are looked for again.
AGAIN_AFTER_S = (0.02, 0.1, 0.5, 2.0)
# Streams that wait for that; of more the oldest are given up.
MOST_WAITING = 4096
# The part of the time that looking for processes may take, and how much may be owed.
SHARE = 0.2
OWED_S = 0.05
# How long it holds that an address is of this machine, or who has a listener.
KNOWN_FOR_S = 2.0
MOST_KNOWN = 1 << 14


class Sought(NamedTuple):
    """An end whose owner is looked for."""

    owners: Owners
    own: Endpoint
    other: Endpoint
    is_server: bool
    tried: int
    due_s: float


class Processes:
    """Looks for the owners of streams' ends.

    Attributes:
        sees_connects: Whether the kernel reports who connects; if not, what is gone
            within milliseconds may not be found.
    """

    def __init__(self, *, connects: bool = True) -> None:
        self._connects: Connects | None = None
        self._diagnosis: SocketDiagnosis | None = None
        # Neither is everywhere, and neither is needed for the packets.
        if sys.platform == "linux":
            if connects:
                with contextlib.suppress(OSError):
                    self._connects = Connects()
            with contextlib.suppress(OSError):
                self._diagnosis = SocketDiagnosis()
        self.sees_connects = self._connects is not None
        self._waiting: deque[Sought] = deque()
        self._owners: dict[int, list[int]] = {}
        self._scanned_s = 0.0
        self._scan_took_s = 0.0
        self._is_local: dict[str, tuple[float, bool]] = {}
        self._listeners: dict[tuple[str, int], tuple[float, Owners]] = {}
        self._owed_s = 0.0
        self._looked_s = time.monotonic()

    def close(self) -> None:
        """Look for nobody any more."""
        if self._connects is not None:
            self._connects.close()
            self._connects = None
        if self._diagnosis is not None:
            self._diagnosis.close()
            self._diagnosis = None

    def owners_of(self, client: Endpoint, server: Endpoint) -> tuple[Owners, Owners]:
        """Return the owners of a stream's ends, which may still be found later."""
        found = Owners(), Owners()
        now_s = time.monotonic()
        for sought in (
            Sought(found[0], client, server, False, 0, now_s),
            Sought(found[1], server, client, True, 0, now_s),
        ):
            self._try(sought)
        return found

    def look_again(self) -> None:
        """Look for those that were not found, where it is time for it."""
        now_s = time.monotonic()
        for _ in range(len(self._waiting)):
            sought = self._waiting.popleft()
            if sought.due_s > now_s:
                self._waiting.append(sought)
            else:
                self._try(sought)

    def _try(self, sought: Sought) -> None:
        """Look for an owner, and wait if there is none, or no time for it."""
        begun_s = time.monotonic()
        self._owed_s = max(0.0, self._owed_s - SHARE * (begun_s - self._looked_s))
        self._looked_s = begun_s
        if self._owed_s > OWED_S:
            is_settled = False
        else:
            is_settled = self._look(sought)
            self._owed_s += time.monotonic() - begun_s
        if is_settled or sought.tried == len(AGAIN_AFTER_S):
            return
        due_s = begun_s + AGAIN_AFTER_S[sought.tried]
        self._waiting.append(sought._replace(tried=sought.tried + 1, due_s=due_s))
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()

    def _look(self, sought: Sought) -> bool:
        """Look for an owner; return whether there is nothing more to find."""
        own, other = sought.own, sought.other
        if not sought.is_server and self._connects is not None:
            process = self._connects.find(own.address, own.port, *other)
            if process is not None:
                sought.owners.processes = (process,)
                sought.owners.source = TRACE_EVENT
                return True
        if not self._is_here(own.address):
            return True
        if self._diagnosis is None:
            return True
        found = self._diagnosis.find(own.address, own.port, *other)
        if found is not None and found.inode and found.state != LISTEN:
            processes = self._having(found.inode)
            if processes:
                sought.owners.processes = processes
                sought.owners.source = SOCKET
                return True
        if sought.is_server and not sought.owners.processes:
            listening = self._listening(own, found)
            sought.owners.processes = listening.processes
            sought.owners.source = listening.source
            # Who of several it is shows the socket that one of them has accepted.
            return len(listening.processes) == 1
        return False

    def _having(self, inode: int) -> tuple[Process, ...]:
        """Return the processes that have a socket open."""
        pids = self._owners.get(inode)
        now_s = time.monotonic()
        if pids is None and now_s - self._scanned_s > self._scan_took_s / SHARE:
            self._owners = sockets()
            self._scanned_s = time.monotonic()
            self._scan_took_s = self._scanned_s - now_s
            pids = self._owners.get(inode)
        found = (process_of(pid) for pid in pids or ())
        return tuple(one for one in found if one is not None)

    def _listening(self, own: Endpoint, found: Found | None) -> Owners:
        """Return the owners of the listener that takes connections to an end."""
        now_s = time.monotonic()
        known = self._listeners.get(own)
        if known is not None and known[0] > now_s:
            return known[1]
        inodes = []
        if found is not None and found.state == LISTEN:
            inodes = [found.inode]
        elif self._diagnosis is not None:
            inodes = inodes_for(own, self._diagnosis.listeners())
        processes: dict[int, Process] = {}
        for inode in inodes:
            processes |= {one.pid: one for one in self._having(inode)}
        owners = Owners(tuple(processes.values()), LISTENER if processes else "")
        if processes:
            if len(self._listeners) >= MOST_KNOWN:
                self._listeners.clear()
            self._listeners[own] = now_s + KNOWN_FOR_S, owners
        return owners

    def _is_here(self, address: str) -> bool:
        """Return whether an address is one of this machine's."""
        now_s = time.monotonic()
        known = self._is_local.get(address)
        if known is not None and known[0] > now_s:
            return known[1]
        if len(self._is_local) >= MOST_KNOWN:
            self._is_local.clear()
        is_local = can_bind(address)
        self._is_local[address] = now_s + KNOWN_FOR_S, is_local
        return is_local


def inodes_for(own: Endpoint, listeners: list[Found]) -> list[int]:
    """Return those of listeners that take connections to an end.

    Those of its very address come before those of any.
    """
    packed = socket.inet_pton(
        socket.AF_INET6 if ":" in own.address else socket.AF_INET, own.address
    )
    exact = []
    others = []
    for one in listeners:
        if one.port != own.port:
            continue
        if one.address == packed:
            exact.append(one.inode)
        elif not any(one.address):
            others.append(one.inode)
    return exact or others


def can_bind(address: str) -> bool:
    """Return whether a program here could have an address as its own."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as tried:
            tried.bind((address, 0))
    except OSError as error:
        # Of an address of one link (fe80::) it would have to be said which.
        return error.errno != errno.EADDRNOTAVAIL
    return True
