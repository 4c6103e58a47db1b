"""Filters on frames: equal to what libpcap itself says, on every kind of source."""

import ctypes
import random
import warnings
from asyncio import run as run_loop
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import unpacket
from tests.builder import RAW, Conversation, Frame, write_pcap
from tests.shared import shared_path
from tests.talk import feed_all, said
from unpacket import Assembler, Batch, SourceError, StreamFollower, sources
from unpacket.sources.bpf import libpcap
from unpacket.sources.bpf.filter import (
    Bpf,
    BpfError,
    FilteredSource,
    NotForLinkTypeError,
)
from unpacket.sources.bpf.machine import Program

Row = tuple[int, int, int, int]

try:
    LIBPCAP = libpcap.loaded("")
except SourceError:
    LIBPCAP = None

needs_libpcap = pytest.mark.skipif(LIBPCAP is None, reason="there is no libpcap")

EXPRESSIONS = [
    "host 10.0.0.1",
    "src host 192.168.1.1 or dst net 10.0.0.0/8",
    "net 192.168.0.0/16 and not net 192.168.1.0/24",
    "port 80",
    "src port 443 or dst port 53",
    "portrange 1-1023",
    "tcp portrange 8000-9000",
    "tcp",
    "udp",
    "icmp or icmp6",
    "arp",
    "ip",
    "ip6",
    "ip6 and tcp",
    "ip6 host ::1 or ip6 net 2001::/16",
    "proto 47",
    "ip proto 6",
    "tcp[13] & 2 != 0",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
    "tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420",
    "ip[2:2] - ((ip[0] & 0xf) << 2) - ((tcp[12] & 0xf0) >> 2) != 0",
    "ip[6:2] & 0x1fff = 0",
    "(ip[8] * 3 + 7) / 2 > 100 and ip[8] % 5 != 3",
    "ip[4:2] ^ 0xffff > 0x7fff",
    "greater 200",
    "less 100",
    "len > 60 and len <= 1500",
    "broadcast or multicast",
    "not (port 80 or port 443) and (tcp or udp)",
    "",
]
# These know nothing of link types that have no such thing.
OF_SOME_LINK_TYPES = [
    "ether host 00:11:22:33:44:55",
    "ether[0] & 1 = 0 and ether proto 0x800",
    "ether broadcast",
    "vlan",
    "vlan 10 and tcp",
    "vlan and vlan and ip",
    "mpls",
    "mpls and ip",
    "pppoes",
    "pppoes and tcp",
    "wlan type data",
    "inbound",
    "geneve",
]


class Timeval(ctypes.Structure):
    _fields_ = (("s", ctypes.c_long), ("us", ctypes.c_long))


class Header(ctypes.Structure):
    _fields_ = (("time", Timeval), ("captured", ctypes.c_uint), ("wire", ctypes.c_uint))


class Oracle:
    """A program as libpcap runs it."""

    def __init__(self, rows: Iterable[Row]) -> None:
        rows = list(rows)
        self.rows = array_of(rows)
        self.program = libpcap.Instructions(len(rows), self.rows)

    def __call__(self, frame: bytes, original: int) -> int:
        header = Header(Timeval(0, 0), len(frame), original)
        LIBPCAP.pcap_offline_filter.restype = ctypes.c_int
        said: int = LIBPCAP.pcap_offline_filter(
            ctypes.byref(self.program), ctypes.byref(header), frame
        )
        return said & 0xFFFFFFFF


def array_of(rows: list[Row]) -> Any:
    return (libpcap.Instruction * len(rows))(
        *[libpcap.Instruction(*row) for row in rows]
    )


def conversation() -> Conversation:
    """Two ends that say something to each other."""
    talk = Conversation(link_type=RAW)
    talk.handshake()
    talk.client(1, b"GET / HTTP/1.0")
    talk.server(1, b"200", ack=15)
    talk.farewell(15, 4)
    return talk


def mixed() -> list[Frame]:
    """A conversation, and frames that are none of it."""
    rows: list[Frame] = []
    for frame in conversation():
        rows.append(frame)
        noise = b"\x45\x02" * 30
        rows.append(Frame(frame.time_ns, noise, RAW, len(noise)))
    return rows


TCP_ONLY = [(48, 0, 0, 9), (21, 0, 1, 6), (6, 0, 0, 262144), (6, 0, 0, 0)]
TCP_TEXT = "4\n48 0 0 9\n21 0 1 6\n6 0 0 262144\n6 0 0 0\n"


