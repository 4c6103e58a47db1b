"""Compressed inputs, recognized by their first bytes, as readers of what is in them.

Members that follow one another (``cat a.gz b.gz``, pigz, pzstd) are one input, and
zeros between and behind them are padding.
"""

import bz2
import contextlib
import importlib
import lzma
import zlib
from collections.abc import Callable
from typing import NamedTuple, Protocol

from unpacket.errors import SourceError
from unpacket.sources.readers.buffer import BrokenInputError, Reader

INPUT_BYTES = 1 << 16
# A decompressor that meets damage keeps the output of that call to itself, so less
# than this is lost in front of damage (and nothing with gzip: see Inflate).
OUTPUT_BYTES = 1 << 16
# xz -9 needs 65 MiB; a file may ask for 4 GiB.
XZ_MEMORY_BYTES = 1 << 28


class Decompressor(Protocol):
    """What bz2, lzma, compression.zstd and lz4.frame agree upon."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


Factory = Callable[[], Decompressor]


class Compression(NamedTuple):
    """One way to compress.

    Attributes:
        magics: What a member can begin with.
        load: Returns what makes decompressors and what these raise at damage, or
            raises an ImportError.
        extra: The extra of unpacket that makes ``load`` succeed.
    """

    name: str
    magics: tuple[bytes, ...]
    load: Callable[[], tuple[Factory, type[Exception]]]
    extra: str


class Inflate:
    """zlib's decompressor of gzip members, in the manner of the other modules'.

    zlib's can be copied and go the same way again a byte at a time, so everything in
    front of damage is had.
    """

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)
        self._error: zlib.error | None = None

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return self._error is None and not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        if self._error is not None:
            raise self._error
        data = self._zlib.unconsumed_tail + data
        again = self._zlib.copy()
        try:
            return self._zlib.decompress(data, max_length)
        except zlib.error as error:
            self._error = error
        output = bytearray()
        with contextlib.suppress(zlib.error):
            for at in range(len(data)):
                output += again.decompress(data[at : at + 1])
        return bytes(output)


def load_gzip() -> tuple[Factory, type[Exception]]:
    return Inflate, zlib.error


def load_xz() -> tuple[Factory, type[Exception]]:
    return lambda: lzma.LZMADecompressor(
        lzma.FORMAT_XZ, XZ_MEMORY_BYTES
    ), lzma.LZMAError


def load_bzip2() -> tuple[Factory, type[Exception]]:
    return bz2.BZ2Decompressor, OSError


def load_zstd() -> tuple[Factory, type[Exception]]:
    try:
        module = importlib.import_module("compression.zstd")
    except ImportError:
        module = importlib.import_module("backports.zstd")
    return module.ZstdDecompressor, module.ZstdError


def load_lz4() -> tuple[Factory, type[Exception]]:
    module = importlib.import_module("lz4.frame")
    return module.LZ4FrameDecompressor, RuntimeError


# pzstd begins with a skippable frame, which has one of these magics.
SKIPPABLE = tuple(bytes([0x50 + n]) + b"\x2a\x4d\x18" for n in range(16))

COMPRESSIONS = (
    Compression("gzip", (b"\x1f\x8b\x08",), load_gzip, ""),
    Compression("xz", (b"\xfd7zXZ\0",), load_xz, ""),
    Compression("bzip2", (b"BZh",), load_bzip2, ""),
    Compression("zstd", (b"\x28\xb5\x2f\xfd", *SKIPPABLE), load_zstd, "zstd"),
    Compression("lz4", (b"\x04\x22\x4d\x18",), load_lz4, "lz4"),
)
LONGEST_MAGIC = max(len(magic) for each in COMPRESSIONS for magic in each.magics)


def compression_of(beginning: bytes) -> Compression | None:
    """Return how an input is compressed that begins so."""
    for each in COMPRESSIONS:
        if beginning.startswith(each.magics):
            return each
    return None


class DecompressingReader:
    """Reads what is in a compressed input."""

    def __init__(
        self, reader: Reader, beginning: bytes, compression: Compression, path: str
    ) -> None:
        """Go on reading where ``beginning`` has been read from ``reader`` already.

        Raises:
            SourceError: The module that decompresses is not installed.
        """
        self._reader = reader
        self._input = beginning
        self._name = compression.name
        self._magics = compression.magics
        self._member: Decompressor | None = None
        self._hungry = True
        try:
            self._factory, self._error = compression.load()
        except ImportError as error:
            raise SourceError(
                path,
                f"it is compressed with {compression.name}, which needs a module that"
                f" is not installed: pip install unpacket[{compression.extra}]",
            ) from error

    @property
    def bytes_read(self) -> int:
        return self._reader.bytes_read

    @property
    def total_bytes(self) -> int | None:
        return self._reader.total_bytes

    def readinto(self, view: memoryview) -> int:
        limit = min(len(view), OUTPUT_BYTES)
        while True:
            member = self._member or self._next_member()
            if member is None:
                return 0
            data = b""
            if self._hungry:
                data = self._next_input()
                if not data:
                    raise BrokenInputError(f"the {self._name} data is cut")
            try:
                output = member.decompress(data, limit)
            except self._error as error:
                raise BrokenInputError(
                    f"the {self._name} data is damaged ({error})"
                ) from error
            if member.eof:
                self._input = member.unused_data or b""
                self._member = None
            # lz4's may say that it needs input and yet have more output.
            self._hungry = not output or (member.needs_input and len(output) < limit)
            if output:
                view[: len(output)] = output
                return len(output)

    def close(self) -> None:
        self._reader.close()

    def _next_member(self) -> Decompressor | None:
        while True:
            self._input = self._input.lstrip(b"\0")
            if len(self._input) >= LONGEST_MAGIC:
                break
            more = self._read()
            if not more:
                break
            self._input += more
        if not self._input:
            return None
        if not self._input.startswith(self._magics):
            if any(magic.startswith(self._input) for magic in self._magics):
                raise BrokenInputError(f"the {self._name} data is cut")
            raise BrokenInputError(f"something else follows the {self._name} data")
        self._member = self._factory()
        self._hungry = True
        return self._member

    def _next_input(self) -> bytes:
        data, self._input = self._input, b""
        return data or self._read()

    def _read(self) -> bytes:
        data = bytearray(INPUT_BYTES)
        with memoryview(data) as view:
            count = self._reader.readinto(view)
        return bytes(data[:count])
