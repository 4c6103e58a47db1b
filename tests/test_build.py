"""A module is translated again if any declaration that it was made of has changed."""

import os
from pathlib import Path

import pytest

import setup

pytestmark = pytest.mark.processes

SOURCE = Path(__file__).parents[1] / "src"
DECODER = SOURCE / "unpacket/_core/decode/decoder.py"
COMPILED = [
    declarations.with_suffix(".py")
    for declarations in sorted(SOURCE.rglob("*.pxd"))
    if declarations.parent.name != "native"
]


@pytest.fixture(autouse=True)
def _from_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "SOURCE", SOURCE)
    setup.cimported.cache_clear()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("from a.b cimport name", {"a/b"}, id="a name of a module"),
        pytest.param("from a.b cimport x as y, z", {"a/b"}, id="a name as another"),
        pytest.param("from a cimport b", {"a/b"}, id="a module"),
        pytest.param("from a cimport b as native", {"a/b"}, id="a module as another"),
        pytest.param(
            "from a cimport (\n    c as d,\n    b,\n)", {"a/b", "a/c"}, id="()"
        ),
        pytest.param("from a cimport b, \\\n    c", {"a/b", "a/c"}, id="a longer line"),
        pytest.param("cimport a.b", {"a/b"}, id="without from"),
        pytest.param("cimport cython, a.b as e, a.c", {"a/b", "a/c"}, id="several"),
        pytest.param("cdef f():\n    from a cimport b", {"a/b"}, id="in a function"),
        pytest.param("from a cimport x  # not b", set(), id="a comment"),
        pytest.param("from libc.string cimport memcpy", set(), id="not of the package"),
    ],
)
def test_a_cimport_names_files(
    line: str, expected: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "SOURCE", tmp_path)
    (tmp_path / "a").mkdir()
    for name in "bc":
        (tmp_path / f"a/{name}.pxd").touch()
    asking = tmp_path / "asking.pxd"
    asking.write_text(f"# declarations\n{line}\n")
    found = setup.cimported(asking)
    assert found == {tmp_path / f"{name}.pxd" for name in expected}


def test_what_is_cimported_through_others_counts_too() -> None:
    found = {str(path.relative_to(SOURCE)) for path in setup.made_of(DECODER)}
    # decoder.pxd has the first by another name, and only that one has the second.
    assert "unpacket/_core/native/released.pxd" in found
    assert "unpacket/_core/reassembly/fast_path.pxd" in found
    assert "unpacket/_core/decode/decoder.py" in found
    # Of another module the declarations count, and not its code.
    assert "unpacket/_core/reassembly/fast_path.py" not in found


@pytest.mark.parametrize(
    "source", COMPILED, ids=lambda path: str(path.relative_to(SOURCE))
)
def test_no_cimport_of_the_package_is_overlooked(source: Path) -> None:
    found = setup.made_of(source)
    for path in found:
        for line in path.read_text("utf-8").splitlines():
            match line.split():
                case ["from", package, "cimport", name, *_] if "unpacket" in package:
                    module = SOURCE / package.replace(".", "/")
                    if module.is_dir():
                        module /= name.strip("(,")
                    assert module.with_suffix(".pxd") in found, f"{path}: {line}"


def test_a_file_that_is_older_than_what_it_was_made_of_is_removed(
    tmp_path: Path,
) -> None:
    made, source = tmp_path / "made", tmp_path / "source"
    for path in (source, made):
        path.touch()
    setup.remove_older(made, {source})
    assert made.exists()
    later = made.stat().st_mtime_ns + 10**9
    source.touch()
    os.utime(source, ns=(later, later))
    setup.remove_older(made, {source})
    assert not made.exists()
