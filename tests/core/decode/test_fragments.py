"""Fragments become the datagram that the receiver made of them, within bounds."""

import json
import random
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builder import ip, tcp
from tests.core.decoded import RAW, Reader, batch_of, rows
from tests.shared import CONFORMANCE
from unpacket._core.memory.batch import Batch

SECOND = 1_000_000_000
ENDS = {
    4: (("10.0.0.1", 1025), ("10.0.0.2", 80)),
    6: (("2001:db8::1", 1025), ("2001:db8::2", 80)),
}
POLICIES = ["first", "last", "bsd", "linux", "windows", "solaris"]
WAITING = "fragment"


class Fragment(NamedTuple):
    start: int
    data: bytes
    more: bool

    def packet(
        self,
        family: int = 4,
        identification: int = 1,
        protocol: int = 6,
        ttl: int = 64,
    ) -> bytes:
        source, target = ENDS[family]
        if family == 6:
            # The builder makes a fragment header only where one is needed.
            assert self.start or self.more
        return ip(
            source[0],
            target[0],
            self.data,
            protocol=protocol,
            identification=identification,
            fragment_offset=self.start,
            more_fragments=self.more,
            ttl=ttl,
        )


def whole(family: int = 4, payload: bytes = bytes(range(200))) -> bytes:
    source, target = ENDS[family]
    return tcp(source, target, 7, payload, ack=9)


def cut(octets: bytes, *at: int) -> list[Fragment]:
    """Return the fragments that end at the given places, and the last."""
    places = [0, *at, len(octets)]
    return [
        Fragment(start, octets[start:stop], stop < len(octets))
        for start, stop in pairwise(places)
    ]


def feed(
    reader: Reader, fragments: Iterable[Fragment], family: int = 4, **fields: Any
) -> list[Any]:
    return [reader.read(fragment.packet(family, **fields)) for fragment in fragments]


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(
    "order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1), (1, 3, 0, 2), (3, 0, 1, 2)]
)
def test_any_order_gives_the_segment(family: int, order: tuple[int, ...]) -> None:
    fragments = cut(whole(family), 8, 24, 104)
    reader = Reader()
    *before, row = feed(reader, [fragments[n] for n in order], family)
    assert before == [WAITING] * 3
    assert row["payload"] == bytes(range(200))
    assert (row["source"], row["start"], row["checksum"]) == (0, 20, 1)
    assert (row["length"], row["captured"], row["seq"]) == (200, 200, 7)
    assert reader.decoder.counters == {"fragment": 3}
    assert reader.decoder.fragments == {
        "completed": 1,
        "duplicates": 0,
        "overlaps": 0,
        "conflicts": 0,
    }


