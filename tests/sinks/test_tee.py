"""What is written on the way: all of it, in files that are whole by themselves."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from tests.builder import Conversation
from unpacket import Batch, SinkError, sources
from unpacket.sinks.tee import Rotation, Tee
from unpacket.sources.live.losses import Losses
from unpacket.sources.live.statistics import LiveStatistics
from unpacket.sources.source import Interface, Source

FLAGS = 0x205


class Given(Source):
    """Batches that a test has made, from an interface that counts."""

    def __init__(self, batches: list[Batch], received: int = 0, lost: int = 0) -> None:
        super().__init__("given")
        self._batches = iter(batches)
        self.now_ns = 0
        self.losses = Losses()
        self.processes = None
        self.statistics = LiveStatistics(received, lost, received - lost, 0, 0)

    @property
    def bytes_read(self) -> int:
        return 0

    @property
    def total_bytes(self) -> None:
        return None

    @property
    def live(self) -> Any:
        return self

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        return (Interface("eth0", 1, 0, None), Interface("tun0", 101, 96, None))

    def __next__(self) -> Batch:
        return next(self._batches)

    def close(self) -> None:
        pass


def frames_of(path: str | Path) -> list[tuple[Any, ...]]:
    with sources.open(str(path)) as opened:
        return [
            (*batch.frame(i)[1:], opened.interfaces[batch.interface[i]].name)
            if batch.has_interfaces
            else (*batch.frame(i)[1:], opened.interfaces[0].name)
            for batch in opened
            for i in range(batch.count)
        ]


def talk_frames(count: int) -> list[Any]:
    talk = Conversation()
    talk.handshake()
    for number in range(count):
        talk.client(1 + number, b"x")
    return list(talk.frames)


def test_what_was_given_is_what_was_written(tmp_path: Path) -> None:
    frames = talk_frames(9)
    batches = [
        Batch.from_frames([(*frame, 0) for frame in frames[:5]]),
        Batch.from_frames([], 6),
        Batch.from_frames([(*frame, 1) for frame in frames[5:]], 6),
    ]
    path = tmp_path / "all.pcapng"
    with Tee(Given(batches, 20, 8), Rotation(str(path))) as tee:
        given = [(*batch.frame(i)[1:],) for batch in tee for i in range(batch.count)]
    written = frames_of(path)
    assert [row[:-1] for row in written] == given
    assert [row[-1] for row in written] == ["eth0"] * 5 + ["tun0"] * (len(frames) - 5)
    with sources.open(str(path)) as opened:
        for _ in opened:
            pass
        (counted,) = opened.notes.statistics
        assert (counted.received, counted.os_dropped, counted.delivered) == (20, 8, 12)
        assert opened.notes.dropped == 8


def test_what_a_filter_took_out_is_not_written(tmp_path: Path) -> None:
    frames = talk_frames(3)
    source = sources.open(
        [tuple(frame[:2]) for frame in frames], bpf="tcp[13] & 2 != 0"
    )
    path = tmp_path / "some.pcapng"
    with Tee(source, Rotation(str(path))) as tee:
        assert sum(batch.count for batch in tee) == len(frames)
    assert [row[3] for row in frames_of(path)] == [frame.data for frame in frames[:2]]


@pytest.mark.parametrize("most_bytes", [1, 300, 700])
def test_files_follow_each_other_and_lose_nothing(
    tmp_path: Path, most_bytes: int
) -> None:
    frames = talk_frames(12)
    batches = [
        Batch.from_frames([frame], number) for number, frame in enumerate(frames, 1)
    ]
    path = tmp_path / "part.of.pcapng"
    with Tee(Given(batches), Rotation(str(path), most_bytes=most_bytes)) as tee:
        assert len(list(tee)) == len(frames)
        paths = list(tee.paths)
    assert paths == sorted(paths)
    assert sorted(map(str, tmp_path.iterdir())) == paths
    assert len(paths) > 1
    for name in paths:
        stem, number, begun = Path(name).name.partition(".")[0].split("_")
        assert (stem, len(number), len(begun)) == ("part", 5, 14)
        assert name.endswith(".of.pcapng")
    written = [row for name in paths for row in frames_of(name)]
    assert [row[3] for row in written] == [frame.data for frame in frames]
    for name in paths[:-1]:
        assert Path(name).stat().st_size >= most_bytes


def test_a_time_ends_a_file_too() -> None:
    rotation = Rotation("x.pcapng", most_s=2)
    assert not rotation.is_over(1 << 40, 1.9)
    assert rotation.is_over(0, 2)
    assert not Rotation("x.pcapng").is_over(1 << 40, 1e9)


def test_flags_of_a_frame_are_written(tmp_path: Path) -> None:
    (frame, *_) = talk_frames(1)
    batch = Batch.from_frames([frame])
    batch.begin_flags()
    path = tmp_path / "flags.pcapng"
    batch.flags[0] = FLAGS
    with Tee(Given([batch]), Rotation(str(path))) as tee:
        list(tee)
    # Code 2, four bytes.
    assert struct.pack("<HHI", 2, 4, FLAGS) in path.read_bytes()
    for merge in (False, True):
        with sources.open([str(path), str(path)], merge=merge) as again:
            found = [
                batch.flags[i]
                for batch in again
                for i in range(batch.count)
                if batch.has_flags
            ]
        assert found == [FLAGS, FLAGS]


def test_what_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="no such file"):
        Tee(Given([]), Rotation(str(tmp_path / "none" / "x.pcapng")))


def test_a_full_disk_is_an_error() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full")
    with pytest.raises(SinkError, match="no space left"):
        Tee(Given([]), Rotation(str(full)))
