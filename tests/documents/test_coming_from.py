"""docs/coming-from.md: each line that is ours runs."""

import gc
import re
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.documents.running import ROOT, SAMPLE, Workplace

PAGE = ROOT / "docs" / "coming-from.md"

pytestmark = pytest.mark.skipif(
    not (PAGE.exists() and SAMPLE.exists()),
    reason="the documents or the examples are not part of this copy",
)

PROGRAMS = [
    "libtins",
    "Sniffer::Connection and Sniffer::HTTP",
    "pcap_tcp_assembler",
    "cycapture",
    "tshark",
    "tcpflow",
    "scapy",
    "dpkt",
    "gopacket",
    "libipq",
]
ROW = re.compile(r"^\| .+? \| `([^`]+)` \|.*\|$", re.MULTILINE)


def sections() -> dict[str, str]:
    _, *parts = PAGE.read_text("utf-8").split("\n## ")
    return {part.partition("\n")[0]: part for part in parts}


def rows(section: str) -> list[str]:
    """Return what is ours of each row of the table."""
    found = ROW.findall(section)
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    assert len(found) == len(lines) - 1, "a row that is not of the form"
    return found


def test_every_program_has_its_section() -> None:
    assert list(sections()) == PROGRAMS


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_lines_of_python_run(
    program: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    section = sections()[program]
    setup = re.search(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    if setup is None:
        assert all(row.startswith("unpacket ") for row in rows(section))
        return
    names: dict[str, Any] = {"__name__": "coming_from"}
    with warnings.catch_warnings():
        # scapy's own, and files that the snippets leave to the collector.
        warnings.simplefilter("ignore")
        exec(compile(setup[1], str(PAGE), "exec"), names)
        for row in rows(section):
            if not row.startswith("unpacket "):
                exec(compile(row, str(PAGE), "exec"), names)
        names.clear()
        gc.collect()


def commands() -> list[str]:
    text = PAGE.read_text("utf-8") if PAGE.exists() else ""
    return sorted({row for row in ROW.findall(text) if row.startswith("unpacket ")})


@pytest.mark.parametrize("line", commands())
def test_the_commands_run(
    line: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--pure"):
        pytest.skip("a command is a process of its own, with the compiled core")
    place = Workplace(tmp_path)
    files = set(tmp_path.iterdir())
    printed, _ = place.shell(line)
    assert printed or set(tmp_path.iterdir()) > files