@given(st.data(), st.sampled_from([4, 6]), st.integers(2, 3000))
def test_any_cut_in_any_order_gives_the_segment(
    data: st.DataObject, family: int, size: int
) -> None:
    payload = random.Random(size).randbytes(size)
    octets = whole(family, payload)
    units = st.integers(1, (len(octets) - 1) // 8)
    places = data.draw(st.lists(units, min_size=1, max_size=20, unique=True))
    fragments = cut(octets, *sorted(8 * place for place in places))
    reader = Reader()
    *before, row = feed(reader, data.draw(st.permutations(fragments)), family)
    assert before == [WAITING] * len(places)
    assert (row["payload"], row["checksum"]) == (payload, 1)


def test_datagrams_do_not_mix() -> None:
    reader = Reader()
    one, two = cut(whole(), 24), cut(whole(payload=b"other" * 40), 24)
    assert feed(reader, [one[0]], identification=1) == [WAITING]
    assert feed(reader, [two[1]], identification=2) == [WAITING]
    assert reader.read(two[0].packet(protocol=51)) == WAITING
    # The addresses the other way round.
    back = ip("10.0.0.2", "10.0.0.1", one[1].data, fragment_offset=24, identification=1)
    assert reader.read(back) == WAITING
    (row,) = feed(reader, [two[0]], identification=2)
    assert row["payload"] == b"other" * 40
    (row,) = feed(reader, [one[1]], identification=1)
    assert row["payload"] == bytes(range(200))


def test_other_protocols_are_not_collected() -> None:
    reader = Reader()
    for fragment in cut(bytes(64), 32):
        assert reader.read(fragment.packet(protocol=1)) == "icmp"
        assert reader.read(fragment.packet(protocol=132)) == "other_protocol"
    assert reader.decoder.fragment_bytes == 0


def test_what_a_datagram_carries_is_only_known_when_it_is_complete() -> None:
    reader = Reader()
    first, last = cut(bytes(64), 32)
    assert feed(reader, [first, last], 6, protocol=17) == [WAITING, "udp"]
    first, last = cut(whole(6), 32)
    (before,) = feed(reader, [last], 6, identification=2, protocol=17)
    (row,) = feed(reader, [first], 6, identification=2)
    assert (before, row["payload"]) == (WAITING, bytes(range(200)))
    # A tunnel, and its last fragment is the one that completes it.
    vxlan = b"\0\x35\x12\xb5\0\0\0\0" + b"\x08\0\0\0\0\0\x07\0" + bytes(12)
    octets = vxlan + b"\x86\xdd" + ip(ENDS[6][0][0], ENDS[6][1][0], whole(6))
    (before, row) = feed(reader, cut(octets, 64), 6, identification=3, protocol=17)
    assert (before, row["payload"]) == (WAITING, bytes(range(200)))
    # A TCP header that is none.
    first, last = cut(bytes(64), 32)
    assert feed(reader, [first, last]) == [WAITING, "tcp_header"]


def test_extension_headers_may_be_fragmented() -> None:
    octets = b"\x06\x01" + bytes(14) + whole(6)
    *_, row = feed(Reader(), cut(octets, 8, 16, 24), 6, protocol=60)
    assert (row["payload"], row["checksum"]) == (bytes(range(200)), 1)


def test_fragments_of_fragments_are_refused() -> None:
    inner = b"\x06\0\0\x01\0\0\0\x05" + whole(6)
    assert feed(Reader(), cut(inner, 16), 6, protocol=44) == [WAITING, "ip_header"]


def test_an_atomic_fragment_does_not_wait_for_others() -> None:
    reader = Reader()
    assert feed(reader, [Fragment(0, whole(6)[:24], True)], 6) == [WAITING]
    source, target = ENDS[6]
    atomic = b"\x06\0\0\0\0\0\0\x01" + whole(6)
    row: Any = reader.read(ip(source[0], target[0], atomic, protocol=44))
    assert (row["payload"], row["source"]) == (bytes(range(200)), -1)


def test_the_time_to_live_is_that_of_the_first_fragment() -> None:
    first, last = cut(whole(), 24)
    reader = Reader()
    reader.read(last.packet(ttl=3))
    row: Any = reader.read(first.packet(ttl=60))
    assert row["ttl"] == 60
    reader = Reader()
    reader.read(first.packet(ttl=60))
    row = reader.read(last.packet(ttl=3))
    assert row["ttl"] == 60


def letters(pattern: str) -> list[Fragment]:
    """Return ``A0+3 B4+2 ... Q22+2(last)``: letter, start and units of 8 bytes.

    Every byte has its upper half from 5 on, so that whatever wins is a TCP header.
    """
    fragments = []
    for word in pattern.split():
        more = not word.endswith("(last)")
        start, _, count = word.removesuffix("(last)")[1:].partition("+")
        octets = unit(word[0]) * (8 * int(count or 1))
        fragments.append(Fragment(8 * int(start), octets, more))
    return fragments


def unit(letter: str) -> bytes:
    return bytes([0x50 | int(letter) if letter.isdigit() else ord(letter.lower())])


NOVAK_STURGES = (
    "A0+3 B4+2 C6+3 D10 E13+2 F15+3 G18+2 H20+2 I22 "
    "J1+4 K6+3 L9+3 M12+3 N16 O19 P20 Q22+2(last)"
)
SHANKAR_PAXSON = "10+3 24+2 36+3 41+4 56+3 69+3(last)"
VECTORS = [
    (NOVAK_STURGES, "bsd", "AAAJJBCCCLLLMMMFFFGGHHIQ"),
    (NOVAK_STURGES, "linux", "AAAJJBKKKLLLMMMFFFGGPHQQ"),
    (NOVAK_STURGES, "windows", "AAAJBBCCCLLLMEEFFFGGHHIQ"),
    (NOVAK_STURGES, "solaris", "AAAJBBCCCLLLMMMFFFGGHHIQ"),
    (NOVAK_STURGES, "first", "AAAJBBCCCLDLMEEFFFGGHHIQ"),
    (NOVAK_STURGES, "last", "AJJJJBKKKLLLMMMFNFGOPHQQ"),
    (SHANKAR_PAXSON, "bsd", "111442333666"),
    (SHANKAR_PAXSON, "linux", "111442555666"),
    (SHANKAR_PAXSON, "first", "111422333666"),
    (SHANKAR_PAXSON, "last", "144442555666"),
]


@pytest.mark.parametrize(("pattern", "policy", "expected"), VECTORS)
def test_published_patterns_of_overlap(
    pattern: str, policy: str, expected: str
) -> None:
    reader = Reader(fragment_overlap=policy)
    *before, row = feed(reader, letters(pattern))
    assert before == [WAITING] * len(before)
    assert isinstance(row, dict)
    assert reader.segments.side[0] == b"".join(unit(one) * 8 for one in expected)
    assert reader.decoder.fragments["conflicts"] > 0


def test_the_patterns_are_those_of_the_conformance_set() -> None:
    vectors = json.loads((CONFORMANCE / "overlap-vectors.json").read_text())
    for name, pattern in (
        ("ipv4_defrag_novak_sturges_8byte_units", NOVAK_STURGES),
        ("ipv4_shankar_paxson_8byte_units", SHANKAR_PAXSON),
    ):
        expected = vectors[name]["expected"]
        expected.pop("bsd-right", None)
        ours = {policy: text for which, policy, text in VECTORS if which == pattern}
        assert ours == expected


# When the newer fragment wins: by where it begins and ends against the older.
NEWER_WINS = {
    "first": set[str](),
    "last": {"= <", "= =", "= >", "< <", "< =", "< >", "> <", "> =", "> >"},
    "bsd": {"< <", "< =", "< >"},
    "linux": {"= <", "= =", "= >", "< <", "< =", "< >"},
    "windows": {"< >"},
    "solaris": {"< =", "< >"},
}


def compare(a: int, b: int) -> str:
    return "<" if a < b else ">" if a > b else "="


@given(
    st.sampled_from(POLICIES),
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), max_size=14),
)
def test_overlaps_agree_with_a_model_byte_by_byte(
    policy: str, spans: list[tuple[int, int]]
) -> None:
    units = 10
    reader = Reader(fragment_overlap=policy)
    owner: list[Fragment | None] = [None] * (8 * units)
    overlaps = conflicts = 0
    ends = False
    spans = [(start, min(start + count, units)) for start, count in spans]
    spans += [(n, n + 1) for n in range(units)]
    for number, (first, stop) in enumerate(spans):
        octets = bytes([0x50 + number]) * (8 * (stop - first))
        new = Fragment(8 * first, octets, stop < units)
        span = range(8 * first, 8 * stop)
        others = {old for old in owner[span.start : span.stop] if old is not None}
        overlaps += bool(others)
        conflicts += bool(others)
        for at in span:
            old = owner[at]
            wins = old is None or (
                f"{compare(new.start, old.start)} "
                f"{compare(span.stop, old.start + len(old.data))}" in NEWER_WINS[policy]
            )
            if wins:
                owner[at] = new
        (got,) = feed(reader, [new])
        # The end is known by a fragment that may have lost all its bytes.
        ends = ends or not new.more
        if None in owner or not ends:
            assert got == WAITING
            continue
        expected = bytes(one.data[0] for one in owner if one is not None)
        assert isinstance(got, dict)
        assert reader.segments.side[0] == expected
        assert reader.decoder.fragments["overlaps"] == overlaps
        assert reader.decoder.fragments["conflicts"] == conflicts
        return
    raise AssertionError("never complete")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("family", [4, 6])
