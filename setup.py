"""Which modules are compiled; everything else is in pyproject.toml.

A module is compiled if a ``.pxd`` stands beside it, except in folders named
``native``: there the ``.pxd`` itself is the compiled twin. All of the core is, and
what else is done for each of very many packets or streams.
UNPACKET_PURE=1 builds no extension (a portable wheel, and a slow one).
"""

import os
from pathlib import Path

from setuptools import Extension, setup

JOBS = os.cpu_count() or 1
PURE = os.environ.get("UNPACKET_PURE") == "1"

if not PURE:
    from Cython.Build import cythonize
    from Cython.Compiler import Options

    # Cython forgets the decorators that a .pxd gives a class once it comes to the .py,
    # where they would need an import that uncompiled code must not have. So they are
    # defaults here, which it offers no other way to set. Nothing that is compiled
    # makes cycles that outlive an Assembler, and to look for them took 11 % of the
    # time of a capture with many streams.
    Options.get_directive_defaults().update(no_gc=True)


def extensions() -> list[Extension]:
    """Translate the core to C, as far as it changed since the last time."""
    if PURE:
        return []
    modules: list[Extension] = cythonize(
        [
            Extension(
                ".".join(source.relative_to("src").with_suffix("").parts),
                [str(source)],
                extra_compile_args=["-O3", "-g0"],
            )
            for source in sorted(Path("src/unpacket").rglob("*.py"))
            if source.with_suffix(".pxd").exists() and source.parent.name != "native"
        ],
        nthreads=JOBS,
        build_dir="build/cython",
        compiler_directives={
            "language_level": 3,
            "annotation_typing": False,  # C types come from the .pxd alone
            "nonecheck": True,  # None.attribute raises, as it does uncompiled
            "overflowcheck": True,  # C integer overflow raises and does not wrap
            "boundscheck": True,
            # A negative index of typed memory raises; the core never means one.
            "wraparound": False,
        },
    )
    return modules


# cythonize starts worker processes, which import this file again.
if __name__ == "__main__":
    setup(
        ext_modules=extensions(),
        options={"build_ext": {"parallel": JOBS}},
    )
