"""What can be asked of a stream, by name: made of the table of facts.

A fact that each side has is known by three names. ``client.bytes`` and ``server.bytes``
are those of a side; ``bytes`` alone is their sum where a sum means something, and
else has both values (``port``), of which one suffices for a test. ``client`` alone is
``client.address``, and ``server`` too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from unpacket.query import values
from unpacket.records import facts
from unpacket.records.analysis_facts import ALL_FACTS
from unpacket.records.facts import SIDES, Fact

KINDS: dict[facts.Kind, values.Kind] = {
    facts.Kind.ID: values.ID,
    facts.Kind.COUNT: values.COUNT,
    facts.Kind.PORT: values.PORT,
    facts.Kind.BYTES: values.SIZE,
    facts.Kind.TIME: values.INSTANT,
    facts.Kind.DURATION: values.DURATION,
    facts.Kind.ADDRESS: values.ADDRESS,
    facts.Kind.TEXT: values.TEXT,
    facts.Kind.FLAG: values.FLAG,
    facts.Kind.SHARE: values.SHARE,
}


class Column(NamedTuple):
    """What can be asked of a stream.

    Attributes:
        values: Returns the values that a ``Summary`` has; mostly one.
        early: Whether that is known when the stream opens.
        help: For the documentation.
        analysed: Whether only an analysis knows it.
    """

    kind: values.Kind
    values: Callable[[Any], Iterable[Any]]
    help: str
    early: bool = False
    analysed: bool = False


def columns_of(fact: Fact) -> dict[str, Column]:
    """Return what can be asked about a fact, by name."""
    kind = KINDS.get(fact.kind) or values.words(*fact.words)

    def column(read: Callable[[Any], Iterable[Any]]) -> Column:
        return Column(kind, read, fact.help, fact.early, fact.analysed)

    if not fact.each_side:
        several = fact.kind is facts.Kind.WORDS
        return {fact.name: column(fact.read if several else one(fact.read))}
    both = known(fact.read) if fact.live or fact.analysed else fact.read
    if fact.summed:
        both = one(lambda summary: total(fact.read(summary)))
    sides = [column(one(of_side(fact.read, index))) for index in range(len(SIDES))]
    columns: dict[str, Column] = {}
    if fact.kind is facts.Kind.ADDRESS:
        # Shorter, and how most write it.
        columns |= zip(SIDES, sides, strict=True)
    columns[fact.name] = column(both)
    for side, of_that in zip(SIDES, sides, strict=True):
        columns[f"{side}.{fact.name}"] = of_that
    return columns


def of_side(read: Callable[[Any], Any], index: int) -> Callable[[Any], Any]:
    """Return what reads the value of one side."""
    return lambda summary: read(summary)[index]


def total(values: Iterable[int | None]) -> int | None:
    """Return the sum of what both sides have, None where that is not known."""
    numbers = [value for value in values if value is not None]
    return sum(numbers) if numbers else None


def known(read: Callable[[Any], Iterable[Any]]) -> Callable[[Any], Iterable[Any]]:
    """Return what reads those of several values that there are."""
    return lambda summary: [one for one in read(summary) if one is not None]


def one(read: Callable[[Any], Any]) -> Callable[[Any], Iterable[Any]]:
    """Return what reads the same as the only one of several values.

    What is not known, as whose process the end of a capture in a file was, is none.
    """

    def values(summary: Any) -> Iterable[Any]:
        value = read(summary)
        return () if value is None else (value,)

    return values


COLUMNS: dict[str, Column] = {
    name: column
    for fact in ALL_FACTS
    if fact.asked
    for name, column in columns_of(fact).items()
}