def test_a_fragment_that_comes_twice_changes_nothing(policy: str, family: int) -> None:
    reader = Reader(fragment_overlap=policy)
    first, middle, last = cut(whole(family), 24, 104)
    *before, row = feed(reader, [first, last, first, last, first, middle], family)
    assert before == [WAITING] * 5
    assert row["payload"] == bytes(range(200))
    assert reader.decoder.fragments["duplicates"] == 3
    assert reader.decoder.fragments["overlaps"] == 0
    # And once more after the datagram is complete.
    assert feed(reader, [middle, last, first], family) == [WAITING] * 3
    assert reader.decoder.fragments["duplicates"] == 6


def test_equal_bytes_in_an_overlap_are_no_conflict() -> None:
    octets = whole()
    reader = Reader()
    fragments = [
        Fragment(0, octets[:64], True),
        Fragment(32, octets[32:96], True),
        Fragment(80, octets[80:], False),
    ]
    *_, row = feed(reader, fragments)
    assert (row["payload"], row["checksum"]) == (bytes(range(200)), 1)
    assert reader.decoder.fragments["overlaps"] == 2
    assert reader.decoder.fragments["conflicts"] == 0


def test_an_identification_may_be_used_again() -> None:
    reader = Reader()
    feed(reader, cut(whole(), 24))
    again = cut(whole(payload=b"other" * 40), 24)
    assert feed(reader, [again[1]]) == [WAITING]
    (row,) = feed(reader, [again[0]])
    assert (row["payload"], row["checksum"]) == (b"other" * 40, 1)


