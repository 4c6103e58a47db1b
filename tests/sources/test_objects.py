"""Packets as objects: of Python, of scapy, of dpkt, and what is none."""

import datetime
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.sources.writing import Frame, pcap_header, pcap_record, read_all
from unpacket import sources

ETHERNET_HEADER = bytes(12) + b"\x08\x00"
IP_PACKET = bytes.fromhex("450000140001000040067ce67f0000017f000001")


def only(source: Any, **options: Any) -> Frame:
    frames = read_all(sources.open(source, **options))
    assert len(frames) == 1
    return frames[0]


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(b"abc", id="bytes"),
        pytest.param(bytearray(b"abc"), id="bytearray"),
        pytest.param(memoryview(b"abc"), id="memoryview"),
        pytest.param(memoryview(b"aXbXcX")[::2], id="a view with steps"),
    ],
)
def test_bytes_are_packets(item: object) -> None:
    assert only([item]) == only(item) == Frame(0, 1, 3, b"abc")


@pytest.mark.parametrize(
    ("time", "time_ns"),
    [
        pytest.param(1_700_000_000_123_456_789, 1_700_000_000_123_456_789, id="int"),
        pytest.param(-5, -5, id="before the epoch"),
        pytest.param(1_700_000_000.123456, 1_700_000_000_123_456_000, id="float"),
        pytest.param(Decimal("1.000000001"), 1_000_000_001, id="Decimal"),
        pytest.param(Fraction(1, 3), 333_333_333, id="Fraction"),
        pytest.param(
            datetime.datetime(1970, 1, 1, 0, 0, 1, 5, datetime.UTC),
            1_000_005_000,
            id="datetime",
        ),
        pytest.param(
            datetime.datetime.fromtimestamp(1_700_000_000.5),
            1_700_000_000_500_000_000,
            id="local time",
        ),
    ],
)
def test_times(time: object, time_ns: int) -> None:
    frame = Frame(time_ns, 1, 3, b"abc")
    assert only([(time, b"abc")]) == only((time, b"abc")) == frame
    assert only([[time, b"abc"]]) == frame


def test_a_packet_without_a_time_has_that_of_the_one_before() -> None:
    packets = [b"a", (5, b"b"), b"c", (3, b"d"), b"e"]
    times = [frame.time_ns for frame in read_all(sources.open(packets))]
    assert times == [0, 5, 5, 3, 3]


NO_PACKETS = [
    None,
    5,
    "text",
    object(),
    {},
    (),
    (1, 2),
    ("now", b"x"),
    (None, b"x"),
    (True, b"x"),
    (float("nan"), b"x"),
    (Decimal("inf"), b"x"),
    (1e300, b"x"),
    (1 << 63, b"x"),
    (1, (1, b"x")),
    (1, b"x", -1),
    (1, b"x", 1 << 31),
    (1, b"x", "eth0"),
    (1, b"x", True),
    (1, b"x", 2, 3),
]


def test_what_is_no_packet_is_ignored_and_counted() -> None:
    source = sources.open([b"a", *NO_PACKETS, b"b"])
    with pytest.warns(UserWarning, match="such as 'now'"):
        assert [frame.data for frame in read_all(source)] == [b"a", b"b"]
    assert source.ignored == len(NO_PACKETS)
    assert source.bytes_read == 2
    assert source.total_bytes is None


def test_an_iterator_of_paths_is_no_iterator_of_packets() -> None:
    # Else it would be a capture without packets, in silence.
    source = sources.open(iter([Path("a.pcap"), Path("b.pcap")]))
    with pytest.raises(TypeError, match="a list or a tuple of paths"):
        next(source)


@pytest.mark.parametrize("source", [None, 5, object()])
def test_what_is_no_source(source: Any) -> None:
    with pytest.raises(TypeError, match="source must be"):
        sources.open(source)


@pytest.mark.parametrize(
    ("link_type", "number"),
    [(None, 1), ("ip", 101), ("IP", 101), ("sll2", 276), (9, 9), ("null", 0)],
)
def test_bytes_begin_with_what_the_caller_says(
    link_type: int | str | None, number: int
) -> None:
    assert only([b"abc"], link_type=link_type).link_type == number


def test_batches_have_a_size() -> None:
    packets = [bytes([n % 256]) for n in range(5000)]
    batches = list(sources.open(packets))
    assert [len(batch) for batch in batches] == [2048, 2048, 904]
    assert [batch.first_number for batch in batches] == [1, 2049, 4097]
    assert len(read_all(sources.open(packets, batch_frames=7))) == 5000


def test_long_packets_make_small_batches() -> None:
    batches = list(sources.open([bytes(700_000)] * 5))
    assert [len(batch) for batch in batches] == [2, 2, 1]


@pytest.mark.parametrize("batch_frames", [1, 2048])
def test_a_generator_is_not_asked_before_it_has_to_be(batch_frames: int) -> None:
    asked: list[int] = []

    def live() -> Iterator[bytes]:
        while True:
            asked.append(len(asked))
            yield bytes([len(asked) % 256])

    source = sources.open(live(), batch_frames=batch_frames)
    assert asked == []
    for count in range(1, 100):
        assert next(source).frame(0)[0] == count
        assert len(asked) == count


def test_the_first_packet_of_a_generator_does_not_wait() -> None:
    def live() -> Iterator[bytes]:
        yield b"first"
        raise AssertionError("was asked for a second")

    batch = next(sources.open(live()))
    assert batch.frame(0)[4] == b"first"


