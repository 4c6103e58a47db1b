"""Draws the pictures of docs/policies.md out of what the library does.

`python -m docs.draw` writes docs/pictures/*.svg. Each is a small capture: its packets
are fed to an assembler, and what the assembler says is what is drawn, so a picture
cannot show what does not happen. A test compares the files with what this draws.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.builder import (
    CLIENT_END,
    FIN,
    RAW,
    RST,
    SERVER_END,
    START_NS,
    SYN,
    Frame,
    ip,
    tcp,
)
from tests.talk import Talk, Told, feed_all, payload_of
from unpacket import Direction, Policy

FOLDER = Path(__file__).with_name("pictures")

WIDTH = 590
CELL = 15
BAR = 18
LINE = 15
MARGIN = 14
WHO_X = 70
SPACE_X = 126
TEXT_X = 352

# What lies too far away to be drawn where it is, and the cell where it is drawn.
FAR = 200_000
FAR_CELL = 10

STYLE = """
text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  fill: #1b1f24; }
.title { font-weight: bold; }
.quiet { fill: #5c6670; }
.letter { text-anchor: middle; }
.paper { fill: #ffffff; stroke: #d4dae0; }
.client { fill: #cfe3ff; stroke: #2563c9; }
.server { fill: #d3f0da; stroke: #1d7f3c; }
.new { fill: #ffdfb8; stroke: #b45f06; }
.held { fill: none; stroke: #2563c9; stroke-dasharray: 3 2; }
.refused { fill: #ffdcd7; stroke: #c9321f; }
.copy { fill: #e8ebee; stroke: #7b858f; }
.lost { fill: none; stroke: #7b858f; stroke-dasharray: 1 3; }
.gap { fill: url(#hatch); stroke: #7b858f; }
.mark { stroke: #1d7f3c; stroke-width: 2; }
.axis { stroke: #d4dae0; }
.hatching { stroke: #7b858f; }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e8ec; }
  .quiet { fill: #9aa5b1; }
  .paper { fill: #15191e; stroke: #3a424b; }
  .client { fill: #173a6b; stroke: #6ea6ff; }
  .server { fill: #14452a; stroke: #58c781; }
  .new { fill: #5c3a0c; stroke: #f0a94a; }
  .held { stroke: #6ea6ff; }
  .refused { fill: #5f1d16; stroke: #ff8577; }
  .copy { fill: #2c333a; stroke: #97a1ab; }
  .mark { stroke: #58c781; }
  .axis { stroke: #3a424b; }
}
"""


class Row(NamedTuple):
    """What happens at one moment of a story.

    Attributes:
        look: The class of its bar.
        offset: Where its bytes lie in the stream.
        ack: What it acknowledges, or None.
        told: What the assembler says to it.
    """

    time_ns: int
    who: str
    look: str
    offset: int
    text: str
    ack: int | None
    told: Told


class Story:
    """A connection of which each packet, and what it causes, is a row.

    It is past its handshake. Bytes are the client's, and the server acknowledges.
    """

    def __init__(self, title: str, *, handshake: bool = True, **changes: Any) -> None:
        self.title = title
        self.rows: list[Row] = []
        self.talk = Talk(**changes)
        if handshake:
            self.talk.handshake()
        self.begun_ns = self.talk.wire.now_ns

    def lost(self, offset: int, text: str) -> None:
        """Have the client send what the capture misses."""
        self.talk.wire.now_ns += self.talk.wire.step_ns
        self._add("client", "lost", offset, text, None, [])

    def client(self, offset: int, text: str = "", **fields: Any) -> None:
        """Have the client send."""
        fields.setdefault("ack", 0)
        before = self._held_bytes()
        told = self.talk.client(offset, text.encode(), **fields)
        cut = fields.get("captured")
        given = [item[3].decode() for item in told if item[0] == "data"]
        refused = [item[4].decode() for item in told if item[0] == "rejected"]
        if text in refused:
            look = "refused"
        elif any(text[:cut] in payload for payload in given):
            look = "client"
        elif self._held_bytes() > (0 if given else before):
            look = "held"
        else:
            look = "copy"
        shown = text if cut is None else text[:cut].ljust(len(text), "\0")
        self._add(self._name("client", fields), look, offset, shown, None, told)

    def server(self, ack: int | None = None, offset: int = 0, **fields: Any) -> None:
        """Have the server acknowledge."""
        told = self.talk.server(offset, ack=-1 if ack is None else ack, **fields)
        self._add(self._name("server", fields), "server", offset, "", ack, told)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        told = self.talk.wait(seconds)
        self._add("quiet", "", 0, "", None, told)

    def end(self) -> None:
        """End the capture."""
        self._add("end", "", 0, "", None, self.talk.finish())

    def _name(self, side: str, fields: dict[str, Any]) -> str:
        flags = {FIN: "FIN", RST: "RST", SYN: "SYN"}
        return flags.get(fields.get("flags", 0), side)

    def _held_bytes(self) -> int:
        streams = self.talk.assembler.streams
        return int(streams[-1].counts(0)["held_bytes"]) if streams else 0

    def _add(
        self, who: str, look: str, offset: int, text: str, ack: int | None, told: Told
    ) -> None:
        time_ns = self.talk.wire.now_ns - self.begun_ns
        # That the first one opens needs no words.
        if not any(item[0] == "closed" for row in self.rows for item in row.told):
            told = [item for item in told if item[0] != "opened"]
        self.rows.append(Row(time_ns, who, look, offset, text, ack, told))

    def streams(self) -> list[list[tuple[str, int, str]]]:
        """Return what the client's sides have become: look, offset, bytes."""
        found: list[list[tuple[str, int, str]]] = [[]]
        for row in self.rows:
            for kind, *rest in row.told:
                if kind == "opened" and found[-1]:
                    found.append([])
                elif kind == "data" and rest[0] == "client":
                    found[-1].append(("client", rest[1], rest[2].decode()))
                elif kind == "gap" and rest[0] == "client":
                    start, stop = rest[1], rest[1] + rest[2]
                    found[-1].append(("gap", start, "\0" * (cell(stop) - cell(start))))
        return found


def sentence(item: tuple[Any, ...]) -> str:
    """Return an event in a few words."""
    kind, *rest = item
    if kind == "opened":
        return "a stream opens"
    if kind == "data":
        return f"data {rest[1]}: {rest[2].decode()}"
    if kind == "gap":
        return f"gap {rest[1]}..{rest[1] + rest[2]}: {rest[3]}"
    if kind == "conflict":
        return f"conflict {rest[1]}: {rest[3].decode()} not kept"
    if kind == "rejected":
        return f"rejected: {rest[1]}"
    return f"{kind}: {rest[-1]}"


def cell(offset: int) -> int:
    """Return where an offset is drawn."""
    return offset if offset < FAR else offset - FAR + FAR_CELL


def moment(time_ns: int) -> str:
    """Return a time as people write it."""
    if time_ns >= 1_000_000_000:
        return f"{time_ns / 1e9:.3g} s"
    return f"{time_ns // 1_000_000} ms"


class Drawing:
    """An SVG that grows downwards."""

    def __init__(self, describes: str) -> None:
        self.describes = describes
        self.parts: list[str] = []
        self.y = MARGIN

    def text(self, x: float, y: float, text: str, look: str = "") -> None:
        """Write a line."""
        escaped = text.replace("&", "&amp;").replace("<", "&lt;")
        self.parts.append(f'<text x="{x:g}" y="{y:g}" class="{look}">{escaped}</text>')

    def bar(self, x: float, y: float, text: str, look: str) -> None:
        """Draw bytes side by side; NUL is a byte that is not there."""
        if text:
            self.parts.append(
                f'<rect x="{x:g}" y="{y:g}" width="{CELL * len(text)}" height="{BAR}" '
                f'rx="2" class="{look}"/>'
            )
        for index, letter in enumerate(text):
            if letter != "\0":
                self.text(x + CELL * (index + 0.5), y + 13, letter, "letter")

    def line(self, x1: float, y1: float, x2: float, y2: float, look: str) -> None:
        """Draw a line."""
        self.parts.append(
            f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" class="{look}"/>'
        )

    def story(self, story: Story) -> None:
        """Draw a story below what is there."""
        if self.parts:
            self.y += 8
            self.line(MARGIN, self.y, WIDTH - MARGIN, self.y, "axis")
            self.y += 14
        self.text(MARGIN, self.y + 10, story.title, "title")
        self.y += 24
        for row in story.rows:
            self.row(row)
        for number, parts in enumerate(story.streams()):
            label = "the next one" if number else "the stream"
            self.text(MARGIN, self.y + 13, label, "quiet")
            if not parts:
                self.text(SPACE_X, self.y + 13, "(nothing)", "quiet")
            for look, offset, text in parts:
                self.bar(SPACE_X + CELL * cell(offset), self.y, text, look)
            self.y += BAR + 6

    def row(self, row: Row) -> None:
        """Draw one row of a story."""
        y = self.y
        self.text(MARGIN, y + 13, moment(row.time_ns), "quiet")
        self.text(WHO_X, y + 13, row.who)
        x = SPACE_X + CELL * cell(row.offset)
        self.bar(x, y, row.text, row.look)
        if row.offset >= FAR:
            beside = x + CELL * len(row.text) + 5
            self.text(beside, y + 13, f"at {row.offset}", "quiet")
        if row.look == "lost":
            self.text(TEXT_X, y + 13, "(not captured)", "quiet")
        if row.ack is not None:
            at = SPACE_X + CELL * row.ack
            self.line(at, y + 1, at, y + BAR - 1, "mark")
            beside = at + 5 if row.ack < 12 else at - 50
            self.text(beside, y + 13, f"ack {row.ack}", "quiet")
        for index, item in enumerate(row.told):
            self.text(TEXT_X, y + 13 + LINE * index, sentence(item))
        self.y += max(BAR + 5, LINE * len(row.told) + 8)

    def svg(self) -> str:
        """Return the whole."""
        height = self.y + MARGIN - 4
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img">\n'
            f"<title>{self.describes}</title>\n<style>{STYLE}</style>\n"
            '<defs><pattern id="hatch" width="6" height="6" '
            'patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
            '<line x1="0" y1="0" x2="0" y2="6" class="hatching"/></pattern></defs>\n'
            f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6" '
            'class="paper"/>\n' + "\n".join(self.parts) + "\n</svg>\n"
        )


def told(describes: str, *stories: Story) -> str:
    """Return the picture of stories, one below the other."""
    drawing = Drawing(describes)
    for story in stories:
        drawing.story(story)
    return drawing.svg()


# How a new segment may lie to one that waits: name, where this is, where that is.
RELATIONS = [
    ("same start, shorter", (2, 7), (2, 5)),
    ("same start and end", (2, 7), (2, 7)),
    ("same start, longer", (2, 5), (2, 7)),
    ("starts before, ends in", (4, 8), (2, 6)),
    ("starts before, covers", (4, 6), (2, 8)),
    ("lies within", (2, 8), (4, 6)),
    ("starts in, ends behind", (2, 6), (4, 8)),
]
OVERLAPS = {
    "first": ("first", "vista"),
    "bsd": ("bsd", "windows", "macos", "irix", "hpux10"),
    "linux": ("linux",),
    "old-linux": ("old-linux",),
    "solaris": ("solaris", "hpux11"),
    "last": ("last",),
}
LEGEND = [
    ("old", "came first, and still waits"),
    ("new", "comes later"),
    ("kept", "what the stream has in the end"),
]
FRAGMENT_OVERLAPS = ("first", "last", "bsd", "linux", "windows", "solaris")

Span = tuple[int, int]
Keep = Callable[[str, Span, Span], str]


def segments_kept(overlap: str, old: Span, new: Span) -> str:
    """Return whose bytes a policy keeps of two segments that wait."""
    talk = Talk(overlap=overlap)
    talk.handshake()
    for letter, (start, stop) in (("o", old), ("n", new)):
        talk.client(start, letter.encode() * (stop - start), ack=0)
    talk.client(0, b".." if min(old[0], new[0]) == 2 else b"....", ack=0)
    return talk.bytes_of(Direction.CLIENT).decode()[2:]


def fragments_kept(overlap: str, old: Span, new: Span) -> str:
    """Return whose bytes a policy keeps of two fragments; a letter is 8 bytes."""
    policy = Policy(fragment_overlap=overlap, checksum="ignore", midstream_grace_s=0)  # type: ignore[arg-type]
    # The header of the segment, in cells 0 to 2, and a cell of payload behind it.
    header = tcp(CLIENT_END, SERVER_END, 1001, b"", ack=1, options=b"\1\1\1\1")
    end = max(old[1], new[1]) + 1
    pieces = [
        (old[0] + 1, b"o" * 8 * (old[1] - old[0]), True),
        (new[0] + 1, b"n" * 8 * (new[1] - new[0]), True),
        (end, b"." * 8, False),
        (0, header, True),
    ]
    frames = []
    for number, (cell, octets, more) in enumerate(pieces):
        packet = ip(
            CLIENT_END[0],
            SERVER_END[0],
            octets,
            identification=7,
            fragment_offset=8 * cell,
            more_fragments=more,
        )
        frames.append(Frame(START_NS + number, packet, RAW, len(packet)))
    payload = payload_of(feed_all(frames, policy), Direction.CLIENT)
    return payload[::8].decode().rstrip(".")


def overlaps(name: str, title: str, keep: Keep) -> str:
    """Return the picture of what an overlap policy keeps."""
    drawing = Drawing(f"Who wins where {title}")
    drawing.text(MARGIN, drawing.y + 10, title, "title")
    top = drawing.y + 28
    for number, (relation, old, new) in enumerate(RELATIONS):
        x = MARGIN + 180 * (number % 3)
        y = top + 92 * (number // 3)
        drawing.text(x, y + 4, relation, "quiet")
        kept = keep(name, old, new)
        left = x + 42 - CELL * 2
        for at, label in enumerate(("old", "new", "kept")):
            drawing.text(x, y + 24 + 21 * at, label)
        drawing.bar(left + CELL * old[0], y + 11, "o" * (old[1] - old[0]), "client")
        drawing.bar(left + CELL * new[0], y + 32, "n" * (new[1] - new[0]), "new")
        for start, stop, letter in runs(kept):
            look = "client" if letter == "o" else "new"
            offset = left + CELL * (min(old[0], new[0]) + start)
            drawing.bar(offset, y + 53, letter * (stop - start), look)
    for at, (label, means) in enumerate(LEGEND):
        drawing.text(MARGIN + 200, top + 92 * 2 + 24 + 21 * at, label)
        drawing.text(MARGIN + 245, top + 92 * 2 + 24 + 21 * at, means, "quiet")
    drawing.y = top + 92 * 3 - 8
    return drawing.svg()


def runs(text: str) -> Iterator[tuple[int, int, str]]:
    """Give the runs of one letter: start, stop, letter."""
    start = 0
    for stop in range(1, len(text) + 1):
        if stop == len(text) or text[stop] != text[start]:
            yield start, stop, text[start]
            start = stop


def gap_rule() -> str:
    stories = [
        Story('gap="skip"'),
        Story('gap="wait"', gap="wait"),
        Story('gap="wait", max_held_segments=2', gap="wait", max_held_segments=2),
    ]
    for story in stories:
        story.client(0, "abcd")
        story.lost(4, "efgh")
        story.client(8, "ijkl")
        story.server(ack=12)
        story.client(12, "m", wait_ns=30_000_000)
        story.client(13, "n")
        if not story.talk.stream.close_reason:
            story.end()
    return told("A hole that was acknowledged, with gap skip and gap wait", *stories)


def gap_grace() -> str:
    stories = [
        Story("gap_grace_s=0.020 (default)"),
        Story("gap_grace_s=0", gap_grace_s=0.0),
    ]
    for story in stories:
        story.client(4, "efgh")
        story.server(ack=8)
        story.client(0, "abcd", wait_ns=2_000_000)
        story.client(8, "ijkl")
    return told("An acknowledgement that was captured before its data", *stories)


def gap_reasons() -> str:
    acked = Story("not_captured, unacknowledged", gap_grace_s=None)
    acked.client(4, "efgh")
    acked.server(ack=2)
    acked.end()
    one_sided = Story("unknown: the server was never seen", handshake=False)
    one_sided.client(-1, flags=SYN, ack=None)
    one_sided.client(4, "efgh")
    one_sided.end()
    cut = Story("truncated: the capture kept 2 bytes of the payload")
    cut.client(0, "abcdef", captured=2)
    cut.client(6, "ghij")
    cut.server(ack=10)
    cut.wait(0.021)
    limited = Story("limit: max_held_segments=1", max_held_segments=1)
    limited.client(4, "efgh")
    limited.client(10, "klmn")
    return told("The reasons of gaps", acked, one_sided, cut, limited)


def deliver() -> str:
    stories = [
        Story('deliver="in_order" (default)'),
        Story('deliver="acked"', deliver="acked"),
    ]
    for story in stories:
        story.client(0, "abcd")
        story.client(4, "efgh")
        story.server(ack=4)
        story.server(ack=8)
        story.client(8, "ijkl")
        story.end()
    return told("When bytes are delivered", *stories)


def limits() -> str:
    stories = [
        Story("max_held_segments=2", max_held_segments=2),
        Story("max_held_bytes=4", max_held_bytes=4),
        Story("max_held_span_bytes=8", max_held_span_bytes=8),
        Story("max_holes=1", max_holes=1),
    ]
    for story in stories:
        story.client(2, "cd")
        story.client(4, "ef")
        story.client(9, "jk")
    return told("What is done where a limit is reached", *stories)


def conflict() -> str:
    stories = [
        Story("conflict_window_bytes=4 MiB (default)"),
        Story("conflict_window_bytes=0", conflict_window_bytes=0),
    ]
    for story in stories:
        story.client(0, "abcd")
        story.server(ack=4)
        story.client(0, "aXYd")
        story.client(4, "efgh")
    return told("A late copy with other bytes", *stories)


def checksums() -> str:
    stories = [
        Story('checksum="auto" (default)'),
        Story('checksum="ignore"', checksum="ignore"),
    ]
    for story in stories:
        story.client(0, "abcd")
        story.client(4, "XXXX", sum_xor=1)
        story.client(4, "efgh")
        story.client(8, "ijkl")
    offload = Story('checksum="auto", no good sum was seen yet', handshake=False)
    offload.client(-1, flags=SYN, ack=None, sum_xor=1)
    offload.server(ack=0, offset=-1, flags=SYN, sum_xor=1)
    offload.client(0, "abcd", sum_xor=1)
    return told("Segments with wrong checksums", *stories, offload)


def resets() -> str:
    stories = [
        Story('rst="exact" (default)', close_grace_s=0.0),
        Story('rst="window"', rst="window", close_grace_s=0.0),
        Story('rst="any"', rst="any", close_grace_s=0.0),
    ]
    for story in stories:
        story.client(0, "abcd")
        story.server(ack=4, window=1000)
        story.client(10_000_000, flags=RST)
        if not story.talk.stream.close_reason:
            story.client(6, flags=RST)
        if not story.talk.stream.close_reason:
            story.client(4, flags=RST)
        story.rows = [
            row._replace(who=f"RST at {row.offset}", offset=0)
            if row.who == "RST"
            else row
            for row in story.rows
        ]
    return told("Which RST is believed", *stories)


def evidence() -> str:
    forged = Story("An RST that was forged, and what contradicts it")
    forged.client(0, "abcd")
    forged.server(ack=4)
    forged.client(4, flags=RST, ttl=3)
    forged.client(4, "efgh")
    forged.server(ack=8)
    true = Story("An RST that nothing contradicts: close_grace_s=5 (default)")
    true.client(0, "abcd")
    true.server(ack=4)
    true.client(4, flags=RST)
    true.wait(6)
    spoiled = Story("A wrong sum, acknowledged")
    spoiled.client(0, "abcd")
    spoiled.client(4, "efgh", sum_xor=1)
    spoiled.server(ack=8)
    lonely = Story("A far TTL, and no evidence ever came")
    lonely.client(0, "abcd")
    lonely.client(4, "efgh", ttl=128)
    lonely.end()
    return told("Evidence decides about doubts", forged, true, spoiled, lonely)


def window() -> str:
    stories = [
        Story("window=True (default)", handshake=False),
        Story("window=False", handshake=False, window=False),
    ]
    for story in stories:
        story.talk.handshake(window=1000)
        story.begun_ns = story.talk.wire.now_ns
        story.client(0, "abcd")
        story.client(FAR, "XX")
        story.client(4, "efgh")
        story.server(ack=8)
        story.end()
    return told("Data beyond what the receiver offered", *stories)


def hops() -> str:
    stories = [
        Story("ttl_distance=16 (default)"),
        Story("ttl_distance=0", ttl_distance=0),
    ]
    for story in stories:
        story.client(0, "abcd", ttl=60)
        story.client(4, "XXXX", ttl=3)
        story.client(4, "efgh", ttl=60)
        story.server(ack=8)
    return told("A segment that dies before the receiver", *stories)


def stamps() -> str:
    stories = [
        Story("paws=True (default)", handshake=False),
        Story("paws=False", handshake=False, paws=False),
    ]
    for story in stories:
        story.talk.handshake(timestamp=1000)
        story.begun_ns = story.talk.wire.now_ns
        story.client(0, "abcd", timestamp=1010)
        story.client(4, "XXXX", timestamp=500)
        story.client(4, "efgh", timestamp=1020)
        story.server(ack=8, timestamp=1020)
    return told("A segment with a timestamp of the past", *stories)


def midstream() -> str:
    stories = [
        Story("midstream=True (default)", handshake=False),
        Story(
            "midstream_grace_segments=1", handshake=False, midstream_grace_segments=1
        ),
        Story("midstream=False", handshake=False, midstream=False),
    ]
    for story in stories:
        story.begun_ns = story.talk.wire.now_ns + story.talk.wire.step_ns
        story.client(4, "efgh")
        story.client(0, "abcd")
        story.client(8, "ijkl")
        story.server(ack=12)
    return told("A capture that begins in the middle of a connection", *stories)


def timeouts() -> str:
    idle = Story("idle_timeout_s=300", idle_timeout_s=300.0)
    idle.client(0, "abcd")
    idle.wait(299)
    idle.wait(2)
    half_open = Story("half_open_timeout_s=30 (default)", handshake=False)
    half_open.begun_ns = half_open.talk.wire.now_ns + half_open.talk.wire.step_ns
    half_open.client(-1, flags=SYN, ack=None)
    half_open.wait(29)
    half_open.wait(2)
    return told("Streams that are closed for want of packets", idle, half_open)


def linger() -> str:
    stories = [
        Story("linger_s=60 (default)", close_grace_s=0.0),
        Story("linger_s=0.1", linger_s=0.1, close_grace_s=0.0),
    ]
    for story in stories:
        story.client(0, "abcd")
        story.server(ack=4, flags=RST)
        story.wait(1)
        story.client(4, "late")
        story.end()
    return told("A packet that comes after the end", *stories)


def pictures() -> Iterator[tuple[str, str]]:
    """Give the name and the content of each picture."""
    for name, same in OVERLAPS.items():
        title = f"overlap: {', '.join(same)}"
        yield f"overlap-{name}", overlaps(name, title, segments_kept)
    for name in FRAGMENT_OVERLAPS:
        title = f"fragment_overlap: {name}"
        yield f"fragments-{name}", overlaps(name, title, fragments_kept)
    yield "gap", gap_rule()
    yield "gap-grace", gap_grace()
    yield "gap-reasons", gap_reasons()
    yield "deliver", deliver()
    yield "limits", limits()
    yield "conflict", conflict()
    yield "checksum", checksums()
    yield "evidence", evidence()
    yield "rst", resets()
    yield "window", window()
    yield "ttl", hops()
    yield "paws", stamps()
    yield "midstream", midstream()
    yield "timeouts", timeouts()
    yield "linger", linger()


def main() -> None:
    """Write the pictures."""
    FOLDER.mkdir(exist_ok=True)
    for name, svg in pictures():
        (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
