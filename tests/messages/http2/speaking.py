"""HTTP/2 frames made by hand, header blocks by the library ``hpack``."""

from typing import Any

import hpack

from tests.tls.speaking import Turn
from unpacket.messages.http2.frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HAS_PRIORITY,
    HEADERS,
    PADDED,
    PREFACE,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
)

Fields = list[tuple[str, str]]


def frame(kind: int, stream: int, body: bytes = b"", flags: int = 0) -> bytes:
    """Return a frame."""
    head = len(body).to_bytes(3) + bytes([kind, flags])
    return head + stream.to_bytes(4) + body


def get(path: str, **fields: str) -> Fields:
    """Return the fields of a request."""
    found = [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "h.example"),
        (":path", path),
    ]
    return found + [(name.replace("_", "-"), value) for name, value in fields.items()]


def ok(**fields: str) -> Fields:
    """Return the fields of a response."""
    named = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return [(":status", "200"), *named]


class Talk:
    """A connection.

    Attributes:
        turns: What client and server sent.
    """

    def __init__(self, *, preface: bool = True) -> None:
        self.turns: list[Turn] = []
        self._encoders = [hpack.Encoder(), hpack.Encoder()]
        if preface:
            self.turns.append((0, PREFACE + frame(SETTINGS, 0)))
            self.turns.append((1, frame(SETTINGS, 0)))

    def send(self, side: int, *frames: bytes) -> None:
        """Let a side send frames."""
        self.turns.append((side, b"".join(frames)))

    def block(self, side: int, fields: Fields) -> bytes:
        """Return the next header block of a side."""
        found: bytes = self._encoders[side].encode(fields)
        return found

    def headers(
        self,
        side: int,
        stream: int,
        fields: Fields,
        *,
        ends: bool = False,
        cut: int = 0,
        padding: int = 0,
        priority: bool = False,
    ) -> bytes:
        """Return HEADERS, and CONTINUATION where the block is cut."""
        block = self.block(side, fields)
        size = cut or len(block)
        parts = [block[at : at + size] for at in range(0, len(block), size)]
        first = parts[0]
        flags = END_STREAM if ends else 0
        if priority:
            first = bytes(5) + first
            flags |= HAS_PRIORITY
        if padding:
            first = bytes([padding]) + first + bytes(padding)
            flags |= PADDED
        if len(parts) == 1:
            flags |= END_HEADERS
        found = frame(HEADERS, stream, first, flags)
        for number, part in enumerate(parts[1:], 2):
            last = END_HEADERS if number == len(parts) else 0
            found += frame(CONTINUATION, stream, part, last)
        return found

    def promise(self, stream: int, promised: int, fields: Fields) -> bytes:
        """Return PUSH_PROMISE."""
        body = promised.to_bytes(4) + self.block(1, fields)
        return frame(PUSH_PROMISE, stream, body, END_HEADERS)

    def ask(self, stream: int, path: str, body: bytes, **fields: str) -> None:
        """Let the client ask for something, and the server send it."""
        self.send(0, self.headers(0, stream, get(path, **fields), ends=True))
        self.send(1, self.headers(1, stream, ok(content_length=str(len(body)))))
        self.send(1, data(stream, body, ends=True))


def data(stream: int, body: bytes, *, ends: bool = False, padding: int = 0) -> bytes:
    """Return DATA, in frames of 16 KiB at most."""
    found = b""
    parts = [body[at : at + 16000] for at in range(0, len(body), 16000)] or [b""]
    for number, part in enumerate(parts, 1):
        flags = END_STREAM if ends and number == len(parts) else 0
        if padding:
            part = bytes([padding]) + part + bytes(padding)
            flags |= PADDED
        found += frame(DATA, stream, part, flags)
    return found


def reset(stream: int, code: int) -> bytes:
    """Return RST_STREAM."""
    return frame(RST_STREAM, stream, code.to_bytes(4))


def shape(exchange: Any) -> tuple[Any, ...]:
    """Return what an exchange says."""
    request, response = exchange.request, exchange.response
    return (
        None if request is None else (request.method, request.url, request.body),
        None if response is None else (response.status, response.body),
        exchange.pairing,
    )
