"""Which modules are compiled, and how; everything else is in pyproject.toml.

A module is compiled if a ``.pxd`` stands beside it, except in folders named
``native``: there the ``.pxd`` itself is the compiled twin. All of the core is, and
what else is done for each of very many packets or streams.
UNPACKET_PURE=1 builds no extension (a portable wheel, and a slow one).

What Cython needs in every module (memory views, functions, exceptions) is compiled
once, as the module that SHARED names; the rest of it is in ``build/cython/include``.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from threading import Event, Thread

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

JOBS = os.cpu_count() or 1
PURE = os.environ.get("UNPACKET_PURE") == "1"
SOURCE = Path("src")
TRANSLATED = Path("build/cython")
SHARED = "unpacket._cyutility"
# -O3 pays in loops over the bytes and the segments of a batch, -O2 in what most
# segments and messages go through. The rest is compiled in half of the time with -O1,
# and does not show in the instructions of a packet (`make guard`).
LEVELS = {
    "-O3": {
        "unpacket._core.decode.checksum",
        "unpacket._core.decode.decoder",
        "unpacket._core.decode.ethernet_ipv4",
        "unpacket._core.reassembly.fast_path",
        "unpacket.inline.packets",
    },
    "-O2": {
        "unpacket.analysis.tracker",
        "unpacket.analysis.unacked",
        "unpacket._core.decode.duplicates",
        "unpacket._core.decode.flow_key",
        "unpacket._core.decode.segments",
        "unpacket._core.decode.tcp",
        "unpacket._core.memory.batch",
        "unpacket._core.reassembly.arrival",
        "unpacket._core.reassembly.connection",
        "unpacket._core.reassembly.delivery",
        "unpacket._core.reassembly.demultiplexer",
        "unpacket._core.reassembly.direction",
        "unpacket._core.reassembly.enlisting",
        "unpacket._core.reassembly.events",
        "unpacket._core.reassembly.half",
        "unpacket._core.reassembly.half_row",
        "unpacket._core.reassembly.held",
        "unpacket._core.reassembly.intake",
        "unpacket._core.reassembly.judgement",
        "unpacket._core.reassembly.release",
        "unpacket._core.reassembly.run",
        "unpacket._core.reassembly.stream",
        "unpacket._core.reassembly.table",
        "unpacket.faces.callback_queue",
        "unpacket.inline.admission",
        "unpacket.inline.engine",
        "unpacket.inline.envelope",
        "unpacket.inline.flows",
        "unpacket.inline.half",
        "unpacket.inline.judgement",
        "unpacket.inline.rules",
        "unpacket.inline.store",
        "unpacket.inline.tun",
        "unpacket.inline.passing",
        "unpacket.messages.http.framing",
        "unpacket.messages.http.head",
        "unpacket.messages.reader",
        "unpacket.sources.bpf.machine",
        "unpacket.sources.formats.scan",
    },
}

if not PURE:
    from Cython.Build import cythonize
    from Cython.Compiler.Nodes import CClassDefNode
    from Cython.Compiler.Symtab import CClassScope

    # Classes of which there are many, and which never hold an object of a user: what
    # they hold makes no cycle that outlives an Assembler or an Engine. To look through
    # them for cycles took 11 % of the time of a capture with many streams. All other
    # classes take part in the search.
    UNTRACKED = {
        f"unpacket.{name}"
        for name in (
            "_core.decode.fragments.Datagram",
            "_core.decode.fragments.Part",
            "_core.reassembly.events.Closed",
            "_core.reassembly.events.Conflict",
            "_core.reassembly.events.Data",
            "_core.reassembly.events.Finished",
            "_core.reassembly.events.Gap",
            "_core.reassembly.events.Note",
            "_core.reassembly.events.Opened",
            "_core.reassembly.events.Rejected",
            "_core.reassembly.events.Urgent",
            "_core.reassembly.half.Half",
            "_core.reassembly.half.HalfExtra",
            "_core.reassembly.held.Clash",
            "_core.reassembly.held.Held",
            "_core.reassembly.held.Piece",
            "_core.reassembly.segment.Segment",
            "_core.reassembly.stream.Stream",
            "inline.admitted.Admitted",
            "inline.outbox.Outcome",
            "inline.envelope.Envelope",
            "inline.packets.Packet",
            "inline.packets.Segment",
            "inline.verdicts.Arrival",
        )
    }
    needs_gc = CClassScope.needs_gc

    def is_tracked(scope: CClassScope) -> bool:
        """Return whether the objects of a class are looked through for cycles."""
        return scope.qualified_name not in UNTRACKED and needs_gc(scope)

    # ``cython.no_gc`` would say it at the class, but Cython forgets the decorators that
    # a .pxd gives a class once it comes to the .py, where they would need an import
    # that uncompiled code must not have.
    CClassScope.needs_gc = is_tracked  # type: ignore[method-assign]

    # So many objects of each of these that nobody uses are kept for the next ones:
    # with each unusual segment some come and go. None of the other classes: whoever
    # took part in the search for cycles and had a ``__del__`` would not have it again.
    KEPT_OBJECTS = 16
    analyse_declarations = CClassDefNode.analyse_declarations

    def analyse_with_free_list(node: CClassDefNode, env: object) -> None:
        """Do what ``cython.freelist`` at the class would do, were it not forgotten."""
        analyse_declarations(node, env)
        if node.scope is not None and node.scope.qualified_name in UNTRACKED:
            kept = {"freelist": KEPT_OBJECTS}
            node.scope.directives = node.scope.directives | kept

    CClassDefNode.analyse_declarations = analyse_with_free_list  # type: ignore[method-assign]


def extensions() -> list[Extension]:
    """Return what is compiled, the largest module first.

    So the last one is small, and no processor waits long for another.
    """
    sources = [
        declarations.with_suffix(".py")
        for declarations in SOURCE.rglob("*.pxd")
        if declarations.parent.name != "native"
    ]
    sources.sort(key=lambda source: (-source.stat().st_size, source))
    modules = [extension(name_of(source), str(source)) for source in sources]
    return [extension(SHARED, f"{SOURCE / SHARED.replace('.', '/')}.c"), *modules]


def name_of(source: Path) -> str:
    """Return the dotted name of a module."""
    return ".".join(source.relative_to(SOURCE).with_suffix("").parts)


def extension(name: str, source: str) -> Extension:
    """Return one module to be compiled."""
    level = next((at for at, names in LEVELS.items() if name in names), "-O1")
    return Extension(
        name, [source], include_dirs=["."], extra_compile_args=[level, "-g0"]
    )


CIMPORT = re.compile(
    r"^[ ]*(?:from +([\w.]+) +)?cimport\b *(\([^)]*\)|[^\n]*)", re.MULTILINE
)


@cache
def cimported(declarations: Path) -> frozenset[Path]:
    """Return which .pxd files of this package one of them cimports itself."""
    text = re.sub(r"#.*|\\\n", "", declarations.read_text())
    modules = set()
    for package, names in CIMPORT.findall(text):
        for name in names.strip("()\n ").split(","):
            first = name.split()[:1]
            modules.add(".".join([package, *first] if package else first))
        modules.add(package)
    paths = [SOURCE / f"{module.replace('.', '/')}.pxd" for module in modules]
    return frozenset(path for path in paths if path.exists())


def made_of(source: Path) -> set[Path]:
    """Return the files from which a module is translated.

    Cython itself follows neither ``cimport x as y`` nor a list in parentheses. A change
    behind one of these would leave a module that was compiled for other declarations
    than the rest: at best it does not import.
    """
    found = {source, source.with_suffix(".pxd")}
    waiting = found - {source}
    while waiting:
        new = cimported(waiting.pop()) - found
        found |= new
        waiting |= new
    return found


def remove_older(made: Path, sources: set[Path]) -> None:
    """Remove a file if one of those that it was made of is newer."""
    if made.exists() and made.stat().st_mtime < max(s.stat().st_mtime for s in sources):
        made.unlink()


@contextmanager
def progress(what: str, files: list[Path]) -> Iterator[None]:
    """Report on standard error how many of the missing files have been made."""
    missing = [path for path in files if not path.exists()]
    ended = Event()

    def report() -> None:
        shown = ""
        while not ended.wait(0.5):
            done = sum(path.exists() for path in missing)
            # On a terminal one line that changes; in a log, a line for each quarter.
            if sys.stderr.isatty():
                text = f"\r{what}: {done} of {len(missing)}"
            else:
                text = f"{what}: {done * 4 // len(missing) * 25} %\n"
            if text != shown:
                print(text, end="", file=sys.stderr, flush=True)
                shown = text
        if sys.stderr.isatty():
            print(f"\r{what}: {len(missing)} of {len(missing)}", file=sys.stderr)

    reporter = Thread(target=report, daemon=True)
    if missing:
        reporter.start()
    try:
        yield
    finally:
        ended.set()
        if missing:
            reporter.join()


class BuildCore(build_ext):
    """Translate to C and compile what changed since the last time."""

    def run(self) -> None:
        files = [Path(self.get_ext_filename(e.name)) for e in self.extensions]
        built = [Path(self.build_lib) / file for file in files]
        if self.extensions:
            self.translate()
        for path, e in zip(built, self.extensions, strict=True):
            remove_older(path, set(map(Path, e.sources)))
        with progress("compiled", built):
            super().run()
        # What an earlier state of the tree left behind would be imported and packed.
        for folder in [Path(self.build_lib), *([SOURCE] if self.inplace else [])]:
            for path in folder.rglob(f"*{EXTENSION_SUFFIXES[0]}"):
                if path.relative_to(folder) not in files:
                    path.unlink()

    def translate(self) -> None:
        """Replace the sources of each extension by the C that is made of them."""
        translations = []
        for e in self.extensions:
            source = Path(e.sources[0])
            translations.append(TRANSLATED / source.with_suffix(".c"))
            # Other flags or directives make other code.
            rules = {Path(__file__)}
            of = rules if e.name == SHARED else rules | made_of(source)
            remove_older(translations[-1], of)
        (TRANSLATED / "include").mkdir(parents=True, exist_ok=True)
        with progress("translated", translations):
            translated = cythonize(
                self.extensions,
                quiet=True,
                nthreads=JOBS,
                build_dir=str(TRANSLATED),
                shared_utility_qualified_name=SHARED,
                common_utility_include_dir=str(TRANSLATED / "include"),
                compiler_directives={
                    "language_level": 3,
                    "annotation_typing": False,  # C types come from the .pxd alone
                    "nonecheck": True,  # None.attribute raises, as it does uncompiled
                    "overflowcheck": True,  # C overflow raises and does not wrap
                    "boundscheck": True,
                    # A negative index of typed memory raises; the core means none.
                    "wraparound": False,
                    # The hints are all of one kind: to leave out the checks above.
                    "show_performance_hints": False,
                    "emit_code_comments": False,
                },
            )
        sources = {e.name: e.sources for e in translated}
        for e in self.extensions:
            e.sources = sources[e.name]


def description() -> str:
    """Return the README for a package index, where links to files lead nowhere."""
    text = Path("README.md").read_text("utf-8")
    return re.sub(r"\[([^]]+)\]\((?!https?:)([^)]+)\)", plain_link, text)


def plain_link(link: re.Match[str]) -> str:
    """Return the text of a link, and the name of the file if it is another."""
    text, target = link.groups()
    return f"`{target}`" if text == target else f"{text} (`{target}`)"


# cythonize starts worker processes, which import this file again.
if __name__ == "__main__":
    setup(
        long_description=description(),
        long_description_content_type="text/markdown",
        ext_modules=[] if PURE else extensions(),
        cmdclass={"build_ext": BuildCore},
        options={"build_ext": {"parallel": JOBS}},
    )
