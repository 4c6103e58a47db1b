"""Streams to files: the bytes, the gaps in each form, the index, and the bounds."""

import hashlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import unpacket
from tests.builder import Conversation, Frame, write_pcap
from unpacket import Direction, SinkError
from unpacket.faces.reader import Reading
from unpacket.query.parser import Where
from unpacket.sinks.extract import Extractor
from unpacket.sinks.render.follow import renderer
from unpacket.sinks.render.turns import InTurns

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "sample.pcapng"


def index(directory: Path) -> list[dict[str, Any]]:
    lines = (directory / "index.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def extracted(directory: Path, source: Any, **options: Any) -> list[dict[str, Any]]:
    """Extract, and return the index."""
    with Extractor(directory, **options) as extractor:
        extractor.take_all(unpacket.events(source))
    return index(directory)


def files(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.name != "index.jsonl"
    }


@pytest.fixture
def with_gap() -> list[tuple[int, bytes]]:
    """The client says abc, then three bytes that are missing, then ghi."""
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"abc")
    talk.client(7, b"ghi")
    talk.server(1, ack=10)
    talk.client(10, b"jkl")
    talk.server(1, b"yes", ack=13)
    return talk.packets


@pytest.fixture
def ends_with_gap() -> list[tuple[int, bytes]]:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"abc")
    talk.server(1, ack=10)
    talk.farewell(10, 1)
    return talk.packets


def many(count: int, turns: int = 1) -> Iterator[tuple[int, bytes]]:
    """Give the packets of streams that all live at the same time."""
    talks = []
    for number in range(count):
        talk = Conversation(("10.0.0.1", 1024 + number))
        talk.handshake()
        for turn in range(turns):
            talk.client(1 + 4 * turn, b"%04d" % (number % 10_000))
        talks.append(talk.packets)
    for group in zip(*talks, strict=True):
        yield from group


@pytest.mark.skipif(not SAMPLE.exists(), reason="the examples are not in this copy")
def test_files_are_the_bytes_of_the_streams(tmp_path: Path) -> None:
    records = {record["id"]: record for record in extracted(tmp_path, SAMPLE)}
    there = files(tmp_path)
    for stream in unpacket.streams(SAMPLE):
        record = records.pop(stream.id)
        for side, data in (
            ("client", stream.data(0, gaps="join")),
            ("server", stream.data(1, gaps="join")),
        ):
            file = record["files"][side]
            assert there.pop(file["name"]) == data
            assert file["bytes"] == len(data)
            assert record[side]["sha256"] == hashlib.sha256(data).hexdigest()
    assert not records
    assert not there


@pytest.mark.skipif(not SAMPLE.exists(), reason="the examples are not in this copy")
@pytest.mark.parametrize("gaps", ["nothing", "zeros", "marker"])
def test_the_index_is_what_summaries_say(tmp_path: Path, gaps: Any) -> None:
    records = extracted(tmp_path, SAMPLE, gaps=gaps)
    summaries = [s.to_dict() for s in unpacket.summaries(SAMPLE, digest=True)]
    for record, summary in zip(records, summaries, strict=True):
        assert {key: record[key] for key in summary} == summary


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ("nothing", b"abcghijkl"),
        ("zeros", b"abc\0\0\0ghijkl"),
        ("marker", b"abc\n[unpacket: 3 bytes missing: not_captured]\nghijkl"),
    ],
)
def test_a_gap_in_each_form(
    tmp_path: Path, with_gap: list[Any], gaps: Any, expected: bytes
) -> None:
    (record,) = extracted(tmp_path, with_gap, gaps=gaps, name="{side}")
    assert files(tmp_path) == {"client": expected, "server": b"yes"}
    assert record["client"]["gap_list"] == "3+3:not_captured"
    # The digest is of what was captured, whatever stands in the gap.
    assert record["client"]["sha256"] == hashlib.sha256(b"abcghijkl").hexdigest()
    file = {"name": "client", "bytes": len(expected)}
    if gaps == "zeros":
        file["zeros_left_out"] = 0
    assert record["files"]["client"] == file


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ("nothing", b"abc"),
        ("zeros", b"abc" + bytes(6)),
        ("marker", b"abc\n[unpacket: 6 bytes missing: not_captured]\n"),
    ],
)
def test_a_gap_at_the_end(
    tmp_path: Path, ends_with_gap: list[Any], gaps: Any, expected: bytes
) -> None:
    extracted(tmp_path, ends_with_gap, gaps=gaps, name="{side}")
    assert files(tmp_path) == {"client": expected}


