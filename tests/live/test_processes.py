"""Whose process an end of a stream is: of real programs, and what the kernel says."""

from __future__ import annotations

import contextlib
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import unpacket
from tests.live.network import needs_capture
from unpacket import Endpoint
from unpacket.query.parser import Where
from unpacket.records.facts import PROCESS_SOURCES
from unpacket.sources.live.connects import Connections
from unpacket.sources.live.losses import Losses
from unpacket.sources.live.owners import Owners, Process
from unpacket.sources.live.proc import process_of, sockets, unit_of
from unpacket.sources.live.processes import Processes
from unpacket.sources.live.sock_diag import LISTEN, SocketDiagnosis
from unpacket.sources.live.tracefs import TraceInstance, opened_root

LIMIT_S = 60
# What connects, says a word, waits for one, and is gone after so many seconds.
CLIENT = """
import socket, sys, time
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as end:
    end.sendall(b"ask")
    end.recv(10)
    time.sleep(float(sys.argv[3]))
"""
SERVER = """
import os, socket, sys
listener = socket.create_server((sys.argv[1], 0), family=socket.AF_INET6
    if ":" in sys.argv[1] else socket.AF_INET)
print(listener.getsockname()[1], flush=True)
for _ in range(int(sys.argv[2])):
    if os.fork() == 0:
        break
while True:
    end, _ = listener.accept()
    end.recv(10)
    end.sendall(b"answer")
    end.recv(10)
    end.close()
"""

HEX = "skaddr={socket} (1) oldstate={old} (7) newstate={new} (2) sport={port} (0) "
HEX += "dport={other} (1) family={family} (2) protocol=0x6 (6) saddr={own} (1) "
HEX += "daddr={target} (1) saddr_v6=<INVALID-SIZE> daddr_v6=<INVALID-SIZE>"


def has_trace_events() -> bool:
    try:
        TraceInstance("sock/inet_sock_set_state", "protocol==6").close()
    except OSError:
        return False
    return True


needs_trace = pytest.mark.skipif(
    not has_trace_events(), reason="this process may not use the kernel's trace events"
)


