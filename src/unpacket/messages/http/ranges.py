"""Files put together from 206 responses (RFC 9110 section 15.3.7.3).

Only with the same URL, the same strong entity tag and the same total length. What no
response brought is a hole, and a file with one is never called whole.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from unpacket.messages.http.multipart import content_range, parts_of
from unpacket.messages.pairing import Exchange

# Files that are being put together at one time; the oldest one is given up first.
MAX_FILES = 1024


class RangedFile:
    """One file, as far as its ranges were seen.

    Attributes:
        url, etag, total: What its ranges agree on.
        ranges: ``(first, data)`` pairs that do not overlap, by position.
        exchanges: How many ranges were brought.
    """

    __slots__ = ("etag", "exchanges", "ranges", "total", "url")

    def __init__(self, url: str, etag: str, total: int) -> None:
        self.url = url
        self.etag = etag
        self.total = total
        self.ranges: list[tuple[int, bytes]] = []
        self.exchanges = 0

    @property
    def length(self) -> int:
        """How many of its bytes were seen."""
        return sum(len(data) for _, data in self.ranges)

    @property
    def complete(self) -> bool:
        """Whether all of them were."""
        return self.length == self.total

    @property
    def data(self) -> bytes:
        """What was seen, in order, holes left out."""
        return b"".join(data for _, data in self.ranges)

    def add(self, first: int, data: bytes) -> None:
        """Add a range; of what is there already the first copy stays."""
        kept: list[tuple[int, bytes]] = []
        for start, old in self.ranges:
            stop = start + len(old)
            if data and first < start:
                kept.append((first, data[: start - first]))
                data = data[start - first :]
                first = start
            if data and first < stop:
                data = data[stop - first :]
                first = stop
            kept.append((start, old))
        if data:
            kept.append((first, data))
        self.ranges = sorted(item for item in kept if item[1])

    def to_dict(self) -> dict[str, Any]:
        """Return the file as JSON has it."""
        data = self.data
        return {
            "url": self.url,
            "len": self.total,
            "sha256": sha256(data).hexdigest(),
            "complete": self.complete,
        }


class Ranges:
    """Puts files together, exchange by exchange.

    Args:
        max_bytes: How much of all files is kept; the oldest file goes first.
    """

    def __init__(self, max_bytes: int = 256 << 20) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._files: dict[tuple[str, str, int], RangedFile] = {}
        self.given_up = 0

    def add(self, exchange: Exchange) -> None:
        """Take what an exchange brought of a file, if it did."""
        request, response = exchange.request, exchange.response
        if exchange.pairing != "known" or response is None or response.status != 206:
            return
        etag = response.header("etag") or ""
        if request is None or not etag.startswith('"'):
            # No tag, or a weak one: nobody can say that it is the same file.
            return
        for placed, data in placed_ranges(response):
            first, last, total = placed
            if total is None:
                continue
            key = (request.url, etag, total)
            file = self._files.get(key)
            if file is None:
                file = self._files[key] = RangedFile(*key)
            before = file.length
            file.add(first, data[: last - first + 1])
            file.exchanges += 1
            self._bytes += file.length - before
        while self._files and (
            self._bytes > self._max_bytes or len(self._files) > MAX_FILES
        ):
            oldest = self._files.pop(next(iter(self._files)))
            self._bytes -= oldest.length
            self.given_up += 1

    def files(self) -> list[RangedFile]:
        """Return what was put together of more than one range."""
        return [file for file in self._files.values() if file.exchanges > 1]


def placed_ranges(
    response: Any,
) -> Iterable[tuple[tuple[int, int, int | None], bytes]]:
    """Give the ranges of a 206 response, with their places."""
    body = response.content
    if body is None:
        return
    observed = response.body
    if body.holes:
        observed = observed[: body.first_hole()]
    parts = parts_of(response, observed)
    if parts is not None:
        for part in parts:
            if part.range is not None:
                yield part.range, part.data
        return
    placed = content_range(response.header("content-range"))
    if placed is None:
        return
    if not body.holes:
        yield placed, observed
        return
    # What lies behind a hole has its place too.
    whole = response.body
    at = taken = 0
    for hole in [*body.holes, None]:
        stop = body.length if hole is None else hole.offset
        if stop > at:
            piece = whole[taken : taken + stop - at]
            taken += stop - at
            yield (placed[0] + at, placed[1], placed[2]), piece
        if hole is not None:
            at = hole.offset + hole.length
