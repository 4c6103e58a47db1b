"""The gateway on real kernels: a client's and a server's namespace, and it between."""

import hashlib
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.inline.ends import Recorder
from tests.inline.namespaces import (
    PATIENCE_S,
    Namespace,
    carried,
    link,
    namespaces,
    running,
)
from tests.inline.test_translation import replaces
from unpacket import Direction
from unpacket.errors import SourceError
from unpacket.inline.gateway import Gateway
from unpacket.inline.inspectors import Block
from unpacket.inline.routing import HostRoutes

CLIENT, SERVER = "10.71.1.1", "10.71.2.1"
CLIENT_6, SERVER_6 = "fd71:1::1", "fd71:2::1"


@contextmanager
def between(
    inspector: object, *, offload: bool = False
) -> Iterator[tuple[Gateway, Namespace, Namespace]]:
    """Give a gateway, and the namespaces on its two sides."""
    with namespaces("c", "r", "s") as (client, router, server):
        gateway = Gateway(inspector, "unp0", "unp1", offload=offload)
        try:
            with running(router, gateway):
                ends = (
                    (client, "unp0", CLIENT, CLIENT_6),
                    (server, "unp1", SERVER, SERVER_6),
                )
                for end, device, four, six in ends:
                    router.ip("link", "set", device, "netns", end.name)
                    end.ip("addr", "add", four, "dev", device)
                    end.ip("link", "set", device, "up")
                    end.ip("-6", "addr", "add", six, "dev", device)
                    end.ip("route", "add", "default", "dev", device)
                    end.ip("-6", "route", "add", "default", "dev", device)
                yield gateway, client, server
        except SourceError as error:
            pytest.skip(str(error))


@contextmanager
def serving(where: Namespace, address: str, folder: Path) -> Iterator[None]:
    """Serve a folder by HTTP, with Python's own server."""
    command = (sys.executable, "-m", "http.server", "8000", "--bind", address)
    server = where.start(*command, cwd=folder)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                where.connect(address, 8000).close()
            except OSError:
                time.sleep(0.05)
            else:
                break
        yield
    finally:
        server.kill()
        server.communicate()


def curl(where: Namespace, url: str) -> str:
    """Return the digest of a page, as curl gets it."""
    command = f"curl -sS --max-time {PATIENCE_S} '{url}' | sha256sum"
    return where.run("sh", "-c", command).split()[0]


def read_until_quiet(reader: socket.socket, seconds: float) -> bytes:
    """Return what a socket gives until nothing comes for a time."""
    reader.settimeout(seconds)
    data = b""
    try:
        while chunk := reader.recv(1 << 16):
            data += chunk
    except TimeoutError:
        pass
    return data


@pytest.mark.parametrize("offload", [False, True], ids=["plain", "offload"])
def test_a_page_comes_through_unchanged(tmp_path: Path, offload: bool) -> None:
    page = bytes(range(256)) * 4000
    (tmp_path / "page").write_bytes(page)
    inspector = Recorder()
    with (
        between(inspector, offload=offload) as (gateway, client, server),
        serving(server, SERVER, tmp_path),
    ):
        wanted = hashlib.sha256(page).hexdigest()
        assert curl(client, f"http://{SERVER}:8000/page") == wanted
    assert inspector.seen[Direction.SERVER].endswith(page)
    assert inspector.seen[Direction.CLIENT].startswith(b"GET /page")
    assert not gateway.engine.statistics.failures
    assert not gateway.lost


def test_ipv6_and_other_protocols_come_through(tmp_path: Path) -> None:
    (tmp_path / "page").write_bytes(b"a page")
    with (
        between(Recorder()) as (_, client, server),
        serving(server, SERVER_6, tmp_path),
    ):
        wanted = hashlib.sha256(b"a page").hexdigest()
        assert curl(client, f"http://[{SERVER_6}]:8000/page") == wanted

        def udp(family: int) -> socket.socket:
            made = socket.socket(family, socket.SOCK_DGRAM)
            made.settimeout(PATIENCE_S)
            return made

        receiver = server.inside(lambda: udp(socket.AF_INET))
        receiver.bind((SERVER, 9))
        with receiver, client.inside(lambda: udp(socket.AF_INET)) as sender:
            # Larger than the devices: in fragments.
            sender.sendto(b"u" * 4000, (SERVER, 9))
            assert receiver.recv(5000) == b"u" * 4000


def test_a_word_over_three_segments_is_stopped_retransmissions_included() -> None:
    inspector = Block(b"forbidden")
    with between(inspector) as (gateway, client, server):
        listener = server.listener(SERVER, 7)
        sender = client.connect(SERVER, 7)
        accepted, _ = listener.accept()
        with listener, sender, accepted:
            accepted.settimeout(PATIENCE_S)
            for part in (b"for", b"bid"):
                sender.sendall(part)
                assert accepted.recv(10) == part
            sender.sendall(b"den")
            # The kernel tries again after 0.2, 0.4 and 0.8 s.
            assert read_until_quiet(accepted, 1.5) == b""
            # The other direction is not touched.
            accepted.sendall(b"answer")
            assert sender.recv(10) == b"answer"
    dropped = gateway.engine.statistics.dropped
    assert dropped["inspector"] == 1
    assert dropped["blocked"] >= 2


