"""The options of commands that write files into a directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from unpacket.cli.values import ParamType
from unpacket.errors import SinkError
from unpacket.sinks.extracted import NOT_EMPTY
from unpacket.sinks.names import Template

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])

DIRECTORY = click.Path(file_okay=False)


class TemplateText(ParamType):
    """How files are named."""

    name = "template"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        try:
            Template(value)
        except ValueError as error:
            self.fail(str(error))
        return value


def name_option(default: str) -> Callable[[AnyFunction], AnyFunction]:
    """Give a command --name."""
    return click.option(
        "--name",
        type=TemplateText(),
        default=default,
        show_default=True,
        help="The names of the files: text with fields in braces, see `Names` in "
        "docs/cli.md.",
    )


def force_option(function: AnyFunction) -> AnyFunction:
    """Give a command --force."""
    decorated: AnyFunction = click.option(
        "--force",
        is_flag=True,
        help="Allow a DIR that is not empty; files of the same names are replaced.",
    )(function)
    return decorated


@contextmanager
def force_offered(force: bool) -> Iterator[None]:
    """Say what helps against a directory that is not empty."""
    try:
        yield
    except SinkError as error:
        if not force and error.reason == NOT_EMPTY:
            error.add_note("--force writes into it anyway")
        raise
