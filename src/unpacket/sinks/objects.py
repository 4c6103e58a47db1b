"""Bodies and parts of mails, each in a file of its own, and an index of them.

Names come from the exchange and are made safe: a name never leads out of the
directory, never replaces a file, and is never one that a system keeps for itself. A
body of which bytes are missing has ``.incomplete`` behind its name, and zeros where
they are missing between others, so that offsets in the file are those of the body.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import unquote, urlsplit

from unpacket.errors import SinkError, UnpacketError
from unpacket.messages.body import Body, chunks
from unpacket.messages.framers.mail import Mail
from unpacket.messages.http.content import codings_of
from unpacket.messages.http.multipart import boundary_of
from unpacket.sinks.extracted import INDEX, prepare

if TYPE_CHECKING:
    from unpacket.messages.http.head import HttpMessage, Request
    from unpacket.messages.pairing import Exchange

MOST_NAME = 100
MOST_TRIES = 100_000
INCOMPLETE = ".incomplete"
ZEROS = bytes(1 << 16)
# A hole of more is left out of the file: lengths are what somebody claims.
MAX_HOLE_BYTES = 1 << 30
_UNSAFE = re.compile(r"[^\w.\- ()+,@=]", re.ASCII)
# Names that Windows keeps for devices, whatever is behind the first point.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_FILENAME = re.compile(
    r"filename\*?\s*=\s*(?:UTF-8''([^;\s]+)|\"((?:[^\"\\]|\\.)*)\"|([^;\s]+))",
    re.IGNORECASE,
)

json_line = json.JSONEncoder(separators=(",", ":")).encode


class Type(NamedTuple):
    """What bytes are, by how they begin."""

    name: str
    ending: str


# How files begin, what they are, and what their names end with.
MAGIC: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png", ".png"),
    (0, b"\xff\xd8\xff", "image/jpeg", ".jpg"),
    (0, b"GIF8", "image/gif", ".gif"),
    (8, b"WEBP", "image/webp", ".webp"),
    (0, b"BM", "image/bmp", ".bmp"),
    (0, b"%PDF-", "application/pdf", ".pdf"),
    (0, b"PK\x03\x04", "application/zip", ".zip"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar", ".rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", ".7z"),
    (0, b"\x1f\x8b", "application/gzip", ".gz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd", ".zst"),
    (0, b"\xfd7zXZ\x00", "application/x-xz", ".xz"),
    (0, b"BZh", "application/x-bzip2", ".bz2"),
    (0, b"\x7fELF", "application/x-elf", ".elf"),
    (0, b"MZ", "application/vnd.microsoft.portable-executable", ".exe"),
    (0, b"wOFF", "font/woff", ".woff"),
    (0, b"wOF2", "font/woff2", ".woff2"),
    (4, b"ftyp", "video/mp4", ".mp4"),
    (0, b"OggS", "application/ogg", ".ogg"),
    (0, b"ID3", "audio/mpeg", ".mp3"),
    (0, b"RIFF", "application/x-riff", ".riff"),
    (0, b"<?xml", "application/xml", ".xml"),
)
# The same by the first octet, where that is a part of it.
MAGIC_BY_OCTET: dict[bytes, list[tuple[int, bytes, Type]]] = {}
MAGIC_BEHIND: list[tuple[int, bytes, Type]] = []
for _at, _magic, *_type in MAGIC:
    _place = MAGIC_BEHIND if _at else MAGIC_BY_OCTET.setdefault(_magic[:1], [])
    _place.append((_at, _magic, Type(*_type)))
_HTML = re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE)
SHOWN_BYTES = 64


class Objects:
    """Writes the bodies of exchanges to files.

    Args:
        directory: Where they go; it is made, and must be empty unless ``force``.
        decode: Whether content codings are undone.

    Attributes:
        files: How many were written.
        written_bytes: How much is in them.

    Raises:
        SinkError: It cannot be made, or is not empty.
    """

    def __init__(
        self, directory: str, *, decode: bool = True, force: bool = False
    ) -> None:
        prepare(directory, force=force)
        self.files = 0
        self.written_bytes = 0
        self._directory = directory
        self._decode = decode
        self._index: IO[str] | None = None
        # How many files have a name, so that a million of one name cost no search.
        self._taken: dict[str, int] = {}

    def __enter__(self) -> Self:
        name, descriptor = self._make(INDEX)
        self._index = os.fdopen(descriptor, "w", encoding="utf-8")
        self._index_name = name
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._index is not None:
            try:
                self._index.close()
            except OSError as failure:
                raise self._failed(INDEX, failure) from failure

    def add(self, number: int, exchange: Exchange) -> None:
        """Write what an exchange transferred.

        Raises:
            SinkError: It cannot be written.
        """
        for message in (exchange.request, exchange.response):
            if message is not None and message.body_length:
                self._add_message(number, exchange, message)

    def add_mail(self, mail: Mail) -> None:
        """Write the parts of a mail; all of it where it cannot be split.

        Raises:
            SinkError: It cannot be written.
        """
        facts = facts_of_mail(mail)
        parts = [part for part in mail.parts if part.data]
        for part in parts:
            name = part.name or f"mail-{part.content_type.partition('/')[2]}"
            more = {"filename": part.name, "content_type": part.content_type}
            pieces = iter((part.data,))
            self._write(last_part(name), pieces, part.complete, facts | more, [])
        body = mail.content
        if not parts and body is not None and body.length:
            holes = [(hole.offset, hole.length) for hole in mail.holes]
            pieces = pieces_of(body)
            self._write("mail.eml", pieces, mail.complete, facts, holes)

    def _add_message(
        self, number: int, exchange: Exchange, message: HttpMessage
    ) -> None:
        facts = facts_of(number, exchange, message)
        if message is exchange.request and boundary_of(message) is not None:
            parts = list(message.parts or ())
            for part in parts:
                if not part.data:
                    continue
                more = {"field": part.name, "filename": part.filename}
                name = part.filename or part.name or "part"
                whole = part.complete and message.complete
                self._write(
                    last_part(name), iter((part.data,)), whole, facts | more, []
                )
            if parts:
                return
        body: Body = message.content  # type: ignore[assignment]
        decoded = None
        if self._decode and codings_of(message):
            try:
                decoded = message.decoded
            except UnpacketError as error:
                facts["not_decoded"] = str(error)
        name = name_of(exchange, message)
        if decoded is not None:
            facts["decoded"] = True
            whole = decoded.complete and message.complete
            self._write(name, iter((decoded.data,)), whole, facts, [])
        else:
            holes = [(hole.offset, hole.length) for hole in message.holes]
            self._write(name, pieces_of(body), message.complete, facts, holes)

    def _write(
        self,
        name: str,
        pieces: Iterator[bytes],
        complete: bool,
        facts: dict[str, Any],
        holes: list[tuple[int, int]],
    ) -> None:
        """Write a file, and its line of the index."""
        first = next(pieces, b"")
        kind = type_of(first)
        if "." not in name and kind is not None:
            name += kind.ending
        if not complete:
            name += INCOMPLETE
        name, descriptor = self._make(name)
        digest = hashlib.sha256()
        size = 0
        try:
            # A file object for a body of some kilobytes costs more than its writing.
            piece = first
            while piece:
                digest.update(piece)
                size += len(piece)
                left = piece
                while left:
                    left = left[os.write(descriptor, left) :]
                piece = next(pieces, b"")
        except OSError as error:
            raise self._failed(name, error) from error
        finally:
            os.close(descriptor)
        record = {
            "file": name,
            "bytes": size,
            "sha256": digest.hexdigest(),
            "complete": complete,
            "type_by_magic": None if kind is None else kind.name,
            "holes": [list(hole) for hole in holes],
            **facts,
        }
        assert self._index is not None
        try:
            self._index.write(json_line(record) + "\n")
        except OSError as error:
            raise self._failed(INDEX, error) from error
        self.files += 1
        self.written_bytes += size

    def _make(self, wanted: str) -> tuple[str, int]:
        """Make a file that was not there; return its name and a descriptor."""
        stem, point, ending = wanted.partition(".")
        again = self._taken.get(wanted, 0)
        while True:
            name = wanted if not again else f"{stem}-{again}{point}{ending}"
            again += 1
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
                flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
                descriptor = os.open(os.path.join(self._directory, name), flags, 0o666)
            except FileExistsError:
                if again > MOST_TRIES:
                    raise SinkError(
                        os.path.join(self._directory, name), "too many have this name"
                    ) from None
                continue
            except OSError as error:
                raise self._failed(name, error) from error
            self._taken[wanted] = again
            return name, descriptor

    def _failed(self, name: str, error: OSError) -> SinkError:
        reason = (error.strerror or str(error)).lower()
        return SinkError(os.path.join(self._directory, name), reason)


def facts_of(number: int, exchange: Exchange, message: HttpMessage) -> dict[str, Any]:
    """Return what the index has of where a body comes from."""
    request: Request | None = exchange.request
    response = exchange.response
    return {
        "exchange": number,
        "stream": exchange.stream.id,
        "client": str(exchange.client),
        "server": str(exchange.server),
        "sent_by": "client" if message is request else "server",
        "pairing": exchange.pairing,
        "method": None if request is None else request.method,
        "url": None if request is None else request.url,
        "status": None if response is None else response.status,
        "content_type": message.header("content-type"),
        "content_encoding": message.header("content-encoding"),
        "length_known": message.length_known,
        "offset": message.offset,
        "frames": list(message.frames),
        "time_ns": message.time_ns,
    }


def facts_of_mail(mail: Mail) -> dict[str, Any]:
    """Return what the index has of where a part of a mail comes from."""
    known = mail.facts
    return {
        "stream": mail.stream.id,
        "client": str(mail.client),
        "server": str(mail.server),
        "sent_by": str(mail.direction),
        "protocol": mail.protocol,
        "from": known.get("from"),
        "to": known.get("to"),
        "subject": known.get("subject"),
        "message_id": known.get("message_id"),
        "content_type": known.get("content_type"),
        "length_known": mail.length_known,
        "offset": mail.offset,
        "frames": list(mail.frames),
        "time_ns": mail.time_ns,
    }


def pieces_of(body: Body) -> Iterator[bytes]:
    """Give a body with zeros where it has holes, as far as that is bounded."""
    holes = list(body.holes or ())
    position = 0
    for piece in chunks(body):
        while piece:
            if holes and holes[0].offset <= position:
                hole = holes.pop(0)
                yield from zeros(hole.length)
                position = hole.offset + hole.length
                continue
            size = len(piece)
            if holes:
                size = min(size, holes[0].offset - position)
            yield piece[:size]
            piece = piece[size:]
            position += size


def zeros(length: int) -> Iterator[bytes]:
    """Give that many zeros; of a hole of more than is sensible, none."""
    if length > MAX_HOLE_BYTES:
        return
    while length:
        size = min(length, len(ZEROS))
        yield ZEROS[:size]
        length -= size


def name_of(exchange: Exchange, message: HttpMessage) -> str:
    """Return a safe name for a body: of Content-Disposition, else of the URL."""
    disposition = message.header("content-disposition")
    if disposition:
        found = _FILENAME.search(disposition)
        if found:
            name = unquote(found[1]) if found[1] else (found[2] or found[3] or "")
            return last_part(name)
    request: Request | None = exchange.request
    if request is None:
        return f"stream-{exchange.stream.id}"
    try:
        path = urlsplit(request.url).path
    except ValueError:
        path = ""
    name = last_part(unquote(path.rstrip("/")))
    return f"{name}-request" if message is request else name


def last_part(path: str) -> str:
    """Return the last part of a path, such that it may be the name of a file."""
    name = re.split(r"[/\\]", path)[-1]
    name = _UNSAFE.sub("_", name).strip(" .")
    stem, point, ending = name.rpartition(".")
    if len(name) > MOST_NAME:
        ending = ending[:16]
        name = stem[: MOST_NAME - 17] + point + ending if point else name[:MOST_NAME]
    if _RESERVED.fullmatch(name) or name.lower() == INDEX:
        name = f"_{name}"
    return name or "index"


def type_of(data: bytes) -> Type | None:
    """Return what bytes are by how they begin, or None."""
    kinds = MAGIC_BEHIND + MAGIC_BY_OCTET.get(data[:1], [])
    for at, magic, found in kinds:
        if data.startswith(magic, at):
            return found
    if _HTML.match(data[:SHOWN_BYTES]):
        return Type("text/html", ".html")
    if data[:1] in (b"{", b"["):
        try:
            json.loads(data)
        except ValueError:
            return None
        return Type("application/json", ".json")
    return None
