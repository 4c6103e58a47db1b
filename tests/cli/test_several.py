"""Several captures on a command line: what is one capture, and what is said of it."""

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.builder import Conversation, write_pcap
from tests.cli.test_commands import invoke
from tests.sources.test_several import pcap, taps, with_drops, written


class Done(NamedTuple):
    """What a command printed, and what it exited with."""

    returncode: int
    stdout: bytes
    stderr: bytes


def run(*arguments: str | Path, stdin: bytes = b"") -> Done:
    result = invoke(*arguments, stdin=stdin)
    return Done(result.exit_code, result.stdout_bytes, result.stderr_bytes)


COMMANDS = ("streams", "follow", "extract", "split", "check")
OVERLAP = b"with --merge (merge=True) packets come in the order of time"


@pytest.fixture
def two_taps(tmp_path: Path) -> Path:
    """A folder with the two sides of a conversation, and nothing else."""
    folder = tmp_path / "taps"
    folder.mkdir()
    written(folder, taps()[1])
    return folder


@pytest.fixture
def rotated(tmp_path: Path) -> Path:
    """A folder with a conversation in three captures, the names of which mislead."""
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"one")
    talk.client(4, b"two")
    talk.farewell(7, 1)
    folder = tmp_path / "rotated"
    folder.mkdir()
    write_pcap(folder / "c.pcap", talk.frames[:4])
    write_pcap(folder / "b.pcap", talk.frames[4:5])
    write_pcap(folder / "a.pcap", talk.frames[5:])
    return folder


