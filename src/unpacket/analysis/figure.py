"""Plots of a connection in files, drawn by matplotlib.

Only what is called here is drawn; no window opens, and nothing global is changed.
"""

from __future__ import annotations

import html
import io
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from unpacket.analysis.traced import Segment, Traced

KINDS = ("sequence", "throughput", "rtt", "window", "ladder")
FORMATS = ("svg", "png", "html")
DPI = 100
# How many intervals throughput is counted in, and how many segments a ladder has.
INTERVALS = 80
MOST_RUNGS = 60
# Of so many gaps, the largest, it is written how much they are.
MOST_LABELS = 12
# How wide a letter of the title is, on average.
TITLE_PIXELS = 8
MARGIN_PIXELS = 90
SIDES = ("client", "server")
CONTROL = ((0x02, "SYN"), (0x01, "FIN"), (0x04, "RST"))
AGAIN = {"retransmission", "fast_retransmission", "spurious_retransmission"}
NOT_NEW = AGAIN | {"out_of_order"}


class Theme(NamedTuple):
    """The colours of a plot. Red is trouble, and nothing else is."""

    paper: str
    ink: str
    faint: str
    sides: tuple[str, str]
    ack: str
    window: str
    sack: str
    again: str
    late: str
    gap: str


THEMES = {
    "light": Theme(
        "#ffffff", "#1f2430", "#d5d9e0", ("#1f5fbf", "#0b7a75"), "#5c8a2e", "#8a8f9a",
        "#8a4fbf", "#d1242f", "#d9822b", "#d1242f",
    ),
    "dark": Theme(
        "#14171f", "#e6e9f0", "#353b4a", ("#6fa8ff", "#4fd1c5"), "#a3d977", "#7d8597",
        "#c792ea", "#ff6b6b", "#ffb454", "#ff6b6b",
    ),
}  # fmt: skip


def draw(
    traced: Traced,
    kind: str,
    path: str | Path,
    *,
    theme: str = "light",
    size: tuple[int, int] = (1000, 560),
    side: int | None = None,
) -> None:
    """Draw a stream to a file: SVG, PNG or HTML, as its name ends.

    Args:
        kind: One of ``KINDS``.
        size: Width and height, in pixels.
        side: Whose data ``sequence`` and ``window`` show: 0 the client's, 1 the
            server's; that of the side that sent more if None.

    Raises:
        ModuleNotFoundError: matplotlib is not there (``unpacket[plot]``).
        OSError: The file cannot be written.
        ValueError: No such kind, theme or format.
    """
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        known = ", ".join(FORMATS)
        raise ValueError(f"{path} names no format; there are {known}")
    if kind not in KINDS:
        raise ValueError(f"no plot {kind!r}; there are {', '.join(KINDS)}")
    if theme not in THEMES:
        raise ValueError(f"no theme {theme!r}; there are {', '.join(THEMES)}")
    Path(path).write_bytes(
        drawn(
            traced,
            kind,
            suffix,
            THEMES[theme],
            size,
            traced.busier if side is None else side,
        )
    )


