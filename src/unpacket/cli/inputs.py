"""The captures of a command line as one source, and what ends it early."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

from unpacket import Batch, sources
from unpacket.cli.hints import add_source_hint
from unpacket.cli.signals import ENDING_SIGNALS, Interrupted
from unpacket.errors import (
    CaptureWarning,
    FormatError,
    OverlapWarning,
    SourceError,
    UnpacketError,
)
from unpacket.sources import Interface, Source
from unpacket.sources.source import Live

if TYPE_CHECKING:
    from unpacket.cli.live import LiveSettings
    from unpacket.sources.bpf.filter import Bpf

STANDARD_INPUT = "-"
WHAT_STRICT_DOES = "without --strict this is a warning"


class Captures(Source):
    """Reads the captures of a command line.

    Damage, a capture that cannot be read any more, Ctrl-C: all of them end the
    iteration and no more, so that what was read is used. ``finish`` reports them.

    Attributes:
        first_ns: The capture time of the first frame; 0 before it.
        ends_at_once: Whether a signal raises ``Interrupted`` wherever it comes: what
            the command does may be torn.

    Args:
        before_read: Called before each read, which may wait.
        progress: Called after each read with the bytes read, and with the size of
            all captures or None.
        say: Called with a sentence about a capture that is damaged.
        bpf: A filter on the frames of all of them.
        live: What the options about interfaces say, if there are any.

    The others are those of ``sources.open``.
    """

    def __init__(
        self,
        paths: Sequence[str],
        *,
        merge: bool = False,
        strict: bool = False,
        before_read: Callable[[], None] = lambda: None,
        progress: Callable[[int, int | None], None] = lambda read, total: None,
        say: Callable[[str], None] = lambda sentence: None,
        bpf: Bpf | None = None,
        live: LiveSettings | None = None,
    ) -> None:
        super().__init__(paths[0])
        self.first_ns = 0
        self.ends_at_once = False
        self._paths = list(paths)
        self._merge = merge
        self._strict = strict
        self._before_read = before_read
        self._progress = progress
        self._say = say
        self._bpf = bpf
        self._settings = live
        self._live: Live | None = None
        self._lost = False
        self._wants_statistics = False
        self._source: Source | None = None
        self._bytes_read = 0
        self._total_bytes: int | None = None
        self._next_number = 1
        self._told = 0
        self._error: UnpacketError | None = None
        self._signal = 0
        # Whether a signal has ended the reading.
        self._cut = False
        self._reported = False
        self._reading = False
        self._handlers: dict[int, Any] = {}
        # What is wrong with a capture is reported in our own way.
        self._silence = warnings.catch_warnings()

    @property
    def bytes_read(self) -> int:
        if self._source is not None:
            self._bytes_read = self._source.bytes_read
        return self._bytes_read

    @property
    def total_bytes(self) -> int | None:
        return self._total_bytes

    @property
    def ended_early(self) -> bool:
        # What is live ends when somebody says so, and not before.
        return (self._cut and self._live is None) or self._error is not None

    @property
    def frames(self) -> int:
        """How many frames were read so far."""
        return self._next_number - 1

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        return () if self._source is None else self._source.interfaces

    def __enter__(self) -> Self:
        """Open the captures, and take SIGINT and SIGTERM as an early end.

        Raises:
            SourceError, FormatError: One cannot be read, or is not a capture.
        """
        self._silence.__enter__()
        for category in (CaptureWarning, OverlapWarning):
            warnings.simplefilter("ignore", category)
        self._await_question()
        try:
            self._source = self._open()
        except BaseException as error:
            self._give_back_signals()
            self._silence.__exit__(None, None, None)
            if isinstance(error, SourceError):
                add_source_hint(error)
            raise
        self._live = self._source.live
        self._total_bytes = self._source.total_bytes
        self.notes = self._source.notes
        self.warnings = self._source.warnings
        if threading.current_thread() is threading.main_thread():
            for number in ENDING_SIGNALS:
                # Who ignores one (nohup) means it.
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._handlers[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._give_back_signals()
        self._silence.__exit__(kind, error, traceback)
        self.close()

    def __next__(self) -> Batch:
        source = self._source
        if source is None:
            raise StopIteration
        if self.tells:
            self._before_read()
        batch = self._read(source)
        self._tell_trouble(source)
        if batch is None:
            self.close()
            raise StopIteration
        if self._wants_statistics:
            self._wants_statistics = False
            self._report_statistics()
        if self._next_number == 1 and batch.count:
            self.first_ns = batch.time_ns[0]
        self._next_number = batch.first_number + batch.count
        return batch

    def close(self) -> None:
        if self._source is not None:
            self._bytes_read = self._source.bytes_read
            self._source.close()
            self._source = None

    @property
    def live(self) -> Live | None:
        return self._live

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
        if self._cut and self._live is None and not self._reported:
            self._reported = True
            self._say(f"interrupted: {self._progress_made()}")
        if self._error is not None:
            raise self._error
        if self._live is not None and self._live.losses.packets:
            from unpacket.cli.live import sentence

            self._say(f"warning: {sentence(self.path, self._live)}")
        return 128 + self._signal if self._signal else 0

    def _progress_made(self) -> str:
        """Return how far the captures were read, in words."""
        if not self.frames:
            return "no frame was read"
        made = f"read up to frame {self.frames}"
        if self.total_bytes:
            made += f" ({100 * self.bytes_read // self.total_bytes} % of the input)"
        return made

    def _open(self) -> Source:
        """Open the captures, or the interface that is named in their place.

        Raises:
            SourceError, FormatError, SinkError: It cannot be.
        """
        settings = self._settings
        if settings is None or settings.interface is None:
            opened = sources.open(
                self._paths, merge=self._merge, strict=self._strict, bpf=self._bpf
            )
        else:
            from unpacket.cli import live

            opened = live.opened(settings, self._bpf)
        if settings is None or settings.write is None:
            return opened
        from unpacket.cli.live import written

        try:
            return written(opened, settings)
        except BaseException:
            opened.close()
            raise

    def _await_question(self) -> None:
        """Let SIGUSR1 ask for statistics, where an interface is to be read."""
        if (
            self._settings is not None
            and self._settings.interface is not None
            and hasattr(signal, "SIGUSR1")
            and threading.current_thread() is threading.main_thread()
        ):
            self._handlers[signal.SIGUSR1] = signal.signal(
                signal.SIGUSR1, self._want_statistics
            )

    def _give_back_signals(self) -> None:
        while self._handlers:
            signal.signal(*self._handlers.popitem())

    def _want_statistics(self, number: int, frame: FrameType | None) -> None:
        self._wants_statistics = True

    def _report_statistics(self) -> None:
        """Say what was counted so far, also to those who want no warnings."""
        if self._live is not None:
            from unpacket.cli.live import sentence

            click.echo(f"unpacket: {sentence(self.path, self._live)}", err=True)

    def _read(self, current: Source) -> Batch | None:
        """Return the next batch, or None at the end of the capture."""
        try:
            try:
                # Only in here a signal raises: a read may wait for ever, and anything
                # else must not be torn in the middle. Another thread reads files alone.
                # What is live comes back soon, and has packets at hand.
                self._reading = self.tells and self._live is None
                if not self._signal:
                    return next(current, None)
            except KeyboardInterrupt:
                if self.ends_at_once:
                    raise
            self._reading = False
            self._cut = True
            current.stop()
            return next(current, None)
        except UnpacketError as error:
            self._error = error
            return None
        finally:
            self._reading = False
            if self.tells:
                self.tell()

    def tell(self) -> None:
        self._progress(self.bytes_read, self.total_bytes)

    def _tell_trouble(self, source: Source) -> None:
        """Say what was found damaged since the last time."""
        if self._live is not None and self._live.losses.packets and not self._lost:
            self._lost = True
            self._say(
                f"warning: {self.path}: packets are lost, since they come faster than "
                "they are taken; a --bpf filter or a larger --ring-size may help"
            )
        if type(self._error) is FormatError and self._strict:
            error = self._error
            source.warnings.append(
                CaptureWarning(error.path, error.offset, error.reason)
            )
            error.add_note(WHAT_STRICT_DOES)
            return
        if source.overlap is not None and self.overlap is None:
            self.overlap = source.overlap
            self._say(f"warning: {self.overlap}")
        for damage in source.warnings[self._told :]:
            self._say(f"warning: {damage}")
        self._told = len(source.warnings)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        again = self._signal
        self._signal = number
        if self._reading or again or self.ends_at_once:
            raise Interrupted(number)
