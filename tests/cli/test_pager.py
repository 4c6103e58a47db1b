"""`unpacket follow --pager`, on a terminal with somebody who presses keys."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builder import Conversation, write_pcap
from tests.terminal import WAIT_S, Terminal

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = "examples/sample.pcapng"
MARK = "sed s/^/paged:/"

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(
        not (ROOT / SAMPLE).exists(), reason="the examples are not part of this copy"
    ),
]
needs_less = pytest.mark.skipif(
    shutil.which("less") is None, reason="less is not installed"
)


class Terminals:
    """Opens terminals, and closes them after the test."""

    def __init__(self) -> None:
        self._open: list[Terminal] = []

    def __call__(
        self,
        *arguments: str,
        stdin: int | None = None,
        variables: dict[str, str] | None = None,
    ) -> Terminal:
        command = [sys.executable, "-m", "unpacket", "follow", *arguments]
        terminal = Terminal(command, stdin=stdin, variables=variables)
        self._open.append(terminal)
        return terminal

    def close(self) -> None:
        for terminal in self._open:
            terminal.close()


@pytest.fixture
def follow() -> Iterator[Terminals]:
    terminals = Terminals()
    yield terminals
    terminals.close()


@pytest.fixture
def long(tmp_path: Path) -> str:
    """A capture of a stream of more lines than a pipe and a pager take at once."""
    talk = Conversation()
    talk.handshake()
    line = b"%07d " + b"x" * 61 + b"\n"
    count = 20_000
    for number in range(0, count, 10):
        lines = b"".join(line % one for one in range(number, number + 10))
        talk.client(1 + number * 70, lines)
    talk.server(1, ack=1 + count * 70)
    write_pcap(tmp_path / "long.pcap", talk)
    return str(tmp_path / "long.pcap")


@needs_less
def test_less_shows_the_first_screen_with_colors(follow: Terminals, long: str) -> None:
    terminal = follow(long)
    terminal.wait_for(b"0000017 xx")
    assert b"\x1b[" in terminal.shown
    assert b"ESC" not in terminal.shown
    assert terminal.runs
    assert b"0000100 xx" not in terminal.shown
    # Who is not asked for more is not read for: it would take two megabytes.
    terminal.press(b" ")
    terminal.wait_for(b"0000030 xx")
    terminal.press(b"q")
    assert terminal.end() == 0
    assert b"unpacket:" not in terminal.shown
    assert b"Traceback" not in terminal.shown


@needs_less
def test_the_last_page_is_the_end(follow: Terminals, long: str) -> None:
    terminal = follow(long, "0")
    terminal.wait_for(b"0000010 xx")
    terminal.press(b"G")
    terminal.wait_for(b"closed: ")
    terminal.press(b"q")
    assert terminal.end() == 0


@needs_less
def test_what_fits_on_the_screen_is_left_there(follow: Terminals) -> None:
    terminal = follow(SAMPLE, "0", "--client")
    assert terminal.end() == 0
    assert b"GET /hello.txt HTTP/1.1" in terminal.shown


@needs_less
def test_an_interrupt_is_for_the_pager(follow: Terminals, long: str) -> None:
    terminal = follow(long)
    terminal.wait_for(b"0000010 xx")
    terminal.press(b"\x03")
    # Keys that came with it are forgotten.
    assert terminal.end(b"q") in (0, 130)
    assert b"Traceback" not in terminal.shown


@pytest.mark.parametrize(
    "arguments, variables, paged",
    [
        pytest.param((), {"PAGER": MARK}, True, id="the user's"),
        pytest.param((), {"PAGER": f"{MARK} | cat"}, True, id="a line for the shell"),
        pytest.param(("--pager",), {"PAGER": MARK, "TERM": "dumb"}, True, id="asked"),
        pytest.param((), {"PAGER": MARK, "TERM": "dumb"}, False, id="no terminal"),
        pytest.param(("--no-pager",), {"PAGER": MARK}, False, id="none asked"),
        pytest.param((), {"PAGER": ""}, False, id="empty"),
        pytest.param(("--pager",), {"PAGER": "cat"}, False, id="cat"),
        pytest.param(("--pager",), {"PATH": "/nonexistent"}, False, id="none there"),
    ],
)
def test_which_pager(
    arguments: tuple[str, ...],
    variables: dict[str, str],
    paged: bool,
    follow: Terminals,
) -> None:
    terminal = follow(SAMPLE, *arguments, variables=variables)
    assert terminal.end() == 0
    assert b"GET /hello.txt HTTP/1.1" in terminal.shown
    assert (b"paged:" in terminal.shown) is paged


def test_a_pipe_has_no_pager_and_its_reader_may_have_one(follow: Terminals) -> None:
    for arguments, paged in (((), False), (("--pager",), True)):
        with (ROOT / SAMPLE).open("rb") as capture:
            terminal = follow(
                "-", *arguments, stdin=capture.fileno(), variables={"PAGER": MARK}
            )
            assert terminal.end() == 0
        assert b"GET /hello.txt HTTP/1.1" in terminal.shown
        assert (b"paged:" in terminal.shown) is paged


def test_warnings_wait_for_the_pager(follow: Terminals, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes((ROOT / SAMPLE).read_bytes()[:60_000])
    terminal = follow(str(cut), variables={"PAGER": f"{MARK}; echo THE PAGER ENDS"})
    assert terminal.end() == 0
    _, _, after = terminal.shown.partition(b"THE PAGER ENDS")
    assert b"byte 58636: " in after
    assert b"byte 58636: " not in terminal.shown[: -len(after)]


def test_an_error_needs_no_pager(follow: Terminals) -> None:
    terminal = follow("not-there.pcap", variables={"PAGER": MARK})
    assert terminal.end() == 2
    assert b"unpacket: not-there.pcap: no such file" in terminal.shown
    assert b"paged:" not in terminal.shown


def piped(pager: str, capture: str = SAMPLE) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "unpacket", "follow", "--pager", capture],
        cwd=ROOT,
        env=os.environ | {"PAGER": pager},
        capture_output=True,
        timeout=WAIT_S,
    )


def test_without_a_terminal_it_is_there_if_asked_for() -> None:
    done = piped(MARK)
    assert (done.returncode, done.stderr) == (0, b"")
    assert all(line.startswith(b"paged:") for line in done.stdout.splitlines())
    assert b"\x1b" not in done.stdout


def test_a_pager_that_has_seen_enough_is_no_error(long: str) -> None:
    for pager in ("true", "head -n 1"):
        done = piped(pager, long)
        assert (done.returncode, done.stderr) == (0, b"")


def test_a_pager_that_is_not_there_is_an_error(long: str) -> None:
    for capture in (SAMPLE, long):
        done = piped("no-such-pager", capture)
        assert (done.returncode, done.stdout) == (2, b"")
        told = done.stderr.splitlines()[-1]
        assert told == (
            b"unpacket: pager 'no-such-pager': it cannot be run "
            b"(--no-pager prints without one)"
        )
