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

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple, NoReturn

from unpacket.query.columns import COLUMNS, Column
from unpacket.query.nodes import (
    OPERATORS,
    Judge,
    Node,
    all_of,
    any_of,
    column_pair,
    negated,
    node_of,
)
from unpacket.query.values import (
    A_WORD,
    ADDRESS,
    ID,
    INSTANT,
    NUMBERS,
    PORT,
    Kind,
    RemedyError,
    since,
)
from unpacket.records.summary import Summary

# Far beyond what anybody writes by hand, and far below what Python's own stack takes.
MAX_LENGTH = 4096
MAX_DEPTH = 50

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<symbol>==|!=|<=|>=|&&|\|\||[<>=!(),])
      | (?P<quoted>"[^"]*"|'[^']*')
      | (?P<word>[A-Za-z0-9_.:/+%\[\]-]+)
    )""",
    re.VERBOSE,
)
_KEYWORDS = {"and", "or", "not", "in"}
_SPELLINGS = {"&&": "and", "||": "or", "!": "not", "=": "=="}
_EXAMPLE = "server.port == 443 and gaps > 0"


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


class Where:
    """A filter on streams, or on what else has columns.

    Args:
        columns: What can be asked, by name.

    Attributes:
        expression: As it was given.
        analysed: A column in it that only an analysis knows, or "".

    Raises:
        WhereError: It is not of the grammar.
    """

    __slots__ = ("_node", "analysed", "expression")

    def __init__(
        self, expression: str, columns: Mapping[str, Column] | None = None
    ) -> None:
        if not isinstance(expression, str):
            raise TypeError(
                f"a filter must be text, not {type(expression).__name__}: {expression}"
            )
        self.expression = expression
        parser = Parser(expression, COLUMNS if columns is None else columns)
        self._node = parser.parse()
        self.analysed = parser.analysed

    def matches(self, summary: Any, first_ns: int = 0) -> bool:
        """Return whether the ``Summary`` of a closed stream passes, or what it is of.

        Args:
            first_ns: When the first frame was captured: ``start`` and ``end`` may be
                compared with the time since then.
        """
        return self._node.judge(summary, first_ns)

    def early(self, stream: Any, first_ns: int = 0) -> bool | None:
        """Return what is certain already when a stream opens; None is: not yet.

        Its id, its ends and its start are known then, and nothing else.
        """
        return self._node.early(Summary(stream, None), first_ns)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.expression!r})"


def knows(kind: Kind, text: str) -> bool:
    """Return whether a text is one of the words that a column of words has."""
    if kind.noun != A_WORD:
        return False
    try:
        kind.parse(text)
    except RemedyError:
        return False
    return True


class Token(NamedTuple):
    """``kind`` is ``symbol``, ``word``, ``quoted`` or ``end``."""

    kind: str
    text: str
    position: int


class Parser:
    """Takes an expression apart, by the binding power of what joins it."""

    def __init__(
        self, expression: str, columns: Mapping[str, Column] = COLUMNS
    ) -> None:
        self._expression = expression
        self._columns = columns
        self._tokens = self._split()
        self._next = 0
        self._depth = 0
        self.analysed = ""

    def parse(self) -> Node:
        node = self._either()
        token = self._tokens[self._next]
        if token.kind != "end":
            self._fail(token, f"{token.text!r} after the end; join tests by and or or")
        return node

    def _split(self) -> list[Token]:
        text = self._expression
        if len(text) > MAX_LENGTH:
            reason = f"the filter is longer than {MAX_LENGTH} characters"
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
            self._fail(token, f"parentheses and not nest at most {MAX_DEPTH} deep")
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
                    f"{token.text} has no order; compare it with == or !=",
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
            self._fail(token, f"{token.text} needs a comparison, such as ==")
        return node_of(column, lambda value, first_ns: bool(value))

    def _column(self) -> Column:
        token = self._tokens[self._next]
        if token.kind == "end" and token.position == 0:
            example = _EXAMPLE if self._columns is COLUMNS else "complete"
            self._fail(token, f"there is no test; one is {example}")
        if token.kind != "word":
            self._fail(token, f"a column is missing before {token.text}")
        column = self._columns.get(token.text)
        if column is None:
            close = get_close_matches(token.text[:40].lower(), self._columns, 3, 0.6)
            which = " or ".join(close) if close else ", ".join(self._columns)
            hint = f"did you mean {which}?" if close else f"there are {which}"
            self._fail(token, f"no column {token.text[:40]!r}; {hint}")
        self._next += 1
        if column.analysed:
            self.analysed = token.text
        return column

    def _compared(self, name: Token, column: Column, symbol: str) -> Node:
        token = self._tokens[self._next]
        other = self._columns.get(token.text) if token.kind == "word" else None
        # A word that the column knows is that word.
        if other is not None and not knows(column.kind, token.text):
            alike = other.kind is column.kind
            if not alike and not {other.kind, column.kind} <= set(NUMBERS):
                self._fail(token, f"{name.text} and {token.text} cannot be compared")
            self._next += 1
            if other.analysed:
                self.analysed = token.text
            return column_pair(column, other, symbol)
        value = self._value(name, column.kind)
        compare = OPERATORS[symbol]
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
            self._fail(token, f"{token.text} is empty: the lower end comes first")
        return lambda found, first_ns: bool(first <= found <= last)

    def _value(self, name: Token, kind: Kind) -> Any:
        token = self._tokens[self._next]
        if token.kind not in ("word", "quoted"):
            self._fail(
                token,
                f"{name.text} needs {kind.noun}",
            )
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
        self._fail(token, f"{text[:40]!r} is not a value of {name.text}: {hint}")