def test_an_identification_used_again_too_early_is_not_silent() -> None:
    reader = Reader()
    old, new = cut(whole(), 24, 48), cut(whole(payload=b"other" * 40), 24, 48)
    # The old datagram lost its last fragment.
    *_, row = feed(reader, [old[0], old[1], *new])
    assert row["checksum"] == 2
    assert reader.decoder.fragments["conflicts"] == 2


@pytest.mark.parametrize(
    "overlapping",
    [
        pytest.param((16, 32), id="within"),
        pytest.param((0, 104), id="over all"),
        pytest.param((40, 64), id="over the end of one"),
        pytest.param((0, 40), id="the same start"),
    ],
)
def test_an_overlap_discards_an_ipv6_datagram(overlapping: tuple[int, int]) -> None:
    reader = Reader(fragment_overlap="linux")
    octets = whole(6)
    first, middle, last = cut(octets, 48, 104)
    start, stop = overlapping
    # Even with equal bytes: RFC 5722 section 4.
    bad = Fragment(start, octets[start:stop], True)
    got = feed(reader, [first, bad, middle, last], 6)
    assert got == [WAITING] + ["fragment_overlap"] * 3
    assert reader.decoder.counters == {"fragment_overlap": 4}
    assert reader.decoder.fragments["overlaps"] == 1
    # The identification can be used again when the datagram is forgotten.
    reader.decoder.advance(31 * SECOND)
    assert feed(reader, [first, middle], 6) == [WAITING] * 2
    assert isinstance(feed(reader, [last], 6)[0], dict)


@pytest.mark.parametrize(
    "fragment",
    [
        pytest.param(Fragment(8, b"", True), id="empty"),
        pytest.param(Fragment(8, b"", False), id="empty and last"),
        pytest.param(Fragment(8, bytes(9), True), id="not whole units"),
        pytest.param(Fragment(65528, bytes(8), False), id="past 64 KiB"),
        pytest.param(Fragment(65504, bytes(1480), True), id="far past 64 KiB"),
    ],
)
@pytest.mark.parametrize("family", [4, 6])
def test_impossible_fragments_are_refused(fragment: Fragment, family: int) -> None:
    reader = Reader()
    assert feed(reader, [fragment], family) == ["fragment_invalid"]
    assert reader.decoder.fragment_bytes == 0


def test_the_largest_datagrams() -> None:
    for family, size in ((4, 65515), (6, 65535)):
        octets = whole(family, bytes(size - 20))
        *_, row = feed(Reader(), cut(octets, 8, 32000, 65504), family)
        assert (row["length"], row["checksum"]) == (size - 20, 1)


def test_the_end_of_a_datagram_does_not_move() -> None:
    octets = whole()
    first, last = cut(octets, 104)
    shorter = Fragment(104, octets[104:136], False)
    longer = Fragment(104, octets[104:] + bytes(8), False)
    beyond = Fragment(216, bytes(8), True)
    reader = Reader()
    refused = ["fragment_invalid"] * 3
    assert feed(reader, [last, shorter, longer, beyond]) == [WAITING, *refused]
    assert feed(reader, [first])[0]["checksum"] == 1
    # What reaches further came first.
    reader = Reader()
    assert feed(reader, [beyond, last]) == [WAITING, "fragment_invalid"]