def test_zeros_take_no_room_on_the_disk(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"abc")
    talk.server(1, ack=1 << 28)
    talk.client(1 << 28, b"def")
    talk.server(1, ack=(1 << 28) + 3)
    (record,) = extracted(tmp_path, talk.packets, gaps="zeros", name="{side}")
    status = (tmp_path / "client").stat()
    assert status.st_size == record["files"]["client"]["bytes"] == (1 << 28) + 2
    assert status.st_blocks * 512 < 1 << 20


def test_the_conversation_is_what_follow_prints(
    tmp_path: Path, with_gap: list[Any]
) -> None:
    (record,) = extracted(tmp_path, with_gap, conversation="utf8", name="{side}")
    rendering = InTurns(renderer("utf8"))
    told = b"".join(rendering.render(event) for event in unpacket.events(with_gap))
    name = record["files"]["conversation"]["name"]
    assert name == "both.conversation"
    assert (tmp_path / name).read_bytes() == told


def test_frames_say_who_carried_what(tmp_path: Path, with_gap: list[Any]) -> None:
    (record,) = extracted(tmp_path, with_gap, frames=True, name="{side}")
    lines = (tmp_path / record["files"]["client"]["frames"]).read_text().splitlines()
    pieces = [
        piece
        for event in unpacket.events(with_gap)
        if isinstance(event, unpacket.Data) and event.direction is Direction.CLIENT
        for piece in event.pieces
    ]
    assert [tuple(map(int, line.split())) for line in lines] == pieces


def test_conflicts_are_listed_with_their_frames(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"good")
    talk.client(1, b"evil")
    (record,) = extracted(tmp_path, talk.packets)
    (conflict,) = (
        event
        for event in unpacket.events(talk.packets)
        if isinstance(event, unpacket.Conflict)
    )
    assert record["conflicts"] == 1
    place = f"{conflict.offset}+{len(conflict.kept)}"
    assert record["conflict_list"] == f"client:{place}:4/5"


def test_streams_of_the_same_ends_have_names_of_their_own(tmp_path: Path) -> None:
    talks: list[Frame] = []
    for number in range(5):
        talk = Conversation(client_isn=1000 + 100_000 * number)
        talk.handshake()
        talk.client(1, b"%d" % number)
        talks += talk
    packets = [(n * 1_000_000, frame[1]) for n, frame in enumerate(talks)]
    records = extracted(tmp_path, packets)
    ends = "010.000.000.001.40000-010.000.000.002.00080"
    names = [ends, *(f"{ends}c{n}" for n in range(1, 5))]
    assert [record["files"]["client"]["name"] for record in records] == names
    assert [(tmp_path / name).read_bytes() for name in names] == [
        b"%d" % number for number in range(5)
    ]


def test_a_template_that_is_the_same_for_all_overwrites_nothing(
    tmp_path: Path, with_gap: list[Any]
) -> None:
    (record,) = extracted(tmp_path, with_gap, name="index.jsonl")
    names = [record["files"][side]["name"] for side in ("client", "server")]
    assert sorted(names) == ["index.jsonlc1", "index.jsonlc2"]


def test_a_directory_with_files_is_refused_unless_forced(
    tmp_path: Path, with_gap: list[Any]
) -> None:
    (tmp_path / "client").write_bytes(b"something else, and longer")
    (tmp_path / "mine").write_bytes(b"mine")
    with pytest.raises(SinkError, match="not empty"):
        Extractor(tmp_path)
    extracted(tmp_path, with_gap, force=True, name="{side}")
    assert files(tmp_path) == {
        "client": b"abcghijkl",
        "server": b"yes",
        "mine": b"mine",
    }
    again = extracted(tmp_path, with_gap, force=True, name="{side}")
    assert again[0]["files"]["client"]["name"] == "client"


