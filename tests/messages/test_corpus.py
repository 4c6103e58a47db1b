"""Real captures: the exchanges and bodies are tshark's, but for the reviewed table.

tshark is asked only where nothing is missing: where something is, it is no oracle. A
message is named by its ports and by what its first line says; a body by its digest.
"""

import json
import shutil
import subprocess
from collections import Counter, defaultdict
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

import unpacket
from tests.messages.differences import BODIES, DIFFERENCES
from tests.shared import shared_path
from unpacket.messages.http.head import HttpMessage, Request

FOLDER = shared_path("captures")
# Those that have HTTP, and of which nothing is missing.
NAMES = [
    Path(entry["name"]).name
    for entry in map(json.loads, (FOLDER / "MANIFEST.jsonl").read_text().splitlines())
    if "http1" in entry["tags"] and not {"loss", "file-truncated"} & {*entry["tags"]}
]
FIELDS = (
    "tcp.srcport",
    "tcp.dstport",
    "http.request.method",
    "http.request.uri",
    "http.response.code",
    "http.content_length_header",
)
SEPARATOR = "\x1f"
# tshark shows no more of a field.
SHOWN = 200

pytestmark = pytest.mark.skipif(
    shutil.which("tshark") is None, reason="tshark is not installed"
)


class Seen(NamedTuple):
    """What somebody makes of a capture.

    Attributes:
        messages: First lines, and values of Content-Length, by the ports.
        bodies: Their digests, and how often each is there.
    """

    messages: dict[str, list[str]]
    bodies: Counter[str]


@cache
def tshark(name: str) -> Seen:
    """Return what tshark makes of a capture, in one run."""
    columns = (word for field in FIELDS for word in ("-e", field))
    form = ("-T", "fields", "-E", "occurrence=a", "-E", f"aggregator={SEPARATOR}")
    with TemporaryDirectory() as folder:
        objects = Path(folder, "objects")
        done = subprocess.run(
            (
                *("tshark", "-n", "-2", "-r", str(FOLDER / "files" / name)),
                # Headers that sFlow sampled are of no stream.
                *("-Y", "http and not sflow", *form, *columns),
                *("--export-objects", f"http,{objects}"),
            ),
            capture_output=True,
            timeout=120,
        )
        paths = list(objects.iterdir()) if objects.exists() else []
        bodies = Counter(sha256(path.read_bytes()).hexdigest() for path in paths)
    found = defaultdict(list)
    for line in done.stdout.decode(errors="replace").splitlines():
        cells = [cell.split(SEPARATOR) if cell else [] for cell in line.split("\t")]
        source, target, methods, targets, statuses, lengths = cells
        if not source:
            continue
        key = f"{source[-1]}>{target[-1]}"
        for at, method in enumerate(methods):
            asked = targets[at] if at < len(targets) else ""
            found[key].append(f"{method} {asked}"[:SHOWN])
        found[key] += statuses
        if lengths:
            found[f"{key} lengths"] += lengths
    return Seen(dict(found), bodies)


@cache
def ours(name: str) -> Seen:
    """Return what unpacket makes of a capture."""
    exchanges = list(unpacket.http(FOLDER / "files" / name))
    found = []
    bodies: Counter[str] = Counter()
    for exchange in exchanges:
        for message in (exchange.request, *exchange.interim, exchange.response):
            if message is not None:
                place = (message.first_frame, message.stream.id, message.offset)
                found.append((place, message))
                if message.body_length:
                    bodies[sha256(meant(message)).hexdigest()] += 1
    lines = defaultdict(list)
    for _, message in sorted(found, key=lambda item: item[0]):
        ports = [message.client.port, message.server.port]
        if isinstance(message, Request):
            line = f"{message.method} {message.target}"[:SHOWN]
        else:
            line = str(message.status)
            ports.reverse()
        key = "{}>{}".format(*ports)
        lines[key].append(line)
        length = message.header("content-length")
        if length is not None:
            lines[f"{key} lengths"].append(length)
    return Seen(dict(lines), bodies)


def meant(message: HttpMessage) -> bytes:
    """Return the body as tshark exports it: decoded, if it has what that needs."""
    if message.header("content-encoding") == "br":
        return message.body
    return message.data


@pytest.mark.parametrize("name", NAMES)
def test_messages_are_those_of_tshark(name: str) -> None:
    mine, theirs = ours(name).messages, tshark(name).messages
    differing = {}
    for key in mine.keys() | theirs.keys():
        lines = mine.get(key, []), theirs.get(key, [])
        if lines[0] != lines[1]:
            differing[key] = only(Counter(lines[0]), Counter(lines[1]))
    expected = {
        row.what: row.only for row in DIFFERENCES.get(name, ()) if row.what != BODIES
    }
    assert differing == expected


@pytest.mark.parametrize("name", NAMES)
def test_bodies_are_those_of_tshark(name: str) -> None:
    expected = [row.only for row in DIFFERENCES.get(name, ()) if row.what == BODIES]
    found = only(ours(name).bodies, tshark(name).bodies)
    assert found == (expected[0] if expected else (0, 0))


def only(mine: Counter[str], theirs: Counter[str]) -> tuple[int, int]:
    return (mine - theirs).total(), (theirs - mine).total()


def test_the_table_names_captures_that_there_are() -> None:
    assert DIFFERENCES.keys() <= set(NAMES)
