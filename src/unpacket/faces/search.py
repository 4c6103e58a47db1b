"""Where a pattern occurs in streams: across segments, and never across a gap.

A match begins at the leftmost place where the pattern matches within ``max_match``
bytes, and the next one is looked for behind it. So each place costs a bounded amount
of work, whatever the pattern and the bytes are: to find all matches of a pattern with
an end that may lie anywhere is quadratic otherwise. How the input is cut into segments
has no effect: what lies less than ``max_match`` bytes before the end of what has come
waits for more.

Regular expressions are RE2's (google-re2, the extra ``grep``), whose work is linear
in what it looks at; Python's ``re`` is no stand-in for it, since a hostile pattern can
keep it busy for ever.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from unpacket._core.reassembly.direction import Direction
from unpacket._core.reassembly.events import Closed, Data, Event, Gap, Piece
from unpacket._core.reassembly.stream import Stream
from unpacket.errors import UnpacketError
from unpacket.faces.reader import Reading
from unpacket.policy import Policy

MAX_MATCH_BYTES = 4096

# What waits in all streams together; beyond it the longest tail is looked at as if a
# gap followed.
MAX_WAITING_BYTES = 256 << 20

# What a Python object for a half, and the note of a packet, take.
TAIL_BYTES = 400
PIECE_BYTES = 120

# So much of a text is made lower case at a time.
STEP_BYTES = 1 << 12


class PatternError(ValueError):
    """A pattern that is not valid, or that cannot be searched for here."""


class MissingEngine(UnpacketError):
    """Regular expressions need a library that is not installed."""

    def __str__(self) -> str:
        return (
            "regular expressions need google-re2: pip install 'unpacket[grep]' "
            "(-F looks for plain text without it)"
        )


class Match(NamedTuple):
    """A place where the pattern occurs.

    Attributes:
        direction: Who sent it.
        offset: Where it begins, in the direction's bytes.
        data: What matched.
        frame, time_ns: Of the packet that carried its first byte.
        before, after: Bytes around it, as many as were asked for and as there are
            without a gap.
    """

    stream: Stream
    direction: Direction
    offset: int
    data: bytes
    frame: int
    time_ns: int
    before: bytes = b""
    after: bytes = b""


class Pattern:
    """What is looked for.

    Args:
        pattern: A regular expression of RE2, over bytes; with ``fixed`` a plain text.
        fixed: Whether to take each byte as it is.
        ignore_case: Whether to ignore the case of the letters a to z.
        max_match: How long a match may be, in bytes.

    Raises:
        PatternError: It is not valid, or only matches the empty text.
        MissingEngine: google-re2 is not installed.
    """

    def __init__(
        self,
        pattern: bytes | str,
        *,
        fixed: bool = False,
        ignore_case: bool = False,
        max_match: int = MAX_MATCH_BYTES,
    ) -> None:
        octets = pattern.encode() if isinstance(pattern, str) else bytes(pattern)
        if not octets:
            raise PatternError("the pattern is empty")
        if max_match < 1:
            raise PatternError(f"max_match must be at least 1, not {max_match}")
        self.max_match = max_match
        if fixed:
            if len(octets) > max_match:
                raise PatternError(
                    f"the text has {len(octets)} bytes; a match has {max_match} at most"
                )
            self._sought = octets.lower() if ignore_case else octets
            self._ignore_case = ignore_case
            self.max_match = len(octets)
            self.find = self._find_text
            return
        self._regex = compiled(octets, ignore_case)
        self.find = self._find_regex

    def _find_text(self, data: bytes, start: int, stop: int) -> tuple[int, int] | None:
        """Return the first occurrence that begins in ``[start, stop)``, or None."""
        size = len(self._sought)
        if not self._ignore_case:
            at = data.find(self._sought, start, stop + size - 1)
            return None if at < 0 else (at, at + size)
        while start < stop:
            low = min(stop, start + STEP_BYTES)
            at = data[start : low + size - 1].lower().find(self._sought)
            if at >= 0:
                return start + at, start + at + size
            start = low
        return None

    def _find_regex(self, data: bytes, start: int, stop: int) -> tuple[int, int] | None:
        """Return the first match that begins in ``[start, stop)``, or None."""
        most = self.max_match
        while start < stop:
            # Not more is looked at than a match that begins here may need, twice.
            low = min(stop, start + most)
            found = self._regex.search(data, start, min(len(data), low + most))
            if found is None or found.start() >= low:
                start = low
                continue
            begin, end = found.span()
            if end - begin > most or end == begin:
                # A shorter one may begin at the same place, else look behind it.
                found = self._regex.match(data, begin, min(len(data), begin + most))
                end = begin if found is None else found.end()
            if end > begin:
                return begin, end
            start = begin + 1
        return None


def compiled(pattern: bytes, ignore_case: bool) -> Any:
    """Return a compiled expression of RE2 over bytes."""
    try:
        import re2
    except ImportError:
        raise MissingEngine from None
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = not ignore_case
    options.never_capture = True
    options.dot_nl = True
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        shown = reason.decode("latin-1") if isinstance(reason, bytes) else str(reason)
        raise PatternError(f"not a regular expression: {shown}") from None


class Tail:
    """The bytes of a half that may still be part of a match, and which packets they
    came by.

    Attributes:
        offset: Of the first byte, in the half.
        searched: Before this offset nothing begins any more.
    """

    __slots__ = ("data", "direction", "offset", "pieces", "searched", "stream")

    def __init__(self, stream: Stream, direction: Direction, offset: int) -> None:
        self.stream = stream
        self.direction = direction
        self.offset = offset
        self.searched = offset
        self.data = bytearray()
        self.pieces: deque[Piece] = deque()

    @property
    def memory_bytes(self) -> int:
        return len(self.data) + PIECE_BYTES * len(self.pieces) + TAIL_BYTES

    def carrier(self, offset: int) -> Piece:
        """Return the piece that brought the byte at ``offset``."""
        for piece in self.pieces:
            if piece.offset + piece.length > offset:
                return piece
        return self.pieces[-1]

    def drop(self, offset: int) -> None:
        """Forget what lies before ``offset``."""
        if offset > self.offset:
            del self.data[: offset - self.offset]
            self.offset = offset
        while self.pieces and self.pieces[0].offset + self.pieces[0].length <= offset:
            self.pieces.popleft()


class Searcher:
    """Takes events, and gives the matches in what they deliver.

    Args:
        direction: Only what this side sent; both if None.
        before, after: How many bytes around a match to give with it.
        max_waiting_bytes: What may wait in memory in all streams together.

    Attributes:
        waiting_bytes: What waits.
    """

    def __init__(
        self,
        pattern: Pattern,
        *,
        direction: Direction | None = None,
        before: int = 0,
        after: int = 0,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        self.pattern = pattern
        self.waiting_bytes = 0
        self._direction = direction
        self._before = before
        self._after = after
        self._max_waiting_bytes = max_waiting_bytes
        self._tails: dict[tuple[Stream, Direction], Tail] = {}

    def take(self, event: Event) -> Iterator[Match]:
        """Take the next event, and give the matches that are certain by now."""
        kind = type(event)
        if isinstance(event, Data):
            yield from self._add(event)
        elif isinstance(event, Gap):
            yield from self._end(event.stream, event.direction)
        elif kind is Closed:
            for direction in Direction:
                yield from self._end(event.stream, direction)

    def finish(self) -> Iterator[Match]:
        """Give the matches at the ends of what is left."""
        for stream, direction in list(self._tails):
            yield from self._end(stream, direction)

    def _add(self, event: Data) -> Iterator[Match]:
        direction = event.direction
        if self._direction is not None and direction is not self._direction:
            return
        key = (event.stream, direction)
        tail = self._tails.get(key)
        if tail is None:
            tail = self._tails[key] = Tail(event.stream, direction, event.offset)
        else:
            self.waiting_bytes -= tail.memory_bytes
        tail.data += event.payload
        tail.pieces.extend(event.pieces)
        try:
            yield from self._search(tail, ended=False)
        finally:
            self.waiting_bytes += tail.memory_bytes
        if self.waiting_bytes > self._max_waiting_bytes:
            yield from self._make_room()

    def _end(self, stream: Stream, direction: Direction) -> Iterator[Match]:
        tail = self._tails.pop((stream, direction), None)
        if tail is not None:
            self.waiting_bytes -= tail.memory_bytes
            yield from self._search(tail, ended=True)

    def _make_room(self) -> Iterator[Match]:
        """Look at the longest tails as if they ended here, until half is free."""
        for tail in sorted(
            self._tails.values(), key=lambda tail: tail.memory_bytes, reverse=True
        ):
            if self.waiting_bytes <= self._max_waiting_bytes // 2:
                return
            yield from self._end(tail.stream, tail.direction)

    def _search(self, tail: Tail, *, ended: bool) -> Iterator[Match]:
        """Give the matches that nothing that comes can change."""
        data = bytes(tail.data)
        size = len(data)
        # What begins behind this may be longer than what has come, or want more of
        # what follows it.
        certain = size if ended else size - self.pattern.max_match - self._after + 1
        at = tail.searched - tail.offset
        while at < certain:
            found = self.pattern.find(data, at, certain)
            if found is None:
                at = certain
                break
            begin, end = found
            carrier = tail.carrier(tail.offset + begin)
            yield Match(
                tail.stream,
                tail.direction,
                tail.offset + begin,
                data[begin:end],
                carrier.frame,
                carrier.time_ns,
                data[max(0, begin - self._before) : begin],
                data[end : end + self._after],
            )
            at = end
        tail.searched = tail.offset + max(at, 0)
        # One byte more: ``\b`` and the like ask for what lies before.
        tail.drop(max(tail.offset, tail.searched - max(self._before, 1)))


def search(
    source: Any,
    pattern: bytes | str | Pattern,
    *,
    policy: Policy | None = None,
    direction: Direction | int | None = None,
    before: int = 0,
    after: int = 0,
    fixed: bool = False,
    ignore_case: bool = False,
    max_match: int = MAX_MATCH_BYTES,
    **opening: Any,
) -> Iterator[Match]:
    """Give the places where a pattern occurs in the streams of a capture.

    Args:
        pattern: A regular expression of RE2 over bytes (the extra ``grep``); with
            ``fixed`` a plain text.
        direction: Only what this side sent.
        before, after: How many bytes around a match to give with it.

    ``source``, ``policy`` and ``opening`` are those of ``unpacket.events``.

    Raises:
        PatternError: The pattern is not valid. It is a ``ValueError``.
        MissingEngine: google-re2 is not installed.
        SourceError: The source cannot be read, or is not a capture.
    """
    if not isinstance(pattern, Pattern):
        pattern = Pattern(
            pattern, fixed=fixed, ignore_case=ignore_case, max_match=max_match
        )
    side = None if direction is None else Direction(int(direction))
    searcher = Searcher(pattern, direction=side, before=before, after=after)
    reading = Reading(source, policy=policy, **opening)
    return matches(searcher, reading.events())


def matches(searcher: Searcher, events: Iterable[Event]) -> Iterator[Match]:
    """Give the matches in what events deliver, to their end."""
    for event in events:
        yield from searcher.take(event)
    yield from searcher.finish()