@needs_libpcap
@pytest.mark.parametrize("expression", [*EXPRESSIONS, *OF_SOME_LINK_TYPES])
def test_the_corpus_passes_as_libpcap_has_it(
    expression: str, corpus: dict[int, list[tuple[bytes, int]]]
) -> None:
    bpf = Bpf(expression)
    asked = 0
    for link_type, frames in corpus.items():
        try:
            oracle = Oracle(bpf.program(link_type).instructions)
        except NotForLinkTypeError:
            continue
        rows = [(0, data, link_type, original) for data, original in frames]
        for start in range(0, len(rows), 2048):
            batch = Batch.from_frames(rows[start : start + 2048])
            bpf.mark(batch)
            for i, (_, data, _, original) in enumerate(rows[start : start + 2048]):
                expected = oracle(data, original)
                asked += 1
                assert bool(batch.passed[i]) == bool(expected), (link_type, data.hex())
    assert asked


@pytest.fixture(scope="module")
def corpus() -> dict[int, list[tuple[bytes, int]]]:
    """The first frames of all captures, whole and cut, by link type."""
    folder = shared_path("captures", "files")
    frames: dict[int, list[tuple[bytes, int]]] = {}
    chance = random.Random(1)
    for path in sorted(folder.iterdir()):
        try:
            with warnings.catch_warnings(), sources.open(path) as source:
                warnings.simplefilter("ignore")
                batch = next(source, None)
        except SourceError:
            continue
        for i in range(min(len(batch), 30) if batch else 0):
            assert batch is not None
            _, _, link_type, original, data = batch.frame(i)
            kept = frames.setdefault(link_type, [])
            kept.append((data, original))
            if i < 10:
                kept.append((data[: chance.randrange(80)], original))
    assert len(frames) > 5
    return frames


LOADS = (0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0xB1)
PLAIN = (0x00, 0x01, 0x80, 0x81, 0x07, 0x87, 0x84, 0x16)
WITH_CONSTANT = tuple(4 | n for n in (0x00, 0x10, 0x20, 0x40, 0x50, 0xA0))
WITH_INDEX = (*(0x0C | n for n in range(0x00, 0x80, 0x10)), 0x9C, 0xAC)
JUMPS = tuple(5 | n | x for n in (0x10, 0x20, 0x30, 0x40) for x in (0, 8))
CONSTANTS = st.integers(0, 70) | st.integers(0, (1 << 32) - 1)
ROWS = st.one_of(
    st.tuples(st.sampled_from(LOADS), st.just(0), st.just(0), st.integers(0, 70)),
    st.tuples(
        st.sampled_from(PLAIN + WITH_CONSTANT + WITH_INDEX),
        st.just(0),
        st.just(0),
        CONSTANTS,
    ),
    st.tuples(
        st.sampled_from((0x64, 0x74)), st.just(0), st.just(0), st.integers(0, 31)
    ),
    st.tuples(
        st.sampled_from((0x34, 0x94)),
        st.just(0),
        st.just(0),
        CONSTANTS.map(lambda k: k or 1),
    ),
    st.tuples(
        st.sampled_from((0x02, 0x03, 0x60, 0x61)),
        st.just(0),
        st.just(0),
        st.integers(0, 15),
    ),
    st.tuples(st.sampled_from(JUMPS), st.integers(0, 5), st.integers(0, 5), CONSTANTS),
    st.tuples(st.just(0x05), st.just(0), st.just(0), st.integers(0, 5)),
    st.tuples(st.just(0x06), st.just(0), st.just(0), CONSTANTS),
)
# libpcap does not clear its memory.
CLEARING = [(0x02, 0, 0, word) for word in range(16)]
# No jump leads out of these.
ENDING = [(0x16, 0, 0, 0)] * 6


@needs_libpcap
@given(st.lists(ROWS, max_size=30), st.binary(max_size=70), st.integers(0, 100))
def test_any_program_says_what_libpcap_says(
    rows: list[Row], frame: bytes, more: int
) -> None:
    whole = CLEARING + rows + ENDING
    original = len(frame) + more
    program = Program(whole)
    assert program.run(frame, original) == Oracle(whole)(frame, original)


@needs_libpcap
@given(
    st.lists(
        st.tuples(
            st.sampled_from((*LOADS, *PLAIN, *JUMPS, 5, 6, 0x34, 2, 3, 0x60, 0x99)),
            st.integers(0, 4),
            st.integers(0, 4),
            st.integers(0, 20) | st.integers(0, (1 << 32) - 1),
        ),
        max_size=5,
    )
)
def test_what_we_run_libpcap_would_run(rows: list[Row]) -> None:
    whole = [*rows, (6, 0, 0, 1)]
    try:
        Program(whole)
    except ValueError:
        return
    assert LIBPCAP.bpf_validate(array_of(whole), len(whole))


