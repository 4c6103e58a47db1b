"""What holds for captures of every format: all frames, in any pieces, up to damage."""

import io
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.strategies import any_captures
from tests.sources.writing import (
    Frame,
    Piece,
    enhanced,
    frames_of,
    interface,
    joined,
    pcap_header,
    pcap_record,
    read_all,
    section,
)
from unpacket import sources
from unpacket.errors import CaptureWarning, FormatError, SourceError


class Drip(io.RawIOBase):
    """A pipe that has so many bytes each time."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data = data
        self._sizes = sizes

    def readable(self) -> bool:
        return True

    def readinto(self, view: memoryview) -> int:  # type: ignore[override]
        size = min(self._sizes[0], len(view))
        self._sizes = self._sizes[1:] + self._sizes[:1]
        data, self._data = self._data[:size], self._data[size:]
        view[: len(data)] = data
        return len(data)


@given(any_captures())
def test_gives_the_frames_that_were_written(pieces: list[Piece]) -> None:
    with sources.open(io.BytesIO(joined(pieces))) as source:
        assert read_all(source) == frames_of(pieces)
        assert source.warnings == []
        assert source.bytes_read == source.total_bytes == len(joined(pieces))


@given(any_captures(), st.lists(st.integers(1, 90), min_size=1), st.integers(1, 5))
def test_the_cut_of_the_input_and_of_the_batches_does_not_matter(
    pieces: list[Piece], sizes: list[int], batch_frames: int
) -> None:
    for pipe in (Drip(joined(pieces), [1]), Drip(joined(pieces), sizes)):
        with sources.open(pipe, batch_frames=batch_frames) as source:
            batches = list(source)
        assert all(1 <= len(batch) <= batch_frames for batch in batches)
        frames = [
            Frame(*batch.frame(n)[1:]) for batch in batches for n in range(len(batch))
        ]
        assert frames == frames_of(pieces)


@given(any_captures())
def test_every_cut_gives_the_frames_in_front_of_it(pieces: list[Piece]) -> None:
    data = joined(pieces)
    ends = [0]
    for piece in pieces:
        ends.append(ends[-1] + len(piece.data))
    for length in range(len(data)):
        whole = sum(end <= length for end in ends) - 1
        cut = io.BytesIO(data[:length])
        if whole == 0:
            with pytest.raises(FormatError):
                sources.open(cut)
            continue
        with warnings.catch_warnings(record=True) as issued:
            warnings.simplefilter("always")
            with sources.open(cut) as source:
                assert read_all(source) == frames_of(pieces[:whole])
        offsets = [] if length in ends else [ends[whole]]
        assert [warning.offset for warning in source.warnings] == offsets
        assert [each.message for each in issued] == source.warnings


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_an_error_or_a_capture(data: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CaptureWarning)
        try:
            with sources.open(io.BytesIO(data)) as source:
                read_all(source)
        except SourceError as error:
            assert isinstance(error, FormatError)


@given(any_captures(), st.data(), st.booleans())
def test_a_capture_with_other_bytes_in_it_gives_frames_and_no_surprise(
    pieces: list[Piece], draws: st.DataObject, strict: bool
) -> None:
    data = bytearray(joined(pieces))
    for _ in range(draws.draw(st.integers(1, 8))):
        data[draws.draw(st.integers(0, len(data) - 1))] = draws.draw(
            st.integers(0, 255)
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CaptureWarning)
        try:
            with sources.open(io.BytesIO(data), strict=strict) as source:
                read_all(source)
                # One for each place, and one for odd times.
                assert len(source.warnings) <= (0 if strict else 9)
        except FormatError as error:
            assert 0 <= error.offset <= len(data)


PCAP = [
    Piece(pcap_header("<"), None),
    Piece(pcap_record("<", 1, 2, b"one", 3), Frame(1_000_002_000, 1, 3, b"one")),
    Piece(pcap_record("<", 3, 4, b"two", 9), Frame(3_000_004_000, 1, 9, b"two")),
]
PCAPNG = [
    Piece(section("<"), None),
    Piece(interface("<"), None),
    Piece(enhanced("<", 0, 5, b"one", 3), Frame(5000, 1, 3, b"one")),
    Piece(enhanced("<", 0, 6, b"two", 9), Frame(6000, 1, 9, b"two")),
]
both_formats = pytest.mark.parametrize(
    "pieces", [pytest.param(PCAP, id="pcap"), pytest.param(PCAPNG, id="pcapng")]
)


@both_formats
def test_strictly_damage_is_an_error_after_the_frames(pieces: list[Piece]) -> None:
    source = sources.open(io.BytesIO(joined(pieces)[:-1]), strict=True)
    batch = next(source)
    assert len(batch) == 1
    with pytest.raises(FormatError) as caught:
        next(source)
    assert caught.value.offset == len(joined(pieces[:-1]))
    assert caught.value.path == "<BytesIO>"
    assert source.warnings == []
    assert list(source) == []


@both_formats
def test_a_warning_names_the_line_that_reads(pieces: list[Piece]) -> None:
    source = sources.open(io.BytesIO(joined(pieces)[:-1]))
    with pytest.warns(CaptureWarning, match="a record is cut after") as caught:
        for _ in source:
            pass
    assert caught[0].filename == __file__


@both_formats
def test_a_link_type_can_be_forced(pieces: list[Piece]) -> None:
    source = sources.open(io.BytesIO(joined(pieces)), link_type="ip")
    assert [frame.link_type for frame in read_all(source)] == [101, 101]


@both_formats
def test_batches_may_be_kept(pieces: list[Piece]) -> None:
    record, frame = pieces[-1]
    data = joined(pieces[:-1]) + record * 50_000
    kept = list(sources.open(io.BytesIO(data)))
    assert sum(len(batch) for batch in kept) == 50_001
    for batch in kept[1:]:
        for index in (0, len(batch) - 1):
            assert batch.frame(index)[1:] == frame
    numbers = [batch.first_number for batch in kept]
    assert numbers[0] == 1
    assert numbers[-1] + len(kept[-1]) == 50_002


@both_formats
def test_few_buffers_serve_a_long_capture(pieces: list[Piece]) -> None:
    piece = pieces[-1].data
    data = joined(pieces) + piece * 400_000
    seen = {id(batch.buffer) for batch in sources.open(io.BytesIO(data))}
    assert len(seen) <= 3


def test_progress_is_told() -> None:
    told: list[tuple[int, int | None]] = []
    data = joined(PCAP) + PCAP[-1].data * 100_000
    source = sources.open(
        io.BytesIO(data), progress=lambda done, of: told.append((done, of))
    )
    assert sum(len(batch) for batch in source) == 100_002
    assert told == sorted(told, key=lambda each: each[0])
    assert told[-1] == (len(data), len(data))


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(lambda: io.BytesIO(joined(PCAP)), id="a capture"),
        pytest.param(lambda: [b"one", b"two"], id="objects"),
        pytest.param(lambda: iter([b"one", b"two"]), id="an iterator"),
    ],
)
def test_numbers_go_on_from_another_source(source: Callable[[], Any]) -> None:
    batches = list(sources.open(source(), first_number=41, batch_frames=1))
    assert [batch.frame(0)[0] for batch in batches] == [41, 42]


def test_an_opened_source_is_taken_as_it_is() -> None:
    source = sources.open(io.BytesIO(joined(PCAP)))
    assert sources.open(source) is source


def test_after_close_there_is_nothing_more() -> None:
    source = sources.open(io.BytesIO(joined(PCAP)), batch_frames=1)
    next(source)
    source.close()
    assert list(source) == []


@pytest.mark.parametrize("batch_frames", [0, -1, 2049])
def test_a_batch_has_a_size(batch_frames: int) -> None:
    with pytest.raises(ValueError):
        sources.open(io.BytesIO(joined(PCAP)), batch_frames=batch_frames)


@pytest.mark.parametrize("link_type", ["token ring", -1, 1 << 16])
def test_there_is_no_such_link_type(link_type: int | str) -> None:
    with pytest.raises(ValueError):
        sources.open(io.BytesIO(joined(PCAP)), link_type=link_type)
