"""Python's HTTP server; curl, urllib and a socket that resets its connection."""

import sys
from pathlib import Path

from .program import CURL, Client, Place, Program, curl, numbered_lines


def _prepare(place: Place) -> None:
    documents = place.scratch / "documents"
    documents.mkdir()
    (documents / "hello.txt").write_bytes(b"Hello over a bad wire.\n")
    (documents / "small.txt").write_bytes(numbered_lines(4 * 1024))
    (documents / "large.txt").write_bytes(numbered_lines(100 * 1024))
    (documents / "upload.txt").write_bytes(numbered_lines(24 * 1024))


def _server(place: Place) -> tuple[str, ...]:
    program = str(Path(__file__).with_name("http_server.py"))
    documents = str(place.scratch / "documents")
    return (sys.executable, program, documents, str(place.server_port))


def _clients(place: Place) -> list[Client]:
    upload = f"@{place.scratch / 'documents' / 'upload.txt'}"
    reset = str(Path(__file__).with_name("resetting_client.py"))
    library = (
        "import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=40).read()"
    )
    hello, small = (place.url(0, name) for name in ("hello.txt", "small.txt"))
    greeting, large = b"Hello over a bad wire.\n", numbered_lines(100 * 1024)
    return [
        curl(hello, prints=greeting),
        curl(place.url(0, "large.txt"), prints=large),
        curl(hello, small, prints=greeting),
        curl("--data", "wire=bad&bytes=true", place.url(0, "form"), prints=b"19 bytes"),
        curl(place.url(1, "small.txt"), prints=numbered_lines(4 * 1024)),
        # urllib asks the server to close, so here the server's FIN is first.
        Client((sys.executable, "-c", library, small)),
        Client(
            (sys.executable, reset, place.host(0), str(place.port), "/small.txt"),
            prints=numbered_lines(4 * 1024),
        ),
        curl("--data-binary", upload, place.url(0, "upload"), prints=b"24576 bytes"),
        # curl's own exit code is 0 for a 404.
        curl(place.url(0, "missing.txt"), prints=b" 404 "),
    ]


PROGRAM = Program("python", 80, (CURL,), _prepare, _server, _clients)
