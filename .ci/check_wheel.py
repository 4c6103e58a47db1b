"""Check an installed wheel, run by the Python of an environment that holds it only.

The argument is a capture: the installed command must list its streams. With ``--pure``
before it, the wheel is one without extensions.
"""

import importlib.util
import re
import subprocess
import sys
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import distribution, metadata
from pathlib import Path

import unpacket

PACKAGE = Path(unpacket.__file__).parent
WANTED = ("Author", "Summary", "License-Expression", "Requires-Python", "Keywords")


def compiled_modules() -> list[str]:
    """Return the names of the modules that have declarations beside them."""
    return [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in sorted(PACKAGE.rglob("*.pxd"))
        if path.parent.name != "native"
    ]


def check_the_environment() -> None:
    if importlib.util.find_spec("Cython") is not None:
        sys.exit("this environment has Cython, so it proves nothing")
    if not PACKAGE.is_relative_to(sys.prefix):
        sys.exit(f"{PACKAGE} is not the installed wheel")


def check_the_files(names: list[str], pure: bool) -> None:
    """Exit unless all modules are of one kind, and nothing is there but they."""
    if not (PACKAGE / "py.typed").exists():
        sys.exit("py.typed is not in the wheel")
    if not names:
        sys.exit("no .pxd is in the wheel")
    for name in names:
        loaded = import_module(name).__file__ or ""
        if loaded.endswith(tuple(EXTENSION_SUFFIXES)) is pure:
            sys.exit(f"{loaded} is of the wrong kind")
    shared = [] if pure else ["unpacket._cyutility"]
    extensions = len([*PACKAGE.rglob("*.so")])
    if extensions != (0 if pure else len([*names, *shared])):
        sys.exit(f"{extensions} extensions are in the wheel, for {len(names)} modules")
    if generated := [*PACKAGE.rglob("*.c"), *PACKAGE.rglob("*.h")]:
        sys.exit(f"{generated[0]} is in the wheel")
    for page in ("unpacket.1", "unpacket-streams.1"):
        if not (Path(sys.prefix) / "share" / "man" / "man1" / page).exists():
            sys.exit(f"the manual page {page} is not in the wheel")


def check_the_metadata() -> None:
    """Exit unless a package index could show a whole and working page."""
    fields = metadata("unpacket")
    for field in WANTED:
        if not fields[field]:
            sys.exit(f"the metadata has no {field}")
    if fields["Description-Content-Type"] != "text/markdown":
        sys.exit("the description is not declared as Markdown")
    description = str(fields["Description"] or fields.get_payload())
    if not description.startswith("# unpacket"):
        sys.exit("the description is not the README")
    if link := re.search(r"\]\((?!https?:)[^)]*\)", description):
        sys.exit(f"the description has a link that leads nowhere: {link[0]}")
    files = [str(path) for path in distribution("unpacket").files or ()]
    if not any(path.endswith("licenses/LICENSE") for path in files):
        sys.exit("the licence is not in the wheel")


def check_the_command(capture: str) -> None:
    command = Path(sys.executable).with_name("unpacket")
    listing = subprocess.run(
        [command, "streams", capture], check=True, capture_output=True, text=True
    )
    if not listing.stdout.strip():
        sys.exit(f"`unpacket streams {capture}` printed nothing")


def main(*argv: str) -> None:
    """Exit with a sentence about the first thing that is wrong."""
    pure = argv[0] == "--pure"
    names = compiled_modules()
    check_the_environment()
    check_the_files(names, pure)
    check_the_metadata()
    check_the_command(argv[-1])
    how = "as Python source" if pure else "compiled"
    print(
        f"unpacket {metadata('unpacket')['Version']}: {len(names)} modules, {how}, run"
    )


main(*sys.argv[1:])
