"""What a command has at hand while it runs: its captures and its output."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from unpacket.cli.inputs import Captures
from unpacket.cli.listing import counted
from unpacket.cli.output import Output
from unpacket.cli.progress import Progress, wants_progress
from unpacket.errors import UnpacketError

if TYPE_CHECKING:
    from unpacket.cli.live import LiveSettings
    from unpacket.cli.pager import Command
    from unpacket.sources.bpf.filter import Bpf
    from unpacket.tls.decryption import Decryption


# Of so many it is printed how much came after their end.
NAMED_STREAMS = 3


def nothing_found(
    captures: Captures, names: Sequence[str], *, filtered: bool = False
) -> str:
    """Return the sentence for a command that found no stream in the captures."""
    named = ", ".join(names)
    if filtered:
        return f"no stream passes --where in {named}"
    if captures.is_filtered:
        return f"no {captures.sought} in {named}"
    if not captures.frames:
        return f"no TCP streams in {named}: no frames at all"
    frames = counted(captures.frames, "frame")
    return (
        f"no TCP streams in {named}: {frames} without any; `unpacket check` says what "
        "they are"
    )


def tell_late(output: Output, late: Mapping[int, tuple[int, int]]) -> None:
    """Print how much payload came after the end of streams that were reported.

    Args:
        late: As ``Assembler.late`` has it.
    """
    if not late:
        return
    total = counted(sum(count for count, _ in late.values()), "byte")
    named = [
        f"stream {number}: {counted(count, 'byte')}, from frame {frame} on"
        for number, (count, frame) in sorted(late.items())[:NAMED_STREAMS]
    ]
    more = len(late) - len(named)
    rest = f"; and {more} more" if more else ""
    output.say(
        f"warning: {total} came after the end of a stream, and are in no stream: "
        f"{'; '.join(named)}{rest}"
    )


def say_undecrypted(output: Output, decryption: Decryption) -> None:
    """Print why streams were not decrypted."""
    from unpacket.tls.decryption import explained

    for sentence in explained(decryption, NAMED_STREAMS):
        output.say(sentence)


@contextmanager
def session(
    paths: Sequence[str],
    *,
    strict: bool,
    quiet: bool,
    progress: bool | None,
    jobs: int | None,
    bpf: Bpf | None = None,
    pager: Command | None = None,
    merge: bool = False,
    live: LiveSettings | None = None,
    keys: tuple[str, ...] = (),
    decrypt: bool = False,
) -> Iterator[tuple[Captures, Output]]:
    """Open the captures and the output of a command, and end both.

    Args:
        keys: Key logs for the TLS of the streams.
        decrypt: Whether to decrypt it though there are none, with what captures have.

    Raises:
        SourceError, FormatError: A capture cannot be read, or output not written.
        MissingCiphers: Nothing can be decrypted here.
        ClosedPipeError: Nobody reads the output any more.
        SinkError: The pager cannot be run.
    """
    decryption = None
    if keys or decrypt:
        # For those who have keys.
        from unpacket.tls.decryption import Decryption

        decryption = Decryption(keys)
    drawn = wants_progress(False if quiet or pager is not None else progress)
    bar = Progress(sys.stderr) if drawn else None
    output = Output(quiet=quiet, progress=bar, pager=pager)
    captures = Captures(
        paths,
        merge=merge,
        strict=strict,
        before_read=output.flush,
        progress=(lambda read, total: None) if bar is None else bar.update,
        say=output.say,
        bpf=bpf,
        live=live,
    )
    captures.jobs = jobs
    captures.decryption = decryption
    try:
        with captures:
            try:
                yield captures, output
            except UnpacketError:
                # What was found before the trouble counts, whenever that is reported.
                output.flush()
                raise
            output.flush()
            if decryption is not None:
                say_undecrypted(output, decryption)
    finally:
        output.clear_progress()
        output.close()
