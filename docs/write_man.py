"""Writes the manual pages out of the commands: `python docs/write_man.py [DIR]`.

In man(7), which every formatter knows. Everything comes from where --help has it.
"""

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
from write_cli import commands, listed

from unpacket._version import __version__
from unpacket.cli import cli
from unpacket.cli.root import COMMANDS, EXIT_CODES

FOLDER = Path(__file__).with_name("man")

ENVIRONMENT = {
    "PAGER": "What `unpacket follow` prints through on a terminal; a line for the "
    "shell. `less -R` if it is not set, nothing if it is empty or cat.",
    "LESS": "Options of less; FRX if it is not set.",
    "NO_COLOR": "No colours, if it is set and not empty.",
    "TERM": "dumb stands for a terminal without colours, pager and progress bar.",
    "TMPDIR": "Where temporary files are made.",
}


def main(folder: Path) -> None:
    """Write a page for `unpacket` and for each command."""
    # All of them, before anything is taken away.
    written = list(pages())
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.1"):
        old.unlink()
    for name, lines in written:
        text = "\n".join(lines) + "\n"
        (folder / f"{name}.1").write_text(text, encoding="utf-8")


def pages() -> Iterator[tuple[str, list[str]]]:
    """Give the name of each page and its lines."""
    with click.Context(cli, info_name="unpacket", **cli.context_settings) as context:
        names = [f"unpacket-{name}" for name in COMMANDS]
        lines = [*page(cli, context, "unpacket"), ".SH COMMANDS"]
        for name, meaning in COMMANDS.items():
            lines += [".TP", rf"\fB{roff(f'unpacket-{name}')}\fR(1)", prose(meaning)]
        yield "unpacket", lines + ending(EXIT_CODES, ENVIRONMENT, names)
    for command, context in commands():
        name = f"unpacket-{command.name}"
        lines = page(command, context, name)
        if command.epilog:
            examples = inspect.cleandoc(command.epilog).splitlines()
            lines += [".SH EXAMPLES", ".nf", *map(literal, examples), ".fi"]
        yield name, lines + ending(command.exit_codes, {}, ["unpacket"])


def page(command: click.Command, context: click.Context, name: str) -> list[str]:
    """Return the lines of a page down to its options."""
    help_text = inspect.cleandoc(command.help or "")
    summary, *_ = help_text.split("\n\n")
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [
        '.\\" Written by `python docs/write_man.py`.',
        f'.TH {roff(name.upper())} 1 "" "unpacket {__version__}" "User Commands"',
        ".SH NAME",
        rf"{roff(name)} \- {roff(' '.join(summary.split())).rstrip('.')}",
        ".SH SYNOPSIS",
        rf"\fB{roff(context.command_path)}\fR {roff(usage)}",
        ".SH DESCRIPTION",
    ]
    for number, paragraph in enumerate(help_text.split("\n\n")):
        lines += [".PP"] * (number > 0) + [prose(paragraph)]
    for title, records in listed(command, context).items():
        if records:
            lines.append(f".SH {title.upper()}")
        for option, text in records:
            lines += [".TP", styled(option), prose(text)]
    return lines


def ending(
    codes: Mapping[int, str], variables: Mapping[str, str], others: list[str]
) -> list[str]:
    """Return the last sections of a page."""
    lines = [".SH EXIT STATUS"]
    for code, meaning in codes.items():
        lines += [".TP", rf"\fB{code}\fR", prose(meaning)]
    if variables:
        lines.append(".SH ENVIRONMENT")
    for name, meaning in variables.items():
        lines += [".TP", rf"\fB{name}\fR", prose(meaning)]
    seen = [rf"\fB{roff(name)}\fR(1)" for name in others]
    return [*lines, ".SH SEE ALSO", ", ".join(seen)]


# What a formatter would take for something else, or print as another character.
CHARACTERS = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "^": r"\(ha", "~": r"\(ti"}


def roff(text: str) -> str:
    """Return text that a formatter prints as it is, but for backquotes."""
    return "".join(CHARACTERS.get(character, character) for character in text)


def literal(line: str) -> str:
    """Return a line that is no request whatever it begins with."""
    return r"\&" + roff(line).replace("`", r"\(ga")


def prose(text: str) -> str:
    """Return the lines of a paragraph, in bold what stands in backquotes."""
    line = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", roff(" ".join(text.split())))
    lines = textwrap.wrap(line, 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join(r"\&" + one if one.startswith(".") else one for one in lines)


def styled(option: str) -> str:
    """Return the names of an option in bold, what it takes in italics."""
    parts = re.split(r"( / |, | )", option)
    return "".join(
        rf"\fB{roff(part)}\fR"
        if part.startswith("-")
        else rf"\fI{roff(part)}\fR"
        if part.strip(" ,/")
        else roff(part)
        for part in parts
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
