"""What the decoder makes of single frames, for the tests of its layers."""

import random
from collections.abc import Iterable
from typing import Any

from unpacket._core.decode.decoder import Decoder
from unpacket._core.decode.segments import Segments
from unpacket._core.memory.batch import Batch

ETHERNET = 1
RAW = 101

KEYS = [random.Random(1).getrandbits(44) for _ in range(21)]


class Reader:
    """Decodes one frame at a time, all with one decoder."""

    def __init__(self, **bounds: Any) -> None:
        self.decoder = Decoder(KEYS, **bounds)
        self.segments = Segments(1)
        self.frames = 0

    def read(
        self,
        frame: bytes,
        link_type: int = RAW,
        *,
        time_ns: int = 0,
        original: int | None = None,
    ) -> dict[str, Any] | str:
        """Return the segment with its ``payload``, or why there is none."""
        self.frames += 1
        before = self.decoder.counters
        size = len(frame) if original is None else original
        batch = Batch.from_frames([(time_ns, frame, link_type, size)])
        assert self.decoder.decode(batch, self.segments, 0) == 1
        after = self.decoder.counters
        if len(self.segments) == 1:
            row = self.segments.row(0)
            row["payload"] = self.segments.payload(0, batch)
            return row
        assert sum(after.values()) == sum(before.values()) + 1
        # More than one where frames that waited were given up, too.
        grown = [name for name in after if after[name] > before.get(name, 0)]
        return grown[0]


def read(
    frame: bytes,
    link_type: int = RAW,
    *,
    original: int | None = None,
    verify_checksums: bool = True,
) -> dict[str, Any] | str:
    """Return what a fresh decoder makes of a frame."""
    reader = Reader(verify_checksums=verify_checksums)
    return reader.read(frame, link_type, original=original)


def segment(
    frame: bytes, link_type: int = RAW, *, original: int | None = None
) -> dict[str, Any]:
    """Return the segment that is in a frame."""
    row = read(frame, link_type, original=original)
    assert isinstance(row, dict), row
    return row


def rows(batch: Batch, capacity: int = 2048, **bounds: Any) -> list[dict[str, Any]]:
    """Return all segments of a batch with their payload, and check the count."""
    decoder = Decoder(KEYS, **bounds)
    segments = Segments(capacity)
    found: list[dict[str, Any]] = []
    start = 0
    while start < len(batch):
        start = decoder.decode(batch, segments, start)
        for i in range(len(segments)):
            row = segments.row(i)
            row["payload"] = segments.payload(i, batch)
            found.append(row)
    assert len(found) + sum(decoder.counters.values()) == len(batch)
    return found


def batch_of(frames: Iterable[bytes], link_type: int = RAW) -> Batch:
    """Return a batch of frames that come a millisecond apart."""
    return Batch.from_frames(
        [(n * 1_000_000, frame, link_type) for n, frame in enumerate(frames)]
    )
