"""Batches become segments, frame by frame, and nothing is lost between them."""

import random
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builder import ethernet, ip, mss, sack, tcp, timestamps, window_scale
from tests.core.decoded import KEYS, RAW, batch_of, read, rows
from unpacket._core.decode.decoder import Decoder
from unpacket._core.decode.segments import Segments
from unpacket._core.memory.batch import Batch

LINK_TYPES = [0, 1, 12, 14, 101, 108, 113, 228, 229, 276, 147]
CLIENT, SERVER = ("10.0.0.1", 40000), ("10.0.0.2", 80)
CLIENT6, SERVER6 = ("2001:db8::1", 40000), ("2001:db8::2", 80)


# What decides about an IPv4 packet with TCP: where it stands, and what may stand there.
HEADER_FIELDS = [
    # Version and length of the header, total length, flags and place of a fragment.
    (0, b"\x44\x45\x46\x4f\x65"),
    (2, b"\x00\x01\xff"),
    (3, bytes(range(64))),
    (6, b"\x00\x1f\x20\x40\x80\xff"),
    (7, b"\x00\x01\xff"),
    # Lifetime, protocol, checksum, an address.
    (8, b"\x00\x01\xff"),
    (9, b"\x01\x04\x06\x11\x2f\x33\x84"),
    (10, bytes(range(256))),
    (11, bytes(range(256))),
    (15, bytes(range(256))),
    # The length of the TCP header, its flags, its checksum.
    (32, bytes(range(0, 256, 16))),
    (33, bytes(range(256))),
    (36, bytes(range(256))),
]


def talk(count: int) -> list[bytes]:
    """Return packets of several connections, both IP versions, some of them whole."""
    rng = random.Random(count)
    packets = []
    for n in range(count):
        one, two = (CLIENT6, SERVER6) if rng.random() < 0.3 else (CLIENT, SERVER)
        one = (one[0], one[1] + n % 7)
        if rng.random() < 0.5:
            one, two = two, one
        options = rng.choice([b"", timestamps(n, n + 1), mss(n) + window_scale(3)])
        if rng.random() < 0.1:
            options = timestamps(n, n + 1) + sack((n, n + 5))
        payload = rng.randbytes(rng.randrange(60))
        segment = tcp(one, two, rng.getrandbits(32), payload, ack=n, options=options)
        if rng.random() < 0.1:
            for offset in range(0, len(segment), 16):
                part = segment[offset : offset + 16]
                more = offset + 16 < len(segment)
                packets.append(
                    ip(
                        one[0],
                        two[0],
                        part,
                        identification=n,
                        fragment_offset=offset,
                        more_fragments=more,
                    )
                )
        elif rng.random() < 0.1:
            packets.append(ip(one[0], two[0], segment, protocol=17))
        else:
            packets.append(ip(one[0], two[0], segment, ttl=rng.randrange(1, 256)))
    return packets