def drawn(
    traced: Traced, kind: str, form: str, theme: Theme, size: tuple[int, int], side: int
) -> bytes:
    """Return the bytes of a plot."""
    import matplotlib
    from matplotlib.figure import Figure

    width, height = size
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=theme.paper)
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    dress(axes, theme)
    plots: dict[str, Callable[..., None]] = {
        "sequence": sequence,
        "throughput": throughput,
        "rtt": round_trips,
        "window": windows,
        "ladder": ladder,
    }
    plots[kind](axes, traced, theme, side)
    letters = max(20, (width - MARGIN_PIXELS) // TITLE_PIXELS)
    title = textwrap.fill(title_of(traced, kind, side), letters)
    axes.set_title(title, color=theme.ink, loc="left", size=10)
    if kind != "ladder":
        axes.set_xlim(left=0)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        # The best place inside takes long to find where there are many points.
        figure.legend(
            handles, labels, loc="outside lower center", ncols=max(2, width // 170),
            fontsize=8, facecolor=theme.paper, edgecolor="none", labelcolor=theme.ink,
        )  # fmt: skip
    octets = io.BytesIO()
    # The same stream gives the same bytes: no date, and no random names.
    with matplotlib.rc_context({"svg.hashsalt": "unpacket", "svg.fonttype": "none"}):
        metadata = {"Date": None} if form != "png" else {}
        figure.savefig(
            octets,
            format="png" if form == "png" else "svg",
            facecolor=theme.paper,
            metadata=metadata,
        )
    return (
        octets.getvalue() if form != "html" else page(traced, octets.getvalue(), theme)
    )


def page(traced: Traced, svg: bytes, theme: Theme) -> bytes:
    """Return an HTML page with a picture, and the verdict below it."""
    picture = svg.decode().partition("<svg")[2]
    words = html.escape(traced.conversation.verdict.sentence)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>stream {traced.stream_id}</title>"
        f'<body style="background:{theme.paper};color:{theme.ink};'
        f'font-family:sans-serif"><svg{picture}<p>{words}</p></body></html>\n'
    ).encode()


def title_of(traced: Traced, kind: str, side: int) -> str:
    found = traced.conversation
    way = f"{found.client} > {found.server}"
    if kind in ("sequence", "window"):
        way += f", what the {SIDES[side]} sent"
    cut = "; only the first million segments" if traced.is_cut else ""
    return f"stream {traced.stream_id}: {way}{cut}"


def dress(axes: Any, theme: Theme) -> None:
    """Give axes their colours and a faint grid."""
    axes.set_facecolor(theme.paper)
    axes.tick_params(colors=theme.ink, labelsize=8)
    for spine in axes.spines.values():
        spine.set_color(theme.faint)
    axes.grid(True, color=theme.faint, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.xaxis.label.set_color(theme.ink)
    axes.yaxis.label.set_color(theme.ink)


def in_units(axes: Any, unit: str, axis: str = "y") -> None:
    """Let the numbers at an axis have k, M or G before the unit."""
    from matplotlib.ticker import EngFormatter

    getattr(axes, f"{axis}axis").set_major_formatter(EngFormatter(unit=unit, sep=" "))


def lines(axes: Any, spans: Iterable[tuple[float, int, int]], **style: Any) -> None:
    """Draw upright lines, each at a time from one number to another."""
    found = list(spans)
    if found:
        times, lows, highs = zip(*found, strict=True)
        axes.vlines(times, lows, highs, **style)


def sequence(axes: Any, traced: Traced, theme: Theme, side: int) -> None:
    """Draw what was sent, acknowledged and allowed, over time."""
    sent = [one for one in traced.segments if one.side == side and one.length]
    answers = [
        one
        for one in traced.segments
        if one.side != side and one.tcp_flags & 0x10 and not one.tcp_flags & 0x04
    ]
    gaps = [one for one in traced.troubles if one.side == side and one.kind == "gap"]
    gaps.sort(key=lambda gap: gap.start - gap.stop)
    for place, gap in enumerate(gaps):
        axes.axhspan(
            gap.start, gap.stop, facecolor="none", edgecolor=theme.gap, hatch="////",
            linewidth=0.8,
        )  # fmt: skip
        if place < MOST_LABELS:
            axes.annotate(
                f"{gap.stop - gap.start} bytes missing", (gap.at_s, gap.stop),
                color=theme.gap, fontsize=8, xytext=(4, 2),
                textcoords="offset points", annotation_clip=True,
            )  # fmt: skip
    if answers:
        times = [one.at_s for one in answers]
        acks = [one.ack for one in answers]
        axes.step(
            times, acks, where="post", color=theme.ack, linewidth=1,
            label="acknowledged",
        )  # fmt: skip
        limits = [one.ack + one.window for one in answers]
        axes.step(
            times, limits, where="post", color=theme.window, linewidth=0.9,
            linestyle="--", label="window",
        )  # fmt: skip
        lines(
            axes,
            ((one.at_s, *one.sack) for one in answers if one.sack is not None),
            color=theme.sack, linewidth=1.2, label="SACK",
        )  # fmt: skip
    late = NOT_NEW - AGAIN
    kinds = (
        ("sent", theme.sides[side], [one for one in sent if not one.names & NOT_NEW]),
        ("sent again", theme.again, [one for one in sent if one.names & AGAIN]),
        ("out of order", theme.late, [one for one in sent if one.names & late]),
    )
    for label, color, chosen in kinds:
        lines(
            axes,
            ((one.at_s, one.seq, one.seq + one.length) for one in chosen),
            color=color, linewidth=2, label=label,
        )  # fmt: skip
        if color != theme.sides[side] and chosen:
            axes.scatter(
                [one.at_s for one in chosen], [one.seq for one in chosen],
                color=color, marker="D", s=14, zorder=4,
            )  # fmt: skip
    mark_conflicts(axes, traced, theme, side)
    mark_control(axes, traced, theme, side)
    if sent:
        top = max(one.seq + one.length for one in sent)
        # A window of megabytes would press the data to the ground.
        axes.set_ylim(-0.03 * top, 1.25 * top)
    axes.set_xlabel("time")
    axes.set_ylabel("sequence number, from the SYN")
    in_units(axes, "s", "x")
    in_units(axes, "B")


def mark_conflicts(axes: Any, traced: Traced, theme: Theme, side: int) -> None:
    """Mark where two segments contradict each other."""
    found = [one for one in traced.troubles if one.side == side and one.kind != "gap"]
    if found:
        axes.scatter(
            [one.at_s for one in found], [one.start for one in found],
            marker="X", s=60, color=theme.gap, zorder=5, label="conflict",
        )  # fmt: skip


def mark_control(axes: Any, traced: Traced, theme: Theme, side: int) -> None:
    """Write SYN, FIN and RST where they are."""
    for one in traced.segments:
        names = [name for bit, name in CONTROL if one.tcp_flags & bit]
        if names and one.side == side:
            axes.annotate(
                names[0], (one.at_s, one.seq), color=theme.ink, fontsize=7,
                xytext=(0, -9), textcoords="offset points", ha="center",
            )  # fmt: skip


def throughput(axes: Any, traced: Traced, theme: Theme, side: int) -> None:
    """Draw how many bits a second each side sent."""
    end_s = max((one.at_s for one in traced.segments), default=0.0)
    step_s = end_s / INTERVALS or 1.0
    edges = [n * step_s for n in range(INTERVALS + 1)]
    for index, name in enumerate(SIDES):
        bits = [0.0] * INTERVALS
        again = [0.0] * INTERVALS
        for one in traced.segments:
            if one.side == index and one.length:
                place = min(INTERVALS - 1, max(0, int(one.at_s / step_s)))
                bits[place] += 8 * one.length / step_s
                if one.names & AGAIN:
                    again[place] += 8 * one.length / step_s
        if any(bits):
            axes.stairs(
                bits, edges, color=theme.sides[index], linewidth=1.4, label=name
            )
        if any(again):
            axes.stairs(
                again, edges, color=theme.again, fill=True, alpha=0.7,
                label=f"{name}: sent again",
            )  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.set_xlabel("time")
    axes.set_ylabel("payload")
    in_units(axes, "s", "x")
    in_units(axes, "bit/s")


def round_trips(axes: Any, traced: Traced, theme: Theme, side: int) -> None:
    """Draw how long what each side sent took to be acknowledged."""
    for index, name in enumerate(SIDES):
        # What the other side's segments acknowledge is what this one sent.
        found = [
            (one.at_s, one.rtt_s)
            for one in traced.segments
            if one.side != index and one.rtt_s is not None
        ]
        if found:
            times, rtts = zip(*found, strict=True)
            axes.scatter(
                times, rtts, s=9, color=theme.sides[index], label=f"{name}'s segments"
            )
    rtt_ns = traced.conversation.initial_rtt_ns
    if rtt_ns:
        axes.axhline(
            rtt_ns / 1e9, color=theme.window, linestyle="--", linewidth=0.9,
            label="handshake",
        )  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.set_xlabel("time")
    axes.set_ylabel("round-trip time")
    in_units(axes, "s", "x")
    in_units(axes, "s")


def windows(axes: Any, traced: Traced, theme: Theme, side: int) -> None:
    """Draw the window that a side may fill, and what is in flight."""
    offered = [one for one in traced.segments if one.side != side]
    sent = [one for one in traced.segments if one.side == side and one.in_flight]
    axes.step(
        [one.at_s for one in offered], [one.window for one in offered], where="post",
        color=theme.ack, linewidth=1.2, label=f"window of the {SIDES[1 - side]}",
    )  # fmt: skip
    axes.step(
        [one.at_s for one in sent], [one.in_flight for one in sent], where="post",
        color=theme.sides[side], linewidth=1.2, label="bytes in flight",
    )  # fmt: skip
    shut = [one for one in offered if "zero_window" in one.names]
    if shut:
        axes.scatter(
            [one.at_s for one in shut], [0] * len(shut), marker="X", s=40,
            color=theme.gap, zorder=4, label="zero window",
        )  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.set_xlabel("time")
    axes.set_ylabel("bytes")
    in_units(axes, "s", "x")
    in_units(axes, "B")


def ladder(axes: Any, traced: Traced, theme: Theme, side: int) -> None:
    """Draw the first segments as arrows between the two ends, downwards in time."""
    shown = traced.segments[:MOST_RUNGS]
    for place, one in enumerate(shown):
        start, stop = (0.0, 1.0) if one.side == 0 else (1.0, 0.0)
        trouble = one.names & (AGAIN | {"lost_segment", "out_of_order", "zero_window"})
        color = theme.again if trouble else theme.sides[one.side]
        axes.annotate(
            "", (stop, place + 0.35), (start, place),
            arrowprops={"arrowstyle": "-|>", "color": color, "linewidth": 1},
        )  # fmt: skip
        axes.text(
            0.5, place + 0.02, label_of(one), ha="center", va="center", fontsize=7,
            color=theme.again if trouble else theme.ink,
            bbox={"facecolor": theme.paper, "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip
        axes.text(
            -0.02, place, f"{one.at_s:.4f} s", ha="right", va="center", fontsize=7,
            color=theme.ink,
        )  # fmt: skip
        axes.text(
            1.02, place, f"frame {one.frame}", ha="left", va="center", fontsize=7,
            color=theme.ink,
        )  # fmt: skip
    for at, name in (
        (0.0, traced.conversation.client),
        (1.0, traced.conversation.server),
    ):
        axes.axvline(at, color=theme.ink, linewidth=1)
        axes.text(
            at, -1.2, f"{SIDES[int(at)]} {name}", ha="center", fontsize=8,
            color=theme.ink,
        )  # fmt: skip
    left = len(traced.segments) - len(shown)
    if left:
        axes.text(
            0.5, len(shown) + 0.5, f"and {left} more", ha="center", fontsize=8,
            color=theme.ink,
        )  # fmt: skip
    axes.set_xlim(-0.18, 1.18)
    axes.set_ylim(len(shown) + 1, -2)
    axes.set_axis_off()


def label_of(one: Segment) -> str:
    """Return what is written on an arrow."""
    names = [name for bit, name in CONTROL if one.tcp_flags & bit]
    if one.length:
        names.append(f"{one.seq}+{one.length}")
    if one.tcp_flags & 0x10:
        names.append(f"ack {one.ack}")
    names += [name.replace("_", " ") for name in sorted(one.names)]
    return ", ".join(names)
