"""HTTP/1.x in both directions: where messages begin and end (RFC 9112 section 6).

One framer a half. The request's knows what may come before a request; the response's
is told which request it answers.
"""

from typing import Any

from unpacket.messages.answers import Answer
from unpacket.messages.constants import (
    BROKEN,
    MESSAGE,
    NEED,
    REFUSE,
    SKIP,
    TUNNEL,
    UNTIL_END,
)
from unpacket.messages.framer import Framer
from unpacket.messages.http.chunks import HalfFramer
from unpacket.messages.http.constants import (
    BAD_LENGTH,
    CHUNKED,
    CONNECT,
    HEAD,
    HEADS,
    INCOMPLETE,
    LF,
    MAX_LENGTH,
    NO_LENGTH,
    NOT_CHUNKED,
)
from unpacket.messages.http.head import Request, Response, new_request, new_response
from unpacket.messages.http.parse import (
    line_end,
    parse_head,
    request_line,
    simple_request,
    status_line,
)
from unpacket.messages.http.starts import (
    first_request,
    first_response,
    is_begun_response,
    is_http,
    may_be_request,
    may_be_response,
    response_at,
    sender,
)
from unpacket.messages.native import find as native
from unpacket.messages.results import Message

# What of a status line is looked at behind a head.
MAX_STATUS_LINE = 256

PREFACE = b"PRI * HTTP/2.0"


class RequestFramer(HalfFramer):
    """Frames what a client sends."""

    __slots__ = ()

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        """Say what begins or goes on at ``data[start]``."""
        if self.state != HEADS:
            return self.chunk(data, start, ended)
        count = self.empty_lines(data, start)
        if count:
            self.leading = True
            return self.say(SKIP, count, 0)
        size = len(data)
        lf = native.find_byte(data, LF, start, size)
        if lf < 0:
            if ended or not may_be_request(data, start):
                return self.refused()
            return self.say(NEED, 1, 0)
        request = new_request()
        stop = line_end(data, start, lf)
        if not request_line(data, start, stop, request):
            if not self.fresh or not simple_request(data, start, stop, request):
                return self.refused()
            request.head = data[start : lf + 1]
            request.fields_start = lf + 1 - start
            if stop == lf:
                request.note("lf-only")
            self.begin_item(request)
            answer = self.say(MESSAGE, lf + 1 - start, lf + 1 - start)
            answer.item = request
            return answer
        if stop - start == 14 and native.same(data, start, PREFACE):
            return self.preface()
        end = parse_head(data, start, lf, False, request)
        whole = end != INCOMPLETE
        if not whole:
            if not ended:
                return self.say(NEED, 1, 0)
            request = new_request()
            request_line(data, start, stop, request)
            end = parse_head(data, start, lf, True, request)
        self.begin_item(request)
        head = end - start
        if not whole or request.declared == BAD_LENGTH or request.coding == NOT_CHUNKED:
            if whole and request.coding == NOT_CHUNKED:
                request.note("transfer-encoding-not-chunked")
            answer = self.say(BROKEN, head, head)
        elif request.coding == CHUNKED:
            version = native.piece(
                request.head, request.version_start, request.version_stop
            )
            if version == b"HTTP/1.0":
                request.note("transfer-encoding-in-http-1.0")
            answer = self.begin_chunks(head)
        else:
            length = 0 if request.declared == NO_LENGTH else request.declared
            answer = self.say(MESSAGE, head + min(length, MAX_LENGTH - head), head)
        answer.item = request
        answer.blocks = request.method_code == CONNECT or request.upgrades
        return answer

    def preface(self) -> Answer:
        """Answer that HTTP/2 begins here (RFC 9113 section 3.4)."""
        answer = self.say(TUNNEL, 0, 0)
        answer.protocol = "http2"
        return answer

    def refused(self) -> Answer:
        """Answer that no request begins here."""
        self.fresh = False
        self.leading = False
        return self.say(REFUSE, 0, 0)

    def find_start(self, data: bytes, start: int, ended: bool) -> int:
        """Return where the next request may begin."""
        return first_request(data, start, ended)

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes."""
        return sender(data)


class ResponseFramer(HalfFramer):
    """Frames what a server sends."""

    __slots__ = ()

    def expect(self, request: Any, certain: bool) -> None:
        """Learn which request the next response answers."""
        self.request = request
        self.certain = certain

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        """Say what begins or goes on at ``data[start]``."""
        if self.state != HEADS:
            return self.chunk(data, start, ended)
        asked: Request | None = self.request
        size = len(data)
        if asked is not None and asked.old:
            if not native.same(data, start, b"HTTP/"):
                if size - start < 5 and not ended and may_be_response(data, start):
                    return self.say(NEED, 5 - (size - start), 0)
                response = new_response()
                response.old = True
                self.begin_item(response)
                answer = self.say(UNTIL_END, 0, 0)
                answer.item = response
                return answer
        count = self.empty_lines(data, start)
        if count:
            self.leading = True
            return self.say(SKIP, count, 0)
        lf = native.find_byte(data, LF, start, size)
        if lf < 0:
            if ended or not may_be_response(data, start):
                return self.refused()
            return self.say(NEED, 1, 0)
        response = new_response()
        stop = line_end(data, start, lf)
        if not status_line(data, start, stop, response):
            return self.refused()
        end = parse_head(data, start, lf, False, response)
        whole = end != INCOMPLETE
        if not whole:
            if not ended:
                return self.say(NEED, 1, 0)
            response = new_response()
            status_line(data, start, stop, response)
            end = parse_head(data, start, lf, True, response)
        bare = False
        if not self.certain and whole and response.may_have_body():
            # Where a body should be, another response may begin: then this one
            # answers a HEAD that nobody can point at.
            left = size - end
            if left == 0:
                if not ended:
                    return self.say(NEED, 1, 0)
            elif is_begun_response(data[end : end + MAX_STATUS_LINE], 0):
                bare = response_at(data[: end + MAX_STATUS_LINE], end, True) == end
                if not bare and not ended and left < MAX_STATUS_LINE:
                    return self.say(NEED, 1, 0)
        self.begin_item(response)
        answer = self.frame_body(response, asked, end - start, whole, bare)
        answer.item = response
        return answer

    def frame_body(
        self,
        response: Response,
        asked: Request | None,
        head: int,
        whole: bool,
        bare: bool,
    ) -> Answer:
        """Say how long a response is (RFC 9112 section 6.3).

        Args:
            bare: Whether it is known otherwise that it has no body.
        """
        status = response.status_code
        code = 0 if asked is None else asked.method_code
        interim = 100 <= status < 200 and status != 101
        if not whole:
            answer = self.say(BROKEN, head, head)
            answer.interim = interim
            return answer
        if status == 101:
            answer = self.say(MESSAGE, head, head)
            answer.tunnels = True
            answer.protocol = upgraded(response)
            return answer
        if code == CONNECT and 200 <= status < 300:
            answer = self.say(MESSAGE, head, head)
            answer.tunnels = True
            return answer
        if interim or bare or code == HEAD or status == 204 or status == 304:
            answer = self.say(MESSAGE, head, head)
            answer.interim = interim
            return answer
        if response.coding == CHUNKED:
            if native.same(response.head, 0, b"HTTP/1.0"):
                response.note("transfer-encoding-in-http-1.0")
            return self.begin_chunks(head)
        if response.coding == NOT_CHUNKED:
            response.note("transfer-encoding-not-chunked")
            return self.say(UNTIL_END, head, head)
        if response.declared == BAD_LENGTH:
            return self.say(BROKEN, head, head)
        if response.declared != NO_LENGTH:
            length = min(response.declared, MAX_LENGTH - head)
            return self.say(MESSAGE, head + length, head)
        if native.same(response.head, 0, b"RTSP/"):
            return self.say(MESSAGE, head, head)
        return self.say(UNTIL_END, head, head)

    def refused(self) -> Answer:
        """Answer that no response begins here."""
        self.fresh = False
        self.leading = False
        return self.say(REFUSE, 0, 0)

    def find_start(self, data: bytes, start: int, ended: bool) -> int:
        """Return where the next response may begin."""
        return first_response(data, start, ended)

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes."""
        return sender(data)