def test_no_link_is_followed(tmp_path: Path, with_gap: list[Any]) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    victim = elsewhere / "victim"
    victim.write_bytes(b"mine")
    (out / "client").symlink_to(victim)
    (out / "10.0.0.1").symlink_to(elsewhere)
    extracted(out, with_gap, force=True, name="{side}")
    assert victim.read_bytes() == b"mine"
    assert (out / "client").read_bytes() == b"abcghijkl"
    with pytest.raises(SinkError, match="link"):
        extracted(out, with_gap, force=True, name="{client}/{side}")
    assert list(elsewhere.iterdir()) == [victim]


@contextmanager
def descriptors(limit: int) -> Iterator[None]:
    """Allow so many open files, beside those that are open."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    least = max(map(int, os.listdir("/proc/self/fd"))) + 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (least + limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def lonely(count: int) -> list[tuple[int, bytes]]:
    """Connections of the same two ends, of which every other one has a gap."""
    packets: list[tuple[int, bytes]] = []
    for turn in range(count):
        talk = Conversation(client_isn=1000 + (turn << 20), start_ns=turn << 34)
        talk.handshake()
        talk.client(1, b"%d " % turn * 9)
        size = len(b"%d " % turn * 9)
        if turn % 2:
            talk.client(9 + size, b"after a gap")
            talk.server(1, ack=20 + size)
            size += 19
        talk.server(1, b"yes", ack=1 + size)
        talk.farewell(1 + size, 4)
        packets += talk.packets
    return packets


@pytest.mark.parametrize("buffer_bytes", [1, 1000, 1 << 20])
@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        pytest.param("gaps", {1, 3, 5}, id="known at the end"),
        pytest.param("id == 2 or id == 5", {2, 5}, id="known at once"),
        pytest.param("id < 2 or gaps", {0, 1, 3, 5}, id="sometimes known at once"),
        pytest.param("start > 40s", {3, 4, 5}, id="since the first frame"),
        pytest.param("bytes > 1MiB", set(), id="none"),
        pytest.param("bytes", set(range(6)), id="all"),
    ],
)
def test_only_streams_that_pass_are_written(
    tmp_path: Path, where: str, wanted: set[int], buffer_bytes: int
) -> None:
    options: dict[str, Any] = {
        "name": "{id}/{side}",
        "frames": True,
        "conversation": "hex",
        "gaps": "zeros",
        "buffer_bytes": buffer_bytes,
    }
    source = lonely(6)
    whole = extracted(tmp_path / "whole", source, **options)
    reading = Reading(source)
    chosen = Where(where)
    for events in (Reading(source).events(), reading.hopeful_events(chosen)):
        out = tmp_path / str(len(list(tmp_path.iterdir())))
        with Extractor(
            out, where=chosen, first_ns=lambda: source[0][0], **options
        ) as extractor:
            extractor.take_all(events)
        assert index(out) == [line for line in whole if line["id"] in wanted]
        assert extractor.streams == len(wanted)
        assert files(out) == {
            name: data
            for name, data in files(tmp_path / "whole").items()
            if int(name.split("/")[0].split(".")[0]) in wanted
        }


def test_streams_that_do_not_pass_take_no_names(tmp_path: Path) -> None:
    for buffer_bytes in (1, 1 << 20):
        out = tmp_path / str(buffer_bytes)
        extracted(out, lonely(6), where="gaps", buffer_bytes=buffer_bytes)
        assert sorted(files(out)) == [
            f"{ends}{again}"
            for ends in (
                "010.000.000.001.40000-010.000.000.002.00080",
                "010.000.000.002.00080-010.000.000.001.40000",
            )
            for again in ("", "c1", "c2")
        ]


def test_a_stream_that_does_not_pass_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "0client").write_bytes(b"mine")
    (tmp_path / ".unpacket-0").write_bytes(b"mine too")
    options: dict[str, Any] = {"name": "{id}{side}", "force": True, "buffer_bytes": 1}
    extracted(tmp_path, lonely(2), where="gaps", **options)
    assert (tmp_path / "0client").read_bytes() == b"mine"
    assert (tmp_path / ".unpacket-0").read_bytes() == b"mine too"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".unpacket-0",
        "0client",
        "1client",
        "1server",
        "index.jsonl",
    ]


def test_what_was_not_certain_is_removed_when_it_ends_early(tmp_path: Path) -> None:
    with Extractor(tmp_path, where="gaps", buffer_bytes=1) as extractor:
        for event in unpacket.events(lonely(1)):
            if not isinstance(event, unpacket.Closed):
                extractor.take(event)
        assert len(list(tmp_path.iterdir())) == 3
    assert index(tmp_path) == []
    assert files(tmp_path) == {}


def test_a_wrong_filter_makes_no_directory(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no column"):
        Extractor(tmp_path / "out", where="gasp")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc")
@pytest.mark.parametrize("max_open", [1, 5, 1000])
def test_few_files_are_open_however_many_grow(tmp_path: Path, max_open: int) -> None:
    packets = list(many(200, turns=3))
    with descriptors(10):
        # So little waits that every file is written to again and again.
        records = extracted(
            tmp_path, packets, name="{id}", max_open=max_open, buffer_bytes=1000
        )
    assert len(records) == 200
    there = files(tmp_path)
    for record in records:
        data = there.pop(record["files"]["client"]["name"])
        assert data == b"%04d" % record["id"] * 3
        digest = hashlib.sha256(data).hexdigest()
        assert record["client"]["sha256"] == digest
    assert not there


MEMORY = """
import resource, sys, unpacket
from tests.sinks.test_extract import many
from unpacket.sinks.extract import (Extractor)

