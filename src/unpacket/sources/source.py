"""What every source of packets is: an iterator of batches that can be closed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, TypeAlias

from unpacket._core.memory.batch import Batch
from unpacket.errors import CaptureWarning, OverlapWarning
from unpacket.sources.formats.notes import Notes

if TYPE_CHECKING:
    from collections import deque

    from unpacket._core.reassembly.stream import Stream
    from unpacket.sources.live.losses import Losses
    from unpacket.sources.live.processes import Processes
    from unpacket.sources.live.statistics import LiveStatistics

Progress: TypeAlias = Callable[[int, int | None], object]


class BinaryReader(Protocol):
    """A file object in binary mode."""

    def read(self, size: int, /) -> bytes | None:
        """Return up to ``size`` bytes; none at the end."""


# What ``open`` makes a source of: paths and URLs, files, packets.
Capture: TypeAlias = str | PathLike[str] | BinaryReader | Iterable[object]


class Interface(NamedTuple):
    """Where packets of a capture were seen.

    Attributes:
        name: The interface's name, or "" if the capture does not say.
        link_type: The number (``LINKTYPE_``) that the capture gives.
        snaplen: How many bytes of a packet were kept; 0 for all.
        fcs_bytes: How many bytes of frame check sequence end each frame, or None
            if the capture does not say.
    """

    name: str
    link_type: int
    snaplen: int
    fcs_bytes: int | None


class Live(Protocol):
    """What a source of packets as they come knows besides them.

    Attributes:
        now_ns: The time up to which all packets were given, in ns since 1970.
        losses: When packets were lost.
        statistics: What was counted so far.
        begun: Streams that have begun, for whoever writes down whose they are; None
            if nobody does.
        processes: Finds out whose process each end of a stream is; None if nobody
            asked for that.
    """

    now_ns: int
    losses: Losses
    processes: Processes | None
    begun: deque[Stream] | None

    @property
    def statistics(self) -> LiveStatistics: ...


class Source(ABC):
    """Gives batches of frames, each of which the caller may keep.

    Attributes:
        path: The source, as the caller named it.
        warnings: What was found damaged so far.
        ignored: How many items of an iterable were no packets.
        jobs: How many processors to read and reassemble it with, None for all.
        tells: Whether the iteration reports progress; False if another thread
            iterates, and ``tell`` is called for that.
        notes: What the capture says besides packets, as far as it has been read.
        overlap: That one of several captures began before another had ended; None if
            none did so far, or if they are merged.
        decryption: What decrypts the TLS in its streams, for whoever reads it; None
            if nothing does.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.warnings: list[CaptureWarning] = []
        self.ignored = 0
        self.jobs: int | None = 1
        self.tells = True
        self.notes = Notes()
        self.overlap: OverlapWarning | None = None
        self.decryption: Any = None

    @property
    @abstractmethod
    def bytes_read(self) -> int:
        """How much was read so far, of the underlying file where there is one."""

    @property
    @abstractmethod
    def total_bytes(self) -> int | None:
        """The size of the underlying file, or None if it has none."""

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """Where the packets were seen, as far as that is known by now.

        A capture in sections has other interfaces in each; these are those of the
        section that is being read.
        """
        return ()

    @property
    def ended_early(self) -> bool:
        """Whether reading has ended before the capture did, by a signal or an error."""
        return False

    @property
    def live(self) -> Live | None:
        """What is known of an interface besides packets; None of a capture.

        Of what is live a batch may be empty: then time has passed without packets.
        """
        return None

    @abstractmethod
    def __next__(self) -> Batch: ...

    def tell(self) -> None:  # noqa: B027 -- most have nobody to tell
        """Tell the caller how far the iteration has come."""

    def stop(self) -> None:
        """Read no more; what has been read is still given."""
        self.close()

    @abstractmethod
    def close(self) -> None:
        """End the iteration, and close what this source opened itself."""

    def __iter__(self) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
