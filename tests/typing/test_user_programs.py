"""Type checkers accept right programs of users, and find what is wrong in others."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from unpacket import sources
from unpacket._core.reassembly import stream as core

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROGRAMS = sorted([*HERE.glob("right/*.py"), *HERE.glob("wrong/*.py")])
TIMEOUT_S = 500

Errors = dict[str, dict[int, str]]

pytestmark = [
    pytest.mark.timeout(TIMEOUT_S + 20),
    pytest.mark.skipif(
        core.__file__.endswith(".py"), reason="types are the same with both cores"
    ),
]


def program(*names: str) -> str:
    """Return the first of some programs that is beside this Python, or in the path."""
    own = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for name in names:
        if found := shutil.which(name, path=own):
            return found
    pytest.skip(f"there is no {' and no '.join(names)}")


def run(argv: list[str]) -> str:
    done = subprocess.run(
        argv,
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    # 1 is: there are errors.
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def by_mypy(folder: Path) -> Errors:
    """Return what mypy finds, by file and line."""
    argv = [program("mypy"), "--strict", "--config-file=", "--no-pretty"]
    argv += ["--hide-error-context", "--no-error-summary", "--show-absolute-path"]
    argv += [f"--cache-dir={folder}", "--python-executable", sys.executable]
    # Not what is wrong in the library: a user has it installed.
    argv += ["--follow-imports=silent", "--explicit-package-bases"]
    found: Errors = defaultdict(dict)
    for line in run([*argv, *map(str, PROGRAMS)]).splitlines():
        parts = re.match(r"(.+?):(\d+): error: (.*)", line)
        if parts:
            found[Path(parts[1]).name][int(parts[2])] = parts[3]
    return found


def by_pyright(folder: Path) -> Errors:
    """Return what pyright finds, by file and line."""
    settings = {
        "include": [str(path) for path in PROGRAMS],
        "extraPaths": [str(ROOT / "src")],
        "typeCheckingMode": "strict",
        # An expression that is an error is not used for anything.
        "reportUnusedExpression": False,
        "reportUnusedCoroutine": False,
    }
    config = folder / "pyrightconfig.json"
    config.write_text(json.dumps(settings), "utf-8")
    argv = [program("pyright", "basedpyright"), "--outputjson", "-p", str(config)]
    answer = json.loads(run([*argv, "--pythonpath", sys.executable]))
    assert answer["summary"]["filesAnalyzed"] == len(PROGRAMS)
    found: Errors = defaultdict(dict)
    for one in answer["generalDiagnostics"]:
        if one["severity"] == "error":
            line = one["range"]["start"]["line"] + 1
            found[Path(one["file"]).name][line] = one["message"]
    return found


@pytest.fixture(scope="module", params=[by_mypy, by_pyright])
def errors(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Errors:
    check: Callable[[Path], Errors] = request.param
    return check(tmp_path_factory.mktemp("types"))


def marked(path: Path) -> set[int]:
    lines = path.read_text("utf-8").splitlines()
    return {at for at, line in enumerate(lines, 1) if line.endswith("# wrong")}


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_errors_are_where_the_program_is_wrong(path: Path, errors: Errors) -> None:
    found = errors.get(path.name, {})
    expected = marked(path)
    assert bool(expected) == (path.parent.name == "wrong")
    unexpected = {at: why for at, why in found.items() if at not in expected}
    assert not unexpected
    assert set(found) == expected


def test_programs_are_checked_against_this_copy() -> None:
    assert Path(sources.__file__).is_relative_to(ROOT / "src")
