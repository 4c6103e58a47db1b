"""The interfaces of this machine, and what is known of each."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from unpacket.sources.live.constants import ETHERNET, LINK_TYPES, LINKTYPE_SLL2

ANY = "any"
IS_UP = 0x1
IS_LOOPBACK = 0x8
IS_RUNNING = 0x40

SIOCGIFFLAGS = 0x8913
SIOCGIFHWADDR = 0x8927
SIOCGIFADDR = 0x8915


class Device(NamedTuple):
    """An interface that packets can be captured on.

    Attributes:
        name: Its name, or ``any`` for all of them.
        number: The kernel's number of it; 0 of ``any``.
        link_type: What its frames begin with, as a ``LINKTYPE_`` number.
        flags: Of ``up``, ``running`` and ``loopback`` those that it is.
        addresses: Its own addresses of IPv4 and IPv6, as text.
    """

    name: str
    number: int
    link_type: int
    flags: tuple[str, ...]
    addresses: tuple[str, ...]


def interfaces() -> list[Device]:
    """Return what packets can be captured on, ``any`` last."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        found = [
            Device(
                name,
                index,
                link_type_of(kind_of(asked, name)),
                flags_of(asked, name),
                tuple(addresses_of(asked, name)),
            )
            for index, name in socket.if_nameindex()
        ]
    return [*found, Device(ANY, 0, LINKTYPE_SLL2, ("up",), ())]


def link_type_of(kind: int) -> int:
    """Return what frames begin with of an interface of that hardware."""
    return LINK_TYPES.get(kind, LINKTYPE_SLL2)


def kind_of(asked: socket.socket, name: str) -> int:
    """Return the number of an interface's hardware (``ARPHRD_``)."""
    answer = answered(asked, SIOCGIFHWADDR, name)
    return ETHERNET if answer is None else int(struct.unpack_from("H", answer, 16)[0])


def flags_of(asked: socket.socket, name: str) -> tuple[str, ...]:
    """Return in words what an interface is and does."""
    answer = answered(asked, SIOCGIFFLAGS, name)
    (flags,) = (0,) if answer is None else struct.unpack_from("H", answer, 16)
    bits = ((IS_UP, "up"), (IS_RUNNING, "running"), (IS_LOOPBACK, "loopback"))
    return tuple(word for bit, word in bits if flags & bit)


def addresses_of(asked: socket.socket, name: str) -> list[str]:
    """Return the first address of IPv4, and all of IPv6."""
    found = []
    answer = answered(asked, SIOCGIFADDR, name)
    if answer is not None:
        found.append(socket.inet_ntop(socket.AF_INET, answer[20:24]))
    try:
        with open("/proc/net/if_inet6") as table:
            lines = [line.split() for line in table]
    except OSError:
        return found
    for address, *_, device in lines:
        if device == name:
            found.append(socket.inet_ntop(socket.AF_INET6, bytes.fromhex(address)))
    return found


def answered(asked: socket.socket, request: int, name: str) -> bytes | None:
    """Return ``struct ifreq`` of an interface, or None where there is no answer."""
    try:
        # Windows has none.
        import fcntl

        return fcntl.ioctl(asked, request, struct.pack("16s24x", name.encode()))
    except (ImportError, OSError):
        return None


def name_of(number: int) -> str:
    """Return the name of an interface, or a word for one that is gone."""
    try:
        return socket.if_indextoname(number)
    except OSError:
        return f"interface {number}"
