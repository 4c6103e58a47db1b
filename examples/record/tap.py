"""A capture point: the frames that it writes, and a note of those it leaves out."""

import gzip
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

from .ledger import Half, Ledger, Segment, subtract, union
from .pcapng import Writer


class Tap:
    """One capture file, to be used in a `with`.

    SYN and FIN are never left out, so the offsets of each stream have a known
    beginning and end: without its FIN, an observer of the acknowledgements would
    take it for one more byte.
    """

    def __init__(self, path: Path, comment: str) -> None:
        self.path = path
        self.ledger = Ledger()
        self._written = 0
        self._not_captured = 0
        self._largest = 0
        self._closing = ExitStack()
        out: BinaryIO = self._closing.enter_context(path.open("wb"))
        if path.suffix == ".gz":
            # No name and no time in it: equal frames are equal files.
            packed = gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0)
            out = cast(BinaryIO, self._closing.enter_context(packed))
        self._writer = Writer(out, comment)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.close()

    def __call__(self, time_ns: int, frame: bytes, note: str, unseen: bool) -> None:
        """Take one frame, in the order of time."""
        segment = Segment.of(frame)
        spared = segment is not None and (segment.opens or segment.finishes)
        written = spared or not unseen
        if written:
            self._writer.frame(time_ns, frame, note)
            self._written += 1
            self._largest = max(self._largest, len(frame))
        else:
            self._writer.leave_out()
            self._not_captured += 1
        if segment is not None:
            self.ledger.add(segment, written=written)

    def finish(self) -> dict[str, Any]:
        """End the file, and return what there is to know of it."""
        self._writer.finish()
        self._closing.close()
        return {
            "frames": self._written,
            "not_captured": self._not_captured,
            "largest_frame": self._largest,
        }


def facts(sent: bytes, half: Half) -> dict[str, Any]:
    """Return what one capture has of one direction of a connection."""
    return {
        # Some of these were written all the same, as another copy.
        "left_out": union(half.unwritten),
        "missing": subtract((0, len(sent)), half.written),
        "acknowledged": min(half.acknowledged, len(sent)),
    }
