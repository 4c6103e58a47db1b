"""Lines, and messages with their length before them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.messages.halves import Turn, events_of, items_of, messages_of
from unpacket.messages import Framer, Message
from unpacket.messages.framers.lines import Lines
from unpacket.messages.framers.prefixed import Prefixed


def found(turns: list[Turn], framer: Framer, handshake: bool = True) -> list[object]:
    """Return the bodies of messages, and the offsets and lengths of skips."""
    items = items_of(events_of(turns, handshake=handshake), framer)
    return [
        item.body if isinstance(item, Message) else (item.offset, item.length)
        for item in items
    ]


@given(
    lines=st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line)),
    rest=st.binary(max_size=5).filter(lambda line: b"\n" not in line),
)
def test_lines_are_those_of_split(lines: list[bytes], rest: bytes) -> None:
    text = b"".join(line + b"\n" for line in lines) + rest
    messages = messages_of([(0, text)], Lines())
    assert [one.line for one in messages] == [
        line.removesuffix(b"\r") for line in [*lines, *([rest] if rest else [])]
    ]
    assert [one.complete for one in messages] == [True] * len(lines) + [False] * bool(
        rest
    )


@pytest.mark.parametrize(
    ("turns", "handshake", "expected"),
    [
        pytest.param([(0, b"a\nb")], True, [b"a\n", b"b"], id="the last has no end"),
        pytest.param([(0, b"\n\n")], True, [b"\n", b"\n"], id="empty ones"),
        pytest.param(
            [(0, b"a\nb"), (0, 3), (0, b"c\nd\n")],
            True,
            [b"a\n", b"b", (6, 2), b"d\n"],
            id="a hole ends a line, and hides where the next begins",
        ),
        pytest.param(
            [(0, b"a\n"), (0, 3), (0, b"\nd\n")],
            True,
            [b"a\n", (5, 1), b"d\n"],
            id="the end of the lost line is all that is left of it",
        ),
        pytest.param(
            [(0, b"est\nb\n")],
            False,
            [(0, 4), b"b\n"],
            id="a stream that was there before the capture",
        ),
        pytest.param([(0, b"est")], False, [(0, 3)], id="no line at all"),
    ],
)
def test_where_lines_begin_and_end(
    turns: list[Turn], handshake: bool, expected: list[object]
) -> None:
    assert found(turns, Lines(), handshake) == expected


def test_a_delimiter_may_be_longer_and_lie_in_two_segments() -> None:
    turns: list[Turn] = [(0, b"rest-"), (0, b"-end"), (0, b"-two--"), (0, b"three-")]
    assert found(turns, Lines(b"--"), False) == [(0, 6), b"end-two--", b"three-"]


def test_a_line_is_text_without_what_ends_it() -> None:
    (line,) = messages_of([(0, b"caf\xc3\xa9 \xff\r\n")], Lines())
    assert (line.text, line.line) == ("café \\xff", b"caf\xc3\xa9 \xff")
    (line,) = messages_of([(0, b"a\r;")], Lines(b";"))
    assert line.line == b"a\r"


def test_a_line_that_does_not_end_is_passed_over_at_once() -> None:
    # Each byte would be the beginning of another search, else.
    text = b"x" * 300_000 + b"\nlast\n"
    items = items_of(events_of([(0, text)]), Lines(), max_pending_bytes=4096)
    assert [item.body for item in items if isinstance(item, Message)] == [b"last\n"]
    assert sum(item.length for item in items) == len(text)


def test_a_delimiter_is_not_empty() -> None:
    with pytest.raises(ValueError, match="empty"):
        Lines(b"")


@pytest.mark.parametrize(
    ("framer", "wire", "bodies"),
    [
        pytest.param(Prefixed(), b"\0\2ab\0\0\0\1c", [b"ab", b"", b"c"], id="two"),
        pytest.param(Prefixed("<I"), b"\1\0\0\0a", [b"a"], id="four, the low first"),
        pytest.param(
            Prefixed(">I", adjust=-4), b"\0\0\0\6ab\0\0\0\4", [b"ab", b""],
            id="itself too",
        ),
        pytest.param(
            Prefixed("B", offset=1, adjust=2), b"T\1xyz", [b"xyz"],
            id="behind a type, and two bytes more",
        ),
        pytest.param(Prefixed(">b"), b"\2ab\xffrest", [b"ab"], id="a negative one"),
        pytest.param(
            Prefixed(max_length=10), b"\0\1a\0\x20rest", [b"a"], id="beyond the longest"
        ),
        pytest.param(
            Prefixed(">Q", max_length=1 << 64), b"\xff" * 8 + b"a", [], id="of 64 bits"
        ),
    ],
)  # fmt: skip
def test_lengths(framer: Framer, wire: bytes, bodies: list[bytes]) -> None:
    assert [one.body for one in messages_of([(0, wire)], framer)] == bodies


@given(bodies=st.lists(st.binary(max_size=300), max_size=8), lost=st.data())
def test_a_hole_in_a_message_of_known_length_costs_its_bytes(
    bodies: list[bytes], lost: st.DataObject
) -> None:
    turns: list[Turn] = []
    expected = []
    for body in bodies:
        start = lost.draw(st.integers(0, len(body)))
        stop = lost.draw(st.integers(start, len(body)))
        head = struct.pack(">H", len(body))
        turns += [(0, head + body[:start]), (0, stop - start), (0, body[stop:])]
        expected.append((body[:start] + body[stop:], stop == start))
    messages = messages_of(turns, Prefixed())
    assert [(one.body, one.complete) for one in messages] == expected


def test_behind_a_lost_length_nothing_is_known() -> None:
    turns: list[Turn] = [(0, b"\0\1a\0"), (0, 1), (0, b"abcd\0\1a")]
    assert found(turns, Prefixed()) == [b"a", (3, 1), (5, 7)]
    assert found([(0, b"\0\1a")], Prefixed(), False) == [(0, 3)]


@pytest.mark.parametrize("format", [">HH", "4s", "d", "?", "nonsense", ""])
def test_a_format_is_that_of_one_integer(format: str) -> None:
    with pytest.raises(ValueError, match="one integer"):
        Prefixed(format)
    with pytest.raises(ValueError, match="offset"):
        Prefixed(offset=-1)
