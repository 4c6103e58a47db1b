"""Captures: what pcap and pcapng have in common, and the source of their batches."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator

from unpacket._core.memory.batch import Batch, BatchPool
from unpacket.errors import CaptureWarning, FormatError
from unpacket.sources.formats.notes import CaptureNotes, Notes
from unpacket.sources.readers.buffer import Reader, Window
from unpacket.sources.source import Interface, Progress, Source

# libpcap takes a packet of more than 262,144 bytes for damage, apart from some link
# types without TCP. Linux captures segments of up to 524,280 bytes before they are
# cut for the wire ("BIG TCP"), so here it is more, and still more where the capture
# says that it kept more.
LONGEST_FRAME = 1 << 20
LONGEST_OF_ALL = 1 << 28

# Behind damage the next record is looked for: so many bytes at a time, of which the
# last are left for the next time, since what follows a record says whether it is one.
SEARCH_BYTES = 1 << 20
FOLLOWING_BYTES = 1 << 18
# So many bytes are looked at in all, and so often; the rest is no capture.
MOST_PASSED_BYTES = 1 << 24
MOST_RESUMED = 100


def longest_frame(snaplen: int) -> int:
    """Return how long a frame can be in a capture that kept ``snaplen`` bytes."""
    return min(max(LONGEST_FRAME, snaplen), LONGEST_OF_ALL)


class CutHeaderError(FormatError):
    """A capture ends before it is clear what it holds, as one that is still empty."""


class Capture(ABC):
    """Reads one format of captures.

    Attributes:
        interfaces: Those of the section that is being read, by their number.
        oddities: What was found odd and read all the same, not yet reported.
    """

    def __init__(self, window: Window, notes: CaptureNotes) -> None:
        self._path = notes.path
        self._window = window
        self._notes = notes
        # Blocks passed over that are no packets and have a frame number all the same.
        self._numbers_passed = 0
        self.interfaces: list[Interface] = []
        self.oddities: list[FormatError] = []
        self._last_ns: int | None = None
        self._resumed = 0
        self._passed_bytes = 0

    @abstractmethod
    def _scan(self, batch: Batch) -> None:
        """Add the packets from the window's position on, and move it behind them."""

    @abstractmethod
    def _step(self) -> int:
        """Deal with what stopped a scan.

        Returns:
            How many bytes there must be to go on, or 0 to go on at once.

        Raises:
            FormatError: It is damage.
        """

    def _next_record(self, data: bytes, stop: int, ended: bool) -> int:
        """Return where the next record begins, or -1.

        Args:
            data: What follows some damage.
            stop: Where to look no further.
            ended: Whether the capture ends with ``data``.
        """
        return -1

    def batches(self, batch_frames: int, number: int) -> Iterator[Batch]:
        """Yield the packets, the first with ``number``, as soon as they are there.

        Raises:
            FormatError: The capture is damaged or cut, after what is in front.
        """
        window = self._window
        pool = BatchPool(batch_frames)
        needed = 0
        while True:
            # This lets go of the buffers of batches that are done with, and has to
            # come before a buffer is looked for.
            batch = pool.take()
            if needed and not window.fill(needed):
                if window.broken or not window.held:
                    break
                held = window.held
                cut = self._damage(f"a record is cut after {held} of {needed} bytes")
                if not self._resume(cut):
                    raise cut
                needed = 0
            batch.attach(window.buffer, window.stop, number)
            needed = 0
            damage = None
            while not needed and damage is None and not self._numbers_passed:
                self._scan(batch)
                if batch.count == batch.capacity:
                    break
                try:
                    needed = self._step()
                except FormatError as error:
                    damage = error
            number += batch.count + self._numbers_passed
            self._numbers_passed = 0
            if batch.count:
                self._last_ns = batch.time_ns[batch.count - 1]
                yield batch
            # While it is referred to from here the pool cannot reuse it.
            del batch
            if damage is not None and not self._resume(damage):
                end = window.position_offset
                what = f"{damage.reason}; {end - damage.offset} bytes from there on"
                limit = "" if window.ended else ", and what follows,"
                raise FormatError(
                    self._path, damage.offset, f"{what}{limit} were not read"
                )
        if window.broken:
            end = window.position_offset + window.held
            raise FormatError(self._path, end, window.broken)

    def _resume(self, damage: FormatError) -> bool:
        """Go on at the next record behind damage, if there is any.

        Then the damage is among the oddities; else it says how much was not read.
        """
        window = self._window
        start = window.position_offset
        if self._resumed == MOST_RESUMED:
            return False
        window.position += 1
        while self._passed_bytes < MOST_PASSED_BYTES:
            ended = not window.need(SEARCH_BYTES)
            data = window.peek(window.held)
            stop = len(data) if ended else len(data) - FOLLOWING_BYTES
            found = self._next_record(data, stop, ended)
            self._passed_bytes += stop if found < 0 else found
            window.position += stop if found < 0 else found
            if found >= 0:
                passed = window.position_offset - start
                reason = f"{damage.reason}; {passed} bytes are passed over from there"
                self.oddities.append(FormatError(self._path, start, reason))
                self._resumed += 1
                return True
            if ended:
                break
        return False

    def _damage(self, reason: str) -> FormatError:
        return FormatError(self._path, self._window.position_offset, reason)

    def _cut_header(self, length: int) -> CutHeaderError:
        held = self._window.held
        reason = (
            self._window.broken or f"the header is cut after {held} of {length} bytes"
        )
        return CutHeaderError(self._path, self._window.position_offset, reason)


class CaptureSource(Source):
    """The batches of a capture, as far as it can be read."""

    def __init__(
        self,
        capture: Capture,
        reader: Reader,
        path: str,
        notes: Notes,
        *,
        batch_frames: int,
        first_number: int,
        strict: bool,
        progress: Progress | None,
    ) -> None:
        super().__init__(path)
        self.notes = notes
        self._capture = capture
        self._reader = reader
        self._strict = strict
        self._progress = progress
        self._batches = capture.batches(batch_frames, first_number)

    @property
    def bytes_read(self) -> int:
        return self._reader.bytes_read

    @property
    def total_bytes(self) -> int | None:
        return self._reader.total_bytes

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        return tuple(self._capture.interfaces)

    def __next__(self) -> Batch:
        """Return the next batch.

        Raises:
            FormatError: The capture is damaged here, if reading strictly.
            SourceError: It cannot be read.
        """
        try:
            batch = next(self._batches)
        except FormatError as error:
            self._report_oddities()
            self.close()
            if self._strict:
                raise
            self._warn(error)
            raise StopIteration from None
        except StopIteration:
            self._report_oddities()
            self.close()
            raise
        except BaseException:
            self.close()
            raise
        finally:
            if self.tells:
                self.tell()
        self._report_oddities()
        return batch

    def _report_oddities(self) -> None:
        """Warn of what was found since the last time; reading strictly, raise it."""
        oddities = self._capture.oddities
        while oddities:
            oddity = oddities.pop(0)
            if self._strict:
                self.close()
                raise oddity
            self._warn(oddity)

    def tell(self) -> None:
        if self._progress is not None:
            self._progress(self.bytes_read, self.total_bytes)

    def close(self) -> None:
        self._batches = iter(())
        self._reader.close()

    def _warn(self, damage: FormatError) -> None:
        warning = CaptureWarning(self.path, damage.offset, damage.reason)
        self.warnings.append(warning)
        warnings.warn(warning, stacklevel=3)
