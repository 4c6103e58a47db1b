"""Captures of one stream each: every frame as it was, and what was found of it."""

import subprocess
from pathlib import Path
from shutil import which
from typing import Any

import pytest

import unpacket
from tests.builder import (
    ACK,
    ETHERNET,
    RST,
    Conversation,
    Frame,
    ethernet,
    ip,
    tcp,
    write_pcap,
)
from unpacket import sources
from unpacket.sinks import split

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "sample.pcapng"
A, B, C = ("10.0.0.1", 40000), ("10.0.0.2", 80), ("10.0.0.3", 40000)


def troubled() -> list[Frame]:
    """Two streams, the first with all that there is to remark, in fragments too."""
    talk, other = Conversation(A, B), Conversation(C, B)
    talk.handshake()
    talk.client(1, b"good")
    talk.client(1, b"evil")
    # Not where an RST would be believed.
    talk.client(7, b"bad", flags=RST | ACK)
    talk.server(1, ack=15)
    other.now_ns = talk.now_ns
    other.handshake()
    other.client(1, b"other")
    talk.now_ns += 1_000_000_000
    talk.client(15, b"after")
    frames = [*talk.frames[:-1], *other, talk.frames[-1]]
    segment = tcp(A, B, 1020, bytes(range(64)), ack=5001)
    for start, stop in ((0, 40), (40, len(segment))):
        packet = ethernet(
            ip(
                A[0],
                B[0],
                segment[start:stop],
                identification=7,
                fragment_offset=start,
                more_fragments=stop < len(segment),
            )
        )
        talk.now_ns += 1
        frames.append(Frame(talk.now_ns, packet, ETHERNET, len(packet)))
    return frames


def written(
    path: Path, out: Path, where: str | None = None, **options: Any
) -> dict[int, Path]:
    """Split a capture, and return the part of each stream by its id."""
    with sources.open(path) as source:
        findings = split.find(source, where=where)
    with sources.open(path) as source:
        pieces = split.parts(source, findings, interfaces=lambda: source.interfaces)
        split.write(str(out), pieces, findings, name="{id}", **options)
    return {int(part.name): part for part in out.iterdir()}


def frames_of(path: Path) -> list[tuple[int, int, int, bytes]]:
    """Return time, link type, length and bytes of each frame."""
    with sources.open(path) as source:
        return [batch.frame(n)[1:] for batch in source for n in range(len(batch))]


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "troubled.pcap"
    write_pcap(path, troubled())
    return path


@pytest.mark.skipif(not SAMPLE.exists(), reason="the examples are not in this copy")
def test_every_frame_is_in_a_part_as_it_was(tmp_path: Path) -> None:
    parts = written(SAMPLE, tmp_path)
    assert sorted(parts) == list(range(9))
    together = [frame for part in parts.values() for frame in frames_of(part)]
    assert sorted(together) == sorted(frames_of(SAMPLE))


@pytest.mark.skipif(not SAMPLE.exists(), reason="the examples are not in this copy")
def test_the_parts_have_the_streams_of_the_whole(tmp_path: Path) -> None:
    parts = written(SAMPLE, tmp_path, max_open=1, buffer_bytes=100)
    for whole in unpacket.summaries(SAMPLE, digest=True):
        (part,) = unpacket.summaries(parts[whole.id], digest=True)
        # Frames are counted anew.
        assert part.to_dict() == whole.to_dict() | {"id": 0, "first_frame": 1}


def comments(path: Path) -> dict[int, list[str]]:
    """Return the comments of frames, as tshark shows them."""
    done = subprocess.run(
        [
            *("tshark", "-r", str(path), "-Y", "frame.comment"),
            *("-T", "fields", "-E", "aggregator=|"),
            *("-e", "frame.number", "-e", "frame.comment"),
        ],
        capture_output=True,
        encoding="utf-8",
        timeout=100,
    )
    assert done.returncode == 0
    assert set(done.stderr.splitlines()) <= {
        'Running as user "root" and group "root". This could be dangerous.'
    }
    rows = (line.split("\t") for line in done.stdout.splitlines())
    return {int(number): said.split("|") for number, said in rows}


@pytest.mark.skipif(which("tshark") is None, reason="tshark is not installed")
def test_tshark_shows_what_was_found(capture: Path, tmp_path: Path) -> None:
    parts = written(capture, tmp_path / "out")
    conflict = (
        "client conflict: 4 bytes at offset 0: kept 'good' (frame 4), not 'evil' "
        "(frame 5)"
    )
    assert comments(parts[0]) == {
        4: [conflict],
        5: [conflict],
        6: ["client rejected: 3 bytes at offset 6: rst (frame 6)"],
        10: [
            "client gap: 10 bytes at offset 4 missing: not_captured (frame 14)",
            "closed: end_of_capture",
        ],
    }
    assert b"conflicts: 1\nrejected (rst): 1" in parts[0].read_bytes()[:400]


def test_fragments_are_in_the_part_of_their_stream(
    capture: Path, tmp_path: Path
) -> None:
    parts = written(capture, tmp_path / "out")
    assert len(frames_of(parts[0])) == 10
    assert len(frames_of(parts[1])) == 4


def test_what_was_noticed_in_a_frame_of_another_stream_is_told(
    tmp_path: Path,
) -> None:
    talk, other = Conversation(A, B), Conversation(C, B)
    talk.handshake()
    talk.server(1, ack=9)
    other.now_ns = talk.now_ns
    other.handshake()
    write_pcap(tmp_path / "a.pcap", [*talk, *other])
    parts = written(tmp_path / "a.pcap", tmp_path / "out")
    told = b"client gap: 8 bytes at offset 0 missing: not_captured (frame 7)"
    assert told in parts[0].read_bytes()


@pytest.mark.skipif(not SAMPLE.exists(), reason="the examples are not in this copy")
def test_little_waits_where_little_may() -> None:
    with sources.open(SAMPLE) as source:
        findings = split.find(source)

    def together(**options: Any) -> dict[int, bytes]:
        joined: dict[int, bytes] = {}
        with sources.open(SAMPLE) as source:
            for stream_id, data, last in split.parts(source, findings, **options):
                joined[stream_id] = joined.get(stream_id, b"") + data
                ended.add((stream_id, last))
        return joined

    ended: set[tuple[int, bool]] = set()
    assert together(buffer_bytes=1) == together()
    assert {stream_id for stream_id, last in ended if last} == set(range(9))


def test_one_stream_alone(capture: Path, tmp_path: Path) -> None:
    with sources.open(capture) as source:
        findings = split.find(source)
    with sources.open(capture) as source:
        pieces = [
            (stream_id, bytes(data), last)
            for stream_id, data, last in split.parts(source, findings, only=1)
        ]
    assert [(stream_id, last) for stream_id, _, last in pieces] == [(1, True)]
    (tmp_path / "one").write_bytes(pieces[0][1])
    assert frames_of(tmp_path / "one") == frames_of(capture)[7:11]


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        pytest.param("conflicts", [0], id="known at the end"),
        pytest.param("client == 10.0.0.3", [1], id="known at once"),
        pytest.param("start < 1s", [0, 1], id="since the first frame"),
        pytest.param("bytes > 1MiB", [], id="none"),
    ],
)
def test_only_streams_that_pass_have_parts(
    capture: Path, tmp_path: Path, where: str, wanted: list[int]
) -> None:
    whole = written(capture, tmp_path / "whole")
    parts = written(capture, tmp_path / "parts", where)
    assert sorted(parts) == wanted
    for number, part in parts.items():
        assert part.read_bytes() == whole[number].read_bytes()
