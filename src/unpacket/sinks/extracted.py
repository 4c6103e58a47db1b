"""The files that an extraction makes of a stream, and what is remembered of it."""

from __future__ import annotations

import os

from unpacket._core.reassembly.direction import Direction
from unpacket._core.reassembly.events import Conflict, Data, Gap
from unpacket._core.reassembly.stream import Stream
from unpacket.errors import SinkError
from unpacket.records.summary import Trouble
from unpacket.sinks.files import GrowingFile
from unpacket.sinks.names import Template
from unpacket.sinks.render.follow import Renderer

INDEX = "index.jsonl"

NOT_EMPTY = "it is not empty"


class StreamFile(GrowingFile):
    """A file that is named for a stream."""

    __slots__ = ("_direction", "_ending", "_template", "stream")

    def __init__(
        self,
        template: Template,
        stream: Stream,
        direction: Direction | None,
        ending: str = "",
        *,
        hashed: bool = False,
        is_wanted: bool = True,
    ) -> None:
        super().__init__(hashed=hashed)
        self.is_wanted = is_wanted
        self._template = template
        self.stream = stream
        self._direction = direction
        self._ending = ending

    def candidate(self, again: int) -> str:
        return self._template.name(self.stream, self._direction, again) + self._ending


class Index(GrowingFile):
    """The file that says what the others are."""

    __slots__ = ()

    def candidate(self, again: int) -> str:
        return INDEX


class Missing:
    """How much is missing of all streams that were written.

    Attributes:
        gaps: How many gaps they have.
        missing_bytes: How many bytes are missing there.
    """

    __slots__ = ("gaps", "missing_bytes")

    def __init__(self) -> None:
        self.gaps = 0
        self.missing_bytes = 0

    def add(self, trouble: Trouble | None) -> None:
        """Add the gaps of a stream."""
        if trouble is not None:
            lengths = [gap.length for side in trouble.gaps for gap in side]
            self.gaps += len(lengths)
            self.missing_bytes += sum(lengths)


class Extracted:
    """What is remembered of a stream that needs more than its bytes written."""

    __slots__ = (
        "conflicts",
        "conversation",
        "frames",
        "left_out",
        "rendering",
        "sides",
        "trouble",
    )

    def __init__(self) -> None:
        self.sides: list[StreamFile | None] = [None, None]
        self.frames: list[StreamFile | None] = [None, None]
        self.left_out = [0, 0]
        self.trouble: Trouble | None = None
        self.conflicts: list[str] = []
        self.conversation: StreamFile | None = None
        self.rendering: Renderer | None = None

    def files(self) -> list[StreamFile]:
        """Return what was begun."""
        files = (*self.sides, *self.frames, self.conversation)
        return [file for file in files if file is not None]


def prepare(directory: str, *, force: bool) -> None:
    """Make a directory, which may have no files unless forced.

    Raises:
        SinkError: It cannot be made, or has files.
    """
    try:
        os.makedirs(directory, exist_ok=True)
        with os.scandir(directory) as entries:
            empty = next(entries, None) is None
    except (FileExistsError, NotADirectoryError) as error:
        raise SinkError(directory, "not a directory") from error
    except OSError as error:
        raise SinkError(directory, (error.strerror or str(error)).lower()) from error
    if not empty and not force:
        raise SinkError(directory, NOT_EMPTY)


def marker(gap: Gap) -> bytes:
    """Return the line that stands where bytes are missing."""
    noun = "byte" if gap.length == 1 else "bytes"
    return f"\n[unpacket: {gap.length} {noun} missing: {gap.reason}]\n".encode()


def frame_lines(data: Data) -> bytes:
    """Return a line for each packet that brought bytes: offset, length, frame, time."""
    return "".join(
        f"{piece.offset} {piece.length} {piece.frame} {piece.time_ns}\n"
        for piece in data.pieces
    ).encode()


def listed(conflict: Conflict) -> str:
    """Return what the index lists of a conflict, as an item of a list of ``facts``."""
    place = f"{conflict.direction}:{conflict.offset}+{len(conflict.kept)}"
    return f"{place}:{conflict.kept_frame}/{conflict.other_frame}"
