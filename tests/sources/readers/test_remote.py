"""Captures behind URLs: of memory, of files, and of servers with and without parts."""

import functools
import gc
import gzip
import http.server
import subprocess
import sys
import threading
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import unpacket
from tests.builder import Conversation
from tests.cli.test_commands import invoke
from tests.sources.test_several import opened, pcap, written
from tests.sources.writing import pcap_header, pcap_record, read_all
from unpacket import sources
from unpacket.errors import CaptureWarning, FormatError, OverlapWarning, SourceError
from unpacket.integrity.checker import check

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    yield system
    system.rm("/captures", recursive=True)


def test_a_url_is_read_like_a_file(memory: Any) -> None:
    memory.pipe("/captures/a.pcap", pcap((1, b"1"), (2, b"2")))
    with sources.open("memory://captures/a.pcap") as source:
        assert [frame.data for frame in read_all(source)] == [b"1", b"2"]
        assert source.path == "memory://captures/a.pcap"
        assert source.bytes_read == source.total_bytes == 24 + 2 * 17


@pytest.mark.parametrize("merge", [False, True])
def test_urls_may_be_globs_and_stand_among_files(
    memory: Any, tmp_path: Path, merge: bool
) -> None:
    memory.pipe("/captures/b.pcap", pcap((1, b"1"), (2, b"2")))
    memory.pipe("/captures/a.pcap.gz", gzip.compress(pcap((5, b"5"))))
    memory.pipe("/captures/other", pcap((9, b"9")))
    (path,) = written(tmp_path, {"local": pcap((3, b"3"))})
    found = opened([path, "memory://captures/*.pcap*"], merge=merge)
    assert found == [b"1", b"2", b"3", b"5"]
    with pytest.raises(SourceError, match=r"captures/x\*: no such file"):
        sources.open("memory://captures/x*")


def test_a_url_can_be_read_again(memory: Any) -> None:
    memory.pipe("/captures/a", pcap((1, b"1")))
    assert sources.can_be_read_again("memory://captures/a")
    assert check("memory://captures/a").frames == 1


def test_a_url_of_a_file(tmp_path: Path) -> None:
    (path,) = written(tmp_path, {"a": pcap((1, b"1"))})
    assert opened(f"file://{path}") == [b"1"]


def test_a_url_may_lead_through_another(memory: Any, tmp_path: Path) -> None:
    (path,) = written(tmp_path, {"all.zip": b""})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("in/b.pcap", pcap((1, b"1")))
        archive.writestr("in/a.pcap", pcap((2, b"2")))
    assert opened(f"zip://in/a.pcap::file://{path}") == [b"2"]
    assert opened(f"zip://in/*.pcap::file://{path}") == [b"1", b"2"]
    memory.pipe("/captures/a", pcap((1, b"1")))
    memory.pipe("/captures/b", pcap((2, b"2")))
    for way in ("simplecache", "filecache"):
        assert opened(f"{way}::memory://captures/a") == [b"1"]
        assert opened(f"{way}::memory://captures/*") == [b"1", b"2"]


def test_damage_is_told_by_the_url(memory: Any) -> None:
    memory.pipe("/captures/a", pcap((1, b"1"), (2, b"2"))[:-1])
    with pytest.warns(CaptureWarning, match="memory://captures/a: byte 41: a record"):
        assert opened("memory://captures/a") == [b"1"]
    memory.pipe("/captures/b", b"text")
    with pytest.raises(FormatError, match="memory://captures/b: byte 0: not a"):
        sources.open("memory://captures/b")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("memory://none", "no such file or directory", id="no file"),
        pytest.param("nosuch://x", "protocol not known: nosuch", id="no protocol"),
        pytest.param("http://127.0.0.1:1/x", "cannot connect to host", id="no host"),
    ],
)
def test_what_cannot_be_read_is_an_error(url: str, reason: str) -> None:
    with pytest.raises(SourceError) as error:
        sources.open(url)
    assert str(error.value).startswith(f"{url}: {reason}")
    assert "\n" not in str(error.value)


