"""The pcap format: a header, and records with one header each.

draft-ietf-opsawg-pcap, and for what older programs wrote pcap-savefile(5) and the
comments of libpcap's sf-pcap.c.
"""

import struct

from unpacket._core.memory.batch import Batch
from unpacket.errors import FormatError
from unpacket.sources.capture import LONGEST_FRAME, Capture, longest_frame
from unpacket.sources.formats.notes import CaptureNotes
from unpacket.sources.formats.scan import scan_pcap
from unpacket.sources.readers.buffer import Window
from unpacket.sources.source import Interface

MICROSECONDS = 0xA1B2C3D4
NANOSECONDS = 0xA1B23C4D
# Kuznetzov's patch to libpcap, as Linux distributions shipped it until 2000.
MODIFIED = 0xA1B2CD34
# IXIA's lcap: software counts microseconds, and hardware nanoseconds.
IXIA_SOFTWARE = 0x1C0001AB
IXIA_HARDWARE = 0x1C0001AC
MAGICS = tuple(
    struct.pack(order + "I", magic)
    for order in "<>"
    for magic in (MICROSECONDS, NANOSECONDS, MODIFIED, IXIA_SOFTWARE, IXIA_HARDWARE)
)
FILE_HEADER = 24
RECORD_HEADER = 16
# With the number of the interface, a protocol and the kind of packet; one version of
# the patch has 4 bytes more.
MODIFIED_HEADER = 24
OLDER_MODIFIED_HEADER = 28

# pcap(3) wrote the original length first up to 2.2 and in DG/UX, which says that it
# is version 543; 2.3 has been written both ways.
DG_UX = 543

# Behind damage: so many records in a row are no chance, whose times are that near.
RECORDS_IN_A_ROW = 3
STEP_S = 86400
# Where no time is known all places are tried, of so many.
UNTIMED_BYTES = 1 << 16

# In the word of the link type: how many 16-bit words of frame check sequence there
# are, and whether that is known.
FCS_SHIFT = 28
FCS_KNOWN = 1 << 26


class Pcap(Capture):
    """A pcap capture, in either byte order, with micro- or nanoseconds.

    Modified ones have more header: before records (Kuznetzov), or at the start (IXIA).
    """

    def __init__(
        self, window: Window, link_type: int | None, notes: CaptureNotes
    ) -> None:
        super().__init__(window, notes)
        if not window.need(FILE_HEADER):
            raise self._cut_header(FILE_HEADER)
        header = window.peek(FILE_HEADER)
        self._big_endian = header[0] in (0xA1, 0x1C)
        self._order = ">" if self._big_endian else "<"
        magic, major, minor, _, _, snaplen, word = struct.unpack(
            self._order + "IHHiIII", header
        )
        if major not in (2, DG_UX):
            raise FormatError(
                self._path, 4, f"pcap version {major}.{minor} is not read"
            )
        self._nanoseconds = magic in (NANOSECONDS, IXIA_HARDWARE)
        self._looked = False
        self._lengths_swapped = 0
        if major == DG_UX or minor < 3:
            self._lengths_swapped = 1
        elif minor == 3:
            self._lengths_swapped = 2
        self._longest = longest_frame(snaplen)
        fcs_bytes = (word >> FCS_SHIFT) * 2 if word & FCS_KNOWN else None
        self.interfaces = [Interface("", word & 0xFFFF, snaplen, fcs_bytes)]
        self._link_type = word & 0xFFFF if link_type is None else link_type
        size = FILE_HEADER
        if magic in (IXIA_SOFTWARE, IXIA_HARDWARE):
            # How many bytes of records follow.
            size += 4
            if not window.need(size):
                raise self._cut_header(size)
        window.position += size
        self._record_header = RECORD_HEADER
        if magic == MODIFIED:
            self._record_header = self._modified_header()

    def _scan(self, batch: Batch) -> None:
        if not self._looked and not self._nanoseconds:
            self._look_at_fraction()
        self._window.position = scan_pcap(
            batch,
            self._window.position,
            self._big_endian,
            self._nanoseconds,
            self._link_type,
            self._longest,
            self._lengths_swapped,
            self._record_header,
        )

    def _look_at_fraction(self) -> None:
        """Take fractions for nanoseconds that cannot be microseconds.

        Some programs write them below the usual magic number.
        """
        window = self._window
        if window.held < RECORD_HEADER:
            return
        # Of the first record alone: no answer depends on how the input was cut.
        self._looked = True
        _, fraction = struct.unpack(self._order + "II", window.peek(8))
        if 1_000_000 <= fraction < 1_000_000_000:
            self._nanoseconds = True
            reason = (
                f"{fraction} microseconds of a second are taken for nanoseconds, "
                "though the header says otherwise"
            )
            self.oddities.append(self._damage(reason))

    def _step(self) -> int:
        window = self._window
        if window.held < self._record_header:
            return self._record_header
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
        return self._record_header + captured

    def _next_record(self, data: bytes, stop: int, ended: bool) -> int:
        last_ns = self._last_ns
        if last_ns is None:
            # Nothing says what time it may be.
            for at in range(min(stop, UNTIMED_BYTES)):
                if self._begins_records(data, at, None, ended):
                    return at
            return -1
        seconds = last_ns // 1_000_000_000
        place = 0 if self._big_endian else 2
        found = []
        # By the upper half of the time, which seldom changes.
        for upper in {(seconds + step) >> 16 for step in (-STEP_S, 0, STEP_S)}:
            wanted = struct.pack(self._order + "H", upper & 0xFFFF)
            at = data.find(wanted, place, stop + place)
            while at >= 0:
                if self._begins_records(data, at - place, seconds, ended):
                    found.append(at - place)
                    break
                at = data.find(wanted, at + 1, stop + place)
        return min(found, default=-1)

    def _begins_records(
        self, data: bytes, at: int, seconds: int | None, ended: bool
    ) -> bool:
        """Return whether a record begins at a place, and others behind it."""
        for _ in range(RECORDS_IN_A_ROW):
            if at + self._record_header > len(data):
                return ended and at == len(data)
            now, fraction, captured, original = struct.unpack_from(
                self._order + "IIII", data, at
            )
            if self._lengths_swapped and captured > original:
                captured, original = original, captured
            if fraction >= 1_000_000_000 or not 0 < captured <= original:
                return False
            if captured > self._longest or original > LONGEST_FRAME:
                return False
            if seconds is not None and abs(now - seconds) > STEP_S:
                return False
            seconds = now
            at += self._record_header + captured
        return True

    def _modified_header(self) -> int:
        """Return how long a record's header is: so that the next one makes sense."""
        window = self._window
        if not window.need(RECORD_HEADER):
            return MODIFIED_HEADER
        (captured,) = struct.unpack(self._order + "8xI4x", window.peek(RECORD_HEADER))
        if captured > self._longest:
            return MODIFIED_HEADER
        needed = OLDER_MODIFIED_HEADER + captured + RECORD_HEADER
        if not window.need(needed) or self._makes_sense(MODIFIED_HEADER + captured):
            return MODIFIED_HEADER
        if self._makes_sense(OLDER_MODIFIED_HEADER + captured):
            return OLDER_MODIFIED_HEADER
        return MODIFIED_HEADER

    def _makes_sense(self, ahead: int) -> bool:
        """Return whether a record can begin ``ahead`` bytes from here."""
        at = self._window.position + ahead
        _, fraction, captured, original = struct.unpack_from(
            self._order + "IIII", self._window.buffer, at
        )
        longest = min(original, self._longest)
        return bool(fraction < 1_000_000 and 0 < captured <= longest)
