"""Turns captured packets back into TCP streams, and accounts for every byte."""

from importlib import import_module
from typing import TYPE_CHECKING

from unpacket._core.memory.batch import Batch
from unpacket._core.reassembly.assembler import Assembler
from unpacket._core.reassembly.direction import Direction
from unpacket._core.reassembly.events import (
    Closed,
    Conflict,
    Data,
    Event,
    Finished,
    Gap,
    Note,
    Opened,
    Piece,
    Rejected,
    Urgent,
)
from unpacket._core.reassembly.stream import Endpoint, Stream
from unpacket._version import __version__
from unpacket.errors import (
    FormatError,
    GapError,
    LimitError,
    SinkError,
    SourceError,
    UnpacketError,
)
from unpacket.faces.iterate import Summary, WholeStream, events, streams, summaries
from unpacket.policy import Policy

if TYPE_CHECKING:
    from unpacket import sources as sources
    from unpacket import typing as typing
    from unpacket.faces.ack_tracker import AckTracker
    from unpacket.faces.aio import events_async
    from unpacket.faces.followed import FollowedStream
    from unpacket.faces.follower import StreamFollower
    from unpacket.faces.puller import Puller
    from unpacket.messages.iterate import http as http
    from unpacket.messages.iterate import messages as messages
    from unpacket.sources.live.devices import interfaces as interfaces
    from unpacket.sources.live.opening import live as live

__all__ = [
    "AckTracker",
    "Assembler",
    "Batch",
    "Closed",
    "Conflict",
    "Data",
    "Direction",
    "Endpoint",
    "Event",
    "Finished",
    "FollowedStream",
    "FormatError",
    "Gap",
    "GapError",
    "LimitError",
    "Note",
    "Opened",
    "Piece",
    "Policy",
    "Puller",
    "Rejected",
    "SinkError",
    "SourceError",
    "Stream",
    "StreamFollower",
    "Summary",
    "UnpacketError",
    "Urgent",
    "WholeStream",
    "__version__",
    "events",
    "events_async",
    "http",
    "interfaces",
    "live",
    "messages",
    "streams",
    "summaries",
]

# The faces that a program has at most one of are imported when it asks for them.
_FACES = {
    "AckTracker": "faces.ack_tracker",
    "FollowedStream": "faces.followed",
    "Puller": "faces.puller",
    "StreamFollower": "faces.follower",
    "events_async": "faces.aio",
    "http": "messages.iterate",
    "interfaces": "sources.live.devices",
    "live": "sources.live.opening",
}
_PACKAGES = ("messages", "sources", "typing")


# Type checkers shall not see it: to them every name would be there.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name in _PACKAGES:
            return import_module(f"{__name__}.{name}")
        if name not in _FACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        face = getattr(import_module(f"{__name__}.{_FACES[name]}"), name)
        globals()[name] = face
        return face


def __dir__() -> list[str]:
    return sorted(
        {*globals(), *_FACES, *_PACKAGES} - {"TYPE_CHECKING", "import_module"}
    )
