"""How a head is read: its first line, and what of its fields is framing.

Tolerant: what real peers send is read, and what is wrong is noted by name (RFC 9112
sections 2 to 6).
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
    SPACE,
    TAB,
    TOKEN,
    TRANSFER_ENCODING,
    UPGRADE,
)
from unpacket.messages.http.head import HttpMessage, Request, Response
from unpacket.messages.native import find as native


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
