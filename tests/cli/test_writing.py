"""The commands that write files into a directory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import unpacket
from tests.builder import Conversation, write_pcap

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "sample.pcapng"

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(
        not SAMPLE.exists(), reason="the examples are not part of this copy"
    ),
]


def run(
    *arguments: str | Path, stdin: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "unpacket", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=100,
    )


def test_the_index_is_what_streams_prints(tmp_path: Path) -> None:
    assert run("extract", SAMPLE, "-o", tmp_path / "out").returncode == 0
    printed = run("streams", SAMPLE, "--json", "--digest").stdout.splitlines()
    index = (tmp_path / "out" / "index.jsonl").read_bytes().splitlines()
    for line, expected in zip(map(json.loads, index), printed, strict=True):
        assert list(line)[-2:] == ["conflict_list", "files"]
        for key in ("conflict_list", "files"):
            del line[key]
        assert json.dumps(line, separators=(",", ":")).encode() == expected


def test_a_conversation_is_that_of_follow(tmp_path: Path) -> None:
    run("extract", SAMPLE, "-o", tmp_path, "--name={id}", "--conversation=hex")
    for number in range(9):
        followed = run("follow", SAMPLE, str(number), "--as", "hex").stdout
        assert (tmp_path / f"{number}.conversation").read_bytes() == followed


@pytest.mark.parametrize("command", ["extract", "split"])
def test_a_directory_with_files_is_refused_unless_forced(
    command: str, tmp_path: Path
) -> None:
    (tmp_path / "mine").write_bytes(b"mine")
    refused = run(command, SAMPLE, "-o", tmp_path)
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert refused.stderr.count(b"\n") == 1
    assert b"it is not empty (--force " in refused.stderr
    for _ in range(2):
        forced = run(command, SAMPLE, "-o", tmp_path, "--force", "--name={id}{side}")
        assert forced.returncode == 0
    assert (tmp_path / "mine").read_bytes() == b"mine"
    assert len(list(tmp_path.iterdir())) == (20 if command == "extract" else 10)


@pytest.mark.parametrize("command", ["extract", "split"])
def test_a_name_that_leads_out_is_a_wrong_command_line(
    command: str, tmp_path: Path
) -> None:
    done = run(command, SAMPLE, "-o", tmp_path / "out", "--name", "../{id}")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Usage: unpacket" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["extract", "split"])
def test_nothing_found_is_1(command: str, tmp_path: Path) -> None:
    write_pcap(tmp_path / "empty.pcap", [])
    done = run(command, tmp_path / "empty.pcap", "-o", tmp_path / "out")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"unpacket: no TCP streams in ")


@pytest.mark.parametrize("command", ["extract", "split"])
def test_damage_is_told_after_what_there_was(command: str, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(SAMPLE.read_bytes()[:60_000])
    for name, options in (("lax", []), ("strict", ["--strict"])):
        done = run(command, cut, "-o", tmp_path / name, *options)
        assert done.returncode == (2 if options else 0)
        assert done.stderr.count(b": byte 58636: ") == 1
    names = [path.name for path in (tmp_path / "lax").iterdir()]
    assert sorted(names) == sorted(
        path.name for path in (tmp_path / "strict").iterdir()
    )
    assert len(names) >= 2


@pytest.mark.parametrize("source", [str(SAMPLE), "-"])
def test_one_stream_on_standard_output(source: str, tmp_path: Path) -> None:
    stdin = b"" if source != "-" else SAMPLE.read_bytes()
    done = run("split", source, "--stream", "1", stdin=stdin)
    assert (done.returncode, done.stderr) == (0, b"")
    part = tmp_path / "part.pcapng"
    part.write_bytes(done.stdout)
    (summary,) = unpacket.summaries(part)
    assert str(summary.client) == "192.0.2.1:55166"
    missing = run("split", source, "--stream", "9", stdin=stdin)
    assert (missing.returncode, missing.stdout) == (1, b"")
    assert b"it has 0 to 8" in missing.stderr


def test_split_needs_a_place(tmp_path: Path) -> None:
    done = run("split", SAMPLE)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Usage: unpacket split" in done.stderr


def test_several_captures_are_one_input(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"one")
    talk.client(4, b"two")
    write_pcap(tmp_path / "1.pcap", talk.frames[:4])
    write_pcap(tmp_path / "2.pcap", talk.frames[4:])
    both = (tmp_path / "1.pcap", tmp_path / "2.pcap")
    assert run("extract", *both, "-o", tmp_path / "out", "--name=x").returncode == 0
    assert (tmp_path / "out" / "x").read_bytes() == b"onetwo"
    assert run("split", *both, "-o", tmp_path / "parts", "--name=x").returncode == 0
    (whole,) = unpacket.summaries(tmp_path / "parts" / "x")
    assert whole.bytes == (6, 0)


@pytest.mark.parametrize("command", ["extract", "split"])
def test_only_streams_that_pass_are_written(command: str, tmp_path: Path) -> None:
    name = "{id}{side}" if command == "extract" else "{id}"
    for number, (where, wanted) in enumerate(
        [("gaps", {1, 2, 7}), ("start >= 300ms and close_reason == fin", {5, 7, 8})]
    ):
        out = tmp_path / str(number)
        done = run(command, SAMPLE, "-o", out, f"--name={name}", "--where", where)
        assert done.returncode == 0, done.stderr
        names = {path.name for path in out.iterdir()} - {"index.jsonl"}
        assert {int(name[0]) for name in names} == wanted
        assert len(names) == len(wanted) * (2 if command == "extract" else 1)
    done = run(command, SAMPLE, "-o", tmp_path / "none", "--where", "bytes > 1TiB")
    assert done.returncode == 1
    assert b"stream passes --where in " in done.stderr
    done = run(command, SAMPLE, "-o", tmp_path / "wrong", "--where", "gasp")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"no column 'gasp'; did you mean gaps" in done.stderr


def test_one_stream_that_does_not_pass_is_not_printed() -> None:
    done = run("split", SAMPLE, "--stream", "1", "--where", "not gaps")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"no such stream passes --where in " in done.stderr