@contextlib.contextmanager
def serving(address: str, forks: int = 0) -> Iterator[tuple[int, int]]:
    """Run a server; give its port and its process."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, address, str(forks)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.communicate()


def clients(address: str, port: int, count: int, lives_s: float) -> list[int]:
    """Run clients one after the other, and return their processes."""
    pids = []
    for _ in range(count):
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", CLIENT, address, str(port), str(lives_s)]
        )
        pids.append(process.pid)
        process.wait(LIMIT_S)
    return pids


def captured(
    address: str, count: int, lives_s: float, *, connects: bool, forks: int = 0
) -> tuple[list[unpacket.Summary], list[int], int]:
    """Return streams of clients, their processes, and that of the server."""
    pids: list[int] = []
    with serving(address, forks) as (port, server):
        source = unpacket.live("lo", filter=f"tcp port {port}")
        known = source.live
        assert known is not None
        known.processes = Processes(connects=connects)

        def run() -> None:
            pids.extend(clients(address, port, count, lives_s))
            time.sleep(0.3)
            source.stop()

        thread = threading.Thread(target=run)
        with source:
            thread.start()
            found = list(unpacket.summaries(source))
            thread.join()
    return found, pids, server


@needs_capture
@needs_trace
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("lives_s", [0, 0.01])
def test_sockets_that_live_for_milliseconds(address: str, lives_s: float) -> None:
    found, pids, server = captured(address, 10, lives_s, connects=True)
    assert [one.client_process.pid for one in found] == pids
    for one in found:
        assert one.client_process.name.startswith("python")
        # What is gone at once may have no command line any more.
        assert not lives_s or address in one.client_process.command.split()
        assert one.server_process.pid == server
        assert one.process_source is not None
        assert set(one.process_source.split("+")) <= set(PROCESS_SOURCES)


@needs_capture
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_without_trace_events_sockets_are_looked_for(address: str) -> None:
    found, pids, server = captured(address, 3, 0.5, connects=False)
    assert [one.client_process.pid for one in found] == pids
    assert {one.server_process.pid for one in found} == {server}
    assert {one.process_source for one in found} <= {"socket+listener", "socket"}


@needs_capture
def test_of_several_that_listen_the_one_that_accepted_is_named() -> None:
    found, _, _ = captured("127.0.0.1", 3, 1, connects=False, forks=3)
    for one in found:
        assert one.to_dict()["server"]["process_source"] == "socket"


@needs_capture
def test_what_is_known_can_be_asked_for_and_copied() -> None:
    found, pids, server = captured("127.0.0.1", 1, 0.5, connects=False)
    (one,) = found
    name = process_of(os.getpid())
    assert name is not None
    record = one.to_dict()
    assert record["client"]["pid"] == pids[0]
    assert record["server"]["pid"] == server
    assert record["client"]["user"] == name.user
    process = record["client"]["process"]
    for expression, holds in (
        (f"process == '{process}'", True),
        (f"client.pid == {pids[0]}", True),
        ("server.process == 'no such program'", False),
        ("capture_drops > 0", False),
        (f"user == '{name.user}'", True),
    ):
        assert Where(expression).matches(one) is holds, expression
    copy = pickle.loads(pickle.dumps(one))
    assert copy.to_json() == one.to_json()
    assert copy.client_process == one.client_process


def test_a_capture_in_a_file_knows_no_processes() -> None:
    from tests.builder import Conversation

    talk = Conversation()
    talk.handshake()
    (one,) = unpacket.summaries(talk.packets)
    assert one.client_process is None
    assert one.server_process is None
    assert one.process_source is None
    assert one.capture_drops is None
    assert "process" not in one.to_json()
    for expression in ("process == 'curl'", "pid > 0", "capture_drops == 0"):
        assert not Where(expression).matches(one)
        assert Where(f"not {expression}").matches(one)


def line(
    name: str = "curl",
    thread: int = 7,
    *,
    key: str = "0xffff888108eea500",
    old: int = 7,
    new: int = 2,
    port: int = 0,
    other: int = 80,
    own: str = "10.0.0.1",
    target: str = "10.0.0.2",
    family: int = socket.AF_INET,
) -> bytes:
    numbers = {
        "socket": key,
        "old": hex(old),
        "new": hex(new),
        "port": hex(port),
        "other": hex(other),
        "family": hex(family),
        "own": hex(int.from_bytes(socket.inet_aton(own), sys.byteorder)),
        "target": hex(int.from_bytes(socket.inet_aton(target), sys.byteorder)),
    }
    head = f"{name:>16}-{thread:<7} [001] ..... 13706.039692: inet_sock_set_state: "
    return (head + HEX.format(**numbers)).encode()


def known(number: int, name: str) -> Process:
    return Process(number, name, "", "", "")


def test_a_connection_is_joined_by_its_socket() -> None:
    table = Connections()
    table.take(line("curl", 7, key="0x1"), known)
    table.take(line("wget", 8, key="0x2"), known)
    # Two to the same place, and no port of their own yet: it may be either.
    assert table.find("10.0.0.1", 1000, "10.0.0.2", 80) is None
    # In whatever thread that happens.
    table.take(line("swapper", 0, key="0x1", old=2, new=1, port=1000), known)
    table.take(line("swapper", 0, key="0x2", old=2, new=7, port=2000), known)
    assert table.find("10.0.0.1", 1000, "10.0.0.2", 80) == known(7, "curl")
    assert table.find("10.0.0.1", 2000, "10.0.0.2", 80) == known(8, "wget")
    assert table.find("10.0.0.2", 80, "10.0.0.1", 1000) is None


def test_a_connection_that_waits_for_its_answer_is_known_where_there_is_one() -> None:
    table = Connections()
    table.take(line("my prog-1", 7), known)
    assert table.find("10.0.0.1", 1000, "10.0.0.2", 80) == known(7, "my prog-1")
    assert table.find("10.0.0.1", 1000, "10.0.0.2", 81) is None


def test_addresses_of_ipv6_are_known_by_their_ports() -> None:
    nowhere = {"own": "0.0.0.0", "target": "0.0.0.0", "family": socket.AF_INET6}
    table = Connections()
    table.take(line(key="0x1", **nowhere), known)  # type: ignore[arg-type]
    table.take(line(key="0x1", old=2, new=1, port=9, **nowhere), known)  # type: ignore[arg-type]
    assert table.find("2001:db8::1", 9, "2001:db8::2", 80) == known(7, "curl")


@given(st.lists(st.binary(max_size=200) | st.just(line()), max_size=9))
def test_any_line_is_taken_without_an_error(lines: list[bytes]) -> None:
    table = Connections()
    for one in lines:
        table.take(one, known)


@pytest.mark.parametrize(
    ("groups", "unit"),
    [
        pytest.param("0::/\n", "", id="no group"),
        pytest.param("0::/system.slice/nginx.service\n", "nginx.service", id="unit"),
        pytest.param(
            "0::/user.slice/user-1000.slice/session-2.scope\n",
            "session-2.scope",
            id="session",
        ),
        pytest.param(
            f"0::/system.slice/docker-{'ab' * 32}.scope\n",
            "docker:abababababab",
            id="docker",
        ),
        pytest.param(
            f"12:pids:/docker/{'01' * 32}\n0::/\n", "container:010101010101", id="v1"
        ),
        pytest.param(
            f"0::/kubepods.slice/pod1.slice/cri-containerd-{'f0' * 32}.scope\n",
            "containerd:f0f0f0f0f0f0",
            id="kubernetes",
        ),
    ],
)
def test_units_and_containers(groups: str, unit: str) -> None:
    assert unit_of(groups) == unit


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="there is no /proc")
def test_the_kernel_and_proc_know_the_sockets_of_this_process() -> None:
    diagnosis = SocketDiagnosis()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with socket.create_connection(address) as client:
            server, _ = listener.accept()
            with server:
                own = client.getsockname()
                for end, ends in (
                    (client, (*own, *address)),
                    (server, (*address, *own)),
                ):
                    found = diagnosis.find(*ends)
                    assert found is not None
                    assert found.inode == os.fstat(end.fileno()).st_ino
                    assert os.getpid() in sockets()[found.inode]
        inode = os.fstat(listener.fileno()).st_ino
        assert inode in [one.inode for one in diagnosis.listeners()]
        found = diagnosis.find(address[0], address[1], "127.0.0.1", 1)
        assert found is not None
        assert (found.state, found.inode) == (LISTEN, inode)
    assert diagnosis.find("192.0.2.1", 1, "192.0.2.2", 2) is None
    diagnosis.close()


def test_an_end_elsewhere_has_no_owner() -> None:
    finder = Processes(connects=False)
    owners = finder.owners_of(Endpoint("192.0.2.7", 1), Endpoint("192.0.2.8", 2))
    finder.look_again()
    assert [one.processes for one in owners] == [(), ()]
    finder.close()


def test_the_names_of_several_owners_are_all_there() -> None:
    owners = Owners((known(1, "a"), known(2, "b"), known(3, "a")), "listener")
    assert owners.names == "a,b"
    assert owners.first == known(1, "a")
    assert owners.shown == "a[1],b[2],a[3]"
    assert Owners((known(1, "\x1b[2Ja"),)).shown == "[2Ja[1]"
    assert Owners().names is None


@needs_trace
def test_the_instance_is_gone_afterwards() -> None:
    trace = TraceInstance("sock/inet_sock_set_state", "protocol==6")
    trace.close()
    trace.close()
    # The same name again.
    TraceInstance("sock/inet_sock_set_state", "protocol==6").close()


@needs_trace
@pytest.mark.parametrize("ends", ["os._exit(0)", "sys.exit()"])
def test_nothing_is_left_of_a_process_that_ended(ends: str) -> None:
    code = (
        "import os, sys\n"
        "from unpacket.sources.live.connects import Connects\n"
        f"connects = Connects()\n{ends}\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    assert process.wait(LIMIT_S) == 0
    if ends == "os._exit(0)":
        TraceInstance("sock/inet_sock_set_state", "protocol==6").close()
    root = opened_root()
    try:
        folder = os.open("instances", os.O_RDONLY, dir_fd=root)
        names = os.listdir(folder)
        os.close(folder)
    finally:
        os.close(root)
    assert not [one for one in names if one.startswith(f"unpacket-{process.pid}-")]


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.integers(0, 9), st.integers(1, 9)), max_size=20
    ),
    st.integers(-5, 600),
    st.integers(0, 50),
)
def test_losses_are_found_by_their_time(
    steps: list[tuple[int, int, int]], start: int, length: int
) -> None:
    losses = Losses()
    at = 0
    model = []
    for quiet, lasted, packets in steps:
        begun, at = at + quiet, at + quiet + lasted
        losses.add(begun, at, packets)
        model.append((begun, at, packets))
    assert losses.packets == sum(packets for *_, packets in model)
    assert sum(one.packets for one in losses.intervals()) == losses.packets
    # Intervals that touch are one; nothing is left out because of it.
    least = sum(n for a, b, n in model if a <= start + length and b >= start)
    assert losses.between(start, start + length) >= least
    if not least:
        touching = losses.between(start, start + length)
        assert touching in (0, *{one.packets for one in losses.intervals()})


def test_no_more_losses_are_kept_than_there_is_room_for() -> None:
    losses = Losses()
    for number in range(10_000):
        losses.add(10 * number, 10 * number + 1, 1)
    assert len(losses.intervals()) <= 4096
    assert losses.packets == 10_000
    assert losses.between(0, 100_000) == 10_000