def test_teardrop() -> None:
    # The second fragment lies within the first, and says that it is the last.
    reader = Reader()
    fragments = [Fragment(0, whole()[:40], True), Fragment(24, bytes(8), False)]
    assert feed(reader, fragments) == [WAITING, "fragment_invalid"]


def test_a_cut_fragment_leaves_the_bytes_before_it() -> None:
    octets = whole()
    packets = [fragment.packet() for fragment in cut(octets, 104, 160)]
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        reader = Reader()
        got: list[Any] = []
        for n in order:
            frame = packets[n][:-16] if n == 1 else packets[n]
            got.append(reader.read(frame, original=len(packets[n])))
        row = got[2]
        assert (row["length"], row["captured"], row["checksum"]) == (200, 124, 0)
        assert row["payload"] == bytes(range(124))
    # A TCP header that is cut.
    reader = Reader()
    reader.read(packets[0][:39], original=len(packets[0]))
    reader.read(packets[1])
    assert reader.read(packets[2]) == "tcp_truncated"


def test_the_copy_of_a_cut_fragment_is_a_copy() -> None:
    first, last = (fragment.packet() for fragment in cut(whole(), 104))
    reader = Reader()
    reader.read(first[:60], original=len(first))
    assert isinstance(reader.read(last), dict)
    assert reader.read(first[:60], original=len(first)) == WAITING
    assert reader.read(last) == WAITING
    assert reader.decoder.fragments["duplicates"] == 2


def test_time_ends_the_wait() -> None:
    reader = Reader(fragment_timeout_ns=30 * SECOND)
    first, last = cut(whole(), 24)
    assert reader.read(first.packet(), time_ns=5 * SECOND) == WAITING
    assert isinstance(reader.read(last.packet(), time_ns=35 * SECOND), dict)
    assert reader.read(first.packet(4, 2)) == WAITING
    reader.read(first.packet(4, 3), time_ns=40 * SECOND)
    assert reader.decoder.counters == {"fragment": 3}
    # The datagrams 2 and 3 began at 35 (time does not go back) and 40 seconds.
    reader.decoder.advance(66 * SECOND)
    assert reader.decoder.counters == {"fragment": 2, "fragment_timeout": 1}
    reader.decoder.advance(60 * SECOND)
    assert isinstance(reader.read(last.packet(4, 3), time_ns=70 * SECOND), dict)
    reader.decoder.advance(1000 * SECOND)
    assert reader.decoder.counters == {"fragment": 2, "fragment_timeout": 1}
    assert reader.decoder.fragment_bytes == 0


def test_frames_that_are_no_fragments_let_time_pass() -> None:
    reader = Reader()
    first, last = cut(whole(), 24)
    reader.read(first.packet(), time_ns=SECOND)
    reader.read(b"", time_ns=32 * SECOND)
    assert reader.decoder.counters == {"fragment_timeout": 1, "link_truncated": 1}
    assert reader.read(last.packet(), time_ns=32 * SECOND) == WAITING


@pytest.mark.parametrize("time_ns", [-(1 << 63), -1, 0, (1 << 63) - 1])
def test_any_time_will_do(time_ns: int) -> None:
    reader = Reader()
    for moment in (time_ns, 0, time_ns):
        reader.read(cut(whole(), 24)[0].packet(), time_ns=moment)
    reader.decoder.advance(-5)
    reader.decoder.advance((1 << 63) - 1)


def test_bytes_are_bounded() -> None:
    bound = 100_000
    reader = Reader(max_fragment_bytes=bound)
    size = 0
    for n in range(300):
        fragment = Fragment(800, bytes(800), True)
        feed(reader, [fragment], identification=n)
        assert reader.decoder.fragment_bytes <= bound
        size = max(size, reader.decoder.fragment_bytes)
    assert size > bound * 0.9
    counters = reader.decoder.counters
    assert counters["fragment"] + counters["fragment_limit"] == 300
    assert 20 < counters["fragment"] < 100


