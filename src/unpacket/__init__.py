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
from unpacket.acks import AckTracker
from unpacket.errors import (
    FormatError,
    LimitError,
    SourceError,
    UnpacketError,
)
from unpacket.follower import FollowedStream, StreamFollower
from unpacket.live import events_async
from unpacket.policy import Policy
from unpacket.puller import Puller
from unpacket.streams import Summary, WholeStream, events, streams, summaries

__all__ = [
    "AckTracker",
    "Assembler",
    "Batch",
    "Closed",
    "Conflict",
    "Data",
    "Direction",
    "Endpoint",
    "Finished",
    "FollowedStream",
    "FormatError",
    "Gap",
    "LimitError",
    "Note",
    "Opened",
    "Piece",
    "Policy",
    "Puller",
    "Rejected",
    "SourceError",
    "Stream",
    "StreamFollower",
    "Summary",
    "UnpacketError",
    "WholeStream",
    "__version__",
    "events",
    "events_async",
    "streams",
    "summaries",
]
