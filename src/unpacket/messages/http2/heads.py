"""Header fields of HTTP/2 as the head that HTTP/1 would have (RFC 9113 section 8.3).

So requests and responses are the objects that they are there. The target is in absolute
form, since scheme and authority are known.
"""

import re

from unpacket.messages.http.head import (
    Request,
    Response,
    new_request,
    new_response,
)
from unpacket.messages.http.parse import parse_head, request_line, status_line
from unpacket.messages.http2.header_blocks import UNKNOWN, Fields

VERSION = b"HTTP/2"

# What no field can have, and would break a head in lines.
BREAKS = re.compile(rb"[\r\n\0]")
NO_TARGET = re.compile(rb"[\x00-\x20\x7f]")
NO_TOKEN = re.compile(rb"[^!#$%&'*+.^_`|~0-9A-Za-z-]")

MALFORMED = "malformed-header"
NOT_KNOWN = "header-unknown"
CONNECTION_FIELDS = {b"connection", b"transfer-encoding", b"upgrade", b"keep-alive"}


def request_of(fields: Fields | None) -> Request:
    """Return the request that a header block is."""
    request = new_request()
    pseudo, lines, anomalies = apart(fields)
    method = NO_TOKEN.sub(b"_", pseudo.get(b":method", b"")) or UNKNOWN_METHOD
    authority = pseudo.get(b":authority", b"")
    if method == b"CONNECT" and b":path" not in pseudo:
        target = authority or UNKNOWN
    else:
        scheme = pseudo.get(b":scheme", b"")
        target = pseudo.get(b":path", UNKNOWN)
        if scheme and authority and target != b"*":
            target = scheme + b"://" + authority + target
    if b":method" not in pseudo or b":path" not in pseudo:
        if method != b"CONNECT":
            anomalies.append(NOT_KNOWN)
    if authority and not any(line.startswith(b"host:") for line in lines):
        lines.insert(0, b"host: " + authority + b"\r\n")
    if b":protocol" in pseudo:
        lines.insert(0, b"upgrade: " + pseudo[b":protocol"] + b"\r\n")
    first = b" ".join((method, NO_TARGET.sub(b"_", target) or b"/", VERSION))
    head = first + b"\r\n" + b"".join(lines) + b"\r\n"
    request_line(head, 0, len(first), request)
    parse_head(head, 0, len(first) + 1, True, request)
    for anomaly in anomalies:
        request.note(anomaly)
    return request


# A method is a token, and "?" is none.
UNKNOWN_METHOD = b"UNKNOWN"


def response_of(fields: Fields | None) -> Response:
    """Return the response that a header block is; its status is 0 if not known."""
    response = new_response()
    pseudo, lines, anomalies = apart(fields)
    status = pseudo.get(b":status", b"")
    known = len(status) == 3 and status.isdigit() and status >= b"100"
    if not known:
        anomalies.append(NOT_KNOWN)
    first = VERSION + b" " + (status if known else b"100")
    head = first + b"\r\n" + b"".join(lines) + b"\r\n"
    status_line(head, 0, len(first), response)
    parse_head(head, 0, len(first) + 1, True, response)
    if not known:
        response.status_code = 0
    for anomaly in anomalies:
        response.note(anomaly)
    return response


def apart(fields: Fields | None) -> tuple[dict[bytes, bytes], list[bytes], list[str]]:
    """Return pseudo-header fields, the others as lines, and what is wrong with them."""
    pseudo: dict[bytes, bytes] = {}
    lines: list[bytes] = []
    anomalies: list[str] = []
    if fields is None:
        return pseudo, lines, [NOT_KNOWN]
    for name, value in fields:
        if name == UNKNOWN:
            anomalies.append(NOT_KNOWN)
        elif (
            BREAKS.search(value)
            or NO_TOKEN.search(name.removeprefix(b":"))
            or name in CONNECTION_FIELDS
        ):
            anomalies.append(MALFORMED)
        if name.startswith(b":"):
            pseudo.setdefault(name, BREAKS.sub(b" ", value))
            continue
        safe = name if name == UNKNOWN else NO_TOKEN.sub(b"_", name)
        # Of those HTTP/1 would mean another thing.
        mark = b"_" if name in CONNECTION_FIELDS else b""
        lines.append(mark + safe + b": " + BREAKS.sub(b" ", value) + b"\r\n")
    return pseudo, lines, anomalies


def lines_of(fields: Fields | None) -> bytes:
    """Return fields as lines, such as trailers are."""
    return b"".join(apart(fields)[1])
