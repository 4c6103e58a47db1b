"""What goes wrong at the command, and what it says: the place, and what helps."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builder import Conversation, write_pcap
from tests.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = "examples/sample.pcapng"
HELP = [("--help",), ("--version",), ("--completion", "zsh"), ("follow", "-h")]

DECODED_TWICE = ("--decode-as", "udp:1=gtp", "--decode-as", "udp:1=vxlan")

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(
        not (ROOT / SAMPLE).exists(), reason="the examples are not part of this copy"
    ),
]


def run(
    *arguments: str, stdin: bytes = b"", **variables: str
) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [sys.executable, "-m", "unpacket", *arguments],
        cwd=ROOT,
        env=os.environ | variables,
        input=stdin,
        capture_output=True,
        timeout=100,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


@pytest.mark.parametrize(
    "arguments, told",
    [
        pytest.param(
            ("stream", SAMPLE),
            "Error: no such command: 'stream'; did you mean streams?\n",
            id="nearly a command",
        ),
        pytest.param(
            (SAMPLE,),
            f"Error: no such command: '{SAMPLE}'; did you mean "
            f"`unpacket streams {SAMPLE}`?\n",
            id="no command",
        ),
        pytest.param(
            ("streams", "examples"),
            "unpacket: examples: is a directory (its files: examples/*)\n",
            id="a directory",
        ),
        pytest.param(
            ("follow", SAMPLE, "192.0.2.2"),
            "such as 3, 10.0.0.1:80 or [::1]:80; all streams of an address: --where "
            "'address in 192.0.2.2'\n",
            id="an address",
        ),
        pytest.param(
            ("streams", SAMPLE, "--decode-as", "udp:8473=vxlon"),
            "Error: Invalid value for '--decode-as': 'udp:8473=vxlon': no tunnel "
            "'vxlon'; did you mean 'vxlan'?\n",
            id="no tunnel",
        ),
        pytest.param(
            ("streams", SAMPLE, *DECODED_TWICE),
            "Error: decode_as: 'udp:1=vxlan': another rule names port 1 already\n",
            id="two tunnels on a port",
        ),
        pytest.param(
            ("extract", SAMPLE, "-o", "/dev/null/x"),
            "unpacket: /dev/null/x: not a directory\n",
            id="a folder below a file",
        ),
        pytest.param(
            ("extract", SAMPLE, "-o", "/dev/null"),
            "unpacket: /dev/null: not a directory\n",
            id="a folder that is a device",
        ),
    ],
)
def test_a_mistake_is_told_with_what_helps(
    arguments: tuple[str, ...], told: str
) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(told)


def test_the_usage_has_what_must_be_there() -> None:
    assert run("extract", "-h").stdout.startswith(
        "Usage: unpacket extract [OPTIONS] -o DIR CAPTURE...\n"
    )


@pytest.mark.parametrize("command", ["streams", "follow", "extract", "split"])
def test_frames_without_streams_are_counted(command: str, tmp_path: Path) -> None:
    writes = command in ("extract", "split")
    talk = Conversation()
    frame = talk.client(1, b"x")
    # Another protocol than TCP.
    octets = bytearray(frame.data)
    octets[octets.index(6, 14 + 9)] = 17
    capture = tmp_path / "udp.pcap"
    write_pcap(capture, [frame._replace(data=bytes(octets))])
    options = ("--force", "-o", f"{tmp_path}/out") if writes else ()
    done = run(command, str(capture), *options)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"unpacket: no TCP streams in {capture}: 1 frame without any; "
        "`unpacket check` says what they are\n"
    )
    write_pcap(capture, [])
    done = run(command, str(capture), *options)
    assert done.returncode == 1
    assert done.stderr == f"unpacket: no TCP streams in {capture}: no frames at all\n"


def test_a_terminal_is_no_capture() -> None:
    command = [sys.executable, "-m", "unpacket", "streams", "-"]
    terminal = Terminal(command)
    try:
        assert terminal.end() == 2
    finally:
        terminal.close()
    assert b"standard input is a terminal" in terminal.shown


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="there are no other users")
@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_what_must_not_be_read_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "secret.pcap").touch(0)
    done = run("streams", str(tmp_path / "secret.pcap"))
    assert done.returncode == 2
    assert done.stderr == f"unpacket: {tmp_path}/secret.pcap: permission denied\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("arguments", [*HELP, ("streams", SAMPLE), ("check", SAMPLE)])
def test_no_room_for_the_output(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "unpacket", *arguments],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=100,
        )
    told = b"unpacket: standard output: no space left on device\n"
    assert (done.returncode, done.stderr) == (2, told)


@pytest.mark.parametrize("arguments", HELP)
def test_nobody_reads_the_help(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "unpacket", *arguments],
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=100,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_no_room_for_a_temporary_file(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="there are no such limits")
    done = subprocess.run(
        [sys.executable, "-m", "unpacket", "split", "-", "--stream", "0"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        input=(ROOT / SAMPLE).read_bytes(),
        capture_output=True,
        timeout=100,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16,) * 2),
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == (
        f"unpacket: {tmp_path}: file too large "
        "(TMPDIR names another folder for temporary files)\n"
    )