@pytest.mark.parametrize(
    "bpf",
    [
        pytest.param("tcp", id="expression", marks=needs_libpcap),
        pytest.param(TCP_ONLY, id="instructions"),
        pytest.param((row for row in TCP_ONLY), id="instructions, once"),
        pytest.param(TCP_TEXT, id="text"),
        pytest.param(TCP_TEXT.replace("\n", ",").strip(","), id="text with commas"),
        pytest.param({RAW: TCP_ONLY, 1: TCP_TEXT}, id="by link type"),
        pytest.param(Bpf(TCP_ONLY), id="made before"),
    ],
)
def test_all_faces_take_a_filter(bpf: Any, tmp_path: Path) -> None:
    frames = mixed()
    packets = [(frame.time_ns, frame.data) for frame in frames]
    bpf = Bpf(bpf)
    expected = said(feed_all(list(conversation())))

    events = list(unpacket.events(packets, link_type="ip", bpf=bpf))
    assert said(events) == expected
    # They keep their numbers.
    assert {event.frame % 2 for event in events} == {1}
    assert max(event.frame for event in events) > len(conversation())

    async def collect() -> list[Any]:
        found = unpacket.events_async(packets, link_type="ip", bpf=bpf)
        return [event async for event in found]

    assert said(run_loop(collect())) == expected
    # Beyond 4 MiB another thread reads.
    noise = b"\x45\x02" * 30_000
    large = [Frame(frames[0].time_ns, noise, RAW, len(noise))] * 80
    for number, content in enumerate((frames, large + frames)):
        path = tmp_path / f"{number}.pcap"
        write_pcap(path, content, RAW)
        assert said(unpacket.events(path, bpf=bpf, jobs=number + 1)) == expected
    with sources.open(packets, link_type="ip") as opened:
        assert said(unpacket.events(opened, bpf=bpf)) == expected
    (stream,) = unpacket.streams(packets, link_type="ip", bpf=bpf)
    assert stream.client_data == b"GET / HTTP/1.0"

    for fed in (packets, Batch.from_frames(frames)):
        follower = StreamFollower(bpf=bpf, link_type="ip")
        ended: list[Any] = []
        follower.on_closed(ended.append)
        follower.feed(fed)
        follower.finish()
        assert [stream.complete for stream in ended] == [True]
        assert follower.assembler.counters == {"filtered": len(frames) // 2}


@needs_libpcap
def test_a_filter_is_as_if_the_rest_had_not_been_captured() -> None:
    path = shared_path("captures", "files", "pcpp__pcap_examples__many-protocols.pcap")
    with sources.open(path) as source:
        frames = [batch.frame(i) for batch in source for i in range(len(batch))]
    for expression in ("tcp port 80", "tcp and host 10.0.0.6", "ip6", "greater 100"):
        with sources.open(path, bpf=expression) as source:
            assembler = Assembler()
            events = [event for batch in source for event in assembler.feed(batch)]
            events += assembler.finish()
        oracle = {
            link_type: Oracle(libpcap.compiled(expression, link_type))
            for link_type in {frame[2] for frame in frames}
        }
        passing = [
            Frame(time_ns, data, link_type, original)
            for _, time_ns, link_type, original, data in frames
            if oracle[link_type](data, original)
        ]
        assert said(events) == said(
            feed_all(passing, cuts=range(0, len(passing), 2048))
        )
        counted = sum(assembler.counters.values())
        assert assembler.packets + counted == len(frames)
        assert assembler.counters["filtered"] == len(frames) - len(passing)


@needs_libpcap
def test_each_link_type_has_a_program_of_its_own() -> None:
    packet = conversation().packets[0][1]
    ethernet = bytes(12) + b"\x08\x00" + packet
    rows = [(0, ethernet, 1), (0, packet, 101), (0, bytes(2) + ethernet, 1)]
    # USB, in which nobody looks for TCP: libpcap cannot filter it.
    batch = Batch.from_frames([*rows, (0, packet, 189)])
    Bpf("tcp port 80").mark(batch)
    assert list(batch.passed[: len(batch)]) == [1, 1, 0, 0]


@needs_libpcap
@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        pytest.param("tcp prot 80", "libpcap says: ", id="syntax"),
        pytest.param("port 99999", "libpcap says: ", id="value"),
        pytest.param("tcp\0", "NUL", id="NUL"),
        pytest.param("tcp or " * 10_000 + "tcp", "more than", id="too long"),
        pytest.param("ip6 protochain 6", "jumps back", id="loop"),
        pytest.param("not " * 15_000 + "tcp", "libpcap says: |^$", id="deep"),
    ],
)
def test_a_wrong_filter_is_told_before_anything_is_read(
    expression: str, reason: str
) -> None:
    for use in (
        Bpf,
        lambda bpf: unpacket.events("no such file", bpf=bpf),
        lambda bpf: unpacket.streams("no such file", bpf=bpf),
        lambda bpf: sources.open("no such file", bpf=bpf),
        lambda bpf: StreamFollower(bpf=bpf),
    ):
        with pytest.raises(BpfError, match=reason) as caught:
            use(expression)
        assert isinstance(caught.value, ValueError)
        assert caught.value.expression == expression


