"""A pager between standard output and who reads it: $PAGER, else less.

What is printed goes into a pipe, which holds little: a pager that waits for a key
makes the reading of the capture wait.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TypeAlias

from unpacket.cli.output import is_terminal
from unpacket.errors import SinkError

# A string is for the shell (POSIX has it so), a list is run as it is.
Command: TypeAlias = str | Sequence[str]

# Colours are shown, what fits on the screen is left there and ends at once; for who
# has not said how they want it. Git does the same.
LESS_OPTIONS = "FRX"
# How a shell ends if a command cannot be run, or is not there.
NOT_RUN = (126, 127)


class Pager:
    """A running pager.

    Attributes:
        pipe: What is to be shown goes in here. BrokenPipeError: it shows no more.

    Raises:
        SinkError: It cannot be run.
    """

    def __init__(self, command: Command) -> None:
        self._command = command
        try:
            process = subprocess.Popen(
                command,
                shell=isinstance(command, str),
                stdin=subprocess.PIPE,
                env={"LESS": LESS_OPTIONS, **os.environ},
            )
        except OSError as error:
            raise self._failed((error.strerror or str(error)).lower()) from error
        assert process.stdin is not None
        self._process = process
        self.pipe = process.stdin

    def close(self) -> None:
        """Say that this was all, and wait until the user has seen it.

        Raises:
            SinkError: It could not be run.
        """
        # It may have ended before all was written.
        with suppress(OSError):
            self.pipe.close()
        while True:
            # It has the terminal, and Ctrl-C is for it alone.
            with suppress(KeyboardInterrupt):
                code = self._process.wait()
                break
        if code in NOT_RUN:
            raise self._failed("it cannot be run")

    def _failed(self, reason: str) -> SinkError:
        name = self._command if isinstance(self._command, str) else self._command[0]
        error = SinkError(f"pager {name!r}", reason)
        error.add_note("--no-pager prints without one")
        return error


def pager_command(environment: Mapping[str, str]) -> Command | None:
    """Return what the user wants for a pager; None is none, or there is none."""
    wanted = environment.get("PAGER")
    if wanted is not None:
        return None if wanted.strip() in ("", "cat") else wanted
    for command in (["less", "-R"], ["more"]):
        if shutil.which(command[0]):
            return command
    return None


def wanted_pager(asked: bool | None) -> Command | None:
    """Return the pager for standard output, or None if it is to have none.

    Args:
        asked: True wants one, False none; None wants one for somebody who sits at a
            terminal and whose keys it can have.
    """
    if asked is None:
        keys = sys.stdin is not None and sys.stdin.isatty()
        asked = keys and is_terminal() and os.environ.get("TERM") not in (None, "dumb")
    return pager_command(os.environ) if asked else None
