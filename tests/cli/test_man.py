"""The manual pages: as --help has it, and in order for every formatter."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from unpacket.cli import cli

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "man"
PAGES = sorted(FOLDER.glob("*.1"))
AGAIN = "run `python docs/write_man.py`"


def formatted(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def needs(program: str) -> pytest.MarkDecorator:
    missing = shutil.which(program) is None
    return pytest.mark.skipif(missing, reason=f"{program} is not installed")


def test_the_pages_are_what_the_script_writes(tmp_path: Path) -> None:
    script = str(ROOT / "docs" / "write_man.py")
    subprocess.run([sys.executable, script, str(tmp_path)], check=True, timeout=60)
    written = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_text("utf-8") for path in PAGES}, AGAIN


def test_every_command_has_a_page() -> None:
    with click.Context(cli) as context:
        names = [f"unpacket-{name}" for name in cli.list_commands(context)]
    assert sorted(["unpacket", *names]) == sorted(path.stem for path in PAGES), AGAIN


@needs("groff")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_groff_has_no_complaints(page: Path) -> None:
    assert formatted("groff", "-ww", "-man", "-Tutf8", "-z", str(page)) == ""


@needs("mandoc")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_mandoc_has_no_complaints(page: Path) -> None:
    command = ["mandoc", "-Tlint", "-Wwarning", str(page)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    # A date would change the page where nothing else did.
    rest = [line for line in told.splitlines() if "missing date" not in line]
    assert rest == []


@needs("groff")
def test_what_is_read_is_what_was_meant() -> None:
    page = str(FOLDER / "unpacket-follow.1")
    shown = formatted("groff", "-man", "-Tascii", "-P-cbou", page)
    words = " ".join(shown.split())
    assert "NAME unpacket-follow - Print both sides of a conversation" in words
    assert "SYNOPSIS unpacket follow [OPTIONS] CAPTURE [STREAM]..." in words
    assert re.search(r"^ +--gap \[skip\|passed\|wait\]$", shown, re.MULTILINE)
    assert "EXIT STATUS 0 streams were printed" in words
    assert "unpacket follow examples/sample.pcapng --where 'gaps and duration" in words
