"""Content codings undone (RFC 9110 section 8.4), within bounds.

Of a body with a hole only what lies before it is decoded, so that what comes out is
always a true prefix. Output is made in steps, and stops at a size and at a ratio.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from unpacket.errors import UnpacketError
from unpacket.messages.body import Body, chunks

if TYPE_CHECKING:
    from unpacket.messages.http.head import HttpMessage

# What one body may become. 1 GiB is more than browsers take of a page.
MAX_DECODED_BYTES = 1 << 30

# zlib cannot make more than 1,032 of one byte; brotli and zstd can make any number.
MAX_RATIO = 4096
# Below this no ratio is asked about.
FREE_BYTES = 1 << 20

STEP_BYTES = 1 << 16

WRONG = "content-encoding-wrong"
UNKNOWN = "content-encoding-unknown"


class MissingDecoder(UnpacketError):
    """A content coding whose library is not installed.

    Attributes:
        coding: Its name.
        extra: The extra of ``unpacket`` that brings the library.
    """

    def __init__(self, coding: str, extra: str) -> None:
        super().__init__(coding, extra)
        self.coding, self.extra = coding, extra

    def __str__(self) -> str:
        return f"content coding {self.coding}: pip install 'unpacket[{self.extra}]'"


class Decoded(NamedTuple):
    """Content with its codings undone.

    Attributes:
        data: What came out: all, or a true prefix.
        complete: Whether it is all.
        limited: Whether a bound cut it.
    """

    data: bytes
    complete: bool
    limited: bool = False


class WrongCoding(Exception):
    """The bytes are not of the coding."""


class Zlib:
    """gzip and deflate, with or without a zlib header, in several members."""

    def __init__(self, window_bits: int) -> None:
        self._bits = window_bits
        self._engine: Any = None
        self._began = False
        self.done = False
        self._first = b""

    def _start(self, data: bytes) -> None:
        bits = self._bits
        if bits == zlib.MAX_WBITS and not has_zlib_header(data):
            # What many servers call deflate has no header (RFC 9110 section 8.4.1.2).
            bits = -zlib.MAX_WBITS
        self._engine = zlib.decompressobj(bits)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode the next bytes, in steps.

        Raises:
            WrongCoding: They are none of the coding.
        """
        if self._first:
            data = self._first + data
            self._first = b""
        while data:
            if self._engine is None:
                if self._began and self._bits > zlib.MAX_WBITS:
                    if data[:1] == b"\0" or not b"\x1f\x8b".startswith(data[:2]):
                        # Padding, or what follows the last member.
                        self.done = True
                        return
                elif self._began:
                    self.done = True
                    return
                if not self._began and len(data) < 2:
                    self._first = data
                    return
                self._start(data)
                self._began = True
                self.done = False
            try:
                made = self._engine.decompress(data, STEP_BYTES)
            except zlib.error as error:
                raise WrongCoding from error
            if made:
                yield made
            if self._engine.eof:
                data = self._engine.unused_data
                self._engine = None
                self.done = True
            else:
                data = self._engine.unconsumed_tail

    def finish(self) -> Iterator[bytes]:
        """Give what is left when no more bytes come."""
        if self._first and self._engine is None:
            data, self._first = self._first, b""
            self._start(data)
        if self._engine is not None:
            try:
                made = self._engine.flush()
            except zlib.error:
                return
            if made:
                yield made
            self.done = self._engine.eof


def has_zlib_header(data: bytes) -> bool:
    """Return whether bytes begin as RFC 1950 section 2.2 says."""
    return data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0


