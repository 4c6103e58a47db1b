"""``unpacket extract``: all streams to files."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from unpacket import Policy
from unpacket.cli.inputs import Captures
from unpacket.cli.listing import counted
from unpacket.cli.live import CaptureArgument, live_options
from unpacket.cli.options import (
    CAPTURE,
    Command,
    keys_options,
    merge_option,
    reading_options,
    where_option,
)
from unpacket.cli.output import Color
from unpacket.cli.policies import policy_options
from unpacket.cli.root import NOTHING_FOUND
from unpacket.cli.session import nothing_found, session, tell_late
from unpacket.cli.writing import DIRECTORY, force_offered, force_option, name_option
from unpacket.faces.iterate import happening
from unpacket.faces.reader import Reading
from unpacket.sinks.extract import GAPS, Extractor, Gaps
from unpacket.sinks.extracted import INDEX
from unpacket.sinks.names import TCPFLOW
from unpacket.sinks.render.follow import FORMS

if TYPE_CHECKING:
    from unpacket.query.parser import Where

# What files have where bytes are missing.
IN_PLACE: dict[Gaps, str] = {
    "nothing": "what lies around stands side by side, see --gaps",
    "zeros": "zeros in their place",
    "marker": "a line in their place",
}

# For so long after a signal the streams that had not ended are written: of a million of
# them all would take minutes.
ENDING_S = 2.0
# Lists of events are looked at one by one, events after so many.
LISTS = 1
EVENTS = 1024


@click.command(
    cls=Command,
    exit_codes={
        0: "streams were written",
    },
    epilog="""
        unpacket extract examples/sample.pcapng -o out
        unpacket extract examples/sample.pcapng -o out --name '{id:04}/{side}'
        unpacket extract examples/sample.pcapng -o out --conversation hex --gaps zeros
        unpacket extract examples/sample.pcapng -o out --bpf 'host 192.0.2.1'
        unpacket extract examples/sample.pcapng -o out --where 'gaps or not complete'
        unpacket extract 'examples/*.pcapng' --merge -o out
        unpacket extract examples/sample.pcapng -o out && head -n 1 out/index.jsonl
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
@click.option(
    "-o",
    "--output",
    "directory",
    metavar="DIR",
    type=DIRECTORY,
    required=True,
    help="The directory for the files; it is created if necessary.",
)
@name_option(TCPFLOW)
@click.option(
    "--gaps",
    type=click.Choice(GAPS),
    default="nothing",
    show_default=True,
    help="What to write where bytes are missing: nothing, zeros (holes, which take no "
    "room on most disks) or a marker, a line of text.",
)
@click.option(
    "--conversation",
    metavar="FORM",
    type=click.Choice(FORMS),
    help="Also write both sides of each stream to NAME.conversation, in a form of "
    "`follow --as`.",
)
@click.option(
    "--frames",
    is_flag=True,
    help="Also write NAME.frames for each file. It has offset, length, frame number "
    "and time in nanoseconds of each piece.",
)
@click.option(
    "--digest/--no-digest",
    default=True,
    help="Put the SHA-256 of the bytes of each side, without gaps, into the index.  "
    "[default: yes]",
)
@force_option
@where_option
@merge_option
@keys_options
@reading_options
@live_options("-i")
@policy_options()
def extract(
    captures: tuple[str, ...],
    directory: str,
    name: str,
    gaps: Gaps,
    conversation: str | None,
    frames: bool,
    digest: bool,
    force: bool,
    where: Where | None,
    policy: Policy,
    color: Color,
    **opening: Any,
) -> int:
    """Write every stream of captures to files, in one pass.

    CAPTURE is a pcap or pcapng file, a URL, or - for standard input. Several captures,
    or a glob in quotes, are read as one, in the order of time.

    What each side sent becomes a file with a name as in tcpflow. Its modification time
    is that of the first packet of the stream. DIR/index.jsonl has a line for each
    stream, as `unpacket streams --json` prints it, with the names of its files.

    Neither memory nor the number of open files grows with the number of streams.
    With --where, only streams that pass are written, and are in the index.
    """
    chosen = click.get_current_context().params
    if conversation is not None and not (chosen["preset"] or chosen["deliver"]):
        # As `follow` has it: what was acknowledged, so that requests come first.
        policy = policy.replace(deliver="acked")
    with session(captures, **opening) as (source, output):
        with force_offered(force):
            extractor = Extractor(
                directory,
                name=name,
                gaps=gaps,
                conversation=conversation,
                frames=frames,
                digest=digest,
                force=force,
                where=where,
                first_ns=lambda: source.first_ns,
            )
        with extractor:
            reading = Reading(source, policy=policy, gatherer=extractor.gatherer)
            if where is None:
                extractor.take_lists(in_time(reading.lists(), source, LISTS))
            else:
                events = happening(reading, where)
                extractor.take_all(in_time(events, source, EVENTS))
        if extractor.streams:
            output.say(
                f"{counted(extractor.streams, 'stream')} in "
                f"{counted(extractor.files, 'file')}, "
                f"{counted(extractor.written_bytes, 'byte')}; "
                f"{gaps_left(extractor, gaps)}see {os.path.join(directory, INDEX)}"
            )
        else:
            filtered = where is not None
            output.say(nothing_found(source, captures, filtered=filtered))
        if source.ended_early:
            living = [one for one in reading.assembler.streams if not one.close_reason]
            if living:
                output.say(
                    f"interrupted: {counted(len(living), 'stream')} that had not ended "
                    "left out"
                )
        tell_late(output, reading.assembler.late)
        return source.finish() or (0 if extractor.streams else NOTHING_FOUND)


def in_time(items: Iterator[Any], source: Captures, every: int) -> Iterator[Any]:
    """Give items; once a signal has ended the reading, no longer than some seconds.

    Args:
        every: After how many items to look at the clock.
    """
    deadline_s = 0.0
    for count, item in enumerate(items):
        yield item
        if source.ended_early and count % every == 0:
            now_s = time.monotonic()
            deadline_s = deadline_s or now_s + ENDING_S
            if now_s > deadline_s:
                return


def gaps_left(extractor: Extractor, gaps: Gaps) -> str:
    """Return how much is missing, and what the files have in its place."""
    if not extractor.missing.gaps:
        return ""
    found = counted(extractor.missing.gaps, "gap")
    missing = counted(extractor.missing.missing_bytes, "byte")
    return f"{found} ({missing} missing; {IN_PLACE[gaps]}); "
