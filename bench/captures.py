"""The captures that are measured, made once and kept outside the tree.

They lie in the directory that UNPACKET_BENCH_DIR names, or in one in the system's
place for temporary files. A name tells all that went into a capture, so one that
exists is right; change VERSION when a generator changes.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = 1

SHARED_MEMORY = Path("/dev/shm")


def directory() -> Path:
    """Return the directory of captures and of built peers; it exists."""
    named = os.environ.get("UNPACKET_BENCH_DIR")
    place = Path(named) if named else Path(tempfile.gettempdir()) / "unpacket-bench"
    place.mkdir(parents=True, exist_ok=True)
    return place


def scratch() -> Path:
    """Return a directory for what commands write: in memory, where that is possible.

    What it costs to make a file differs between file systems, and on one between a
    minute and the next: ext4 without a journal took 30 to 400 us for each, by how
    many had been removed there in the minutes before.
    """
    if SHARED_MEMORY.is_dir() and os.access(SHARED_MEMORY, os.W_OK):
        place = SHARED_MEMORY / "unpacket-bench"
        place.mkdir(exist_ok=True)
        return place
    return directory()


def made(generator: str, kind: str, packets: int, *options: str) -> Path:
    """Return the capture that ``python -m GENERATOR KIND OUT --packets N`` makes.

    It is made by another process: generators need memory, and the peak of whoever
    starts a command counts as the command's (see ``measure``).
    """
    extra = "".join(options).replace("--", "-")
    name = f"{kind}-{packets}{extra}-v{VERSION}.pcap"
    path = directory() / name
    if not path.exists():
        print(f"making {path}", file=sys.stderr)
        unfinished = path.with_suffix(f".{os.getpid()}")
        subprocess.run(
            [
                *(sys.executable, "-m", generator, kind, str(unfinished)),
                *("--packets", str(packets), *options),
            ],
            check=True,
        )
        unfinished.rename(path)
    return path


def http(packets: int) -> Path:
    """Return a capture of HTTP, see ``bench.http``."""
    return made("bench.http", "http", packets)


def mix(kind: str, packets: int, *, sums: bool = True) -> Path:
    """Return a capture of one of the kinds of ``bench.traffic``."""
    return made("bench.traffic", kind, packets, *(["--checksums"] if sums else []))


def scenario(kind: str, packets: int) -> Path:
    """Return a capture of one of the scenarios of ``bench.scenarios``."""
    return made("bench.scenarios", kind, packets)


def warmed(path: Path) -> Path:
    """Return ``path`` once its bytes are in the page cache."""
    buffer = bytearray(1 << 20)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
    return path
