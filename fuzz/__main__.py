"""Runs targets: ``python -m fuzz [--pure] [--runs N] [TARGET...]``.

Every file of the corpus is tried, then mutations of them, which depend on nothing
but ``--seed``. With ``--atheris`` coverage of the uncompiled core guides the
mutations of one target, for ``--seconds``; what it finds new goes to ``--out``.
An input that a target raises at is a finding: it is written to ``--findings``.
"""

import argparse
import hashlib
import resource
import sys
import time
import traceback
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from fuzz.mutation import MAX_BYTES, mutations
from fuzz.targets import MODULES, Check, load
from tests.conftest import SourceOnly

CORPUS = Path(__file__).parent / "corpus"
# Damage must not cost memory: more than this is an error, and so a finding.
MEMORY_BYTES = 3 << 30
TIMEOUT_S = 30


class Findings:
    """Tries inputs, and keeps those that a target raises at, one for each place."""

    def __init__(self, folder: Path, name: str, check: Check) -> None:
        self._folder = folder
        self._name = name
        self._check = check
        self.places: set[str] = set()
        self.runs = 0

    def __call__(self, data: bytes) -> None:
        self.runs += 1
        try:
            self._check(data)
        except Exception as error:
            self._keep(data, error)

    def _keep(self, data: bytes, error: Exception) -> None:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} {last.filename}:{last.lineno}"
        if place in self.places:
            return
        self.places.add(place)
        digest = hashlib.sha256(data).hexdigest()[:16]
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{self._name}-{digest}"
        path.write_bytes(data)
        traceback.print_exception(error)
        print(f"{self._name}: {len(data)} bytes, kept as {path}", file=sys.stderr)


def inputs(name: str) -> list[bytes]:
    """Return the corpus of a target; an empty input is always of it."""
    return [b"", *(path.read_bytes() for path in sorted((CORPUS / name).iterdir()))]


def run(names: Iterable[str], runs: int, seed: int, findings: Path) -> int:
    """Return the exit code of a bounded run."""
    found = 0
    for name in names:
        began_s = time.process_time()
        attempt = Findings(findings, name, load(name))
        corpus = inputs(name)
        for data in corpus:
            attempt(data)
        for data in mutations(corpus, runs, seed):
            attempt(data)
        taken_s = time.process_time() - began_s
        found += len(attempt.places)
        print(f"{name}: {attempt.runs} inputs, {taken_s:.1f} s")
    print(f"{found} findings")
    return 1 if found else 0


def guided(name: str, seconds: int, out: Path, findings: Path, seed: int) -> None:
    """Hand a target to atheris, which ends the process."""
    import atheris

    with atheris.instrument_imports(include=["unpacket"]):
        attempt = Findings(findings, name, load(name))
    refuse_another_core(True)
    out.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={MAX_BYTES}",
        f"-timeout={TIMEOUT_S}",
        f"-rss_limit_mb={MEMORY_BYTES >> 20}",
        f"-artifact_prefix={findings}/{name}-",
        f"-seed={seed + 1}",
        "-print_final_stats=1",
    ]
    folders = [str(out), str(CORPUS / name)]
    findings.mkdir(parents=True, exist_ok=True)
    atheris.Setup([sys.argv[0], *options, *folders], attempt)
    atheris.Fuzz()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser("fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(MODULES))
    parser.add_argument("--runs", type=int, default=200, help="mutations a target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pure", action="store_true", help="run the uncompiled core")
    parser.add_argument("--atheris", action="store_true", help="guided by coverage")
    parser.add_argument("--seconds", type=int, default=60, help="of --atheris")
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--findings", type=Path, default=Path("build/fuzz/findings"))
    given: Any = parser.parse_args(arguments)
    unknown = set(given.targets) - set(MODULES)
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}")
    pure = given.pure or given.atheris
    if pure:
        sys.meta_path.insert(0, SourceOnly())
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    if not given.atheris:
        names = given.targets or list(MODULES)
        refuse_another_core(pure)
        return run(names, given.runs, given.seed, given.findings)
    if len(given.targets) != 1:
        parser.error("--atheris takes one target")
    (name,) = given.targets
    guided(name, given.seconds, given.out / name, given.findings, given.seed)
    return 0


def refuse_another_core(pure: bool) -> None:
    """Exit unless the core that is imported is the one that was asked for."""
    # Not before: what is imported now is not instrumented.
    file = import_module("unpacket._core.reassembly.delivery").__file__ or ""
    if file.endswith(".py") is not pure:
        sys.exit(f"--pure is {pure}, but {file} was imported (`make build`)")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
