"""The house that docs/architecture.md draws is the one that stands."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "unpacket"
PAGE = ROOT / "docs" / "architecture.md"
FILES = sorted(PACKAGE.rglob("*.py"))
# What everybody may import.
FOR_ALL = {"errors", "policy", "_version"}
CORE = ("memory", "decode", "reassembly")
MOST_LINES = 500
MOST_CLASS_LINES = 400


def levels() -> dict[str, int]:
    rows = re.findall(r"(?m)^\| (\d+) \| (.+) \|$", PAGE.read_text("utf-8"))
    return {
        folder: int(level)
        for level, folders in rows
        for folder in re.findall(r"`(\w+)`", folders)
    }


def imported(path: Path) -> Iterator[str]:
    """Give what a module of ours imports of ours, wherever in it that stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "unpacket."
        ):
            assert node.module is not None
            yield node.module.removeprefix("unpacket.")
        elif isinstance(node, ast.ImportFrom) and node.module == "unpacket":
            yield from (alias.name for alias in node.names)


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_every_folder_has_a_level() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders == levels().keys()


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_imports_go_down(path: Path) -> None:
    known = levels()
    folder = relative(path).partition("/")[0]
    if folder not in known:
        return
    for module in imported(path):
        target = module.partition(".")[0]
        assert target in FOR_ALL or known.get(target, -1) <= known[folder], module


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "_core").rglob("*.py")), ids=relative
)
def test_the_core_is_in_layers(path: Path) -> None:
    parts = relative(path).split("/")
    if parts[1] not in CORE:
        return
    for module in imported(path):
        inner = module.split(".")
        if inner[0] == "_core" and inner[1] in CORE:
            assert CORE.index(inner[1]) <= CORE.index(parts[1]), module


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_a_file_has_one_reason_to_exist(path: Path) -> None:
    text = path.read_text("utf-8")
    longest = max(
        (
            node.end_lineno - node.lineno
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.ClassDef) and node.end_lineno is not None
        ),
        default=0,
    )
    assert text.count("\n") <= MOST_LINES
    assert longest < MOST_CLASS_LINES
