"""What any other program makes of a capture, if it says so in lines of JSON.

The program gets the path of a capture behind its other arguments, and prints one line
for each direction of each connection, in the order in which the connections began::

    {"source": "10.0.0.1:40000", "target": "10.0.0.2:80", "hex": "474554"}

Of a direction in which it knows of gaps it prints ``runs``: bytes and lengths of gaps
in their order. ``base64`` may stand wherever ``hex`` does; a port is behind the last
colon, and an IPv6 address in brackets::

    {"source": "[::1]:80", "target": "[::1]:4", "runs": [{"hex": "4f4b"}, {"gap": 7}]}
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unpacket._core.reassembly.stream import Endpoint
from unpacket.compare.tools.programs import (
    Limits,
    Runs,
    Said,
    Tool,
    ToolError,
    endpoint,
)

# No stream has more.
MOST_BYTES = 1 << 62


class Driver(Tool):
    """A program that says what it, or a library, makes of a capture.

    Args:
        name: What the comparison calls it.
        command: The program and its arguments, as for a shell; no shell runs it.

    Raises:
        ValueError: ``command`` is nothing that could be run.
    """

    strict = True

    def __init__(self, name: str, command: str) -> None:
        self.name = name
        words = shlex.split(command)
        if not words:
            raise ValueError("no command")
        program = shutil.which(words[0])
        if program is None:
            raise ValueError(f"no program {words[0]}")
        self._program = os.path.abspath(program)
        self._arguments = words[1:]
        # Its arguments may name files from where it was asked for.
        self.folder = Path.cwd()

    def path(self) -> str:
        return self._program

    def version(self, folder: Path) -> str:
        """Return "": the program is one around what is asked for."""
        return ""

    def said(self, capture: str, folder: Path, limits: Limits) -> Iterator[Said]:
        out = folder / "streams"
        self.run([*self._arguments, capture], folder, limits, out)
        with out.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if number > 2 * limits.streams:
                    break
                try:
                    yield said(line, limits.stream_bytes)
                except (ValueError, RecursionError) as error:
                    reason = f"line {number} of its output: {error}"
                    raise ToolError(reason) from None


def said(line: bytes, most_bytes: int) -> Said:
    """Return what a line says of a direction.

    Raises:
        ValueError: It is no such line.
    """
    try:
        found = json.loads(line)
    except ValueError:
        raise ValueError("no JSON") from None
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    runs: Runs = []
    size = 0
    for one in found["runs"] if isinstance(found.get("runs"), list) else [found]:
        run = run_of(one)
        if isinstance(run, int):
            if run:
                runs.append(run)
        elif run and size < most_bytes:
            runs.append(run)
            size += len(run)
    return Said(end_of(found, "source"), end_of(found, "target"), runs)


def run_of(one: Any) -> bytes | int:
    """Return bytes, or the length of a gap.

    Raises:
        ValueError: It is neither.
    """
    match one:
        case {"hex": str(digits)}:
            return bytes.fromhex(digits)
        case {"base64": str(digits)}:
            return b64decode(digits, validate=True)
        case {"gap": int(length)} if 0 <= length < MOST_BYTES:
            return length
    raise ValueError("neither hex, base64 nor the length of a gap")


def end_of(found: dict[str, Any], name: str) -> Endpoint:
    """Return the source or the target of a line.

    Raises:
        ValueError: There is none.
    """
    text = str(found.get(name))
    end = endpoint(text)
    if not end.address or not text.endswith(f":{end.port}"):
        raise ValueError(f"no {name} such as 10.0.0.1:80 or [::1]:80")
    return end
