"""Which formats there are, by the bytes that they begin with, and who reads them."""

import struct
from collections.abc import Callable
from typing import NamedTuple

from unpacket.sources import pcap, pcapng, snoop
from unpacket.sources.capture import Capture
from unpacket.sources.notes import CaptureNotes
from unpacket.sources.window import Window


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

ERF_HEADER = 16
ERF_TYPES = 48
ERF_RECORDS = 4
# 1990, before there was ERF, and a day between the first few records.
ERF_SINCE_S = 631_152_000
ERF_SPAN_S = 86_400


def format_of(beginning: bytes) -> Format | None:
    """Return the format of a capture that begins so, or None if it is no known one."""
    for each in FORMATS:
        if beginning.startswith(each.magics):
            return each
    return ERF if looks_like_erf(beginning) else None


def looks_like_erf(beginning: bytes) -> bool:
    """Whether this may be Endace's format, which has no magic.

    Its records begin with 64 bits of time, the seconds in the upper half, a type,
    flags, the length of the record, a count of losses and the length on the wire.
    """
    at = 0
    times: list[int] = []
    while len(beginning) - at >= ERF_HEADER and len(times) < ERF_RECORDS:
        (seconds,) = struct.unpack_from("<I", beginning, at + 4)
        kind, _, length = struct.unpack_from(">BBH", beginning, at + 8)
        if not 0 < kind & 0x7F <= ERF_TYPES or length < ERF_HEADER:
            return False
        times.append(seconds)
        at += length
    return (
        (len(times) > 1 or at == len(beginning))
        and min(times, default=0) >= ERF_SINCE_S
        and max(times) - min(times) <= ERF_SPAN_S
    )
