"""An HTTP client that reads its answer and then resets the connection.

    python resetting_client.py ADDRESS PORT PATH > answer

It prints exactly what it received, as `curl --include` does.
"""

import socket
import struct
import sys


def main() -> None:
    """Ask for a path, print the answer, and leave with RST instead of FIN."""
    address, port, path = sys.argv[1:]
    with socket.create_connection((address, int(port)), timeout=20) as connection:
        head = f"GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: socket"
        connection.sendall(f"{head}\r\n\r\n".encode())
        answer = connection.makefile("rb")
        length = 0
        while (line := answer.readline()).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            sys.stdout.buffer.write(line)
        sys.stdout.buffer.write(line + answer.read(length))
        answer.close()
        # Lingering for no time at all makes close() send RST (man 7 socket).
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


if __name__ == "__main__":
    main()
