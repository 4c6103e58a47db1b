"""The processes of one recording, none of which outlives it.

A server has namespaces of its own for processes, mounts and System V memory, so
that its workers end with it and what it leaves behind is nobody's.
"""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from .errors import RecordingError
from .namespace import Namespace

# The kernel ends a child whose recorder was killed.
_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
# sh stays as process 1: a server that takes another user's rights would lose
# its order to die with its parent.
_ALONE = (
    *("unshare", "--pid", "--fork", "--kill-child", "--mount", "--ipc", "--"),
    *("sh", "-c", '"$@"; exit $?', "sh"),
)


class Children:
    """The processes of one recording, ended when the `with` ends.

    Each writes to ``<name>.out`` and ``<name>.err`` in the scratch directory.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for child in self._started:
            _end(child)
            if child.stdin:
                child.stdin.close()

    def start(
        self,
        name: str,
        namespace: Namespace,
        command: tuple[str, ...],
        *,
        stdin: int | bytes = subprocess.DEVNULL,
        pass_fds: tuple[int, ...] = (),
        alone: bool = False,
    ) -> subprocess.Popen[bytes]:
        """Start a program in a namespace, ``alone`` if it has children of its own.

        ``stdin`` may be bytes, which are all that the program can read.
        """
        # A proxy of the user's cannot be reached from in there.
        env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        if isinstance(stdin, bytes):
            file = self._path(name, "in")
            file.write_bytes(stdin)
            stdin = os.open(file, os.O_RDONLY)
        try:
            with (
                self._path(name, "out").open("wb") as out,
                self._path(name, "err").open("wb") as err,
                namespace.entered(),
            ):
                child = subprocess.Popen(
                    (*_WITH_US, *(_ALONE if alone else ()), *command),
                    stdin=stdin,
                    stdout=out,
                    stderr=err,
                    pass_fds=pass_fds,
                    env=env | {"LC_ALL": "C"},
                )
        finally:
            if stdin >= 0:
                os.close(stdin)
        self._started.append(child)
        return child

    def output(self, name: str, child: subprocess.Popen[bytes]) -> bytes:
        """Return what a program printed that has ended.

        Raises:
            RecordingError: Its exit code is not 0.
        """
        if child.returncode:
            words = self.words(name)
            raise RecordingError(f"{name} ended with {child.returncode}: {words}")
        return self._path(name, "out").read_bytes()

    def words(self, name: str) -> str:
        """Return the end of what a program has said on its standard error."""
        return self._path(name, "err").read_text(errors="replace").strip()[-500:]

    def _path(self, name: str, kind: str) -> Path:
        return self._scratch / f"{name}.{kind}"


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill a child, and wait until its own children are gone too."""
    if child.poll() is None:
        # Only once process 1 of a namespace is buried are all others in it:
        # so kill that one, for which `unshare` waits.
        with suppress(OSError):
            listing = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text()
            for pid in listing.split():
                os.kill(int(pid), signal.SIGKILL)
                with suppress(subprocess.TimeoutExpired):
                    child.wait(5)
        child.kill()
    child.wait()