def said():
    talk = list(unpacket.events(list(many(1))))
    opened, data, closed = talk[0], talk[1], talk[-1]
    yield opened
    for number in range(int(sys.argv[2])):
        payload = bytes(100_000)
        yield unpacket.Data(opened.stream, data.direction, 100_000 * number, payload)
    yield closed

with Extractor(sys.argv[1], buffer_bytes=32 << 20) as extractor:
    extractor.take_all(said())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_what_is_written(tmp_path: Path) -> None:
    def peak_kib(name: str, chunks: int) -> int:
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, str(tmp_path / name), str(chunks)],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
            timeout=100,
        )
        return int(done.stdout)

    assert peak_kib("large", 5000) < peak_kib("small", 1000) + 50_000


def test_what_cannot_be_written_is_said(tmp_path: Path, with_gap: list[Any]) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SinkError, match="file"):
        Extractor(tmp_path / "file")
    with pytest.raises(SinkError, match="too long"):
        extracted(tmp_path / "long", with_gap, name="x" * 300)


@pytest.mark.parametrize(
    "options",
    [{"gaps": "ones"}, {"conversation": "morse"}, {"name": "../{id}"}],
)
def test_a_wrong_option_makes_no_directory(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    with pytest.raises(ValueError):
        Extractor(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_capture_is_written_by_the_command_as_by_the_library(tmp_path: Path) -> None:
    write_pcap(tmp_path / "many.pcap", _frames(20))
    command = [sys.executable, "-m", "unpacket", "extract", str(tmp_path / "many.pcap")]
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "command")], capture_output=True, timeout=100
    )
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.startswith(b"unpacket: 20 streams in 20 files, 80 bytes; see ")
    extracted(tmp_path / "library", tmp_path / "many.pcap")
    assert files(tmp_path / "command") == files(tmp_path / "library")
    again = subprocess.run(
        [*command, "-o", str(tmp_path / "command")], capture_output=True, timeout=100
    )
    assert (again.returncode, again.stdout) == (2, b"")
    assert again.stderr.count(b"\n") == 1
    assert b"it is not empty (--force " in again.stderr


def _frames(count: int) -> list[Frame]:
    talk = []
    for number in range(count):
        one = Conversation(("10.0.0.1", 1024 + number))
        one.handshake()
        one.client(1, b"data")
        talk += list(one)
    return talk


def gathered(directory: Path, source: Any, **options: Any) -> list[dict[str, Any]]:
    """Extract without events of payload, and return the index."""
    with Extractor(directory, **options) as extractor:
        reading = Reading(source, gatherer=extractor.gatherer)
        extractor.take_lists(reading.lists())
    return index(directory)


