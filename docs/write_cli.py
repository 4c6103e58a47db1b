"""Writes the lists of docs/cli.md out of the commands: `python docs/write_cli.py`."""

import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from unpacket.cli import cli
from unpacket.cli.live import LiveOption
from unpacket.cli.policies import PolicyOption
from unpacket.messages.columns import EXCHANGES, MESSAGES
from unpacket.records.analysis_facts import ANALYSIS_FACTS
from unpacket.records.fact import Fact
from unpacket.records.facts import FACTS

PAGE = Path(__file__).with_name("cli.md")
MARK = "<!-- What follows is written by `python docs/write_cli.py`. -->\n"
FACTS_HEADING = """\
## What is known of a stream

Every fact has one name everywhere. One that each side has, such as `bytes`, has these
names:

- `client.bytes` and `server.bytes` for `--where` and `--sort`;
- `{"client": {"bytes": …}, "server": {"bytes": …}}` in JSON;
- `client_bytes` and `server_bytes` in CSV.

In JSON and CSV a time such as `start` is text, and `start_ns` is the same in
nanoseconds since 1970. A duration is `duration_ns`. Words and lists are text, joined
by spaces.
"""
ANALYSIS_HEADING = """\
## What an analysis knows besides

`unpacket analyze` and `unpacket.analysis.analyses` know more of a stream, by names of
the same kind. What a stream has nothing of, such as a round-trip time where nothing was
acknowledged, is left out of JSON, and no test holds for it.
"""

COLUMNS_HEADING = """\
## What can be asked of {}

`--where` of {} has these columns. The grammar is that of filters on streams.
"""


def main() -> None:
    """Write what follows the mark anew."""
    written_by_hand = PAGE.read_text("utf-8").partition(MARK)[0]
    tables = [
        table(FACTS_HEADING, FACTS),
        table(ANALYSIS_HEADING, ANALYSIS_FACTS),
    ]
    page = "\n".join([written_by_hand + MARK, *tables, *columns(), *sections()])
    PAGE.write_text(page, encoding="utf-8")


def table(heading: str, facts: Iterable[Fact]) -> str:
    """Return a section on what is known of a stream."""
    rows = [
        f"- `{fact.name}` ({fact.kind.value}{', each side' * fact.each_side}): "
        f"{fact.help}"
        for fact in facts
    ]
    return "\n".join([heading, *rows, ""])


def columns() -> Iterator[str]:
    """Give the sections on what is known of exchanges and messages."""
    for what, where, known in (
        ("an exchange", "`unpacket http` and `unpacket objects`", EXCHANGES),
        ("a message", "`unpacket messages`", MESSAGES),
    ):
        rows = [
            f"- `{name}` ({column.kind.noun.partition(', such as ')[0]}): {column.help}"
            for name, column in known.items()
        ]
        yield "\n".join([COLUMNS_HEADING.format(what, where), *rows, ""])


def sections() -> Iterator[str]:
    """Give a section for each command."""
    for command, context in commands():
        yield section(command, context)


def commands() -> Iterator[tuple[click.Command, click.Context]]:
    """Give each command with a context."""
    with click.Context(cli, info_name="unpacket", **cli.context_settings) as above:
        for name in cli.list_commands(above):
            command = cli.get_command(above, name)
            if command is not None:
                with click.Context(command, info_name=name, parent=above) as context:
                    yield command, context


def listed(
    command: click.Command, context: click.Context
) -> dict[str, list[tuple[str, str]]]:
    """Return the options of a command with their help, below titles."""
    lists: dict[str, list[tuple[str, str]]] = {
        "Options": [],
        "Interfaces": [],
        "Reassembly": [],
    }
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and not isinstance(parameter, click.Argument):
            title = "Options"
            if isinstance(parameter, PolicyOption):
                title = "Reassembly"
            elif isinstance(parameter, LiveOption):
                title = "Interfaces"
            lists[title].append(record)
    return {title: records for title, records in lists.items() if records}


def section(command: click.Command, context: click.Context) -> str:
    """Return what the page says of a command."""
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"## `{context.command_path}`", f"```\n{usage}\n```"]
    parts.append(inspect.cleandoc(command.help or ""))
    for title, records in listed(command, context).items():
        items = [item(*record) for record in records]
        parts.append(f"### {title}\n\n" + "\n".join(items))
    codes = getattr(command, "exit_codes", {})
    meanings = [f"- {code}: {meaning}" for code, meaning in codes.items()]
    parts.append("### Exit codes\n\n" + "\n".join(meanings))
    examples = inspect.cleandoc(command.epilog or "")
    parts.append(f"### Examples\n\n```sh\n{examples}\n```\n")
    return "\n\n".join(parts)


def item(option: str, text: str) -> str:
    """Return the line of an option."""
    return f"- `{option}`: {' '.join(text.split())}"


if __name__ == "__main__":
    main()
