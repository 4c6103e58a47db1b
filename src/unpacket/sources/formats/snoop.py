"""The snoop format of Solaris (RFC 1761): a header, and records with one each."""

import struct

from unpacket._core.memory.batch import Batch
from unpacket.errors import FormatError
from unpacket.sources.capture import LONGEST_FRAME, Capture
from unpacket.sources.formats.notes import CaptureNotes
from unpacket.sources.formats.scan import scan_snoop
from unpacket.sources.readers.buffer import Window
from unpacket.sources.source import Interface

MAGIC = b"snoop\0\0\0"
FILE_HEADER = 16
RECORD_HEADER = 24
# Longer records are damage; what fills one up is seldom more than 3 bytes.
LONGEST_RECORD = LONGEST_FRAME + 4096

# RFC 1761 section 4, and what Solaris has added, as LINKTYPE_ values.
LINK_TYPES = {
    0: 1,  # IEEE 802.3
    2: 6,  # token ring
    4: 1,  # Ethernet
    8: 10,  # FDDI
}
UNKNOWN_LINK_TYPE = 0xFFFF


class Snoop(Capture):
    """A snoop capture. Its records say how many packets were lost before."""

    def __init__(
        self, window: Window, link_type: int | None, notes: CaptureNotes
    ) -> None:
        super().__init__(window, notes)
        if not window.need(FILE_HEADER):
            raise self._cut_header(FILE_HEADER)
        version, data_link = struct.unpack(">8xII", window.peek(FILE_HEADER))
        if version != 2:
            raise FormatError(self._path, 8, f"snoop version {version} is not read")
        written = LINK_TYPES.get(data_link, UNKNOWN_LINK_TYPE)
        self.interfaces = [Interface("", written, 0, None)]
        self._link_type = written if link_type is None else link_type
        window.position += FILE_HEADER

    def _scan(self, batch: Batch) -> None:
        window = self._window
        window.position = scan_snoop(
            batch, window.position, self._link_type, LONGEST_FRAME, LONGEST_RECORD
        )
        if batch.count:
            at = batch.start[batch.count - 1] - RECORD_HEADER
            (lost,) = struct.unpack_from(">I", window.buffer, at + 12)
            self._notes.lost_since_beginning(lost)

    def _step(self) -> int:
        window = self._window
        if window.held < RECORD_HEADER:
            return RECORD_HEADER
        captured, total = struct.unpack(">4xII12x", window.peek(RECORD_HEADER))
        if captured > LONGEST_FRAME:
            raise self._damage(f"a record says that it holds {captured} bytes")
        if total < RECORD_HEADER + captured or total > LONGEST_RECORD:
            raise self._damage(
                f"a record of {total} bytes says that it holds {captured} bytes"
            )
        return int(total)