def without_place(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without what depends on where its batch and buffer begin."""
    dropped = {"index", "source", "start", "sack_start"}
    return {name: row[name] for name in row if name not in dropped}


def test_rows_are_in_the_order_of_the_frames() -> None:
    packets = talk(300)
    found = rows(batch_of(packets))
    assert [row["index"] for row in found] == sorted(row["index"] for row in found)
    for row in found:
        assert row["time_ns"] == row["index"] * 1_000_000
        assert row["checksum"] == 1


def seen(frame: bytes, link_type: int, original: int) -> dict[str, Any] | str:
    """Return what a frame gives, without where in it that lies."""
    found = read(frame, link_type, original=original)
    return found if isinstance(found, str) else without_place(found)


# What most frames are is found in one step, everything else in several.
@pytest.mark.parametrize("options", [b"", timestamps(1, 2), mss(9) + window_scale(3)])
def test_a_frame_of_ethernet_is_no_special_case(options: bytes) -> None:
    segment = tcp(CLIENT, SERVER, 1, b"payload", options=options)
    packet = ip(CLIENT[0], SERVER[0], segment, identification=7)
    told = set()
    for at, octets in HEADER_FIELDS:
        for octet in octets:
            changed = packet[:at] + bytes([octet]) + packet[at + 1 :] + b"pad"
            found = seen(ethernet(changed), 1, 14 + len(changed))
            assert found == seen(changed, 228, len(changed)), (at, octet)
            told.add(found if isinstance(found, str) else found["checksum"])
    assert told >= {"ip_header", "fragment", "tcp_header", "other_protocol", 1, 2}


@given(st.binary(max_size=9), st.integers(0, 70), st.integers(0, 9))
def test_nor_is_one_that_is_cut(payload: bytes, kept: int, filled: int) -> None:
    segment = tcp(CLIENT, SERVER, 1, payload, options=timestamps(1, 2))
    whole = ip(CLIENT[0], SERVER[0], segment) + bytes(filled)
    cut = seen(ethernet(whole)[: 14 + kept], 1, 14 + len(whole))
    assert cut == seen(whole[:kept], 228, len(whole))


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_results_do_not_depend_on_the_size_of_batches(size: int) -> None:
    packets = talk(300)
    frames = [(n * 1_000_000, packet, RAW) for n, packet in enumerate(packets)]
    decoder = Decoder(KEYS)
    segments = Segments()
    found = []
    for at in range(0, len(frames), size):
        batch = Batch.from_frames(frames[at : at + size])
        assert decoder.decode(batch, segments, 0) == len(batch)
        for i in range(len(segments)):
            row = segments.row(i)
            row["payload"] = segments.payload(i, batch)
            found.append(without_place(row))
    assert found == [without_place(row) for row in rows(Batch.from_frames(frames))]


@pytest.mark.parametrize("capacity", [1, 3, 50])
def test_results_do_not_depend_on_the_room_for_segments(capacity: int) -> None:
    batch = batch_of(talk(300))
    found = [without_place(row) for row in rows(batch, capacity)]
    assert found == [without_place(row) for row in rows(batch)]


def test_what_was_decoded_is_dropped_by_the_next_call() -> None:
    packet = ip(CLIENT[0], SERVER[0], tcp(CLIENT, SERVER, 1, b"x" * 100))
    decoder = Decoder(KEYS)
    segments = Segments()
    decoder.decode(batch_of(talk(300)), segments, 0)
    side = segments.side
    assert side
    assert decoder.decode(batch_of([packet]), segments, 0) == 1
    assert (len(segments), segments.side) == (1, [])
    # Whoever kept the datagrams still has them.
    assert side
    assert decoder.decode(batch_of([]), segments, 0) == 0
    assert len(segments) == 0
    for i in (-1, 0):
        with pytest.raises(IndexError):
            segments.row(i)
        with pytest.raises(IndexError):
            segments.payload(i, batch_of([]))


def test_none_is_no_batch() -> None:
    nothing: Any = None
    with pytest.raises(TypeError):
        Decoder(KEYS).decode(nothing, Segments(), 0)
    with pytest.raises(TypeError):
        Decoder(KEYS).decode(batch_of([]), nothing, 0)


@pytest.mark.parametrize("start", [-1, 2])
def test_frames_are_counted_from_0(start: int) -> None:
    with pytest.raises(IndexError):
        Decoder(KEYS).decode(batch_of([b""]), Segments(), start)


def test_segments_need_room() -> None:
    with pytest.raises(ValueError, match="room for 0"):
        Segments(0)


def test_the_buffer_of_a_batch_is_let_go() -> None:
    buffer = bytearray(b"".join(talk(1)))
    batch = Batch()
    batch.attach(buffer, len(buffer), 1)
    batch.add(0, len(buffer), len(buffer), 0, RAW)
    Decoder(KEYS).decode(batch, Segments(), 0)
    batch.attach(b"", 0, 1)
    # A bytearray that anybody has a view of cannot grow.
    buffer += b"more"


def test_every_reason_is_counted_by_its_name() -> None:
    frames: list[tuple[int, bytes, int] | tuple[int, bytes, int, int]] = [
        (0, b"", 1, 60),
        (0, bytes(12) + b"\x81\0\0\0" * 9 + b"\x08\0", 1),
        (0, b"frame", 147),
        (0, bytes(12) + b"\x08\x06" + bytes(28), 1),
        (0, bytes(12) + b"\x88\xcc" + bytes(28), 1),
        (0, bytes(12) + b"\x88\x0b\x00\xfd" + bytes(28), 1),
        (0, bytes(12) + b"\x88\x47" + bytes(28), 1),
        (0, bytes(12) + b"\x88\x64" + bytes(28), 1),
        (0, b"\x45", RAW),
        (0, b"\x44" + bytes(19), RAW),
        (0, ip(CLIENT[0], SERVER[0], bytes(8), more_fragments=True), RAW),
        (0, ip(CLIENT[0], SERVER[0], bytes(9), more_fragments=True), RAW),
        (0, ip(CLIENT[0], SERVER[0], bytes(8), protocol=17), RAW),
        (0, ip(CLIENT[0], SERVER[0], bytes(8), protocol=1), RAW),
        (0, ip(CLIENT[0], SERVER[0], bytes(8), protocol=132), RAW),
        (0, ip(CLIENT[0], SERVER[0], bytes(20), total_length=60), RAW),
        (0, ip(CLIENT[0], SERVER[0], bytes(19), total_length=60), RAW),
    ]
    decoder = Decoder(KEYS)
    assert decoder.counters == {}
    decoder.decode(Batch.from_frames(frames), Segments(), 0)
    assert decoder.counters == {
        "link_truncated": 1,
        "link_header": 1,
        "unknown_link_type": 1,
        "arp": 1,
        "not_ip": 1,
        "encapsulated": 1,
        "ip_truncated": 1,
        "ip_header": 1,
        "fragment": 1,
        "fragment_invalid": 1,
        "udp": 1,
        "icmp": 1,
        "other_protocol": 1,
        "tcp_header": 1,
        "tcp_truncated": 1,
        "tunnel_truncated": 1,
        "tunnel_header": 1,
    }


@given(
    st.lists(
        st.tuples(
            st.integers(-(1 << 63), (1 << 63) - 1),
            st.binary(max_size=150),
            st.sampled_from(LINK_TYPES) | st.integers(0, 65535),
            st.integers(0, 200),
        ),
        max_size=20,
    ),
    st.booleans(),
)
def test_any_frames_are_segments_or_counted(
    frames: list[tuple[int, bytes, int, int]], verify_checksums: bool
) -> None:
    batch = Batch.from_frames(
        [(time, data, link, len(data) + cut) for time, data, link, cut in frames]
    )
    check(batch, rows(batch, verify_checksums=verify_checksums))


@given(st.randoms(use_true_random=False), st.sampled_from([RAW, 1, 0, 113, 276]))
def test_damaged_frames_are_segments_or_counted(
    rng: random.Random, link_type: int
) -> None:
    heads = {
        RAW: b"",
        1: bytes(12),
        0: b"\x02\0\0\0",
        113: bytes(14),
        276: b"",
    }
    frames = []
    for packet in talk(20):
        ethertype = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\0"
        head = heads[link_type]
        if link_type in (1, 113):
            head += ethertype
        elif link_type == 276:
            head = ethertype + bytes(18)
        octets = bytearray(head + packet)
        for _ in range(rng.randrange(4)):
            octets[rng.randrange(min(len(octets), 90))] = rng.choice(
                [0, 1, 6, 44, 60, 255, rng.randrange(256)]
            )
        size = rng.choice([len(octets), rng.randrange(len(octets) + 1)])
        frames.append((0, bytes(octets[:size]), link_type, len(octets)))
    batch = Batch.from_frames(frames)
    check(batch, rows(batch))


def check(batch: Batch, found: list[dict[str, Any]]) -> None:
    """Check what holds for every segment of any frame."""
    for row in found:
        assert row["captured"] == len(row["payload"]) <= row["length"]
        if row["source"] == -1:
            start = batch.start[row["index"]]
            stop = start + batch.captured[row["index"]]
            assert start <= row["start"] <= row["start"] + row["captured"] <= stop
            if row["sack_count"]:
                blocks_stop = row["sack_start"] + 8 * row["sack_count"]
                assert start < row["sack_start"] < blocks_stop <= stop
        assert row["hash"] < 1 << 44
        assert row["checksum"] in (0, 1, 2, 3)
        a = (row["a_hi"], row["a_lo"], row["ports"] >> 16)
        assert a <= (row["b_hi"], row["b_lo"], row["ports"] & 0xFFFF)


@pytest.mark.parametrize("link_type", [0, 1, 101, 113, 276])
def test_scapy_sees_the_same(link_type: int) -> None:
    layers = pytest.importorskip("scapy.layers.l2")
    inet = pytest.importorskip("scapy.layers.inet")
    inet6 = pytest.importorskip("scapy.layers.inet6")
    rng = random.Random(5)
    frames = []
    expected = []
    for n in range(120):
        options: list[tuple[str, Any]] = []
        if rng.random() < 0.7:
            options += [("NOP", None), ("NOP", None), ("Timestamp", (n, 2 * n))]
        if rng.random() < 0.3:
            options += [("MSS", 1400 + n), ("WScale", n % 15), ("SAckOK", b"")]
        if rng.random() < 0.2:
            options += [("NOP", None), ("NOP", None), ("SAck", (n, n + 10))]
        layer = inet.TCP(
            sport=rng.randrange(65536),
            dport=rng.randrange(65536),
            seq=rng.getrandbits(32),
            ack=rng.getrandbits(32),
            flags=rng.randrange(512),
            window=rng.randrange(65536),
            options=options,
        )
        if rng.random() < 0.5:
            network = inet.IP(
                src=f"10.0.0.{n}", dst="10.0.0.99", ttl=1 + n, id=n, options=[]
            )
            if rng.random() < 0.3:
                network.options = [inet.IPOption_NOP()] * (1 + n % 8)
        else:
            network = inet6.IPv6(src=f"2001:db8::{n}", dst="2001:db8::63", hlim=1 + n)
            for _ in range(rng.randrange(3)):
                network /= rng.choice(
                    [
                        inet6.IPv6ExtHdrHopByHop(),
                        inet6.IPv6ExtHdrDestOpt(options=[inet6.PadN(optdata=b"abc")]),
                        inet6.IPv6ExtHdrFragment(id=n),
                    ]
                )
        payload = rng.randbytes(rng.randrange(100))
        packet = network / layer / payload
        v6 = network.version == 6
        link = {
            0: layers.Loopback(type=30 if v6 else 2),
            1: layers.Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02"),
            113: layers.CookedLinux(proto=0x86DD if v6 else 0x800),
            276: layers.CookedLinuxV2(proto=0x86DD if v6 else 0x800),
        }.get(link_type)
        if link_type == 1 and rng.random() < 0.3:
            link /= layers.Dot1Q(vlan=n)
        frames.append(bytes(link / packet if link is not None else packet))
        again = type(network)(bytes(packet))[inet.TCP]
        expected.append((again, payload, 1 + n))
    found = rows(batch_of(frames, link_type))
    assert len(found) == len(frames)
    for row, (layer, payload, ttl) in zip(found, expected, strict=True):
        ports = (layer.sport, layer.dport)
        if row["direction"]:
            ports = (layer.dport, layer.sport)
        assert row["ports"] == ports[0] << 16 | ports[1]
        assert (row["seq"], row["ack"]) == (layer.seq, layer.ack)
        assert (row["flags"], row["window"]) == (int(layer.flags), layer.window)
        assert (row["ttl"], row["payload"]) == (ttl, payload)
        assert row["checksum"] == 1
        seen = dict(layer.options)
        assert row["mss"] == seen.get("MSS", 0)
        assert row["wscale"] == seen.get("WScale", 255)
        assert row["sack_permitted"] == ("SAckOK" in seen)
        assert (row["tsval"], row["tsecr"]) == seen.get("Timestamp", (0, 0))
        assert row["has_timestamp"] == ("Timestamp" in seen)
        assert row["sack_count"] == len(seen.get("SAck", ())) // 2


def test_ethernet_frames_at_odd_places_of_the_buffer() -> None:
    frames = []
    for size in range(64):
        segment = tcp(CLIENT, SERVER, size, bytes(range(size)), ack=1)
        frames.append(ethernet(ip(CLIENT[0], SERVER[0], segment)))
    assert [row["checksum"] for row in rows(batch_of(frames, 1))] == [1] * 64


def test_time_may_go_back() -> None:
    packet = ip(CLIENT[0], SERVER[0], tcp(CLIENT, SERVER, 1))
    times = [5, -3, 7, 0]
    batch = Batch.from_frames([(time, packet, RAW) for time in times])
    assert [row["time_ns"] for row in rows(batch)] == times


def test_a_length_that_overflows_the_frame_is_kept() -> None:
    head = struct.pack(">BBHHHBBH", 0x45, 0, 65535, 0, 0, 64, 6, 0)
    packet = head + bytes(8) + tcp(CLIENT, SERVER, 1, b"x")
    (row,) = rows(batch_of([packet]))
    assert (row["length"], row["captured"]) == (65535 - 40, 1)
