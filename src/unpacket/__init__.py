"""TCP streams out of captured packets, with the truth about every byte."""

from unpacket._core.assembler import Assembler
from unpacket._core.batch import Batch
from unpacket._core.events import (
    Closed,
    Conflict,
    Data,
    Direction,
    Finished,
    Gap,
    Note,
    Opened,
    Piece,
    Rejected,
)
from unpacket._core.state import Endpoint, Stream
from unpacket._version import __version__
from unpacket.errors import (
    FormatError,
    LimitError,
    SourceError,
    UnpacketError,
)
from unpacket.policy import Policy

__all__ = [
    "Assembler",
    "Batch",
    "Closed",
    "Conflict",
    "Data",
    "Direction",
    "Endpoint",
    "Finished",
    "FormatError",
    "Gap",
    "LimitError",
    "Note",
    "Opened",
    "Piece",
    "Policy",
    "Rejected",
    "SourceError",
    "Stream",
    "UnpacketError",
    "__version__",
]
