"""Paths, pipes, standard input and whatever else can be read from."""

import fcntl
import io
import os
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from tests.sources.test_capture import PCAP, PCAPNG
from tests.sources.writing import Frame, frames_of, joined, read_all
from unpacket import sources
from unpacket.errors import SourceError

DATA = joined(PCAP)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "named like something else.txt"
    path.write_bytes(DATA)
    return path


def test_a_path_is_a_str_or_a_path(capture: Path) -> None:
    for path in (capture, str(capture)):
        with sources.open(path) as source:
            assert read_all(source) == frames_of(PCAP)
            assert source.path == str(capture)
            assert source.bytes_read == source.total_bytes == len(DATA)


def test_a_file_is_closed_at_its_end(capture: Path) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    read_all(sources.open(capture))
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_file_that_is_not_a_capture_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"not a capture")
    descriptors = len(os.listdir("/proc/self/fd"))
    with pytest.raises(SourceError):
        sources.open(path)
    assert len(os.listdir("/proc/self/fd")) == descriptors


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("missing", "no such file or directory", id="missing"),
        pytest.param(".", "is a directory", id="a directory"),
    ],
)
def test_what_cannot_be_opened(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(SourceError) as caught:
        sources.open(tmp_path / name)
    assert str(caught.value) == f"{tmp_path / name}: {reason}"


class OnlyRead:
    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int) -> bytes:
        return self._file.read(size)


class Broken(OnlyRead):
    def read(self, size: int) -> bytes:
        data = super().read(70)
        if not data:
            raise OSError(5, "Input/output error")
        return data


class WithoutRead1(io.BufferedIOBase):
    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int | None = -1) -> bytes:
        return self._file.read(size)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(io.BytesIO, id="BytesIO"),
        pytest.param(lambda data: io.BufferedReader(io.BytesIO(data)), id="buffered"),
        pytest.param(OnlyRead, id="only read"),
        pytest.param(WithoutRead1, id="without read1"),
    ],
)
def test_objects_like_files(kind: type[io.BytesIO]) -> None:
    assert read_all(sources.open(kind(DATA))) == frames_of(PCAP)


def test_a_file_object_is_read_from_where_it_is_and_not_closed(capture: Path) -> None:
    with capture.open("r+b") as file:
        file.write(b"")
        file.seek(0, os.SEEK_END)
        file.write(DATA)
        file.seek(len(DATA))
        with sources.open(file) as source:
            assert source.total_bytes == len(DATA)
            assert read_all(source) == frames_of(PCAP)
            assert source.path == str(capture)
        assert not file.closed


def test_a_temporary_file() -> None:
    with tempfile.SpooledTemporaryFile() as file:
        file.write(DATA)
        file.seek(0)
        assert read_all(sources.open(file)) == frames_of(PCAP)


def test_an_error_of_the_disk_comes_after_the_frames() -> None:
    source = sources.open(Broken(DATA))
    assert len(next(source)) == 2
    with pytest.raises(SourceError, match="input/output error"):
        next(source)


def test_what_has_nothing_yet_and_cannot_be_waited_for() -> None:
    class Empty(io.RawIOBase):
        def readinto(self, view: memoryview) -> None:  # type: ignore[override]
            return None

    with pytest.raises(SourceError, match="cannot be waited for"):
        sources.open(Empty())


def test_text_and_what_is_written_to_are_no_sources(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="binary"):
        sources.open(io.StringIO("text"))
    with (tmp_path / "x").open("wb") as file, pytest.raises(SourceError):
        sources.open(file)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(DATA))
    monkeypatch.setattr(sys, "stdin", stdin)
    with sources.open("-") as source:
        assert read_all(source) == frames_of(PCAP)
        assert source.path == "-"
    assert not stdin.buffer.closed


def test_no_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceError, match="no standard input"):
        sources.open("-")


@pytest.mark.parametrize("buffering", [0, -1], ids=["raw", "buffered"])
@pytest.mark.parametrize(
    "pieces", [pytest.param(PCAP, id="pcap"), pytest.param(PCAPNG, id="pcapng")]
)
def test_a_pipe_gives_a_frame_as_soon_as_it_is_there(
    pieces: list[tuple[bytes, Frame | None]], buffering: int
) -> None:
    reading, writing = os.pipe()
    with (
        os.fdopen(reading, "rb", buffering) as file,
        os.fdopen(writing, "wb", 0) as pipe,
    ):
        pipe.write(b"".join(data for data, frame in pieces if frame is None))
        source = sources.open(file)
        assert source.path == f"<{type(file).__name__}>"
        assert source.total_bytes is None
        for data, frame in pieces:
            if frame is not None:
                pipe.write(data)
                batch = next(source)
                assert len(batch) == 1
                assert Frame(*batch.frame(0)[1:]) == frame
        pipe.close()
        assert list(source) == []


def test_a_named_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(DATA * 1,))
    writer.start()
    assert read_all(sources.open(path)) == frames_of(PCAP)
    writer.join()


def test_a_pipe_that_does_not_block_is_waited_for() -> None:
    reading, writing = os.pipe()
    flags = fcntl.fcntl(reading, fcntl.F_GETFL)
    fcntl.fcntl(reading, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    with os.fdopen(reading, "rb", 0) as file, os.fdopen(writing, "wb", 0) as pipe:

        def write() -> None:
            pipe.write(DATA)
            pipe.close()

        later = threading.Timer(0.05, write)
        later.start()
        assert read_all(sources.open(file)) == frames_of(PCAP)
        later.join()
