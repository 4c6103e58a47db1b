"""``unpacket split``: a capture for each stream."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING, Any

import click

from unpacket import Policy, sources
from unpacket.cli.inputs import STANDARD_INPUT
from unpacket.cli.listing import counted
from unpacket.cli.options import (
    CAPTURE,
    Command,
    merge_option,
    reading_options,
    where_option,
)
from unpacket.cli.output import Color, is_terminal
from unpacket.cli.policies import policy_options
from unpacket.cli.root import NOTHING_FOUND
from unpacket.cli.session import nothing_found, session, tell_late
from unpacket.cli.values import Count
from unpacket.cli.writing import DIRECTORY, force_offered, force_option, name_option
from unpacket.errors import SourceError
from unpacket.records.spool import temporary_file_errors
from unpacket.sinks import split as library
from unpacket.sinks.extracted import prepare
from unpacket.tls.key_log import KeyFile

if TYPE_CHECKING:
    from unpacket.query.parser import Where

# Of so many kinds of frames that are left out it is printed how many there are.
NAMED_KINDS = 4


@click.command(
    cls=Command,
    exit_codes={
        0: "streams were written",
    },
    epilog="""
        unpacket split examples/sample.pcapng -o out
        unpacket split examples/sample.pcapng -o out --name 'stream-{id}.pcapng'
        unpacket split examples/sample.pcapng -o out --where 'gaps and port == 80'
        unpacket split examples/sample.pcapng --stream 1 | unpacket follow -
        unpacket split examples/sample.pcapng -qo x && unpacket streams 'x/*' --merge
        unpacket split - --stream 1 < examples/sample.pcapng | unpacket streams -
    """,
)
@click.argument("captures", metavar="CAPTURE...", type=CAPTURE, nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    "directory",
    metavar="DIR",
    type=DIRECTORY,
    help="The directory for the files; it is created if necessary.",
)
@click.option(
    "--stream",
    "only",
    metavar="ID",
    type=Count(optional=False),
    help="Only the stream of this id; without -o it goes to standard output.",
)
@name_option(library.NAME)
@click.option(
    "--keys",
    type=click.Path(dir_okay=False, readable=False),
    metavar="FILE",
    multiple=True,
    help="Put into each file the secrets of this key log (SSLKEYLOGFILE) that its "
    "TLS needs, beside those that the capture has itself; there may be several.",
)
@force_option
@where_option
@merge_option
@reading_options
@policy_options()
def split(
    captures: tuple[str, ...],
    directory: str | None,
    only: int | None,
    name: str,
    keys: tuple[str, ...],
    force: bool,
    where: Where | None,
    policy: Policy,
    color: Color,
    **reading: Any,
) -> int:
    """Write a capture for each stream, with comments on what was found.

    CAPTURE is a pcap or pcapng file, a URL, or - for standard input. Several captures,
    or a glob in quotes, are read as one, in the order of time.

    Each is a pcapng file with all frames of the stream as they were captured, also
    those that were rejected, that came late, or that carry no data. Comments, which
    Wireshark shows, describe the stream, and at frames what was missing before them,
    in conflict, or rejected. Comments of the capture, the names of the hosts, and the
    keys of the stream's TLS are kept.

    The captures are read twice, so standard input waits in a temporary file.
    """
    if directory is None and only is None:
        raise click.UsageError("give -o DIR for all streams, or --stream ID for one")
    if directory is None and is_terminal():
        raise click.UsageError(
            "a capture cannot be shown on a terminal: redirect it, or give -o DIR"
        )
    if directory is not None:
        with force_offered(force):
            prepare(directory, force=force)
    key_log = b"".join(KeyFile(path).fresh() + b"\n" for path in keys)
    with files_of(captures) as paths:
        with session(paths, **reading) as (first, output):
            findings = library.find(
                first,
                policy=policy,
                where=where,
                ended_early=lambda: first.ended_early,
                notes=first.notes,
                key_log=key_log,
            )
            tell_late(output, findings.late)
        # The first reading has reported damage.
        reading |= {"quiet": True, "strict": False}
        with session(paths, **reading) as (again, quiet):
            pieces = library.parts(
                again, findings, only=only, interfaces=lambda: again.interfaces
            )
            files = size = 0
            if directory is None:
                for _, data, last in pieces:
                    quiet.write(bytes(data))
                    files += last
            elif findings.streams:
                files, size = library.write(
                    directory, pieces, findings, name=name, force=force
                )
        if again.ended_early:
            wanted = len(findings.streams) if only is None else 1
            output.say(f"interrupted: {files} of {counted(wanted, 'file')} written")
        elif not findings.seen:
            output.say(nothing_found(first, captures))
        elif not files and (only is None or only < findings.seen):
            output.say(f"no such stream passes --where in {', '.join(captures)}")
        elif not files:
            last_id = findings.seen - 1
            output.say(
                f"no stream {only} in {', '.join(captures)}: it has 0 to {last_id}"
            )
        elif directory is not None:
            made = f"{counted(files, 'file')}, {counted(size, 'byte')}"
            output.say(f"{made}, in {directory}")
        if findings.left_out and findings.seen:
            output.say(left_out(findings))
        return first.finish() or again.finish() or (0 if files else NOTHING_FOUND)


@contextmanager
def files_of(captures: Sequence[str]) -> Iterator[list[str]]:
    """Give the captures as files, which can be read twice.

    What can be read only once, standard input or a pipe, is kept meanwhile.

    Raises:
        SourceError: One cannot be read, or was changed between the two readings.
    """
    with ExitStack() as kept:
        paths = []
        stamps = {}
        for path in captures:
            if sources.can_be_read_again(path):
                paths.append(path)
                stamps[path] = stamp(path)
                continue
            file = kept.enter_context(tempfile.NamedTemporaryFile(prefix="unpacket-"))
            with temporary_file_errors():
                copy(path, file)
                file.flush()
            paths.append(file.name)
        yield paths
        for path, before in stamps.items():
            if stamp(path) != before:
                raise SourceError(path, "it was changed between its two readings")


def stamp(path: str) -> tuple[int, int, int] | None:
    """Return what changes when a file does; None for a URL or a glob."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def copy(path: str, file: IO[bytes]) -> None:
    """Write all that can be read of standard input, or of a pipe."""
    if path == STANDARD_INPUT:
        shutil.copyfileobj(sys.stdin.buffer, file)
        return
    try:
        with open(path, "rb") as pipe:
            shutil.copyfileobj(pipe, file)
    except OSError as error:
        raise SourceError(path, (error.strerror or str(error)).lower()) from error


def left_out(findings: library.Findings) -> str:
    """Return how many frames are in no part, and what they are."""
    frames = counted(findings.left_out, "frame")
    reasons = sorted(findings.why_left_out.items(), key=lambda item: -item[1])
    kinds = ", ".join(f"{count} {why}" for why, count in reasons[:NAMED_KINDS])
    more = len(reasons) - NAMED_KINDS
    rest = f" and {more} more kinds" if more > 0 else ""
    notes = ""
    if findings.notes is not None and findings.notes.left_out:
        notes = f"; {counted(findings.notes.left_out, 'block')} of keys too"
    return f"{frames} of no TCP stream left out: {kinds}{rest}{notes}"
