"""Requests and responses of HTTP/1: their heads, and what those say.

Fields become objects only when somebody asks for them; until then a message has the
bytes of its head, and where in it things are (RFC 9112 sections 2 to 5).
"""

from typing import Any

from unpacket.messages.http.constants import (
    CHUNKED,
    CONNECT,
    NO_CODING,
    NO_LENGTH,
    OTHER,
)
from unpacket.messages.http.fields import field_value, parse_fields
from unpacket.messages.native import garbage
from unpacket.messages.results import Message, clear


class HttpMessage(Message):
    """What requests and responses have in common.

    Attributes:
        head: The first line and the fields, as they came; empty for HTTP/0.9.
        fields_start: Where the fields begin in it.
        headers_n: How many fields there are; folded lines belong to one.
        declared: The length that Content-Length declares; -1 for none, -2 for one
            that cannot be believed.
        coding: Whether Transfer-Encoding ends in "chunked", in something else, or is
            absent.
        upgrades: Whether there is an Upgrade field.
        trailers_raw: The fields behind a chunked body, as they came.
    """

    __slots__ = (
        "_decoded",
        "_fields",
        "coding",
        "declared",
        "fields_start",
        "head",
        "headers_n",
        "old",
        "trailers_raw",
        "upgrades",
        "version_start",
        "version_stop",
    )

    head: bytes
    trailers_raw: bytes
    declared: int
    fields_start: int
    version_start: int
    version_stop: int
    headers_n: int
    coding: int
    upgrades: bool
    old: bool
    _fields: list[tuple[str, str]] | None
    _decoded: Any

    @property
    def version(self) -> str:
        """The protocol and its version, such as ``HTTP/1.1``."""
        if self.old:
            return "HTTP/0.9"
        return self.head[self.version_start : self.version_stop].decode("latin-1")

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The fields as pairs of name and value, in their order.

        Bytes become characters one by one (Latin-1), so that nothing is lost.
        """
        if self._fields is None:
            self._fields = parse_fields(self.head, self.fields_start)
        return self._fields

    @property
    def trailers(self) -> list[tuple[str, str]]:
        """The fields behind a chunked body; they are no headers."""
        return parse_fields(self.trailers_raw, 0)

    def header(self, name: str, default: str | None = None) -> str | None:
        """Return the value of a field, whatever the case of its name.

        Values of fields that are repeated are joined with a comma (RFC 9110 section
        5.2).
        """
        try:
            sought = name.lower().encode("latin-1")
        except UnicodeEncodeError:
            return default
        found = field_value(self.head, self.fields_start, sought)
        return default if found is None else found

    @property
    def decoded(self) -> Any:
        """The body with its content codings undone, as ``content.Decoded``.

        None where it has none, or a wrong or unknown one; that is an anomaly then.
        Bounded; ``content.decode`` takes other bounds.

        Raises:
            MissingDecoder: The library of the coding is not installed.
        """
        if self._decoded is None:
            from unpacket.messages.http.content import decode

            self._decoded = (decode(self),)
        return self._decoded[0]

    @property
    def data(self) -> bytes:
        """What the body means: decoded where it was coded, else as it came."""
        decoded = self.decoded
        return self.body if decoded is None else decoded.data

    @property
    def summary(self) -> str:
        """What is asked, or how it was answered."""
        return str(self)

    @property
    def facts(self) -> dict[str, Any]:
        """The head, as JSON has it."""
        from unpacket.messages.http.shape import head_to_dict

        return head_to_dict(self)

    @property
    def parts(self) -> Any:
        """The parts of a multipart body, each a ``multipart.Part``; None of others."""
        from unpacket.messages.http.multipart import parts_of

        body = self._body
        if body is None:
            return None
        decoded = self.decoded
        data = self.body if decoded is None else decoded.data
        if decoded is None and body.holes:
            data = data[: body.first_hole()]
        return parts_of(self, data)


class Request(HttpMessage):
    """A request.

    Attributes:
        method_code: HEAD, CONNECT or OTHER.
    """

    __slots__ = ("method_code", "method_stop", "target_start", "target_stop")

    method_code: int
    method_stop: int
    target_start: int
    target_stop: int

    @property
    def method(self) -> str:
        """The method, as it was written."""
        return self.head[: self.method_stop].decode("latin-1")

    @property
    def target(self) -> str:
        """What the request is about, as it was written."""
        return self.head[self.target_start : self.target_stop].decode("latin-1")

    @property
    def host(self) -> str:
        """The host that is asked: by Host, else the server's address."""
        named = self.header("host")
        if named:
            return named.strip()
        end = self.server
        shown = f"[{end.address}]" if ":" in str(end.address) else str(end.address)
        return shown if end.port == 80 else f"{shown}:{end.port}"

    @property
    def url(self) -> str:
        """The target as a URL (RFC 9112 section 3.3)."""
        target = self.target
        if "://" in target.partition("?")[0] or self.method_code == CONNECT:
            return target
        if target == "*":
            target = ""
        scheme = self.version.partition("/")[0].lower() or "http"
        return f"{scheme}://{self.host}{target}"

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


class Response(HttpMessage):
    """A response; ``status`` is None for HTTP/0.9, which has none."""

    __slots__ = ("reason_start", "reason_stop", "status_code")

    reason_start: int
    reason_stop: int
    status_code: int

    @property
    def status(self) -> int | None:
        """The status code."""
        return None if self.old else self.status_code

    @property
    def reason(self) -> str:
        """The reason phrase, as it was written."""
        return self.head[self.reason_start : self.reason_stop].decode("latin-1")

    def may_have_body(self) -> bool:
        """Return whether its head says that a body of some length follows."""
        return self.declared > 0 or self.coding == CHUNKED

    def __str__(self) -> str:
        status = "(no status)" if self.old else str(self.status_code)
        whole = "" if self.complete else ", incomplete"
        return f"{status} ({self.body_length} bytes{whole})"


def empty(message: HttpMessage) -> None:
    """Set all that every HTTP message has."""
    clear(message)
    message.head = b""
    message.trailers_raw = b""
    message._fields = None
    message._decoded = None
    message.fields_start = 0
    message.headers_n = 0
    message.declared = NO_LENGTH
    message.coding = NO_CODING
    message.upgrades = False
    message.old = False
    message.version_start = 0
    message.version_stop = 0


def new_request() -> Request:
    """Return a request without a head."""
    request = Request.__new__(Request)
    garbage.leave_alone(request)
    empty(request)
    request.method_code = OTHER
    request.method_stop = 0
    request.target_start = 0
    request.target_stop = 0
    return request


def new_response() -> Response:
    """Return a response without a head."""
    response = Response.__new__(Response)
    garbage.leave_alone(response)
    empty(response)
    response.status_code = 0
    response.reason_start = 0
    response.reason_stop = 0
    return response
