"""Streams of real kernels, captured as they pass, against the bytes exchanged."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

import pytest

import unpacket
from tests.live.network import (
    bad_wire,
    exchange,
    inside,
    ip,
    needs_capture,
    needs_networks,
    needs_tun,
    served,
    two_hosts,
)
from unpacket import Closed, Data, Direction
from unpacket.sources.source import Source

pytestmark = needs_capture

ETH_P_ALL = 3


def whole_streams(
    source: Source, act: Callable[[], Any], **options: Any
) -> list[unpacket.WholeStream]:
    """Return what is captured while ``act`` acts, and until nothing more comes."""

    def run() -> None:
        try:
            act()
        finally:
            # What is left comes within two times out of a block.
            time.sleep(0.3)
            source.stop()

    thread = threading.Thread(target=run)
    with source:
        thread.start()
        try:
            return list(unpacket.streams(source, **options))
        finally:
            thread.join()


def by_port(
    streams: list[unpacket.WholeStream], port: int
) -> list[unpacket.WholeStream]:
    return [one for one in streams if port in (one.client.port, one.server.port)]


class Exchange:
    """A request and a response of random bytes, once through a network."""

    def __init__(self, seed: int, request: int, response: int) -> None:
        made = random.Random(seed)
        self.request = made.randbytes(request)
        self.response = made.randbytes(response)
        self.port = 0
        self.read: tuple[bytes, bytes] = (b"", b"")

    def __call__(self, client: socket.socket, server: socket.socket) -> None:
        self.port = client.getsockname()[1]
        self.read = exchange(client, server, self.request, self.response)

    def check(self, streams: list[unpacket.WholeStream]) -> unpacket.WholeStream:
        (stream,) = by_port(streams, self.port)
        assert self.read == (self.response, self.request)
        assert stream.client_data == self.request
        assert stream.server_data == self.response
        assert stream.client.port == self.port
        assert not stream.gaps[0]
        assert not stream.gaps[1]
        return stream


@pytest.mark.parametrize("interface", ["lo", "any"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_what_two_programs_say_to_each_other(interface: str, address: str) -> None:
    talk = Exchange(1, 300_000, 1_000_000)
    source = unpacket.live(interface, filter="tcp")
    streams = whole_streams(source, lambda: served(None, None, address, talk))
    stream = talk.check(streams)
    assert stream.complete
    assert stream.close_reason == "fin"
    # lo shows each frame when it is sent and when it comes. Two equal acknowledgements
    # of IPv6 look like one, since it does not number packets, and a kernel that waits
    # for the processor sends some things again.
    copies = sum(stream.duplicates)
    assert copies == 0 if address == "127.0.0.1" else 5 * copies < sum(stream.packets)
    assert 5 * sum(stream.retransmissions) < sum(stream.packets)
    assert stream.capture_drops == 0


def test_a_name_of_an_interface_is_a_source_for_every_face() -> None:
    talk = Exchange(2, 10, 20)

    def act() -> None:
        time.sleep(0.2)
        served(None, None, "127.0.0.1", talk)

    thread = threading.Thread(target=act)
    thread.start()
    got: dict[Direction, bytes] = {}
    for event in unpacket.events("lo", bpf="tcp"):
        if isinstance(event, Data) and talk.port in (
            event.stream.client.port,
            event.stream.server.port,
        ):
            got[event.direction] = got.get(event.direction, b"") + event.payload
        if isinstance(event, Closed) and event.stream.client.port == talk.port:
            break
    thread.join()
    assert got == {Direction.CLIENT: talk.request, Direction.SERVER: talk.response}


def test_an_event_loop_is_not_blocked_by_a_quiet_interface() -> None:
    async def run() -> int:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            for _ in range(5):
                await asyncio.sleep(0.01)
                ticks += 1

        async def take() -> None:
            # Nobody has that port of the documentation's.
            async for _ in unpacket.events_async(
                "lo", bpf="tcp port 9 and host 192.0.2.1"
            ):
                pass

        taking = asyncio.create_task(take())
        await tick()
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        return ticks

    assert asyncio.run(run()) == 5


def test_a_follower_is_fed_an_interface() -> None:
    talk = Exchange(3, 1000, 50_000)
    source = unpacket.live("lo", filter="tcp")
    follower = unpacket.StreamFollower()
    got = {"client": b"", "server": b"", "closed": 0}

    @follower.on_new_stream
    def new(stream: unpacket.FollowedStream) -> None:
        if talk.port != stream.client.port:
            return

        @stream.on_client_data
        def client(stream: Any, payload: bytes) -> None:
            got["client"] += payload  # type: ignore[operator]

        @stream.on_server_data
        def server(stream: Any, payload: bytes) -> None:
            got["server"] += payload  # type: ignore[operator]

        @stream.on_closed
        def closed(stream: Any) -> None:
            got["closed"] += 1  # type: ignore[operator]
            source.stop()

    def act() -> None:
        served(None, None, "127.0.0.1", talk)

    thread = threading.Thread(target=act)
    thread.start()
    with source:
        follower.feed(source)
    thread.join()
    assert got == {"client": talk.request, "server": talk.response, "closed": 1}


def test_time_passes_without_packets() -> None:
    policy = unpacket.Policy(half_open_timeout_s=0.3)
    with socket.socket() as refuser:
        # Bound and deaf: the kernel answers with RST, which the filter takes out.
        refuser.bind(("127.0.0.1", 0))
        port = refuser.getsockname()[1]
        source = unpacket.live("lo", filter=f"tcp dst port {port}")
        with source, socket.socket() as client:
            client.connect_ex(("127.0.0.1", port))
            for event in unpacket.events(source, policy=policy):
                if isinstance(event, Closed):
                    assert event.reason == "timeout"
                    break


@pytest.mark.parametrize("direction", ["in", "out"])
@needs_networks
def test_only_one_direction(direction: Literal["in", "out"]) -> None:
    talk = Exchange(4, 5000, 7000)
    with two_hosts() as (a, b):
        with inside(a):
            source = unpacket.live("eth0", filter="tcp", direction=direction)
        streams = whole_streams(source, lambda: served(a, b, "10.99.0.2", talk))
    (stream,) = by_port(streams, talk.port)
    assert stream.packets[0 if direction == "in" else 1] == 0
    sent = stream.client_data if direction == "out" else stream.server_data
    assert sent == (talk.request if direction == "out" else talk.response)


@pytest.mark.parametrize("address", ["10.99.0.2", "fd99::2"])
@needs_networks
def test_segments_larger_than_frames_with_sums_to_come(address: str) -> None:
    talk = Exchange(5, 4_000_000, 4_000_000)
    with two_hosts() as (a, b):
        with inside(b):
            source = unpacket.live("eth0", filter="tcp")
        longest = 0
        flags = 0

        def watch(batch: unpacket.Batch) -> None:
            nonlocal longest, flags
            for i in range(batch.count):
                longest = max(longest, batch.captured[i])
                flags |= batch.flags[i]

        streams = whole_streams(
            Watched(source, watch), lambda: served(a, b, address, talk)
        )
    stream = talk.check(streams)
    assert stream.rejected == {}
    assert stream.capture_drops == 0
    # Or there is nothing to show here: the kernel sums and cuts by itself.
    assert longest > 9000
    assert flags & 0x200


class Watched(Source):
    """Another source, of which somebody sees each batch."""

    def __init__(self, source: Source, watch: Callable[[unpacket.Batch], None]) -> None:
        super().__init__(source.path)
        self._source = source
        self._watch = watch

    @property
    def bytes_read(self) -> int:
        return self._source.bytes_read

    @property
    def total_bytes(self) -> int | None:
        return None

    @property
    def live(self) -> Any:
        return self._source.live

    def __next__(self) -> unpacket.Batch:
        batch = next(self._source)
        self._watch(batch)
        return batch

    def stop(self) -> None:
        self._source.stop()

    def close(self) -> None:
        self._source.close()


@needs_tun
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_wire_that_loses_repeats_and_reorders(seed: int) -> None:
    talk = Exchange(seed, 400_000, 700_000)
    with bad_wire(seed, loss=0.02, copies=0.01, late=0.03) as (a, b, wire):
        with inside(b):
            # No header at all: frames of a TUN device begin with IP.
            source = unpacket.live("tun0", filter="tcp")
        assert source.interfaces[0].link_type == 101
        streams = whole_streams(source, lambda: served(a, b, "10.98.0.2", talk))
    stream = talk.check(streams)
    assert wire.counts["lost"] and wire.counts["copied"] and wire.counts["late"]
    assert sum(stream.retransmissions) + sum(stream.duplicates) > 0


def tagged(tag: bytes, octets: bytes) -> bytes:
    return octets[:12] + tag + octets[12:]


@needs_networks
@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        pytest.param(b"\x81\x00\x00\x2a", "eth/vlan:42/ip/tcp", id="one"),
        pytest.param(b"\x81\x00\xe0\x00", "eth/vlan:0/ip/tcp", id="a priority alone"),
        pytest.param(
            b"\x88\xa8\x00\x07\x81\x00\x00\x2a",
            "eth/vlan:7/vlan:42/ip/tcp",
            id="two",
        ),
    ],
)
@pytest.mark.parametrize("interface", ["eth0", "any"])
def test_tags_that_the_kernel_took_off(
    tag: bytes, expected: str, interface: str
) -> None:
    from tests.builder import Conversation

    talk = Conversation()
    talk.handshake()
    talk.client(1, b"question")
    talk.server(1, b"answer")
    with two_hosts() as (a, b):
        with inside(b):
            # The kernel has the tags elsewhere than a filter looks for them.
            chosen = None if interface == "any" else "vlan"
            source = unpacket.live(interface, filter=chosen, direction="in")

        def act() -> None:
            with (
                inside(a),
                socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender,
            ):
                sender.bind(("eth0", 0))
                for frame in talk.frames:
                    sender.send(tagged(tag, frame.data))

        streams = whole_streams(source, act)
    (stream,) = by_port(streams, talk.ends[0][1])
    assert stream.client_data == b"question"
    assert stream.server_data == b"answer"
    if interface == "any":
        expected = expected.replace("eth", "sll2")
    assert stream.path == expected


@needs_networks
def test_an_interface_that_is_down_for_a_while_goes_on() -> None:
    talk = Exchange(6, 100, 100)
    with two_hosts() as (a, b):
        with inside(a):
            source = unpacket.live("eth0", filter="tcp and net 10.99.0.0/24")

        def act() -> None:
            ip("-n", a, "link", "set", "eth0", "down")
            time.sleep(0.3)
            ip("-n", a, "link", "set", "eth0", "up")
            served(a, b, "10.99.0.2", talk)

        talk.check(whole_streams(source, act))
