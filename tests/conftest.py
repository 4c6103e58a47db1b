"""Run the suite against the compiled core, or with ``--pure`` against its source.

Both must pass the same tests. ``--pure`` passes over the extension modules, so
one checkout serves both runs. Without it a missing or stale extension is an
error, and never a silent fallback.

Each run draws other examples, and says by which seed; where a test fails it says so
once more.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
)
from pathlib import Path
from secrets import randbits
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

SOURCE_FOLDER = Path(__file__).parents[1] / "src"
PACKAGE_FOLDER = SOURCE_FOLDER / "unpacket"


def name_of(path: Path) -> str:
    """Return the dotted name of a module or a package."""
    return ".".join(path.relative_to(SOURCE_FOLDER).with_suffix("").parts)


# What is compiled has its declarations beside it; in a folder ``native`` these are the
# compiled code themselves.
SOURCES = [
    declarations.with_suffix(".py")
    for declarations in sorted(PACKAGE_FOLDER.rglob("*.pxd"))
    if declarations.parent.name != "native"
]
# The packages that have compiled modules; what else is in them is found anyway.
COMPILED = {name_of(source.parent) for source in SOURCES}

# No deadline: the uncompiled core is some thirty times slower than the compiled.
settings.register_profile(
    "default",
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.register_profile(
    "thorough", settings.get_profile("default"), max_examples=5000
)
# Hypothesis picks "ci" by itself where CI is set, which draws the same examples every
# time; --hypothesis-profile comes later than this line and still has the last word.
settings.load_profile("default")


class SourceOnly(MetaPathFinder):
    """Find modules as source, even where extensions are built."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if path is None or fullname.rpartition(".")[0] not in COMPILED:
            return None
        finders = (FileFinder(p, (SourceFileLoader, SOURCE_SUFFIXES)) for p in path)
        return next(filter(None, (f.find_spec(fullname) for f in finders)), None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pure", action="store_true", help="test the uncompiled core")


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out of the run with --pure what it would only run a second time."""
    if config.getoption("--pure"):
        left_out = {item for item in items if item.get_closest_marker("processes")}
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


# Before Hypothesis reads the option; the workers of xdist get it with the others.
@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(randbits(32))
    pure = bool(config.getoption("--pure"))
    if pure:
        sys.meta_path.insert(0, SourceOnly())
    for source in SOURCES:
        module = importlib.import_module(name_of(source))
        loaded = Path(module.__file__ or "")
        refuse_the_wrong_core(loaded, [source, source.with_suffix(".pxd")], pure)
    refuse_extensions_without_source()


def pytest_report_header(config: pytest.Config) -> str:
    return f"examples: --hypothesis-seed={config.option.hypothesis_seed}"


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how to draw the same examples again, where something failed."""
    if terminalreporter.stats.get("failed"):
        terminalreporter.write_line(pytest_report_header(config))


def refuse_the_wrong_core(loaded: Path, sources: list[Path], pure: bool) -> None:
    if loaded.parent != sources[0].parent:
        raise pytest.UsageError(f"{loaded} was imported, and not {sources[0]}")
    if (loaded.suffix == ".py") is not pure:
        raise pytest.UsageError(
            f"--pure is {pure}, but {loaded} was imported (`make build` compiles it)"
        )
    for source in sources:
        if not pure and source.stat().st_mtime > loaded.stat().st_mtime:
            raise pytest.UsageError(
                f"{loaded.name} is older than {source.name} (run `make build`)"
            )


def refuse_extensions_without_source() -> None:
    for suffix in EXTENSION_SUFFIXES:
        for extension in PACKAGE_FOLDER.rglob(f"*{suffix}"):
            name = extension.name.partition(".")[0]
            # What Cython needs in every module has no source; setup.py names it.
            if name != "_cyutility" and not (extension.parent / f"{name}.pxd").exists():
                raise pytest.UsageError(f"{extension} has no source: remove it")
