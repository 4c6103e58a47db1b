"""The head of an HTTP/1 message: its first line, and what of its fields is framing.

Tolerant: what real peers send is read, and what is wrong is noted by name. Fields
become objects only when somebody asks for them; until then a message has the bytes
of its head and nothing else (RFC 9112 sections 2 to 6).
"""

from typing import Any

from unpacket.messages.http.constants import (
    BAD_LENGTH,
    CHUNKED,
    COLON,
    CONNECT,
    CONTENT_LENGTH,
    CR,
    HEAD,
    INCOMPLETE,
    LF,
    MAX_LENGTH,
    MAX_METHOD,
    NO_CODING,
    NO_LENGTH,
    NOT_CHUNKED,
    OTHER,
    SPACE,
    TAB,
    TOKEN,
    TRANSFER_ENCODING,
    UPGRADE,
)
from unpacket.messages.native import find as native
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


def line_end(data: bytes, start: int, lf: int) -> int:
    """Return where a line ends that the LF at ``lf`` ends."""
    return lf - 1 if lf > start and data[lf - 1] == CR else lf


def is_version(data: bytes, start: int, stop: int) -> bool:
    """Return whether these bytes are like ``HTTP/1.1``: letters, "/", digits."""
    at = start
    while at < stop and (65 <= data[at] <= 90 or 97 <= data[at] <= 122):
        at += 1
    if at == start or at >= stop - 1 or data[at] != 47:
        return False
    at += 1
    digits = 0
    while at < stop:
        if 48 <= data[at] <= 57:
            digits += 1
        elif data[at] != 46 or digits == 0:
            return False
        at += 1
    return digits > 0


def request_line(data: bytes, start: int, stop: int, request: Request) -> bool:
    """Read a request line; return whether it is one."""
    at = start
    while at < stop and TOKEN[data[at]]:
        at += 1
    if at == start or at - start > MAX_METHOD or at >= stop or data[at] != SPACE:
        return False
    size = at - start
    request.method_stop = size
    if size == 4 and native.same(data, start, b"HEAD"):
        request.method_code = HEAD
    elif size == 7 and native.same(data, start, b"CONNECT"):
        request.method_code = CONNECT
    # Trailing blanks are none of the version.
    while stop > at and (data[stop - 1] == SPACE or data[stop - 1] == TAB):
        stop -= 1
    last = stop - 1
    while last > at and data[last] != SPACE:
        last -= 1
    first = at + 1
    if last <= at or not is_version(data, last + 1, stop):
        return False
    request.version_start = last + 1 - start
    request.version_stop = stop - start
    while first < last and data[first] == SPACE:
        first += 1
    while last > first and data[last - 1] == SPACE:
        last -= 1
    if first == last:
        return False
    request.target_start = first - start
    request.target_stop = last - start
    blank = False
    high = False
    for index in range(first, last):
        octet = data[index]
        if octet <= SPACE:
            blank = True
        elif octet > 126:
            high = True
    if blank:
        request.note("space-in-target")
    if high:
        request.note("non-ascii-target")
    return True


def simple_request(data: bytes, start: int, stop: int, request: Request) -> bool:
    """Read a request of HTTP/0.9; return whether it is one (RFC 1945 section 4.1)."""
    if stop - start < 5 or not native.same(data, start, b"GET "):
        return False
    for index in range(start + 4, stop):
        if data[index] <= SPACE:
            return False
    if data[start + 4] != 47 and native.find_byte(data, COLON, start + 4, stop) < 0:
        return False
    request.old = True
    request.method_stop = 3
    request.target_start = 4
    request.target_stop = stop - start
    return True


