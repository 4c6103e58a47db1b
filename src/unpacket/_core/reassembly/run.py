"""How far the batch at hand is worked off: which of its segments comes next.

A batch is decoded some segments at a time, when they are wanted, or was decoded
beforehand, by another thread. Either way its segments come in order, as rows of one
``Segments`` after the other.
"""

from unpacket._core.decode.checksum_states import HostSums
from unpacket._core.decode.decoder import Decoder
from unpacket._core.decode.segments import Segments
from unpacket._core.memory.batch import Batch


class Run:
    """The batch at hand, and the row that is next.

    Attributes:
        batch: None where no batch is at hand.
        segments: The rows that are at hand.
        row: The one of them that is next.
        decoded: What was decoded beforehand and comes after ``segments``.
        frame_index: The first frame of the batch that is not decoded.
        last_ns: The time of the last segment before ``segments``.
        lets_go: Whether other threads may run beside the inner loop. To let them
            takes longer than a segment.
    """

    __slots__ = (
        "batch",
        "decoded",
        "frame_index",
        "last_ns",
        "lets_go",
        "own_segments",
        "row",
        "segments",
    )

    batch: Batch | None
    decoded: list[Segments]

    def __init__(self) -> None:
        self.own_segments = Segments()
        self.segments = self.own_segments
        self.batch = None
        self.decoded = []
        self.frame_index = 0
        self.row = 0
        self.lets_go = False
        self.last_ns = 0

    def begin(self, batch: Batch) -> None:
        """Take a batch of which nothing is decoded."""
        self.batch = batch
        self.lets_go = False
        self.frame_index = 0
        self.row = 0
        # Those that were decoded elsewhere are in use there again.
        self.segments = self.own_segments
        self.segments.clear()

    def begin_decoded(self, batch: Batch, decoded: list[Segments]) -> None:
        """Take a batch that is decoded."""
        self.begin(batch)
        self.lets_go = True
        self.frame_index = batch.count
        self.decoded = decoded

    def time_before(self, row: int) -> int:
        """Return the time of the segment before a row."""
        return self.segments.time_ns[row - 1] if row else self.last_ns

    def more(self, decoder: Decoder, sums: HostSums | None) -> bool:
        """Return whether there is a row that is next; where not, the batch is done.

        What is decoded for that is counted in ``sums``.
        """
        while self.row >= self.segments.count:
            if self.segments.count:
                self.last_ns = self.segments.time_ns[self.segments.count - 1]
            # There is a batch until this is done with it.
            batch: Batch = self.batch  # type: ignore[assignment]
            if self.decoded:
                self.segments = self.decoded.pop(0)
            elif self.frame_index < batch.count:
                self.frame_index = decoder.decode(
                    batch, self.segments, self.frame_index
                )
            else:
                self.batch = None
                return False
            self.row = 0
            if sums is not None:
                sums.tally(self.segments)
        return True
