"""What is said of a capture's integrity, for each kind of trouble."""

import json
import sys
import warnings
from base64 import b64decode
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import unpacket
from tests.builder import RST, SECOND, Conversation, ethernet, ip, tcp, write_pcap
from tests.sources import writing as pcapng
from unpacket import Policy
from unpacket._core.reassembly.held import POLICIES
from unpacket.faces.reader import Reading
from unpacket.integrity.checker import EXAMPLES, MAX_WATCHES, Integrity, check
from unpacket.integrity.report import Report


def fine() -> Conversation:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"question")
    talk.server(1, b"answer", ack=9)
    talk.farewell(9, 7)
    return talk


def started() -> Conversation:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"0123456789")
    talk.server(1, ack=11)
    return talk


def lossy() -> Conversation:
    talk = started()
    talk.client(3011, b"abc")
    talk.server(1, ack=3014)
    talk.farewell(3014, 1)
    return talk


def unacknowledged() -> Conversation:
    talk = started()
    talk.client(21, b"abc")
    talk.client(11, ack=1, flags=RST)
    return talk


def cut() -> Conversation:
    talk = started()
    talk.client(11, b"x" * 100, captured=40)
    talk.server(1, ack=111)
    talk.farewell(111, 1)
    return talk


def contradicting() -> Conversation:
    talk = started()
    talk.client(1, b"01234EVIL9")
    talk.farewell(11, 1)
    return talk


def ambiguous() -> Conversation:
    talk = started()
    talk.client(15, b"GOOD")
    talk.client(15, b"EVIL")
    talk.client(11, b"____")
    talk.server(1, ack=19)
    talk.farewell(19, 1)
    return talk


def damaged() -> Conversation:
    talk = started()
    talk.client(11, b"x" * 10, sum_xor=0x5555)
    talk.client(11, b"y" * 10)
    talk.server(1, ack=21)
    talk.farewell(21, 1)
    return talk


def all_sums_wrong() -> Conversation:
    talk = Conversation()
    talk.client(0, ack=None, flags=2, sum_xor=9)
    talk.server(0, ack=1, flags=0x12)
    talk.client(1, b"x", ack=1, sum_xor=9)
    talk.server(1, ack=2, flags=1)
    talk.client(2, ack=2, flags=1, sum_xor=9)
    return talk


def one_sided() -> Conversation:
    talk = Conversation()
    talk.client(1, b"question", ack=1)
    talk.client(9, b"another", ack=300)
    return talk


