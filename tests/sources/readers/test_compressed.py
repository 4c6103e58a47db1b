"""Captures that are compressed, in every way and in several members."""

import bz2
import gzip
import importlib
import io
import itertools
import lzma
import random
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.strategies import any_captures
from tests.sources.test_capture import PCAP, Drip
from tests.sources.writing import (
    Piece,
    frames_of,
    joined,
    pcap_header,
    pcap_record,
    read_all,
)
from unpacket import sources
from unpacket.errors import CaptureWarning, FormatError, SourceError

Compress = Callable[[bytes], bytes]


def zstd(data: bytes) -> bytes:
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    compressed = pytest.importorskip(name).compress(data)
    assert isinstance(compressed, bytes)
    return compressed


def zstd_with_checksum(data: bytes) -> bytes:
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    module = pytest.importorskip(name)
    options = {module.CompressionParameter.checksum_flag: 1}
    compressed = module.compress(data, options=options)
    assert isinstance(compressed, bytes)
    return compressed


def pzstd(data: bytes) -> bytes:
    return b"\x50\x2a\x4d\x18\x04\0\0\0size" + zstd(data)


def lz4(data: bytes) -> bytes:
    compressed = pytest.importorskip("lz4.frame").compress(data)
    assert isinstance(compressed, bytes)
    return compressed


WAYS: list[Compress] = [gzip.compress, bz2.compress, lzma.compress, zstd, pzstd, lz4]
all_ways = pytest.mark.parametrize("compress", WAYS, ids=lambda way: way.__qualname__)
LONG = [*PCAP, *[Piece(PCAP[-1].data, PCAP[-1].frame)] * 20_000]


@all_ways
@given(pieces=any_captures())
def test_gives_the_frames_that_were_written(
    compress: Compress, pieces: list[Piece]
) -> None:
    data = compress(joined(pieces))
    with sources.open(io.BytesIO(data)) as source:
        assert read_all(source) == frames_of(pieces)
        assert source.warnings == []
        assert source.bytes_read == source.total_bytes == len(data)


@all_ways
def test_a_long_one(compress: Compress) -> None:
    assert read_all(sources.open(io.BytesIO(compress(joined(LONG))))) == frames_of(LONG)


@all_ways
@given(cuts=st.lists(st.integers(0, 100), max_size=3), sizes=st.integers(1, 50))
def test_members_that_follow_one_another_are_one_capture(
    compress: Compress, cuts: list[int], sizes: int
) -> None:
    data = joined(PCAP)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    members = [compress(data[start:stop]) for start, stop in itertools.pairwise(edges)]
    pipe = Drip(b"\0\0\0\0".join(members) + bytes(8), [sizes])
    assert read_all(sources.open(pipe)) == frames_of(PCAP)


@all_ways
def test_a_cut_one_gives_what_is_in_front(compress: Compress) -> None:
    data = compress(joined(PCAP))
    for length in range(6, len(data)):
        cut = io.BytesIO(data[:length])
        try:
            source = sources.open(cut)
        except FormatError as error:
            assert error.reason.endswith(("data is cut", "it is empty"))
            continue
        with pytest.warns(CaptureWarning, match="data is cut") as caught:
            frames = read_all(source)
        assert frames == frames_of(PCAP)[: len(frames)]
        assert len(caught) == len(source.warnings) == 1
        assert source.warnings[0].offset <= len(joined(PCAP))


# A block of bzip2 is garbled whole, and that shows at its end.
@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, zstd_with_checksum])
def test_a_damaged_one_gives_what_is_in_front(compress: Compress) -> None:
    # Not compressible, so that the middle is in the middle.
    noise = random.Random(1).randbytes(1_000_000)
    data = pcap_header("<")
    for start in range(0, len(noise), 1000):
        data += pcap_record("<", 1, 0, noise[start : start + 1000], 1000)
    damaged = bytearray(compress(data))
    middle = slice(len(damaged) // 2, len(damaged) // 2 + 64)
    damaged[middle] = bytes(byte ^ 0xFF for byte in damaged[middle])
    source = sources.open(io.BytesIO(damaged))
    with pytest.warns(CaptureWarning) as caught:
        frames = read_all(source)
    # Garbled bytes may also look like damage of the capture, behind which it goes on.
    assert 1 <= len(caught) <= 2
    for number in range(430):
        assert frames[number].data == noise[number * 1000 :][:1000]


def test_every_byte_in_front_of_damage_of_gzip() -> None:
    data = bytearray(gzip.compress(joined(PCAP)))
    data[-8:-4] = b"????"  # the checksum of a member that is whole otherwise
    source = sources.open(io.BytesIO(data))
    with pytest.warns(CaptureWarning, match="gzip data is damaged"):
        assert read_all(source) == frames_of(PCAP)
    assert source.warnings[0].offset == len(joined(PCAP))


@all_ways
@given(st.data())
def test_other_bytes_in_it_are_no_surprise(
    compress: Compress, draws: st.DataObject
) -> None:
    data = bytearray(compress(joined(PCAP)))
    for _ in range(draws.draw(st.integers(1, 4))):
        data[draws.draw(st.integers(0, len(data) - 1))] = draws.draw(
            st.integers(0, 255)
        )
    try:
        with sources.open(io.BytesIO(data), strict=True) as source:
            read_all(source)
    except FormatError as error:
        assert "\n" not in str(error)


def test_something_else_behind_it_is_told() -> None:
    data = gzip.compress(joined(PCAP)) + b"signature"
    source = sources.open(io.BytesIO(data))
    with pytest.warns(CaptureWarning, match="something else follows the gzip data"):
        assert read_all(source) == frames_of(PCAP)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(gzip.compress(b""), "it is empty", id="nothing in it"),
        pytest.param(
            gzip.compress(b"text"), "not a capture", id="something else in it"
        ),
        pytest.param(
            gzip.compress(gzip.compress(joined(PCAP))), "compressed twice", id="twice"
        ),
        pytest.param(b"\x1f\x8b\x08", "gzip data is cut", id="only the magic"),
        pytest.param(b"BZh9rubbish", "bzip2 data is damaged", id="only looks like it"),
    ],
)
def test_no_capture_in_it(data: bytes, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        sources.open(io.BytesIO(data))


@pytest.mark.parametrize(
    ("compress", "modules", "extra"),
    [
        pytest.param(zstd, ("compression.zstd", "backports.zstd"), "zstd", id="zstd"),
        pytest.param(lz4, ("lz4.frame",), "lz4", id="lz4"),
    ],
)
def test_a_missing_module_is_named_with_its_remedy(
    compress: Compress,
    modules: tuple[str, ...],
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = compress(joined(PCAP))
    import_module = importlib.import_module

    def without(name: str, package: str | None = None) -> object:
        if name in modules:
            raise ImportError(name)
        return import_module(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(
        SourceError, match=rf"pip install unpacket\[{extra}\]"
    ) as caught:
        sources.open(io.BytesIO(data))
    assert not isinstance(caught.value, FormatError)
