"""Frames of HTTP/2, or nearly, with losses, as exchanges."""

from random import Random
from typing import Any

from fuzz.choices import Choices
from fuzz.targets.framers import conversation
from tests.messages.cutting import cut_all
from tests.messages.http2.speaking import Talk, data, frame, get, ok, reset
from unpacket.messages import Layer
from unpacket.messages.http2.framer import Http2
from unpacket.messages.http2.frames import (
    CONTINUATION,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    SETTINGS,
    WINDOW_UPDATE,
)

TALK = Talk(preface=False)
PIECES = [
    PREFACE + frame(SETTINGS, 0),
    frame(SETTINGS, 0),
    frame(SETTINGS, 0, b"\0\1\0\0\xff\xff"),
    frame(SETTINGS, 0, b"", 1),
    frame(WINDOW_UPDATE, 0, bytes(4)),
    frame(PING, 0, bytes(8)),
    frame(GOAWAY, 0, bytes(8)),
    TALK.headers(0, 1, get("/one"), ends=True),
    TALK.headers(0, 3, get("/two", x="y")),
    TALK.headers(0, 3, get("/three"), padding=3, priority=True),
    TALK.headers(1, 1, ok(), cut=2),
    TALK.headers(1, 1, [("x-sum", "7")], ends=True),
    TALK.headers(1, 3, [(":status", "100")]),
    TALK.promise(1, 2, get("/pushed")),
    data(1, b"body" * 20),
    data(1, b"body", ends=True),
    data(3, b"body", padding=5),
    data(3, b"", ends=True),
    reset(1, 8),
    frame(HEADERS, 5, b"\x82", 0),
    frame(CONTINUATION, 5, b"\xff" * 20, 4),
    frame(HEADERS, 7, b"\xbe\xbf\x7f\x01\x02", 5),
    b"\0\x40\0\0\0\0\0\0\1",
]

# What a side may hold back: a frame that is none yet, or three while it looks for one.
MOST_BYTES = 1 << 20


def check(octets: bytes) -> None:
    """Read frames of which the data says which, and what is lost of them."""
    events = conversation(Choices(octets), PIECES)
    wanted = shown(read(events))
    for random in (Random(octets), None):
        assert shown(read(list(cut_all(events, random)))) == wanted


def read(events: list[Any]) -> list[Any]:
    """Return what comes of events; what waits stays within bounds."""
    layer = Layer(Http2(), exchanges=True)
    found: list[Any] = []
    for event in events:
        found += layer.feed([event])
        assert layer.settings.waiting_bytes <= MOST_BYTES
    found += layer.finish()
    assert layer.waiting_bytes == 0
    return found


def shown(found: list[Any]) -> list[Any]:
    """Return what there is, without where it was in which packet."""
    said = []
    for item in found:
        messages = (getattr(item, "request", None), getattr(item, "response", None))
        said.append(
            (
                type(item).__name__,
                getattr(item, "pairing", None),
                [
                    (
                        one.head,
                        one.trailers_raw,
                        one.body,
                        one.holes,
                        one.complete,
                        one.anomalies,
                        one.offset,
                    )
                    for one in messages
                    if one is not None
                ],
            )
        )
    return said
