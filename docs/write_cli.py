"""Writes docs/cli.md out of the commands themselves: `python docs/write_cli.py`."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from unpacket.cli import cli
from unpacket.cli.policies import PolicyOption

PAGE = Path(__file__).with_name("cli.md")
OPENING = """\
# The command

Standard output is data, stderr is words. Exit codes: 0 something was found, 1 nothing
was, 2 an error, 130 ended by Ctrl-C. `unpacket --version` prints the version.

This page is made from `--help` by `python docs/write_cli.py`.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text("\n".join([OPENING, *sections()]), encoding="utf-8")


def sections() -> Iterator[str]:
    """Give a section for each command."""
    with click.Context(cli, info_name="unpacket", **cli.context_settings) as above:
        for name in cli.list_commands(above):
            command = cli.get_command(above, name)
            if command is not None:
                with click.Context(command, info_name=name, parent=above) as context:
                    yield section(command, context)


def section(command: click.Command, context: click.Context) -> str:
    """Return what the page says of a command."""
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"## `{context.command_path}`", f"```\n{usage}\n```"]
    parts.append(inspect.cleandoc(command.help or ""))
    lists: dict[str, list[str]] = {"Options": [], "Reassembly": []}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and not isinstance(parameter, click.Argument):
            special = isinstance(parameter, PolicyOption)
            lists["Reassembly" if special else "Options"].append(item(*record))
    parts += [f"### {title}\n\n" + "\n".join(items) for title, items in lists.items()]
    examples = inspect.cleandoc(command.epilog or "")
    parts.append(f"### Examples\n\n```sh\n{examples}\n```\n")
    return "\n\n".join(parts)


def item(option: str, text: str) -> str:
    """Return the line of an option."""
    return f"- `{option}`: {' '.join(text.split())}"


if __name__ == "__main__":
    main()
