"""The command: ``python -m examples.record CAPTURE``.

Exit code 0 is a recording, 2 none, and 69 (EX_UNAVAILABLE) none on this machine.
"""

import argparse
import os
import secrets
import signal
import sys
from pathlib import Path

from .errors import RecordingError, UnavailableError
from .programs import PROGRAMS
from .recording import Plan, record
from .wire import Impairment

_WIRES = {
    # So short that what is sent at once grows to 64 KiB, where it may.
    "clean": Impairment(latency_s=0.0005),
    "lossy": Impairment(
        lost_before_capture=0.02,
        lost_after_capture=0.02,
        duplicated=0.02,
        delayed=0.06,
    ),
    "bad": Impairment(
        lost_before_capture=0.02,
        lost_after_capture=0.02,
        not_captured=0.03,
        duplicated=0.02,
        delayed=0.06,
    ),
}


def main() -> int:
    """Record, print one line about it, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.record",
        description="Record real programs over a wire that misbehaves, with the truth.",
    )
    parser.add_argument(
        "capture",
        type=Path,
        help="the pcapng file to write (.gz: packed); the truth goes into a"
        " directory of that name without its suffixes",
    )
    parser.add_argument(
        "--program", choices=PROGRAMS, default="python", help="(python)"
    )
    parser.add_argument("--seed", type=int, help="of the dice (a fresh one)")
    parser.add_argument(
        "--wire",
        choices=_WIRES,
        default="bad",
        help="clean: it does nothing but carry; lossy: it loses, repeats and delays;"
        " bad: the capture leaves frames out too (bad)",
    )
    parser.add_argument(
        "--at",
        choices=("client", "middle", "server"),
        action="append",
        help="where to capture; several make several files (middle)",
    )
    parser.add_argument(
        "--family", choices=("4", "6", "both"), default="both", help="of IP (both)"
    )
    parser.add_argument(
        "--offload",
        choices=("none", "veth", "nic"),
        default="none",
        help="segments of 64 KiB without checksums, all the way (veth) or until"
        " they have left the sender (nic) (none)",
    )
    parser.add_argument(
        "--witness",
        choices=("client", "server"),
        default="server",
        help="the end at which a relay notes every byte (server)",
    )
    parser.add_argument(
        "--limit", type=float, default=60.0, metavar="SECONDS", help="give up (60)"
    )
    options = parser.parse_args()
    # Without this a termination would skip the clean-up.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    seed = secrets.randbits(32) if options.seed is None else options.seed
    plan = Plan(
        PROGRAMS[options.program],
        seed,
        _WIRES[options.wire],
        (4, 6) if options.family == "both" else (int(options.family),),
        tuple(dict.fromkeys(options.at or ["middle"])),
        options.witness,
        options.offload,
        options.limit,
    )
    try:
        truth = record(plan, options.capture)
    except UnavailableError as error:
        parser.exit(os.EX_UNAVAILABLE, f"{parser.prog}: {error}\n")
    except (RecordingError, OSError) as error:
        parser.exit(2, f"{parser.prog}: seed {seed}: {error}\n")
    frames = ", ".join(
        f"{facts['frames']} at the {point}"
        for point, facts in truth["captures"].items()
    )
    mishaps = ", ".join(f"{n} {what}" for what, n in truth["mishaps"].items())
    print(f"seed {seed}: {len(truth['streams'])} streams; frames: {frames}; {mishaps}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
