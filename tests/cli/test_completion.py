"""Completion as the shells do it, by the lines of docs/cli.md."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.terminal import Terminal

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "cli.md"

# What is typed before the key, what stands there after it.
CASES = [
    pytest.param("unpacket fol", "unpacket follow ", id="command"),
    pytest.param("unpacket streams --sor", "unpacket streams --sort ", id="option"),
    pytest.param("unpacket follow --as ebc", "unpacket follow --as ebcdic ", id="form"),
    pytest.param(
        "unpacket messages --as tl", "unpacket messages --as tls ", id="framer"
    ),
    pytest.param(
        "unpacket streams --overlap old",
        "unpacket streams --overlap old-linux ",
        id="policy",
    ),
    pytest.param(
        "unpacket streams --sort gaps,-dur",
        "unpacket streams --sort gaps,-duration ",
        id="one of several",
    ),
    pytest.param(
        "unpacket http --where lat", "unpacket http --where latency ", id="exchange"
    ),
    pytest.param(
        "unpacket messages --where anom",
        "unpacket messages --where anomaly ",
        id="message",
    ),
    pytest.param("unpacket check LIC", "unpacket check LICENSE ", id="file"),
    pytest.param(
        "unpacket extract -o exa", "unpacket extract -o examples/", id="folder"
    ),
]


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """The command on the PATH, and a home without anybody's settings."""
    command = tmp_path / "unpacket"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m unpacket "$@"\n')
    command.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(tmp_path), "PS1": "$ ", "PAGER": "cat"}


@pytest.fixture
def shell() -> Iterator[Callable[..., Terminal]]:
    opened = []

    def start(command: list[str], variables: dict[str, str]) -> Terminal:
        opened.append(Terminal(command, variables=variables))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


def documented(shell: str) -> str:
    """Return the line of the page that is for the shell."""
    line = re.search(
        rf"^    (.*unpacket --completion {shell}.*)$",
        PAGE.read_text("utf-8"),
        re.MULTILINE,
    )
    assert line is not None
    return line[1]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize("typed, completed", CASES)
def test_bash(
    typed: str,
    completed: str,
    shell: Callable[..., Terminal],
    variables: dict[str, str],
) -> None:
    bash = shell(["bash", "--norc", "--noprofile", "-i"], variables)
    bash.press(documented("bash").encode() + b"; echo REA''DY\r")
    bash.wait_for(b"READY")
    bash.press(typed.encode() + b"\t")
    bash.wait_for(completed.encode())


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
@pytest.mark.parametrize("typed, completed", CASES)
def test_zsh(
    typed: str,
    completed: str,
    shell: Callable[..., Terminal],
    variables: dict[str, str],
) -> None:
    zsh = shell(["zsh", "-f", "-i"], variables | {"TERM": "dumb"})
    zsh.press(b"unsetopt zle_bracketed_paste; autoload -U compinit; compinit -u -D\r")
    zsh.press(documented("zsh").encode() + b"; echo REA''DY\r")
    zsh.wait_for(b"READY")
    zsh.press(typed.encode() + b"\t")
    zsh.wait_for(completed.encode())


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize("typed, completed", CASES)
def test_fish(typed: str, completed: str, variables: dict[str, str]) -> None:
    done = subprocess.run(
        ["fish", "-c", f"{documented('fish')}; complete -C '{typed}'"],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        timeout=60,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    assert line.partition("\t")[0] == completed.split()[-1]


def test_help_is_whole_in_fish() -> None:
    """Commas do not end it."""
    done = subprocess.run(
        [sys.executable, "-m", "unpacket", "--completion", "fish"],
        capture_output=True,
        timeout=60,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert '(string split --max 1 "," $completion)' in done.stdout


def test_no_other_shell() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "unpacket", "--completion", "tcsh"],
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, b"")
