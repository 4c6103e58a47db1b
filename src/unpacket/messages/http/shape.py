"""Exchanges and their messages as JSON has them."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from unpacket.messages.body import chunks
from unpacket.messages.http.content import (
    MAX_DECODED_BYTES,
    Decoded,
    MissingDecoder,
    codings_of,
    decode,
)
from unpacket.messages.http.head import HttpMessage, Request, Response
from unpacket.messages.http.multipart import Part, boundary_of, parts_of
from unpacket.messages.http2.grpc import grpc_facts, is_grpc
from unpacket.messages.pairing import Exchange


def digest(pieces: Iterable[bytes]) -> str:
    """Return the SHA-256 of bytes that come in pieces."""
    found = sha256()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()


def exchange_to_dict(
    exchange: Exchange, max_decoded_bytes: int = MAX_DECODED_BYTES
) -> dict[str, Any]:
    """Return an exchange as a dictionary that ``json`` takes."""
    request, response = exchange.request, exchange.response
    found: dict[str, Any] = {
        "stream": exchange.stream.id,
        "pairing": exchange.pairing,
        "client": str(exchange.client),
        "server": str(exchange.server),
        "url": None if request is None else request.url,
        "time_ns": exchange.time_ns,
        "latency_ns": exchange.latency_ns,
        "request": None,
        "response": None,
    }
    if request is not None:
        found["request"] = message_to_dict(request, max_decoded_bytes)
    if response is not None:
        found["response"] = message_to_dict(response, max_decoded_bytes)
        found["response"]["interim"] = [one.status for one in exchange.interim]
    elif exchange.interim:
        found["interim"] = [one.status for one in exchange.interim]
    return found


def message_to_dict(
    message: HttpMessage, max_decoded_bytes: int = MAX_DECODED_BYTES
) -> dict[str, Any]:
    """Return a request or a response as a dictionary that ``json`` takes."""
    found = head_to_dict(message)
    body = message.content
    found |= {
        "offset": message.offset,
        "wire_len": message.length,
        "body_len": message.body_length,
        "length_known": message.length_known,
        "body_sha256": digest(() if body is None else chunks(body)),
        "holes": [[hole.offset, hole.length] for hole in message.holes],
        "complete": message.complete,
        "time_ns": message.time_ns,
        "frames": list(message.frames),
    }
    if message.trailers_raw:
        found["trailers"] = [list(pair) for pair in message.trailers]
    decoded: Decoded | None = None
    if body is not None and body.length and codings_of(message):
        try:
            decoded = decode(message, max_decoded_bytes)
        except MissingDecoder as error:
            message.note(f"no decoder for {error.coding}")
        found["decoded"] = None if decoded is None else decoded_to_dict(decoded)
    if boundary_of(message) is not None and body is not None:
        data = message.body if decoded is None else decoded.data
        if decoded is None and body.holes:
            data = data[: body.first_hole()]
        found["parts"] = [part_to_dict(part) for part in parts_of(message, data) or ()]
    found["anomalies"] = message.anomalies
    return found


def head_to_dict(message: HttpMessage) -> dict[str, Any]:
    """Return the head of a message as a dictionary that ``json`` takes."""
    found: dict[str, Any] = {}
    if isinstance(message, Request):
        found["method"] = message.method
        found["target"] = message.target
    elif isinstance(message, Response):
        found["status"] = message.status
        found["reason"] = message.reason
    found |= {
        "version": message.version,
        "headers": [list(pair) for pair in message.headers],
        "headers_n": message.headers_n,
    }
    if is_grpc(message):
        found["grpc"] = grpc_facts(message)
    return found


def decoded_to_dict(decoded: Decoded) -> dict[str, Any]:
    """Return decoded content as a dictionary that ``json`` takes."""
    found = {
        "len": len(decoded.data),
        "sha256": sha256(decoded.data).hexdigest(),
        "complete": decoded.complete,
    }
    if decoded.limited:
        found["limited"] = True
    return found


def part_to_dict(part: Part) -> dict[str, Any]:
    """Return a part as a dictionary that ``json`` takes."""
    found: dict[str, Any] = {}
    ranges = [value for key, value in part.headers if key.lower() == "content-range"]
    if ranges and part.name is None:
        found["range"] = ranges[0]
    else:
        found["name"] = part.name
        found["filename"] = part.filename
    found["len"] = len(part.data)
    found["sha256"] = sha256(part.data).hexdigest()
    if not part.complete:
        found["complete"] = False
    return found
