"""Several captures are one, in the order of time, whatever and however they are."""

import asyncio
import bz2
import gzip
import heapq
import io
import lzma
import os
import subprocess
import sys
import warnings
from collections.abc import Iterable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import unpacket
from tests.builder import MS, SECOND, Conversation, write_pcap
from tests.sources.strategies import any_captures
from tests.sources.writing import (
    Frame,
    Piece,
    block,
    enhanced,
    frames_of,
    interface,
    joined,
    option,
    pcap_header,
    pcap_record,
    read_all,
    section,
    snoop_header,
    snoop_record,
)
from unpacket import sources
from unpacket.errors import CaptureWarning, FormatError, OverlapWarning, SourceError
from unpacket.integrity.checker import check
from unpacket.sources import Source
from unpacket.sources.capture import MOST_RESUMED


def pcap(*seen: tuple[int, bytes]) -> bytes:
    """Return a capture of packets, each with its time in microseconds."""
    records = [pcap_record("<", 0, time_us, data, len(data)) for time_us, data in seen]
    return pcap_header("<") + b"".join(records)


def pcapng(*seen: tuple[int, bytes], comment: bytes = b"") -> bytes:
    options = option("<", 1, comment) + option("<", 0, b"") if comment else b""
    blocks = [enhanced("<", 0, ticks, data, len(data), options) for ticks, data in seen]
    return section("<") + interface("<") + b"".join(blocks)


def written(folder: Path, captures: dict[str, bytes]) -> list[Path]:
    for name, data in captures.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in captures]


def payloads(source: Source) -> list[bytes]:
    return [frame.data for frame in read_all(source)]


def opened(names: Any, **options: Any) -> list[bytes]:
    with sources.open(names, **options) as source:
        return payloads(source)


MODES = pytest.mark.parametrize(
    "merge",
    [
        pytest.param(False, id="one after the other"),
        pytest.param(True, id="merged"),
    ],
)


@MODES
def test_rotated_captures_come_in_the_order_of_time(
    tmp_path: Path, merge: bool
) -> None:
    paths = written(
        tmp_path,
        {
            "a.pcap": pcap((50, b"5"), (60, b"6")),
            "b.pcapng": pcapng((10, b"1"), (20, b"2")),
            "c": pcap((30, b"3"), (40, b"4")),
        },
    )
    for names in (paths, tuple(paths), [str(path) for path in reversed(paths)]):
        assert opened(names, merge=merge) == [b"1", b"2", b"3", b"4", b"5", b"6"]


@MODES
@pytest.mark.parametrize("batch_frames", [1, 2, 2048])
def test_a_glob_is_what_it_matches(
    tmp_path: Path, merge: bool, batch_frames: int
) -> None:
    written(
        tmp_path,
        {
            "x2.pcap": pcap((1, b"1")),
            "x10.pcap": pcap((2, b"2"), (3, b"3")),
            "other.pcap": pcap((4, b"4")),
        },
    )
    (tmp_path / "xdir.pcap").mkdir()
    pattern = tmp_path / "x*.pcap"
    for names in (pattern, str(pattern), [str(pattern)]):
        found = opened(names, merge=merge, batch_frames=batch_frames)
        assert found == [b"1", b"2", b"3"]
    several = [tmp_path / "other.pcap", str(pattern)]
    assert opened(several, merge=merge) == [b"1", b"2", b"3", b"4"]
    assert opened(str(tmp_path / "[no]*.pcap")) == [b"4"]
    with pytest.raises(SourceError, match=r"y\*: no such file, and none that matches"):
        sources.open(str(tmp_path / "y*"))


def test_a_file_that_is_called_like_a_glob_is_that_file(tmp_path: Path) -> None:
    written(tmp_path, {"a[1].pcap": pcap((1, b"itself")), "a1.pcap": pcap((2, b"no"))})
    assert opened(tmp_path / "a[1].pcap") == [b"itself"]


@given(st.lists(any_captures(), min_size=1, max_size=5), st.integers(1, 9))
def test_all_frames_are_there_and_numbered_over_all(
    captures: list[list[Piece]], batch_frames: int
) -> None:
    files = [io.BytesIO(joined(pieces)) for pieces in captures]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverlapWarning)
        with sources.open(files, batch_frames=batch_frames) as source:
            found = read_all(source)
            assert source.bytes_read == source.total_bytes == sum(map(size_of, files))
    assert found == [
        frame for frames in in_order(captures) for frame in frames_of(frames)
    ]


