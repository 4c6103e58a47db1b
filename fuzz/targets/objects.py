"""Anything that can be iterated over is a source: what is no packet is ignored."""

import datetime
import warnings
from decimal import Decimal
from fractions import Fraction
from typing import Any

from fuzz.choices import Choices
from fuzz.targets.captures import check_frames
from unpacket import sources

TIMES: list[Any] = [
    0,
    1_700_000_000_000_000_000,
    1 << 62,
    -(1 << 63),
    1 << 63,
    1 << 200,
    0.5,
    -1e9,
    1e300,
    float("nan"),
    float("inf"),
    Decimal("1.5"),
    Decimal("NaN"),
    Decimal("1e40"),
    Fraction(1, 3),
    True,
    None,
    "now",
    datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
    datetime.datetime(1, 1, 1, tzinfo=datetime.UTC),
    datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC),
]
LINK_TYPES: list[Any] = [None, 0, 1, 101, "ip", "sll2", 65535]


def item(choices: Choices) -> Any:
    """Return something that may be a packet."""
    what = choices.byte() % 8
    octets = choices.octets(choices.byte() % 24)
    if what == 0:
        return octets
    if what == 1:
        return bytearray(octets)
    if what == 2:
        return memoryview(octets)
    if what < 6:
        pair = (choices.pick(TIMES), octets)
        return list(pair) if what == 5 else pair
    return choices.pick([None, 7, "text", (), (1,), (1, 2, 3), [[]], (0, (0, b""))])


def check(data: bytes) -> None:
    choices = Choices(data)
    link_type = choices.pick(LINK_TYPES)
    size = choices.pick([2048, 1, 2, 3])
    items: list[Any] = []
    while choices.more and len(items) < 50:
        items.append(item(choices))
    while items and isinstance(items[0], str):
        # An iterator that begins with a path is refused: who gives one means files.
        del items[0]
    frames: list[tuple[Any, ...]] = []
    with warnings.catch_warnings():
        # Of times that are none.
        warnings.simplefilter("ignore")
        with sources.open(
            iter(items), link_type=link_type, batch_frames=size
        ) as source:
            for batch in source:
                frames += [batch.frame(index) for index in range(len(batch))]
    check_frames(frames)
    assert len(frames) + source.ignored == len(items)
