"""A search of streams finds what a plain search of each contiguous run finds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.talk import CLIENT, SERVER, Talk
from unpacket import Closed, Data, Gap
from unpacket.faces.search import (
    Match,
    Pattern,
    PatternError,
    Searcher,
    matches,
    search,
)

re2 = pytest.importorskip("re2", reason="google-re2 is not installed")

MOST = 6
ALPHABET = b"abz\n"
TEXTS = st.lists(st.sampled_from(ALPHABET), max_size=60).map(bytes)
# `a(?:.*z)?` makes RE2 look at all that follows, for each match.
PATTERNS = (b"ab", b"a+", b"a(?:.*z)?", b"[az].", b"(?:ab|b)*z", b"a?b", b"\\bz")


def events_of(runs: list[bytes], cut: int, stream: Any) -> list[Any]:
    """Return the events of runs with a gap of one byte between them."""
    events: list[Any] = []
    offset = 0
    for number, run in enumerate(runs):
        if number:
            events.append(Gap(stream, CLIENT, offset, 1, "not_captured", number, 0))
            offset += 1
        for at in range(0, len(run), cut):
            payload = run[at : at + cut]
            events.append(Data(stream, CLIENT, offset, payload, number + 1, 5))
            offset += len(payload)
    return [*events, Closed(stream, "fin", 9, 9)]


def stream_of() -> Any:
    talk = Talk()
    talk.handshake()
    return talk.stream


STREAM = stream_of()


def plainly(pattern: bytes, run: bytes) -> list[tuple[int, bytes]]:
    """Find matches as the words say: the leftmost place, seeing MOST bytes of it."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.dot_nl = True
    regex = re2.compile(pattern, options=options)
    found = []
    at = 0
    while at < len(run):
        match = regex.match(run, at, min(len(run), at + MOST))
        if match is None or match.end() == at:
            at += 1
            continue
        found.append((at, run[at : match.end()]))
        at = match.end()
    return found


@given(
    st.sampled_from(PATTERNS),
    st.lists(TEXTS, min_size=1, max_size=3),
    st.integers(1, 9),
)
def test_any_segmentation_gives_what_a_plain_search_gives(
    pattern: bytes, runs: list[bytes], cut: int
) -> None:
    sought = Pattern(pattern, max_match=MOST)
    found = list(matches(Searcher(sought), events_of(runs, cut, STREAM)))
    wanted = []
    base = 0
    for run in runs:
        wanted += [(base + at, data) for at, data in plainly(pattern, run)]
        base += len(run) + 1
    assert [(match.offset, match.data) for match in found] == wanted


@given(TEXTS, st.integers(1, 9), st.booleans())
def test_plain_text_is_found_as_bytes_find_it(
    text: bytes, cut: int, ignore_case: bool
) -> None:
    sought = Pattern(
        b"AB" if ignore_case else b"ab", fixed=True, ignore_case=ignore_case
    )
    found = matches(Searcher(sought), events_of([text], cut, STREAM))
    wanted = []
    at = text.find(b"ab")
    while at >= 0:
        wanted.append(at)
        at = text.find(b"ab", at + 2)
    assert [match.offset for match in found] == wanted


@given(TEXTS, st.integers(1, 9), st.integers(0, 9), st.integers(0, 9))
def test_what_lies_around_a_match_is_given_with_it(
    text: bytes, cut: int, before: int, after: int
) -> None:
    searcher = Searcher(Pattern(b"ab", fixed=True), before=before, after=after)
    for match in matches(searcher, events_of([text], cut, STREAM)):
        at = match.offset
        assert match.before == text[max(0, at - before) : at]
        assert match.after == text[at + 2 : at + 2 + after]


def test_a_match_names_the_packet_of_its_first_byte() -> None:
    events = [
        Data(STREAM, SERVER, 0, b"..a", 3, 30),
        Data(STREAM, SERVER, 3, b"b..", 4, 40),
    ]
    (found,) = matches(Searcher(Pattern(b"ab", fixed=True)), events)
    assert found == Match(STREAM, SERVER, 2, b"ab", 3, 30)


def test_nothing_is_found_across_a_gap() -> None:
    events = events_of([b"pass", b"word"], 4, STREAM)
    assert not list(matches(Searcher(Pattern(b"password", fixed=True)), events))


def test_only_the_side_that_is_asked_for() -> None:
    events = [
        Data(STREAM, CLIENT, 0, b"ab", 1, 1),
        Data(STREAM, SERVER, 0, b"ab", 2, 2),
    ]
    searcher = Searcher(Pattern(b"ab", fixed=True), direction=SERVER)
    assert [match.direction for match in matches(searcher, events)] == [SERVER]


def test_what_waits_is_bounded_and_counted() -> None:
    pattern = Pattern(b"a[^a]*a", max_match=1 << 16)
    searcher = Searcher(pattern, max_waiting_bytes=1 << 17)
    most = 0
    offset = 0
    for number in range(200):
        payload = bytes(4000)
        list(searcher.take(Data(STREAM, CLIENT, offset, payload, number, number)))
        offset += len(payload)
        most = max(most, searcher.waiting_bytes)
    assert 1 << 15 < most <= 1 << 17
    list(searcher.finish())
    assert searcher.waiting_bytes == 0


@pytest.mark.parametrize(
    "pattern", [b"a(?:.*z)?", b"(?:a|aa)*z", b"(?:.*a){8}z", b"a.*b.*c.*z"]
)
def test_the_work_is_linear_whatever_the_pattern(pattern: bytes) -> None:
    class Counting:
        """Counts the bytes that the expression is asked to look at."""

        def __init__(self, regex: Any) -> None:
            self.regex = regex
            self.seen = 0

        def search(self, data: bytes, start: int, stop: int) -> Any:
            self.seen += stop - start
            return self.regex.search(data, start, stop)

        def match(self, data: bytes, start: int, stop: int) -> Any:
            self.seen += stop - start
            return self.regex.match(data, start, stop)

    def work(size: int) -> int:
        sought = Pattern(pattern, max_match=64)
        counting = Counting(sought._regex)
        sought._regex = counting
        text = b"a" * size
        list(matches(Searcher(sought), events_of([text], 1460, STREAM)))
        return counting.seen

    assert work(40_000) <= 2.3 * work(20_000)


@pytest.mark.parametrize(
    ("pattern", "options"),
    [
        pytest.param(b"", {}, id="empty"),
        pytest.param(b"(", {}, id="not closed"),
        pytest.param(b"(?=a)", {}, id="not of RE2"),
        pytest.param(b"a", {"max_match": 0}, id="no match may have any byte"),
        pytest.param(b"abc", {"fixed": True, "max_match": 2}, id="longer than a match"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern: bytes, options: dict[str, Any]) -> None:
    with pytest.raises(PatternError):
        Pattern(pattern, **options)


def test_a_capture_is_searched() -> None:
    from tests.terminal import ROOT

    found = search(ROOT / "examples" / "sample.pcapng", rb"HTTP/1\.1 (\d+)")
    assert [match.stream.id for match in found] == [1, 0, 3, 4, 5, 6, 7, 8, 2, 2]
