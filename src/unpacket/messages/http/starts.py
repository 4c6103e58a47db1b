"""Where an HTTP message may begin, among bytes that nobody understands.

Stricter than the framers: a first line has to be whole, with a version, and what
follows must look like a field or an empty line. Each search looks at each byte a
bounded number of times.
"""

import re

from unpacket.messages.constants import ITS_OWN, NOT_ITS_OWN, TOO_SHORT

# A first line that has no end by then is none.
MAX_LINE = 8192

# Those of RFC 9110, WebDAV, UPnP, RTSP and what is in use beside.
METHODS = (
    b"GET|POST|HEAD|PUT|DELETE|OPTIONS|CONNECT|TRACE|PATCH|PROPFIND|PROPPATCH|MKCOL|"
    b"COPY|MOVE|LOCK|UNLOCK|SEARCH|REPORT|M-SEARCH|NOTIFY|SUBSCRIBE|UNSUBSCRIBE|"
    b"PURGE|LINK|UNLINK|CHECKOUT|MERGE|MKACTIVITY|VERSION-CONTROL|BASELINE-CONTROL|"
    b"SOURCE|DESCRIBE|SETUP|PLAY|PAUSE|TEARDOWN|ANNOUNCE|RECORD|GET_PARAMETER|"
    b"SET_PARAMETER"
)

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_VERSION = rb"(?:HTTP|RTSP)/[0-9](?:\.[0-9])?"

VERSION_AT_END = re.compile(rb" " + _VERSION + rb"[ \t]*\r?\n")
KNOWN_METHOD = re.compile(rb"(?:" + METHODS + rb") (?=[/*A-Za-z0-9\[])")
STATUS_LINE = re.compile(
    rb"(?:" + _VERSION + rb"|ICY) {1,4}[1-9][0-9][0-9](?=[ \t\r\n])"
)
STATUS_START = re.compile(rb"HTTP/|RTSP/|ICY ")
# Field names of any length would let each search run to the end of the data.
FIELD = re.compile(_TOKEN + rb"{1,128}[ \t]{0,8}:")
MAX_FIELD_NAME = 140

MAX_METHOD = 32
TOKEN = re.compile(_TOKEN + rb"{1,64}(?= |$)")


def follows(data: bytes, at: int, sure: bool) -> bool:
    """Return whether fields, or their end, begin at ``at``.

    Args:
        sure: Whether what is there must say so; else it may be too little.
    """
    if at < len(data) and data[at] in b"\r\n":
        return True
    if FIELD.match(data, at) is not None:
        return True
    return not sure and len(data) - at < MAX_FIELD_NAME and b"\n" not in data[at:]


def request_at(data: bytes, start: int, sure: bool) -> int:
    """Return where the first whole request line begins; -1 if there is none.

    ``sure`` is that of ``follows``.
    """
    at = start
    while True:
        found = VERSION_AT_END.search(data, at)
        if found is None:
            return -1
        blank = found.start()
        line = max(data.rfind(b"\n", at, blank) + 1, at, blank - MAX_LINE)
        if follows(data, found.end(), sure):
            # The first one: what a URL has in it may look like a method too. No other
            # methods, since nobody knows whether a line begins where the data does.
            method = KNOWN_METHOD.search(data, line, blank)
            if method is not None:
                return method.start()
        at = found.end()


def response_at(data: bytes, start: int, sure: bool) -> int:
    """Return where the first whole status line begins; -1 if there is none.

    ``sure`` is that of ``follows``.
    """
    at = start
    end = -1
    while True:
        found = STATUS_LINE.search(data, at)
        if found is None:
            return -1
        at = found.start()
        if end < at:
            end = data.find(b"\n", at)
            if end < 0:
                return -1
        if end - at <= MAX_LINE and follows(data, end + 1, sure):
            return at
        at += 1


