"""Ctrl-C and SIGTERM: what was read counts, and nothing is said of what was not."""

import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builder import Conversation, write_pcap
from tests.cli.test_commands import ROOT, SAMPLE, run
from unpacket import Assembler, Closed
from unpacket.cli.inputs import Captures
from unpacket.integrity.checker import check
from unpacket.sinks import split

pytestmark = [
    pytest.mark.skipif(
        not sys.platform.startswith("linux"), reason="waiting is seen in /proc"
    ),
    pytest.mark.skipif(
        not (ROOT / SAMPLE).exists(), reason="the examples are not part of this copy"
    ),
]


def interrupted(
    *arguments: str, data: bytes, number: int = signal.SIGINT
) -> tuple[int, bytes, bytes]:
    """Run a command that waits for more than ``data``, and send it a signal.

    Returns:
        What it exits with, and what it printed.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "unpacket", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(data)
    process.stdin.flush()
    asleep = 0
    while asleep < 10:
        time.sleep(0.02)
        buffer = fcntl.ioctl(process.stdin, termios.FIONREAD, bytes(4))
        state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2]
        waits = struct.unpack("i", buffer) == (0,) and state.split()[0] == "S"
        asleep = asleep + 1 if waits else 0
    process.send_signal(number)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, out, err


@pytest.fixture
def cut_off() -> bytes:
    """A fine conversation of which the end has not been written yet."""
    return (ROOT / SAMPLE).read_bytes()[:40_000]


@pytest.mark.parametrize(
    "number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_a_signal_ends_it_with_what_there_was(number: int, code: int) -> None:
    data = (ROOT / SAMPLE).read_bytes()
    done, out, err = interrupted("streams", "-", data=data, number=number)
    assert (done, err) == (code, b"unpacket: interrupted: read up to frame 300\n")
    whole = run("streams", SAMPLE).stdout

    def ids(table: bytes) -> list[bytes]:
        return [line.split()[0] for line in table.splitlines()]

    assert ids(out) == ids(whole)


def test_check_does_not_say_that_all_is_well(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"question")
    talk.farewell(9, 1)
    write_pcap(tmp_path / "fine.pcap", talk)
    data = (tmp_path / "fine.pcap").read_bytes()
    code, out, err = interrupted("check", "-", data=data)
    assert (code, err) == (130, b"unpacket: interrupted: read up to frame 7\n")
    assert b"all is well" not in out
    assert b"! interrupted  reading was ended after 7 frames; more may follow\n" in out
    code, out, _ = interrupted("check", "-", "--json", data=data, number=signal.SIGTERM)
    assert code == 143
    report = json.loads(out)
    assert (report["ok"], report["ended_early"]) == (False, True)
    assert report["wrong"] == ["interrupted"]


@pytest.mark.parametrize("command", ["streams --json", "extract", "follow --as json"])
def test_no_stream_ended_with_the_capture(
    command: str, cut_off: bytes, tmp_path: Path
) -> None:
    name, *options = command.split()
    if name == "extract":
        options += ["-o", str(tmp_path / "out")]
    code, out, err = interrupted(name, "-", *options, data=cut_off)
    assert code == 130
    assert b"interrupted: read up to frame " in err
    if name == "extract":
        out = (tmp_path / "out" / "index.jsonl").read_bytes()
        named = {
            side["name"]
            for line in out.splitlines()
            for side in json.loads(line)["files"].values()
        }
        written = {path.name for path in (tmp_path / "out").iterdir()}
        assert written == named - {""} | {"index.jsonl"}
    assert b"interrupted" in out
    assert b"end_of_capture" not in out


def test_an_error_is_no_end_of_the_capture(tmp_path: Path) -> None:
    class Broken(Captures):
        @property
        def ended_early(self) -> bool:
            return True

    talk = Conversation()
    talk.handshake()
    write_pcap(tmp_path / "open.pcap", talk)
    with Broken([str(tmp_path / "open.pcap")]) as source:
        report = check(source)
    assert report.ended_early and not report.ok
    assert report.closed["interrupted"] and not report.closed["end_of_capture"]


def test_an_assembler_says_how_reading_ended() -> None:
    talk = Conversation()
    talk.handshake()
    for interrupted_, reason in ((False, "end_of_capture"), (True, "interrupted")):
        assembler = Assembler()
        assembler.feed(talk.batch())
        (closed,) = assembler.finish(interrupted=interrupted_)
        assert isinstance(closed, Closed)
        assert closed.reason == closed.stream.close_reason == reason


def test_two_fins_are_an_end_whatever_ends_the_reading() -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"question")
    talk.farewell(9, 1)
    assembler = Assembler()
    assembler.feed(Conversation.batch(talk))
    events = assembler.finish(interrupted=True)
    assert all(event.stream.close_reason == "fin" for event in events)


def test_a_part_whose_frames_did_not_all_come_is_not_left(tmp_path: Path) -> None:
    with Captures([str(ROOT / SAMPLE)]) as source:
        findings = split.find(source)

    def pieces() -> Iterator[tuple[int, memoryview, bool]]:
        yield 0, memoryview(b"all"), True
        yield 1, memoryview(b"begun"), False

    files, size = split.write(str(tmp_path / "out"), pieces(), findings)
    assert (files, size) == (1, 3)
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_compare_leaves_nothing_behind(tmp_path: Path) -> None:
    fifo = tmp_path / "waits"
    os.mkfifo(fifo)
    script = tmp_path / "slow"
    script.write_text(f"#!/bin/sh\ncat {fifo}\n")
    script.chmod(0o755)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "unpacket", "compare", SAMPLE),
            *("--tool", f"slow={script}"),
        ],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
    )
    # It is opened for reading once the program runs.
    with fifo.open("wb"):
        process.send_signal(signal.SIGTERM)
        began_s = time.monotonic()
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err.strip()) == (143, b"")
    assert time.monotonic() - began_s < 30
    assert {path.name for path in tmp_path.iterdir()} == {"waits", "slow"}


def test_ctrl_c_during_the_imports_is_no_traceback(tmp_path: Path) -> None:
    # What is imported first interrupts, as the user would.
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt\n")
    done = subprocess.run(
        [sys.executable, "-c", "from unpacket_command import main; main()"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
