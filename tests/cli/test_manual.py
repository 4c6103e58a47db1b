"""docs/cli.md and --help: each command and option is in both, with its help."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from unpacket.cli import cli
from unpacket.compare.comparison import RULES
from unpacket.query.parser import Where

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "cli.md"
AGAIN = "run `python docs/write_cli.py`"


def commands() -> Iterator[tuple[click.Command, click.Context]]:
    with click.Context(cli, info_name="unpacket", **cli.context_settings) as above:
        for name in cli.list_commands(above):
            command = cli.get_command(above, name)
            assert command is not None
            with click.Context(command, info_name=name, parent=above) as context:
                yield command, context


def options() -> Iterator[tuple[str, click.Option]]:
    for command, context in commands():
        for parameter in command.get_params(context):
            if isinstance(parameter, click.Option):
                yield str(command.name), parameter


def words(text: str) -> str:
    return " ".join(text.split())


def test_every_command_says_what_it_does() -> None:
    for command, context in commands():
        assert command.help, f"{command.name} has no help"
        assert words(command.help) in words(PAGE.read_text("utf-8")), AGAIN
        with click.Context(cli) as above:
            assert str(command.name) in cli.get_help(above)
        assert re.search(r"^Examples:$", command.get_help(context), re.MULTILINE)


def test_every_command_says_what_it_exits_with() -> None:
    for command, context in commands():
        section = PAGE.read_text("utf-8").split(f"## `unpacket {command.name}`\n")[1]
        section = section.split("### Exit codes\n")[1].split("\n#")[0]
        told = re.findall(r"^- (\d+): (.+)$", section, re.MULTILINE)
        assert [code for code, _ in told] == ["0", "1", "2", "130"], AGAIN
        shown = command.get_help(context).split("Exit codes:\n")[1]
        for code, meaning in told:
            assert words(f"{code} {meaning}") in words(shown), AGAIN


@pytest.mark.parametrize("command, option", list(options()))
def test_every_option_says_what_it_does(command: str, option: click.Option) -> None:
    assert not option.hidden
    assert option.help, f"{command} {option.opts[-1]} has no help"
    # A sentence, with the default behind it.
    assert re.search(r"\.(  \[default: [^]]+\])?$", option.help)
    section = PAGE.read_text("utf-8").split(f"## `unpacket {command}`\n")[1]
    section = section.split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("- `")]
    for name in (*option.opts, *option.secondary_opts):
        named = re.compile(rf"[` ]{name}[ ,`]")
        told = [line for line in lines if named.search(line.partition(": ")[0])]
        assert len(told) == 1, f"{name}: {AGAIN}"
        assert words(option.help) in told[0], AGAIN


def test_the_page_is_what_the_script_writes(tmp_path: Path) -> None:
    script = tmp_path / "write_cli.py"
    script.write_bytes((ROOT / "docs" / "write_cli.py").read_bytes())
    (tmp_path / "cli.md").write_bytes(PAGE.read_bytes())
    subprocess.run([sys.executable, str(script)], check=True, timeout=60)
    assert (tmp_path / "cli.md").read_text("utf-8") == PAGE.read_text("utf-8"), AGAIN


def test_the_page_has_filters_that_are_some() -> None:
    section = PAGE.read_text("utf-8").split("## Choosing streams\n")[1]
    section = section.split("\n## ")[0]
    examples = re.findall("^    (.+)$", section, re.MULTILINE)
    assert len(examples) == 4
    for example in examples:
        Where(example)


def test_the_page_has_every_rule_of_compare() -> None:
    rows = re.findall(r"^- `([a-z_]+)`: (.+)\.$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert set(RULES.items()) <= set(rows)
