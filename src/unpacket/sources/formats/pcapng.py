"""The pcapng format: sections of blocks, each packet seen on one of the interfaces.

draft-ietf-opsawg-pcapng. Like Wireshark, and unlike libpcap, this takes interfaces
of different link types, and blocks whose length is not a multiple of four as long
as both copies of the length agree.
"""

import re
import struct

from unpacket._core.memory.batch import Batch
from unpacket.sources.capture import (
    LONGEST_FRAME,
    Capture,
    longest_frame,
)
from unpacket.sources.formats.interfaces import Interfaces
from unpacket.sources.formats.notes import COMMENT, CaptureNotes, options
from unpacket.sources.formats.scan import scan_pcapng
from unpacket.sources.readers.buffer import Window
from unpacket.sources.source import Interface

MAGIC = b"\x0a\x0d\x0d\x0a"
SECTION_HEADER = 0x0A0D0D0A
INTERFACE_DESCRIPTION = 1
OBSOLETE_PACKET = 2
SIMPLE_PACKET = 3
NAME_RESOLUTION = 4
INTERFACE_STATISTICS = 5
ENHANCED_PACKET = 6
DECRYPTION_SECRETS = 10
# Custom blocks and entries of systemd's journal, to which Wireshark gives frame
# numbers, and so must everybody whose numbers are to be Wireshark's.
NUMBERED = frozenset((0x00000BAD, 0x40000BAD, 9))
# How long a block of each type is at least.
LEAST_BYTES = {
    SECTION_HEADER: 28,
    INTERFACE_DESCRIPTION: 20,
    OBSOLETE_PACKET: 32,
    SIMPLE_PACKET: 16,
    ENHANCED_PACKET: 32,
}
LEAST_BLOCK = 12
# What is kept besides packets: LEAST_BYTES has the other types that are read.
KEPT = (NAME_RESOLUTION, INTERFACE_STATISTICS, DECRYPTION_SECRETS)
PACKETS = (OBSOLETE_PACKET, SIMPLE_PACKET, ENHANCED_PACKET)
# Behind damage: so many blocks in a row are no chance.
BLOCKS_IN_A_ROW = 2
# How much longer than its packet a block can be, and how long one without a packet:
# secrets and what others have made up.
LONGEST_OPTIONS = 1 << 20
LONGEST_OTHER_BLOCK = 1 << 28
BYTE_ORDERS = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}

IF_NAME = 2
IF_TSRESOL = 9
IF_FCSLEN = 13
IF_TSOFFSET = 14
MICROSECONDS = 6

DROP_COUNT = 4


