"""The command line: parses, calls the library, prints.

One file a command. Standard output is data, stderr is words. Exit codes: 0 something
was found, 1 nothing was, 2 an error, 130 ended by Ctrl-C.
"""

from unpacket.cli.root import cli

__all__ = ["cli", "main"]


def main() -> None:
    """Run the command that ``sys.argv`` names, and exit."""
    cli(prog_name="unpacket")
