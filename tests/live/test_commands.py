"""Commands that read an interface: what they print, write and exit with."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import unpacket
from tests.live.network import exchange, needs_capture, served

pytestmark = needs_capture

LIMIT_S = 60


@contextmanager
def running(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command that captures, until the block ends or longer if it does not."""
    process = subprocess.Popen(
        [sys.executable, "-m", "unpacket", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        wait_for_ring(process.pid)
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_ring(pid: int) -> None:
    """Wait until a process has a packet socket."""
    deadline_s = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline_s:
        try:
            inodes = {
                os.readlink(f"/proc/{pid}/fd/{name}")
                for name in os.listdir(f"/proc/{pid}/fd")
            }
        except OSError:
            inodes = set()
        table = Path("/proc/net/packet").read_text().splitlines()[1:]
        bound = {
            f"socket:[{line.split()[-1]}]" for line in table if line.split()[4] != "0"
        }
        # Bound to lo, or to all of them.
        bound |= {
            f"socket:[{line.split()[-1]}]"
            for line in table
            if line.split()[3] == "0003"
        }
        if inodes & bound:
            return
        time.sleep(0.02)
    raise AssertionError("it does not capture")


def ended(
    process: subprocess.Popen[bytes], number: int = signal.SIGINT
) -> tuple[int, str, str]:
    """End a command with a signal; return its exit code, stdout and stderr."""
    time.sleep(0.3)
    process.send_signal(number)
    out, err = process.communicate(timeout=LIMIT_S)
    return process.returncode, out.decode(), err.decode()


def speak(request: bytes = b"question\n", response: bytes = b"answer\n") -> int:
    """Let two sockets speak, and return the port of the client."""
    ports: list[int] = []

    def talk(client: socket.socket, server: socket.socket) -> None:
        ports.append(client.getsockname()[1])
        assert exchange(client, server, request, response) == (response, request)

    served(None, None, "127.0.0.1", talk)
    return ports[0]


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_a_signal_ends_it_after_what_was_found(number: int, code: int) -> None:
    with running("streams", "-i", "lo", "--json") as process:
        port = speak()
        returned, out, err = ended(process, number)
    assert returned == code, err
    records = [json.loads(line) for line in out.splitlines()]
    (found,) = [one for one in records if one["client"]["port"] == port]
    assert found["close_reason"] == "fin"
    assert found["client"]["bytes"] == 9
    assert found["client"]["process"]
    assert found["capture_drops"] == 0


def test_follow_any_prints_a_conversation() -> None:
    with running("follow", "-i", "any", "--where", "client.bytes == 9") as process:
        speak()
        _, out, err = ended(process)
    assert "question" in out, err
    assert out.index("question") < out.index("answer")
    # Both ends are of this process.
    assert f"[{os.getpid()}] > " in out


def test_streams_are_listed_with_their_processes() -> None:
    with running("streams", "-i", "lo", "--bpf", "tcp") as process:
        port = speak()
        _, out, err = ended(process)
    heading, *lines = out.splitlines()
    assert heading.split()[-2:] == ["processes", "trouble"], err
    (line,) = [one for one in lines if f"127.0.0.1:{port} " in one]
    assert f"[{os.getpid()}] > " in line


def test_a_stream_that_is_chosen_by_its_id() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with running(
        "follow", "-i", "lo", "0", "--bpf", f"tcp port {port}", "--as", "raw"
    ) as process:
        with socket.create_server(("127.0.0.1", port)) as listener:
            client = socket.create_connection(("127.0.0.1", port))
            server, _ = listener.accept()
            with client, server:
                exchange(client, server, b"ask", b"say")
        # It ends by itself: there is no other stream with that id.
        out, _ = process.communicate(timeout=LIMIT_S)
    assert out == b"asksay"
    assert process.returncode == 0


def test_grep_finds_its_pattern_before_an_interface() -> None:
    with running("grep", "-F", "quest", "--interface", "lo") as process:
        speak()
        returned, out, err = ended(process)
    assert "quest" in out, err
    assert returned == 130


def test_what_is_read_is_written_too(tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    with running(
        "streams", "-i", "lo", "-w", str(path), "--rotate-size", "64KiB"
    ) as process:
        ports = [speak(bytes(100_000)) for _ in range(3)]
        returned, _, err = ended(process)
    assert returned == 130, err
    files = sorted(tmp_path.iterdir())
    assert len(files) > 1
    streams = {one.client.port: one for one in unpacket.streams(list(map(str, files)))}
    for port in ports:
        assert streams[port].client_process.pid == os.getpid()
        assert streams[port].client_data == bytes(100_000)
        assert streams[port].server_data == b"answer\n"
        assert streams[port].complete


def test_statistics_are_printed_when_asked_for() -> None:
    with running("streams", "-i", "lo", "--quiet") as process:
        speak()
        process.send_signal(signal.SIGUSR1)
        returned, _, err = ended(process)
    assert returned == 130
    assert "unpacket: lo: " in err
    assert " lost (0.00%)" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(
            ["streams", "-i", "eth99"], "no such interface", id="no interface"
        ),
        pytest.param(
            ["streams", "-i", "lo", "x.pcap"],
            "or --interface, not both",
            id="both",
        ),
        pytest.param(
            ["streams", "-", "--rotate-size", "1MiB"], "are for --write", id="rotation"
        ),
        pytest.param(["streams", "-", "--user", "x"], "--user is for", id="user"),
        pytest.param(
            ["streams", "-i", "lo", "--user", "no-such-user"],
            "there is no such user",
            id="nobody",
        ),
        pytest.param(
            ["streams", "-i", "any", "--promiscuous"], "needs one interface", id="any"
        ),
        pytest.param(
            ["streams", "-i", "lo", "-w", "/none/x"], "no such file", id="no folder"
        ),
    ],
)
def test_what_cannot_be_is_one_line(words: list[str], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "unpacket", *words],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_a_missing_capability_is_one_line_with_what_grants_it() -> None:
    code = (
        "import ctypes, sys; from unpacket.__main__ import *\n"
        "import unpacket\n"
        "try: unpacket.live('lo')\n"
        "except unpacket.SourceError as error: print(error, *error.__notes__)\n"
    )
    if os.geteuid():
        pytest.skip("only root can give up what root may")
    # Without capabilities, but with the files of root.
    prelude = (
        "import ctypes, struct\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "header = struct.pack('=Ii', 0x20080522, 0)\n"
        "assert libc.capset(header, bytes(24)) == 0\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            prelude + code.replace("from unpacket.__main__ import *", ""),
        ],
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert b"CAP_NET_RAW" in done.stdout, done.stderr
    assert b"setcap cap_net_raw=eip" in done.stdout
    assert done.stdout.count(b"\n") == 1


def test_interfaces_are_listed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "unpacket", "interfaces", "--json"],
        capture_output=True,
        timeout=LIMIT_S,
        check=True,
    )
    found = {one["name"]: one for one in map(json.loads, done.stdout.splitlines())}
    assert found["lo"]["link_type"] == 1
    assert found["any"]["number"] == 0


def test_a_reader_of_a_pipe_that_has_enough_ends_it() -> None:
    with running("streams", "-i", "lo") as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        stopped = threading.Event()

        def talk() -> None:
            while not stopped.is_set():
                speak()
                time.sleep(0.05)

        thread = threading.Thread(target=talk)
        thread.start()
        try:
            assert process.wait(LIMIT_S) == 0
        finally:
            stopped.set()
            thread.join()
