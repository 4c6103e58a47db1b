"""The command ``unpacket``: finds the subcommand, and turns failure into words."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from unpacket._version import __version__
from unpacket.errors import UnpacketError

NOTHING_FOUND = 1
ERROR = 2
INTERRUPTED = 130

# What the commands exit with, unless they say something else.
EXIT_CODES = {
    0: "something was found",
    NOTHING_FOUND: "nothing was found, or something is wrong with a capture",
    ERROR: "an error, told after what was found before it",
    INTERRUPTED: "ended by Ctrl-C (143: by SIGTERM), after what was found",
}

SHELLS = ("bash", "zsh", "fish")

# Each is the function of that name in the module of that name, imported when it is
# asked for: nothing waits for what it does not need.
COMMANDS = {
    "streams": "List the TCP streams of captures: who, how much, what is missing.",
    "follow": "Print both sides of a conversation, in the order in which they spoke.",
    "extract": "Write every stream of captures to files, in one pass.",
    "split": "Write a capture for each stream, with comments on what was found.",
    "check": "Say whether captures can be trusted: loss, conflicts, damage, clocks.",
    "compare": "Ask tshark and tcpflow for a second opinion, and explain differences.",
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
        return command

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
        from unpacket.cli.output import ClosedPipeError

        try:
            code = super().main(args, **options)
        except ClosedPipeError:
            return 0
        except UnpacketError as error:
            complain(error)
            return ERROR
        except click.ClickException as error:
            error.show()
            return ERROR
        except (click.Abort, KeyboardInterrupt):
            return INTERRUPTED
        except Exception:
            # Python itself would exit with 1, which here means that nothing was found.
            traceback.print_exc()
            click.echo("unpacket: this is a mistake in unpacket, not yours", err=True)
            return ERROR
        return code if isinstance(code, int) else 0


def complain(error: UnpacketError) -> None:
    """Print one line: what is wrong, where, and what helps."""
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    click.echo(f"unpacket: {error}{notes}", err=True)


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
