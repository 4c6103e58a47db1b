"""One recording: both ends, the wire between them, the capture and its truth."""

import base64
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from . import conversation
from .conversation import Client
from .ledger import Half, Ledger, Segment, endpoint, subtract, union
from .namespace import Namespace
from .pcapng import Writer
from .server import __file__ as server_program
from .wire import Fate, Impairment, Wire

# Two at a time: enough for the capture to interleave streams, few enough for
# the eye to follow.
_AT_ONCE = 2
_SLICE_S = 0.01
# The first two retransmissions of a lost FIN come within this.
_QUIET_S = 0.7


class RecordingError(Exception):
    """The programs, the wire and the capture do not tell one story."""


@dataclass(frozen=True)
class Connection:
    """What the server program received on one connection, and what it sent."""

    client: str
    client_sent: bytes
    server_sent: bytes


class Children:
    """The processes of one recording, none of which outlives the `with`.

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
            child.kill()
            child.wait()
            if child.stdin:
                child.stdin.close()

    def start(
        self,
        name: str,
        namespace: Namespace,
        command: tuple[str, ...],
        *,
        stdin: int = subprocess.DEVNULL,
        pass_fds: tuple[int, ...] = (),
    ) -> subprocess.Popen[bytes]:
        """Start a program in a namespace."""
        # A proxy of the user's cannot be reached from in there.
        env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        with (
            self._path(name, "out").open("wb") as out,
            self._path(name, "err").open("wb") as err,
            namespace.entered(),
        ):
            child = subprocess.Popen(
                command, stdin=stdin, stdout=out, stderr=err, pass_fds=pass_fds, env=env
            )
        self._started.append(child)
        return child

    def output(self, name: str, child: subprocess.Popen[bytes]) -> bytes:
        """Return what a program printed that has ended.

        Raises:
            RecordingError: Its exit code is not 0.
        """
        if child.returncode:
            words = self._path(name, "err").read_text(errors="replace").strip()
            raise RecordingError(f"{name} ended with {child.returncode}: {words}")
        return self._path(name, "out").read_bytes()

    def _path(self, name: str, kind: str) -> Path:
        return self._scratch / f"{name}.{kind}"


class Tap:
    """The capture point: writes frames, and notes those that it leaves out.

    SYN and FIN are never left out, so the offsets of each stream have a known
    beginning and end: without its FIN, an observer of the acknowledgements would
    take it for one more byte.
    """

    def __init__(self, writer: Writer) -> None:
        self.ledger = Ledger()
        self.written = 0
        self.not_captured = 0
        self._writer = writer

    def __call__(self, time_ns: int, frame: bytes, fate: Fate) -> None:
        """Take one frame, in the order of time."""
        segment = Segment.of(frame)
        spared = segment is not None and (segment.opens or segment.finishes)
        written = spared or not fate.not_captured
        if written:
            self._writer.frame(time_ns, frame, str(fate))
            self.written += 1
        else:
            self._writer.leave_out()
            self.not_captured += 1
        if segment is not None:
            self.ledger.add(segment, written=written)


def record(
    capture: Path, truth: Path, seed: int, impairment: Impairment, limit_s: float
) -> dict[str, Any]:
    """Record the conversation into ``capture``, and its truth into ``truth``.

    Returns:
        What `truth.json` holds.

    Raises:
        RecordingError: A program failed, the time was up, or a frame carried
            bytes that no program sent. Nothing is written then.
        OSError: The namespaces or devices could not be made.
    """
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        part = scratch / "capture.pcapng"
        out = stack.enter_context(part.open("wb"))
        writer = Writer(out, f"seed {seed}, {impairment}")
        tap = Tap(writer)
        client_side = stack.enter_context(Namespace())
        server_side = stack.enter_context(Namespace())
        client_end = _open_end(stack, client_side, "client", conversation.CLIENT)
        server_end = _open_end(stack, server_side, "server", conversation.SERVER)
        wire = Wire((client_end, server_end), impairment, seed, tap)
        connections, answers = _converse(
            wire, client_side, server_side, scratch, time.monotonic() + limit_s
        )
        writer.finish()
        out.flush()
        _compare_witnesses(connections, answers)
        streams, sent = _judge(tap.ledger, connections)
        mishaps = {"written": tap.written, "not_captured": tap.not_captured}
        facts: dict[str, Any] = {
            "seed": seed,
            "impairment": asdict(impairment),
            "frames": mishaps | dict(sorted(wire.mishaps.items())),
            "streams": streams,
        }
        report = json.dumps(facts, indent=1) + "\n"
        _replace(truth, sent | {"truth.json": report.encode()})
        capture.write_bytes(part.read_bytes())
    return facts


def _open_end(
    stack: ExitStack, side: Namespace, name: str, addresses: tuple[str, str]
) -> int:
    v4, v6 = addresses
    fd = side.open_tun(name, (f"{v4}/24", f"{v6}/64"))
    stack.callback(os.close, fd)
    return fd


def _converse(
    wire: Wire,
    client_side: Namespace,
    server_side: Namespace,
    scratch: Path,
    deadline_s: float,
) -> tuple[list[Connection], list[bytes]]:
    """Run server and clients to their end, and the wire all the while."""

    def carry_until(done: Callable[[], bool]) -> None:
        while not done():
            if time.monotonic() > deadline_s:
                raise RecordingError("the programs were not done in time")
            wire.carry(_SLICE_S)

    documents = scratch / "documents"
    documents.mkdir()
    conversation.write_documents(documents)
    waiting = deque(enumerate(conversation.clients(documents)))
    running: dict[str, tuple[Client, subprocess.Popen[bytes]]] = {}
    answers: list[bytes] = []
    with server_side.entered():
        # It listens before the server program runs, so no client is too early.
        listener = socket.create_server(
            ("::", conversation.PORT), family=socket.AF_INET6, dualstack_ipv6=True
        )
    with listener, Children(scratch) as children:
        fd = listener.fileno()
        command = (sys.executable, server_program, str(documents), str(fd))
        server = children.start(
            "server", server_side, command, stdin=subprocess.PIPE, pass_fds=(fd,)
        )

        def clients_done() -> bool:
            for name, (client, child) in list(running.items()):
                if child.poll() is not None:
                    answer = children.output(name, child)
                    if client.prints_answer:
                        answers.append(answer)
                    del running[name]
            while waiting and len(running) < _AT_ONCE:
                number, client = waiting.popleft()
                name = f"client {number}"
                child = children.start(name, client_side, client.command)
                running[name] = client, child
            return not running

        carry_until(clients_done)
        assert server.stdin is not None
        server.stdin.close()
        carry_until(lambda: server.poll() is not None)
        carry_until(lambda: time.monotonic() - wire.last_s > _QUIET_S)
        report = json.loads(children.output("server", server))
    connections = [
        Connection(
            endpoint(*entry["client"]),
            base64.b64decode(entry["received"]),
            base64.b64decode(entry["sent"]),
        )
        for entry in report
    ]
    return connections, answers


def _compare_witnesses(connections: list[Connection], answers: list[bytes]) -> None:
    """Check that clients printed what the server says that it sent."""
    sent = [connection.server_sent for connection in connections]
    for answer in answers:
        if answer not in sent:
            raise RecordingError(f"no connection carried the answer {answer[:60]!r}")
        sent.remove(answer)


def _judge(
    ledger: Ledger, connections: list[Connection]
) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """Return the facts of each stream, and the files with what was sent."""
    by_client = {connection.client: connection for connection in connections}
    streams: list[dict[str, Any]] = []
    files: dict[str, bytes] = {}
    for client, server in ledger.connections:
        # A connection that the server never accepted, or a second one from
        # the same port, would be a KeyError: this conversation has neither.
        connection = by_client.pop(client)
        stream: dict[str, Any] = {
            "client": client,
            "server": server,
            "request": connection.client_sent.partition(b"\r\n")[0].decode(),
            "reset": (client, server) in ledger.reset,
        }
        for who, sent, ends in (
            ("client", connection.client_sent, (client, server)),
            ("server", connection.server_sent, (server, client)),
        ):
            half = ledger.halves[ends]
            if words := half.disagreement(sent):
                raise RecordingError(f"{ends[0]} to {ends[1]}: {words}")
            name = f"{len(streams)}-{who}.bin"
            files[name] = sent
            stream[f"{who}_sent"] = _facts(name, sent, half)
        streams.append(stream)
    return streams, files


def _facts(name: str, sent: bytes, half: Half) -> dict[str, Any]:
    return {
        "file": name,
        "bytes": len(sent),
        # Some of these were written all the same, as another copy.
        "left_out": union(half.unwritten),
        "missing": subtract((0, len(sent)), half.written),
    }


def _replace(directory: Path, files: dict[str, bytes]) -> None:
    """Write the truth, and remove what an earlier recording left of its own."""
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("[0-9]*-*.bin"):
        old.unlink()
    for name, content in files.items():
        (directory / name).write_bytes(content)