def arguments(command: str, captures: list[str], out: Path) -> list[str]:
    return [
        command,
        *captures,
        *(["-o", str(out)] if command in ("extract", "split") else []),
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_glob_is_one_capture(command: str, rotated: Path, tmp_path: Path) -> None:
    done = run(*arguments(command, [str(rotated / "*.pcap")], tmp_path / "out"))
    assert done.returncode == 0
    assert b"warning" not in done.stderr
    said = run("streams", rotated / "*.pcap", "--json").stdout
    assert json.loads(said)["client"]["bytes"] == 6
    if command != "follow":
        names = [str(rotated / name) for name in ("a.pcap", "b.pcap", "c.pcap")]
        again = run(*arguments(command, names, tmp_path / "again"))
        assert again.returncode == 0
        if command == "streams":
            assert again.stdout == done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_two_taps_are_merged_on_request(
    command: str, two_taps: Path, tmp_path: Path
) -> None:
    glob = str(two_taps / "*")
    done = run(*arguments(command, [glob], tmp_path / "out"))
    told = [line for line in done.stderr.splitlines() if b"warning" in line]
    assert len(told) == 1
    assert OVERLAP in told[0]
    merged = run(*arguments(command, [glob], tmp_path / "merged"), "--merge")
    assert merged.returncode == 0
    assert b"warning" not in merged.stderr
    if command == "check":
        assert merged.stdout.endswith(b"\nall is well\n")
    quiet = run(*arguments(command, [glob], tmp_path / "quiet"), "--quiet")
    assert quiet.stderr == b""


def test_a_merged_conversation_is_in_order(two_taps: Path) -> None:
    said = run("follow", two_taps / "*", "0", "--as=raw", "--merge").stdout
    assert said == b"questionanswer"


def test_the_parts_of_merged_captures_are_numbered_alike(
    two_taps: Path, tmp_path: Path
) -> None:
    done = run("split", two_taps / "*", "--merge", "--stream", "0")
    assert done.returncode == 0
    whole = tmp_path / "whole.pcap"
    write_pcap(whole, taps()[0].frames)
    again = run("split", whole, "--stream", "0")
    assert len(again.stdout) == len(done.stdout)


def test_standard_input_is_one_of_several(rotated: Path) -> None:
    stdin = (rotated / "b.pcap").read_bytes()
    names = [str(rotated / "a.pcap"), "-", str(rotated / "c.pcap")]
    options: list[list[str]] = [[], ["--merge"]]
    for merge in options:
        for command in (["streams", "--json"], ["check", "--json"]):
            done = run(*command, *names, *merge, stdin=stdin)
            assert (done.returncode, done.stderr) == (0, b"")
        done = run("split", *names, *merge, "--stream=0", stdin=stdin)
        parts = run("streams", "-", "--json", stdin=done.stdout)
        assert json.loads(parts.stdout)["client"]["bytes"] == 6
    twice = run("streams", "-", "-", stdin=stdin)
    assert twice.returncode == 2
    assert b"standard input can be read only once" in twice.stderr


@pytest.mark.parametrize("merge", [False, True])
def test_an_empty_one_is_a_warning(rotated: Path, merge: bool) -> None:
    (rotated / "d.pcap").touch()
    options = ["--merge"] if merge else []
    done = run("streams", rotated / "*.pcap", "--json", *options)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith(b"unpacket: warning: ")
    assert line.endswith(b"d.pcap: byte 0: it is empty")
    strict = run("streams", rotated / "*.pcap", "--strict", *options)
    assert (strict.returncode, strict.stdout) == (2, b"")


@pytest.mark.parametrize("merge", [False, True])
def test_a_damaged_one_is_named_and_the_others_are_read(
    rotated: Path, merge: bool
) -> None:
    second = rotated / "b.pcap"
    second.write_bytes(second.read_bytes()[:-1])
    options = ["--json", "--merge"] if merge else ["--json"]
    done = run("streams", rotated / "*", *options)
    (line,) = done.stderr.splitlines()
    assert b"b.pcap: byte 24: a record is cut after" in line
    of_client = json.loads(done.stdout)["client"]
    assert (of_client["gaps"], of_client["missing"]) == (1, 3)
    strict = run("streams", rotated / "*", "--strict", *options)
    assert strict.returncode == 2
    # What came before the damage is told: the first of the captures.
    assert json.loads(strict.stdout)["client"]["bytes"] == 3
    assert b"b.pcap: byte 24: " in strict.stderr
    assert b"(without --strict this is a warning)" in strict.stderr


def test_what_is_no_capture_is_told_first(rotated: Path) -> None:
    (rotated / "readme").write_bytes(b"these are captures")
    done = run("streams", rotated / "*")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.count(b"\n") == 1
    assert b"readme: byte 0: not a capture" in done.stderr
    assert b"unpacket reads pcap" in done.stderr


def test_check_shows_what_each_capture_lost(tmp_path: Path) -> None:
    lossy = {"a": with_drops(2, b"eth0"), "b": with_drops(3, b"eth\x1b0")}
    paths = written(tmp_path, lossy | {"c": pcap((9, b"x"))})
    done = run("check", *paths)
    assert done.returncode == 1
    assert b"! drops       the capture says that it lost 5 packets\n" in done.stdout
    assert f"{paths[0]}, interface 0 (eth0): 2 packets\n".encode() in done.stdout
    assert f"{paths[1]}, interface 0 (eth.0): 3 packets\n".encode() in done.stdout
    report = json.loads(run("check", *paths, "--json").stdout)
    assert report["dropped"] == 5
    assert report["drops"][1] == {
        "path": str(paths[1]),
        "section": 0,
        "interface": 0,
        "name": "eth\x1b0",
        "packets": 3,
    }


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_ctrl_c_ends_the_waiting_for_a_pipe(two_taps: Path, tmp_path: Path) -> None:
    import fcntl
    import termios

    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals are for the main thread")
    before = signal.getsignal(signal.SIGINT)
    pipes = [tmp_path / "client.fifo", tmp_path / "server.fifo"]
    ends = []
    for pipe in pipes:
        os.mkfifo(pipe)
        # As the reader too, so that it opens at once and has no end.
        ends.append(os.open(pipe, os.O_RDWR))

    def waiting(end: int) -> int:
        return int.from_bytes(fcntl.ioctl(end, termios.FIONREAD, bytes(4)), "little")

    def press() -> None:
        deadline_s = time.monotonic() + 60
        for pipe, end in zip(pipes, ends, strict=True):
            os.write(end, (two_taps / pipe.stem).read_bytes())
        while time.monotonic() < deadline_s:
            taken = not any(map(waiting, ends))
            if taken and signal.getsignal(signal.SIGINT) is not before:
                break
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    try:
        done = run("streams", *pipes, "--merge", "--json")
    finally:
        thread.join()
        for end in ends:
            os.close(end)
    assert (done.returncode, done.stderr) == (
        130,
        b"unpacket: interrupted: read up to frame 9\n",
    )
    stream = json.loads(done.stdout)
    assert [stream[side]["bytes"] for side in ("client", "server")] == [8, 6]
    assert [stream[side]["packets"] for side in ("client", "server")] == [6, 3]


def test_compare_takes_each_on_its_own(rotated: Path) -> None:
    done = run("compare", rotated / "*.pcap", "--json")
    if b"not installed" in done.stderr:
        pytest.skip("there is nobody to compare with")
    names = [json.loads(line)["capture"] for line in done.stdout.splitlines()]
    assert [Path(name).name for name in names] == ["a.pcap", "b.pcap", "c.pcap"]
