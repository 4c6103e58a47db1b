"""Python's own HTTP server, with POST.

python server.py DIRECTORY PORT
"""

import hashlib
import socket
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Handler(SimpleHTTPRequestHandler):
    """Files for GET, as `python -m http.server`; a digest of the body for POST."""

    protocol_version = "HTTP/1.1"
    # A request that is lost thrice comes after 7 s.
    timeout = 25

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        digest = hashlib.sha256(self.rfile.read(length)).hexdigest()
        body = f"{length} bytes, sha256 {digest}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the recording is the log."""


class Server(ThreadingHTTPServer):
    """Serve IPv4 and IPv6."""

    address_family = socket.AF_INET6

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a client reset its connection; anything else is worth a traceback."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main() -> None:
    """Serve until killed."""
    directory, port = sys.argv[1:]
    handler = partial(Handler, directory=str(Path(directory)))
    Server(("::", int(port)), handler).serve_forever()


if __name__ == "__main__":
    main()
