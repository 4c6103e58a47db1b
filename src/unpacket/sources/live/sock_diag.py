"""Sockets of this machine, as the kernel's NETLINK_SOCK_DIAG knows them.

linux/inet_diag.h. It knows those of the network namespace that the socket was opened
in.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from typing import NamedTuple

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST = 1
NLM_F_DUMP = 0x300
NLMSG_ERROR = 2
NLMSG_DONE = 3
TCP = 6
LISTEN = 10
ALL_STATES = 0xFFFFFFFF
NO_COOKIE = 0xFFFFFFFF

_HEADER = struct.Struct("=IHHII")
# Family, protocol, extensions, states; then ports, addresses, interface, cookie.
_REQUEST = struct.Struct("=BBBxI")
_ENDS = struct.Struct("!HH16s16s")
_REST = struct.Struct("=III")
WAIT_S = 0.2
ANSWER_BYTES = 1 << 16


class Found(NamedTuple):
    """A socket.

    Attributes:
        state: Of TCP, as the kernel numbers it.
        port: Its own.
        address: Its own, as bytes.
        user_id: Whose it is.
        inode: Its number in /proc; 0 while no program has it.
    """

    state: int
    port: int
    address: bytes
    user_id: int
    inode: int


class SocketDiagnosis:
    """Asks the kernel about TCP sockets.

    Raises:
        OSError: The kernel does not answer such questions.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG
        )
        self._socket.settimeout(WAIT_S)
        self._number = 0

    def close(self) -> None:
        """Ask no more."""
        self._socket.close()

    def find(
        self, address: str, port: int, other_address: str, other_port: int
    ) -> Found | None:
        """Return the socket with these ends, the first of which is its own.

        That is a listener where the connection has none of its own.
        """
        own = ipaddress.ip_address(address).packed
        other = ipaddress.ip_address(other_address).packed
        family = socket.AF_INET if len(own) == 4 else socket.AF_INET6
        body = request(family, ALL_STATES, port, other_port, own, other)
        for one in self._ask(body, 0):
            return one
        return None

    def listeners(self) -> list[Found]:
        """Return the sockets that listen."""
        found = []
        for family in (socket.AF_INET, socket.AF_INET6):
            body = request(family, 1 << LISTEN, 0, 0, b"", b"")
            found += self._ask(body, NLM_F_DUMP)
        return found

    def _ask(self, body: bytes, flags: int) -> list[Found]:
        self._number += 1
        size = _HEADER.size + len(body)
        head = _HEADER.pack(
            size, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | flags, self._number, 0
        )
        found: list[Found] = []
        try:
            self._socket.send(head + body)
            while True:
                answer = self._socket.recv(ANSWER_BYTES)
                if self._take(answer, found) or not flags:
                    return found
        except OSError:
            # An answer that is late carries a number that nobody waits for.
            return found

    def _take(self, answer: bytes, found: list[Found]) -> bool:
        """Add the sockets of an answer; return whether it is the last."""
        at = 0
        while len(answer) - at >= _HEADER.size:
            size, kind, _, number, _ = _HEADER.unpack_from(answer, at)
            if size < _HEADER.size or size > len(answer) - at:
                return True
            body = answer[at + _HEADER.size : at + size]
            at += (size + 3) & ~3
            if number != self._number:
                continue
            if kind in (NLMSG_DONE, NLMSG_ERROR):
                return True
            if kind == SOCK_DIAG_BY_FAMILY and len(body) >= 72:
                port, address = struct.unpack_from("!H2x16s", body, 4)
                user_id, inode = struct.unpack_from("=II", body, 64)
                length = 4 if body[0] == socket.AF_INET else 16
                found.append(Found(body[1], port, address[:length], user_id, inode))
        return False


def request(
    family: int, states: int, port: int, other_port: int, own: bytes, other: bytes
) -> bytes:
    """Return ``struct inet_diag_req_v2``."""
    return b"".join(
        (
            _REQUEST.pack(family, TCP, 0, states),
            _ENDS.pack(port, other_port, own.ljust(16, b"\0"), other.ljust(16, b"\0")),
            _REST.pack(0, NO_COOKIE, NO_COOKIE),
        )
    )