@pytest.mark.parametrize("offload", [False, True], ids=["plain", "offload"])
def test_a_longer_word_leaves_a_connection_that_goes_on(offload: bool) -> None:
    inspector = replaces(b"cat", b"elephant")
    with between(inspector, offload=offload) as (gateway, client, server):
        listener = server.listener(SERVER, 7)
        sender = client.connect(SERVER, 7)
        accepted, _ = listener.accept()
        with listener, sender, accepted:
            for end in (sender, accepted):
                end.settimeout(PATIENCE_S)
            asked, answered = accepted.makefile("rb"), sender.makefile("rb")
            for number in range(100):
                sender.sendall(b"a cat asks %d\n" % number)
                assert asked.readline() == b"a elephant asks %d\n" % number
                accepted.sendall(b"the cat says %d\n" % number)
                assert answered.readline() == b"the elephant says %d\n" % number
            sender.shutdown(socket.SHUT_WR)
            assert asked.read() == b""
            accepted.close()
            asked.close()
            assert answered.read() == b""
    assert not gateway.engine.statistics.failures


@pytest.mark.parametrize("offload", [False, True], ids=["plain", "offload"])
@pytest.mark.parametrize("other", [b"tiger", b"x"])
def test_a_long_stream_with_many_edits_is_right(offload: bool, other: bytes) -> None:
    text = b"a cat and a dog, " * 40_000
    inspector = replaces(b"cat", other)
    with between(inspector, offload=offload) as (gateway, client, server):
        received = carried(client, server, SERVER, text)
    assert received == text.replace(b"cat", other)
    assert not gateway.engine.statistics.failures


def loses(where: Namespace, chain: str) -> None:
    """Let a namespace lose one packet in fifty."""
    rule = ("-m", "statistic", "--mode", "random", "--probability", "0.02")
    try:
        where.run("iptables", "-A", chain, *rule, "-j", "DROP")
    except (AssertionError, FileNotFoundError) as error:
        pytest.skip(f"no loss to be had: {error}")


@pytest.mark.parametrize("chain", ["INPUT", "OUTPUT"])
@pytest.mark.parametrize("edited", [False, True], ids=["as it is", "edited"])
def test_a_lossy_way_is_got_through(chain: str, edited: bool) -> None:
    text = b"a cat and a dog, " * 60_000
    inspector = replaces(b"cat", b"tiger" if edited else b"cat")
    with between(inspector) as (gateway, client, server):
        # Behind the gateway, and before it.
        loses(server if chain == "INPUT" else client, chain)
        received = carried(client, server, SERVER, text)
    assert received == (text.replace(b"cat", b"tiger") if edited else text)
    assert not gateway.engine.statistics.failures


@pytest.mark.parametrize("version", [4, 6])
def test_clients_of_a_host_are_led_through(tmp_path: Path, version: int) -> None:
    page = b"a page " * 20_000
    (tmp_path / "page").write_bytes(page)
    net, bits = ("10.71.{}.{}", 24) if version == 4 else ("fd71:{}::{}", 64)
    with namespaces("c", "r", "s") as (client, router, server):
        link(client, "eth0", router, "clients")
        link(server, "eth0", router, "uplink")
        ip = f"-{version}"
        for end, number in ((client, 1), (server, 2)):
            end.ip(ip, "addr", "add", f"{net.format(number, 2)}/{bits}", "dev", "eth0")
        client.ip(ip, "route", "add", "default", "via", net.format(1, 1))
        router.ip(ip, "addr", "add", f"{net.format(1, 1)}/{bits}", "dev", "clients")
        router.ip(ip, "addr", "add", f"{net.format(2, 1)}/{bits}", "dev", "uplink")
        address = net.format(2, 2)
        inspector = Recorder()
        clients = f"{net.format(1, 0)}/{bits}"
        routes = HostRoutes("clients", (clients,))
        gateway = Gateway(inspector, "unp0", "unp1", routes=routes)
        before = state_of(router)
        try:
            with running(router, gateway), serving(server, address, tmp_path):
                shown = f"[{address}]" if version == 6 else address
                wanted = hashlib.sha256(page).hexdigest()
                assert curl(client, f"http://{shown}:8000/page") == wanted
                listener = server.listener(address, 7)
                sender = client.connect(address, 7)
                accepted, peer = listener.accept()
                # The server sees the host's address.
                assert peer[0] == net.format(2, 1)
                for opened in (listener, sender, accepted):
                    opened.close()
        except SourceError as error:
            pytest.skip(str(error))
        assert inspector.seen[Direction.SERVER].endswith(page)
        # All is as it was.
        assert state_of(router) == before


def state_of(where: Namespace) -> list[str]:
    """Return rules and settings of a host."""
    found = [where.run("ip", f"-{n}", "rule") for n in (4, 6)]
    for program in ("iptables", "ip6tables"):
        for table in ("raw", "filter", "nat"):
            lines = where.run(program, "-t", table, "-S", check=False).splitlines()
            found += [line for line in lines if not line.startswith("-P")]
    found.append(where.run("sysctl", "net.ipv4.ip_forward"))
    found.append(where.run("sysctl", "net.ipv6.conf.all.forwarding"))
    return found
