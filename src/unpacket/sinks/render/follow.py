"""A conversation as something to read: both sides, in the order in which they spoke.

In the text forms every line begins with who speaks: ``>`` the client, ``<`` the
server, ``*`` unpacket itself. So what was captured cannot pass for a remark about
it, and no control character of it reaches the terminal.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from unpacket._core.reassembly.direction import Direction
from unpacket._core.reassembly.events import (
    Closed,
    Conflict,
    Data,
    Finished,
    Gap,
    Opened,
    Piece,
    Rejected,
    Urgent,
)
from unpacket._core.reassembly.stream import Stream, live_of
from unpacket.sinks.render.json_lines import JsonLines, base64
from unpacket.sources.live.owners import shown as owners_shown

FORMS = ("utf8", "ascii", "ebcdic", "hex", "raw", "c-array", "yaml", "json")

PREFIXES = {Direction.CLIENT: b"> ", Direction.SERVER: b"< "}
# SGR parameters (ECMA-48): red and blue, as Wireshark has them, here in shades
# that can be read on black and on white.
COLORS = {Direction.CLIENT: "31", Direction.SERVER: "94"}
BOLD = "1"
REVERSE = "7"
END_PAINT = b"\x1b[0m"

ROW_BYTES = 16
# How much of two versions a remark shows.
SHOWN_BYTES = 24

# What Python decodes bytes to that are no UTF-8 (PEP 383).
SURROGATES = range(0xDC80, 0xDD00)

# What a terminal may have as it is.
_PLAIN = bytes(range(32, 127)) + b"\n\t"
# For a row of hex, and for Latin-1 text: a dot for each byte that is not drawn.
_TO_DOTS = bytes(octet if 32 <= octet < 127 else ord(".") for octet in range(256))
_DOTS = bytes(octet if octet in b"\n\t" else _TO_DOTS[octet] for octet in range(256))
# Code page 037, with NEL as the end of a line.
_EBCDIC = bytes(
    ord("\n") if octet == 0x15 else _DOTS[ord(bytes([octet]).decode("cp037"))]
    for octet in range(256)
)


class Renderer(Protocol):
    """Renders the events of one stream, in their order.

    Attributes:
        separator: What stands between two streams.
    """

    separator: bytes

    def render(self, event: Any) -> bytes: ...


def renderer(
    form: str, *, color: bool = False, remarks: bool = True, longest: int | None = None
) -> Renderer:
    """Return a new renderer for a stream.

    Args:
        form: One of ``FORMS``.
        color: Whether lines have colours.
        remarks: Whether there is anything but payload. ``raw`` has nothing else in
            any case; see ``remark``.
        longest: Lines of text are broken behind so many bytes; never if None.

    Raises:
        ValueError: There is no such form.
    """
    if form == "raw":
        return Raw()
    if form == "json":
        return JsonLines(remarks=remarks)
    if form == "hex":
        return Hex(color=color, remarks=remarks)
    if form == "utf8":
        return Text(Utf8, color=color, remarks=remarks, longest=longest)
    if form == "ascii":
        return Text(Ascii, color=color, remarks=remarks, longest=longest)
    if form == "ebcdic":
        return Text(Ebcdic, color=color, remarks=remarks, longest=longest)
    if form == "c-array":
        return CArrays(remarks=remarks)
    if form == "yaml":
        return Yaml(remarks=remarks)
    raise ValueError(f"form must be one of {', '.join(FORMS)}, not {form!r}")


def remark(event: Any) -> str | None:
    """Return a sentence about what is wrong with a stream here, or None if nothing."""
    match event:
        case Gap(_, direction, offset, length, reason):
            what = f"{counted(length)} at offset {offset} missing: {reason}"
            return f"{direction} gap: {what} (frame {event.frame})"
        case Conflict(_, direction, offset, kept, other, kept_frame, other_frame):
            return (
                f"{direction} conflict: {counted(len(kept))} at offset {offset}: kept "
                f"{shown(kept)} (frame {kept_frame}), not {shown(other)} "
                f"(frame {other_frame})"
            )
        case Rejected(_, direction, reason, offset, payload):
            where = "" if offset is None else f" at offset {offset}"
            what = f"{counted(len(payload))}{where}: {reason}"
            return f"{direction} rejected: {what} (frame {event.frame})"
        case Urgent(_, direction, offset, payload):
            what = f"{shown(payload)} at offset {offset}"
            return f"{direction} urgent: {what} (frame {event.frame})"
        case Data(_, direction, offset, payload) if not event.acknowledged:
            what = f"{counted(len(payload))} at offset {offset}"
            return f"{direction} unacknowledged: {what} (frame {event.frame})"
    return None


def unplaced_remarks(stream: Stream) -> list[str]:
    """Return a sentence for each reason why payload of a side is in no stream.

    That of segments which were rejected has remarks of its own.
    """
    return [
        f"{direction} in no stream: {counted(count)}: {reason}"
        for direction in Direction
        for reason, count in stream._unplaced(direction).items()
    ]


def remarks_of(event: Any) -> list[str]:
    """Return all sentences about what is wrong with a stream here."""
    if type(event) is Closed:
        return unplaced_remarks(event.stream)
    sentence = remark(event)
    return [] if sentence is None else [sentence]


def counted(length: int) -> str:
    return "1 byte" if length == 1 else f"{length} bytes"


def shown(data: bytes) -> str:
    """Return the beginning of ``data`` as Python would write it."""
    more = "..." if len(data) > SHOWN_BYTES else ""
    return repr(data[:SHOWN_BYTES])[1:] + more


class Raw:
    """The payload and nothing else."""

    separator = b""

    def render(self, event: Any) -> bytes:
        return event.payload if isinstance(event, Data) else b""


class Lines:
    """What the text forms share: a line has one speaker."""

    separator = b"\n"

    def __init__(self, *, color: bool, remarks: bool) -> None:
        self._color = color
        self._remarks = remarks
        # Who has not ended the line that was printed last.
        self._speaking: Direction | None = None

    def render(self, event: Any) -> bytes:
        kind = type(event)
        if kind is Data and event.acknowledged:
            return self._say(event.direction, self._text(event))
        parts: list[bytes] = []
        if kind is Gap or kind is Finished:
            parts.append(self._say(event.direction, self._rest(event.direction)))
        elif kind is Closed:
            parts += [self._say(side, self._rest(side)) for side in Direction]
        if self._remarks:
            parts.append(self._remark(event))
        if kind is Data:
            parts.append(self._say(event.direction, self._text(event)))
        elif kind is Closed:
            parts.append(self._end_line())
        return b"".join(parts)

    def _text(self, event: Data) -> bytes:
        raise NotImplementedError

    def _rest(self, direction: Direction) -> bytes:
        """Return what was kept back until more of the direction would come."""
        return b""

    def _remark(self, event: Any) -> bytes:
        lines = [(line, REVERSE) for line in remarks_of(event)]
        head = headline(event)
        if head is not None:
            lines.append((head, BOLD))
        parts = [self._end_line()] if lines else []
        for line, style in lines:
            before, after = self._paint(style)
            parts.append(before + f"* {line}".encode() + after + b"\n")
        return b"".join(parts)

    def _say(self, direction: Direction, text: bytes) -> bytes:
        """Return the lines of ``text``, the first joined to an unfinished one."""
        if not text:
            return b""
        before, after = self._paint(COLORS[direction])
        line_start = before + PREFIXES[direction]
        if self._speaking is not direction:
            first = self._end_line() + line_start
        elif text.startswith(b"\n"):
            # Nothing of the line is left to be painted.
            first, text = b"\n", text[1:]
            if not text:
                self._speaking = None
                return first
            first += line_start
        else:
            first = before
        if text.endswith(b"\n"):
            self._speaking = None
            text, after = text[:-1], after + b"\n"
        else:
            self._speaking = direction
        return first + text.replace(b"\n", self._between(line_start)) + after

    def _between(self, line_start: bytes) -> bytes:
        """Return what ends a line and begins the next."""
        return (END_PAINT if self._color else b"") + b"\n" + line_start

    def _end_line(self) -> bytes:
        if self._speaking is None:
            return b""
        self._speaking = None
        return b"\n"

    def _paint(self, style: str) -> tuple[bytes, bytes]:
        """Return what stands before and after words of that style."""
        return (f"\x1b[{style}m".encode(), END_PAINT) if self._color else (b"", b"")


class Text(Lines):
    """Payload as text."""

    def __init__(
        self,
        decoder: Callable[[], Decoder],
        *,
        color: bool,
        remarks: bool,
        longest: int | None = None,
    ) -> None:
        super().__init__(color=color, remarks=remarks)
        self._decoders = (decoder(), decoder())
        self._longest = longest
        # How much of the line is printed that was not ended.
        self._column = 0

    def _text(self, event: Data) -> bytes:
        text = self._decoders[event.direction].decode(event.payload)
        return self._bounded(event.direction, text)

    def _bounded(self, direction: Direction, text: bytes) -> bytes:
        """Return what a side says, with lines that are not too long."""
        longest = self._longest
        if longest is None:
            return text
        if self._speaking is not direction:
            self._column = 0
        lines = text.split(b"\n")
        parts: list[bytes] = []
        for number, line in enumerate(lines):
            if number:
                self._column = 0
            room = longest - self._column
            pieces = []
            while len(line) > room:
                # No character is divided.
                while room and line[room] & 0xC0 == 0x80:
                    room -= 1
                pieces.append(line[:room])
                line = line[room:]
                self._column, room = 0, longest
            pieces.append(line)
            self._column += len(line)
            parts.append(b"\n".join(pieces))
        return b"\n".join(parts)

    def _rest(self, direction: Direction) -> bytes:
        text = self._decoders[direction].decode(b"", final=True)
        return self._bounded(direction, text)


class Hex(Lines):
    """Rows of sixteen bytes, each with its offset in the stream."""

    def _text(self, event: Data) -> bytes:
        payload = event.payload
        rows = []
        for start in range(0, len(payload), ROW_BYTES):
            row = payload[start : start + ROW_BYTES]
            numbers = f"{row[:8].hex(' ')}  {row[8:].hex(' ')}"
            letters = row.translate(_TO_DOTS).decode("ascii")
            rows.append(f"{event.offset + start:08x}  {numbers:48}  {letters}\n")
        return "".join(rows).encode()


class Decoder(Protocol):
    """Turns the bytes of one direction into UTF-8 that a terminal can be given."""

    def decode(self, data: bytes, *, final: bool = False) -> bytes: ...


class Utf8:
    """UTF-8; whatever is none, and what would not show, as escapes (see Visible)."""

    def __init__(self) -> None:
        # The one handler of errors that does not cost a call for each bad byte.
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._line_ends = LineEnds()
        # Whether the decoder keeps the beginning of a character.
        self._within = False

    def decode(self, data: bytes, *, final: bool = False) -> bytes:
        data = self._line_ends.unify(data, final=final)
        if not self._within and not data.translate(None, _PLAIN):
            return data
        text = self._decoder.decode(data, final)
        self._within = bool(self._decoder.getstate()[0])
        return text.translate(_VISIBLE).encode()


class Ascii:
    """ASCII, with a dot for each byte that is none or would not show."""

    def __init__(self) -> None:
        self._line_ends = LineEnds()

    def decode(self, data: bytes, *, final: bool = False) -> bytes:
        return self._line_ends.unify(data, final=final).translate(_DOTS)


class Ebcdic:
    """EBCDIC (code page 037), as ASCII with a dot for each other character."""

    def decode(self, data: bytes, *, final: bool = False) -> bytes:
        # Its NEL ends lines as its LF does.
        return data.translate(_EBCDIC, b"\r")


class LineEnds:
    """Makes CR LF one line end, also where they come apart."""

    def __init__(self) -> None:
        self._kept = b""

    def unify(self, data: bytes, *, final: bool) -> bytes:
        if self._kept:
            data = self._kept + data
            self._kept = b""
        if data.endswith(b"\r") and not final:
            data, self._kept = data[:-1], b"\r"
        return data.replace(b"\r\n", b"\n")


class Visible(dict[int, str]):
    """What to show for each character, for ``str.translate``.

    Escapes stand for control characters, for those that are invisible, and for those
    that turn the direction of what follows; spaces of any width are spaces. An escape
    with ``x`` is a byte, one with ``u`` or ``U`` a character.
    """

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if code in SURROGATES:
            character = f"\\x{code - SURROGATES.start + 0x80:02x}"
        elif not character.isprintable() and unicodedata.category(character) != "Zs":
            letters = "x02" if code < 1 << 7 else "u04" if code < 1 << 16 else "U08"
            character = f"\\{letters[0]}{code:{letters[1:]}x}"
        # Whoever sends every character there is must not fill the memory.
        if code < 1 << 16:
            self[code] = character
        return character


_VISIBLE = Visible({ord("\n"): "\n", ord("\t"): "\t"})


class CArrays:
    """An array of C for what each frame has brought, and remarks as its comments."""

    separator = b"\n"

    def __init__(self, *, remarks: bool) -> None:
        self._remarks = remarks
        self._counts = [0, 0]

    def render(self, event: Any) -> bytes:
        parts = []
        for sentence in sentences(event) if self._remarks else ():
            # What was captured must not end the comment.
            parts.append(f"/* {sentence.replace('*/', '* /')} */\n")
        if isinstance(event, Data):
            for piece, payload in pieces(event):
                number = self._counts[event.direction]
                self._counts[event.direction] += 1
                name = f"stream{event.stream.id}_{event.direction}_{number}"
                rows = [
                    ", ".join(f"0x{octet:02x}" for octet in payload[start : start + 8])
                    for start in range(0, len(payload), 8)
                ]
                parts.append(
                    f"const unsigned char {name}[] = {{ /* frame {piece.frame} */\n"
                    + ",\n".join(rows)
                    + " };\n"
                )
        return "".join(parts).encode()


class Yaml:
    """The layout of tshark's YAML, a document a stream, and remarks as comments."""

    separator = b"---\n"

    def __init__(self, *, remarks: bool) -> None:
        self._remarks = remarks
        self._begun = False

    def render(self, event: Any) -> bytes:
        parts = []
        if not self._begun:
            self._begun = True
            parts.append("peers:\n")
            ends = (event.stream.client, event.stream.server)
            for number, end in enumerate(ends):
                parts.append(f"  - peer: {number}\n    host: {end.address}\n")
                parts.append(f"    port: {end.port}\n")
            parts.append("packets:\n")
        for sentence in sentences(event) if self._remarks else ():
            parts.append(f"  # {sentence}\n")
        if isinstance(event, Data):
            for piece, payload in pieces(event):
                seconds, rest_ns = divmod(piece.time_ns, 1_000_000_000)
                parts.append(f"  - packet: {piece.frame}\n")
                parts.append(f"    peer: {int(event.direction)}\n")
                parts.append(f"    timestamp: {seconds}.{rest_ns:09}\n")
                parts.append("    data: !!binary |\n")
                parts += [
                    f"      {base64(payload[start : start + 57])}\n"
                    for start in range(0, len(payload), 57)
                ]
        return "".join(parts).encode()


def headline(event: Any) -> str | None:
    """Return what begins or ends a stream in words, or None."""
    match event:
        case Opened(stream):
            line = f"stream {stream.id}: {stream.client} > {stream.server}"
            if stream.role_evidence != "syn":
                line += f" (client known by: {stream.role_evidence})"
            if live_of(stream) is not None:
                owners = owners_shown(stream)
                line += f" ({owners})" if owners else ""
            return line
        case Closed(_, reason):
            return f"closed: {reason}"
    return None


def sentences(event: Any) -> list[str]:
    """Return all that is to be written about an event in words."""
    head = headline(event)
    return remarks_of(event) + ([] if head is None else [head])


def pieces(event: Data) -> Iterator[tuple[Piece, bytes]]:
    """Give what each frame has brought of an event."""
    for piece in event.pieces:
        start = piece.offset - event.offset
        yield piece, event.payload[start : start + piece.length]