def upgraded(response: Response) -> str:
    """Return what a connection is used for after "101 Switching Protocols"."""
    named = (response.header("upgrade") or "").partition(",")[0]
    named = named.strip().lower()
    if named == "h2c":
        return "http2"
    return named.partition("/")[0] or "unknown"


class Http(Framer):
    """HTTP/1.x, and what looks like it: RTSP, ICY, HTTP/0.9.

    Args:
        tunnels: What frames the bytes behind "101" and "CONNECT": a ``Framer`` by the
            name of the protocol, such as ``websocket``.
    """

    __slots__ = ("tunnels",)

    name = "http"
    pairs = True
    ports = (80, 8000, 8008, 8080, 8888, 3128)

    def __init__(self, tunnels: dict[str, Framer] | None = None) -> None:
        self.tunnels = dict(tunnels or {})

    def begin(self, direction: int, whole: bool) -> Framer:
        """Return the framer of a half that begins."""
        return ResponseFramer(whole) if direction else RequestFramer(whole)

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes: 0 the client, 1 the server, -1 nobody knows."""
        return sender(data)

    def begins(self, data: bytes, ended: bool) -> int:
        """Say whether a half that begins so is HTTP."""
        return is_http(data, ended)

    def tunnel(self, protocol: str | None, opener: Message | None) -> Framer | None:
        """Return what frames a tunnel's bytes."""
        framer = None if protocol is None else self.tunnels.get(protocol)
        return None if framer is None else framer.opened(opener)