def talks_of(kinds: list[str]) -> list[tuple[int, bytes]]:
    """One conversation of each kind, after another."""
    frames: list[bytes] = []
    for number, kind in enumerate(kinds):
        ends = (
            [("2001:db8::1", 1024 + number), ("2001:db8::2", 80)]
            if kind == "of IPv6"
            else [("10.0.0.1", 1024 + number % 3)]
        )
        talk = Conversation(*ends, client_isn=1000 + (number << 24))
        talk.handshake()
        if kind == "long":
            for turn in range(1200):
                talk.client(1 + 1000 * turn, b"%04d" % turn * 250)
        elif kind == "with a gap":
            talk.client(5, b"late")
            talk.server(1, b"yes", ack=9)
        elif kind != "empty":
            talk.client(1, b"request %d" % number)
            talk.server(1, b"answer" * number, ack=1)
        frames += [frame.data for frame in talk]
    return [(n * 1_000_000, data) for n, data in enumerate(frames)]


@pytest.mark.parametrize("digest", [True, False])
def test_whichever_way_a_stream_goes_it_is_the_same(
    tmp_path: Path, digest: bool
) -> None:
    kinds = ["usual", "empty", "of IPv6", "with a gap", "long", "usual", "usual"]
    packets = talks_of(kinds * 3)
    first = gathered(tmp_path / "usual", packets, digest=digest)
    others: list[dict[str, Any]] = [
        # Names are looked at one by one,
        {"force": True},
        # made by a template that is not tcpflow's word for word,
        {"name": "{from}.{from_port:05}-{to}.{to_port:05}"},
        # and everything is written as soon as it comes.
        {"buffer_bytes": 100},
        {"where": "packets >= 0"},
    ]
    for number, options in enumerate(others):
        out = tmp_path / str(number)
        write = extracted if "where" in options else gathered
        assert write(out, packets, digest=digest, **options) == first
        assert files(out) == files(tmp_path / "usual")
    assert len(first) == 21


def test_files_have_the_time_of_the_first_packet(tmp_path: Path) -> None:
    packets = talks_of(["usual", "of IPv6"])
    later = [(time_ns + 1_234_567_890, data) for time_ns, data in packets]
    for record in gathered(tmp_path, later):
        for side in ("client", "server"):
            if record["files"][side]["name"]:
                path = tmp_path / record["files"][side]["name"]
                assert path.stat().st_mtime_ns == record["start_ns"]


@pytest.mark.parametrize("time_ns", [1 - (1 << 63), -1, (1 << 63) - 10_000_000_000])
def test_any_time_can_be_that_of_a_file(tmp_path: Path, time_ns: int) -> None:
    packets = [(time_ns + at, data) for at, data in talks_of(["usual"])]
    (record,) = gathered(tmp_path, packets)
    assert record["start_ns"] == time_ns
    assert (tmp_path / record["files"]["client"]["name"]).read_bytes() == b"request 0"


def test_a_link_in_the_place_of_a_file_is_left_alone(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    out = tmp_path / "out"
    with Extractor(out) as extractor:
        # Made by somebody else, meanwhile.
        usual = "010.000.000.001.01024-010.000.000.002.00080"
        (out / usual).symlink_to(victim)
        reading = Reading(talks_of(["usual"]), gatherer=extractor.gatherer)
        extractor.take_lists(reading.lists())
    assert index(out)[0]["files"]["client"]["name"] == f"{usual}c1"
    assert victim.read_bytes() == b"mine"


@contextmanager
def limited(limit: int, value: int) -> Iterator[None]:
    before = resource.getrlimit(limit)
    resource.setrlimit(limit, (value, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(limit, before)


def test_a_file_that_the_system_takes_half_of_is_named(tmp_path: Path) -> None:
    packets = talks_of(["long"])
    short = talks_of(["usual"] * 200)
    for source, options in ((packets, {}), (short[-8:], {}), (packets, {"name": "x"})):
        out = tmp_path / str(len(list(tmp_path.iterdir())))
        with (
            limited(resource.RLIMIT_FSIZE, 600),
            pytest.raises(SinkError, match="too large") as caught,
        ):
            gathered(out, source, **options)
        assert Path(caught.value.path).parent == out
        assert Path(caught.value.path).stat().st_size == 600


def test_it_is_enough_to_have_one_descriptor_left(tmp_path: Path) -> None:
    packets = talks_of(["usual"] * 50)
    records = gathered(tmp_path / "all", packets)
    with descriptors(3):
        assert gathered(tmp_path / "few", packets, max_open=1) == records
    assert files(tmp_path / "few") == files(tmp_path / "all")