def test_an_error_of_a_generator_comes_after_its_packets() -> None:
    def failing() -> Iterator[bytes]:
        yield b"a"
        yield b"b"
        raise OSError("the wire broke")

    source = sources.open(failing())
    assert len(next(source)) == 1
    assert len(next(source)) == 1
    with pytest.raises(OSError, match="the wire broke"):
        next(source)
    assert list(source) == []


def test_close_ends_it() -> None:
    source = sources.open([b"a"])
    source.close()
    assert list(source) == []


def test_progress_is_told() -> None:
    told: list[tuple[int, int | None]] = []
    source = sources.open(
        [b"abc", b"de"], batch_frames=1, progress=lambda *now: told.append(now)
    )
    assert len(list(source)) == 2
    assert told == [(3, None), (5, None)]


class ReaderWithLinkType:
    """As dpkt.pcap.Reader is, and pypcap's."""

    def datalink(self) -> int:
        return 113

    def __iter__(self) -> Iterator[tuple[float, bytes]]:
        return iter([(1.5, b"abc")])


def test_a_reader_says_what_its_packets_begin_with() -> None:
    assert only(ReaderWithLinkType()) == Frame(1_500_000_000, 113, 3, b"abc")
    assert only(ReaderWithLinkType(), link_type=1).link_type == 1


class TestScapy:
    """Packets of scapy, by themselves and in a list."""

    @pytest.mark.parametrize(
        ("name", "link_type"),
        [
            ("Ether", 1),
            ("Dot3", 1),
            ("IP", 101),
            ("IPv6", 101),
            ("CookedLinux", 113),
            ("CookedLinuxV2", 276),
            ("Loopback", 0),
        ],
    )
    def test_link_type_by_the_first_layer(self, name: str, link_type: int) -> None:
        layers = pytest.importorskip("scapy.all")
        packet = getattr(layers, name)() / layers.Raw(b"abc")
        packet.time = Decimal("12.000000345")
        data = bytes(packet)
        frame = Frame(12_000_000_345, link_type, len(data), data)
        assert only([packet]) == only(packet) == frame

    def test_length_on_the_wire(self) -> None:
        layers = pytest.importorskip("scapy.all")
        packet = layers.Ether(ETHERNET_HEADER + IP_PACKET)
        packet.time = 1.5
        packet.wirelen = 1514
        data = ETHERNET_HEADER + IP_PACKET
        assert only([packet]) == Frame(1_500_000_000, 1, 1514, data)

    def test_without_a_link_layer_it_is_no_packet_unless_one_is_given(self) -> None:
        layers = pytest.importorskip("scapy.all")
        packet = layers.TCP()
        assert read_all(sources.open([packet])) == []
        assert only([packet], link_type=147).link_type == 147

    def test_of_packets_that_scapy_did_not_dissect_one_is_told(self) -> None:
        layers = pytest.importorskip("scapy.all")
        raw = layers.Raw(ETHERNET_HEADER + IP_PACKET)
        source = sources.open([raw, (1, raw), raw])
        with pytest.warns(UserWarning, match=r"import scapy\.all") as told:
            assert read_all(source) == []
        assert len(told) == 1
        assert source.ignored == 3
        assert only([raw], link_type=1).link_type == 1

    def test_a_program_without_scapys_layers_is_told_once(self, tmp_path: Path) -> None:
        pytest.importorskip("scapy.utils")
        path = tmp_path / "a.pcap"
        path.write_bytes(
            pcap_header("<")
            + 3 * pcap_record("<", 1, 0, ETHERNET_HEADER + IP_PACKET, 34)
        )
        program = (
            "import sys, unpacket, scapy.utils\n"
            "follower = unpacket.StreamFollower()\n"
            "for packet in scapy.utils.rdpcap(sys.argv[1]):\n"
            "    follower.feed(packet)\n"
            "print(follower.ignored_packets)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, str(path)], capture_output=True, text=True
        )
        assert done.stdout == "3\n"
        assert done.stderr.count("packets that scapy calls Raw are ignored") == 1

    def test_a_time_of_the_callers_counts(self) -> None:
        layers = pytest.importorskip("scapy.all")
        assert only([(7, layers.IP())]).time_ns == 7

    def test_a_packet_list(self) -> None:
        layers = pytest.importorskip("scapy.all")
        packets = layers.PacketList([layers.IP(), layers.Ether()])
        found = [frame.link_type for frame in read_all(sources.open(packets))]
        assert found == [101, 1]


class TestDpkt:
    """Packets of dpkt, and what its readers give."""

    def test_link_type_by_class(self) -> None:
        dpkt = pytest.importorskip("dpkt")
        ethernet = dpkt.ethernet.Ethernet(ETHERNET_HEADER + IP_PACKET)
        assert only([ethernet]).link_type == only(ethernet).link_type == 1
        assert only([(2.5, ethernet)]) == Frame(
            2_500_000_000, 1, 34, ETHERNET_HEADER + IP_PACKET
        )
        assert only([dpkt.ip.IP(IP_PACKET)]) == Frame(0, 101, 20, IP_PACKET)
        assert (
            only([dpkt.ip6.IP6(b"\x60" + bytes(5) + b"\x3b" + bytes(33))]).link_type
            == 101
        )

    def test_another_layer_is_no_packet(self) -> None:
        dpkt = pytest.importorskip("dpkt")
        assert read_all(sources.open([dpkt.tcp.TCP()])) == []


def test_packets_may_say_on_which_interface_they_were_seen() -> None:
    (batch,) = sources.open([(1, b"a"), (2, b"b", 7), (3, b"c", 0)])
    assert batch.has_interfaces
    assert list(batch.interface[: len(batch)]) == [0, 7, 0]
    (batch,) = sources.open([(1, b"a"), (2, b"b", 0)])
    assert not batch.has_interfaces
