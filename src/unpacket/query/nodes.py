"""Parts of a filter as closures, and how they join to larger ones."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from unpacket.query.columns import Column
from unpacket.query.values import ADDRESS, Compare

# Both take a stream and when the first frame of the capture was seen.
Judge: TypeAlias = Callable[[Any, int], bool]
EarlyJudge: TypeAlias = Callable[[Any, int], bool | None]

OPERATORS: dict[str, Compare] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Node(NamedTuple):
    """A part of an expression, as closures."""

    judge: Judge
    early: EarlyJudge


def undecided(stream: Any, first_ns: int) -> None:
    return None


def node_of(column: Column, test: Callable[[Any, int], bool]) -> Node:
    """Return the node that holds where any value of a column passes a test."""
    values = column.values

    def judge(stream: Any, first_ns: int) -> bool:
        return any(test(value, first_ns) for value in values(stream))

    return Node(judge, judge if column.early else undecided)


def column_pair(left: Column, right: Column, symbol: str) -> Node:
    """Return the node that compares two columns; of ends, only the addresses."""
    compare = OPERATORS[symbol]
    ends = left.kind is ADDRESS

    def judge(stream: Any, first_ns: int) -> bool:
        return any(
            compare(a.address, b.address) if ends else compare(a, b)
            for a in left.values(stream)
            for b in right.values(stream)
        )

    return Node(judge, judge if left.early and right.early else undecided)


def negated(node: Node) -> Node:
    def early(stream: Any, first_ns: int) -> bool | None:
        known = node.early(stream, first_ns)
        return None if known is None else not known

    return Node(lambda stream, first_ns: not node.judge(stream, first_ns), early)


def all_of(parts: list[Node]) -> Node:
    def early(stream: Any, first_ns: int) -> bool | None:
        known = [part.early(stream, first_ns) for part in parts]
        return False if False in known else None if None in known else True

    return Node(
        lambda stream, first_ns: all(part.judge(stream, first_ns) for part in parts),
        early,
    )


def any_of(parts: list[Node]) -> Node:
    def early(stream: Any, first_ns: int) -> bool | None:
        known = [part.early(stream, first_ns) for part in parts]
        return True if True in known else None if None in known else False

    return Node(
        lambda stream, first_ns: any(part.judge(stream, first_ns) for part in parts),
        early,
    )