def backwards() -> Conversation:
    talk = started()
    talk.client(11, b"x", at_ns=SECOND)
    talk.server(1, ack=12, at_ns=SECOND // 2)
    talk.farewell(12, 1)
    return talk


def reported(talk: Conversation, **options: Any) -> Report:
    return check(talk.packets, **options)


@pytest.mark.parametrize(
    "talk, wrong",
    [
        pytest.param(fine, [], id="fine"),
        pytest.param(lossy, ["loss"], id="acknowledged and not there"),
        pytest.param(unacknowledged, [], id="the receiver never had it"),
        pytest.param(one_sided, ["one_sided"], id="one side"),
        pytest.param(contradicting, ["conflicts"], id="a late copy differs"),
        pytest.param(damaged, ["rejected", "checksums"], id="damaged on the wire"),
        pytest.param(all_sums_wrong, [], id="all sums of a host wrong"),
        pytest.param(backwards, ["clock"], id="the clock went back"),
    ],
)
def test_what_is_wrong(talk: Any, wrong: list[str]) -> None:
    report = reported(talk())
    assert report.wrong == wrong
    assert report.ok == (not wrong)
    assert report.to_dict()["wrong"] == wrong
    assert report.streams == 1
    assert report.segments == report.frames


def test_frames_that_the_capture_cut(tmp_path: Path) -> None:
    write_pcap(tmp_path / "cut.pcap", cut())
    report = check(tmp_path / "cut.pcap")
    assert report.wrong == ["gaps"]
    assert report.gaps["truncated"].bytes == 60


def test_capture_loss_is_estimated() -> None:
    report = reported(lossy())
    assert (report.lost.count, report.lost.bytes, report.lost.streams) == (1, 3000, 1)
    # No MSS was announced.
    assert report.lost_segments == 3
    assert report.lost_share == pytest.approx(3000 / 3013)
    (example,) = report.lost.examples
    assert (example["stream"], example["direction"]) == (0, "client")
    assert (example["offset"], example["length"]) == (10, 3000)
    assert example["frame"] > 0


def test_both_versions_of_a_conflict_are_kept() -> None:
    report = reported(contradicting())
    assert (report.conflicts.count, report.conflicts.bytes) == (1, 4)
    (example,) = report.conflicts.examples
    assert b64decode(example["kept_base64"]) == b"5678"
    assert b64decode(example["other_base64"]) == b"EVIL"
    assert (example["kept_frame"], example["other_frame"]) == (4, 6)


def test_checksums_by_host() -> None:
    report = reported(damaged())
    assert report.host_state("10.0.0.1") == "damage"
    assert report.host_state("10.0.0.2") == "good"
    assert report.rejected["checksum"].count == 1
    assert b64decode(report.rejected["checksum"].examples[0]["payload_base64"]) == (
        b"x" * 10
    )
    report = reported(all_sums_wrong())
    assert report.host_state("10.0.0.1") == "all_wrong"


def test_a_filter_says_which_streams_count() -> None:
    frames = [*fine().packets]
    other = Conversation(client=("10.0.0.9", 1), server=("10.0.0.2", 99))
    other.handshake()
    other.client(1, b"01234")
    other.client(1, b"EVIL4")
    frames = sorted(frames + other.packets)
    assert check(frames).wrong == ["conflicts"]
    for where, wrong, streams in (
        ("port == 99", ["conflicts"], 1),
        ("port == 80", [], 1),
        ("conflicts", ["conflicts"], 1),
        ("not conflicts", [], 1),
        ("port == 1234", [], 0),
    ):
        report = check(frames, where=where)
        assert (report.wrong, report.streams) == (wrong, streams)
        assert report.frames == len(frames)


def mirrored(*ends: str) -> list[tuple[int, bytes]]:
    """Return connections that are captured behind a router too, and once repeated."""
    packets: list[tuple[int, bytes]] = []
    for address in ends:
        talk = Conversation((address, 40000))
        talk.handshake()
        for number in (7, 8):
            talk.client(1, b"question", identification=number)
        talk.server(1, b"answer", ack=9)
        for time_ns, frame in talk.packets:
            # The TTL, and the checksum that goes with it.
            ttl = (
                frame[22:23]
                + frame[23:24]
                + ((int.from_bytes(frame[24:26], "big") + 256) % 0xFFFF).to_bytes(
                    2, "big"
                )
            )
            less = frame[:22] + bytes([ttl[0] - 1]) + ttl[1:] + frame[26:]
            packets += [(time_ns, frame), (time_ns + 1000, less)]
    return packets


def test_what_was_captured_twice() -> None:
    report = check(mirrored("10.0.0.1", "10.0.0.3"))
    # Of the second connection the times begin anew.
    assert report.wrong == ["clock"]
    assert report.duplicates.count == 12
    assert report.duplicates.streams == 2
    assert report.retransmissions == 2
    assert report.duplicates.examples[0] == {"frame": 2, "copy_of": 1, "stream": 0}
    assert len(report.duplicates.examples) == EXAMPLES
    told = report.to_dict()
    assert told["duplicates"]["count"] == 12
    assert told["retransmissions"] == 2


def test_what_was_captured_twice_of_some_streams() -> None:
    report = check(mirrored("10.0.0.1", "10.0.0.3"), where="client == 10.0.0.3")
    assert report.duplicates.count == 6
    assert {one["stream"] for one in report.duplicates.examples} == {1}


def test_what_other_systems_take_for_retransmissions() -> None:
    policy = Policy.preset("wireshark")
    report = check(mirrored("10.0.0.1"), policy=policy)
    assert report.duplicates.count == 0
    # SYN, SYN-ACK, the question and the answer, and the real one.
    assert report.retransmissions == 6


def test_what_the_capture_says_it_lost(tmp_path: Path) -> None:
    path = tmp_path / "drops.pcapng"
    # An interface, and its statistics: option 5 is what it dropped.
    lost = pcapng.option("<", 5, (7).to_bytes(8, "little"))
    about = pcapng.block("<", 5, bytes(12) + lost)
    path.write_bytes(pcapng.section("<") + pcapng.interface("<") + about)
    report = check(path)
    assert (report.dropped, report.wrong) == (7, ["drops"])
    assert reported(fine()).dropped is None


def test_damage_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    write_pcap(path, fine())
    path.write_bytes(path.read_bytes()[:-3])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = check(path)
    assert "damage" in report.wrong
    assert len(report.damage) == 1
    assert report.damage[0].startswith(f"{path}: byte ")


def test_frames_without_a_segment() -> None:
    frames = [*fine().packets, (0, b"\xff" * 12), (0, b"\xff" * 60)]
    report = check(frames)
    assert report.without_segment == {"link_truncated": 1, "not_ip": 1}
    assert "frames" in report.wrong


@pytest.mark.parametrize("second, wrong", [(b"A", []), (b"B", ["fragments"])])
def test_fragments_that_contradict_each_other(second: bytes, wrong: list[str]) -> None:
    ends = "10.0.0.1", "10.0.0.2"
    segment = tcp(("10.0.0.1", 40000), ("10.0.0.2", 80), 1, b"A" * 100, ack=1)
    pieces = [(0, segment[:64]), (32, segment[32:60] + second * 4), (64, segment[64:])]
    frames = fine().packets
    for offset, payload in pieces:
        more = offset != 64
        packet = ip(*ends, payload, fragment_offset=offset, more_fragments=more)
        frames.append((frames[-1][0] + 1, ethernet(packet)))
    report = check(frames)
    assert report.fragments["completed"] == 1
    assert report.fragments["overlaps"] == 1
    assert [name for name in report.wrong if name == "fragments"] == wrong


@given(st.lists(st.binary(max_size=100), max_size=5), st.integers(0, 3))
def test_any_frames_make_a_report(frames: list[bytes], at: int) -> None:
    talk = ambiguous().packets
    mixed = [*talk[:at], *((0, frame) for frame in frames), *talk[at:]]
    report = check(mixed, again=lambda: unpacket.sources.open(mixed))
    assert report.frames == len(mixed)
    assert report.segments + sum(report.without_segment.values()) == len(mixed)
    assert json.loads(json.dumps(report.to_dict()))["wrong"] == report.wrong


def test_evidence_is_bounded() -> None:
    talk = started()
    for _ in range(50):
        talk.client(1, b"EVIL" + b"x" * 1000)
    reading = Reading(talk.packets, data=False)
    integrity = Integrity(examples=2)
    for event in reading.events():
        integrity.take(event)
    conflicts = integrity.report.conflicts
    assert conflicts.count == 50
    assert len(conflicts.examples) == 2
    frames: list[tuple[int, bytes]] = []
    for number in range(MAX_WATCHES + 5):
        talk = Conversation(client=("10.0.0.1", 1000 + number))
        talk.client(1, b"GOOD")
        talk.client(1, b"EVIL")
        frames += talk.packets
    integrity = Integrity()
    for event in Reading(frames, data=False).events():
        integrity.take(event)
    assert integrity.report.conflicts.streams == MAX_WATCHES + 5
    assert len(integrity.watches) == MAX_WATCHES
    assert len(integrity.report.conflicts.examples) == EXAMPLES


def test_policies_that_differ(tmp_path: Path) -> None:
    path = tmp_path / "ambiguous.pcap"
    write_pcap(path, ambiguous())
    report = check(path)
    assert report.wrong == ["conflicts", "policies"]
    assert report.policies is not None
    (divergence,) = report.policies
    (place,) = divergence.places
    assert (str(place.direction), place.offset, place.length) == ("client", 14, 4)
    by_payload = {version.payload: version.policies for version in place.versions}
    assert set(by_payload) == {b"GOOD", b"EVIL"}
    assert "first" in by_payload[b"GOOD"]
    assert "old-linux" in by_payload[b"EVIL"]
    assert sorted(by_payload[b"GOOD"] + by_payload[b"EVIL"]) == sorted(POLICIES)
    assert sorted(map(sorted, divergence.groups)) == sorted(
        map(sorted, by_payload.values())
    )


def test_policies_need_a_second_reading() -> None:
    report = reported(ambiguous())
    assert report.policies is None
    assert report.why_no_policies == "the source can be read only once"
    assert report.wrong == ["conflicts"]
    packets = ambiguous().packets
    report = check(packets, again=lambda: unpacket.sources.open(packets))
    assert report.wrong == ["conflicts", "policies"]
    report = check(packets, policies=False)
    assert (report.policies, report.why_no_policies) == (None, "not asked")


SEGMENTS = st.lists(
    st.tuples(st.integers(1, 12), st.integers(1, 6), st.sampled_from("AB")),
    max_size=8,
)


@given(SEGMENTS)
def test_policies_agree_with_each_of_them_alone(
    segments: list[tuple[int, int, str]],
) -> None:
    talk = Conversation()
    talk.handshake()
    for start, length, letter in segments:
        talk.client(1 + start, letter.encode() * length)
    talk.client(1, b"_")
    talk.server(1, ack=30)
    packets = talk.packets
    outcomes = defaultdict(set)
    alone = {}
    for name in POLICIES:
        policy = Policy(overlap=name)  # type: ignore[arg-type]
        (stream,) = unpacket.streams(packets, policy=policy)
        gaps = tuple((gap.offset, gap.length, gap.reason) for gap in stream.client_gaps)
        outcomes[stream.data(0, "join"), gaps].add(name)
        alone[name] = stream
    report = check(packets, again=lambda: unpacket.sources.open(packets))
    assert report.policies is not None
    if len(outcomes) == 1:
        assert report.policies == []
        return
    (divergence,) = report.policies
    assert sorted(map(sorted, divergence.groups)) == sorted(
        map(sorted, outcomes.values())
    )
    assert divergence.places
    for place in divergence.places:
        for version in place.versions:
            stop = place.offset + place.length
            for name in version.policies:
                assert (
                    alone[name].read(0, place.offset, stop, "join") == version.payload
                )


def test_memory_does_not_grow_with_the_capture() -> None:
    def kept(streams: int) -> int:
        integrity = Integrity()
        for number in range(streams):
            talk = Conversation(client=("10.0.0.1", 1000 + number))
            talk.handshake()
            talk.client(5, b"question")
            talk.server(1, ack=13)
            talk.farewell(13, 1)
            for event in Reading(talk.packets, data=False).events():
                integrity.take(event)
        assert integrity.report.lost.count == streams
        return sum(map(sys.getsizeof, integrity.report.lost.examples))

    assert kept(10) == kept(100)
