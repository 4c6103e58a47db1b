"""Programs on a pseudo-terminal, and somebody who presses keys."""

import os
import select
import struct
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

fcntl = pytest.importorskip("fcntl", reason="there are no pseudo-terminals")
termios = pytest.importorskip("termios", reason="there are no pseudo-terminals")

ROOT = Path(__file__).resolve().parents[1]
WAIT_S = 30


class Terminal:
    """A terminal of 24 lines with a program on it, which may be given keys.

    Attributes:
        shown: All that was written to it.
    """

    def __init__(
        self,
        command: Sequence[str],
        stdin: int | None = None,
        variables: dict[str, str] | None = None,
    ) -> None:
        self.shown = b""
        self._ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        left_out = {"PAGER", "LESS", "NO_COLOR"}
        usual = {name: os.environ[name] for name in os.environ.keys() - left_out}
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=usual | {"TERM": "xterm"} | (variables or {}),
            stdin=theirs if stdin is None else stdin,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            # less opens the terminal that controls its session.
            preexec_fn=lambda: fcntl.ioctl(1, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)

    def press(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def wait_for(self, text: bytes) -> None:
        deadline = time.monotonic() + WAIT_S
        while text not in self.shown and self._take(deadline - time.monotonic()):
            pass
        assert text in self.shown

    def end(self, keys: bytes = b"") -> int:
        """Return the exit code, after all was shown; press keys until then."""
        deadline = time.monotonic() + WAIT_S
        if keys:
            while self.runs and time.monotonic() < deadline:
                with suppress(OSError):  # It has just ended.
                    self.press(keys)
                self._take(0.2)
        while self._take(deadline - time.monotonic()):
            pass
        return self._process.wait(WAIT_S)

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def _take(self, timeout_s: float) -> bytes:
        ready, _, _ = select.select([self._ours], [], [], max(0, timeout_s))
        more = b""
        if ready:
            with suppress(OSError):  # Linux: the other side was closed
                more = os.read(self._ours, 1 << 16)
        self.shown += more
        return more

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, 9)
        self._process.wait(WAIT_S)
        os.close(self._ours)
