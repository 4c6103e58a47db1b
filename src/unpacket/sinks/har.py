"""Exchanges as an HTTP Archive (HAR 1.2), for a browser's developer tools.

Entries are written as they come, so that memory does not grow with their number.
What HAR has no place for is in fields that begin with an underscore, as the format
allows: how the two were paired, what is missing.
"""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

from unpacket._version import __version__
from unpacket.errors import SinkError

if TYPE_CHECKING:
    from unpacket.messages.http.head import HttpMessage, Request, Response
    from unpacket.messages.pairing import Exchange

# Of a larger body the archive has its size alone: tools read an archive as a whole.
MAX_BODY_BYTES = 16 << 20
NOT_SEEN = -1


class HarFile:
    """Writes exchanges to a file.

    Raises:
        SinkError: It cannot be written.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self._count = 0

    def __enter__(self) -> Self:
        creator = {"name": "unpacket", "version": __version__}
        try:
            self._file = open(self._path, "w", encoding="utf-8")
        except OSError as error:
            raise self._failed(error) from error
        self._write(
            f'{{"log":{{"version":"1.2","creator":{json.dumps(creator)},'
            '"pages":[],"entries":[\n'
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # An archive that was cut is still one of what came before.
        self._write("\n]}}\n")
        if self._file is not None:
            try:
                self._file.close()
            except OSError as failure:
                raise self._failed(failure) from failure

    def add(self, exchange: Exchange) -> None:
        """Add an exchange."""
        separator = ",\n" if self._count else ""
        self._write(separator + json.dumps(entry(exchange), separators=(",", ":")))
        self._count += 1

    def _write(self, text: str) -> None:
        if self._file is None:
            return
        try:
            self._file.write(text)
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> SinkError:
        return SinkError(self._path, (error.strerror or str(error)).lower())


def entry(exchange: Exchange) -> dict[str, Any]:
    """Return the entry of an exchange."""
    request, response = exchange.request, exchange.response
    wait = milliseconds(exchange.latency_ns)
    send = 0.0 if request is None else span(request)
    receive = 0.0 if response is None else span(response)
    return {
        "startedDateTime": moment(exchange.time_ns),
        "time": send + max(wait, 0.0) + receive,
        "request": request_of(request, exchange),
        "response": response_of(response),
        "cache": {},
        "timings": {"send": send, "wait": wait, "receive": receive},
        "serverIPAddress": exchange.server.address,
        "connection": str(exchange.stream.id),
        "_client": str(exchange.client),
        "_server": str(exchange.server),
        "_pairing": exchange.pairing,
        "_complete": exchange.complete,
    }


def moment(time_ns: int) -> str:
    """Return a time as ISO 8601 with milliseconds."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    try:
        whole = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        whole = datetime.fromtimestamp(0, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03}Z"


def milliseconds(duration_ns: int | None) -> float:
    return NOT_SEEN if duration_ns is None else max(duration_ns, 0) / 1e6


def span(message: HttpMessage) -> float:
    return milliseconds(message.last_ns - message.time_ns)


def request_of(request: Request | None, exchange: Exchange) -> dict[str, Any]:
    """Return what the archive has of a request; of one that was not seen, its place."""
    if request is None:
        return {
            "method": "",
            "url": f"http://{exchange.server}/",
            "httpVersion": "",
            "cookies": [],
            "headers": [],
            "queryString": [],
            "headersSize": NOT_SEEN,
            "bodySize": NOT_SEEN,
            "comment": "the request is not in the capture",
        }
    found: dict[str, Any] = {
        "method": request.method,
        "url": request.url,
        "httpVersion": request.version,
        "cookies": cookies(request, "cookie"),
        "headers": pairs(request.headers),
        "queryString": pairs(query_of(request.url)),
        "headersSize": len(request.head),
        "bodySize": request.body_length,
    }
    if request.body_length:
        found["postData"] = {
            "mimeType": request.header("content-type") or "",
            "text": text_of(request.data)[0],
        }
    return found


def query_of(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query, keep_blank_values=True)
    except ValueError:
        # Such as an address that is none.
        return []


def response_of(response: Response | None) -> dict[str, Any]:
    """Return what the archive has of a response."""
    found: dict[str, Any] = {
        "status": 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": "x-unknown"},
        "redirectURL": "",
        "headersSize": NOT_SEEN,
        "bodySize": NOT_SEEN,
    }
    if response is None:
        found["comment"] = "there is no response in the capture"
        return found
    return found | {
        "status": response.status or 0,
        "statusText": response.reason,
        "httpVersion": response.version,
        "cookies": cookies(response, "set-cookie"),
        "headers": pairs(response.headers),
        "content": content_of(response),
        "redirectURL": response.header("location") or "",
        "headersSize": len(response.head),
        "bodySize": response.body_length,
    }


def content_of(response: Response) -> dict[str, Any]:
    """Return a body, with its content coding undone."""
    found: dict[str, Any] = {
        "size": response.body_length,
        "mimeType": response.header("content-type") or "x-unknown",
    }
    missing = sum(hole.length for hole in response.holes)
    if missing:
        found["comment"] = f"{missing} bytes of it are not in the capture"
    if response.body_length > MAX_BODY_BYTES:
        return found
    data = response.data
    found["size"] = len(data)
    if data:
        text, encoding = text_of(data)
        found["text"] = text
        if encoding:
            found["encoding"] = encoding
    return found


def text_of(data: bytes) -> tuple[str, str]:
    """Return bytes as text, and in which encoding: none, or Base64."""
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError:
        return b64encode(data).decode("ascii"), "base64"


def pairs(headers: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def cookies(message: HttpMessage, field: str) -> list[dict[str, str]]:
    """Return the cookies of a message, as far as they are such."""
    found = []
    for name, value in message.headers:
        if name.lower() != field:
            continue
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load(value)
        except CookieError:
            continue
        found += [{"name": key, "value": one.value} for key, one in jar.items()]
    return found
