"""The interfaces of this machine, as Linux lists them, or as far as Python knows them."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from typing import NamedTuple

from unpacket.sources.live.constants import ETHERNET, LINK_TYPES, LINKTYPE_SLL2

ANY = "any"
SYSFS = "/sys/class/net"
IS_UP = 0x1
IS_LOOPBACK = 0x8
IS_RUNNING = 0x40

SIOCGIFFLAGS = 0x8913
SIOCGIFHWADDR = 0x8927


class Device(NamedTuple):
    """An interface that packets can be captured on.

    Attributes:
        name: Its name, or ``any`` for all of them.
        index: The kernel's number of it; 0 of ``any``.
        link_type: What its frames begin with, as a ``LINKTYPE_`` number.
        flags: Of ``up``, ``running`` and ``loopback`` those that it is.
        addresses: Its own addresses of IPv4 and IPv6, as text.
    """

    name: str
    index: int
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


def is_interface(name: str) -> bool:
    """Return whether packets can be captured on something called so."""
    if name == ANY:
        return True
    try:
        return socket.if_nametoindex(name) > 0
    except (OSError, ValueError):
        return False


def link_type_of(kind: int) -> int:
    """Return what frames begin with of an interface of that hardware."""
    return LINK_TYPES.get(kind, LINKTYPE_SLL2)


def kind_of(asked: socket.socket, name: str) -> int:
    """Return the number of an interface's hardware (``ARPHRD_``)."""
    try:
        answer = fcntl.ioctl(asked, SIOCGIFHWADDR, struct.pack("16s24x", name.encode()))
    except OSError:
        return ETHERNET
    return int(struct.unpack_from("H", answer, 16)[0])


def flags_of(asked: socket.socket, name: str) -> tuple[str, ...]:
    try:
        answer = fcntl.ioctl(asked, SIOCGIFFLAGS, struct.pack("16s24x", name.encode()))
    except OSError:
        return ()
    (flags,) = struct.unpack_from("H", answer, 16)
    bits = ((IS_UP, "up"), (IS_RUNNING, "running"), (IS_LOOPBACK, "loopback"))
    return tuple(word for bit, word in bits if flags & bit)


SIOCGIFADDR = 0x8915


def addresses_of(asked: socket.socket, name: str) -> list[str]:
    """Return the first address of IPv4, and all of IPv6."""
    found = []
    try:
        answer = fcntl.ioctl(asked, SIOCGIFADDR, struct.pack("16s24x", name.encode()))
        found.append(socket.inet_ntop(socket.AF_INET, answer[20:24]))
    except OSError:
        pass
    try:
        with open("/proc/net/if_inet6") as table:
            for line in table:
                address, *_, device = line.split()
                if device == name:
                    octets = bytes.fromhex(address)
                    found.append(socket.inet_ntop(socket.AF_INET6, octets))
    except OSError:
        pass
    return found


def name_of(index: int) -> str:
    """Return the name of an interface, or a word for one that is gone."""
    try:
        return socket.if_indextoname(index)
    except OSError:
        return f"interface {index}"


def exists(path: str) -> bool:
    """Return whether a file is called so; a capture of that name comes first."""
    return os.path.lexists(path)