def first_request(data: bytes, start: int, ended: bool) -> int:
    """Return where the next request may begin, or the length of the data."""
    found = request_at(data, start, ended)
    if found >= 0:
        return found
    size = len(data)
    if ended:
        return size
    line = max(start, data.rfind(b"\n", start) + 1)
    if size - line > MAX_LINE:
        line = size - MAX_LINE
    if may_be_request(data, line) and line < size:
        return line
    method = KNOWN_METHOD.search(data, line)
    if method is not None:
        return method.start()
    # The last bytes may be the first of a method.
    at = max(line, size - MAX_METHOD)
    while at < size and TOKEN.match(data, at) is None:
        at += 1
    return at


def first_response(data: bytes, start: int, ended: bool) -> int:
    """Return where the next response may begin, or the length of the data."""
    found = response_at(data, start, ended)
    if found >= 0:
        return found
    size = len(data)
    if ended:
        return size
    line = max(start, data.rfind(b"\n", start) + 1, size - MAX_LINE)
    while True:
        candidate = STATUS_START.search(data, line)
        if candidate is None:
            break
        if is_begun_response(data, candidate.start()):
            return candidate.start()
        line = candidate.start() + 1
    # The last bytes may be the first of a status line.
    for at in range(max(line, size - 4), size):
        if is_begun_response(data, at):
            return at
    return size


def may_be_request(data: bytes, start: int) -> bool:
    """Return whether a line without its end may become a request line."""
    return TOKEN.match(data, start) is not None


def beginnings(*parts: bytes) -> bytes:
    """Return a pattern for all that a sequence of patterns may begin with."""
    pattern = b""
    for item in reversed(parts):
        pattern = item + rb"(?:\Z|" + pattern + rb")" if pattern else item
    return pattern


_STATUS = (rb" {1,4}", rb"[1-9]", rb"[0-9]", rb"[0-9]", rb"[ \t\r]")
_NUMBER = (rb"/", rb"[0-9]", rb"(?:\.(?:\Z|[0-9]{1,2}))?", *_STATUS)
_ICY = beginnings(b"I", b"C", b"Y", *_STATUS)
PARTIAL_KNOWN = re.compile(
    b"|".join(
        (
            beginnings(b"H", b"T", b"T", b"P", *_NUMBER),
            beginnings(b"R", b"T", b"S", b"P", *_NUMBER),
            _ICY,
        )
    )
)
PARTIAL_ANY = re.compile(
    beginnings(rb"[A-Za-z]{1,16}", rb"/", rb"[0-9][0-9.]{0,14}", rb" +", *_STATUS[1:])
    + b"|"
    + beginnings(b"I", b"C", b"Y", b" +", *_STATUS[1:])
)


def is_begun_response(data: bytes, start: int) -> bool:
    """Return whether a line without its end may become a well-known status line."""
    return PARTIAL_KNOWN.match(data, start) is not None


def may_be_response(data: bytes, start: int) -> bool:
    """Return whether a line without its end may become any status line."""
    return PARTIAL_ANY.match(data, start) is not None


_TOKEN_START = re.compile(_TOKEN + rb"{1,32}(?: ?\Z| [!-~])")


def is_http(data: bytes, ended: bool) -> int:
    """Say whether a half that begins so is HTTP, see ``Framer.begins``."""
    data = data.lstrip(b"\r\n")
    end = data.find(b"\n", 0, MAX_LINE)
    if end >= 0:
        line = data[: end + 1]
        if STATUS_LINE.match(line) is not None:
            return ITS_OWN
        if VERSION_AT_END.search(line) is not None:
            return ITS_OWN if _TOKEN_START.match(line) is not None else NOT_ITS_OWN
        # HTTP/0.9: https://www.w3.org/Protocols/HTTP/AsImplemented.html
        return ITS_OWN if line.startswith(b"GET /") else NOT_ITS_OWN
    if ended or len(data) >= MAX_LINE:
        return NOT_ITS_OWN
    if is_begun_response(data, 0) or _TOKEN_START.match(data) is not None:
        return TOO_SHORT
    return NOT_ITS_OWN if data and TOKEN.match(data) is None else TOO_SHORT


def sender(data: bytes) -> int:
    """Return who sends such bytes: 0 the client, 1 the server, -1 nobody knows."""
    asks = request_at(data, 0, True)
    answers = response_at(data, 0, True)
    if asks < 0:
        return -1 if answers < 0 else 1
    return 0 if answers < 0 or asks < answers else 1
