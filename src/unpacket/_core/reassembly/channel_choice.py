"""Which of several channels each direction of a stream is taken from.

The channel of a direction is that of its first segment. It stays so until the stream
ends, and a new connection between the same ends chooses anew: so what is known stands
by the slots of the flow table, and is bounded as that is.
"""

from array import array

from unpacket._core.constants import OPEN, RST, SYN
from unpacket._core.decode.segments import Segments
from unpacket._core.reassembly.enlisting import recall
from unpacket._core.reassembly.judgement import begins_another, confirms
from unpacket._core.reassembly.segment import Segment
from unpacket._core.reassembly.stream import Stream

FIRST_SLOTS = 1024
# Of each slot: the channel of what the end with the lower address sends, that of what
# the other sends, that of ``Stream.candidate``. 0 stands for none.
WORDS = 3
CANDIDATE = 2


class Choices:
    """The channels of the streams that the flow table has."""

    __slots__ = ("_capacity", "_words")

    def __init__(self) -> None:
        self._capacity = FIRST_SLOTS
        self._words = array("Q", bytes(8 * WORDS * FIRST_SLOTS))

    def begin(self, stream: Stream) -> None:
        """Choose nothing so far for a stream that is new in its slot."""
        if stream.slot >= self._capacity:
            self.grow(2 * stream.slot)
        at = WORDS * stream.slot
        for word in range(at, at + WORDS):
            self._words[word] = 0

    def grow(self, capacity: int) -> None:
        """Have room for ``capacity`` slots."""
        words = array("Q", bytes(8 * WORDS * capacity))
        for word in range(WORDS * self._capacity):
            words[word] = self._words[word]
        self._words = words
        self._capacity = capacity

    def choose(self, stream: Stream, first: bool, channel: int) -> None:
        """Take the direction of the lower address, or the other, from a channel."""
        self._words[WORDS * stream.slot + (0 if first else 1)] = channel

    def stand(self, stream: Stream, channel: int) -> None:
        """Note the channel of ``stream.candidate``."""
        self._words[WORDS * stream.slot + CANDIDATE] = channel

    def candidate(self, stream: Stream) -> int:
        """Return the channel of the last ``stream.candidate``."""
        return self._words[WORDS * stream.slot + CANDIDATE]

    def is_chosen(self, stream: Stream | None, segments: Segments, i: int) -> bool:
        """Return whether row ``i``, of the stream, is of its direction's channel."""
        if stream is None:
            return False
        at = WORDS * stream.slot + segments.direction[i]
        return self._words[at] == segments.channel[i]

    def elsewhere(self, stream: Stream, segments: Segments, i: int) -> bool:
        """Return whether row ``i`` came by another channel than its direction's.

        It is counted then. What may begin a new connection comes by any channel.
        """
        first = segments.direction[i] == 0
        channel = segments.channel[i]
        at = WORDS * stream.slot
        own = self._words[at + segments.direction[i]]
        if own == 0:
            self.choose(stream, first, channel)
            return False
        candidate = stream.candidate
        if candidate is None:
            if own == channel or begins(stream, segments, i):
                return False
        elif first == stream.candidate_a and (
            (segments.flags[i] & SYN and segments.seq[i] == candidate.seq)
            or answers(stream, segments, i, first)
        ):
            # This direction of the new connection has its channel by now.
            if channel == self._words[at + CANDIDATE]:
                return False
        elif (
            own == channel
            or answers(stream, segments, i, first)
            or begins(stream, segments, i)
        ):
            return False
        if not stream.reason:
            # What was told of a stream that has ended stays as it was.
            count(stream, first)
        return True


def begins(stream: Stream, segments: Segments, i: int) -> bool:
    """Return whether row ``i`` is a SYN that is not of this stream."""
    first = segments.direction[i] == 0
    if segments.flags[i] & (SYN | RST) != SYN:
        return False
    recall(stream)
    half = stream.half_a if first else stream.half_b
    if half is None or (not stream.reason and half.state != OPEN):
        return False
    return begins_another(half, segments.seq[i], segments.flags[i])


def answers(stream: Stream, segments: Segments, i: int, first: bool) -> bool:
    """Return whether row ``i`` shows that the stream's candidate is a connection."""
    recall(stream)
    half = stream.half_a if first else stream.half_b
    peer = stream.half_b if first else stream.half_a
    if half is None:
        return False
    seg = Segment.__new__(Segment)
    seg.seq = segments.seq[i]
    seg.ack = segments.ack[i]
    seg.flags = segments.flags[i]
    return confirms(stream, half, peer, seg)


def count(stream: Stream, first: bool) -> None:
    """Count a segment of another channel."""
    half = stream.half_a if first else stream.half_b
    if half is None or half.extra is None:
        # It has no object of its own, or none for what is not usual.
        recall(stream)
        # What has a channel was seen.
        half = stream.half_a if first else stream.half_b
    extra = half.more()  # type: ignore[union-attr]
    extra.other_channel += 1
