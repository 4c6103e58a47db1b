"""Filters on streams: ``server.port == 443 and (gaps or bytes > 1MiB)``.

Grammar::

    expression = both {("or" | "||") both}
    both       = one {("and" | "&&") one}
    one        = ("not" | "!") one | "(" expression ")" | test
    test       = COLUMN
               | COLUMN ("==" | "=" | "!=" | "<" | "<=" | ">" | ">=") (value | COLUMN)
               | COLUMN ["not"] "in" (item | "(" item {"," item} ")")
    item       = value [".." value]

A test without an operator holds where the column is not zero, not empty, not false.
A column with several values (``port`` has both) passes a test if any of them does;
``!=`` and ``not in`` are the contrary of ``==`` and ``in``, so none may. What a value
is, the column says: a number, a size (``64KiB``), a time (``20ms``; seconds without a
unit), an address with its port or a network (``10.0.0.1:80``, ``10.0.0.0/8``), or one
of a few words. ``COLUMNS`` has all columns.

An expression becomes closures of this module; nothing of it is ever run as Python.
"""

from __future__ import annotations

import functools
import ipaddress
import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, NamedTuple, NoReturn, TypeAlias

from unpacket._core.constants import EVIDENCE, REASONS
from unpacket._core.decode.reasons import GAP_REASONS, REJECTED_REASONS
from unpacket.query.units import BYTES, NANOSECONDS
from unpacket.records.summary import Missing, Summary

# Far beyond what anybody writes by hand, and far below what Python's own stack takes.
MAX_LENGTH = 4096
MAX_DEPTH = 50

# Both take a stream and when the first frame of the capture was seen.
Judge: TypeAlias = Callable[[Any, int], bool]
EarlyJudge: TypeAlias = Callable[[Any, int], bool | None]
Compare: TypeAlias = Callable[[Any, Any], bool]

