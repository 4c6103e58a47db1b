"""Recordings of real programs, kept and made now, against what they really sent."""

import gzip
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.recorded import Recording, check, recordings
from unpacket import Policy

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "examples" / "sample.pcapng"
KEPT = ROOT / "tests" / "recordings"
KEPT_BYTES = 5_000_000

pytestmark = pytest.mark.skipif(
    not SAMPLE.exists(), reason="the examples are not part of this copy"
)

CANNOT_RECORD_HERE = 69
LIMIT_S = 60

Recorder = Callable[..., Path]


@pytest.fixture
def record(tmp_path: Path) -> Recorder:
    """Return a function that runs the recorder, or skips with its reason."""
    if sys.platform != "linux":
        pytest.skip("network namespaces are Linux's")

    def run(*options: str) -> Path:
        seed = str(random.randrange(2**32))
        capture = tmp_path / f"seed-{seed}.pcapng"
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


def truths() -> list[Any]:
    kept = sorted(KEPT.glob("*/truth.json"))
    return [
        pytest.param(path.parent, id=path.parent.name)
        for path in (SAMPLE.with_suffix("") / "truth.json", *kept)
    ]


def blocks(capture: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the type and the body of each pcapng block."""
    content = capture.read_bytes()
    if capture.suffix == ".gz":
        content = gzip.decompress(content)
    at = 0
    while at < len(content):
        kind, length = struct.unpack_from("<II", content, at)
        assert length % 4 == 0
        assert content[at + length - 4 : at + length] == struct.pack("<I", length)
        yield kind, content[at + 8 : at + length - 4]
        at += length


def check_form(recording: Recording) -> None:
    """A recording is well formed, and its frames are those of its truth."""
    kinds, times, largest = [], [], 0
    for kind, body in blocks(recording.capture):
        kinds.append(kind)
        if kind == 6:
            _, high, low, captured, original = struct.unpack_from("<5I", body)
            times.append(high << 32 | low)
            assert captured == original
            assert body[20] >> 4 in (4, 6)
            largest = max(largest, captured)
    assert kinds == [0x0A0D0D0A, 1, *[6] * recording.facts["frames"], 5]
    assert times == sorted(times)
    assert largest == recording.facts["largest_frame"]
    if recording.truth["offload"] == "none":
        assert largest <= 1500
    families = {4 + 2 * one.client.startswith("[") for one in recording.connections}
    assert families <= set(recording.truth["families"])


def check_all(directory: Path, grace_s: float = 0.0) -> list[Recording]:
    """Every capture of a recording is well formed, and read as what was sent."""
    found = list(recordings(directory))
    for recording in found:
        check_form(recording)
        check(recording)
        check(recording, Policy(deliver="acked"))
        if recording.point != "middle":
            # There alone an acknowledgement may pass before what it acknowledges.
            check(recording, Policy(gap_grace_s=grace_s))
    return found


@pytest.mark.parametrize("truth", truths())
def test_a_kept_recording_is_read_as_what_was_sent(truth: Path) -> None:
    assert check_all(truth)


def test_the_kept_recordings_are_small() -> None:
    files = [path for path in KEPT.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < KEPT_BYTES


def test_the_kept_recordings_show_what_they_should() -> None:
    found = [
        one for path in KEPT.glob("*/truth.json") for one in recordings(path.parent)
    ]
    programs = {one.truth["program"] for one in found}
    assert len(programs) == 7
    for families in ([4], [6]):
        assert {
            one.truth["program"] for one in found if one.truth["families"] == families
        } == programs
    offloaded = [one for one in found if one.truth["offload"] != "none"]
    assert max(one.facts["largest_frame"] for one in offloaded) > 60_000
    assert any(
        half.missing for one in found for c in one.connections for half in c.halves
    )
    for mishap in ("lost_before_capture", "duplicated", "delayed"):
        assert any(one.truth["mishaps"].get(mishap) for one in found)
    assert any(not one.truth["mishaps"] for one in found)
    assert any(c.reset for one in found for c in one.connections)


def test_the_page_about_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "ground-truth.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(ROOT)
    exec(code, {})


@pytest.mark.parametrize(
    ("program", "options"),
    [
        pytest.param("python", ["--wire", "clean"], id="python, clean wire"),
        pytest.param("python", ["--at", "middle"], id="python, bad wire"),
        pytest.param(
            "nginx", ["--offload", "veth", "--witness", "client"], id="nginx, veth"
        ),
        pytest.param("openssl", ["--wire", "lossy", "--family", "6"], id="openssl, v6"),
        pytest.param("redis", ["--offload", "nic"], id="redis, offload to a card"),
        pytest.param("ssh", ["--witness", "client"], id="ssh"),
        pytest.param("postgres", ["--family", "4"], id="postgres, v4"),
        pytest.param("iperf3", ["--offload", "nic"], id="iperf3, offload to a card"),
    ],
)
def test_a_live_recording_is_read_as_what_was_sent(
    record: Recorder, program: str, options: list[str]
) -> None:
    places = () if "--at" in options else ("--at", "client", "--at", "server")
    capture = record("--program", program, *places, *options)
    # Two processors may hand what each of them got to the recorder the wrong way round.
    found = check_all(capture.with_suffix(""), grace_s=0.001)
    assert len(found) == (2 if places else 1)
    for recording in found:
        assert recording.connections
        if "clean" in options:
            assert not recording.truth["mishaps"]
            assert recording.facts["not_captured"] == 0
        else:
            assert recording.truth["mishaps"]


def test_a_recording_that_takes_too_long_is_none(record: Recorder) -> None:
    with pytest.raises(AssertionError, match="not done in time"):
        record("--limit", "0.2")


def test_a_terminated_recorder_leaves_nothing(record: Recorder, tmp_path: Path) -> None:
    record("--wire", "clean")  # it skips where nothing can be recorded
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def processes() -> int:
        """Count those that were told of a file in the recorder's own directory."""
        count = 0
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # it has ended since
                count += f"{scratch}/tmp".encode() in path.read_bytes()
        return count

    command = (sys.executable, "-m", "examples.record", str(tmp_path / "c.pcapng"))
    recorder = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"TMPDIR": str(scratch)}
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
    assert list(scratch.iterdir()) == []
    assert not (tmp_path / "c.pcapng").exists()


def test_the_sample_shows_what_it_says() -> None:
    assert SAMPLE.stat().st_size < 300_000
    (sample,) = recordings(SAMPLE.with_suffix(""))
    assert len(sample.connections) == 9
    clients, servers = zip(*(one.halves for one in sample.connections), strict=True)
    assert any(half.missing for half in clients)
    assert any(half.missing for half in servers)
    assert any(one.reset for one in sample.connections)
    assert any(one.client.startswith("[") for one in sample.connections)
    assert any(half.sent.startswith(b"POST") for half in clients)
    assert [half.sent.count(b"GET ") for half in clients].count(2) == 1
    body = max((half.sent for half in servers), key=len).partition(b"\r\n\r\n")[2]
    assert len(body) == 100 * 1024
    assert all(body[at : at + 8] == b"%08d" % at for at in range(0, len(body), 64))


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
