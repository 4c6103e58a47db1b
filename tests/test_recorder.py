"""The sample capture, and one made now, against what the programs really sent."""

import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "examples" / "sample.pcapng"

pytestmark = pytest.mark.skipif(
    not SAMPLE.exists(), reason="the examples are not part of this copy"
)

CANNOT_RECORD_HERE = 69
LIMIT_S = 60

Recorder = Callable[..., Path]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    """Return a function that runs the recorder, or skips with its reason."""
    if sys.platform != "linux":
        pytest.skip("network namespaces are Linux's")

    def run(*options: str) -> Path:
        seed = str(random.randrange(2**32))
        capture = tmp_path_factory.mktemp("recorded") / f"seed-{seed}.pcapng"
        command = (sys.executable, "-m", "examples.record", str(capture))
        done = subprocess.run(
            (*command, "--seed", seed, "--limit", str(LIMIT_S), *options),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=LIMIT_S + 30,
        )
        if done.returncode == CANNOT_RECORD_HERE:
            pytest.skip(done.stderr.strip())
        assert done.returncode == 0, done.stderr
        return capture

    return run


@pytest.fixture(scope="module")
def bad(record: Recorder) -> Path:
    """A recording over the bad wire, with dice that nobody chose."""
    return record()


@pytest.fixture(scope="module")
def clean(record: Recorder) -> Path:
    """A recording over a wire that does nothing but carry."""
    return record("--clean")


@pytest.fixture(params=["sample", "bad", "clean"])
def capture(request: pytest.FixtureRequest) -> Path:
    """Each recording in turn."""
    if request.param == "sample":
        return SAMPLE
    made: Path = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def unpacket() -> ModuleType:
    """The library under test; the recorder itself does not need it."""
    library: ModuleType = pytest.importorskip("unpacket")
    return library


def truth_of(capture: Path) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads(
        (capture.with_suffix("") / "truth.json").read_text()
    )
    return truth


def sent(capture: Path, half: dict[str, Any]) -> bytes:
    return (capture.with_suffix("") / str(half["file"])).read_bytes()


def blocks(capture: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the type and the body of each pcapng block."""
    content = capture.read_bytes()
    at = 0
    while at < len(content):
        kind, length = struct.unpack_from("<II", content, at)
        assert length % 4 == 0
        assert content[at + length - 4 : at + length] == struct.pack("<I", length)
        yield kind, content[at + 8 : at + length - 4]
        at += length


def offsets(spans: list[list[int]]) -> set[int]:
    return {n for start, stop in spans for n in range(start, stop)}


def test_a_recording_is_well_formed(capture: Path) -> None:
    kinds, times = [], []
    for kind, body in blocks(capture):
        kinds.append(kind)
        if kind == 6:
            _, high, low, captured, original = struct.unpack_from("<5I", body)
            times.append(high << 32 | low)
            assert captured == original <= 1500
            assert body[20] >> 4 in (4, 6)
    frames = truth_of(capture)["frames"]["written"]
    assert kinds == [0x0A0D0D0A, 1, *[6] * frames, 5]
    assert times == sorted(times)
    assert frames > 100


def test_the_truth_is_there(capture: Path) -> None:
    streams = truth_of(capture)["streams"]
    assert len(streams) == 9
    assert any(stream["client"].startswith("[") for stream in streams)
    assert any(stream["request"].startswith("POST") for stream in streams)
    for stream in streams:
        for half in (stream["client_sent"], stream["server_sent"]):
            assert len(sent(capture, half)) == half["bytes"] > 0
            assert offsets(half["missing"]) <= offsets(half["left_out"])
        assert sent(capture, stream["client_sent"]).startswith((b"GET", b"POST"))
        assert sent(capture, stream["server_sent"]).startswith(b"HTTP/1.1 ")
    largest = max(streams, key=lambda stream: int(stream["server_sent"]["bytes"]))
    body = sent(capture, largest["server_sent"]).partition(b"\r\n\r\n")[2]
    assert len(body) == 100 * 1024
    assert all(body[at : at + 8] == b"%08d" % at for at in range(0, len(body), 64))


def test_a_bad_wire_is_bad_and_a_clean_one_clean(bad: Path, clean: Path) -> None:
    mishaps = truth_of(bad)["frames"]
    del mishaps["written"]
    assert sum(mishaps.values()) > 10
    frames = truth_of(clean)["frames"]
    assert set(frames) == {"written", "not_captured"}
    assert frames["not_captured"] == 0


def test_a_recording_that_takes_too_long_is_none(record: Recorder) -> None:
    with pytest.raises(AssertionError, match="not done in time"):
        record("--limit", "0.2")


@pytest.mark.usefixtures("clean")  # it skips where nothing can be recorded
def test_a_terminated_recorder_leaves_nothing(tmp_path: Path) -> None:
    def processes() -> int:
        """Count those that were told of a file in the recorder's own directory."""
        count = 0
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # it has ended since
                count += f"{tmp_path}/tmp".encode() in path.read_bytes()
        return count

    command = (sys.executable, "-m", "examples.record", str(tmp_path / "c.pcapng"))
    recorder = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"TMPDIR": str(tmp_path)}
    )
    try:
        until = time.monotonic() + 20
        while not processes() and time.monotonic() < until:
            time.sleep(0.02)
        assert processes() >= 1
        recorder.terminate()
        assert recorder.wait(20) == 128 + signal.SIGTERM
    finally:
        recorder.kill()
        recorder.wait()
    assert processes() == 0
    assert list(tmp_path.iterdir()) == []


