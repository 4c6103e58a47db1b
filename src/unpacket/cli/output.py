"""Standard output as the commands use it: whole pieces, in time, or not at all."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING, Literal, TypeAlias

import click

from unpacket.cli.progress import Progress
from unpacket.errors import SourceError

if TYPE_CHECKING:
    from unpacket.cli.pager import Command, Pager

Color: TypeAlias = Literal["auto", "never", "always"]

STANDARD_OUTPUT = "standard output"
FLUSH_BYTES = 1 << 16


class ClosedPipeError(Exception):
    """Whoever read standard output has had enough (``| head``)."""


class Output:
    """Collects what is printed, and prints it at the latest before the next read.

    So that a pipe has each stream as soon as it closes, and a big file does not
    cost a system call a line.

    Args:
        quiet: Whether to print no words on stderr.
        pager: What to print through; it is started when there is something to print.
    """

    def __init__(
        self,
        *,
        quiet: bool,
        progress: Progress | None,
        pager: Command | None = None,
    ) -> None:
        self._quiet = quiet
        self._progress = progress
        self._pager_command = pager
        self._pager: Pager | None = None
        self._untold: list[str] = []
        self._parts: list[bytes] = []
        self._bytes = 0
        if sys.stdout is None:
            raise SourceError(STANDARD_OUTPUT, "it is closed")
        self._file: IO[bytes] = sys.stdout.buffer

    def write(self, data: bytes) -> None:
        if not data:
            return
        self._parts.append(data)
        self._bytes += len(data)
        if self._bytes >= FLUSH_BYTES:
            self.flush()

    def say(self, sentence: str) -> None:
        """Print words on stderr, after what was printed before; not if quiet."""
        if not self._quiet:
            self.flush()
            self.clear_progress()
            if self._pager_command is not None and is_terminal():
                # The pager has it, now or soon.
                self._untold.append(sentence)
            else:
                click.echo(f"unpacket: {shown(sentence)}", err=True)

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
        if self._pager_command is not None and self._pager is None:
            from unpacket.cli.pager import Pager

            self._pager = Pager(self._pager_command)
            self._file = self._pager.pipe
        try:
            self._file.write(data)
            self._file.flush()
        except BrokenPipeError:
            if self._pager is None:
                give_up_stdout()
            raise ClosedPipeError from None
        except OSError as error:
            if self._pager is None:
                give_up_stdout()
            reason = error.strerror or str(error)
            raise SourceError(STANDARD_OUTPUT, reason.lower()) from error

    def close(self) -> None:
        """Wait for the pager, if there is one, and print what waited for its end.

        Raises:
            SinkError: It could not be run.
        """
        pager, self._pager = self._pager, None
        try:
            if pager is not None:
                pager.close()
        finally:
            for sentence in self._untold:
                click.echo(f"unpacket: {shown(sentence)}", err=True)


def shown(text: str) -> str:
    """Return a text of one line such that nothing of it acts on a terminal.

    Names of files may have any byte: those that are no text, or would not show, are
    written as escapes.
    """
    if text.isprintable():
        return text
    return "".join(map(shown_character, text))


def shown_character(character: str) -> str:
    """Return one character, or what stands for it; see ``shown``."""
    if character.isprintable():
        return character
    # What ``os.fsdecode`` makes of a byte that is no UTF-8 (PEP 383).
    if 0xDC80 <= ord(character) <= 0xDCFF:
        return f"\\x{ord(character) - 0xDC00:02x}"
    return ascii(character)[1:-1]


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
