"""Plots of a connection for a terminal: dots in braille, two by four in a character."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from unpacket.analysis.figure import AGAIN, MOST_RUNGS, SIDES, label_of, title_of
from unpacket.analysis.traced import Traced

Point = tuple[float, float]

BRAILLE = 0x2800
# Which bit the dot of a column and a row has (Unicode, chapter 21.1).
BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
LABEL = 12
# As SGR has them: blue, green, red, and faint.
COLORS = {"sent": "34", "answer": "32", "again": "1;31", "limit": "2"}
INTERVALS = 120
# How many dots a bar has at most.
BAR_DOTS = 100


def plotted(
    traced: Traced, kind: str, *, width: int, height: int, color: bool, side: int
) -> list[str]:
    """Return the lines of a plot.

    Args:
        width, height: In characters, of the whole.
    """
    if kind == "ladder":
        return [title_of(traced, kind, side), *rungs(traced, width)]
    layers, unit = LAYERS[kind](traced, side)
    canvas = Canvas(max(10, width - LABEL - 1), max(4, height - 3))
    points = [point for _, found in layers for point in found]
    if not points:
        return [title_of(traced, kind, side), "nothing to draw"]
    right = max(point[0] for point in points) or 1.0
    shown = [point for name, found in layers for point in found if name != "limit"]
    top = 1.05 * max(point[1] for point in shown or points) or 1.0
    for name, found in layers:
        canvas.draw(name, found, right, top)
    rows = canvas.rows(color)
    labels = {0: scaled(top, unit), len(rows) - 1: scaled(0, unit)}
    body = [f"{labels.get(place, ''):>{LABEL}} {row}" for place, row in enumerate(rows)]
    axis = f"{'0 s':>{LABEL + 4}}{f'{right:.3g} s':>{max(0, width - LABEL - 4)}}"
    return [title_of(traced, kind, side), *body, axis]


class Canvas:
    """Dots in characters; what is drawn later has the colour of a character."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._dots = [[0] * width for _ in range(height)]
        self._names = [[""] * width for _ in range(height)]

    def draw(
        self, name: str, points: Iterable[Point], right: float, top: float
    ) -> None:
        """Set a dot for each point that is within ``right`` and ``top``."""
        for x, y in points:
            column = int(x / right * (2 * self._width - 1))
            row = 4 * self._height - 1 - int(y / top * (4 * self._height - 1))
            if 0 <= column < 2 * self._width and 0 <= row < 4 * self._height:
                self._dots[row // 4][column // 2] |= BITS[column % 2][row % 4]
                self._names[row // 4][column // 2] = name

    def rows(self, color: bool) -> list[str]:
        """Return the lines."""
        lines = []
        for dots, names in zip(self._dots, self._names, strict=True):
            cells = []
            for bits, name in zip(dots, names, strict=True):
                cell = chr(BRAILLE + bits) if bits else " "
                if color and name:
                    cell = f"\x1b[{COLORS[name]}m{cell}\x1b[0m"
                cells.append(cell)
            lines.append("".join(cells).rstrip())
        return lines


def sequence(traced: Traced, side: int) -> tuple[list[tuple[str, list[Point]]], str]:
    """Return what a time-sequence graph has."""
    sent: list[Point] = []
    again: list[Point] = []
    for one in traced.segments:
        if one.side == side and one.length:
            points = again if one.names & AGAIN else sent
            points += [(one.at_s, one.seq), (one.at_s, one.seq + one.length)]
    answers = [one for one in traced.segments if one.side != side and one.ack]
    return [
        ("limit", [(one.at_s, one.ack + one.window) for one in answers]),
        ("answer", [(one.at_s, one.ack) for one in answers]),
        ("sent", sent),
        ("again", again),
    ], "B"


def throughput(traced: Traced, side: int) -> tuple[list[tuple[str, list[Point]]], str]:
    """Return bits a second of both sides."""
    end_s = max((one.at_s for one in traced.segments), default=0.0)
    step_s = end_s / INTERVALS or 1.0
    layers = []
    for name, index in (("sent", side), ("answer", 1 - side)):
        bits = [0.0] * INTERVALS
        for one in traced.segments:
            if one.side == index:
                place = min(INTERVALS - 1, max(0, int(one.at_s / step_s)))
                bits[place] += 8 * one.length / step_s
        bars = [
            (n * step_s, value * part / BAR_DOTS)
            for n, value in enumerate(bits)
            if value
            for part in range(BAR_DOTS + 1)
        ]
        layers.append((name, bars))
    return layers, "bit/s"


def round_trips(traced: Traced, side: int) -> tuple[list[tuple[str, list[Point]]], str]:
    """Return round-trip times of what each side sent."""
    layers = []
    for name, index in (("sent", side), ("answer", 1 - side)):
        found = [
            (one.at_s, one.rtt_s)
            for one in traced.segments
            if one.side != index and one.rtt_s is not None
        ]
        layers.append((name, found))
    return layers, "s"


def windows(traced: Traced, side: int) -> tuple[list[tuple[str, list[Point]]], str]:
    """Return the window, and what is in flight."""
    return [
        (
            "answer",
            [(one.at_s, one.window) for one in traced.segments if one.side != side],
        ),
        (
            "sent",
            [
                (one.at_s, one.in_flight)
                for one in traced.segments
                if one.side == side and one.length
            ],
        ),
    ], "B"


LAYERS: dict[
    str, Callable[[Traced, int], tuple[list[tuple[str, list[Point]]], str]]
] = {
    "sequence": sequence,
    "throughput": throughput,
    "rtt": round_trips,
    "window": windows,
}


def rungs(traced: Traced, width: int) -> list[str]:
    """Return a ladder: an arrow for each of the first segments."""
    between = max(30, width - 34)
    ends = (traced.conversation.client, traced.conversation.server)
    heads = [f"{name} {end}" for name, end in zip(SIDES, ends, strict=True)]
    lines = [f"{'':14}{heads[0]}{heads[1]:>{max(0, between - len(heads[0]))}}"]
    for one in traced.segments[:MOST_RUNGS]:
        text = f" {label_of(one)} "[: between - 4]
        body = text.center(between - 2, "-")
        arrow = f"|{body}>|" if one.side == 0 else f"|<{body}|"
        lines.append(f"{one.at_s:12.6f}  {arrow}  frame {one.frame}")
    left = len(traced.segments) - MOST_RUNGS
    if left > 0:
        lines.append(f"{'':14}and {left} more")
    return lines


def scaled(value: float, unit: str) -> str:
    """Return a number with a prefix for thousands or thousandths."""
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    if value == 0 or value >= 1:
        return f"{value:.3g} {unit}"
    return f"{value * 1e3:.3g} m{unit}"
