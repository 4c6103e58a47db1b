"""Streams in order: keys say what columns say, and rows come back sorted."""

import ipaddress
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import unpacket
from unpacket.query.columns import COLUMNS
from unpacket.query.order import Order, Sorter

SAMPLE = Path(__file__).resolve().parents[2] / "examples" / "sample.pcapng"


@pytest.fixture(scope="module")
def summaries() -> list[unpacket.Summary]:
    if not SAMPLE.exists():
        pytest.skip("the examples are not part of this copy")
    return list(unpacket.summaries(SAMPLE))


def comparable(value: Any) -> Any:
    if isinstance(value, tuple):
        address = ipaddress.ip_address(value[0])
        return address.version, int(address), value[1]
    return value


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("sign", ["", "-"])
def test_the_order_is_that_of_the_column(
    column: str, sign: str, summaries: list[unpacket.Summary]
) -> None:
    def values(summary: unpacket.Summary) -> Any:
        return sorted(map(comparable, COLUMNS[column].values(summary)))

    expected = sorted(summaries, key=lambda one: one.id)
    expected.sort(key=values, reverse=bool(sign))
    found = sorted(summaries, key=Order(sign + column).key)
    assert [one.id for one in found] == [one.id for one in expected]


def test_several_columns_and_all_turned_round(
    summaries: list[unpacket.Summary],
) -> None:
    def ids(order: Order) -> list[int]:
        return [one.id for one in sorted(summaries, key=order.key)]

    expected = sorted(
        summaries,
        key=lambda one: (sum(map(len, one.gaps)), -sum(one.bytes), one.id),
    )
    assert ids(Order("gaps, -bytes")) == [one.id for one in expected]
    assert ids(Order("-gaps,bytes", reverse=True)) == [one.id for one in expected]


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match=r"no column 'byte'; did you mean bytes"):
        Order("id,-byte")
    with pytest.raises(ValueError, match=r"no column ''; there are id, client"):
        Order("id,")


@given(
    st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=300)), max_size=60),
    st.none() | st.integers(1, 70),
    st.sampled_from([0, 500, 4000, 1 << 20]),
)
def test_rows_come_back_sorted(
    rows: list[tuple[bytes, bytes]], limit: int | None, kept_bytes: int
) -> None:
    sorter = Sorter(limit=limit, kept_bytes=kept_bytes)
    for number, (key, row) in enumerate(rows):
        sorter.add(key + number.to_bytes(4), row)
    expected = sorted(
        (key + number.to_bytes(4), row) for number, (key, row) in enumerate(rows)
    )
    assert list(sorter.rows()) == [row for _, row in expected][:limit]


@pytest.mark.parametrize(
    "limit, most_bytes",
    [
        pytest.param(10, 1 << 19, id="what is not wanted is not kept"),
        # Of each of 27 runs a piece is read ahead.
        pytest.param(
            None, (1 << 19) + 27 * (2 << 16), id="what is wanted lies on disk"
        ),
    ],
)
def test_memory_does_not_grow_with_rows(limit: int | None, most_bytes: int) -> None:
    count = 20_000
    tracemalloc.start()
    try:
        sorter = Sorter(limit=limit, kept_bytes=1 << 18)
        for number in range(count):
            sorter.add((number * 7919 % count).to_bytes(4), b"x" * 200)
        rows = sum(1 for _ in sorter.rows())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rows == (limit or count)
    assert peak < most_bytes
