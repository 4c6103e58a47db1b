"""Recordings of curl, nginx and Python: bodies are what the programs wrote.

What each end sent is known to the byte, apart from any capture. Python's own HTTP
client parses that; what unpacket makes of a capture is compared with it.
"""

import http.client
import io
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import unpacket
from tests.recorded import Connection, Recording, recordings

FOLDER = Path(__file__).parents[1] / "recordings"
RECORDINGS = [
    recording
    for name in ("nginx-v4-veth", "nginx-v6", "python-v4-veth", "python-v6-nic")
    for recording in recordings(FOLDER / name)
]


class Wrote(NamedTuple):
    """A request and its response, as the programs wrote them."""

    method: str
    target: str
    sent: bytes
    status: int
    received: bytes


class Wire:
    """Bytes that ``HTTPResponse`` takes for a socket."""

    def __init__(self, file: io.BytesIO) -> None:
        self._file = file

    def makefile(self, _mode: str) -> Any:
        # It closes what it has read to the end, and more is to come.
        file = self._file
        file.close = lambda: None  # type: ignore[method-assign]
        return file


def wrote(connection: Connection) -> list[Wrote]:
    """Return what the two ends of a connection wrote, whole messages only."""
    asked, answered = (io.BytesIO(half.sent) for half in connection.halves)
    found = []
    while line := asked.readline():
        method, target, _ = line.decode().split()
        fields = http.client.parse_headers(asked)
        length = int(fields.get("content-length", 0))
        sent = asked.read(length)
        response = http.client.HTTPResponse(
            Wire(answered),  # type: ignore[arg-type]
            method=method,
        )
        try:
            response.begin()
            received = response.read()
        except (http.client.HTTPException, ConnectionError):
            # A client that reset the connection.
            break
        if len(sent) < length:
            break
        found.append(Wrote(method, target, sent, response.status, received))
    return found


def name_of(recording: Recording) -> str:
    return recording.capture.name.partition(".")[0]


@pytest.mark.parametrize("recording", RECORDINGS, ids=name_of)
def test_bodies_are_what_the_programs_wrote(recording: Recording) -> None:
    expected = {one.client: wrote(one) for one in recording.connections}
    whole = 0
    for exchange in unpacket.http(recording.capture):
        known = expected[str(exchange.client)]
        if not exchange.complete:
            continue
        assert exchange.pairing == "known"
        request, response = exchange.request, exchange.response
        found = Wrote(
            request.method,
            request.target,
            request.body,
            response.status,
            response.body,
        )
        same = [one for one in known if digests(one) == digests(found)]
        assert same, (str(exchange), len(found.received))
        known.remove(same[0])
        whole += 1
    assert whole
    nothing_missing = not any(
        half.missing for one in recording.connections for half in one.halves
    )
    if nothing_missing:
        assert not any(expected.values())


def digests(one: Wrote) -> tuple[Any, ...]:
    sent, received = sha256(one.sent), sha256(one.received)
    return one.method, one.target, sent.digest(), one.status, received.digest()
