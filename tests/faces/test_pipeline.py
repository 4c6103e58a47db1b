"""Reading ahead in a thread of its own: the same events, and nothing stays behind."""

import gzip
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import unpacket
from tests.builder import SECOND, START_NS, Conversation, Frame, write_pcap
from tests.captured import drawn
from unpacket import Closed, Data, FormatError, Policy
from unpacket._core.reassembly.events import facts
from unpacket._core.reassembly.payload_gatherer import Gatherer
from unpacket.faces.reader import Reading

STREAMS = 40
TURNS = 100
CHUNK = bytes(range(256)) * 5


def talks() -> list[Frame]:
    """Return conversations side by side, each with a few segments out of order."""
    told = []
    for number in range(STREAMS):
        talk = Conversation(
            ("10.0.0.1", 10_000 + number), start_ns=START_NS + number, step_ns=SECOND
        )
        talk.handshake()
        for turn in range(TURNS):
            at = turn ^ (turn % 14 in (6, 7))
            talk.client(1 + at * len(CHUNK), CHUNK)
            talk.server(1, ack=1 + turn * len(CHUNK))
        talk.farewell(1 + TURNS * len(CHUNK), 1)
        told.append(talk.frames)
    return [frame for row in zip(*told, strict=True) for frame in row]


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ahead") / "long.pcap"
    write_pcap(path, talks())
    # Shorter ones are not read ahead.
    assert path.stat().st_size > 5 << 20
    return path


def readers() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "unpacket reads"]


def told(source: Any, **options: Any) -> list[tuple[Any, ...]]:
    return [facts(event) for event in unpacket.events(source, **options)]


@pytest.mark.parametrize(
    "policy", [Policy(), Policy(deliver="acked"), Policy(max_held_segments=1)]
)
def test_the_events_are_those_of_one_job(capture: Path, policy: Policy) -> None:
    one = told(capture, policy=policy)
    assert len(one) > STREAMS * TURNS // 2
    assert told(capture, policy=policy, jobs=2) == one


@pytest.mark.parametrize("jobs", [3, None])
def test_any_number_of_jobs_gives_the_same(capture: Path, jobs: int | None) -> None:
    assert told(capture, data=False, jobs=jobs) == told(capture, data=False)


def test_streams_and_summaries_may_have_jobs(capture: Path) -> None:
    whole = list(unpacket.streams(capture, jobs=2))
    assert [stream.client_data for stream in whole] == [CHUNK * TURNS] * STREAMS
    listed = list(unpacket.summaries(capture, jobs=2, digest=True))
    assert [one.complete for one in listed] == [True] * STREAMS


def test_channels_are_chosen_alike(tmp_path: Path) -> None:
    frames = []
    for frame in talks()[: STREAMS * TURNS]:
        tagged = frame.data[:12] + b"\x81\x00\x00\x07" + frame.data[12:]
        frames += [frame, frame._replace(data=tagged, original=len(tagged))]
    path = tmp_path / "twice.pcap"
    write_pcap(path, frames)
    policy = Policy(channel="vlan")
    one = told(path, policy=policy)
    assert told(path, policy=policy, jobs=2) == one
    alone = tmp_path / "alone.pcap"
    write_pcap(alone, frames[::2])
    listed = list(unpacket.summaries(path, policy=policy, jobs=2))
    assert [each.packets for each in listed] == [
        each.packets for each in unpacket.summaries(alone)
    ]
    assert [each.other_channel for each in listed] == [each.packets for each in listed]


def test_payload_is_gathered_alike(capture: Path) -> None:
    found = []
    for jobs in (1, 2):
        gatherer = Gatherer()
        sides = {}
        for events in Reading(capture, gatherer=gatherer, jobs=jobs).lists():
            for event in events:
                assert not isinstance(event, Data)
                if isinstance(event, Closed):
                    sides[event.stream.id] = drawn(gatherer, event.stream)
        found.append(sides)
    assert found[0] == dict.fromkeys(range(STREAMS), (CHUNK * TURNS, b""))
    assert found[1] == found[0]


def test_another_thread_reads(capture: Path) -> None:
    # It is for all threads of the program, and nobody else's business.
    before_s = sys.getswitchinterval()
    told_by = set()

    def progress(read: int, total: int | None) -> None:
        told_by.add(threading.current_thread())

    events = unpacket.events(capture, jobs=2, progress=progress)
    next(events)
    assert readers()
    assert sys.getswitchinterval() == before_s
    assert sum(1 for _ in events) > STREAMS * TURNS // 2
    assert not readers()
    # Whoever asked to be told is not told by a thread that it does not know.
    assert told_by == {threading.current_thread()}


def test_a_reader_that_leaves_early_leaves_no_thread(capture: Path) -> None:
    events: Any = unpacket.events(capture, jobs=2)
    next(events)
    events.close()
    assert not readers()


@pytest.mark.parametrize("strict", [False, True])
def test_damage_ends_it_after_what_came_before(
    capture: Path, tmp_path: Path, strict: bool
) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(capture.read_bytes()[:-100])
    expected = (
        pytest.raises(FormatError)
        if strict
        else pytest.warns(unpacket.errors.CaptureWarning)
    )
    found: list[list[Any]] = [[], []]
    for jobs in (1, 2):
        with expected:
            for event in unpacket.events(cut, jobs=jobs, strict=strict):
                found[jobs - 1].append(facts(event))
    assert found[0] == found[1]
    assert len(found[0]) > STREAMS * TURNS // 2
    assert not readers()


def test_compressed_captures_are_read_ahead_too(capture: Path, tmp_path: Path) -> None:
    packed = tmp_path / "long.pcap.gz"
    # Barely, for what counts is the length of the file.
    packed.write_bytes(gzip.compress(capture.read_bytes(), compresslevel=0))
    assert told(packed, data=False, jobs=2) == told(capture, data=False)


def test_there_is_at_least_one_job(capture: Path) -> None:
    with pytest.raises(ValueError, match="jobs must be at least 1"):
        unpacket.events(capture, jobs=0)


def test_the_command_prints_the_same(capture: Path) -> None:
    def printed(*words: str) -> bytes:
        command = (sys.executable, "-m", "unpacket", *words)
        return subprocess.run(
            command, check=True, capture_output=True, timeout=120
        ).stdout

    for words in (["streams", "--json", "--digest"], ["follow", "--as", "hex"]):
        one = printed(*words, str(capture), "--jobs", "1")
        assert one
        assert printed(*words, str(capture), "--jobs", "2") == one
