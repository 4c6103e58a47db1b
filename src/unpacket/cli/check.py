"""``unpacket check``: whether a capture can be trusted, and what speaks against it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from unpacket import Policy
from unpacket.cli.check_answers import answers
from unpacket.cli.inputs import STANDARD_INPUT, Captures
from unpacket.cli.listing import counted
from unpacket.cli.live import CaptureArgument, live_options
from unpacket.cli.options import (
    CAPTURE,
    Command,
    merge_option,
    reading_options,
    where_option,
)
from unpacket.cli.output import Color, shown, wants_color
from unpacket.cli.policies import policy_options
from unpacket.cli.root import NOTHING_FOUND
from unpacket.cli.session import session
from unpacket.integrity.checker import EXAMPLES
from unpacket.integrity.checker import check as check_source
from unpacket.integrity.report import Report

if TYPE_CHECKING:
    from unpacket.query.parser import Where

SOMETHING_WRONG = 1
# SGR parameters (ECMA-48): bold red, green.
WRONG_COLOR = "1;31"
FINE_COLOR = "32"


@click.command(
    cls=Command,
    exit_codes={
        0: "all is well",
        1: "something is wrong, or there are no TCP streams",
    },
    epilog="""
        unpacket check examples/sample.pcapng || echo "something is wrong"
        unpacket check 'examples/*.pcapng' --merge || echo "something is wrong"
        unpacket check examples/sample.pcapng --where 'not gaps' || true
        unpacket check examples/sample.pcapng --bpf 'net 2001:db8::/32' || true
        unpacket check examples/sample.pcapng --channel interface || true
        unpacket check examples/sample.pcapng --json | grep -o '"wrong":[^]]*]'
    """,
)
@click.argument(
    "captures",
    cls=CaptureArgument,
    metavar="CAPTURE...",
    type=CAPTURE,
    nargs=-1,
    required=True,
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, in one line.")
@click.option(
    "--examples",
    type=click.IntRange(0, 1000),
    default=EXAMPLES,
    show_default=True,
    help="How many examples to show of each kind of trouble.",
)
@click.option(
    "--policies/--no-policies",
    default=True,
    help="If there are conflicts, read the captures once more, to see which overlap "
    "policies would have produced other streams.  [default: policies]",
)
@where_option
@merge_option
@reading_options
@live_options("-i")
@policy_options()
def check(
    captures: tuple[str, ...],
    as_json: bool,
    examples: int,
    policies: bool,
    where: Where | None,
    policy: Policy,
    color: Color,
    **reading: Any,
) -> int:
    """Check whether captures can be trusted, and what is wrong with them.

    CAPTURE is a pcap or pcapng file, a URL, or - for standard input. Several captures,
    or a glob in quotes, are read as one, in the order of time.

    Each line answers one question: which acknowledged bytes are missing, what else is
    missing, which segments were rejected, which payload is in no stream, which bytes
    were seen in two versions, whether another overlap policy would have kept the
    others, which packets came twice though they were sent once, whether checksums are
    damaged or were left to a network card, whether the clock went back, and which
    frames could not be used. A line that begins with ! reports something wrong.
    """

    codes: list[int] = []

    @contextmanager
    def again() -> Iterator[Captures]:
        with Captures(captures, merge=reading["merge"], bpf=reading["bpf"]) as source:
            yield source
            codes.append(source.finish())

    seekable = STANDARD_INPUT not in captures
    with session(captures, **reading) as (source, output):
        report = check_source(
            source,
            policy=policy,
            where=where,
            examples=examples,
            policies=policies,
            again=again if seekable and source.total_bytes is not None else None,
        )
        if as_json:
            line = json.dumps(report.to_dict(), separators=(",", ":"))
            output.write(line.encode() + b"\n")
        else:
            paint = painter(wants_color(color))
            lines = [heading(report, captures), *report_lines(report, paint)]
            output.write("".join(f"{line}\n" for line in lines).encode())
        if not report.streams:
            which = source.sought if where is None else "stream passes --where"
            output.say(f"no {which} in {', '.join(captures)}")
            return source.finish() or NOTHING_FOUND
        return max([source.finish(), *codes]) or (0 if report.ok else SOMETHING_WRONG)


def painter(color: bool) -> Callable[[str, str], str]:
    """Return a function that gives text a colour, or leaves it."""
    if not color:
        return lambda text, parameters: text
    return lambda text, parameters: f"\x1b[{parameters}m{text}\x1b[0m"


def heading(report: Report, captures: Sequence[str]) -> str:
    """Return the line that says what was read."""
    read = [
        f"{counted(report.frames, 'frame')} "
        f"in {abs(report.last_ns - report.first_ns) / 1e9:.3f} s",
        counted(report.segments, "TCP segment"),
        counted(report.streams, "stream"),
        counted(report.delivered_bytes, "byte"),
    ]
    return f"{shown(', '.join(captures))}: {', '.join(read)}"


def report_lines(report: Report, paint: Callable[[str, str], str]) -> Iterator[str]:
    """Give a line for each question, and what belongs to it below."""
    wrong = set(report.wrong)
    for name, answer, details in answers(report):
        if not report.streams and name not in (
            "interrupted",
            "damage",
            "drops",
            "frames",
        ):
            continue
        bad = name in wrong
        mark = "!" if bad else " "
        title = f"{mark} {name.replace('_', ' '):<10}"
        yield paint(title, WRONG_COLOR if bad else FINE_COLOR) + f"  {answer}"
        for line in details:
            yield f"{'':14}{line}".rstrip()
    if not report.streams:
        yield "nothing to judge"
    elif report.ok:
        yield paint("all is well", FINE_COLOR)
    else:
        names = ", ".join(name.replace("_", " ") for name in report.wrong)
        yield paint(f"something is wrong: {names}", WRONG_COLOR)
