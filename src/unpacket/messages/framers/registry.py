"""Framers by their names: those of unpacket, and those that other packages register.

A package registers one as an entry point of the group ``unpacket.framers``; its name
is the framer's, and what it refers to is a ``Framer`` class, or anything that makes a
framer when it is called without arguments.
"""

import warnings
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from unpacket.errors import UnpacketError
from unpacket.messages.framer import Framer

GROUP = "unpacket.framers"

# In the order in which `detect` asks them.
OWN = {
    "http": "unpacket.messages.framers.registry:http",
    "tls": "unpacket.messages.framers.tls.framer:Tls",
    "dns": "unpacket.messages.framers.dns:Dns",
    "http2": "unpacket.messages.http2.framer:Http2",
    "websocket": "unpacket.messages.framers.websocket:WebSocket",
    "smtp": "unpacket.messages.framers.smtp:Smtp",
    "ftp": "unpacket.messages.framers.ftp:Ftp",
    "pop3": "unpacket.messages.framers.pop3:Pop3",
    "imap": "unpacket.messages.framers.imap:Imap",
    "redis": "unpacket.messages.framers.redis:Redis",
    "postgresql": "unpacket.messages.framers.postgresql:PostgreSql",
    "mysql": "unpacket.messages.framers.mysql:MySql",
    "mqtt": "unpacket.messages.framers.mqtt:Mqtt",
    "ssh": "unpacket.messages.framers.ssh:Ssh",
    "ldap": "unpacket.messages.framers.ldap:Ldap",
    "kerberos": "unpacket.messages.framers.kerberos:Kerberos",
    "amqp": "unpacket.messages.framers.amqp:Amqp",
    "modbus": "unpacket.messages.framers.modbus:Modbus",
    "someip": "unpacket.messages.framers.someip:SomeIp",
    "dlt": "unpacket.messages.framers.dlt:Dlt",
    "lines": "unpacket.messages.framers.lines:Lines",
    "prefixed": "unpacket.messages.framers.prefixed:Prefixed",
}


class FramerError(UnpacketError):
    """A framer that a package registers cannot be used.

    Attributes:
        name: The framer's.
        package: The package's.
        reason: What is wrong, in lower case and without a full stop.
    """

    def __init__(self, name: str, package: str, reason: str) -> None:
        super().__init__(name, package, reason)
        self.name, self.package, self.reason = name, package, reason

    def __str__(self) -> str:
        return f"framer {self.name} of package {self.package}: {self.reason}"


def http() -> Framer:
    """Return the framer of HTTP that looks into its tunnels as well."""
    from unpacket.messages.framers.tls.framer import Tls
    from unpacket.messages.framers.websocket import WebSocket
    from unpacket.messages.http.framing import Http
    from unpacket.messages.http2.framer import Http2

    inner: dict[str, Framer] = {
        "websocket": WebSocket(),
        "tls": Tls(),
        "http2": Http2(),
    }
    return Http({**inner, "http": Http(inner)})


@cache
def registered() -> dict[str, EntryPoint]:
    """Return the entry points of installed packages, by name; ours have priority."""
    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=GROUP), key=package_of):
        if entry.name not in OWN:
            found.setdefault(entry.name, entry)
    return found


def package_of(entry: EntryPoint) -> str:
    """Return the name of the package that has an entry point."""
    return "unknown" if entry.dist is None else str(entry.dist.name)


def names() -> list[str]:
    """Return the names of all framers."""
    return [*OWN, *sorted(registered())]


def framer_named(name: str) -> Framer:
    """Return a framer by its name.

    Raises:
        ValueError: There is none of that name.
        FramerError: The package that registers it has none there.
    """
    if name in OWN:
        module, _, attribute = OWN[name].partition(":")
        make: Callable[[], Framer] = getattr(import_module(module), attribute)
        return make()
    entry = registered().get(name)
    if entry is None:
        known = names()
        near = get_close_matches(name, known, 1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"no framer {name!r}; {meant}There are {', '.join(known)}")
    package = package_of(entry)
    try:
        framer = entry.load()()
    except Exception as error:
        reason = f"{entry.value} fails: {type(error).__name__}: {error}"
        raise FramerError(name, package, reason) from error
    if not isinstance(framer, Framer):
        raise FramerError(name, package, f"{entry.value} makes no Framer")
    return framer


def all_framers() -> list[Framer]:
    """Return one of each; those of other packages that cannot be used are left out.

    Warns:
        UserWarning: One was left out.
    """
    found = []
    for name in names():
        try:
            found.append(framer_named(name))
        except FramerError as error:
            warnings.warn(f"{error}; it is left out", stacklevel=2)
    return found
