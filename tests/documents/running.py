"""Runs what the documents show: Python, lines of a shell, transcripts of one.

A page is run in a folder of its own, from top to bottom. What it may use is there:
``examples`` of the repository; ``capture.pcapng`` and ``capture.pcap.gz``, which are
the sample; the command ``unpacket``; and for programs that would capture or fetch
(tcpdump, ssh and others) stand-ins that print the sample, as they would a capture.
"""

import contextlib
import gzip
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "sample.pcapng"
STAND_INS = ("tcpdump", "dumpcap", "ssh", "aws")
# 1 of these says that there is something wrong, or a difference; of others, that
# there is nothing to find.
MAY_FIND_TROUBLE = ("check", "compare")

BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<why>[^\n]+) -->\n\n?)?"
    r"```(?P<language>[^\n]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A fenced block of a page.

    Attributes:
        line: Where it begins, from 1.
        why_not: Why it cannot be run, as a comment before it says; or "".
    """

    language: str
    text: str
    line: int
    why_not: str


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page in their order."""
    text = page.read_text("utf-8")
    return [
        Block(
            found["language"].strip(),
            found["text"],
            text.count("\n", 0, found.start("language")) + 1,
            found["why"] or "",
        )
        for found in BLOCK.finditer(text)
    ]


class Failed(AssertionError):
    """A command of a page ended with an error."""


class Workplace:
    """The folder that a page is run in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "examples").symlink_to(SAMPLE.parent)
        shutil.copyfile(SAMPLE, folder / "capture.pcapng")
        (folder / "keys.log").write_text("# of no connection in it\n")
        with gzip.open(folder / "capture.pcap.gz", "wb") as file:
            file.write(SAMPLE.read_bytes())
        self._failures = folder / ".failures"
        self._commands = folder / ".commands"
        self._commands.mkdir()
        self._add(
            "unpacket",
            f'"{sys.executable}" -m unpacket "$@"\n'
            "code=$?\n"
            f'[ $code -lt 2 ] || echo "exit $code: unpacket $*" >> "{self._failures}"\n'
            "exit $code",
        )
        self._add("python", f'exec "{sys.executable}" "$@"')
        for name in STAND_INS:
            self._add(name, f'exec cat "{SAMPLE}"')

    def _add(self, name: str, script: str) -> None:
        command = self._commands / name
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)

    def shell(self, script: str) -> tuple[str, str]:
        """Run lines of a shell; return what they print, on both outputs.

        Raises:
            Failed: A command failed.
        """
        self._failures.write_text("")
        trouble = "|".join(MAY_FIND_TROUBLE)
        watch = (
            f"trap '[[ $BASH_COMMAND =~ ^unpacket\\ ({trouble})\\  ]] || "
            f'echo "failed: $BASH_COMMAND" >> "{self._failures}"\' ERR\n'
        )
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", watch + script],
            cwd=self.folder,
            env=os.environ | {"PATH": f"{self._commands}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=100,
        )
        failures = self._failures.read_text()
        if failures:
            raise Failed(f"{failures}{done.stderr}")
        return done.stdout, done.stderr

    def transcript(self, shown: str) -> str:
        """Run what stands behind each ``$`` of a transcript, and return a new one."""
        new = []
        for command in re.findall(r"^\$ (.+(?:\n> .+)*)\n", shown, re.MULTILINE):
            printed, warned = self.shell(command.replace("\n> ", "\n"))
            # A remark is written before a table, which is written at the end.
            new.append(f"$ {command}\n{warned}{printed}")
        return "".join(new)


def python(text: str, where: str, names: dict[str, Any]) -> str:
    """Run Python with the names of the blocks before; return what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, where, "exec"), names)
    return printed.getvalue()
