"""What waits for evidence: a segment in doubt, and an RST with what came since."""

from unpacket._core.constants import FAR, FIN, NEVER
from unpacket._core.reassembly.segment import Segment
from unpacket._core.sequence import delta


class Suspect:
    """A segment of which it is not clear yet whether the receiver took it.

    Attributes:
        base: The offset of its first byte.
        seg: The segment, whose ``doubts`` say why.
        refuted: Whether an end has gone on as if the segment had never been sent, or
            never been taken.
    """

    __slots__ = ("base", "refuted", "seg")

    seg: Segment

    def __init__(self, base: int, seg: Segment) -> None:
        self.base = base
        self.seg = seg
        self.refuted = False

    def stop(self) -> int:
        """Return the offset after its last byte."""
        return self.base + self.seg.length

    def wanted(self) -> int:
        """Return what acknowledges all of it: a FIN has a number of its own."""
        return self.base + self.seg.length + (self.seg.flags & FIN)


class Range:
    """The sequence numbers that one side has used since; see ``Reset``."""

    __slots__ = ("first", "known", "last")

    def __init__(self) -> None:
        self.known = False
        self.first = 0
        self.last = 0

    def start(self, seq: int) -> None:
        """Begin at a sequence number."""
        self.known = True
        self.first = seq
        self.last = seq

    def near(self, seq: int) -> bool:
        """Return whether a sequence number lies near these."""
        return -FAR <= delta(seq, self.first) and delta(seq, self.last) <= FAR

    def extend(self, seq: int) -> None:
        """Let the range end at ``seq`` if that is later."""
        if delta(seq, self.last) > 0:
            self.last = seq

    def holds(self, ack: int) -> bool:
        """Return whether ``ack`` acknowledges any of them, and nothing else."""
        return self.known and delta(ack, self.first) > 0 and delta(ack, self.last) <= 0


class Reset:
    """An RST that waits for what contradicts it, and what came since.

    The segments of a stream that has ended wait here too, in case they turn out to be
    another's.

    Attributes:
        seg: The RST, or None where the stream has ended.
        from_a: Whether the end with the lower address sent it.
        answered: Whether its receiver went on with a duplicate acknowledgement, which
            nobody sends who has no connection any more.
        queue: What came since, in order: whether from the lower address; the segment.
        queued_bytes: The payload of these.
        went_on: Whether its sender went on with bytes behind it.
        used_a, used_b: What each side has sent since.
        fresh_a, fresh_b: The same with numbers that are far from the stream's.
        foreign: The first segment in the queue whose numbers are far from all that
            the stream had, or -1.
        deadline_ns: When nothing speaks against the RST any more.
    """

    __slots__ = (
        "answered",
        "deadline_ns",
        "foreign",
        "fresh_a",
        "fresh_b",
        "from_a",
        "queue",
        "queued_bytes",
        "seg",
        "used_a",
        "used_b",
        "went_on",
    )

    queue: list[tuple[bool, Segment]]
    seg: Segment | None

    def __init__(self, seg: Segment | None, from_a: bool) -> None:
        self.seg = seg
        self.from_a = from_a
        self.answered = False
        self.queue = []
        self.queued_bytes = 0
        self.went_on = False
        self.used_a = Range()
        self.used_b = Range()
        self.fresh_a = Range()
        self.fresh_b = Range()
        self.foreign = -1
        self.deadline_ns = NEVER
