"""The command: ``python -m examples.record CAPTURE``.

Exit code 0 is a recording, 2 none, and 69 (EX_UNAVAILABLE) none on this machine.
"""

import argparse
import os
import secrets
import signal
import sys
from pathlib import Path

from .namespace import why_not
from .recording import RecordingError, record
from .wire import Impairment

_BAD_WIRE = Impairment(
    lost_before_capture=0.02,
    lost_after_capture=0.02,
    not_captured=0.03,
    duplicated=0.02,
    delayed=0.06,
)


def main() -> int:
    """Record, print one line about it, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.record",
        description="Record HTTP over a wire that misbehaves, with its truth.",
    )
    parser.add_argument("capture", type=Path, help="the pcapng file to write")
    parser.add_argument(
        "--truth", type=Path, help="directory for the truth (CAPTURE without suffix)"
    )
    parser.add_argument("--seed", type=int, help="of the dice (a fresh one)")
    parser.add_argument(
        "--clean", action="store_true", help="a wire that does nothing but carry"
    )
    parser.add_argument(
        "--limit", type=float, default=60.0, metavar="SECONDS", help="give up (60)"
    )
    options = parser.parse_args()
    if reason := why_not():
        parser.exit(os.EX_UNAVAILABLE, f"{parser.prog}: {reason}\n")
    # Without this a termination would skip the clean-up.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    seed = secrets.randbits(32) if options.seed is None else options.seed
    impairment = Impairment() if options.clean else _BAD_WIRE
    truth = options.truth or options.capture.with_suffix("")
    try:
        facts = record(options.capture, truth, seed, impairment, options.limit)
    except (RecordingError, OSError) as error:
        parser.exit(2, f"{parser.prog}: seed {seed}: {error}\n")
    frames = ", ".join(f"{count} {what}" for what, count in facts["frames"].items())
    print(f"seed {seed}: {len(facts['streams'])} streams; frames: {frames}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
