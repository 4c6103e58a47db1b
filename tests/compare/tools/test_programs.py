"""Other programs are run within limits, and their output is read."""

import gzip
import os
import sys
import time
from pathlib import Path

import pytest

import unpacket
from tests.builder import Conversation, write_pcap
from unpacket import SourceError
from unpacket.compare.comparison import compare
from unpacket.compare.tools.programs import (
    TOOLS,
    Limits,
    Said,
    Tool,
    ToolError,
    plain_copy,
)

SAMPLE = Path(__file__).parents[3] / "examples" / "sample.pcapng"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits need POSIX")


def needs(tool: Tool) -> pytest.MarkDecorator:
    missing = tool.path() is None
    return pytest.mark.skipif(missing, reason=f"{tool.name} is not installed")


ALL = [pytest.param(tool, marks=needs(tool), id=tool.name) for tool in TOOLS]


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Two connections with a gap, over both versions of IP."""
    frames = []
    for ends in (
        {"client": ("10.0.0.1", 40000), "server": ("10.0.0.2", 80)},
        {"client": ("2001:db8::1", 40000), "server": ("2001:db8::2", 80)},
    ):
        talk = Conversation(**ends)  # type: ignore[arg-type]
        talk.handshake()
        talk.client(1, b"question")
        talk.server(1, b"answer", ack=9)
        talk.server(17, b"more", ack=9)
        talk.client(9, ack=21)
        talk.farewell(9, 21)
        frames += talk.frames
    write_pcap(tmp_path / "talk.pcap", sorted(frames))
    return tmp_path / "talk.pcap"


def folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.parametrize("tool", ALL)
def test_what_a_tool_says(tool: Tool, capture: Path, tmp_path: Path) -> None:
    work = folder(tmp_path / "work")
    assert tool.version(work)[0].isdigit()
    said = [one for one in tool.said(str(capture), work, Limits()) if one.runs]
    assert len(said) == 4
    for client, server in (
        (("10.0.0.1", 40000), ("10.0.0.2", 80)),
        (("2001:db8::1", 40000), ("2001:db8::2", 80)),
    ):
        assert Said(client, server, [b"question"]) in said  # type: ignore[arg-type]
        runs = next(one.runs for one in said if one[:2] == (server, client))
        if tool.name == "tshark":
            assert runs == [b"answer", 10, b"more"]
        else:
            assert runs == [b"answer" + bytes(10) + b"more"]


@pytest.mark.parametrize("tool", ALL)
def test_a_capture_named_like_an_option(
    tool: Tool, capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-z; id").write_bytes(capture.read_bytes())
    work = folder(tmp_path / "work")
    path = plain_copy("-z; id", work, Limits())
    assert len([one for one in tool.said(path, work, Limits()) if one.runs]) == 4


class Misbehaving(Tool):
    """A program that does what its one argument says in Python."""

    name = "python"

    def __init__(self, code: str) -> None:
        self.code = code

    def path(self) -> str:
        return sys.executable

    def said(self, capture: str, folder: Path, limits: Limits) -> list[Said]:  # type: ignore[override]
        self.run(["-c", self.code], folder, limits, folder / "out")
        return []


@pytest.mark.parametrize(
    "code, limits, reason",
    [
        pytest.param(
            "import time; time.sleep(60)",
            Limits(seconds=0.5),
            "it took more than 0.5 s",
            id="too long",
        ),
        pytest.param(
            "import subprocess, sys;"
            "subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])",
            Limits(seconds=0.5),
            "it took more than 0.5 s",
            id="a child takes too long",
        ),
        pytest.param(
            "import signal, os; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
            "while True: os.write(1, bytes(65536))",
            Limits(file_bytes=1 << 20),
            "it wrote a file of more than 1048576 bytes",
            id="too much",
        ),
        pytest.param(
            "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
            Limits(),
            "it was ended by signal 11",
            id="it crashes",
        ),
    ],
)
def test_a_program_is_kept_within_limits(
    code: str, limits: Limits, reason: str, tmp_path: Path
) -> None:
    started = time.monotonic()
    with pytest.raises(ToolError) as caught:
        Misbehaving(code).said("", tmp_path, limits)
    assert str(caught.value) == reason
    assert time.monotonic() - started < 30
    (opinion,) = compare(SAMPLE, str(SAMPLE), tools=[Misbehaving(code)], limits=limits)[
        -1
    ]
    assert opinion.error == reason


def test_no_setting_and_no_input_reaches_a_program(tmp_path: Path) -> None:
    code = (
        "import os, sys; assert sys.stdin.read() == '';"
        f"assert os.environ['HOME'] == {str(tmp_path)!r};"
        "assert 'SECRET' not in os.environ; print('fine')"
    )
    os.environ["SECRET"] = "1"
    try:
        Misbehaving(code).said("", tmp_path, Limits())
    finally:
        del os.environ["SECRET"]
    assert (tmp_path / "out").read_text() == "fine\n"


def test_a_program_that_is_missing() -> None:
    class Missing(Tool):
        name = "no-such-program"

        def said(self, capture: str, folder: Path, limits: Limits) -> list[Said]:  # type: ignore[override]
            self.run([], folder, limits, folder / "out")
            return []

    assert Missing().path() is None
    (opinion,) = compare(SAMPLE, str(SAMPLE), tools=[Missing()]).opinions
    assert (opinion.error, opinion.version) == ("it is not installed", "")


def test_a_compressed_capture_is_unpacked(capture: Path, tmp_path: Path) -> None:
    packed = tmp_path / "talk.pcap.gz"
    packed.write_bytes(gzip.compress(capture.read_bytes()))
    work = folder(tmp_path / "work")
    copy = plain_copy(str(packed), work, Limits())
    assert Path(copy).read_bytes() == capture.read_bytes()
    assert Path(copy).parent == work
    assert plain_copy(str(capture), work, Limits()) == str(capture)
    with pytest.raises(SourceError, match="more than 100 bytes unpacked"):
        plain_copy(str(packed), work, Limits(file_bytes=100))
    packed.write_bytes(gzip.compress(capture.read_bytes())[:-20])
    cut = Path(plain_copy(str(packed), work, Limits())).read_bytes()
    assert capture.read_bytes().startswith(cut)
    with pytest.raises(SourceError, match="no such file"):
        plain_copy("not-there.pcap", work, Limits())


@pytest.mark.parametrize("tool", ALL)
def test_only_the_first_streams(tool: Tool) -> None:
    found = compare(SAMPLE, str(SAMPLE), tools=[tool], limits=Limits(streams=3))
    assert (found.streams, found.complete) == (3, False)
    (opinion,) = found.opinions
    assert not opinion.error
    assert {one.stream for one in opinion.differences} <= {0, 1, 2}
    everything = compare(SAMPLE, str(SAMPLE), tools=[tool])
    assert (everything.streams, everything.complete) == (9, True)
    chosen = compare(SAMPLE, str(SAMPLE), tools=[tool], where="id in (0, 3)")
    assert chosen.streams == 2
    assert chosen.opinions[0].differences == []
    assert len(list(unpacket.summaries(SAMPLE))) == 9
