"""Text that is put together is what Python would have made of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unpacket.records.text import Text

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