def test_complete_datagrams_are_forgotten_before_others_are_given_up() -> None:
    reader = Reader(max_fragment_bytes=40_000)
    first, last = cut(whole(), 24)
    assert feed(reader, [first], identification=9999) == [WAITING]
    for n in range(200):
        *_, row = feed(reader, cut(whole(), 24, 104), identification=n)
        assert isinstance(row, dict)
        assert reader.decoder.fragment_bytes <= 40_000
    (row,) = feed(reader, [last], identification=9999)
    assert isinstance(row, dict)
    assert "fragment_limit" not in reader.decoder.counters


def test_a_bound_below_one_fragment_refuses_all() -> None:
    reader = Reader(max_fragment_bytes=500)
    assert feed(reader, cut(whole(), 24)) == ["fragment_limit"] * 2
    assert reader.decoder.fragment_bytes == 0
    reader = Reader(max_fragmented_datagrams=0)
    assert feed(reader, cut(whole(), 24)) == ["fragment_limit"] * 2


def test_datagrams_are_bounded_in_number() -> None:
    reader = Reader(max_fragmented_datagrams=3)
    first, last = cut(whole(), 24)
    for n in range(5):
        feed(reader, [first], identification=n)
    assert reader.decoder.counters == {"fragment": 3, "fragment_limit": 2}
    for n in (4, 3, 2):
        assert isinstance(feed(reader, [last], identification=n)[0], dict)
    assert feed(reader, [last], identification=0) == [WAITING]


def test_8000_tiny_fragments_in_any_order() -> None:
    octets = whole(4, random.Random(3).randbytes(65000))
    fragments = cut(octets, *range(8, len(octets), 8))
    random.Random(4).shuffle(fragments)
    frames = [fragment.packet() for fragment in fragments]
    payloads = []
    for at in range(0, len(frames), 2048):
        payloads.append(frames[at : at + 2048])
    reader = Reader()
    got: Any = None
    for part in payloads:
        for frame in part:
            got = reader.read(frame)
    assert got["payload"] == octets[20:]


@pytest.mark.parametrize(
    "bounds",
    [
        {"fragment_overlap": "vista"},
        {"fragment_timeout_ns": -1},
        {"max_fragment_bytes": -1},
        {"max_fragmented_datagrams": -1},
    ],
)
def test_bounds_and_rules_are_checked(bounds: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="fragment"):
        Reader(**bounds)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([4, 6]),
            st.integers(0, 2),
            st.integers(0, 12),
            st.integers(0, 50),
            st.booleans(),
            st.integers(0, 3) | st.integers(0, 40 * SECOND),
        ),
        max_size=30,
    ),
    st.sampled_from(POLICIES),
    st.sampled_from([0, 3000, 10_000, 1 << 20]),
)
def test_every_frame_is_a_segment_or_counted(
    frames: list[tuple[int, int, int, int, bool, int]], policy: str, bound: int
) -> None:
    now_ns = 0
    taken: list[tuple[int, bytes, int]] = []
    for family, identification, units, size, more, step_ns in frames:
        now_ns += step_ns
        data = bytes([0x50 + len(taken) % 160]) * size
        fragment = Fragment(8 * units, data, more or family == 6)
        packet = fragment.packet(family, identification)
        taken.append((now_ns, packet, RAW))
    batch = Batch.from_frames(taken)
    bounds: dict[str, Any] = {"fragment_overlap": policy, "max_fragment_bytes": bound}
    # `rows` checks the count.
    expected = rows(batch, **bounds)
    assert len(rows(batch, capacity=1, **bounds)) == len(expected)


def test_fragments_in_one_batch_have_a_source_each() -> None:
    frames = [ip("10.0.0.1", "10.0.0.2", whole(payload=b"plain"))]
    for n in range(3):
        octets = whole(payload=bytes([n]) * 50)
        frames += [fragment.packet(4, n) for fragment in cut(octets, 24)]
    frames += [ip("10.0.0.1", "10.0.0.2", whole(payload=b"plain"))]
    got = rows(batch_of(frames))
    assert [row["source"] for row in got] == [-1, 0, 1, 2, -1]
    assert [row["index"] for row in got] == [0, 2, 4, 6, 7]
    assert [row["payload"] for row in got] == [
        b"plain",
        *(bytes([n]) * 50 for n in range(3)),
        b"plain",
    ]
