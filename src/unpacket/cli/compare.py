"""``unpacket compare``: what other programs make of a capture, and why not the same."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from unpacket import Policy, sources
from unpacket.cli.check import painter
from unpacket.cli.check_answers import hex_row
from unpacket.cli.listing import counted
from unpacket.cli.options import CAPTURE, Command, reading_options, where_option
from unpacket.cli.output import Color, shown, wants_color
from unpacket.cli.policies import policy_options
from unpacket.cli.root import NOTHING_FOUND
from unpacket.cli.session import session
from unpacket.cli.values import Count, Duration, ParamType, Size
from unpacket.compare.comparison import RULES, Comparison, Opinion
from unpacket.compare.comparison import compare as compare_capture
from unpacket.compare.explain import Difference
from unpacket.compare.tools.json_driver import Driver
from unpacket.compare.tools.programs import (
    TOOLS,
    USUAL_TOOLS,
    Limits,
    Tool,
    filtered_copy,
    plain_copy,
)
from unpacket.errors import SourceError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from unpacket.query.parser import Where

DIFFERENT = 1
# SGR parameters (ECMA-48): bold red, green.
DIFFERENT_COLOR = "1;31"
SAME_COLOR = "32"
ROW_BYTES = 16
SHOWN_FRAMES = 8
USUAL = Limits()


class ToolChoice(ParamType):
    """A program that is known here, or one that says what it makes of a capture."""

    name = "tool"
    names = tuple(tool.name for tool in TOOLS)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Tool:
        name, given, command = value.partition("=")
        if not given:
            for tool in TOOLS:
                if tool.name == name:
                    return tool
            known = ", ".join(self.names)
            self.fail(f"{value!r} is neither one of {known} nor NAME=COMMAND")
        if not re.fullmatch(r"[\w.+-]+", name):
            self.fail(f"{name!r} is not a name such as libtins")
        try:
            return Driver(name, command)
        except ValueError as error:
            self.fail(f"{value!r}: {error}")

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        names = [name for name in self.names if name.startswith(incomplete)]
        return [CompletionItem(name) for name in names]


@click.command(
    cls=Command,
    exit_codes={
        0: "all agree",
        1: "there are differences, or no streams to compare",
        2: "an error, for example if no such program is installed",
    },
    epilog="""
        unpacket compare examples/sample.pcapng || echo "there are differences"
        unpacket compare examples/sample.pcapng --where 'not gaps' --tool tshark
        unpacket compare examples/*.pcapng --tool 'own=python examples/drivers/own.py'
        unpacket compare examples/sample.pcapng --json | grep -o '"rule":"[a-z_]*"'
    """,
)
@click.argument("captures", metavar="CAPTURE...", type=CAPTURE, nargs=-1, required=True)
@click.option(
    "--tool",
    "chosen",
    type=ToolChoice(),
    multiple=True,
    metavar="NAME[=COMMAND]",
    help="Compare only with this program: tshark, tcpflow, scapy (slow), or any that "
    "prints streams as lines of JSON when COMMAND is run with the path of a capture. "
    "May be given several times.  [default: tshark and tcpflow, if they are "
    "installed]",
)
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object for each capture."
)
@click.option(
    "--max-streams",
    type=Count(optional=False),
    default=str(USUAL.streams),
    show_default=True,
    help="How many streams of each capture to compare.",
)
@click.option(
    "--timeout",
    type=Duration(optional=False),
    default=f"{USUAL.seconds:g}s",
    show_default=True,
    help="How long one run of a program may take.",
)
@click.option(
    "--max-output",
    type=Size(optional=False),
    default="1GiB",
    show_default=True,
    help="How large the output of a program, or a decompressed capture, may be.",
)
@where_option
@reading_options
@policy_options()
def compare(
    captures: tuple[str, ...],
    chosen: tuple[Tool, ...],
    as_json: bool,
    max_streams: int,
    timeout: float,
    max_output: int,
    where: Where | None,
    policy: Policy,
    color: Color,
    **reading: Any,
) -> int:
    """Compare with other programs, and explain the differences.

    CAPTURE is a pcap or pcapng file, or - for standard input. Each is compared by
    itself. tshark (its "follow") and tcpflow run if they are installed, and scapy
    (TCPSession) or a program of your own if you name it. They run without a shell and
    without your settings of them. Every difference is reported: which bytes, which
    frames, by which rule. docs/cli.md describes the output of a program of your own.
    """
    limits = Limits(seconds=timeout, file_bytes=max_output, streams=max_streams)
    tools = list(dict.fromkeys(chosen)) or USUAL_TOOLS
    installed = [tool for tool in tools if tool.path() is not None]
    if not installed:
        wanted = ", ".join(tool.name for tool in tools)
        reason = "not installed, so there is nothing to compare with"
        raise SourceError(wanted, reason)
    paint = painter(wants_color(color))
    code = 0
    for capture in sources.expanded(list(captures)):
        with TemporaryDirectory(prefix="unpacket-") as name:
            path = plain_copy(capture, Path(name), limits)
            ours = capture if sources.can_be_read_again(capture) else path
            others = None
            if reading["bpf"] is not None:
                # Damage is reported when the streams are read.
                with session([ours], **reading | {"quiet": True}) as (source, _):
                    others = filtered_copy(source, Path(name), limits)
            with session([ours], **reading) as (source, output):
                source.ends_at_once = True
                found = compare_capture(
                    source,
                    path,
                    tools=installed,
                    policy=policy,
                    where=where,
                    limits=limits,
                    others=others,
                )
                if as_json:
                    line = json.dumps(record(capture, found), separators=(",", ":"))
                    output.write(line.encode() + b"\n")
                else:
                    lines = [heading(capture, found)]
                    for opinion in found.opinions:
                        lines += opinion_lines(opinion, paint)
                    output.write("".join(f"{line}\n" for line in lines).encode())
                if not found.streams:
                    which = source.sought if where is None else "stream passes --where"
                    output.say(f"no {which} in {capture}")
                if not found.complete and where is None:
                    first = f"the first {limits.streams} streams"
                    output.say(f"only {first} were compared (see --max-streams)")
                code = max(code, source.finish() or code_of(found))
    return code


def code_of(found: Comparison) -> int:
    """Return the exit code that a comparison asks for."""
    if all(opinion.error for opinion in found.opinions):
        return 2
    if not found.streams:
        return NOTHING_FOUND
    return DIFFERENT if any(one.differences for one in found.opinions) else 0


def record(capture: str, found: Comparison) -> dict[str, Any]:
    """Return what ``--json`` prints of a capture."""
    return {
        "capture": capture,
        "streams": found.streams,
        "directions": found.directions,
        "complete": found.complete,
        "opinions": [opinion.to_dict() for opinion in found.opinions],
    }


def heading(capture: str, found: Comparison) -> str:
    streams = counted(found.streams, "stream")
    directions = counted(found.directions, "direction")
    return f"{shown(capture)}: {streams}, {directions} with payload"


def opinion_lines(opinion: Opinion, paint: Callable[[str, str], str]) -> Iterator[str]:
    """Give what is said of a program."""
    name = f"{opinion.tool} {opinion.version}".strip()
    if opinion.error:
        yield paint(f"{name}: no opinion: {opinion.error}", DIFFERENT_COLOR)
        return
    if not opinion.differences:
        yield paint(f"{name}: agrees", SAME_COLOR)
        return
    count = counted(len(opinion.differences), "difference")
    places = {(one.source, one.target, one.stream) for one in opinion.differences}
    concerned = f"in {counted(len(places), 'direction')}"
    yield paint(f"{name}: {count} {concerned}", DIFFERENT_COLOR)
    told: Counter[tuple[Any, ...]] = Counter()
    for one in opinion.differences:
        told[kind_of(one)] += 1
        if told[kind_of(one)] == 1:
            yield from difference_lines(one)
    for kind, number in told.items():
        if number > 1:
            stream, direction, rule = kind
            yield f"  {rule}: {number - 1} more in stream {stream} {direction}"


def kind_of(one: Difference) -> tuple[Any, ...]:
    """Return what the differences have in common of which one is shown."""
    return one.stream, one.direction, one.rule


def difference_lines(one: Difference) -> Iterator[str]:
    """Give what is said of a difference."""
    which = "a stream" if one.stream is None else f"stream {one.stream}"
    side = "" if one.direction is None else f" {one.direction}"
    where = f"{counted(one.length, 'byte')} at offset {one.offset}"
    if one.offset < 0:
        where = f"{counted(one.length, 'byte')} before offset 0"
    yield f"  {which}{side} ({one.source} > {one.target}), {where}"
    detail = f" ({one.detail})" if one.detail else ""
    yield f"      {one.rule}: {RULES[one.rule]}{detail}"
    if one.frames:
        shown = ", ".join(str(frame) for frame in one.frames[:SHOWN_FRAMES])
        more = len(one.frames) - SHOWN_FRAMES
        rest = f" and {more} more" if more > 0 else ""
        yield f"      in frame {shown}{rest}"
    for who, octets in (("ours", one.ours or b""), ("theirs", one.theirs or b"")):
        if not octets.strip(b"\0"):
            continue
        for at in range(0, len(octets), ROW_BYTES):
            row = hex_row(octets[at : at + ROW_BYTES])
            yield f"      {who if at == 0 else '':<6}  {row}"
