"""Text that is put together is what Python would have made of it."""

from calendar import isleap, monthrange

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from unpacket.records.text import Text
from unpacket.records.times import rfc3339

WHOLE = st.integers(-(1 << 63), (1 << 63) - 1)


@given(st.lists(st.one_of(st.text(), WHOLE), max_size=50))
def test_words_and_numbers_follow_one_another(parts: list[str | int]) -> None:
    text = Text()
    for part in parts:
        if isinstance(part, str):
            text.put(part)
        else:
            text.number(part)
    expected = "".join(map(str, parts))
    assert text.used == len(expected.encode())
    assert text.text() == expected
    assert text.take() == expected.encode()
    assert text.take() == b""


@given(WHOLE, st.integers(0, 300))
def test_a_number_can_have_zeros_in_front(value: int, width: int) -> None:
    text = Text()
    text.padded(value, width)
    assert text.text() == ("-" if value < 0 else "") + f"{abs(value):0{width}}"


def by_calendar(time_ns: int) -> str:
    """Return a time as text, by counting years and months."""
    days, rest_ns = divmod(time_ns, 86_400_000_000_000)
    year, month = 1970, 1
    while days < 0:
        year -= 1
        days += 365 + isleap(year)
    while days >= 365 + isleap(year):
        days -= 365 + isleap(year)
        year += 1
    while days >= monthrange(year, month)[1]:
        days -= monthrange(year, month)[1]
        month += 1
    seconds, ns = divmod(rest_ns, 1_000_000_000)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{year}-{month:02}-{days + 1:02}T{clock}.{ns:09}Z"


@given(WHOLE)
@example(-(1 << 63))
@example((1 << 63) - 1)
@example(-1)
@example(0)
@example(951_782_400_000_000_000)  # 29 February 2000
@example(-2_203_891_200_000_000_001)  # the end of February 1900, which had 28 days
def test_a_time_is_written_by_the_calendar(time_ns: int) -> None:
    text = Text()
    text.time(time_ns)
    assert text.text() == rfc3339(time_ns) == by_calendar(time_ns)


def test_one_can_be_added_to_another() -> None:
    line, name = Text(), Text()
    name.put("x" * 3000)
    assert name.octets() == b"x" * 3000
    for _ in range(3):
        line.put("<")
        line.put_all(name)
        line.put(">")
    assert line.take() == (b"<" + b"x" * 3000 + b">") * 3
    name.clear()
    line.put_all(name)
    assert (line.used, name.used) == (0, 0)


def test_half_of_a_character_is_none() -> None:
    text = Text()
    text.put("before")
    with pytest.raises(UnicodeEncodeError):
        text.put("\udc80")
    assert text.take() == b"before"