@given(st.lists(any_captures(), min_size=1, max_size=5), st.integers(1, 9))
def test_merged_frames_are_those_of_a_heap(
    captures: list[list[Piece]], batch_frames: int
) -> None:
    files = [io.BytesIO(joined(pieces)) for pieces in captures]
    with sources.open(files, merge=True, batch_frames=batch_frames) as source:
        found = read_all(source)
        assert source.warnings == []
        assert source.bytes_read == source.total_bytes == sum(map(size_of, files))
    sequences = [frames_of(pieces) for pieces in in_order(captures)]
    keyed = [
        [(frame.time_ns, place, frame) for frame in frames]
        for place, frames in enumerate(sequences)
    ]
    if len(captures) == 1:
        assert found == sequences[0]
    else:
        merged = heapq.merge(*keyed, key=itemgetter(0, 1))
        assert found == [frame for _, _, frame in merged]


def size_of(file: io.BytesIO) -> int:
    return len(file.getvalue())


def in_order(captures: list[list[Piece]]) -> list[list[Piece]]:
    """Sort captures by their first frames; one without follows the one before it."""
    last = -(1 << 63)
    keyed = []
    for pieces in captures:
        frames = frames_of(pieces)
        last = frames[0].time_ns if frames else last
        keyed.append((last, pieces))
    return [pieces for _, pieces in sorted(keyed, key=itemgetter(0))]


def test_an_overlap_is_told_once_with_the_remedy(tmp_path: Path) -> None:
    paths = written(
        tmp_path,
        {
            "a": pcap((1, b"1"), (3_500_000, b"4")),
            "b": pcap((2, b"2"), (4_000_000, b"6")),
            "c": pcap((3, b"3"), (3_600_000, b"5")),
        },
    )
    with warnings.catch_warnings(record=True) as issued:
        warnings.simplefilter("always")
        with sources.open(paths) as source:
            assert payloads(source) == [b"1", b"4", b"2", b"6", b"3", b"5"]
    (overlap,) = [warning.message for warning in issued]
    assert isinstance(overlap, OverlapWarning)
    assert source.overlap is overlap
    assert overlap.args == (str(paths[1]), str(paths[0]), 3_499_998_000)
    assert "it begins 3.499998 s before the end of" in str(overlap)
    assert "--merge (merge=True)" in str(overlap)
    with sources.open(paths, merge=True) as source:
        assert payloads(source) == [b"1", b"2", b"3", b"4", b"5", b"6"]
        assert (source.overlap, source.warnings) == (None, [])


@MODES
def test_packets_of_a_file_stay_in_its_order(tmp_path: Path, merge: bool) -> None:
    paths = written(
        tmp_path,
        {
            "a": pcap((5, b"a5"), (2, b"a2"), (7, b"a7")),
            "b": pcap((10, b"b10"), (8, b"b8"), (11, b"b11")),
        },
    )
    assert opened(paths, merge=merge) == [b"a5", b"a2", b"a7", b"b10", b"b8", b"b11"]


def test_packets_of_one_time_come_in_the_order_of_captures(tmp_path: Path) -> None:
    paths = written(
        tmp_path,
        {
            "b": pcap((1, b"b"), (1, b"bb"), (2, b"bbb")),
            "a": pcap((1, b"a"), (2, b"aa")),
        },
    )
    assert opened(paths, merge=True) == [b"b", b"bb", b"a", b"bbb", b"aa"]


@MODES
def test_formats_link_types_and_compressions_may_differ(
    tmp_path: Path, merge: bool
) -> None:
    sections = section(">") + interface(">", 113) + enhanced(">", 0, 5, b"5", 9)
    sections += section("<") + interface("<", 0) + interface("<", 101)
    sections += enhanced("<", 1, 6, b"6", 6)
    paths = written(
        tmp_path,
        {
            "snoop": snoop_header() + snoop_record(0, 8, b"8", 1),
            "pcapng.xz": lzma.compress(sections),
            "pcap.gz": gzip.compress(pcap((1, b"1"))),
            "raw.bz2": bz2.compress(
                pcap_header(">", link_word=228) + pcap_record(">", 0, 3, b"3", 3)
            ),
        },
    )
    with sources.open(paths, merge=merge) as source:
        assert read_all(source) == [
            Frame(1000, 1, 1, b"1"),
            Frame(3000, 228, 3, b"3"),
            Frame(5000, 113, 9, b"5"),
            Frame(6000, 101, 6, b"6"),
            Frame(8000, 1, 1, b"8"),
        ]


