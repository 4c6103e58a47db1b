"""Live capture by libpcap, as where there is no AF_PACKET; here it is the same."""

from __future__ import annotations

import random
import socket
import threading
import time

import pytest

import unpacket
from tests.live.network import exchange, needs_capture, served
from unpacket import SourceError
from unpacket.sources.bpf import libpcap
from unpacket.sources.bpf.filter import Bpf
from unpacket.sources.live.pcap import open_pcap
from unpacket.sources.source import Source

try:
    LIBPCAP = libpcap.loaded("")
except SourceError:
    LIBPCAP = None

pytestmark = [
    needs_capture,
    pytest.mark.skipif(LIBPCAP is None, reason="there is no libpcap"),
]


def opened(name: str = "lo", bpf: Bpf | None = None) -> Source:
    return open_pcap(
        name,
        bpf,
        promiscuous=False,
        snaplen=0,
        buffer_bytes=8 << 20,
        direction="both",
        batch_frames=2048,
        first_number=1,
        progress=None,
    )


@pytest.mark.parametrize("expression", [None, "tcp"])
def test_what_two_programs_say_to_each_other(expression: str | None) -> None:
    request = random.Random(1).randbytes(200_000)
    source = opened(bpf=None if expression is None else Bpf(expression))
    ports: list[int] = []

    def talk(client: socket.socket, server: socket.socket) -> None:
        ports.append(client.getsockname()[1])
        exchange(client, server, request, b"answer")

    def act() -> None:
        served(None, None, "127.0.0.1", talk)
        time.sleep(0.3)
        source.stop()

    thread = threading.Thread(target=act)
    with source:
        thread.start()
        streams = [one for one in unpacket.streams(source) if one.client.port in ports]
        thread.join()
    (stream,) = streams
    assert stream.client_data == request
    assert stream.server_data == b"answer"
    assert stream.complete
    assert stream.capture_drops == 0
    assert source.notes.dropped == 0


def test_time_passes_without_packets() -> None:
    with opened() as source:
        known = source.live
        assert known is not None
        before_ns = time.time_ns()
        while known.now_ns < before_ns:
            next(source)
        source.stop()


def test_what_it_does_not_open_is_an_error() -> None:
    with pytest.raises(SourceError):
        opened("eth99")