def test_without_the_extra_the_remedy_is_told() -> None:
    program = (
        "import sys; sys.modules['fsspec'] = None; from unpacket.cli import main; "
        "sys.argv = ['unpacket', 'streams', 's3://bucket/a.pcap']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=100
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.count(b"\n") == 1
    assert b"s3://bucket/a.pcap: " in done.stderr
    assert b"pip install unpacket[fsspec]" in done.stderr


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server that always gives whole files, and says nothing."""

    def log_message(self, *arguments: object) -> None:
        pass


class Parts(Quiet):
    """One that gives parts of files, and keeps in mind which."""

    asked: list[tuple[int, int]]

    def do_GET(self) -> None:
        header = self.headers.get("Range")
        if header is None:
            super().do_GET()
            return
        first, last = map(int, header.removeprefix("bytes=").split("-"))
        self.asked.append((first, last))
        octets = Path(self.translate_path(self.path)).read_bytes()
        part = octets[first : last + 1]
        self.send_response(206)
        stop = first + len(part)
        self.send_header("Content-Range", f"bytes {first}-{stop - 1}/{len(octets)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)


@pytest.fixture(params=[Quiet, Parts])
def served(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Path, str, type[Quiet]]]:
    """A folder, the URL of it, and what serves it on the loopback interface."""
    pytest.importorskip("aiohttp")
    kind = type("Served", (request.param,), {"asked": []})
    handler = functools.partial(kind, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield tmp_path, f"http://127.0.0.1:{server.server_port}", kind
        finally:
            server.shutdown()
            thread.join()


def test_a_server_gives_captures(served: tuple[Path, str, type[Quiet]]) -> None:
    folder, url, _ = served
    written(
        folder,
        {
            "b.pcap": pcap((1, b"1"), (4, b"4")),
            "a.pcap": pcap((2, b"2"), (3, b"3")),
        },
    )
    assert opened(f"{url}/a.pcap") == [b"2", b"3"]
    names = [f"{url}/a.pcap", folder / "b.pcap"]
    assert opened(names, merge=True) == [b"1", b"2", b"3", b"4"]
    assert opened(f"{url}/*.pcap", merge=True) == [b"1", b"2", b"3", b"4"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverlapWarning)
        assert list(unpacket.streams(f"{url}/*.pcap")) == []
    with pytest.raises(SourceError, match="missing: no such file or directory"):
        sources.open(f"{url}/missing")


# fsspec leaves the file of its cache open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_cache_keeps_its_own_blocks(served: tuple[Path, str, type[Quiet]]) -> None:
    folder, url, _ = served
    written(folder, {"a.pcap": pcap((1, b"1"), (2, b"2"))})
    assert opened(f"blockcache::{url}/a.pcap") == [b"1", b"2"]
    gc.collect()


def test_a_long_capture_comes_in_large_blocks(
    served: tuple[Path, str, type[Quiet]],
) -> None:
    folder, url, kind = served
    long = bytes(range(256)) * 200
    records = [pcap_record("<", 0, n, long, len(long)) for n in range(400)]
    (folder / "long").write_bytes(pcap_header("<") + b"".join(records))
    with sources.open(f"{url}/long") as source:
        frames = read_all(source)
        assert (
            source.bytes_read == source.total_bytes == (folder / "long").stat().st_size
        )
    assert [frame.time_ns for frame in frames] == [1000 * n for n in range(400)]
    assert all(frame.data == long for frame in frames)
    if issubclass(kind, Parts):
        # 20 MB in three requests, one behind the other.
        sizes = [last + 1 - first for first, last in kind.asked]
        assert len(sizes) == 3
        assert sizes[0] >= 8 << 20
        starts = [first for first, _ in kind.asked]
        assert starts == [0, sizes[0], sizes[0] + sizes[1]]


@pytest.mark.parametrize("command", ["streams", "follow", "split", "check", "compare"])
def test_commands_take_urls(memory: Any, command: str) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"question")
    talk.farewell(9, 1)
    records = [
        pcap_record("<", 0, n, frame.data, frame.original)
        for n, frame in enumerate(talk.frames)
    ]
    memory.pipe("/captures/a.pcap", pcap_header("<") + b"".join(records[:4]))
    memory.pipe("/captures/b.pcap", pcap_header("<") + b"".join(records[4:]))
    options = ["--stream=0"] if command == "split" else []
    done = invoke(command, "memory://captures/*.pcap", *options)
    if "not installed" in done.stderr:
        pytest.skip("there is nobody to compare with")
    assert "rror" not in done.stderr
    assert done.exit_code == 0
    if command != "compare":
        assert "warning" not in done.stderr
    else:
        assert done.stdout.startswith("memory:///captures/a.pcap: 1 stream, ")