@MODES
def test_a_link_type_is_that_of_all(tmp_path: Path, merge: bool) -> None:
    paths = written(tmp_path, {"a": pcap((1, b"a")), "b": pcapng((2, b"b"))})
    with sources.open(paths, merge=merge, link_type="ip") as source:
        assert [frame.link_type for frame in read_all(source)] == [101, 101]


CUT = {
    "nothing": b"",
    "half a header": pcap()[:12],
    "half a header of gzip": gzip.compress(pcap((2, b"x")))[:8],
}


@MODES
@pytest.mark.parametrize("kind", CUT)
def test_one_that_is_empty_is_told_and_passed_over(
    tmp_path: Path, kind: str, merge: bool
) -> None:
    paths = written(
        tmp_path,
        {"a": pcap((1, b"1")), "empty": CUT[kind], "b": pcap((2, b"2"))},
    )
    with pytest.warns(CaptureWarning, match=r"empty: byte \d+: ") as told:
        source = sources.open(paths, merge=merge)
    assert [warning.message for warning in told] == source.warnings
    with source:
        assert payloads(source) == [b"1", b"2"]
    assert len(source.warnings) == 1
    with pytest.raises(FormatError, match="empty: byte"):
        sources.open(paths, merge=merge, strict=True)
    with pytest.raises(FormatError), pytest.warns(CaptureWarning):
        sources.open([paths[1], paths[1]], merge=merge)


@MODES
def test_one_without_packets_is_read_all_the_same(tmp_path: Path, merge: bool) -> None:
    about = section("<") + interface("<", options=option("<", 1, b"nobody spoke"))
    paths = written(
        tmp_path, {"a": about, "b": pcap((1, b"1")), "c": about, "d": pcap((2, b"2"))}
    )
    with sources.open(paths, merge=merge) as source:
        assert payloads(source) == [b"1", b"2"]
        said = [(comment.path, comment.text) for comment in source.notes.comments]
    assert said == [(str(paths[n]), "nobody spoke") for n in (0, 2)]


@MODES
@pytest.mark.parametrize("lost_bytes", [1, 17, 40])
def test_damage_ends_one_capture_and_no_other(
    tmp_path: Path, merge: bool, lost_bytes: int
) -> None:
    whole = pcap((1, b"one"), (5, b"five"), (7, b"seven"))
    paths = written(
        tmp_path,
        {
            "cut": whole[:-lost_bytes],
            "sound": pcap((8, b"eight"), (9, b"nine")),
            "earlier": pcap((0, b"zero")),
        },
    )
    kept = [b"one", b"five", b"seven"][: 2 if lost_bytes < 21 else 1]
    offset = 24 + sum(16 + len(data) for data in kept)
    with pytest.warns(CaptureWarning), sources.open(paths, merge=merge) as source:
        assert payloads(source) == [b"zero", *kept, b"eight", b"nine"]
    ((path, byte, reason),) = [warning.args for warning in source.warnings]
    assert (path, byte) == (str(paths[0]), offset)
    assert reason.startswith("a record is cut after")
    with sources.open(paths, merge=merge, strict=True) as source:
        found: list[bytes] = []
        with pytest.raises(FormatError) as error:
            for batch in source:
                found += [batch.frame(n)[-1] for n in range(len(batch))]
        assert found == [b"zero", *kept]
        assert error.value.args == (path, byte, reason)
        assert next(source, None) is None


@MODES
def test_what_cannot_be_read_is_told_before_anything_is(
    tmp_path: Path, merge: bool
) -> None:
    paths = written(tmp_path, {"a": pcap((1, b"1")), "text": b"no capture at all"})
    with pytest.raises(FormatError, match="text: byte 0: not a capture"):
        sources.open(paths, merge=merge)
    with pytest.raises(SourceError, match="missing: no such file"):
        sources.open([paths[0], tmp_path / "missing"], merge=merge)
    with pytest.raises(SourceError, match="standard input can be read only once"):
        sources.open(["-", paths[0], "-"], merge=merge)
    with pytest.raises(TypeError, match="int is no path or file"):
        sources.open([paths[0], 5], merge=merge)


def test_one_of_a_list_is_that_capture(tmp_path: Path) -> None:
    (path,) = written(tmp_path, {"a": pcap((1, b"1"))})
    assert opened([path]) == opened((str(path),), merge=True) == [b"1"]


