"""What is said over the wire: the server's documents and the clients' commands."""

import sys
from dataclasses import dataclass
from pathlib import Path

CLIENT = ("192.0.2.1", "2001:db8::1")
SERVER = ("192.0.2.2", "2001:db8::2")
PORT = 80


@dataclass(frozen=True)
class Client:
    """One client program, run once and expected to exit with 0.

    Attributes:
        command: What is run in the client's namespace.
        prints_answer: Its output is every byte that it received, and so a
            second witness beside the server.
    """

    command: tuple[str, ...]
    prints_answer: bool = True


def numbered_lines(length: int) -> bytes:
    """Return text in lines of 64 bytes, each of which begins with its offset.

    A gap in it can be seen, and measured, with the naked eye.
    """
    dots = " ." * 27 + "\n"
    return "".join(f"{at:08d} {dots}" for at in range(0, length, 64)).encode()


def write_documents(directory: Path) -> None:
    """Write what the clients ask for and what they upload."""
    (directory / "hello.txt").write_bytes(b"Hello over a bad wire.\n")
    (directory / "small.txt").write_bytes(numbered_lines(4 * 1024))
    (directory / "large.txt").write_bytes(numbered_lines(100 * 1024))
    (directory / "upload.txt").write_bytes(numbered_lines(24 * 1024))


def clients(directory: Path) -> list[Client]:
    """Return the clients in the order in which they start."""
    v4 = f"http://{SERVER[0]}"
    v6 = f"http://[{SERVER[1]}]"
    upload = f"@{directory / 'upload.txt'}"
    reset = str(Path(__file__).with_name("resetting_client.py"))
    library = (
        "import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=20).read()"
    )
    return [
        _curl(f"{v4}/hello.txt"),
        _curl(f"{v4}/large.txt"),
        _curl(f"{v4}/hello.txt", f"{v4}/small.txt"),
        _curl("--data", "wire=bad&bytes=true", f"{v4}/form"),
        _curl(f"{v6}/small.txt"),
        # urllib asks the server to close, so here the server's FIN is first.
        Client((sys.executable, "-c", library, f"{v4}/small.txt"), False),
        Client((sys.executable, reset, SERVER[0], str(PORT), "/small.txt")),
        _curl("--data-binary", upload, f"{v4}/upload"),
        # curl's own exit code is 0 for a 404.
        _curl(f"{v4}/missing.txt"),
    ]


def _curl(*arguments: str) -> Client:
    # --disable: no .curlrc of the user's.
    options = ("--silent", "--show-error", "--include", "--max-time", "30")
    return Client(("curl", "--disable", *options, *arguments))