def status_line(data: bytes, start: int, stop: int, response: Response) -> bool:
    """Read a status line; return whether it is one.

    ``ICY`` has no version, and a reason is not needed.
    """
    at = start
    while at < stop and data[at] != SPACE:
        at += 1
    if at - start > 16 or at >= stop:
        return False
    if not is_version(data, start, at) and not (
        at - start == 3 and native.same(data, start, b"ICY")
    ):
        return False
    response.version_stop = at - start
    while at < stop and data[at] == SPACE:
        at += 1
    if stop - at < 3:
        return False
    status = 0
    for index in range(at, at + 3):
        if not 48 <= data[index] <= 57:
            return False
        status = 10 * status + data[index] - 48
    at += 3
    if status < 100 or (at < stop and data[at] != SPACE and data[at] != TAB):
        return False
    response.status_code = status
    response.reason_start = min(at + 1, stop) - start
    response.reason_stop = stop - start
    return True


def parse_head(data: bytes, start: int, lf: int, ended: bool, message: Any) -> int:
    """Read the fields behind a first line that ends at ``lf``.

    Returns:
        Where the head ends. INCOMPLETE if it does not; with ``ended`` the end of the
        data, and what is there of the fields has been read.
    """
    size = len(data)
    at = lf + 1
    message.fields_start = at - start
    bare = lf == start or data[lf - 1] != CR
    folds = False
    colonless = False
    spaced = False
    count = 0
    # Which field a folded line goes on with: 0 none that matters.
    last = 0
    # Content-Length: its value if there is but one line of it, else all values.
    length_start = -1
    length_stop = 0
    lengths: Any = None
    codings: Any = None
    while True:
        lf = native.find_byte(data, LF, at, size)
        if lf < 0:
            if not ended:
                return INCOMPLETE
            # A field that is cut is one, if its name is whole.
            if at < size and native.find_byte(data, COLON, at, size) > at:
                count += 1
            at = size
            break
        stop = lf
        if stop > at and data[stop - 1] == CR:
            stop -= 1
        else:
            bare = True
        if stop == at:
            at = lf + 1
            break
        first = data[at]
        if first == SPACE or first == TAB:
            folds = True
            if last == 1:
                if lengths is None:
                    lengths = data[length_start:length_stop].strip()
                lengths += b" " + data[at:stop].strip()
            elif last == 2:
                codings += b" " + data[at:stop].strip()
            at = lf + 1
            continue
        last = 0
        colon = native.find_byte(data, COLON, at, stop)
        if colon <= at:
            colonless = True
            at = lf + 1
            continue
        count += 1
        name_stop = colon
        while name_stop > at and (
            data[name_stop - 1] == SPACE or data[name_stop - 1] == TAB
        ):
            name_stop -= 1
            spaced = True
        length = name_stop - at
        if length == 14:
            if (first | 32) == 99 and native.same_letters(data, at, CONTENT_LENGTH):
                if length_start < 0:
                    length_start = colon + 1
                    length_stop = stop
                else:
                    if lengths is None:
                        lengths = data[length_start:length_stop].strip()
                    lengths += b"," + data[colon + 1 : stop].strip()
                last = 1
        elif length == 17:
            if (first | 32) == 116 and native.same_letters(data, at, TRANSFER_ENCODING):
                value = native.piece(data, colon + 1, stop)
                codings = value if codings is None else codings + b"," + value
                last = 2
        elif length == 7:
            if (first | 32) == 117 and native.same_letters(data, at, UPGRADE):
                message.upgrades = True
        at = lf + 1
    message.headers_n = count
    message.head = native.piece(data, start, at)
    if bare:
        message.note("lf-only")
    if folds:
        message.note("obs-fold")
    if colonless:
        message.note("header-without-colon")
    if spaced:
        message.note("space-before-colon")
    if codings is not None:
        message.coding = coding_of(codings)
    if length_start >= 0:
        if message.coding != NO_CODING:
            message.note("content-length-with-transfer-encoding")
        else:
            if lengths is None:
                message.declared = plain_length(data, length_start, length_stop)
            if message.declared == NO_LENGTH:
                lengths = lengths or data[length_start:length_stop].strip()
                message.declared = length_of(lengths, message)
    return at


