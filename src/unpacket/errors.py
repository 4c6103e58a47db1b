"""What can go wrong, apart from the caller's own mistakes.

::

    UnpacketError
    +-- SourceError          a source of packets cannot be used
    |   +-- FormatError      its bytes are not what its format says
    +-- SinkError            what was found cannot be written
    +-- LimitError           a bound was reached for which the user chose an error
    +-- GapError             bytes that lie around a gap were requested as one piece

    CaptureWarning           a capture is damaged; what could be read was used
                             (a category of warning, not raised)
    +-- LinkTypeWarning      packets of a program do not fit their link type
    OverlapWarning           captures overlap, and were read one after the other

A mistake of the caller is a ValueError or a TypeError. Hostile traffic is none of
these: it makes events. Any other exception is a bug of unpacket.

Each carries the facts as attributes, and ``args`` are those facts, so that it
survives the way back from a worker process.
"""

from os import PathLike

__all__ = [
    "CaptureWarning",
    "FormatError",
    "GapError",
    "LimitError",
    "LinkTypeWarning",
    "OverlapWarning",
    "SinkError",
    "SourceError",
    "UnpacketError",
]


class UnpacketError(Exception):
    """The root of the tree, for those who catch everything of unpacket's."""


class SourceError(UnpacketError):
    """A source of packets cannot be opened or read, or needs what is not there.

    Attributes:
        path: The source, as the caller named it.
        reason: What was wrong, in lower case and without a full stop.
    """

    def __init__(self, path: str | PathLike[str], reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class FormatError(SourceError):
    """The bytes of a capture are not what its format says.

    Attributes:
        path: The capture, as the caller named it.
        offset: Where the trouble begins, in bytes from where reading began. In a
            compressed capture these are bytes after decompression.
        reason: What was wrong there, in lower case and without a full stop.
    """

    def __init__(self, path: str | PathLike[str], offset: int, reason: str) -> None:
        super().__init__(path, reason)
        self.args = (path, offset, reason)
        self.offset = offset

    def __str__(self) -> str:
        return f"{self.path}: byte {self.offset}: {self.reason}"


class SinkError(UnpacketError):
    """A file or a directory cannot be written.

    Attributes:
        path: Which.
        reason: What was wrong, in lower case and without a full stop.
    """

    def __init__(self, path: str | PathLike[str], reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class LimitError(UnpacketError):
    """A bound was reached for which the user chose an error.

    Attributes:
        limit: The name of the bound, as Policy calls it.
        maximum: Its value.
    """

    def __init__(self, limit: str, maximum: int) -> None:
        super().__init__(limit, maximum)
        self.limit, self.maximum = limit, maximum

    def __str__(self) -> str:
        return f"the limit {self.limit}={self.maximum} was reached"


class GapError(UnpacketError):
    """Bytes that were requested as one piece lie around a gap.

    Attributes:
        stream_id: The id of the stream.
        direction: ``client`` or ``server``, the sender of the bytes.
        offset: Where the first gap begins, in bytes of the stream.
        length: How many bytes are missing there.
        reason: Why, as ``Gap.reason`` has it.
        gaps: How many gaps the direction has in all.
    """

    def __init__(
        self,
        stream_id: int,
        direction: str,
        offset: int,
        length: int,
        reason: str,
        gaps: int,
    ) -> None:
        super().__init__(stream_id, direction, offset, length, reason, gaps)
        self.stream_id, self.direction = stream_id, direction
        self.offset, self.length, self.reason = offset, length, reason
        self.gaps = gaps

    def __str__(self) -> str:
        noun = "byte" if self.length == 1 else "bytes"
        which = "" if self.gaps == 1 else f", in the first of {self.gaps} gaps"
        side = self.direction.upper()
        return (
            f"stream {self.stream_id}: {self.length} {noun} of the {self.direction} at "
            f"offset {self.offset} missing ({self.reason}){which}; "
            f"runs(Direction.{side}) gives what lies between gaps with its offsets, "
            'gaps="zeros" puts zeros there, gaps="join" leaves nothing'
        )


class CaptureWarning(UserWarning):
    """A capture is damaged: all that could be read was used.

    ``reason`` says how many bytes were passed over up to the next record, or were not
    read since there was none.

    Attributes: as those of FormatError, which takes its place when reading strictly.
    """

    def __init__(self, path: str | PathLike[str], offset: int, reason: str) -> None:
        super().__init__(path, offset, reason)
        self.path, self.offset, self.reason = path, offset, reason

    def __str__(self) -> str:
        return f"{self.path}: byte {self.offset}: {self.reason}"


class LinkTypeWarning(CaptureWarning):
    """No packet of a program makes sense with its link type.

    The warning is given once, and no readable packet is lost. As a CaptureWarning it
    has the path ``packets``, the offset 0, and a reason.

    Attributes:
        link_type: The number that they have: Ethernet, 1, for ``bytes`` where no
            ``link_type`` was given.
        packets: How many were looked at.
        likely: The ``link_type`` with which they make sense, or None.
    """

    def __init__(self, link_type: int, packets: int, likely: str | None) -> None:
        if likely is None:
            remedy = "give the right one with link_type=..."
        else:
            remedy = f"with link_type={likely!r} they do"
        reason = (
            f"none of the first {packets} packets makes sense with link type "
            f"{link_type}{' (Ethernet)' if link_type == 1 else ''}; {remedy}"
        )
        super().__init__("packets", 0, reason)
        self.args = (link_type, packets, likely)
        self.link_type, self.packets, self.likely = link_type, packets, likely

    def __str__(self) -> str:
        return self.reason


class OverlapWarning(UserWarning):
    """One of several captures begins before another ends, and they are not merged.

    Attributes:
        path: The one that was read later.
        earlier: The other.
        by_ns: How long before its end that is, in nanoseconds.
    """

    def __init__(self, path: str, earlier: str, by_ns: int) -> None:
        super().__init__(path, earlier, by_ns)
        self.path, self.earlier, self.by_ns = path, earlier, by_ns

    def __str__(self) -> str:
        overlap = f"{self.by_ns / 1e9:f}".rstrip("0").rstrip(".")
        return (
            f"{self.path}: it begins {overlap} s before the end of {self.earlier}, and"
            " is read after it; with --merge (merge=True) packets come in the order of"
            " time"
        )
