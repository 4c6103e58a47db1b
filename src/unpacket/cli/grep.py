"""``unpacket grep``: where bytes occur in streams, across segments."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from unpacket import Direction, Policy, Stream
from unpacket.cli.listing import seconds
from unpacket.cli.live import CaptureArgument, live_options
from unpacket.cli.options import (
    CAPTURE,
    Command,
    keys_options,
    merge_option,
    reading_options,
)
from unpacket.cli.output import Color, Output, shown, wants_color
from unpacket.cli.policies import policy_options
from unpacket.cli.root import NOTHING_FOUND
from unpacket.cli.session import session
from unpacket.cli.values import Size
from unpacket.faces.reader import Reading
from unpacket.faces.search import (
    MAX_MATCH_BYTES,
    Match,
    Pattern,
    PatternError,
    Searcher,
    matches,
)

if TYPE_CHECKING:
    from unpacket.cli.inputs import Captures

# SGR parameters (ECMA-48): bold red.
MATCH_COLOR = "1;31"
SIDES = {"client": Direction.CLIENT, "server": Direction.SERVER}
ARROWS = {Direction.CLIENT: ">", Direction.SERVER: "<"}


@click.command(
    cls=Command,
    exit_codes={0: "a match was found", 1: "no match was found"},
    epilog=r"""
        unpacket grep -F 'HTTP/1.1 404' examples/sample.pcapng
        unpacket grep -F Host: examples/sample.pcapng -A 12 --direction client
        unpacket grep -F -c -i server examples/sample.pcapng
        unpacket grep -F GET examples/sample.pcapng -A 16 --json
    """,
)
@click.argument("pattern")
@click.argument(
    "captures",
    cls=CaptureArgument,
    metavar="CAPTURE...",
    type=CAPTURE,
    nargs=-1,
    required=True,
)
@click.option("-F", "--fixed", is_flag=True, help="PATTERN is plain text.")
@click.option(
    "--hex", "is_hex", is_flag=True, help="PATTERN is bytes in hex: 16 03 01."
)
@click.option(
    "-i", "--ignore-case", is_flag=True, help="Ignore the case of the letters a to z."
)
@click.option(
    "-c", "--count", is_flag=True, help="Print the number of matches of each stream."
)
@click.option(
    "-l",
    "--list",
    "only_ids",
    is_flag=True,
    help="Print only the ids of streams with matches.",
)
@click.option(
    "-A",
    "after",
    type=click.IntRange(0, 1 << 20),
    default=0,
    metavar="BYTES",
    help="Print this many bytes behind each match.",
)
@click.option(
    "-B",
    "before",
    type=click.IntRange(0, 1 << 20),
    default=0,
    metavar="BYTES",
    help="Print this many bytes before each match.",
)
@click.option(
    "--direction",
    type=click.Choice(tuple(SIDES)),
    help="Only what this side sent.",
)
@click.option(
    "--max-match",
    type=Size(optional=False),
    default=str(MAX_MATCH_BYTES),
    show_default=True,
    help="The greatest length of a match.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each match.")
@merge_option
@keys_options
@reading_options
@live_options()
@policy_options()
def grep(
    pattern: str,
    captures: tuple[str, ...],
    fixed: bool,
    is_hex: bool,
    ignore_case: bool,
    count: bool,
    only_ids: bool,
    after: int,
    before: int,
    direction: str | None,
    max_match: int,
    as_json: bool,
    policy: Policy,
    color: Color,
    **reading: Any,
) -> int:
    """Print where PATTERN occurs in the streams of captures.

    CAPTURE is a pcap or pcapng file, a URL, or - for standard input. Several captures,
    or a glob in quotes, are read as one, in the order of time.

    PATTERN is a regular expression of RE2 over bytes (with the extra grep), or plain
    text with -F. A match may lie in several segments, but never on both sides of a gap.
    Each line has the stream, the side that sent the match, its offset there, and the
    frame and the time of its first byte.
    """
    sought = pattern_of(pattern, fixed, is_hex, ignore_case, max_match)
    side = None if direction is None else SIDES[direction]
    searcher = Searcher(sought, direction=side, before=before, after=after)
    counts: Counter[Stream] = Counter()
    with session(captures, **reading) as (source, output):
        printed = printer(source, output, as_json, wants_color(color))
        for match in matches(searcher, Reading(source, policy=policy).events()):
            counts[match.stream] += 1
            if only_ids and counts[match.stream] == 1:
                output.write(f"{match.stream.id}\n".encode())
            elif not only_ids and not count:
                printed(match)
        if count and not only_ids:
            for stream, number in sorted(counts.items(), key=lambda item: item[0].id):
                ends = f"{stream.client} > {stream.server}"
                output.write(f"{stream.id}  {ends}  {number}\n".encode())
        return source.finish() or (0 if counts else NOTHING_FOUND)


def pattern_of(
    text: str, fixed: bool, is_hex: bool, ignore_case: bool, max_match: int
) -> Pattern:
    """Return what the command line asks for."""
    sought: bytes = text.encode("utf-8", "surrogateescape")
    if is_hex:
        try:
            sought = bytes.fromhex(text)
        except ValueError:
            raise click.UsageError(f"{text!r} is not hex, such as 16 03 01") from None
    try:
        return Pattern(
            sought,
            fixed=fixed or is_hex,
            ignore_case=ignore_case,
            max_match=max_match,
        )
    except PatternError as error:
        raise click.UsageError(str(error)) from None


def printer(source: Captures, output: Output, as_json: bool, color: bool) -> Any:
    """Return what prints a match."""

    def in_json(match: Match) -> None:
        line = json.dumps(to_dict(match), separators=(",", ":"))
        output.write(line.encode() + b"\n")

    def in_text(match: Match) -> None:
        stream = match.stream
        text = visible(match.data)
        if color:
            text = f"\x1b[{MATCH_COLOR}m{text}\x1b[0m"
        output.write(
            f"{stream.id} {ARROWS[match.direction]} {match.offset}  "
            f"frame {match.frame}  {seconds(match.time_ns - source.first_ns)}  "
            f"{visible(match.before)}{text}{visible(match.after)}\n".encode()
        )

    return in_json if as_json else in_text


def visible(octets: bytes) -> str:
    """Return bytes as text of one line; what would not show, as escapes."""
    return shown(octets.decode("utf-8", "surrogateescape"))


def to_dict(match: Match) -> dict[str, Any]:
    """Return what ``--json`` prints of a match."""
    found = {
        "stream": match.stream.id,
        "client": str(match.stream.client),
        "server": str(match.stream.server),
        "direction": str(match.direction),
        "offset": match.offset,
        "length": len(match.data),
        "frame": match.frame,
        "time_ns": match.time_ns,
        "text": visible(match.data),
        "hex": match.data.hex(),
    }
    if match.before:
        found["before_hex"] = match.before.hex()
    if match.after:
        found["after_hex"] = match.after.hex()
    return found