def plain_length(data: bytes, start: int, stop: int) -> int:
    """Return the number that is written there; NO_LENGTH if it is not as usual."""
    while start < stop and data[start] == SPACE:
        start += 1
    if not 0 < stop - start < 19:
        return NO_LENGTH
    found = 0
    while start < stop:
        octet = data[start]
        if not 48 <= octet <= 57:
            return NO_LENGTH
        found = 10 * found + octet - 48
        start += 1
    return found


def coding_of(value: bytes) -> int:
    """Return what Transfer-Encoding says of the end of a body."""
    if len(value) == 8 and native.same(value, 0, b" chunked"):
        return CHUNKED
    found = NO_CODING
    for item in value.lower().split(b","):
        name = item.partition(b";")[0].strip()
        if name == b"chunked":
            found = CHUNKED
        elif name:
            found = NOT_CHUNKED
    return found


def length_of(value: bytes, message: HttpMessage) -> int:
    """Return what Content-Length declares (RFC 9110 section 8.6)."""
    if value.isdigit() and len(value) < 19:
        return int(value)
    found = NO_LENGTH
    repeated = False
    for item in value.split(b","):
        digits = item.strip()
        if not digits.isdigit():
            message.note("content-length-invalid")
            return BAD_LENGTH
        digits = digits.lstrip(b"0") or b"0"
        if len(digits) > 19 or int(digits) > MAX_LENGTH:
            message.note("content-length-invalid")
            return BAD_LENGTH
        length = int(digits)
        if found != NO_LENGTH:
            repeated = True
            if found != length:
                message.note("content-length-conflict")
                return BAD_LENGTH
        found = length
    if repeated:
        message.note("content-length-repeated")
    return found


def field_value(head: bytes, start: int, name: bytes) -> str | None:
    """Return the values of a field joined with commas; None if there is none.

    It makes no object of any other field. ``name`` is in lower case.
    """
    found: list[str] | None = None
    at = start
    size = len(head)
    named = len(name)
    folds = False
    while at < size:
        lf = native.find_byte(head, LF, at, size)
        stop = size if lf < 0 else lf
        if stop > at and head[stop - 1] == CR:
            stop -= 1
        if stop > at and (head[at] == SPACE or head[at] == TAB):
            if folds and found is not None:
                value = found.pop()
                more = native.text(head, at, stop)
                found.append(f"{value} {more}" if value else more)
        elif stop > at:
            folds = False
            if native.same_letters(head, at, name):
                colon = native.find_byte(head, COLON, at, stop)
                behind = at + named
                while behind < colon and (head[behind] == SPACE or head[behind] == TAB):
                    behind += 1
                if behind == colon and colon > at:
                    if found is None:
                        found = []
                    found.append(native.text(head, colon + 1, stop))
                    folds = True
        if lf < 0:
            break
        at = lf + 1
    return None if found is None else ", ".join(found)


def parse_fields(head: bytes, start: int) -> list[tuple[str, str]]:
    """Return fields as pairs of name and value; folded lines are joined by a blank."""
    found: list[tuple[str, str]] = []
    at = start
    size = len(head)
    # Whether a folded line goes on with the last field, and with no line that is none.
    folds = False
    while at < size:
        lf = native.find_byte(head, LF, at, size)
        stop = size if lf < 0 else lf
        if stop > at and head[stop - 1] == CR:
            stop -= 1
        if stop > at:
            if head[at] == SPACE or head[at] == TAB:
                if folds:
                    name, value = found.pop()
                    more = native.text(head, at, stop)
                    found.append((name, f"{value} {more}" if value else more))
            else:
                colon = native.find_byte(head, COLON, at, stop)
                folds = colon > at
                if folds:
                    field = native.text(head, at, colon)
                    found.append((field, native.text(head, colon + 1, stop)))
        if lf < 0:
            break
        at = lf + 1
    return found
