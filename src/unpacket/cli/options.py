"""What the commands have in common: their options, and how --help lists them."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from unpacket.cli.live import LiveOption
from unpacket.cli.policies import PolicyOption
from unpacket.cli.root import EXIT_CODES
from unpacket.cli.values import Filter, FrameFilter


class CapturePath(click.Path):
    """Completed as a file name, and opened by the library, which says what is wrong."""

    def __init__(self) -> None:
        super().__init__(allow_dash=True, readable=False)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        if value == "-" and sys.stdin is not None and sys.stdin.isatty():
            self.fail(
                "standard input is a terminal; give a capture by a pipe, such as "
                "`tcpdump -w - |`, or by `< FILE`"
            )
        return super().convert(value, param, ctx)


CAPTURE = CapturePath()

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


class Command(click.Command):
    """A command whose help has more: options of reassembly, exit codes, examples.

    Args:
        exit_codes: What each stands for; others are those of ``root.EXIT_CODES``.
    """

    def __init__(
        self, *args: Any, exit_codes: Mapping[int, str] | None = None, **attributes: Any
    ) -> None:
        super().__init__(*args, **attributes)
        self.exit_codes = EXIT_CODES | dict(exit_codes or {})

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return those of click, with the options that must be there."""
        first, *others = super().collect_usage_pieces(ctx)
        needed = [
            f"{parameter.opts[0]} {parameter.metavar}"
            for parameter in self.get_params(ctx)
            if isinstance(parameter, click.Option) and parameter.required
        ]
        return [first, *needed, *others]

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        sections: dict[str, list[tuple[str, str]]] = {
            "Options": [],
            "Interfaces": [],
            "Reassembly": [],
        }
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and not isinstance(parameter, click.Argument):
                section = "Options"
                if isinstance(parameter, PolicyOption):
                    section = "Reassembly"
                elif isinstance(parameter, LiveOption):
                    section = "Interfaces"
                sections[section].append(record)
        for name, records in sections.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Exit codes"):
            formatter.write_dl(
                [(str(code), meaning) for code, meaning in self.exit_codes.items()]
            )
        if self.epilog:
            with formatter.section("Examples"):
                for line in inspect.cleandoc(self.epilog).splitlines():
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")


def where_option(function: AnyFunction) -> AnyFunction:
    """Give a command the option that says which streams it is about."""
    return filter_option(Filter(), "port == 443 and gaps > 0")(function)


def filter_option(kind: Filter, example: str) -> Callable[[AnyFunction], AnyFunction]:
    """Return what gives a command ``--where``, with an example in its help."""
    decorate: Callable[[AnyFunction], AnyFunction] = click.option(
        "--where",
        type=kind,
        metavar="EXPR",
        help=f"Only streams for which this is true, such as {example!r}.",
    )
    return decorate


def merge_option(function: AnyFunction) -> AnyFunction:
    """Give a command the option that says how several captures become one."""
    decorated: AnyFunction = click.option(
        "--merge",
        is_flag=True,
        help="Merge the packets of captures that overlap in time, in the order of "
        "time.  [default: one after the other, in the order in which they begin]",
    )(function)
    return decorated


def keys_options(function: AnyFunction) -> AnyFunction:
    """Give a command the options about the keys of TLS."""
    for decorate in (
        click.option(
            "--decrypt",
            is_flag=True,
            help="Decrypt TLS with the secrets that the capture has itself.",
        ),
        click.option(
            "--keys",
            type=click.Path(dir_okay=False, readable=False),
            metavar="FILE",
            multiple=True,
            help="Decrypt TLS with the secrets of this key log (SSLKEYLOGFILE), and "
            "those that the capture has itself. It may grow meanwhile, and there may "
            "be several.",
        ),
    ):
        function = decorate(function)
    return function


def reading_options(function: AnyFunction) -> AnyFunction:
    """Give a command the options about its input and the terminal."""
    for decorate in (
        click.option(
            "-q", "--quiet", is_flag=True, help="No progress bar and no warnings."
        ),
        click.option(
            "--jobs",
            type=click.IntRange(min=1),
            metavar="N",
            help="How many processors to use: with 2 or more, one reads and decodes "
            "files while another does the rest.  [default: all]",
        ),
        click.option(
            "--progress/--no-progress",
            default=None,
            help="Draw a progress bar, if stderr is a terminal.  [default: unless "
            "stdout is a pipe]",
        ),
        click.option(
            "--color",
            type=click.Choice(("auto", "never", "always")),
            default="auto",
            show_default=True,
            help="Print colours; auto: on a terminal, unless NO_COLOR is set.",
        ),
        click.option(
            "--strict",
            is_flag=True,
            help="A damaged capture is an error (exit code 2), not a warning.",
        ),
        click.option(
            "--bpf",
            type=FrameFilter(),
            metavar="EXPR",
            help="Only frames that pass this filter in the language of tcpdump, such "
            "as 'tcp port 443 and host 10.0.0.1'.",
        ),
    ):
        function = decorate(function)
    return function
