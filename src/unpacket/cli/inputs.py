"""The captures of a command line as one source, and what ends it early."""

from __future__ import annotations

import os
import signal
import stat
import threading
import warnings
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from unpacket import Batch, sources
from unpacket.errors import CaptureWarning, FormatError, SourceError, UnpacketError
from unpacket.sources import Interface, Source

if TYPE_CHECKING:
    from unpacket.sources.bpf import Bpf

STANDARD_INPUT = "-"
WHAT_IS_READ = "unpacket reads pcap, pcapng and snoop, compressed or not"
WHAT_STRICT_DOES = "without --strict this is a warning"


class Captures(Source):
    """Reads captures one after the other; frame numbers go on.

    Damage, a later capture that cannot be opened, Ctrl-C: all of them end the
    iteration and no more, so that what was read is used. ``finish`` tells them.

    Attributes:
        first_ns: The capture time of the first frame; 0 before it.

    Args:
        before_read: Called before each read, which may wait.
        progress: Called after each read with the bytes read, and with the size of
            all captures or None.
        say: Called with a sentence about a capture that is damaged.
        bpf: A filter on the frames of all of them.
    """

    def __init__(
        self,
        paths: Sequence[str],
        *,
        strict: bool = False,
        before_read: Callable[[], None] = lambda: None,
        progress: Callable[[int, int | None], None] = lambda read, total: None,
        say: Callable[[str], None] = lambda sentence: None,
        bpf: Bpf | None = None,
    ) -> None:
        super().__init__(paths[0])
        self.first_ns = 0
        self._waiting = list(paths)
        self._strict = strict
        self._before_read = before_read
        self._progress = progress
        self._say = say
        self._bpf = bpf
        self._current: Source | None = None
        self._earlier_bytes = 0
        self._next_number = 1
        self._total_bytes = total_bytes_of(paths)
        self._error: UnpacketError | None = None
        self._signal = 0
        self._reading = False
        self._handlers: dict[int, Any] = {}
        # The end of a damaged capture is told in our own words.
        self._silence = warnings.catch_warnings(
            action="ignore", category=CaptureWarning
        )

    @property
    def bytes_read(self) -> int:
        current = 0 if self._current is None else self._current.bytes_read
        return self._earlier_bytes + current

    @property
    def total_bytes(self) -> int | None:
        return self._total_bytes

    @property
    def frames(self) -> int:
        """How many frames were read so far."""
        return self._next_number - 1

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        return () if self._current is None else self._current.interfaces

    def __enter__(self) -> Self:
        """Open the first capture, and take SIGINT and SIGTERM as an early end.

        Raises:
            SourceError, FormatError: It cannot be read, or is no capture.
        """
        self._open_next()
        self._silence.__enter__()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._silence.__exit__(kind, error, traceback)
        self.close()

    def __next__(self) -> Batch:
        while self._current is not None:
            if self.tells:
                self._before_read()
            batch = self._read(self._current)
            if batch is not None:
                if self._next_number == 1:
                    self.first_ns = batch.time_ns[0]
                self._next_number = batch.first_number + batch.count
                return batch
            self._end_current()
        raise StopIteration

    def close(self) -> None:
        self._waiting.clear()
        if self._current is not None:
            self._current.close()
            self._current = None

    @property
    def is_filtered(self) -> bool:
        """Whether only frames that pass a filter are looked at."""
        return self._bpf is not None

    @property
    def sought(self) -> str:
        """What is looked for, in the words of a message that there is none."""
        return "TCP streams that pass --bpf" if self.is_filtered else "TCP streams"

    def finish(self) -> int:
        """Return the exit code that the end of the input asks for, 0 if none.

        Raises:
            SourceError, FormatError: What ended it early.
        """
        if self._error is not None:
            raise self._error
        return 128 + self._signal if self._signal else 0

    def _read(self, current: Source) -> Batch | None:
        """Return the next batch, or None at the end of the capture."""
        if self._signal:
            return None
        try:
            # Only in here a signal raises: a read may wait for ever, and anything
            # else must not be torn in the middle. Another thread reads files alone.
            self._reading = self.tells
            return next(current, None)
        except KeyboardInterrupt:
            return None
        except UnpacketError as error:
            self._error = error
            return None
        finally:
            self._reading = False
            if self.tells:
                self.tell()

    def tell(self) -> None:
        self._progress(self.bytes_read, self._total_bytes)

    def _end_current(self) -> None:
        current = self._current
        if current is None:
            return
        self._earlier_bytes += current.bytes_read
        self.warnings += current.warnings
        if current.notes.dropped is not None:
            self.notes.lost_before(current.notes.dropped)
        for damage in current.warnings:
            if self._strict and self._error is None:
                self._error = FormatError(damage.path, damage.offset, damage.reason)
                self._error.add_note(WHAT_STRICT_DOES)
            elif not self._strict:
                self._say(f"warning: {damage}")
        current.close()
        self._current = None
        if self._error is not None or self._signal:
            self._waiting.clear()
        try:
            # Opening reads, and waits where there is nothing yet.
            self._reading = self.tells
            self._open_next()
        except KeyboardInterrupt:
            self._waiting.clear()
        except UnpacketError as error:
            self._error = error
        finally:
            self._reading = False

    def _open_next(self) -> None:
        if not self._waiting:
            return
        path = self._waiting.pop(0)
        try:
            self._current = sources.open(
                path, first_number=self._next_number, bpf=self._bpf
            )
        except FormatError as error:
            error.add_note(WHAT_IS_READ)
            raise

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        again = self._signal
        self._signal = number
        if self._reading or again:
            raise KeyboardInterrupt


def total_bytes_of(paths: Sequence[str]) -> int | None:
    """Return the size of all captures, or None if one is no file on a disk.

    Raises:
        SourceError: One is not there.
    """
    total = 0
    for path in paths:
        if path == STANDARD_INPUT:
            return None
        try:
            status = os.stat(path)
        except OSError as error:
            raise SourceError(path, (error.strerror or str(error)).lower()) from error
        if stat.S_ISDIR(status.st_mode):
            wrong = SourceError(path, "is a directory")
            wrong.add_note(f"its files: {os.path.join(path, '*')}")
            raise wrong
        if not stat.S_ISREG(status.st_mode):
            return None
        total += status.st_size
    return total
