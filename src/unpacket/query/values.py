"""The kinds of values that a filter compares, and how each is written.

A number, a size (``64KiB``), a time (``20ms``; seconds without a unit), an address with
its port or a network (``10.0.0.1:80``, ``10.0.0.0/8``), or one of a few words.
"""

from __future__ import annotations

import functools
import ipaddress
import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from unpacket.query.units import BYTES, NANOSECONDS

Compare: TypeAlias = Callable[[Any, Any], bool]

_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?)([A-Za-z]*)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_FRACTION = re.compile(r"\.([0-9]+)")


class RemedyError(ValueError):
    """A value is wrong, and here is what would be right."""


class Kind(NamedTuple):
    """What the values of a column are.

    Attributes:
        noun: As messages say it, with examples.
        parse: Makes a value of text, or raises ValueError with a remedy or without.
        ordered: Whether there is a less and a more.
        same: Whether a value of a stream is the one that was written.
    """

    noun: str
    parse: Callable[[str], Any]
    ordered: bool = True
    same: Compare = operator.eq


class Instant(NamedTuple):
    """A moment, since 1970 or since the first frame."""

    ns: int
    relative: bool


def scaled(text: str, units: dict[str, int]) -> int:
    """Return a number with a unit, rounded down to a whole one."""
    match = _NUMBER.fullmatch(text)
    if match is None or match[2].lower() not in units:
        raise ValueError
    unit = units[match[2].lower()]
    ones, _, decimals = match[1].partition(".")
    part: int = int(decimals or "0") * unit // 10 ** len(decimals)
    return int(ones) * unit + part


def whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError
    return int(text)


def port(text: str) -> int:
    number = whole(text)
    if number >= 1 << 16:
        raise RemedyError("the highest port is 65535")
    return number


def instant(text: str) -> Instant:
    try:
        return Instant(scaled(text, NANOSECONDS), relative=True)
    except ValueError:
        # Python's have six digits, and ours nine.
        fraction = _FRACTION.search(text)
        digits = fraction[1] if fraction else ""
        moment = datetime.fromisoformat(text.replace(f".{digits}", "", 1))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds: int = (moment - _EPOCH) // _SECOND
    return Instant(seconds * 10**9 + int(digits[:9].ljust(9, "0")), relative=False)


def share(text: str) -> int:
    """Return a share in millionths."""
    if text.endswith("%"):
        return scaled(text[:-1], {"": 10_000})
    return scaled(text, {"": 1_000_000})


def truth(text: str) -> bool:
    return {"true": True, "yes": True, "false": False, "no": False}[text]


class Net(NamedTuple):
    """Addresses, and perhaps a port."""

    version: int
    network: int
    mask: int
    port: int | None


def net(text: str) -> Net:
    """Return what an address, a network, or either with a port stands for."""
    number = None
    if text.startswith("["):
        text, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and rest[0] != ":"):
            raise ValueError
        number = port(rest[1:]) if rest else None
    elif text.count(":") == 1:
        text, _, rest = text.partition(":")
        number = port(rest)
    network = ipaddress.ip_network(text, strict=False)
    return Net(
        network.version, int(network.network_address), int(network.netmask), number
    )


@functools.lru_cache(maxsize=1 << 12)
def number_of(address: str) -> tuple[int, int]:
    """Return version and value of an address."""
    parsed = ipaddress.ip_address(address)
    return parsed.version, int(parsed)


def within(end: Any, wanted: Net) -> bool:
    """Return whether an ``Endpoint`` is of the network, and has the port."""
    version, value = number_of(end.address)
    return (
        version == wanted.version
        and value & wanted.mask == wanted.network
        and wanted.port in (None, end.port)
    )


A_WORD = "a word"


def words(*known: str) -> Kind:
    """Return the kind of a column that has one of a few words."""

    def parse(text: str) -> str:
        if text not in known:
            raise RemedyError(f"choose from {', '.join(known)}")
        return text

    return Kind(A_WORD, parse, ordered=False)


ID = Kind("the id of a stream, such as 3", whole)
COUNT = Kind("a number, such as 3", whole)
PORT = Kind("a port, such as 443", port)
SIZE = Kind("a size, such as 1500 or 64KiB", lambda text: scaled(text, BYTES))
DURATION = Kind("a time, such as 20ms or 1.5s", lambda text: scaled(text, NANOSECONDS))
INSTANT = Kind(
    "a time since the first frame, such as 1.5s, or a date and time in UTC, such as "
    "2026-11-21T04:17:40",
    instant,
)
FLAG = Kind("true or false", truth, ordered=False)
ADDRESS = Kind(
    "an address, such as 10.0.0.1, ::1, 10.0.0.1:80 or [::1]:80, or a network, such as "
    "10.0.0.0/8",
    net,
    ordered=False,
    same=within,
)
TEXT = Kind("text, such as eth/ip/tcp", str, ordered=False)
SHARE = Kind("a share, such as 1% or 0.01", share)
# Columns of these kinds can be compared with each other.
NUMBERS = (ID, COUNT, PORT, SIZE)


def since(moment: Instant, first_ns: int) -> int:
    return moment.ns + first_ns if moment.relative else moment.ns
