"""One recording: both ends, the wire between them, the captures and their truth."""

import base64
import gzip
import hashlib
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .children import Children
from .errors import RecordingError, UnavailableError
from .ledger import endpoint
from .namespace import Namespace, why_not
from .programs import Client, Place, Program
from .relay import __file__ as relay_program
from .tap import Tap, facts
from .wire import Impairment, Wire

CLIENT = ("192.0.2.1", "2001:db8::1")
SERVER = ("192.0.2.2", "2001:db8::2")
LOOPBACK = ("127.0.0.1", "::1")

_SLICE_S = 0.01
# The first two retransmissions of a lost FIN come within this.
_QUIET_S = 0.7
# Where a server listens whose own port the relay has.
_BEHIND_THE_RELAY = 20000


@dataclass(frozen=True)
class Plan:
    """What to record, and how.

    Attributes:
        families: 4 or 6 or both: clients take turns.
        points: Where captures are made: ``client``, ``middle``, ``server``.
        witness: The end at which a relay notes the bytes. There the recorded
            connection is the relay's, at the other end the program's own.
        offloading: What the kernels leave to their network cards: ``none``;
            ``veth``, large segments go the whole way as they are; ``nic``, they
            are cut and summed behind the sender's capture point.
    """

    program: Program
    seed: int
    impairment: Impairment
    families: tuple[int, ...] = (4, 6)
    points: tuple[str, ...] = ("middle",)
    witness: str = "server"
    offloading: str = "none"
    limit_s: float = 60.0

    @property
    def numbers(self) -> list[int]:
        """The places of the families in `CLIENT`, `SERVER` and `LOOPBACK`."""
        return [(4, 6).index(family) for family in self.families]


@dataclass(frozen=True)
class Connection:
    """What was sent on one connection, says the relay at one end of it."""

    client: str
    client_sent: bytes
    server_sent: bytes


def record(plan: Plan, capture: Path) -> dict[str, Any]:
    """Record a program into ``capture``, and its truth into a directory beside it.

    With several capture points the name of each is put into that of its file.

    Returns:
        What `truth.json` holds.

    Raises:
        UnavailableError: This machine cannot.
        RecordingError: A program failed, the time was up, or a frame carried
            bytes that no program sent. Nothing is written then.
        OSError: The namespaces or devices could not be made.
    """
    if reason := why_not() or plan.program.missing():
        raise UnavailableError(reason)
    directory, names = file_names(capture, plan.points)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scratch.chmod(0o711)  # a database has a user of its own
        comment = f"{plan.program.name}, seed {plan.seed}, {plan.impairment}"
        taps = {
            point: stack.enter_context(Tap(scratch / name, comment))
            for point, name in names.items()
        }
        client_side = stack.enter_context(Namespace())
        server_side = stack.enter_context(Namespace())
        ends = (
            _open_end(stack, client_side, "client", CLIENT, plan),
            _open_end(stack, server_side, "server", SERVER, plan),
        )
        wire = Wire(ends, plan.impairment, plan.seed, taps, plan.offloading)
        connections = _converse(plan, wire, client_side, server_side, scratch)
        captures = {
            point: {"file": tap.path.name} | tap.finish() for point, tap in taps.items()
        }
        pack = capture.suffix == ".gz"
        streams, files = _judge(taps, connections, pack)
        truth = {
            "program": plan.program.name,
            "versions": _versions(plan.program),
            "seed": plan.seed,
            "impairment": asdict(plan.impairment),
            "families": list(plan.families),
            "offload": plan.offloading,
            "witness": plan.witness,
            "mishaps": dict(sorted(wire.mishaps.items())),
            "captures": captures,
            "streams": streams,
        }
        keylog = scratch / "keylog.txt"
        if keylog.exists():
            files["keylog.txt"] = keylog.read_bytes()
        _replace(directory, files | {"truth.json": _json(truth)})
        for tap in taps.values():
            (directory.parent / tap.path.name).write_bytes(tap.path.read_bytes())
    return truth


def _versions(program: Program) -> list[str]:
    said = [needed.said() for needed in program.needs]
    # What follows the first two numbers is a distribution's own.
    linux = ".".join(platform.release().split(".")[:2])
    own = [f"Python {platform.python_version()}", f"Linux {linux}"]
    return [*filter(None, said), *own]


def file_names(capture: Path, points: tuple[str, ...]) -> tuple[Path, dict[str, str]]:
    """Return the directory of the truth, and the file name for each point."""
    stem, dot, suffixes = capture.name.partition(".")
    names = {
        point: f"{stem}-{point}{dot}{suffixes}" if len(points) > 1 else capture.name
        for point in points
    }
    return capture.with_name(stem), names


def _open_end(
    stack: ExitStack,
    side: Namespace,
    name: str,
    addresses: tuple[str, str],
    plan: Plan,
) -> int:
    v4, v6 = addresses
    fd = side.open_tun(
        name, (f"{v4}/24", f"{v6}/64"), offload=plan.offloading != "none"
    )
    stack.callback(os.close, fd)
    return fd


