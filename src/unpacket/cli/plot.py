"""``unpacket plot``: a picture of a connection, in a file or on the terminal."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unpacket import Policy
from unpacket.analysis.figure import FORMATS, KINDS, THEMES, draw
from unpacket.analysis.traced import trace
from unpacket.cli.follow import Choice, StreamChoice, fits
from unpacket.cli.live import CaptureArgument
from unpacket.cli.options import CAPTURE, Command, merge_option, reading_options
from unpacket.cli.output import Color, wants_color
from unpacket.cli.policies import policy_options
from unpacket.cli.root import NOTHING_FOUND
from unpacket.cli.session import session
from unpacket.cli.values import ParamType
from unpacket.errors import SinkError
from unpacket.faces.reader import Reading

if TYPE_CHECKING:
    from unpacket.cli.inputs import Captures

# Of a plot in a pipe, in characters.
COLUMNS, LINES = 100, 30
LEAST_PIXELS, MOST_PIXELS = 200, 10_000


class PixelSize(ParamType):
    """Width and height."""

    name = "size"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if not isinstance(value, str):
            size: tuple[int, int] = value
            return size
        width, _, height = value.partition("x")
        if width.isdecimal() and height.isdecimal():
            found = int(width), int(height)
            if all(LEAST_PIXELS <= one <= MOST_PIXELS for one in found):
                return found
        self.fail(
            f"{value!r} is no size, such as 1000x560, of {LEAST_PIXELS} to "
            f"{MOST_PIXELS} pixels"
        )


@click.command(
    cls=Command,
    exit_codes={
        0: "the stream was drawn",
        1: "there is no such stream",
    },
    epilog="""
        unpacket plot examples/sample.pcapng 1
        unpacket plot examples/sample.pcapng 7 --kind ladder
        unpacket plot examples/sample.pcapng 1 --kind rtt --color never
    """,
)
@click.argument("capture", cls=CaptureArgument, type=CAPTURE)
@click.argument("choice", type=StreamChoice(), metavar="STREAM")
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default=KINDS[0],
    show_default=True,
    help="sequence: what was sent, acknowledged and allowed, after tcptrace; "
    "throughput; rtt: round-trip times; window: what may be sent, and what is in "
    "flight; ladder: an arrow for each segment.",
)
@click.option(
    "-o",
    "--output",
    "path",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help=f"Draw to a file (.{', .'.join(FORMATS)}), with matplotlib: "
    "`pip install 'unpacket[plot]'`.  [default: on the terminal]",
)
@click.option(
    "--theme",
    type=click.Choice(tuple(THEMES)),
    default="light",
    show_default=True,
    help="Colours of a file.",
)
@click.option(
    "--size",
    type=PixelSize(),
    default="1000x560",
    show_default=True,
    metavar="WxH",
    help="Of a file, in pixels.",
)
@click.option("--client", "side", flag_value=0, type=int, help="What the client sent.")
@click.option(
    "--server",
    "side",
    flag_value=1,
    type=int,
    help="What the server sent.  [default: of the side that sent more]",
)
@merge_option
@reading_options
@policy_options()
def plot(
    capture: str,
    choice: Choice,
    kind: str,
    path: str | None,
    theme: str,
    size: tuple[int, int],
    side: int | None,
    policy: Policy,
    color: Color,
    **reading: Any,
) -> int:
    """Draw a connection: sequence numbers, throughput, round trips, windows, a ladder.

    CAPTURE is a pcap or pcapng file, a URL, or - for standard input. STREAM is the id
    of a stream (see `unpacket streams`) or ADDRESS:PORT of either end, of which the
    first is drawn. What is red is trouble: sent again, missing, contradicted.
    """
    if path is not None:
        check_output(path)
    with session([capture], **reading) as (source, output):
        read = Reading(source, policy=policy, data=False)
        traced = trace(read, lambda stream: fits(stream, choice))
        if traced is None:
            output.say(f"no such stream in {capture}{count_of(source)}")
            return source.finish() or NOTHING_FOUND
        if path is not None:
            try:
                draw(traced, kind, path, theme=theme, size=size, side=side)
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise SinkError(path, reason) from error
        else:
            from unpacket.analysis.terminal import plotted

            columns, lines = shutil.get_terminal_size((COLUMNS, LINES))
            drawn = plotted(
                traced,
                kind,
                width=columns,
                height=lines - 1,
                color=wants_color(color),
                side=traced.busier if side is None else side,
            )
            output.write("".join(f"{line}\n" for line in drawn).encode())
        return source.finish()


def check_output(path: str) -> None:
    """Refuse a file that cannot be drawn, before anything is read."""
    if Path(path).suffix.lower().removeprefix(".") not in FORMATS:
        known = ", ".join(f".{form}" for form in FORMATS)
        raise click.BadParameter(f"{path!r} ends with none of {known}", param_hint="-o")
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError:
        raise click.UsageError(
            "-o needs matplotlib: pip install 'unpacket[plot]'; without -o the plot is "
            "drawn on the terminal"
        ) from None


def count_of(source: Captures) -> str:
    """Return what was read, where it was nothing."""
    return "" if source.frames else ": it has no frames"
