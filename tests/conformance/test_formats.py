"""One capture in many formats: whatever holds the packets, they are the same."""

from pathlib import Path
from typing import Any

import pytest

from tests.captured import read, told

FORMATS = Path(__file__).parent / "formats"

# What it takes to read some of them.
NEEDED = {".zst": ("compression.zstd", "backports.zstd"), ".lz4": ("lz4.frame",)}


@pytest.mark.parametrize("name", [path.name for path in sorted(FORMATS.iterdir())])
def test_every_format_gives_the_stream(name: str) -> None:
    modules = NEEDED.get("." + name.rpartition(".")[2])
    if modules and not any(map(is_installed, modules)):
        pytest.skip(f"none of {', '.join(modules)} is installed")
    assert gist(name) == gist("eth1.pcap")


def gist(name: str) -> list[Any]:
    """Return of each stream what does not depend on how precise times are."""
    return [
        (repr(story.stream), [side.runs for side in story.sides])
        for story in told(read(FORMATS / name).events)
    ]


def is_installed(module: str) -> bool:
    try:
        __import__(module)
    except ImportError:
        return False
    return True