class Brotli:
    """Brotli (RFC 7932), by the library of its makers."""

    def __init__(self) -> None:
        try:
            import brotli
        except ImportError:
            raise MissingDecoder("br", "brotli") from None
        self._error: type[Exception] = brotli.error
        self._engine = brotli.Decompressor()

    @property
    def done(self) -> bool:
        """Whether the stream has ended."""
        return bool(self._engine.is_finished())

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode the next bytes, in steps.

        Raises:
            WrongCoding: They are none of the coding.
        """
        try:
            if self._engine.is_finished():
                return
            made = self._engine.process(data, output_buffer_limit=STEP_BYTES)
            while made or not self._engine.can_accept_more_data():
                yield made
                if self._engine.is_finished():
                    return
                made = self._engine.process(b"", output_buffer_limit=STEP_BYTES)
        except self._error as error:
            raise WrongCoding from error

    def finish(self) -> Iterator[bytes]:
        """Give nothing: all that can be made has been."""
        return iter(())


class Zstandard:
    """Zstandard (RFC 8878), several frames."""

    def __init__(self) -> None:
        try:
            from compression import zstd
        except ImportError:
            try:
                from backports import zstd
            except ImportError:
                raise MissingDecoder("zstd", "zstd") from None
        self._zstd: Any = zstd
        self._engine: Any = None
        self.done = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode the next bytes, in steps.

        Raises:
            WrongCoding: They are none of the coding.
        """
        try:
            while data or (self._engine is not None and not self._engine.needs_input):
                if self._engine is None:
                    # No frame of HTTP needs a larger window (RFC 9659).
                    options = {self._zstd.DecompressionParameter.window_log_max: 27}
                    self._engine = self._zstd.ZstdDecompressor(options=options)
                    self.done = False
                made = self._engine.decompress(data, STEP_BYTES)
                data = b""
                if made:
                    yield made
                if self._engine.eof:
                    data = self._engine.unused_data
                    self._engine = None
                    self.done = True
        except self._zstd.ZstdError as error:
            raise WrongCoding from error

    def finish(self) -> Iterator[bytes]:
        """Give nothing: all that can be made has been."""
        return iter(())


DECODERS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: Zlib(zlib.MAX_WBITS | 16),
    "x-gzip": lambda: Zlib(zlib.MAX_WBITS | 16),
    "deflate": lambda: Zlib(zlib.MAX_WBITS),
    "br": Brotli,
    "zstd": Zstandard,
}


def codings_of(message: "HttpMessage") -> list[str]:
    """Return the codings of a body, the one that was applied last at the end."""
    named = message.header("content-encoding") or ""
    found = [item.strip().lower() for item in named.split(",")]
    transfer = message.header("transfer-encoding") or ""
    found += [
        item.partition(";")[0].strip().lower()
        for item in transfer.split(",")
        if item.strip().lower() not in ("chunked", "identity")
    ]
    return [name for name in found if name and name != "identity"]


def decode(
    message: "HttpMessage", max_bytes: int = MAX_DECODED_BYTES
) -> "Decoded | None":
    """Return the body of a message with its codings undone.

    None if it has no coding, or one that is not known; a wrong or unknown one is noted
    as an anomaly.

    Raises:
        MissingDecoder: The library of the coding is not installed.
    """
    codings = codings_of(message)
    body = message.content
    if not codings or body is None or body.length == 0:
        return None
    if any(name not in DECODERS for name in codings):
        message.note(UNKNOWN)
        return None
    decoders = [DECODERS[name]() for name in reversed(codings)]
    pieces: list[bytes] = []
    made = 0
    taken = 0
    limited = False
    try:
        for data in until_hole(body):
            taken += len(data)
            for piece in through(decoders, data, 0):
                made += len(piece)
                pieces.append(piece)
                if made > max_bytes or made > max(FREE_BYTES, taken * MAX_RATIO):
                    limited = True
                    break
            if limited:
                break
        if not limited:
            for piece in finishing(decoders, 0):
                pieces.append(piece)
    except WrongCoding:
        if not made:
            message.note(WRONG)
            return None
        message.note("content-encoding-broken")
        return Decoded(b"".join(pieces)[:max_bytes], False)
    data = b"".join(pieces)
    if len(data) > max_bytes:
        data, limited = data[:max_bytes], True
    whole = message.complete and all(decoder.done for decoder in decoders)
    return Decoded(data, whole and not limited, limited)


def through(decoders: list[Any], data: bytes, index: int) -> Iterator[bytes]:
    """Pass bytes through the decoders from ``index`` on."""
    if index == len(decoders):
        yield data
        return
    for made in decoders[index].feed(data):
        yield from through(decoders, made, index + 1)


def finishing(decoders: list[Any], index: int) -> Iterator[bytes]:
    """Give what the decoders from ``index`` on still have."""
    if index == len(decoders):
        return
    for made in decoders[index].finish():
        yield from through(decoders, made, index + 1)
    yield from finishing(decoders, index + 1)


def until_hole(body: Body) -> Iterable[bytes]:
    """Give the body's bytes before its first hole."""
    left = body.first_hole()
    for data in chunks(body):
        if left <= 0:
            return
        yield data[:left]
        left -= len(data)