@MODES
def test_comments_follow_the_numbers_of_their_frames(
    tmp_path: Path, merge: bool
) -> None:
    paths = written(
        tmp_path,
        {
            "late": pcapng((10, b"late"), (30, b"later"), comment=b"late"),
            "early": pcapng((1, b"1"), (2, b"2"), (20, b"3"), comment=b"early"),
            "plain": pcap((15, b"plain"), (40, b"plain")),
        },
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverlapWarning)
        for batch_frames in (1, 2, 2048):
            with sources.open(paths, merge=merge, batch_frames=batch_frames) as source:
                numbers = {}
                for batch in source:
                    for index in range(len(batch)):
                        number, _, _, _, data = batch.frame(index)
                        numbers[number] = data
                comments = source.notes.comments
            assert len(comments) == 5
            for comment in comments:
                assert comment.frame is not None
                early = numbers[comment.frame].isdigit()
                assert comment.text == ("early" if early else "late")
                assert comment.path == str(paths[early])
            by_number = sorted(one.frame or 0 for one in comments)
            assert by_number == ([1, 2, 3, 5, 6] if merge else [1, 2, 3, 4, 5])


def with_drops(packets: int, name: bytes) -> bytes:
    """Return a capture whose interface says that it lost packets."""
    about = bytes(12) + option("<", 5, packets.to_bytes(8, "little"))
    head = section("<") + interface("<", options=option("<", 2, name))
    return head + enhanced("<", 0, packets, b"x", 1) + block("<", 5, about)


@MODES
def test_drops_are_counted_for_each_capture(tmp_path: Path, merge: bool) -> None:
    snoop = snoop_header() + snoop_record(0, 9, b"x", 1, lost=4)
    paths = written(
        tmp_path,
        {
            "a": with_drops(2, b"eth0"),
            "b": with_drops(3, b"eth0"),
            "c": snoop,
            "d": pcap((20, b"x")),
        },
    )
    with sources.open(paths, merge=merge) as source:
        read_all(source)
        assert source.notes.drops == [
            (str(paths[0]), 0, 0, "eth0", 2),
            (str(paths[1]), 0, 0, "eth0", 3),
            (str(paths[2]), 0, None, "", 4),
        ]
        assert source.notes.dropped == 9
        assert [one.path for one in source.notes.statistics] == [*map(str, paths[:2])]


@MODES
def test_interfaces_are_those_of_what_is_read(tmp_path: Path, merge: bool) -> None:
    paths = written(
        tmp_path, {"a": with_drops(2, b"eth0"), "b": with_drops(3, b"eth1")}
    )
    with sources.open(paths, merge=merge, batch_frames=1) as source:
        seen = [[each.name for each in source.interfaces] for _ in source]
    assert seen[0][0] == "eth0"
    # Of those that are merged it is all so far, since a batch may be of several.
    assert seen[1] == (["eth0", "eth1"] if merge else ["eth1"])


@MODES
def test_a_frame_may_be_longer_than_a_buffer(tmp_path: Path, merge: bool) -> None:
    long = bytes(3 << 20)
    header = pcap_header("<", snaplen=1 << 22)
    data = header + pcap_record("<", 0, 2, long, len(long))
    data += pcap_record("<", 0, 3, b"short", 5)
    paths = written(tmp_path, {"a": data, "b": pcap((1, b"1"), (9, b"9"))})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverlapWarning)
        found = opened(paths, merge=merge)
    assert sorted(found, key=len) == [b"1", b"9", b"short", long]


@MODES
def test_pipes_are_read_once(tmp_path: Path, merge: bool) -> None:
    (path,) = written(tmp_path, {"file": pcap((2, b"2"), (5, b"5"))})
    pipes = []
    for data in (pcap((6, b"6"), (8, b"8")), pcap((1, b"1"))):
        reading, writing = os.pipe()
        with open(writing, "wb") as end:
            end.write(data)
        pipes.append(open(reading, "rb", buffering=0))  # noqa: SIM115
    try:
        with sources.open([pipes[0], path, pipes[1]], merge=merge) as source:
            assert source.total_bytes is None
            assert payloads(source) == [b"1", b"2", b"5", b"6", b"8"]
    finally:
        for pipe in pipes:
            pipe.close()


