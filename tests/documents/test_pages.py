"""README.md and docs/ show what happens: every example runs, and prints what is shown.

A block ``python`` or ``sh`` is run; where a block ``output`` stands right behind it,
that is what it prints. A block ``console`` is a transcript. What cannot be run has a
comment before it that says why not. The examples of ``--help``, which end docs/cli.md,
are run by the tests of the commands: each begins anew. With --pure only Python is run:
a command is a process of its own, with the compiled core.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.documents.running import ROOT, SAMPLE, Workplace, blocks, python
from unpacket import SourceError
from unpacket.sources.bpf.filter import Bpf

PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if page.name != "coming-from.md"  # test_coming_from.py knows what its tables are
]
WRITTEN_BY_SCRIPT = "<!-- What follows is written"
# For people, or for Sphinx; of the first the docs hold forms and no examples.
NOT_RUN = {"", "text", "{toctree}", "{eval-rst}", "{include} ../CHANGELOG.md"}
# What an example may ask for that need not be installed.
PROGRAMS = ("jq", "tshark", "tcpflow")

pytestmark = pytest.mark.skipif(
    not (SAMPLE.exists() and (ROOT / "docs").exists()),
    reason="the documents or the examples are not part of this copy",
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_run_and_print_what_is_shown(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    pure = bool(request.config.getoption("--pure"))
    monkeypatch.chdir(tmp_path)
    place = Workplace(tmp_path)
    names: dict[str, Any] = {"__name__": page.stem}
    printed: str | None = None
    by_hand = page.read_text("utf-8").partition(WRITTEN_BY_SCRIPT)[0]
    for language, text, line, why_not in blocks(page):
        where = f"{page.name}:{line}"
        if line > by_hand.count("\n") + 1:
            break
        if why_not:
            printed = None
        elif language == "python":
            printed = python(text, where, names)
        elif language == "sh":
            printed = place.shell(text)[0] if not pure and can_run(text) else None
        elif language == "console":
            if not pure and can_run(text):
                assert place.transcript(text) == text, where
        elif language == "output":
            if printed is not None:
                assert printed == text, where
        elif language == "json":
            json.loads(text)
        else:
            assert language in NOT_RUN, f"{where}: what is {language}?"
    # Functions of the page refer to its names, and the names to what they opened.
    names.clear()


def can_run(text: str) -> bool:
    wanted = [name for name in PROGRAMS if re.search(rf"\b{name} ", text)]
    return all(map(shutil.which, wanted)) and (" --bpf " not in text or has_libpcap())


def has_libpcap() -> bool:
    try:
        Bpf("tcp")
    except SourceError:
        return False
    return True


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_output_stands_behind_what_prints_it(page: Path) -> None:
    before = ""
    for language, _, line, why_not in blocks(page):
        if language == "output":
            assert before in ("python", "sh"), f"{page.name}:{line}"
        before = "" if why_not else language


def test_the_readme_says_what_a_stranger_needs() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    languages = [block.language for block in blocks(ROOT / "README.md")]
    assert languages.count("console") >= 2 and languages.count("python") >= 5
    for heading in ("Install", "The command", "The library", "What it does not do"):
        assert f"\n## {heading}\n" in text