def _converse(
    plan: Plan,
    wire: Wire,
    client_side: Namespace,
    server_side: Namespace,
    scratch: Path,
) -> list[Connection]:
    """Run server, relay and clients to their end, and the wire all the while."""
    deadline_s = time.monotonic() + plan.limit_s
    program = plan.program
    at_server = plan.witness == "server"
    hosts = [(SERVER if at_server else LOOPBACK)[n] for n in plan.numbers]
    server_port = program.port + (_BEHIND_THE_RELAY if at_server else 0)
    place = Place(scratch, server_port, program.port, tuple(hosts), plan.seed)
    program.prepare(place)

    with Children(scratch) as children:

        def carry_until(done: Callable[[], bool]) -> None:
            while not done():
                if time.monotonic() > deadline_s:
                    raise RecordingError("the programs were not done in time")
                wire.carry(_SLICE_S)

        server = children.start(
            "server", server_side, program.server(place), alone=True
        )

        def serves() -> bool:
            if server.poll() is not None:
                raise RecordingError(f"the server ended: {children.words('server')}")
            return server_side.listens(server_port)

        carry_until(serves)
        side = server_side if at_server else client_side
        with _listeners(side, plan, hosts) as listeners:
            relay = _start_relay(children, side, plan, listeners)
            carry_until(_Clients(children, client_side, program, place).done)
            assert relay.stdin is not None
            relay.stdin.close()
            carry_until(lambda: relay.poll() is not None)
        carry_until(lambda: time.monotonic() - wire.last_s > _QUIET_S)
        report = json.loads(children.output("relay", relay))
    return [
        Connection(
            endpoint(*entry["client"]),
            base64.b64decode(entry["client_sent"]),
            base64.b64decode(entry["server_sent"]),
        )
        for entry in report
    ]


@contextmanager
def _listeners(
    side: Namespace, plan: Plan, hosts: list[str]
) -> Iterator[list[socket.socket]]:
    """Listen for the relay, so that no client is too early for it."""
    with ExitStack() as stack:
        with side.entered():
            listeners = [
                stack.enter_context(
                    socket.create_server(
                        (host, plan.program.port),
                        family=socket.AF_INET6 if ":" in host else socket.AF_INET,
                    )
                )
                for host in hosts
            ]
        yield listeners


def _start_relay(
    children: Children, side: Namespace, plan: Plan, listeners: list[socket.socket]
) -> "subprocess.Popen[bytes]":
    command = [sys.executable, str(relay_program)]
    fds = tuple(listener.fileno() for listener in listeners)
    if plan.witness == "server":
        command.append("accepted")
        port = plan.program.port + _BEHIND_THE_RELAY
        targets = [LOOPBACK[0]] * len(fds)
    else:
        command.append("connected")
        port = plan.program.port
        targets = [SERVER[n] for n in plan.numbers]
    for fd, target in zip(fds, targets, strict=True):
        command += [str(fd), target, str(port)]
    return children.start(
        "relay", side, tuple(command), stdin=subprocess.PIPE, pass_fds=fds
    )


class _Clients:
    """The clients of a program, some of them at a time."""

    def __init__(
        self, children: Children, side: Namespace, program: Program, place: Place
    ) -> None:
        self._children = children
        self._side = side
        self._at_once = program.at_once
        self._waiting = deque(enumerate(program.clients(place)))
        self._running: dict[str, tuple[Client, subprocess.Popen[bytes]]] = {}

    def done(self) -> bool:
        """Look after them, and return whether all have ended well."""
        for name, (client, child) in list(self._running.items()):
            if child.poll() is not None:
                output = self._children.output(name, child)
                if client.prints not in output:
                    words = f"{output[-200:]!r} {self._children.words(name)}"
                    raise RecordingError(f"{name} {client.command} said {words}")
                del self._running[name]
        while self._waiting and len(self._running) < self._at_once:
            number, client = self._waiting.popleft()
            name = f"client {number}"
            child = self._children.start(
                name, self._side, client.command, stdin=client.stdin
            )
            self._running[name] = client, child
        return not self._running


def _judge(
    taps: dict[str, Tap], connections: list[Connection], pack: bool
) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """Return the facts of each stream, and the files with what was sent.

    Raises:
        RecordingError: The frames do not carry what was sent.
    """
    by_client = {connection.client: connection for connection in connections}
    streams: list[dict[str, Any]] = []
    files: dict[str, bytes] = {}
    ledgers = {point: tap.ledger for point, tap in taps.items()}
    first = next(iter(ledgers.values()))
    for ledger in ledgers.values():
        if {client for client, _ in ledger.connections} != set(by_client):
            raise RecordingError("a capture and the relay know other connections")
    for client, server in first.connections:
        connection = by_client[client]
        stream: dict[str, Any] = {"client": client, "server": server}
        stream["reset"] = any(
            (client, server) in ledger.reset for ledger in ledgers.values()
        )
        for who, sent, ends in (
            ("client", connection.client_sent, (client, server)),
            ("server", connection.server_sent, (server, client)),
        ):
            name = f"{len(streams)}-{who}.bin{'.gz' * pack}"
            files[name] = gzip.compress(sent, mtime=0) if pack else sent
            digest = hashlib.sha256(sent).hexdigest()
            stream[f"{who}_sent"] = {
                "file": name,
                "bytes": len(sent),
                "sha256": digest,
                "captured": {},
            }
            for point, ledger in ledgers.items():
                half = ledger.halves[ends]
                reset = (client, server) in ledger.reset
                if words := half.disagreement(sent, reset=reset):
                    raise RecordingError(f"{ends[0]} to {ends[1]}: {point}: {words}")
                stream[f"{who}_sent"]["captured"][point] = facts(sent, half)
        streams.append(stream)
    return streams, files


def _json(truth: dict[str, Any]) -> bytes:
    return (json.dumps(truth, indent=1) + "\n").encode()


def _replace(directory: Path, files: dict[str, bytes]) -> None:
    """Write the truth, and remove what an earlier recording left of its own."""
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("[0-9]*-*.bin*"):
        old.unlink()
    for name, content in files.items():
        (directory / name).write_bytes(content)
