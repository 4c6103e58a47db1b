"""The parts of multipart bodies: forms, and ranges (RFC 2046 section 5.1, RFC 7578).

Parts are cut from what is contiguous before the first hole. A part without the line
that ends it is given out as incomplete.
"""

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from unpacket.messages.http.fields import parse_fields

if TYPE_CHECKING:
    from unpacket.messages.http.head import HttpMessage

# More are of no use to anybody, and each is an object.
MAX_PARTS = 10_000

# The longest that RFC 2046 allows.
MAX_BOUNDARY = 70

PARAMETER = re.compile(r';\s*([^=;\s]+)\s*=\s*("(?:[^"\\]|\\.)*"?|[^;]*)', re.DOTALL)
CONTENT_RANGE = re.compile(r"\s*bytes\s+(\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.I)


class Part(NamedTuple):
    """One part of a multipart body.

    Attributes:
        headers: Its fields, as pairs of name and value.
        name, filename: Of a form; None where there is none. A file name is what the
            sender wrote, and no path to write to.
        range: Of a range: first and last position, and the total or None.
        data: What it carries.
        complete: Whether the line that ends it was there.
    """

    headers: list[tuple[str, str]]
    name: str | None
    filename: str | None
    range: tuple[int, int, int | None] | None
    data: bytes
    complete: bool


def parameters(value: str) -> dict[str, str]:
    """Return the parameters of a field such as Content-Disposition, by name.

    A backslash quotes a quote and nothing else: browsers write those of Windows paths
    as they are, whatever RFC 9110 section 5.6.4 says.
    """
    found: dict[str, str] = {}
    for match in PARAMETER.finditer(value):
        text = match.group(2).strip()
        if text.startswith('"'):
            text = text[1:-1] if text.endswith('"') and len(text) > 1 else text[1:]
            text = text.replace('\\"', '"')
        found.setdefault(match.group(1).lower(), text)
    return found


def text_of(value: str) -> str:
    """Return a value that was read byte by byte as the UTF-8 that it may be."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def extended(value: str) -> str | None:
    """Return the text of a value such as ``UTF-8''na%C3%AFve`` (RFC 8187)."""
    from urllib.parse import unquote_to_bytes

    charset, _, rest = value.partition("'")
    _, mark, text = rest.partition("'")
    if not mark:
        return None
    try:
        return unquote_to_bytes(text).decode(charset or "utf-8")
    except (LookupError, UnicodeError):
        return None


def filename_of(fields: dict[str, str]) -> str | None:
    """Return the file name among parameters (RFC 6266 section 4.3)."""
    starred = fields.get("filename*")
    if starred is not None:
        named = extended(starred)
        if named is not None:
            return named
    plain = fields.get("filename")
    return None if plain is None else text_of(plain)


def content_range(value: str | None) -> tuple[int, int, int | None] | None:
    """Return first and last position and total of a Content-Range, or None."""
    match = None if value is None else CONTENT_RANGE.match(value)
    if match is None:
        return None
    first, last = int(match.group(1)), int(match.group(2))
    total = None if match.group(3) == "*" else int(match.group(3))
    if last < first or (total is not None and last >= total):
        return None
    return (first, last, total)


def boundary_of(message: "HttpMessage") -> bytes | None:
    """Return the boundary of a multipart body, or None if it is none."""
    kind = message.header("content-type") or ""
    if not kind.strip().lower().startswith("multipart/"):
        return None
    found = parameters(kind).get("boundary", "").strip()
    if not 0 < len(found) <= MAX_BOUNDARY:
        return None
    return found.encode("latin-1", "replace")


def parts_of(message: "HttpMessage", data: bytes) -> list[Part] | None:
    """Return the parts of a body, whose bytes before any hole are ``data``.

    None if the message says of no parts.
    """
    boundary = boundary_of(message)
    if boundary is None:
        return None
    line = re.compile(
        rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?:\r?\n|\Z)"
    )
    found: list[Part] = []
    mark = line.search(data)
    while mark is not None and mark.group(1) is None and len(found) < MAX_PARTS:
        start = mark.end()
        # The end of one line may be the beginning of the next.
        following = line.search(data, max(start - 2, mark.start() + 1))
        if following is not None and following.start() < start:
            following = line.search(data, start)
        stop = len(data) if following is None else following.start()
        if start < len(data) or following is not None:
            found.append(part_of(data[start:stop], following is not None))
        mark = following
    return found


HEAD_END = re.compile(rb"\A\r?\n|\r?\n\r?\n")


def part_of(data: bytes, complete: bool) -> Part:
    """Return a part, of the bytes between two boundaries."""
    end = HEAD_END.search(data)
    head = data if end is None else data[: end.start()]
    headers = parse_fields(head, 0)
    named: dict[str, Any] = {}
    for name, value in headers:
        named.setdefault(name.lower(), value)
    disposition = named.get("content-disposition")
    fields = {} if disposition is None else parameters(disposition)
    called = fields.get("name")
    return Part(
        headers,
        None if called is None else text_of(called),
        filename_of(fields),
        content_range(named.get("content-range")),
        b"" if end is None else data[end.end() :],
        complete and end is not None,
    )