@needs_libpcap
def test_a_filter_may_be_long() -> None:
    hosts = " or ".join(f"host 10.1.{n}.1" for n in range(120))
    packet = conversation().packets[0][1]
    for expression, passes in (
        (f"host 10.0.0.1 or {hosts}", True),
        (f"port 9 or ({hosts})", False),
    ):
        batch = Batch.from_frames([(0, packet, RAW)])
        Bpf(expression).mark(batch)
        assert bool(batch.passed[0]) is passes


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        pytest.param("1 6 0 0 1 2", "tcpdump -ddd", id="too many numbers"),
        pytest.param("2 6 0 0 1", "tcpdump -ddd", id="too few numbers"),
        pytest.param("1 6 0 0 4294967296", "none", id="too large"),
        pytest.param([], "1 to", id="empty"),
        pytest.param([(1, 2)], "2 numbers", id="pairs"),
        pytest.param([6, 0, 0, 1], "int", id="a flat list"),
        pytest.param([("6", 0, 0, 1)], "none", id="text for a number"),
        pytest.param([(6.5, 0, 0, 1)], "none", id="a fraction"),
        pytest.param({1: [(6, 0, 0)]}, "3 numbers", id="by link type"),
        pytest.param([(0x30, 0, 0, 0xFFFFF030), (6, 0, 0, 1)], "Linux", id="live VLAN"),
    ],
)
def test_what_is_no_compiled_filter_is_told(given: Any, reason: str) -> None:
    with pytest.raises(BpfError, match=reason):
        Bpf(given)


def test_another_type_is_no_filter() -> None:
    with pytest.raises(TypeError, match=r"bpf must be text .*, not an int: 7"):
        Bpf(7)  # type: ignore[arg-type]


def test_a_compiled_filter_is_for_one_link_type() -> None:
    packets = [(0, b"E" * 60, RAW), (0, b"E" * 60, 1)]
    bpf = Bpf(TCP_ONLY)
    with pytest.raises(SourceError, match=r"frame 8 has link type 1, .* for 101"):
        bpf.mark(Batch.from_frames(packets, 7))
    with pytest.raises(SourceError, match=r"frame 1 has link type 1, .* no program"):
        Bpf({RAW: TCP_ONLY}).mark(Batch.from_frames(packets[1:]))
    by_link_type: dict[int, Any] = {RAW: TCP_ONLY, 1: TCP_TEXT}
    Bpf(by_link_type).mark(Batch.from_frames(packets))
    # In this one nobody looks for TCP.
    bpf.mark(Batch.from_frames([(0, b"", 147)]))


@needs_libpcap
def test_a_filter_that_a_link_type_does_not_know_is_told() -> None:
    packets = [(n, data) for n, (_, data) in enumerate(conversation().packets)]
    assert list(unpacket.events(packets, bpf="ether host 02:00:00:00:00:01")) == []
    with pytest.raises(SourceError, match=r"<list>: frame 1 has link type 101, and "):
        list(unpacket.events(packets, link_type="ip", bpf="ether host 1:2:3:4:5:6"))


def test_two_filters_pass_what_both_pass() -> None:
    rows = [(6, 0, 0, 1)]
    long = [(0x80, 0, 0, 0), (0x25, 0, 1, 60), (6, 0, 0, 1), (6, 0, 0, 0)]
    for inner, outer in ((TCP_ONLY, long), (long, TCP_ONLY), (TCP_ONLY, rows)):
        frames = [frame.data for frame in mixed()]
        both = FilteredSource(
            sources.open(frames, link_type="ip", bpf=inner), Bpf(outer)
        )
        (batch,) = both
        for i, frame in enumerate(frames):
            wanted = all(Program(one).run(frame) for one in (inner, outer))
            assert bool(batch.passed[i]) is wanted


def test_without_libpcap_one_line_says_what_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(libpcap.VARIABLE, "/no/such/libpcap.so")
    with pytest.raises(SourceError, match="libpcap") as caught:
        Bpf("tcp")
    assert "tcpdump -ddd" in "".join(caught.value.__notes__)
    # Of a program that is compiled nothing is asked.
    assert len(
        list(unpacket.events(conversation().packets, link_type="ip", bpf=TCP_TEXT))
    )


def test_what_a_source_says_of_itself_is_that_of_the_inner_one() -> None:
    with sources.open([b"a", 7, b"b"], bpf=TCP_ONLY) as source:
        batches = list(source)
        assert [len(batch) for batch in batches] == [2]
        assert (source.ignored, source.bytes_read, source.total_bytes) == (1, 2, None)
        assert (source.interfaces, source.notes.dropped) == ((), None)
        assert source.tells
