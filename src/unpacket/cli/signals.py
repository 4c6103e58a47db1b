"""Signals that end a command: each ends it in order, so that nothing is left behind."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Windows has no SIGHUP.
ENDING_SIGNALS = (
    signal.SIGINT,
    signal.SIGTERM,
    *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []),
)


class Interrupted(KeyboardInterrupt):
    """A signal ended the command.

    Attributes:
        number: Which one.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def raised_signals() -> Iterator[None]:
    """Let signals that would end the process at once raise ``Interrupted``.

    Else temporary files would stay, and programs that were started go on.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in ENDING_SIGNALS[1:]:
            # Who ignores one (nohup) means it.
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raise ``Interrupted``, as the handler of a signal."""
    raise Interrupted(number)
