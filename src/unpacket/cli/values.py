"""Sizes and times as people write them: 4MiB, 20ms, none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from unpacket._decode_as import udp_ports
from unpacket.query.units import BYTES, NANOSECONDS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from unpacket.query.columns import Column
    from unpacket.query.parser import Where, WhereError
    from unpacket.sources.bpf.filter import Bpf

    ParamType = click.ParamType[Any]
else:
    # Generic only in the newest versions.
    ParamType = click.ParamType

_SECONDS = {unit: ns / 1e9 for unit, ns in NANOSECONDS.items()}
_NUMBER_AND_UNIT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zµ]*)")


class Quantity(ParamType):
    """A number with a unit behind it, or "none" where there need be no bound."""

    units: dict[str, Any]
    examples: str

    def __init__(self, *, optional: bool) -> None:
        self.optional = optional

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        if not isinstance(value, str):
            return value
        text = value.strip().lower()
        if self.optional and text == "none":
            return NO_BOUND
        match = _NUMBER_AND_UNIT.fullmatch(text)
        if match is None or match[2] not in self.units:
            also = " or none" if self.optional else ""
            self.fail(f"{value!r} is not a {self.name}, such as {self.examples}{also}")
        try:
            return self.scaled(match[1], self.units[match[2]])
        except (ValueError, OverflowError):
            # Python reads numbers of up to 4300 digits, and floats up to 1e308.
            self.fail(f"{value[:20]}... is too large a number")

    def scaled(self, number: str, unit: Any) -> Any:
        return float(number) * float(unit)


class Duration(Quantity):
    """A time in seconds, as a float."""

    name = "time"
    units = _SECONDS
    examples = "20ms, 1.5s, 300 or 5m"


class Size(Quantity):
    """A number of bytes."""

    name = "size"
    units = BYTES
    examples = "4096, 64KiB or 4MiB"

    def scaled(self, number: str, unit: int) -> int:
        return int(number) * unit if number.isdigit() else round(float(number) * unit)


class Count(Quantity):
    """A number of things."""

    name = "count"
    units = {"": 1}  # noqa: RUF012
    examples = "512"

    def scaled(self, number: str, unit: int) -> int:
        if not number.isdigit():
            self.fail(f"{number} is not a whole number")
        return int(number)


class Expression(ParamType):
    """A text that means something, or is refused with the reason why not."""

    name = "filter"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self.read(value)
        except ValueError as error:
            self.fail(str(error))

    def read(self, text: str) -> Any:
        """Return what the text means.

        Raises:
            ValueError: Nothing; its message says why.
        """
        raise NotImplementedError


_LAST_WORD = re.compile(r"[A-Za-z_][\w.]*$")


class Filter(Expression):
    """A filter on streams.

    Args:
        analysed: Whether the command analyses them, and knows more columns.
    """

    def __init__(self, *, analysed: bool = False) -> None:
        self._analysed = analysed

    def columns(self) -> Mapping[str, Column]:
        """Return what can be asked, by name."""
        from unpacket.query.columns import COLUMNS

        return COLUMNS

    def read(self, text: str) -> Where:
        from unpacket.query.parser import Where, WhereError

        try:
            where = Where(text, self.columns())
        except WhereError as error:
            raise ValueError(f"{error}\n{pointed(error)}") from error
        if where.analysed and not self._analysed:
            raise ValueError(f"{where.analysed} is known to `unpacket analyze` alone")
        return where

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the columns that the last word of an expression may become."""
        from click.shell_completion import CompletionItem

        word = _LAST_WORD.search(incomplete)
        begun = "" if word is None else word[0]
        before = incomplete[: len(incomplete) - len(begun)]
        if before and before[-1] not in " (":
            return []
        return [
            CompletionItem(before + name)
            for name, column in self.columns().items()
            if name.startswith(begun) and (self._analysed or not column.analysed)
        ]


class MessageFilter(Filter):
    """A filter on messages."""

    def columns(self) -> Mapping[str, Column]:
        from unpacket.messages.columns import MESSAGES

        return MESSAGES


class ExchangeFilter(Filter):
    """A filter on exchanges."""

    def columns(self) -> Mapping[str, Column]:
        from unpacket.messages.columns import EXCHANGES

        return EXCHANGES


class FrameFilter(Expression):
    """A filter on frames."""

    def read(self, text: str) -> Bpf:
        from unpacket.sources.bpf.filter import Bpf

        return Bpf(text)


class DecodeAs(Expression):
    """A rule that names what a port carries."""

    name = "rule"

    def read(self, text: str) -> str:
        udp_ports([text])
        return text


class SortFields(ParamType):
    """Columns, in the order of which streams are wanted."""

    name = "fields"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        from unpacket.query.order import Order

        try:
            Order(value)
        except ValueError as error:
            self.fail(str(error))
        return value

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from unpacket.query.columns import COLUMNS

        before, comma, last = incomplete.rpartition(",")
        begun = before + comma + ("-" if last.startswith("-") else "")
        names = [begun + name for name in COLUMNS]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def pointed(error: WhereError) -> str:
    """Return the expression with a mark under the trouble, as far as lines go."""
    start = max(0, error.position - 30)
    shown = error.expression[start : start + 60]
    if not shown.isprintable():
        return ""
    return f"  {shown}\n  {' ' * (error.position - start)}^"


class _NoBound:
    """What "none" was read as: click takes None for an option that is not there."""


NO_BOUND = _NoBound()


def written_size(size: int) -> str:
    """Return bytes in the largest unit that leaves a whole number."""
    for unit, letters in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size and size % unit == 0:
            return f"{size // unit}{letters}"
    return str(size)


def written_duration(seconds: float) -> str:
    """Return a time in the largest unit that leaves a whole number."""
    for unit, letter in ((3600, "h"), (60, "m"), (1, "s")):
        if seconds and seconds % unit == 0:
            return f"{seconds / unit:.0f}{letter}"
    return f"{seconds * 1000:g}ms" if seconds else "0"
