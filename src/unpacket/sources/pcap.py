"""The pcap format: a header, and records with one header each.

draft-ietf-opsawg-pcap, and for what older programs wrote pcap-savefile(5) and the
comments of libpcap's sf-pcap.c.
"""

import struct

from unpacket._core.batch import Batch
from unpacket._core.records import scan_pcap
from unpacket.errors import FormatError
from unpacket.sources.capture import Capture, longest_frame
from unpacket.sources.source import Interface
from unpacket.sources.window import Window

MICROSECONDS = 0xA1B2C3D4
NANOSECONDS = 0xA1B23C4D
MAGICS = tuple(
    struct.pack(order + "I", magic)
    for order in "<>"
    for magic in (MICROSECONDS, NANOSECONDS)
)
FILE_HEADER = 24
RECORD_HEADER = 16

# pcap(3) wrote the original length first up to 2.2 and in DG/UX, which says that it
# is version 543; 2.3 has been written both ways.
DG_UX = 543

# In the word of the link type: how many 16-bit words of frame check sequence there
# are, and whether that is known.
FCS_SHIFT = 28
FCS_KNOWN = 1 << 26


class Pcap(Capture):
    """A pcap capture, in either byte order, with micro- or nanoseconds."""

    def __init__(self, window: Window, path: str, link_type: int | None) -> None:
        super().__init__(path, window)
        if not window.need(FILE_HEADER):
            raise self._cut_header(FILE_HEADER)
        header = window.peek(FILE_HEADER)
        self._big_endian = header[0] == 0xA1
        self._order = ">" if self._big_endian else "<"
        magic, major, minor, _, _, snaplen, word = struct.unpack(
            self._order + "IHHiIII", header
        )
        if major not in (2, DG_UX):
            raise FormatError(path, 4, f"pcap version {major}.{minor} is not read")
        self._nanoseconds = magic == NANOSECONDS
        self._lengths_swapped = 0
        if major == DG_UX or minor < 3:
            self._lengths_swapped = 1
        elif minor == 3:
            self._lengths_swapped = 2
        self._longest = longest_frame(snaplen)
        fcs_bytes = (word >> FCS_SHIFT) * 2 if word & FCS_KNOWN else None
        self.interfaces = [Interface("", word & 0xFFFF, snaplen, fcs_bytes)]
        self._link_type = word & 0xFFFF if link_type is None else link_type
        window.position += FILE_HEADER

    def _scan(self, batch: Batch) -> None:
        self._window.position = scan_pcap(
            batch,
            self._window.position,
            self._big_endian,
            self._nanoseconds,
            self._link_type,
            self._longest,
            self._lengths_swapped,
        )

    def _step(self) -> int:
        window = self._window
        if window.held < RECORD_HEADER:
            return RECORD_HEADER
        captured: int
        original: int
        captured, original = struct.unpack(
            self._order + "8xII", window.peek(RECORD_HEADER)
        )
        if self._lengths_swapped == 1:
            captured = original
        elif self._lengths_swapped == 2:
            captured = min(captured, original)
        if captured > self._longest:
            raise self._damage(f"a record says that it holds {captured} bytes")
        return RECORD_HEADER + captured
