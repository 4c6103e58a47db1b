"""Check an installed wheel, run by the Python of an environment that holds it only.

The one argument is a capture: the installed command must list its streams.
"""

import importlib.util
import subprocess
import sys
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import version
from pathlib import Path

import unpacket


def main(capture: str) -> None:
    """Exit with a sentence about the first thing that is wrong."""
    if importlib.util.find_spec("Cython") is not None:
        sys.exit("this environment has Cython, so it proves nothing")
    package = Path(unpacket.__file__).parent
    if not package.is_relative_to(sys.prefix):
        sys.exit(f"{package} is not the installed wheel")
    if not (package / "py.typed").exists():
        sys.exit("py.typed is not in the wheel")
    compiled = sorted(package.rglob("*.pxd"))
    if not compiled:
        sys.exit("no .pxd is in the wheel")
    for declarations in compiled:
        if declarations.parent.name == "native":
            continue
        if declarations.with_suffix(".py").exists():
            path = declarations.relative_to(package.parent).with_suffix("")
            name = ".".join(path.parts)
            loaded = import_module(name).__file__
            if loaded is None or not loaded.endswith(tuple(EXTENSION_SUFFIXES)):
                sys.exit(f"{loaded} is not compiled")
    for page in ("unpacket.1", "unpacket-streams.1"):
        if not (Path(sys.prefix) / "share" / "man" / "man1" / page).exists():
            sys.exit(f"the manual page {page} is not in the wheel")
    command = Path(sys.executable).with_name("unpacket")
    listing = subprocess.run(
        [command, "streams", capture], check=True, capture_output=True, text=True
    )
    if not listing.stdout.strip():
        sys.exit(f"`unpacket streams {capture}` printed nothing")
    print(f"unpacket {version('unpacket')}: {len(compiled)} .pxd, compiled, and runs")


main(*sys.argv[1:])
