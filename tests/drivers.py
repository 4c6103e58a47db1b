"""Builds the drivers under ``examples`` of the libraries that are installed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "examples" / "drivers"
BUILD_TIMEOUT_S = 120

# Program, source, and what to link with.
COMPILERS = {
    "libtins": ("g++", "libtins.cpp", ("-std=c++14", "-ltins", "-lpcap")),
    "libnids": (
        "gcc",
        "libnids.c",
        ("-lnids", "-lpcap", "-lnet", "-lglib-2.0", "-lgthread-2.0"),
    ),
    "gopacket": ("go", "gopacket.go", ()),
}
# Debian has gopacket there, and Go looks for modules elsewhere unless told.
GO = {"GOPATH": "/usr/share/gocode", "GO111MODULE": "off"}


def built(name: str, folder: Path) -> str:
    """Return the path of a driver; skip the test where it cannot be built."""
    compiler, source, libraries = COMPILERS[name]
    if not SOURCES.exists():
        pytest.skip("the examples are not part of this copy")
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    out = folder / name
    before = ("build",) if compiler == "go" else ()
    command = [compiler, *before, "-o", str(out), str(SOURCES / source), *libraries]
    environment = {**os.environ, "GOCACHE": str(folder / "cache"), **GO}
    if compiler != "go":
        environment = dict(os.environ)
    done = subprocess.run(
        command, env=environment, capture_output=True, timeout=BUILD_TIMEOUT_S
    )
    if done.returncode:
        pytest.skip(f"{name} is not installed, or is another one")
    return str(out)
