"""Which frames carried segments of which streams, for those who ask."""

from array import array
from typing import NamedTuple

from unpacket._core.decode.segments import Segments
from unpacket._core.memory.batch import Batch

FIRST_ROOM = 2


class Trace(NamedTuple):
    """Which frames carried segments of which streams.

    Attributes:
        frames, ids: A row for each frame of each segment: the frame's number, the id
            of the stream. The frames of a datagram in fragments stand where the last
            of them came. ``Assembler.moved`` has what turns out to be wrong.
    """

    frames: "array[int]"
    ids: "array[int]"


class TraceRows:
    """A trace while it is written: two numbers a row, a frame's and a stream's."""

    __slots__ = ("count", "numbers")

    def __init__(self, room: int) -> None:
        self.count = 0
        self.numbers = integers(2 * room + FIRST_ROOM)

    def add(self, frame: int, stream_id: int) -> None:
        """Add a row."""
        if 2 * self.count >= len(self.numbers):
            before = self.numbers
            self.numbers = integers(2 * len(before))
            self.numbers[: len(before)] = before
        self.numbers[2 * self.count] = frame
        self.numbers[2 * self.count + 1] = stream_id
        self.count += 1

    def add_segment(
        self, segments: Segments, batch: Batch, i: int, stream_id: int
    ) -> None:
        """Add the frames of row ``i`` of the segments."""
        if segments.source[i] < 0:
            self.add(batch.first_number + segments.index[i], stream_id)
        else:
            for number in segments.side_frames[segments.source[i]]:
                self.add(number, stream_id)

    def trace(self) -> Trace:
        """Return what was written."""
        both = array("q")
        both.frombytes(memoryview(self.numbers)[: 2 * self.count].tobytes())
        return Trace(both[::2], both[1::2])


def integers(count: int) -> "memoryview[int]":
    """Return a writable view of ``count`` zeroed 64-bit integers."""
    return memoryview(bytearray(8 * count)).cast("q")
