"""What says that a stream is HTTP/2; its frames are read by a connection of their own.

It begins with a preface of the client and the settings of the server, or behind an
upgrade to "h2c" (RFC 9113 section 3). Where the beginning was not captured, frames that
follow each other say it.
"""

from typing import TYPE_CHECKING, Any

from unpacket.messages.answers import Answer, tunnel
from unpacket.messages.constants import ITS_OWN, NOT_ITS_OWN, TOO_SHORT
from unpacket.messages.framer import Framer
from unpacket.messages.http2.connection import Http2Connection
from unpacket.messages.http2.frames import (
    HEADER,
    PREFACE,
    SETTINGS,
    chain,
    frame_at,
    is_plausible,
)
from unpacket.messages.settings import Settings

if TYPE_CHECKING:
    from unpacket import Stream
    from unpacket.messages.results import Message

# Frames in a row that say what a stream is whose beginning was not captured.
CHAIN = 3


class Http2(Framer):
    """HTTP/2."""

    __slots__ = ()

    name = "http2"
    pairs = True
    multiplexes = True

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        """Answer that the connection is read otherwise."""
        return tunnel("http2")

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes."""
        return 0 if data.startswith(PREFACE[:16]) else -1

    def begins(self, data: bytes, ended: bool) -> int:
        """Say whether a half that begins so is of HTTP/2."""
        if PREFACE.startswith(data[: len(PREFACE)]):
            full = len(data) >= len(PREFACE)
            return ITS_OWN if full else NOT_ITS_OWN if ended else TOO_SHORT
        if len(data) < HEADER:
            return NOT_ITS_OWN if ended or not data.startswith(b"\0\0") else TOO_SHORT
        frame = frame_at(data, 0)
        if not is_plausible(frame):
            return NOT_ITS_OWN
        if frame.kind == SETTINGS and not frame.flags and frame.length <= 1024:
            return ITS_OWN
        count, more = chain(data, 0, CHAIN)
        if count == CHAIN:
            return ITS_OWN
        return TOO_SHORT if more and not ended else NOT_ITS_OWN

    def tunnel(self, protocol: str | None, opener: "Message | None") -> Framer | None:
        """Return what frames the connection."""
        return self

    def connection(
        self,
        stream: "Stream",
        settings: Settings,
        known_by: str | None,
        swapped: bool,
        whole: bool,
        asked: Any,
    ) -> Http2Connection:
        """Return what reads both sides of a stream from here on."""
        return Http2Connection(stream, settings, known_by, swapped, whole, asked)
