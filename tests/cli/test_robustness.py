"""What a shell, a file system and other processes do to a command."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "sample.pcapng"
TIMEOUT_S = 60


def run(
    *arguments: str | bytes | Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "unpacket", *arguments],
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=TIMEOUT_S,
        env=os.environ | variables,
    )


def piped(path: Path) -> threading.Thread:
    """Make a pipe of this name, and write the sample into it once somebody reads."""
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb") as pipe:
            pipe.write(SAMPLE.read_bytes())

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def test_help_is_there_without_docstrings() -> None:
    done = run("streams", "--help", PYTHONOPTIMIZE="2")
    assert (done.returncode, done.stderr) == (0, "")
    assert "List the TCP streams of captures" in done.stdout
    assert done.stdout == run("streams", "--help").stdout


@pytest.mark.parametrize("command", ["check", "compare"])
def test_a_name_of_any_bytes_is_shown(command: str, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/a\xff\x1b[31mb.pcapng"
    shutil.copy(os.fsencode(SAMPLE), name)
    done = run(command, name, *(["--tool", "tcpflow"] if command == "compare" else []))
    assert "bug in unpacket" not in done.stderr
    assert "\x1b[31m" not in done.stdout + done.stderr
    if "not installed" not in done.stderr:
        assert "a\\xff\\x1b[31mb.pcapng" in done.stdout


def test_a_name_of_any_bytes_in_an_error_is_shown(tmp_path: Path) -> None:
    done = run("streams", os.fsencode(tmp_path) + b"/\xff\x1b[31m")
    assert done.returncode == 2
    assert "/\\xff\\x1b[31m: no such file" in done.stderr


def test_a_limit_may_be_larger_than_any_capture() -> None:
    done = run("streams", SAMPLE, "--limit", "9" * 30)
    assert done.returncode == 0
    assert done.stdout == run("streams", SAMPLE).stdout


def test_split_reads_a_pipe_twice(tmp_path: Path) -> None:
    thread = piped(tmp_path / "pipe")
    done = run("split", tmp_path / "pipe", "-o", tmp_path / "parts")
    thread.join(TIMEOUT_S)
    assert done.returncode == 0
    run("split", SAMPLE, "-o", tmp_path / "wanted")
    assert sorted(os.listdir(tmp_path / "parts")) == sorted(
        os.listdir(tmp_path / "wanted")
    )


def test_compare_reads_a_pipe_for_all(tmp_path: Path) -> None:
    if shutil.which("tcpflow") is None:
        pytest.skip("tcpflow is not installed")
    thread = piped(tmp_path / "pipe")
    done = run("compare", tmp_path / "pipe", "--tool", "tcpflow", "--json")
    thread.join(TIMEOUT_S)
    assert done.returncode == 1
    wanted = json.loads(run("compare", SAMPLE, "--tool", "tcpflow", "--json").stdout)
    assert json.loads(done.stdout)["opinions"] == wanted["opinions"]


def test_two_extractions_into_one_folder_both_end(tmp_path: Path) -> None:
    # One makes the index between the look and the making of the other.
    script = (
        "import sys, pathlib, unpacket.sinks.extract as module\n"
        "look = module.prepare\n"
        "def prepare(directory, *, force):\n"
        "    look(directory, force=force)\n"
        "    pathlib.Path(directory, 'index.jsonl').touch()\n"
        "module.prepare = prepare\n"
        "from unpacket.cli import main\n"
        "sys.argv[1:] = ['extract', sys.argv[1], '-o', sys.argv[2]]\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, SAMPLE, tmp_path / "out"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 2
    assert "another process has just made it" in done.stderr


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_command_that_waits(number: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "unpacket", "streams", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(SAMPLE.read_bytes())
    process.stdin.flush()
    # What it prints shows that it reads.
    assert process.stdout.readline()
    time.sleep(0.1)
    process.send_signal(number)
    process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 128 + number


def test_a_capture_that_changes_between_two_readings_is_an_error(
    tmp_path: Path,
) -> None:
    path = tmp_path / "changing.pcapng"
    shutil.copy(SAMPLE, path)
    script = (
        "import sys, os, unpacket.sinks.split as module\n"
        "find = module.find\n"
        "def changing(*arguments, **options):\n"
        "    found = find(*arguments, **options)\n"
        "    os.utime(sys.argv[2], ns=(0, 0))\n"
        "    return found\n"
        "module.find = changing\n"
        "from unpacket.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "split", path, "-o", tmp_path / "parts"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 2
    assert "it was changed between its two readings" in done.stderr
