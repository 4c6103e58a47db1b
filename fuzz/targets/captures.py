"""Any bytes are a capture up to where they are damaged, however they are read."""

import io
import warnings
from typing import Any, NamedTuple

from unpacket import FormatError, sources
from unpacket.sources.capture import MOST_RESUMED
from unpacket.sources.readers.compressed import compression_of

# What ends a warning about times, with which nothing was left unread.
NO_DAMAGE = "though the header says otherwise"


class Read(NamedTuple):
    """What was read: the frames, and where and why no more came."""

    frames: list[tuple[Any, ...]]
    damage: tuple[int, str] | None


class Trickle(io.RawIOBase):
    """A pipe that has a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._count += 1
        piece = self._file.read(min(len(buffer), 1 + self._count % 13))
        buffer[: len(piece)] = piece
        return len(piece)


def read(file: Any, **options: Any) -> Read:
    frames: list[tuple[Any, ...]] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with sources.open(file, **options) as source:
                for batch in source:
                    frames += [batch.frame(index) for index in range(len(batch))]
                assert source.bytes_read >= 0
                assert repr(source.interfaces)
    except FormatError as error:
        assert str(error)
        return Read(frames, (error.offset, error.reason))
    found = [
        (warning.offset, warning.reason)
        for warning in source.warnings
        if not warning.reason.endswith(NO_DAMAGE)
    ]
    # Behind damage it is read on, so many times at most.
    assert len(found) <= MOST_RESUMED + 1
    return Read(frames, found[0] if found else None)


def check(data: bytes) -> None:
    whole = read(io.BytesIO(data))
    check_frames(whole.frames)
    compressed = compression_of(data) is not None
    if not compressed:
        assert sum(len(frame[4]) for frame in whole.frames) <= len(data)
        if whole.damage is not None:
            assert 0 <= whole.damage[0] <= len(data)
    strict = read(io.BytesIO(data), strict=True)
    if strict.damage is None or not strict.damage[1].endswith(NO_DAMAGE):
        # The first damage ends it; others look for what is behind.
        assert strict.damage == whole.damage
        assert strict.frames == whole.frames[: len(strict.frames)]
        assert whole.damage or len(strict.frames) == len(whole.frames)
    assert read(io.BytesIO(data), batch_frames=1) == whole
    slow = read(Trickle(data))
    if not compressed or whole.damage is None:
        assert slow == whole
    else:
        # What a decompressor gives in front of damage depends on what it gets at once.
        shorter = min(len(slow.frames), len(whole.frames))
        assert slow.frames[:shorter] == whole.frames[:shorter]


def check_frames(frames: list[tuple[Any, ...]]) -> None:
    last = 0
    for number, time_ns, link_type, original, octets in frames:
        assert number > last
        last = number
        assert -(1 << 63) <= time_ns < 1 << 63
        assert 0 <= link_type < 1 << 16
        assert len(octets) <= original < 1 << 32
