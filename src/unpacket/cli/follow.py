"""``unpacket follow``: what both sides of a stream said."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any, TypeAlias

import click

import unpacket
from unpacket import Closed, Direction, Endpoint, Opened, Policy, Stream
from unpacket.cli.options import Command, reading_options
from unpacket.cli.output import Color, Output, is_terminal, wants_color
from unpacket.cli.policies import policy_options
from unpacket.cli.root import NOTHING_FOUND
from unpacket.cli.session import session
from unpacket.cli.values import ParamType
from unpacket.sinks.follow import FORMS, Renderer, remark, renderer

Choice: TypeAlias = int | tuple[str, int]


class StreamChoice(ParamType):
    """A stream's id, or one of its ends."""

    name = "stream"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Choice:
        if not isinstance(value, str):
            chosen: Choice = value
            return chosen
        if value.isdecimal():
            return int(value)
        address, _, port = value.rpartition(":")
        try:
            number = int(port) if port.isdecimal() else -1
            if 0 <= number < 1 << 16:
                return str(ipaddress.ip_address(address.strip("[]"))), number
        except ValueError:
            pass
        self.fail(
            f"{value!r} is neither the id of a stream nor ADDRESS:PORT, such as 3, "
            "10.0.0.1:80 or [::1]:80"
        )


@click.command(
    cls=Command,
    epilog="""
        unpacket follow examples/sample.pcapng 0
        unpacket follow examples/sample.pcapng 192.0.2.2:80 --as hex
        unpacket follow examples/sample.pcapng 1 --as raw --direction server
        unpacket follow examples/sample.pcapng 1 --as json --preset wireshark
        unpacket follow - 0 --gap wait --max-held-bytes 64MiB < examples/sample.pcapng
    """,
)
@click.argument("capture")
@click.argument("choices", type=StreamChoice(), nargs=-1, metavar="[STREAM]...")
@click.option(
    "--as",
    "form",
    type=click.Choice(FORMS),
    default="utf8",
    show_default=True,
    help="utf8 and ascii: text, where what a terminal would act on is escaped; hex: "
    "rows with offsets; raw: the bytes alone; json: an object a line for each event.",
)
@click.option(
    "--direction",
    type=click.Choice([str(direction) for direction in Direction]),
    help="Only what this side sent.  [default: both]",
)
@click.option(
    "--remarks/--no-remarks",
    default=True,
    help="Tell of streams, gaps, conflicts and rejected segments, in lines of their "
    "own (with raw: gaps, conflicts and rejected segments, on stderr).  "
    "[default: remarks]",
)
@reading_options
@policy_options(deliver="acked")
def follow(
    capture: str,
    choices: tuple[Choice, ...],
    form: str,
    direction: str | None,
    remarks: bool,
    policy: Policy,
    color: Color,
    **reading: Any,
) -> int:
    """Print both sides of a conversation, in the order in which they spoke.

    CAPTURE is a pcap or pcapng file, or - for standard input. STREAM is the id of a
    stream (see `unpacket streams`) or ADDRESS:PORT of either end; without any it is
    all streams.

    With one id the stream is printed as it comes. Else each is printed whole when it
    closes, and until then kept in memory.

    Lines begin with > where the client speaks, with < where the server does, and with *
    where unpacket does: none of these is part of the stream.
    """
    if form == "raw" and is_terminal():
        raise click.UsageError(
            "raw bytes could take over the terminal: redirect them, or use --as utf8"
        )
    color_wanted = wants_color(color)

    def new_renderer() -> Renderer:
        return renderer(form, color=color_wanted, remarks=remarks)

    with session([capture], **reading) as (captures, output):
        printer = Printer(output, new_renderer, tell=form == "raw" and remarks)
        opened = 0
        for event in unpacket.events(captures, policy=policy):
            if isinstance(event, Opened):
                opened += 1
                if not choices or any(fits(event.stream, one) for one in choices):
                    printer.open(event.stream.id, at_once=is_one_id(choices))
            if (
                direction is None
                or str(getattr(event, "direction", direction)) == direction
            ):
                printer.take(event)
            if printer.printed and is_one_id(choices):
                break
        if not printer.printed:
            output.say(f"{capture}: {what_is_missing(choices, opened)}")
        return captures.finish() or (0 if printer.printed else NOTHING_FOUND)


class Printer:
    """Prints the streams that were opened with it.

    Attributes:
        printed: How many were printed to their end.
    """

    def __init__(
        self, output: Output, new_renderer: Callable[[], Renderer], *, tell: bool
    ) -> None:
        self.printed = 0
        self._output = output
        self._new_renderer = new_renderer
        self._tell = tell
        self._waiting: dict[int, list[Any]] = {}
        self._at_once: dict[int, Renderer] = {}

    def open(self, stream_id: int, *, at_once: bool) -> None:
        """Print the stream of that id, as it comes or whole when it closes."""
        if at_once:
            self._at_once[stream_id] = self._new_renderer()
        else:
            self._waiting[stream_id] = []

    def take(self, event: Any) -> None:
        stream_id = event.stream.id
        if stream_id in self._at_once:
            self._print(self._at_once[stream_id], event)
            self.printed += isinstance(event, Closed)
        elif stream_id in self._waiting:
            self._waiting[stream_id].append(event)
            if isinstance(event, Closed):
                self._print_whole(self._waiting.pop(stream_id))

    def _print_whole(self, events: list[Any]) -> None:
        rendering = self._new_renderer()
        if self.printed:
            self._output.write(rendering.separator)
        for event in events:
            self._print(rendering, event)
        self.printed += 1

    def _print(self, rendering: Renderer, event: Any) -> None:
        trouble = remark(event) if self._tell else None
        if trouble is not None:
            self._output.say(f"warning: stream {event.stream.id}: {trouble}")
        data = rendering.render(event)
        if data:
            self._output.write(data)


def fits(stream: Stream, choice: Choice) -> bool:
    """Return whether ``choice`` means the stream."""
    if isinstance(choice, int):
        return stream.id == choice
    return choice in (stream.client, stream.server)


def is_one_id(choices: tuple[Choice, ...]) -> bool:
    return len(choices) == 1 and isinstance(choices[0], int)


def what_is_missing(choices: tuple[Choice, ...], opened: int) -> str:
    """Return a sentence about why nothing was printed."""
    if not opened:
        return "no TCP streams"
    wanted = ", ".join(
        str(choice if isinstance(choice, int) else Endpoint(*choice))
        for choice in choices
    )
    return f"no stream {wanted}: there are 0 to {opened - 1}"
