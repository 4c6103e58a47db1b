"""What the recorder has to know of a program, and what programs share."""

import random
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from examples.record.errors import RecordingError

_NUMBER = re.compile(r"\d\.\d")
# Where Debian keeps what only root or a wrapper calls.
_POSTGRES = Path("/usr/lib/postgresql")
_ELSEWHERE = ":".join(
    ["/usr/sbin", "/usr/local/sbin", "/sbin", *map(str, _POSTGRES.glob("*/bin"))]
)


@dataclass(frozen=True)
class Needed:
    """A file that has to be installed.

    Attributes:
        package: Debian's, of that program.
        version: The arguments that make it say its version; none if another
            program of the same package says it.
    """

    program: str
    package: str
    version: tuple[str, ...] = ("--version",)

    def path(self) -> str | None:
        """Return where it is, or None."""
        return shutil.which(self.program) or shutil.which(self.program, path=_ELSEWHERE)

    def said(self) -> str:
        """Return the line in which the program names its version, if any."""
        if not self.version:
            return ""
        done = subprocess.run(
            [str(self.path()), *self.version],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
        )
        lines = (done.stdout + done.stderr).splitlines()
        return next((line for line in lines if _NUMBER.search(line)), "")


@dataclass(frozen=True)
class Place:
    """Where a server runs and whom its clients ask.

    Attributes:
        scratch: A directory for keys, documents and databases.
        server_port: Where the server has to listen, on all addresses.
        port: What the clients connect to.
        hosts: The addresses of the server that they may use.
        seed: Of all that is to be random in documents.
    """

    scratch: Path
    server_port: int
    port: int
    hosts: tuple[str, ...]
    seed: int

    def host(self, number: int) -> str:
        """Return the address for the client of this number: they take turns."""
        return self.hosts[number % len(self.hosts)]

    def url(self, number: int, path: str, scheme: str = "http") -> str:
        """Return the URL of ``path`` for the client of this number."""
        host = self.host(number)
        brackets = f"[{host}]" if ":" in host else host
        return f"{scheme}://{brackets}:{self.port}/{path}"

    def noise(self, length: int) -> bytes:
        """Return bytes that do not compress."""
        return random.Random(self.seed).randbytes(length)


@dataclass(frozen=True)
class Client:
    """One client program, run once and expected to exit with 0.

    Attributes:
        command: What is run in the client's namespace.
        stdin: All that it can read there.
        prints: What its output has to contain: the sign that it did its work.
    """

    command: tuple[str, ...]
    stdin: bytes = b""
    prints: bytes = b""


@dataclass(frozen=True)
class Program:
    """A server and its clients.

    Attributes:
        port: Where such a server is usually found, and so what clients ask.
        prepare: Writes what the server needs.
        server: Returns the command that serves in the foreground.
        clients: Returns the clients in the order in which they start.
        at_once: So many of them run at a time.
    """

    name: str
    port: int
    needs: tuple[Needed, ...]
    prepare: Callable[[Place], None]
    server: Callable[[Place], tuple[str, ...]]
    clients: Callable[[Place], list[Client]]
    at_once: int = 2

    def missing(self) -> str | None:
        """Return what is not installed, or None."""
        missing = [needed for needed in self.needs if needed.path() is None]
        return ", ".join(
            f"the program {needed.program} is not installed (package {needed.package})"
            for needed in missing
        )


def numbered_lines(length: int) -> bytes:
    """Return text in lines of 64 bytes, each of which begins with its offset.

    A gap in it can be seen, and measured, with the naked eye.
    """
    dots = " ." * 27 + "\n"
    return "".join(f"{at:08d} {dots}" for at in range(0, length, 64)).encode()


def curl(*arguments: str, prints: bytes = b"") -> Client:
    """Return a curl that prints what it receives, heads and bodies."""
    # --disable: no .curlrc of the user's.
    options = ("--silent", "--show-error", "--include", "--max-time", "40")
    return Client(("curl", "--disable", *options, *arguments), prints=prints)


CURL = Needed("curl", "curl")


def run(*command: str, directory: Path) -> None:
    """Run a program that prepares something.

    Raises:
        RecordingError: It failed.
    """
    done = subprocess.run(
        command,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode:
        raise RecordingError(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")


def found(needed: Needed) -> str:
    """Return where a program is that was found to be there."""
    return str(needed.path())