class Pcapng(Capture):
    """A pcapng capture: any number of sections, each in a byte order of its own."""

    def __init__(
        self, window: Window, link_type: int | None, notes: CaptureNotes
    ) -> None:
        super().__init__(window, notes)
        self._forced_link_type = link_type
        self._order = "<"
        self._table = Interfaces()
        self._longest_packet = LONGEST_FRAME
        # Whether the section that is read has a header that makes no sense.
        self._section_lost = False
        needed = LEAST_BLOCK
        while needed:
            if not window.need(needed):
                raise self._cut_header(needed)
            needed = self._step()

    def _scan(self, batch: Batch) -> None:
        table = self._table
        first = batch.count
        noted = table.noted
        self._window.position = scan_pcapng(
            batch, table, self._window.position, self._order == ">"
        )
        if table.counts_lost:
            self._notes.lost_before(table.lost)
            table.lost = 0
            table.counts_lost = False
        if table.noted > noted:
            for index in range(first, batch.count):
                self._note_packet(batch, index)

    def _note_packet(self, batch: Batch, index: int) -> None:
        """Keep what the options of a packet say, if it is an enhanced one."""
        data = self._window.buffer
        start = batch.start[index] - 28
        order = self._order
        # A simple block has its packet behind 12 bytes: its number is not there.
        if start < 0:
            return
        kind, total = struct.unpack_from(order + "II", data, start)
        captured = batch.captured[index]
        (kept,) = struct.unpack_from(order + "I", data, start + 20)
        if kind not in (ENHANCED_PACKET, OBSOLETE_PACKET) or kept != captured:
            return
        at = start + 28 + (captured + 3) // 4 * 4
        for code, value in options(order, bytes(data[at : start + total - 4])):
            if code == COMMENT:
                self._notes.add_comment(value, frame=batch.first_number + index)
            elif code == DROP_COUNT and kind == ENHANCED_PACKET and len(value) == 8:
                self._notes.lost_before(struct.unpack(order + "Q", value)[0])

    def _step(self) -> int:
        window = self._window
        if window.held < LEAST_BLOCK:
            return LEAST_BLOCK
        head = window.peek(LEAST_BLOCK)
        order = self._order
        if head.startswith(MAGIC):
            self._section_lost = True
            magic = head[8:]
            if magic not in BYTE_ORDERS:
                raise self._damage(f"a section has the byte-order magic {magic.hex()}")
            order = BYTE_ORDERS[magic]
        kind, total = struct.unpack(order + "II", head[:8])
        longest = LONGEST_OTHER_BLOCK
        if kind in PACKETS:
            longest = self._longest_packet + LONGEST_OPTIONS
        if not LEAST_BYTES.get(kind, LEAST_BLOCK) <= total <= longest:
            raise self._damage(f"a block of type {kind} says that it has {total} bytes")
        if window.held < total:
            return int(total)
        view = memoryview(window.buffer)[window.position : window.position + total]
        (again,) = struct.unpack(order + "I", view[-4:])
        if again != total:
            raise self._damage(
                f"a block has {total} bytes by its start and {again} by its end"
            )
        body = bytes(view[8:-4]) if kind in LEAST_BYTES or kind in KEPT else b""
        if kind == SECTION_HEADER:
            self._begin_section(order, body)
        elif kind == INTERFACE_DESCRIPTION:
            self._add_interface(body)
        elif kind in PACKETS:
            raise self._damage(self._what_is_wrong(kind, body))
        elif kind in NUMBERED:
            self._numbers_passed += 1
        elif kind == NAME_RESOLUTION:
            self._notes.add_names(order, body)
        elif kind == DECRYPTION_SECRETS:
            self._notes.add_secrets(order, body)
        elif kind == INTERFACE_STATISTICS:
            self._add_statistics(body)
        # The other types hold no packets, but what others have made up.
        self._section_lost = False
        window.position += total
        return 0

    def _next_record(self, data: bytes, stop: int, ended: bool) -> int:
        kinds = [MAGIC]
        if not self._section_lost:
            kinds = [struct.pack(self._order + "I", kind) for kind in LEAST_BYTES]
        for match in re.finditer(b"|".join(map(re.escape, kinds)), data[: stop + 3]):
            if self._begins_blocks(data, match.start(), ended):
                return match.start()
        return -1

    def _begins_blocks(self, data: bytes, at: int, ended: bool) -> bool:
        """Return whether a block begins at a place, and others behind it."""
        for _ in range(BLOCKS_IN_A_ROW):
            if at + LEAST_BLOCK > len(data):
                return ended and at == len(data)
            order = self._order
            if data.startswith(MAGIC, at):
                order = BYTE_ORDERS.get(data[at + 8 : at + 12], order)
            kind, total = struct.unpack_from(order + "II", data, at)
            if kind not in LEAST_BYTES and kind not in KEPT:
                return False
            least = LEAST_BYTES.get(kind, LEAST_BLOCK)
            if total < least or total & 3 or at + total > len(data):
                return False
            (again,) = struct.unpack_from(order + "I", data, at + total - 4)
            if again != total:
                return False
            if kind in (OBSOLETE_PACKET, ENHANCED_PACKET):
                (captured,) = struct.unpack_from(order + "I", data, at + 20)
                if captured > total - least:
                    return False
            at += total
        return True

    def _begin_section(self, order: str, body: bytes) -> None:
        major, minor = struct.unpack(order + "4xHH", body[:8])
        # 1.2 has been written and is the same as 1.0.
        if major != 1 or minor not in (0, 2):
            raise self._damage(f"pcapng version {major}.{minor} is not read")
        self._order = order
        self._table = Interfaces()
        self._longest_packet = LONGEST_FRAME
        self.interfaces = []
        self._notes.new_section()
        for code, value in options(order, body[16:]):
            if code == COMMENT:
                self._notes.add_comment(value)

    def _add_statistics(self, body: bytes) -> None:
        if len(body) < 12:
            return
        interface, high, low = struct.unpack_from(self._order + "III", body)
        if interface >= self._table.count:
            return
        time_ns = self._table.time_ns(interface, high << 32 | low)
        found: dict[int, bytes] = {}
        for code, value in options(self._order, body[12:]):
            if code == COMMENT:
                self._notes.add_comment(value, interface=interface)
            found.setdefault(code, value)
        name = self.interfaces[interface].name
        self._notes.add_statistics(self._order, interface, name, time_ns, found)

    def _add_interface(self, body: bytes) -> None:
        link_type, snaplen = struct.unpack(self._order + "HxxI", body[:8])
        longest = longest_frame(snaplen)
        self._longest_packet = max(self._longest_packet, longest)
        found: dict[int, bytes] = {}
        for code, value in options(self._order, body[8:]):
            if code == COMMENT:
                self._notes.add_comment(value, interface=len(self.interfaces))
            found.setdefault(code, value)
        resolution = found.get(IF_TSRESOL, b"")
        offset = found.get(IF_TSOFFSET, b"")
        fcs = found.get(IF_FCSLEN, b"")
        try:
            self._table.add(
                link_type if self._forced_link_type is None else self._forced_link_type,
                snaplen,
                longest,
                resolution[0] if resolution else MICROSECONDS,
                struct.unpack(self._order + "q", offset)[0] if len(offset) == 8 else 0,
            )
        except ValueError as error:
            raise self._damage(str(error)) from None
        name = found.get(IF_NAME, b"").rstrip(b"\0").decode(errors="replace")
        self.interfaces.append(
            Interface(name, link_type, snaplen, fcs[0] if fcs else None)
        )

    def _what_is_wrong(self, kind: int, body: bytes) -> str:
        """Say why a scan did not take a whole packet block."""
        if kind == SIMPLE_PACKET:
            interface, captured = 0, len(body) - 4
        elif kind == OBSOLETE_PACKET:
            interface, captured = struct.unpack(self._order + "H10xI", body[:16])
        else:
            interface, captured = struct.unpack(self._order + "I8xI", body[:16])
        if interface >= self._table.count:
            return f"a packet was seen on interface {interface}, which is not described"
        return f"a packet says that it holds {captured} bytes of a block's {len(body)}"
