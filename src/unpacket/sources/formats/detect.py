"""Which formats there are, by the bytes that they begin with, and who reads them."""

import struct
from collections.abc import Callable
from typing import NamedTuple

from unpacket.sources.capture import Capture
from unpacket.sources.formats import pcap, pcapng, snoop
from unpacket.sources.formats.notes import CaptureNotes
from unpacket.sources.readers.buffer import Window


class Format(NamedTuple):
    """A format of captures.

    Attributes:
        magics: What a capture of this format can begin with.
        reader: What reads it; None if nothing here does.
    """

    name: str
    magics: tuple[bytes, ...]
    reader: Callable[[Window, int | None, CaptureNotes], Capture] | None = None


def either_order(*magics: int) -> tuple[bytes, ...]:
    return tuple(struct.pack(order + "I", magic) for order in "<>" for magic in magics)


FORMATS = (
    Format("pcap", pcap.MAGICS, pcap.Pcap),
    Format("pcapng", (pcapng.MAGIC,), pcapng.Pcapng),
    Format("modified pcap (Navtel)", either_order(0xA12B3C4D)),
    Format("snoop", (snoop.MAGIC,), snoop.Snoop),
    Format("Bluetooth snoop", (b"btsnoop\0",)),
    Format("Microsoft Network Monitor", (b"RTSS", b"GMBU")),
    Format("Sniffer", (b"TRSNIFF data", b"XCP\0")),
    Format("AIX iptrace", (b"iptrace 1.0", b"iptrace 2.0")),
    Format("EtherPeek", (b"\x7fver",)),
    Format("Observer", (b"ObserverPktBuffe",)),
    Format("zip", (b"PK\x03\x04",)),
    Format("7z", (b"7z\xbc\xaf\x27\x1c",)),
    Format("compress", (b"\x1f\x9d",)),
    Format("old lz4", (b"\x02\x21\x4c\x18",)),
)
# A pipe is read so far before its format is known: less than any has without packets.
LONGEST_MAGIC = max(len(magic) for each in FORMATS for magic in each.magics)
ERF = Format("ERF", ())

# Each of its records begins with 64 bits of time, the seconds in the upper half, a
# type, flags, the length of the record, a count of losses and the length on the wire.
ERF_HEADER = 16
ERF_HEAD = struct.Struct(">QBxH")
ERF_TYPES = 48
# 1990, before there was ERF, and a day between the first two records.
ERF_SINCE_S = 631_152_000
ERF_SPAN_S = 86_400


def format_of(beginning: bytes) -> Format | None:
    """Return the format of a capture that begins so, or None if it is no known one."""
    for each in FORMATS:
        if beginning.startswith(each.magics):
            return each
    return None


def erf_bytes(beginning: bytes) -> int:
    """Return how many bytes show whether this is Endace's format, without magic.

    That is a record, and the header of the next. 0 says that there is no such record.
    """
    _, kind, length = ERF_HEAD.unpack_from(beginning.ljust(ERF_HEADER, b"\0"))
    if not 0 < kind & 0x7F <= ERF_TYPES or length < ERF_HEADER:
        return 0
    return int(length) + ERF_HEADER


def looks_like_erf(beginning: bytes) -> bool:
    """Whether this may be ERF, of which there are ``erf_bytes``, or all."""
    length = erf_bytes(beginning) - ERF_HEADER
    following = beginning[length:]
    if length < 0 or (following and not erf_bytes(following)):
        return False
    times_s = [
        int.from_bytes(header[4:8], "little")
        for header in (beginning, following)
        if header
    ]
    return (
        len(beginning) >= length
        and min(times_s) >= ERF_SINCE_S
        and max(times_s) - min(times_s) <= ERF_SPAN_S
    )
