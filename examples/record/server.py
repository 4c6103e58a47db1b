"""Python's own HTTP server, with POST, that remembers every byte of its sockets.

    python server.py DIRECTORY LISTENING_FD < pipe > connections.json

It serves until its standard input ends, so that it cannot outlive the recorder,
and then prints each connection with what the server received and sent.
"""

import base64
import hashlib
import json
import socket
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class RecordedSocket(socket.socket):
    """A socket that keeps what `http.server` reads from and writes to it."""

    def __init__(self, fileno: int) -> None:
        super().__init__(fileno=fileno)
        self.received = bytearray()
        self.sent = bytearray()

    def recv_into(
        self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0
    ) -> int:
        count = super().recv_into(buffer, nbytes, flags)
        self.received += memoryview(buffer)[:count]
        return count

    def sendall(self, data: "ReadableBuffer", flags: int = 0) -> None:
        super().sendall(data, flags)
        self.sent += data


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


class Server(ThreadingMixIn, TCPServer):
    """Serve from a socket that is listening already."""

    daemon_threads = True

    def __init__(self, listening_fd: int, directory: Path) -> None:
        self.connections: list[tuple[tuple[str, int], RecordedSocket]] = []
        handler = partial(Handler, directory=str(directory))
        super().__init__(("", 0), handler, bind_and_activate=False)
        self.socket.close()
        self.socket = socket.socket(fileno=listening_fd)

    def get_request(self) -> tuple[RecordedSocket, tuple[str, int]]:
        accepted, address = self.socket.accept()
        connection = RecordedSocket(accepted.detach())
        client = address[0], address[1]
        self.connections.append((client, connection))
        return connection, client

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a client reset its connection; anything else is worth a traceback."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main() -> None:
    """Serve, then print the connections as JSON, their bytes in base 64."""
    server = Server(int(sys.argv[2]), Path(sys.argv[1]))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    sys.stdin.buffer.read()
    server.shutdown()
    connections = [
        {
            "client": client,
            "received": base64.b64encode(connection.received).decode(),
            "sent": base64.b64encode(connection.sent).decode(),
        }
        for client, connection in server.connections
    ]
    json.dump(connections, sys.stdout)


if __name__ == "__main__":
    main()
