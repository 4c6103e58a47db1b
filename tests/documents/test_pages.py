"""What README.md shows is what happens: its snippets run, its output is the output."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"

pytestmark = pytest.mark.skipif(
    not (ROOT / "examples" / "sample.pcapng").exists(),
    reason="the examples are not part of this copy",
)


def blocks(language: str, page: Path = README) -> list[str]:
    """Return the fenced blocks of a language, in their order."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_snippets_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {"__name__": "readme"}
    snippets = blocks("python")
    assert len(snippets) == 8
    for snippet in snippets:
        exec(compile(snippet, str(README), "exec"), names)
    said = capsys.readouterr().out
    assert "1448 bytes at offset 36390 are missing: not_captured" in said
    assert "['drops', 'loss'] 3 segments lost, 4344 bytes" in said
    assert "0 closed: fin complete: True" in said


def test_the_page_on_captures_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    for snippet in blocks("python", ROOT / "docs" / "captures.md"):
        exec(compile(snippet, "captures.md", "exec"), {"__name__": "captures"})
    clients = capsys.readouterr().out.splitlines()[-8:]
    assert all(client.startswith("192.0.2.1:") for client in clients)


@pytest.mark.parametrize("number", [0, 1])
def test_the_output_is_the_output(number: int) -> None:
    command, _, expected = blocks("console")[number].partition("\n")
    _, unpacket, *arguments = shlex.split(command)
    assert unpacket == "unpacket"
    done = subprocess.run(
        [sys.executable, "-m", "unpacket", *arguments],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == expected
