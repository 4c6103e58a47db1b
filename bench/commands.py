"""The commands that have unpacket do something; the one place that words them."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.measure import Command


def job(name: str, capture: Path, *arguments: int) -> Command:
    """Return the command that does a job of ``bench.jobs``."""
    words = (name, str(capture), *map(str, arguments))
    return Command((sys.executable, "-m", "bench.jobs", *words), tells=True)


def facts(name: str, capture: Path) -> dict[str, Any]:
    """Do a job of ``bench.jobs``, and return what it found."""
    done = subprocess.run(job(name, capture).argv, capture_output=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def http_job(name: str, *arguments: str | int) -> Command:
    """Return the command that does a job of ``bench.http_jobs``."""
    words = (name, *map(str, arguments))
    return Command((sys.executable, "-m", "bench.http_jobs", *words), tells=True)


def http_table(capture: Path) -> Command:
    """Print the exchanges as a table."""
    return tool("http", str(capture))


def objects(capture: Path, out: Path) -> Command:
    """Write each body to a file in ``out``, and the index with the digests."""
    return replace(tool("objects", str(capture), "-o", str(out)), fills=out)


def files(capture: Path, out: Path) -> Command:
    """Write each half to a file in ``out``."""
    argv = (sys.executable, "-m", "bench.jobs", "files", str(capture), str(out))
    return Command(argv, tells=True, fills=out)


def tool(*arguments: str) -> Command:
    """Return a command line of the installed ``unpacket``."""
    return Command((str(Path(sys.executable).with_name("unpacket")), *arguments))


def listed(capture: Path, *, workers: int = 1, digest: bool = False) -> Command:
    """List the streams, with the digest of what each side sent if asked."""
    digests = ("--digest",) if digest else ()
    return tool("streams", str(capture), *digests, "--jobs", str(workers))


def extracted(capture: Path, out: Path, *, digest: bool = False) -> Command:
    """Write each half to a file in ``out``, and the index."""
    digests = "--digest" if digest else "--no-digest"
    command = tool("extract", str(capture), "-o", str(out), digests)
    return replace(command, fills=out)


def split(capture: Path, out: Path) -> Command:
    """Write a capture for each stream to ``out``."""
    return replace(tool("split", str(capture), "-o", str(out)), fills=out)


def checked(capture: Path) -> Command:
    """Say whether the capture can be trusted."""
    return replace(tool("check", str(capture)), exits=(0, 1))


def followed(capture: Path) -> Command:
    """Print the payload of all streams."""
    return tool("follow", str(capture))


def python(statement: str) -> Command:
    """Run a statement in a new Python."""
    return Command((sys.executable, "-c", statement))