_OPERATORS: dict[str, Compare] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<symbol>==|!=|<=|>=|&&|\|\||[<>=!(),])
      | (?P<quoted>"[^"]*"|'[^']*')
      | (?P<word>[A-Za-z0-9_.:/+\[\]-]+)
    )""",
    re.VERBOSE,
)
_KEYWORDS = {"and", "or", "not", "in"}
_SPELLINGS = {"&&": "and", "||": "or", "!": "not", "=": "=="}
_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?)([A-Za-z]*)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class WhereError(ValueError):
    """An expression is not of the grammar.

    Attributes:
        expression: As it was given.
        position: Where in it the trouble is, in characters from its start.
        reason: What is wrong there, and what helps.
    """

    def __init__(self, expression: str, position: int, reason: str) -> None:
        super().__init__(expression, position, reason)
        self.expression, self.position, self.reason = expression, position, reason

    def __str__(self) -> str:
        if self.position >= len(self.expression):
            return f"at the end: {self.reason}"
        return f"at character {self.position + 1}: {self.reason}"


class RemedyError(ValueError):
    """A value is wrong, and here is what would be right."""


class Where:
    """A filter on streams.

    Attributes:
        expression: As it was given.

    Raises:
        WhereError: It is not of the grammar.
    """

    __slots__ = ("_node", "expression")

    def __init__(self, expression: str) -> None:
        if not isinstance(expression, str):
            raise TypeError(
                f"a filter is text, and not a {type(expression).__name__}: {expression}"
            )
        self.expression = expression
        self._node = Parser(expression).parse()

    def matches(self, summary: Summary, first_ns: int = 0) -> bool:
        """Return whether a stream that has closed passes.

        Args:
            first_ns: When the first frame was captured: ``start`` and ``end`` may be
                compared with the time since then.
        """
        return self._node.judge(summary, first_ns)

    def early(self, stream: Any, first_ns: int = 0) -> bool | None:
        """Return what is certain already when a stream opens; None is: not yet.

        Its id, its ends and its start are known then, and nothing else.
        """
        return self._node.early(stream, first_ns)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.expression!r})"


class Kind(NamedTuple):
    """What the values of a column are.

    Attributes:
        noun: As messages say it, with examples.
        parse: Makes a value of text, or raises ValueError with a remedy or without.
        ordered: Whether there is a less and a more.
        same: Whether a value of a stream is the one that was written.
    """

    noun: str
    parse: Callable[[str], Any]
    ordered: bool = True
    same: Compare = operator.eq


class Column(NamedTuple):
    """What can be asked of a stream.

    Attributes:
        values: Returns the values that a stream has; mostly one.
        early: Whether that is known when the stream opens.
        help: For the documentation.
    """

    kind: Kind
    values: Callable[[Any], Any]
    help: str
    early: bool = False


class Instant(NamedTuple):
    """A moment, since 1970 or since the first frame."""

    ns: int
    relative: bool


class Node(NamedTuple):
    """A part of an expression, as closures."""

    judge: Judge
    early: EarlyJudge


class Token(NamedTuple):
    """``kind`` is ``symbol``, ``word``, ``quoted`` or ``end``."""

    kind: str
    text: str
    position: int


def scaled(text: str, units: dict[str, int]) -> int:
    """Return a number with a unit, rounded down to a whole one."""
    match = _NUMBER.fullmatch(text)
    if match is None or match[2].lower() not in units:
        raise ValueError
    unit = units[match[2].lower()]
    ones, _, decimals = match[1].partition(".")
    part: int = int(decimals or "0") * unit // 10 ** len(decimals)
    return int(ones) * unit + part


def whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError
    return int(text)


def port(text: str) -> int:
    number = whole(text)
    if number >= 1 << 16:
        raise RemedyError("ports end at 65535")
    return number


def instant(text: str) -> Instant:
    try:
        return Instant(scaled(text, NANOSECONDS), relative=True)
    except ValueError:
        moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    microseconds: int = (moment - _EPOCH) // _MICROSECOND
    return Instant(microseconds * 1000, relative=False)


def truth(text: str) -> bool:
    return {"true": True, "yes": True, "false": False, "no": False}[text]


class Net(NamedTuple):
    """Addresses, and perhaps a port."""

    version: int
    network: int
    mask: int
    port: int | None


def net(text: str) -> Net:
    """Return what an address, a network, or either with a port stands for."""
    number = None
    if text.startswith("["):
        text, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and rest[0] != ":"):
            raise ValueError
        number = port(rest[1:]) if rest else None
    elif text.count(":") == 1:
        text, _, rest = text.partition(":")
        number = port(rest)
    network = ipaddress.ip_network(text, strict=False)
    return Net(
        network.version, int(network.network_address), int(network.netmask), number
    )


@functools.lru_cache(maxsize=1 << 12)
def number_of(address: str) -> tuple[int, int]:
    """Return version and value of an address."""
    parsed = ipaddress.ip_address(address)
    return parsed.version, int(parsed)


def within(end: Any, wanted: Net) -> bool:
    """Return whether an ``Endpoint`` is of the network, and has the port."""
    version, value = number_of(end.address)
    return (
        version == wanted.version
        and value & wanted.mask == wanted.network
        and wanted.port in (None, end.port)
    )


def words(*known: str) -> Kind:
    """Return the kind of a column that has one of a few words."""

    def parse(text: str) -> str:
        if text not in known:
            raise RemedyError(f"there are {', '.join(known)}")
        return text

    return Kind("a word", parse, ordered=False)


ID = Kind("the id of a stream, as 3", whole)
COUNT = Kind("a number, as 3", whole)
PORT = Kind("a port, as 443", port)
SIZE = Kind("a size, as 1500 or 64KiB", lambda text: scaled(text, BYTES))
DURATION = Kind("a time, as 20ms or 1.5s", lambda text: scaled(text, NANOSECONDS))
INSTANT = Kind(
    "a time since the first frame, as 1.5s, or of the day in UTC, as "
    "2026-11-21T04:17:40",
    instant,
)
FLAG = Kind("true or false", truth, ordered=False)
ADDRESS = Kind(
    "an address, as 10.0.0.1, ::1, 10.0.0.1:80 or [::1]:80, or a network, as "
    "10.0.0.0/8",
    net,
    ordered=False,
    same=within,
)


def missing(side: list[Missing]) -> int:
    return sum(gap.length for gap in side)


def gap_reasons(summary: Summary) -> set[str]:
    return {gap.reason for side in summary.gaps for gap in side}


COLUMNS: dict[str, Column] = {
    "id": Column(ID, lambda s: (s.id,), "the id of the stream", early=True),
    "client": Column(ADDRESS, lambda s: (s.client,), "the client's end", early=True),
    "server": Column(ADDRESS, lambda s: (s.server,), "the server's end", early=True),
    "address": Column(
        ADDRESS, lambda s: (s.client, s.server), "either end", early=True
    ),
    "client.port": Column(
        PORT, lambda s: (s.client.port,), "the client's port", early=True
    ),
    "server.port": Column(
        PORT, lambda s: (s.server.port,), "the server's port", early=True
    ),
    "port": Column(
        PORT, lambda s: (s.client.port, s.server.port), "either port", early=True
    ),
    "start": Column(
        INSTANT, lambda s: (s.first_ns,), "when the first packet came", early=True
    ),
    "end": Column(INSTANT, lambda s: (s.last_ns,), "when the last packet came"),
    "duration": Column(
        DURATION,
        lambda s: (s.last_ns - s.first_ns,),
        "from the first packet to the last",
    ),
    "bytes": Column(
        SIZE, lambda s: (sum(s.bytes),), "how many bytes both sides sent, gaps left out"
    ),
    "client.bytes": Column(SIZE, lambda s: (s.bytes[0],), "those of the client"),
    "server.bytes": Column(SIZE, lambda s: (s.bytes[1],), "those of the server"),
    "packets": Column(
        COUNT, lambda s: (sum(s.packets),), "how many packets both sides sent"
    ),
    "client.packets": Column(COUNT, lambda s: (s.packets[0],), "those of the client"),
    "server.packets": Column(COUNT, lambda s: (s.packets[1],), "those of the server"),
    "duplicates": Column(
        COUNT, lambda s: (sum(s.duplicates),), "how many packets came twice, sent once"
    ),
    "other_channel": Column(
        COUNT,
        lambda s: (sum(s.other_channel),),
        "how many packets came by another channel than the one that --channel takes",
    ),
    "retransmissions": Column(
        COUNT,
        lambda s: (sum(s.retransmissions),),
        "how many packets brought again what was captured",
    ),
    "gaps": Column(
        COUNT, lambda s: (sum(map(len, s.gaps)),), "how many gaps both sides have"
    ),
    "client.gaps": Column(COUNT, lambda s: (len(s.gaps[0]),), "those of the client"),
    "server.gaps": Column(COUNT, lambda s: (len(s.gaps[1]),), "those of the server"),
    "missing": Column(
        SIZE, lambda s: (sum(map(missing, s.gaps)),), "how many bytes these gaps have"
    ),
    "client.missing": Column(
        SIZE, lambda s: (missing(s.gaps[0]),), "those of the client"
    ),
    "server.missing": Column(
        SIZE, lambda s: (missing(s.gaps[1]),), "those of the server"
    ),
    "gap_reason": Column(
        words(*GAP_REASONS), gap_reasons, "why bytes are missing: one of the reasons"
    ),
    "conflicts": Column(
        COUNT, lambda s: (s.conflicts,), "how many segments contradict another"
    ),
    "rejected": Column(
        COUNT, lambda s: (sum(s.rejected.values()),), "how many segments were rejected"
    ),
    "rejected_reason": Column(
        words(*REJECTED_REASONS), lambda s: s.rejected, "why they were: one of them"
    ),
    "close_reason": Column(
        words(*REASONS[1:]), lambda s: (s.close_reason,), "why the stream ended"
    ),
    "role_evidence": Column(
        words(*EVIDENCE[1:]), lambda s: (s.role_evidence,), "how the client is known"
    ),
    "complete": Column(
        FLAG, lambda s: (s.complete,), "start and end seen, no gap, no conflict"
    ),
}
_EXAMPLE = "server.port == 443 and gaps > 0"
# Columns of these kinds can be compared with each other.
_NUMBERS = (ID, COUNT, PORT, SIZE)


class Parser:
    """Takes an expression apart, by the binding power of what joins it."""

    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens = self._split()
        self._next = 0
        self._depth = 0

    def parse(self) -> Node:
        node = self._either()
        token = self._tokens[self._next]
        if token.kind != "end":
            self._fail(token, f"{token.text!r} after the end; join tests by and or or")
        return node

    def _split(self) -> list[Token]:
        text = self._expression
        if len(text) > MAX_LENGTH:
            reason = f"it goes on; a filter has {MAX_LENGTH} characters at most"
            raise WhereError(text, MAX_LENGTH, reason)
        end = len(text.rstrip())
        tokens = []
        position = 0
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                while text[position].isspace():
                    position += 1
                mark = text[position]
                reason = f"{mark!r} means nothing here"
                if mark in "'\"":
                    reason = f"the quotation that {mark} begins has no end"
                elif mark in "{}":
                    reason = f"{mark!r} means nothing here; lists stand in ( )"
                raise WhereError(text, position, reason)
            kind = str(match.lastgroup)
            word = match[kind]
            if kind == "word" and word.lower() in _KEYWORDS:
                kind, word = "symbol", word.lower()
            if kind == "symbol":
                word = _SPELLINGS.get(word, word)
            tokens.append(Token(kind, word, match.start(match.lastgroup or 0)))
            position = match.end()
        return [*tokens, Token("end", "the end", len(text))]

    def _fail(self, token: Token, reason: str) -> NoReturn:
        raise WhereError(self._expression, token.position, reason)

    def _take(self, *symbols: str) -> str:
        """Pass over a symbol if it is one of these, and return it, or nothing."""
        token = self._tokens[self._next]
        if token.kind == "symbol" and token.text in symbols:
            self._next += 1
            return token.text
        return ""

    def _either(self) -> Node:
        # A list and not a tree: a thousand tests in a row are no deep recursion.
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else any_of(parts)

    def _both(self) -> Node:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else all_of(parts)

    def _one(self) -> Node:
        token = self._tokens[self._next]
        symbol = self._take("not", "(")
        if not symbol:
            return self._test()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail(token, f"parentheses and not go {MAX_DEPTH} deep at most")
        if symbol == "not":
            node = negated(self._one())
        else:
            node = self._either()
            if not self._take(")"):
                self._fail(self._tokens[self._next], "')' is missing")
        self._depth -= 1
        return node

    def _test(self) -> Node:
        token = self._tokens[self._next]
        column = self._column()
        symbol = self._take("==", "!=", "<", "<=", ">", ">=")
        if symbol:
            if symbol not in ("==", "!=") and not column.kind.ordered:
                self._fail(
                    self._tokens[self._next - 1],
                    f"{token.text} has no less and no more; compare it by == or !=",
                )
            node = self._compared(token, column, "==" if symbol == "!=" else symbol)
            return negated(node) if symbol == "!=" else node
        contrary = self._take("not")
        if self._take("in"):
            node = self._listed(token, column)
            return negated(node) if contrary else node
        if contrary:
            self._fail(self._tokens[self._next], "in is missing after not")
        if column.kind in (ID, PORT, INSTANT, ADDRESS):
            self._fail(token, f"{token.text} says nothing alone; compare it")
        return node_of(column, lambda value, first_ns: bool(value))

    def _column(self) -> Column:
        token = self._tokens[self._next]
        if token.kind == "end" and token.position == 0:
            self._fail(token, f"there is no test; one is {_EXAMPLE}")
        if token.kind != "word":
            self._fail(token, f"a column is missing before {token.text}")
        column = COLUMNS.get(token.text)
        if column is None:
            close = get_close_matches(token.text[:40].lower(), COLUMNS, 3, 0.5)
            which = " or ".join(close) if close else ", ".join(COLUMNS)
            hint = f"did you mean {which}?" if close else f"there are {which}"
            self._fail(token, f"no column {token.text[:40]!r}; {hint}")
        self._next += 1
        return column

    def _compared(self, name: Token, column: Column, symbol: str) -> Node:
        token = self._tokens[self._next]
        other = COLUMNS.get(token.text) if token.kind == "word" else None
        # A word that the column knows is that word.
        if other is not None:
            alike = other.kind is column.kind
            if not alike and not {other.kind, column.kind} <= set(_NUMBERS):
                self._fail(token, f"{name.text} and {token.text} cannot be compared")
            self._next += 1
            return column_pair(column, other, symbol)
        value = self._value(name, column.kind)
        compare = _OPERATORS[symbol]
        if column.kind is INSTANT:
            return node_of(
                column,
                lambda ns, first_ns: compare(ns, since(value, first_ns)),
            )
        if symbol == "==":
            compare = column.kind.same
        return node_of(column, lambda found, first_ns: compare(found, value))

    def _listed(self, name: Token, column: Column) -> Node:
        tests = []
        if self._take("("):
            tests.append(self._item(name, column.kind))
            while self._take(","):
                tests.append(self._item(name, column.kind))
            if not self._take(")"):
                self._fail(self._tokens[self._next], "')' or ',' is missing in a list")
        else:
            tests.append(self._item(name, column.kind))
        return node_of(
            column,
            lambda value, first_ns: any(test(value, first_ns) for test in tests),
        )

    def _item(self, name: Token, kind: Kind) -> Judge:
        token = self._tokens[self._next]
        low, dots, high = token.text.partition("..")
        if not dots or token.kind != "word" or not kind.ordered:
            value = self._value(name, kind)
            if kind is INSTANT:
                return lambda ns, first_ns: bool(ns == since(value, first_ns))
            return lambda found, first_ns: kind.same(found, value)
        self._next += 1
        first = self._parsed(token, low, name, kind)
        last = self._parsed(token, high, name, kind)
        if kind is INSTANT:
            return lambda ns, first_ns: bool(
                since(first, first_ns) <= ns <= since(last, first_ns)
            )
        if first > last:
            self._fail(token, f"nothing is in {token.text}; the lower comes first")
        return lambda found, first_ns: bool(first <= found <= last)

    def _value(self, name: Token, kind: Kind) -> Any:
        token = self._tokens[self._next]
        if token.kind not in ("word", "quoted"):
            self._fail(token, f"{name.text} is {kind.noun}; that is missing here")
        self._next += 1
        quoted = token.kind == "quoted"
        return self._parsed(
            token, token.text[quoted : -1 if quoted else None], name, kind
        )

    def _parsed(self, token: Token, text: str, name: Token, kind: Kind) -> Any:
        try:
            return kind.parse(text)
        except RemedyError as error:
            hint = str(error)
        except (ValueError, LookupError, OverflowError):
            hint = f"{name.text} is {kind.noun}"
        self._fail(token, f"{text[:40]!r} is no value for {name.text}: {hint}")


def since(moment: Instant, first_ns: int) -> int:
    return moment.ns + first_ns if moment.relative else moment.ns


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
    compare = _OPERATORS[symbol]
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