def test_what_is_there_does_not_wait_for_a_pipe() -> None:
    ends = [os.pipe(), os.pipe()]
    files = [open(reading, "rb", buffering=0) for reading, _ in ends]  # noqa: SIM115
    writers = [open(writing, "wb", buffering=0) for _, writing in ends]  # noqa: SIM115
    try:
        writers[0].write(pcap((1, b"1"), (4, b"4")))
        writers[1].write(pcap((2, b"2"), (3, b"3")))
        with sources.open(files, merge=True) as source:
            # Whether something earlier than 4 comes is not known before it has.
            batch = next(source)
            found = [batch.frame(n)[-1] for n in range(len(batch))]
            assert found == [b"1", b"2", b"3"]
            # Who does not want to wait any longer has all that was read.
            source.stop()
            (rest,) = source
            assert (rest.first_number, rest.frame(0)[-1]) == (4, b"4")
    finally:
        for file in (*writers, *files):
            file.close()


@MODES
@given(
    captures=st.lists(any_captures(), min_size=2, max_size=4),
    draws=st.data(),
    strict=st.booleans(),
)
def test_other_bytes_in_captures_give_frames_and_no_surprise(
    merge: bool, captures: list[list[Piece]], draws: st.DataObject, strict: bool
) -> None:
    files = []
    for pieces in captures:
        data = bytearray(joined(pieces))
        for _ in range(draws.draw(st.integers(0, 4))):
            at = draws.draw(st.integers(0, len(data) - 1))
            data[at] = draws.draw(st.integers(0, 255))
        length = draws.draw(st.integers(0, len(data)))
        files.append(io.BytesIO(data[:length] if draws.draw(st.booleans()) else data))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with sources.open(files, merge=merge, strict=strict) as source:
                number = 1
                for batch in source:
                    assert batch.first_number >= number
                    assert merge is False or batch.first_number == number
                    number = batch.first_number + batch.count
                # The first damage of each, and how many more it was read on behind.
                most = (MOST_RESUMED + 1) * len(files)
                assert len(source.warnings) <= (0 if strict else most)
        except FormatError:
            pass


@MODES
def test_a_second_thread_reads_the_same(tmp_path: Path, merge: bool) -> None:
    talks = []
    for number in range(2):
        talk = Conversation(client=(f"10.0.0.{number + 1}", 40000))
        talk.handshake()
        for n in range(2000):
            talk.client(1 + 1400 * n, bytes([n % 251]) * 1400)
        talk.farewell(1 + 1400 * 2000, 1)
        talks.append(talk)
        write_pcap(tmp_path / str(number), talk.frames)
    paths = [tmp_path / "0", tmp_path / "1"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverlapWarning)
        one, two = (
            [
                (type(event), event.frame, event.time_ns, event.stream.id)
                for event in unpacket.events(paths, merge=merge, jobs=jobs)
            ]
            for jobs in (1, 2)
        )
    assert one == two
    assert max(frame for _, frame, _, _ in one) > 4000


def test_asyncio_takes_several(tmp_path: Path) -> None:
    _, captures = taps()
    paths = written(tmp_path, captures)

    async def taken() -> list[Any]:
        return [event async for event in unpacket.events_async(paths, merge=True)]

    told = [(type(event), event.frame) for event in asyncio.run(taken())]
    expected = unpacket.events(paths, merge=True)
    assert told == [(type(event), event.frame) for event in expected]


@MODES
def test_a_check_reads_several_twice(tmp_path: Path, merge: bool) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(5, b"GOOD")
    talk.client(5, b"EVIL")
    talk.client(1, b"____")
    talk.server(1, ack=9)
    talk.farewell(9, 1)
    write_pcap(tmp_path / "2", talk.frames[4:])
    write_pcap(tmp_path / "1", talk.frames[:4])
    report = check([tmp_path / "2", tmp_path / "1"], merge=merge)
    assert (report.frames, report.conflicts.count) == (len(talk), 1)
    assert report.policies is not None
    assert len(report.policies) == 1


class Interrupted(io.BytesIO):
    """A file in the second read of which somebody presses Ctrl-C."""

    reads = 0

    def readinto1(self, view: memoryview) -> int:  # type: ignore[override]
        self.reads += 1
        if self.reads == 2:
            raise KeyboardInterrupt
        return super().readinto1(view[:200])


