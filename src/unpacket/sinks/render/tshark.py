"""A conversation laid out as ``tshark -z follow,tcp,FORM,ID`` prints it.

Byte for byte the layout of tshark 4.0, which was found by experiment: what one frame
brought is a record, and whoever sent the first packet is node 0. Where bytes are
missing, tshark has a record of text; it has none where the snap length cut them, nor
where nothing follows. What is held to the end of the stream it does not show.
It sees that bytes are missing when a segment of the peer acknowledges some behind them,
as the policy ``gap="passed"`` does, and names the frame of that in yaml.
Nothing here says what is doubtful: see ``follow`` for that.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from unpacket._core.reassembly.direction import Direction
from unpacket._core.reassembly.events import Closed, Data, Gap
from unpacket._core.reassembly.stream import Stream, syn_seen
from unpacket.sinks.render.follow import pieces

FORMS = ("ascii", "ebcdic", "hex", "raw", "yaml")

LINE = b"=" * 67 + b"\n"
NS = 1_000_000_000

HEX_BYTES = 16
BASE64_BYTES = 57

# Gaps for which tshark has a record, and those that it passes over in silence; what
# is behind others it does not print.
ACKNOWLEDGED = "not_captured"
PASSED_OVER = "truncated"

LINE_ENDS = b"\r\n"
PRINTABLE = range(0x20, 0x7F)
_ASCII = bytes(n if n in PRINTABLE or n in LINE_ENDS else ord(".") for n in range(256))
# What tshark shows for bytes 0x20 to 0x7e: it takes for EBCDIC only what would be
# printable in ASCII.
_FROM_EBCDIC = (
    b" !\"#$%&'()*+,-./..23456789:;<=.? ...........<(+|&.........!$*);^-/........|,%_>?"
    b"..........:#@'="
)
_EBCDIC = b"".join(
    _FROM_EBCDIC[n - 0x20 : n - 0x1F] if n in PRINTABLE else _ASCII[n : n + 1]
    for n in range(256)
)


class Tshark:
    """Renders one stream.

    Args:
        form: One of ``FORMS``.
    """

    separator = b""

    def __init__(self, form: str) -> None:
        if form not in FORMS:
            raise ValueError(f"form must be one of {', '.join(FORMS)}, not {form!r}")
        self._form = form
        self._begun = False
        # Of node 0 and node 1.
        self._positions = [0, 0]
        # By direction: gaps behind which nothing has come yet, and whose data ends
        # here for tshark.
        self._gaps: dict[Direction, list[Gap]] = {}
        self._ended: set[Direction] = set()

    def render(self, event: Any) -> bytes:
        parts = []
        if not self._begun:
            self._begun = True
            parts.append(self._head(event.stream))
        if isinstance(event, Data) and event.direction not in self._ended:
            parts += [
                self._record(gap, gap.frame, 0, missing(gap))
                for gap in self._gaps.pop(event.direction, ())
            ]
            parts += [
                self._record(event, piece.frame, piece.time_ns, payload)
                for piece, payload in pieces(event)
            ]
        elif isinstance(event, Gap) and not unseen(event):
            if event.reason == PASSED_OVER:
                pass
            elif event.at_end or event.reason != ACKNOWLEDGED:
                self._ended.add(event.direction)
            else:
                self._gaps.setdefault(event.direction, []).append(event)
        elif isinstance(event, Closed) and self._form != "yaml":
            parts.append(LINE)
        return b"".join(parts)

    def _head(self, stream: Stream) -> bytes:
        nodes = [stream.client, stream.server]
        if stream.first_sender is Direction.SERVER:
            nodes.reverse()
        if self._form == "yaml":
            lines = ["peers:"]
            for number, node in enumerate(nodes):
                lines.append(f"  - peer: {number}")
                lines.append(f"    host: {node.address}")
                lines.append(f"    port: {node.port}")
            lines.append("packets:\n")
            return "\n".join(lines).encode()
        lines = [f"Follow: tcp,{self._form}", f"Filter: tcp.stream eq {stream.id}"]
        lines += [f"Node {number}: {node}" for number, node in enumerate(nodes)]
        return b"\n" + LINE + "\n".join(lines).encode() + b"\n"

    def _record(self, event: Any, frame: int, time_ns: int, payload: bytes) -> bytes:
        node = int(event.direction is not event.stream.first_sender)
        indent = b"\t" * node
        position = self._positions[node]
        self._positions[node] = position + len(payload)
        if self._form == "raw":
            return indent + payload.hex().encode() + b"\n"
        if self._form == "hex":
            return b"".join(hex_rows(payload, position, indent))
        if self._form == "yaml":
            # As a double, like tshark: the last digits are not those of the capture.
            time_s = time_ns // NS + time_ns % NS / NS
            head = (
                f"  - packet: {frame}\n    peer: {node}\n    timestamp: {time_s:.9f}\n"
            )
            return head.encode() + b"    data: !!binary |\n" + base64_lines(payload)
        table = _EBCDIC if self._form == "ebcdic" else _ASCII
        return b"%s%d\n%s\n" % (indent, len(payload), payload.translate(table))


def unseen(gap: Gap) -> bool:
    """Whether tshark begins behind a gap: without a SYN it does with the first byte."""
    return gap.offset == 0 and not syn_seen(gap.stream, gap.direction)


def missing(gap: Gap) -> bytes:
    """Return tshark's words for a gap."""
    return f"[{gap.length} bytes missing in capture file]\0".encode()


def hex_rows(payload: bytes, position: int, indent: bytes) -> Iterator[bytes]:
    """Give rows of sixteen bytes, each with its position, in hex and in ASCII."""
    for start in range(0, len(payload), HEX_BYTES):
        row = payload[start : start + HEX_BYTES]
        numbers = f"{row[:8].hex(' ')}  {row[8:].hex(' ')}"
        shown = "".join(chr(n) if n in PRINTABLE else "." for n in row)
        letters = f"{shown[:8]} {shown[8:]}" if len(row) >= 8 else shown
        # One space at the end of a row is not printed, whatever it is.
        letters = letters.removesuffix(" ")
        yield indent + f"{position + start:08X}  {numbers:48}  {letters}\n".encode()


def base64_lines(payload: bytes) -> bytes:
    """Return base64 in the lines of a block of YAML."""
    return b"".join(
        b"      " + b64encode(payload[start : start + BASE64_BYTES]) + b"\n"
        for start in range(0, len(payload), BASE64_BYTES)
    )
