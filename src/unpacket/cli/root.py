"""The command ``unpacket``: finds the subcommand, and turns failure into words."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from signal import SIGINT
from typing import Any, NoReturn

import click

from unpacket._version import __version__
from unpacket.cli.docstrings import docstring_of
from unpacket.cli.signals import raised_signals
from unpacket.errors import SourceError, UnpacketError

NOTHING_FOUND = 1
ERROR = 2
INTERRUPTED = 130

# What the commands exit with, unless they say something else.
EXIT_CODES = {
    0: "something was found",
    NOTHING_FOUND: "nothing was found, or something is wrong with a capture",
    ERROR: "an error, reported after what was found before it",
    INTERRUPTED: "ended by Ctrl-C (143: by SIGTERM), after what was found",
}

SHELLS = ("bash", "zsh", "fish")

# Each is the function of that name in the module of that name, imported when it is
# asked for: nothing waits for what it does not need.
COMMANDS = {
    "streams": "List the TCP streams of captures: ends, sizes, what is missing.",
    "follow": "Print both sides of a conversation, in the order of their data.",
    "extract": "Write every stream of captures to files, in one pass.",
    "split": "Write a capture for each stream, with comments on what was found.",
    "http": "List HTTP requests with their responses, also on lossy captures.",
    "objects": "Write every body that HTTP transferred to a file.",
    "messages": "List the messages in streams: HTTP, TLS, DNS, WebSocket, lines.",
    "grep": "Print where bytes occur in streams, across segments.",
    "analyze": "Find out why connections are slow: loss, windows, programs, the way.",
    "plot": "Draw a connection: sequence numbers, throughput, round trips, windows.",
    "check": "Check whether captures can be trusted: loss, conflicts, damage, clocks.",
    "interfaces": "List the interfaces that packets can be captured on.",
    "gateway": "Inspect the streams that go from one TUN device to another.",
    "queue": "Inspect the streams that this host forwards, with the netfilter queue.",
    "compare": "Compare with tshark and tcpflow, and explain the differences.",
}


class Root(click.Group):
    """Knows the commands by name, and what each kind of failure exits with."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"unpacket.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        if command.help is None:
            command.help = docstring_of(command.callback)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not ctx.resilient_parsing:
            ctx.fail(f"no such command: {name!r}{remedy(name)}")
        return super().resolve_command(ctx, args)

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), text) for code, text in EXIT_CODES.items()])

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, **options: Any
    ) -> NoReturn:
        """Run a command and exit with its code."""
        sys.exit(self.exit_code(args, options | {"standalone_mode": False}))

    def exit_code(self, args: Sequence[str] | None, options: dict[str, Any]) -> int:
        from unpacket.cli.hints import with_hint
        from unpacket.cli.output import STANDARD_OUTPUT, ClosedPipeError

        printed_to = sys.stdout
        try:
            with raised_signals():
                code = super().main(args, **options)
        except SystemExit as error:
            # click puts another file there if nobody reads the help that it prints.
            return 0 if sys.stdout is not printed_to else exit_code_of(error)
        except ClosedPipeError:
            return 0
        except UnpacketError as error:
            complain(error)
            return ERROR
        except click.ClickException as error:
            with_hint(error).show()
            return ERROR
        except (click.Abort, KeyboardInterrupt) as error:
            # click puts Abort in the place of what was raised.
            raised = error.__cause__ or error
            return 128 + getattr(raised, "number", SIGINT)
        except OSError as error:
            if not raised_in(error).startswith("click."):
                return own_mistake()
            # click prints help and the like.
            reason = (error.strerror or str(error)).lower()
            complain(SourceError(STANDARD_OUTPUT, reason))
            return ERROR
        except Exception:
            return own_mistake()
        return code if isinstance(code, int) else 0


def own_mistake() -> int:
    """Report the exception at hand, which is not the fault of the user."""
    # Python itself would exit with 1, which here means that nothing was found.
    traceback.print_exc()
    click.echo("unpacket: this is a bug in unpacket, not your mistake", err=True)
    return ERROR


def raised_in(error: Exception) -> str:
    """Return the name of the module whose statement raised."""
    name = ""
    trace = error.__traceback__
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
    return name


def exit_code_of(error: SystemExit) -> int:
    return error.code if isinstance(error.code, int) else 0


def remedy(name: str) -> str:
    """Return what somebody may have meant who typed this for a command."""
    from difflib import get_close_matches

    if name == "help":
        return "; try `unpacket --help`, or `unpacket streams --help`"
    close = get_close_matches(name[:40].lower(), COMMANDS, 3, 0.5)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    if os.path.exists(name):
        return f"; did you mean `unpacket streams {name}`?"
    return ""


def complain(error: UnpacketError) -> None:
    """Print one line: what is wrong, where, and what helps."""
    from unpacket.cli.output import shown

    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    click.echo(f"unpacket: {shown(f'{error}{notes}')}", err=True)


def print_completion(
    context: click.Context, parameter: click.Parameter, shell: str | None
) -> None:
    """Print what a shell is to read, and end."""
    if shell is None or context.resilient_parsing:
        return
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(cli, {}, "unpacket", "_UNPACKET_COMPLETE").source()
    # click's for fish ends a help text, and a list that is being typed, at its comma.
    click.echo(script.replace('(string split "," ', '(string split --max 1 "," '))
    context.exit()


@click.command(
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88},
    no_args_is_help=True,
)
@click.version_option(__version__, message="unpacket %(version)s")
@click.option(
    "--completion",
    type=click.Choice(SHELLS),
    is_eager=True,
    expose_value=False,
    callback=print_completion,
    help="Print the completion of commands and options for a shell, such as: "
    'eval "$(unpacket --completion bash)".',
)
def cli() -> None:
    """Turn captured packets back into the TCP streams that they carried."""
