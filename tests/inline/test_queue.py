"""The netfilter queue on real kernels: a host that forwards, and its queue."""

import hashlib
import socket
import struct
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
from tests.inline.test_gateway import curl, read_until_quiet, serving
from tests.inline.test_translation import replaces
from unpacket import Direction
from unpacket.errors import SourceError
from unpacket.inline import nfnetlink
from unpacket.inline.inspectors import Block
from unpacket.inline.queue import Queue

SERVER = "10.72.2.2"


@contextmanager
def host() -> Iterator[tuple[Namespace, Namespace, Namespace]]:
    """Give a client, a host that forwards, and a server."""
    with namespaces("c", "r", "s") as (client, router, server):
        for end, device, number in ((client, "left", 1), (server, "right", 2)):
            link(end, "eth0", router, device)
            end.ip("addr", "add", f"10.72.{number}.2/24", "dev", "eth0")
            router.ip("addr", "add", f"10.72.{number}.1/24", "dev", device)
            end.ip("route", "add", "default", "via", f"10.72.{number}.1")
        router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        yield client, router, server


@contextmanager
def queued(
    inspector: object,
) -> Iterator[tuple[Queue, Namespace, Namespace, Namespace]]:
    """Give a queue with its rules, and the namespaces around it."""
    with host() as (client, router, server):
        queue = Queue(inspector, 7, install=True)
        try:
            with running(router, queue):
                assert "NFQUEUE" in router.run("iptables", "-t", "raw", "-S")
                yield queue, client, router, server
        except SourceError as error:
            pytest.skip(str(error))
        assert "NFQUEUE" not in router.run("iptables", "-t", "raw", "-S")


def test_a_page_comes_through_unchanged(tmp_path: Path) -> None:
    page = bytes(range(256)) * 8000
    (tmp_path / "page").write_bytes(page)
    inspector = Recorder()
    with (
        queued(inspector) as (queue, client, _, server),
        serving(server, SERVER, tmp_path),
    ):
        wanted = hashlib.sha256(page).hexdigest()
        assert curl(client, f"http://{SERVER}:8000/page") == wanted
    assert inspector.seen[Direction.SERVER].endswith(page)
    assert not queue.engine.statistics.failures
    losses = queue.losses
    assert (losses.queue, losses.socket, losses.cut, losses.unsent) == (0, 0, 0, 0)


def test_a_word_over_three_segments_is_stopped_retransmissions_included() -> None:
    with queued(Block(b"forbidden")) as (queue, client, _, server):
        listener = server.listener(SERVER, 7)
        sender = client.connect(SERVER, 7)
        accepted, _ = listener.accept()
        with listener, sender, accepted:
            accepted.settimeout(PATIENCE_S)
            for part in (b"for", b"bid"):
                sender.sendall(part)
                assert accepted.recv(10) == part
            sender.sendall(b"den")
            assert read_until_quiet(accepted, 1.5) == b""
    dropped = queue.engine.statistics.dropped
    assert dropped["inspector"] == 1
    assert dropped["blocked"] >= 2


def test_a_longer_word_leaves_a_connection_that_goes_on() -> None:
    with queued(replaces(b"cat", b"elephant")) as (queue, client, _, server):
        listener = server.listener(SERVER, 7)
        sender = client.connect(SERVER, 7)
        accepted, _ = listener.accept()
        with listener, sender, accepted:
            for end in (sender, accepted):
                end.settimeout(PATIENCE_S)
            asked, answered = accepted.makefile("rb"), sender.makefile("rb")
            for number in range(50):
                sender.sendall(b"a cat asks %d\n" % number)
                assert asked.readline() == b"a elephant asks %d\n" % number
                accepted.sendall(b"the cat says %d\n" % number)
                assert answered.readline() == b"the elephant says %d\n" % number
            sender.shutdown(socket.SHUT_WR)
            assert asked.read() == b""
    assert not queue.engine.statistics.failures


def test_a_long_stream_with_many_edits_is_right() -> None:
    text = b"a cat and a dog, " * 40_000
    with queued(replaces(b"cat", b"tiger")) as (queue, client, _, server):
        received = carried(client, server, SERVER, text)
    assert received == text.replace(b"cat", b"tiger")
    assert not queue.engine.statistics.failures


def test_marks_are_kept() -> None:
    with queued(replaces(b"cat", b"elephant")) as (_, client, router, server):
        router.run(
            *("iptables", "-t", "raw", "-I", "PREROUTING", "-i", "left"),
            *("-j", "MARK", "--set-mark", "77"),
        )
        counted = ("-m", "mark", "--mark", "77", "-j", "ACCEPT")
        router.run("iptables", "-A", "FORWARD", "-i", "left", *counted)
        router.run("iptables", "-A", "FORWARD", "-i", "left", "-j", "DROP")
        listener = server.listener(SERVER, 7)
        sender = client.connect(SERVER, 7)
        accepted, _ = listener.accept()
        with listener, sender, accepted:
            accepted.settimeout(PATIENCE_S)
            sender.sendall(b"a cat")
            assert accepted.recv(100) == b"a elephant"
        router.run("iptables", "-F", "FORWARD")
        router.run("iptables", "-t", "raw", "-D", "PREROUTING", "1")


def test_a_queue_that_has_an_owner_says_so() -> None:
    with queued(Recorder()) as (_, _, router, _):
        with pytest.raises(SourceError, match="belongs to the process") as caught:
            router.inside(lambda: Queue(Recorder(), 7).__enter__())
        assert caught.value.path == "netfilter queue 7"


def test_several_queues_share_the_packets() -> None:
    with host() as (_, router, _):
        first = Queue(Recorder(), 4, install=True, balance=3)
        try:
            with running(router, first):
                shown = router.run("iptables", "-t", "raw", "-S")
                assert "--queue-balance 4:6" in shown
        except SourceError as error:
            pytest.skip(str(error))
        assert "NFQUEUE" not in router.run("iptables", "-t", "raw", "-S")
    with pytest.raises(ValueError, match="no 3 queues from 65534 on"):
        Queue(Recorder(), 65534, balance=3)


def test_packets_are_read_as_the_kernel_writes_them() -> None:
    header = nfnetlink.attribute(1, struct.pack(">IHB", 9, 0x800, 0))
    mark = nfnetlink.attribute(3, struct.pack(">I", 5))
    info = nfnetlink.attribute(14, struct.pack(">I", 3))
    payload = nfnetlink.attribute(10, b"abcde")
    body = b"\2\0\0\7" + header + mark + info + payload
    whole = struct.pack("=IHHII", 16 + len(body), 3 << 8, 0, 0, 0) + body
    found = list(nfnetlink.queued(whole * 2))
    assert found == [nfnetlink.Queued(9, b"abcde", 5, True, True, False)] * 2
    for length in range(len(whole)):
        list(nfnetlink.queued(whole[:length]))