def test_the_sample_shows_what_it_says() -> None:
    streams = truth_of(SAMPLE)["streams"]
    assert SAMPLE.stat().st_size < 300_000
    assert any(stream["client_sent"]["missing"] for stream in streams)
    assert any(stream["server_sent"]["missing"] for stream in streams)
    assert any(stream["reset"] for stream in streams)
    kept = [
        stream
        for stream in streams
        if sent(SAMPLE, stream["client_sent"]).count(b"GET ") == 2
    ]
    assert len(kept) == 1


@pytest.mark.parametrize(
    "flag",
    ["retransmission", "out_of_order", "lost_segment", "ack_lost_segment"],
)
def test_tshark_sees_it_in_the_sample(flag: str) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    command = ("tshark", "-n", "-r", str(SAMPLE), "-Y", f"tcp.analysis.{flag}")
    done = subprocess.run(
        command, capture_output=True, check=True, text=True, timeout=60
    )
    assert done.stdout.count("\n") > 0


def test_the_streams_are_what_was_sent(capture: Path, unpacket: ModuleType) -> None:
    expected = {stream["client"]: stream for stream in truth_of(capture)["streams"]}
    for stream in unpacket.streams(capture):
        facts = expected.pop(str(stream.client))
        assert str(stream.server) == facts["server"]
        for data, gaps, half in (
            (stream.client_data, stream.client_gaps, facts["client_sent"]),
            (stream.server_data, stream.server_gaps, facts["server_sent"]),
        ):
            whole = sent(capture, half)
            holes = offsets([[gap.offset, gap.offset + gap.length] for gap in gaps])
            assert data == bytes(b for n, b in enumerate(whole) if n not in holes)
            # A copy that was captured long after the acknowledgement comes too
            # late to fill its gap, so there may be more holes than missing bytes.
            assert offsets(half["missing"]) <= holes <= offsets(half["left_out"])
            assert {gap.reason for gap in gaps} <= {"not_captured"}
        if stream.client_gaps or stream.server_gaps:
            assert not stream.complete
        else:
            # The one frame that shows the end, an RST say, may not be captured.
            assert stream.complete == (stream.close_reason in ("fin", "rst"))
    assert not expected
