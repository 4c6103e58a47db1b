"""The ring of the kernel: what comes of it, what it loses, what it refuses."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import time
from typing import Any

import pytest

import unpacket
from tests.live.network import (
    inside,
    ip,
    needs_capture,
    needs_networks,
    two_hosts,
)
from unpacket import SourceError

pytestmark = needs_capture


def test_one_packet_comes_without_others_behind_it() -> None:
    with (
        unpacket.live("lo", filter="udp port 9") as source,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        sender.sendto(b"alone", ("127.0.0.1", 9))
        for batch in source:
            if batch.count:
                break
        number, time_ns, link_type, original, octets = batch.frame(0)
        assert (number, link_type) == (1, 1)
        assert octets.endswith(b"alone")
        assert original == len(octets)
        assert abs(time.time_ns() - time_ns) < 60 * 10**9


def test_what_the_ring_has_no_room_for_is_counted_for_the_streams_of_that_time() -> (
    None
):
    with (
        unpacket.live("lo", filter="udp port 9", ring_bytes=2 << 20) as source,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        next(source)
        before_ns = time.time_ns()
        for _ in range(400):
            sender.sendto(bytes(32_000), ("127.0.0.1", 9))
        after_ns = time.time_ns()
        given = 0
        while batch := next(source):
            given += batch.count
        known: Any = source.live
        counted = known.statistics
        assert counted.received == 400
        assert counted.given == given
        assert counted.dropped == 400 - given > 0
        assert source.notes.dropped == counted.dropped
        assert known.losses.packets == counted.dropped
        assert known.losses.between(before_ns, after_ns) == counted.dropped
        assert known.losses.between(0, before_ns - 10**9) == 0


def test_the_end_comes_with_all_that_came_before_it() -> None:
    with (
        unpacket.live("lo", filter="udp port 9") as source,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        for number in range(50):
            sender.sendto(struct.pack("!I", number), ("127.0.0.1", 9))
        source.stop()
        sender.sendto(b"late", ("127.0.0.1", 9))
        octets = [
            batch.frame(i)[-1][-4:] for batch in source for i in range(batch.count)
        ]
    assert octets == [struct.pack("!I", number) for number in range(50)]


def test_a_batch_may_be_kept() -> None:
    kept = []
    with (
        unpacket.live("lo", filter="udp port 9", ring_bytes=2 << 20) as source,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        for number in range(40):
            sender.sendto(struct.pack("!I", number) * 10, ("127.0.0.1", 9))
            while not (batch := next(source)).count:
                pass
            kept.append(batch)
            del batch
    octets = [batch.frame(0)[-1][-4:] for batch in kept]
    assert octets == [struct.pack("!I", number) for number in range(40)]


def test_only_the_beginning_of_frames() -> None:
    with (
        unpacket.live("lo", filter="udp port 9", snaplen=60) as source,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        sender.sendto(bytes(1000), ("127.0.0.1", 9))
        while not (batch := next(source)).count:
            pass
        assert batch.captured[0] == 60
        assert batch.original[0] == 1042


def test_two_processes_share_what_comes() -> None:
    group = os.getpid() & 0xFFFF
    sources = [unpacket.live("lo", filter="udp", fanout=group) for _ in range(2)]
    with sources[0], sources[1], socket.socket(type=socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        for _ in range(100):
            with socket.socket(type=socket.SOCK_DGRAM) as sender:
                sender.sendto(b"shared", sink.getsockname())
        counts = []
        for source in sources:
            source.stop()
            counts.append(
                sum(
                    batch.frame(i)[-1].endswith(b"shared")
                    for batch in source
                    for i in range(batch.count)
                )
            )
    assert sum(counts) == 100
    assert min(counts) > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"interface": "eth99"}, "no such interface", id="a name"),
        pytest.param({"interface": "\0"}, "no such interface", id="a NUL"),
        pytest.param({"interface": 3}, "not an int: 3", id="a number"),
        pytest.param({"snaplen": -1}, "snaplen must be from 0 to 524288", id="snaplen"),
        pytest.param({"ring_bytes": 1}, "ring_bytes must be from 2 MiB", id="ring"),
        pytest.param(
            {"direction": "up"},
            "direction must be one of in, out, both",
            id="direction",
        ),
        pytest.param(
            {"fanout": 1 << 16}, "fanout must be from 0 to 65535", id="fanout"
        ),
        pytest.param(
            {"fanout": (1, "x")}, "mode of fanout must be one of", id="mode of fanout"
        ),
        pytest.param({"filter": "tcp and"}, "cannot be used", id="filter"),
        pytest.param(
            {"interface": "any", "filter": "vlan 3"},
            "cannot be asked about it: libpcap says",
            id="filter of tags on any",
        ),
        pytest.param(
            {"promiscuous": True}, "promiscuous needs one interface", id="any"
        ),
    ],
)
def test_what_cannot_be(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((SourceError, ValueError, TypeError), match=message):
        unpacket.live(**arguments)


@needs_networks
def test_an_interface_that_goes_away_ends_with_an_error() -> None:
    with two_hosts() as (a, _):
        with inside(a):
            source = unpacket.live("eth0")
        ip("-n", a, "link", "del", "eth0")
        with source, pytest.raises(SourceError, match="the interface is gone"):
            for _ in source:
                pass


@needs_networks
def test_an_interface_is_promiscuous_as_long_as_it_is_captured_on() -> None:
    with two_hosts() as (a, _):

        def shown() -> str:
            words = ["ip", "-n", a, "-d", "link", "show", "eth0"]
            done = subprocess.run(words, check=True, capture_output=True, timeout=20)
            return done.stdout.decode()

        with inside(a):
            source = unpacket.live("eth0", promiscuous=True)
        assert "promiscuity 1" in shown()
        source.close()
        assert "promiscuity 0" in shown()


def test_interfaces_are_listed() -> None:
    found = {device.name: device for device in unpacket.interfaces()}
    assert found["lo"].link_type == 1
    assert "loopback" in found["lo"].flags
    assert "127.0.0.1" in found["lo"].addresses
    assert list(found)[-1] == "any"