@MODES
def test_an_interruption_loses_nothing_that_was_read(
    tmp_path: Path, merge: bool
) -> None:
    (path,) = written(tmp_path, {"file": pcap((4, b"4"), (5, b"5"), (60, b"60"))})
    whole = pcap(*((10 * n, bytes([n]) * 60) for n in range(9)))
    file = Interrupted(whole)
    other = io.BytesIO(pcap((70, b"other")))
    with sources.open([file, path, other], merge=merge) as source:
        found: list[bytes] = []
        with pytest.raises(KeyboardInterrupt):
            for batch in source:
                found += [batch.frame(n)[-1] for n in range(len(batch))]
        for batch in source:
            assert batch.first_number == len(found) + 1
            found += [batch.frame(n)[-1] for n in range(len(batch))]
        assert next(source, None) is None
    seen = [bytes([n]) * 60 for n in range(2)]
    if merge:
        assert found == [seen[0], b"4", b"5", seen[1], b"60", b"other"]
    else:
        assert found == [*seen, b"other"]


def test_progress_is_of_all(tmp_path: Path) -> None:
    paths = written(tmp_path, {"a": pcap((1, b"1")), "b": pcap((2, b"2"))})
    total = sum(path.stat().st_size for path in paths)
    for merge in (False, True):
        told: list[tuple[int, int | None]] = []
        opened(paths, merge=merge, progress=lambda *state, to=told: to.append(state))
        assert told[-1] == (total, total)
        assert [read for read, _ in told] == sorted(read for read, _ in told)


def test_numbers_go_on_from_another_source(tmp_path: Path) -> None:
    paths = written(tmp_path, {"a": pcap((1, b"1")), "b": pcap((2, b"2"), (3, b"3"))})
    for merge in (False, True):
        with sources.open(paths, merge=merge, first_number=7, batch_frames=1) as source:
            assert [batch.first_number for batch in source] == [7, 8, 9]


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (170, 170))
from unpacket import sources
with sources.open(sys.argv[1], merge=sys.argv[2] == "True") as source:
    times = [batch.time_ns[n] // 1000 for batch in source for n in range(len(batch))]
assert times == list(range(3, 903)), times
"""


def test_more_captures_than_can_be_open(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    # Longer than what is read of each at a time, so that each is opened again.
    size = 40_000
    for number in range(300):
        seen = [(3 + number + 300 * n, bytes(size)) for n in range(3)]
        (tmp_path / f"{number}").write_bytes(pcap(*seen))
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "*"), "True"]
    done = subprocess.run(command, capture_output=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, b"")


def taps() -> tuple[Conversation, dict[str, bytes]]:
    """Return a conversation, and what two taps saw: each one side."""
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"question")
    talk.server(1, b"answer", ack=9)
    talk.client(9, ack=7)
    talk.farewell(9, 7)
    sides: tuple[list[bytes], list[bytes]] = ([], [])
    for frame in talk.frames:
        sides[frame.data[6:12] == talk.frames[1].data[6:12]].append(
            pcap_record(
                "<",
                frame.time_ns // SECOND,
                frame.time_ns % SECOND // 1000,
                frame.data,
                frame.original,
            )
        )
    captures = {
        name: pcap_header("<") + b"".join(records)
        for name, records in zip(("client", "server"), sides, strict=True)
    }
    return talk, captures


def described(streams: Iterable[unpacket.WholeStream]) -> Sequence[Any]:
    return [
        (
            stream.client_data,
            stream.server_data,
            stream.role_evidence,
            stream.close_reason,
            [(chunk.offset, chunk.frame) for chunk in stream.chunks],
        )
        for stream in streams
    ]


def test_two_taps_are_one_conversation(tmp_path: Path) -> None:
    talk, captures = taps()
    assert talk.now_ns - talk.frames[0].time_ns >= MS
    paths = written(tmp_path, captures)
    whole = described(unpacket.streams(talk.packets))
    assert whole[0][:2] == (b"question", b"answer")
    assert described(unpacket.streams(paths, merge=True)) == whole
    assert described(unpacket.streams(str(tmp_path / "*"), merge=True)) == whole

    told = [event.frame for event in unpacket.events(paths, merge=True)]
    assert told == [event.frame for event in unpacket.events(talk.packets)]
    with pytest.warns(OverlapWarning):
        list(unpacket.events(paths))


def test_a_follower_takes_a_list_of_captures(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"question")
    talk.farewell(9, 1)
    records = [
        pcap((frame.time_ns // 1000 % 1_000_000, frame.data)) for frame in talk.frames
    ]
    paths = written(tmp_path, {str(n): data for n, data in enumerate(records)})
    follower = unpacket.StreamFollower()
    said: list[bytes] = []
    follower.on_new_stream(
        lambda stream: stream.on_client_data(lambda _, octets: said.append(octets))
    )
    follower.feed(paths[::-1])
    assert b"".join(said) == b"question"
