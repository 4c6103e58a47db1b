"""Packets as Python objects: what their bytes are, and when they were seen.

scapy and dpkt are known by the classes that an object inherits from, so that neither
need be imported, or installed.
"""

import datetime
from decimal import Decimal
from fractions import Fraction
from math import floor, isfinite
from numbers import Integral, Rational, Real
from typing import Any, NamedTuple

from unpacket._core.memory.batch import MAX_INTERFACE, MAX_LENGTH
from unpacket.sources.capture import LONGEST_OF_ALL

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
MICROSECOND = datetime.timedelta(microseconds=1)
BILLION = 1_000_000_000
MOST_NS = (1 << 63) - 1

ETHERNET = 1
RAW = 101
# What the bytes of a packet begin with, by the class of its first layer.
SCAPY_LINK_TYPES = {
    "Ether": ETHERNET,
    "Dot3": ETHERNET,
    "IP": RAW,
    "IPv6": RAW,
    "CookedLinux": 113,
    "CookedLinuxV2": 276,
    "Loopback": 0,
    "PPP": 9,
    "Dot11": 105,
    "RadioTap": 127,
}
DPKT_LINK_TYPES = {
    "Ethernet": ETHERNET,
    "IP": RAW,
    "IP6": RAW,
    "SLL": 113,
    "SLL2": 276,
    "Loopback": 0,
    "PPP": 9,
}


OCTETS = (bytes, bytearray, memoryview)


class Packet(NamedTuple):
    """One packet.

    Attributes:
        time_ns: Nanoseconds since the epoch, or None if the object does not say.
        link_type: The LINKTYPE_ value of what the bytes begin with.
        original: How many bytes it had on the wire.
        interface: The number of the interface that it was seen on, 0 for the only one.
    """

    time_ns: int | None
    data: bytes
    link_type: int
    original: int
    interface: int = 0


def packet_of(item: object, link_type: int | None) -> Packet | None:
    """Return the packet that ``item`` is, or None if it is none.

    Packets are: bytes and what has their interface; packets of scapy and of dpkt;
    a tuple or list of a time (see `nanoseconds`), one of these, and if that is known
    the number of the interface where it was seen.

    Args:
        link_type: What the bytes begin with where the object does not say: None for
            Ethernet, and then an object that might say and does not is no packet.
    """
    if isinstance(item, OCTETS):
        bare = ETHERNET if link_type is None else link_type
        return packet(None, bytes(item), bare, None)
    if isinstance(item, tuple | list):
        if len(item) not in (2, 3) or isinstance(item[1], tuple | list):
            return None
        time_ns = nanoseconds(item[0])
        interface = item[2] if len(item) == 3 else 0
        if time_ns is None or not is_interface(interface):
            return None
        timed = packet_of(item[1], link_type)
        if timed is None:
            return None
        return Packet(time_ns, timed.data, timed.link_type, timed.original, interface)
    for base in type(item).__mro__:
        if base.__name__ == "Packet" and base.__module__ == "scapy.packet":
            return scapy_packet(item, link_type)
        if base.__name__ == "Packet" and base.__module__ == "dpkt.dpkt":
            return dpkt_packet(item, link_type)
    return None


def lacks_only_time(item: object, link_type: int | None) -> bool:
    """Return whether something would be a packet if its time were one."""
    if not isinstance(item, tuple | list) or len(item) not in (2, 3):
        return False
    if isinstance(item[1], tuple | list) or nanoseconds(item[0]) is not None:
        return False
    return packet_of(item[1], link_type) is not None


def is_interface(number: object) -> bool:
    return type(number) is int and 0 <= number <= MAX_INTERFACE


def packet(
    time_ns: int | None, data: bytes, link_type: int | None, original: int | None
) -> Packet | None:
    if link_type is None or len(data) > LONGEST_OF_ALL:
        return None
    length = min(max(original or 0, len(data)), MAX_LENGTH)
    return Packet(time_ns, data, link_type, length)


def scapy_packet(item: Any, link_type: int | None) -> Packet | None:
    own_type = link_type_by_class(item, SCAPY_LINK_TYPES, link_type)
    return packet(nanoseconds(item.time), bytes(item), own_type, item.wirelen)


def is_undissected(item: object) -> bool:
    """Return whether an item is bytes that scapy could not take for any layer."""
    while isinstance(item, tuple | list) and len(item) > 1:
        item = item[1]
    return any(
        base.__name__ == "Raw" and base.__module__ == "scapy.packet"
        for base in type(item).__mro__
    )


def dpkt_packet(item: Any, link_type: int | None) -> Packet | None:
    own_type = link_type_by_class(item, DPKT_LINK_TYPES, link_type)
    return packet(None, bytes(item), own_type, None)


def link_type_by_class(
    item: object, link_types: dict[str, int], default: int | None
) -> int | None:
    for base in type(item).__mro__:
        if base.__name__ in link_types:
            return link_types[base.__name__]
    return default


def microseconds(seconds: float) -> int:
    """Return the nearest number of microseconds, of two that are as near the even one.

    Exact, as ``round(Fraction(seconds) * 1_000_000)`` is, in a twentieth of its time.
    """
    numerator, denominator = seconds.as_integer_ratio()
    whole, rest = divmod(numerator * 1_000_000, denominator)
    return whole + (2 * rest > denominator - (whole & 1))


def nanoseconds(time: object) -> int | None:
    """Return the nanoseconds since the epoch, or None if ``time`` is no time.

    An int is nanoseconds. A float, a Decimal or a Fraction is seconds; a float is
    rounded to microseconds, which is all that it holds for a time of today. A
    datetime without a zone is local time, as everywhere in Python.
    """
    time_ns: int
    # What most times are, for which to ask what kind of number they are takes long.
    if type(time) is int:
        time_ns = time
    elif type(time) is float:
        if not isfinite(time):
            return None
        time_ns = microseconds(time) * 1000
    elif isinstance(time, bool):
        return None
    elif isinstance(time, Integral):
        time_ns = int(time)
    elif isinstance(time, Decimal):
        if not time.is_finite():
            return None
        time_ns = floor(Fraction(time) * BILLION)
    elif isinstance(time, Rational):
        time_ns = floor(Fraction(time) * BILLION)
    elif isinstance(time, Real):
        if not isfinite(time):
            return None
        time_ns = microseconds(float(time)) * 1000
    elif isinstance(time, datetime.datetime):
        time_ns = (time.astimezone(datetime.UTC) - EPOCH) // MICROSECOND * 1000
    else:
        return None
    return time_ns if abs(time_ns) <= MOST_NS else None
