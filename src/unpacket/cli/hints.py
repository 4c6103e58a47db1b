"""What helps somebody who typed what others take, or gave what is no capture."""

from __future__ import annotations

import os

import click

from unpacket.errors import FormatError, SourceError

WHAT_IS_READ = "unpacket reads pcap, pcapng and snoop, compressed or not"

# Options of tcpdump, tshark and others, and what does the same here.
FOREIGN_OPTIONS = {
    "-r": "captures are arguments: unpacket streams FILE",
    "-s": "frames are cut when they are captured, by tcpdump -s; what is cut is shown "
    "as a gap",
    "-n": "addresses and ports are always numbers",
    "-w": "extract and split write files: -o DIR",
    "-f": "a filter of packets is --bpf, one of streams --where",
    "-Y": "a filter of streams is --where, one of packets --bpf",
}
ZIP_MAGIC = b"PK\x03\x04"
TAR_MAGIC, TAR_MAGIC_AT = b"ustar", 257
ARCHIVE_SUFFIXES = (".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.zst", ".tar.bz2")


def with_hint(error: click.ClickException) -> click.ClickException:
    """Return an error with what does the same here, if it is of an unknown option."""
    if isinstance(error, click.NoSuchOption):
        hint = FOREIGN_OPTIONS.get(error.option_name)
        if hint is not None:
            message = f"{error.format_message().rstrip('.')}; {hint}"
            return click.UsageError(message, ctx=error.ctx)
    return error


def add_source_hint(error: SourceError) -> None:
    """Add a note on what helps with a source that cannot be read."""
    path = os.fspath(error.path)
    if isinstance(error, FormatError):
        error.add_note(archive_hint(path) or WHAT_IS_READ)
    elif os.path.isdir(path):
        error.add_note(f"its files: {os.path.join(path, '*')}")


def archive_hint(path: str) -> str:
    """Return how to read a capture that is in an archive, or nothing."""
    try:
        with open(path, "rb") as file:
            head = file.read(TAR_MAGIC_AT + len(TAR_MAGIC))
    except (OSError, ValueError):
        return ""
    if head.startswith(ZIP_MAGIC):
        return f"it is a zip archive: unzip -p {path} NAME | unpacket streams -"
    if head[TAR_MAGIC_AT:] == TAR_MAGIC or path.lower().endswith(ARCHIVE_SUFFIXES):
        return f"it is a tar archive: tar -xOf {path} NAME | unpacket streams -"
    return ""
