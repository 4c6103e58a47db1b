"""The least of pcapng that an honest recording needs: blocks, written in order.

One section, one interface, nanoseconds; a frame's comment says what befell it,
and what the capture left out is counted where it is missing (epb_dropcount)
and in sum (isb_ifdrop). Section and option numbers are those of
draft-ietf-opsawg-pcapng.
"""

import struct
from collections.abc import Iterable
from typing import BinaryIO

LINKTYPE_RAW = 101
"""A frame is an IPv4 or IPv6 packet; its first four bits say which."""

_SECTION_HEADER = 0x0A0D0D0A
_INTERFACE_DESCRIPTION = 1
_INTERFACE_STATISTICS = 5
_ENHANCED_PACKET = 6

_COMMENT = 1
_SHB_USERAPPL = 4
_IF_NAME = 2
_IF_TSRESOL = 9
_EPB_DROPCOUNT = 4
_ISB_IFRECV = 4
_ISB_IFDROP = 5

Option = tuple[int, bytes]


class Writer:
    """Write one section to ``out``, which stays the caller's to close."""

    def __init__(self, out: BinaryIO, comment: str) -> None:
        self._out = out
        self._left_out = 0
        self._received = 0
        self._dropped = 0
        self._last_ns = 0
        # Section length -1: not known beforehand.
        head = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
        program = (_SHB_USERAPPL, b"unpacket examples.record")
        self._block(_SECTION_HEADER, head, [(_COMMENT, comment.encode()), program])
        head = struct.pack("<HHI", LINKTYPE_RAW, 0, 0)
        options = [(_IF_NAME, b"wire"), (_IF_TSRESOL, b"\x09")]
        self._block(_INTERFACE_DESCRIPTION, head, options)

    def frame(self, time_ns: int, frame: bytes, comment: str = "") -> None:
        """Write a whole frame that was seen ``time_ns`` after the epoch."""
        self._received += 1
        self._last_ns = time_ns
        options = [(_COMMENT, comment.encode())] if comment else []
        if self._left_out:
            options.append((_EPB_DROPCOUNT, struct.pack("<Q", self._left_out)))
            self._left_out = 0
        head = struct.pack("<I", 0) + _timestamp(time_ns)
        head += struct.pack("<II", len(frame), len(frame))
        self._block(_ENHANCED_PACKET, head + _padded(frame), options)

    def leave_out(self) -> None:
        """Count a frame that passed by and is not written."""
        self._received += 1
        self._dropped += 1
        self._left_out += 1

    def finish(self) -> None:
        """Write the interface's statistics, the last block."""
        options = [
            (_ISB_IFRECV, struct.pack("<Q", self._received)),
            (_ISB_IFDROP, struct.pack("<Q", self._dropped)),
        ]
        head = struct.pack("<I", 0) + _timestamp(self._last_ns)
        self._block(_INTERFACE_STATISTICS, head, options)

    def _block(self, kind: int, body: bytes, options: Iterable[Option]) -> None:
        for code, value in options:
            body += struct.pack("<HH", code, len(value)) + _padded(value)
        body += bytes(4)  # opt_endofopt, and for blocks without options harmless
        length = struct.pack("<I", len(body) + 12)
        self._out.write(struct.pack("<I", kind) + length + body + length)


def _timestamp(time_ns: int) -> bytes:
    return struct.pack("<II", time_ns >> 32, time_ns & 0xFFFFFFFF)


def _padded(value: bytes) -> bytes:
    return value + bytes(-len(value) % 4)
