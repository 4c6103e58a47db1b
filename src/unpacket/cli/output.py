"""Standard output as the commands use it: whole pieces, in time, or not at all."""

from __future__ import annotations

import os
import sys
from typing import BinaryIO, Literal, TypeAlias

import click

from unpacket.cli.progress import Progress
from unpacket.errors import SourceError

Color: TypeAlias = Literal["auto", "never", "always"]

STANDARD_OUTPUT = "standard output"
FLUSH_BYTES = 1 << 16


class ClosedPipeError(Exception):
    """Whoever read standard output has had enough (``| head``)."""


class Output:
    """Collects what is printed, and prints it at the latest before the next read.

    So that a pipe has each stream as soon as it closes, and a big file does not
    cost a system call a line.
    """

    def __init__(self, *, quiet: bool, progress: Progress | None) -> None:
        self._quiet = quiet
        self._progress = progress
        self._parts: list[bytes] = []
        self._bytes = 0
        if sys.stdout is None:
            raise SourceError(STANDARD_OUTPUT, "it is closed")
        self._file: BinaryIO = sys.stdout.buffer

    def write(self, data: bytes) -> None:
        self._parts.append(data)
        self._bytes += len(data)
        if self._bytes >= FLUSH_BYTES:
            self.flush()

    def say(self, sentence: str) -> None:
        """Print words on stderr, after what was printed before; not if quiet."""
        if not self._quiet:
            self.flush()
            self.clear_progress()
            click.echo(f"unpacket: {sentence}", err=True)

    def clear_progress(self) -> None:
        if self._progress is not None:
            self._progress.clear()

    def flush(self) -> None:
        """Print what was collected.

        Raises:
            ClosedPipeError: Nobody reads it any more.
            SourceError: It cannot be written.
        """
        if not self._parts:
            return
        data = b"".join(self._parts)
        self._parts.clear()
        self._bytes = 0
        self.clear_progress()
        try:
            self._file.write(data)
            self._file.flush()
        except BrokenPipeError:
            give_up_stdout()
            raise ClosedPipeError from None
        except OSError as error:
            give_up_stdout()
            reason = error.strerror or str(error)
            raise SourceError(STANDARD_OUTPUT, reason.lower()) from error


def give_up_stdout() -> None:
    """Let what is still buffered go nowhere, so that the interpreter ends quietly."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def is_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def wants_color(color: Color) -> bool:
    """Return whether to print colours (NO_COLOR: see no-color.org)."""
    if color != "auto":
        return color == "always"
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return is_terminal() and not plain
