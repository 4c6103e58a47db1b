"""The program ``unpacket``, apart from the package, whose import takes its time.

A Ctrl-C meanwhile ends it as one does later, without a traceback.
"""

import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command that ``sys.argv`` names, and exit."""
    try:
        from unpacket.cli import main as run
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    run()
