"""Compare with the running kernel: ``python -m tests.kernel --count N --seed S``.

It prints how many random conversations of each kind differ, and the smallest forms
of the first ones.
"""

import argparse
import itertools
import sys
import time
from collections import Counter

from tests.kernel.comparison import SUBJECTS, Difference, differences, smallest
from tests.kernel.device import Unavailable
from tests.kernel.generators import KINDS, Step, sequences

PLAIN = Step(0)


def main() -> int:
    """Return 0 if nothing differs, 1 if anything does, 2 if there is no device."""
    parser = argparse.ArgumentParser(prog="python -m tests.kernel")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--against", choices=SUBJECTS, default="preset")
    parser.add_argument("--show", type=int, default=3, help="of the differences")
    chosen = parser.parse_args()
    kinds = chosen.kinds.split(",")
    subject = SUBJECTS[chosen.against]
    began = time.monotonic()
    counts: Counter[str] = Counter()
    try:
        for found in differences(
            sequences(chosen.seed, chosen.count, kinds), subject, chosen.seed
        ):
            counts[found.sequence.kind] += 1
            if counts.total() <= chosen.show:
                show(smallest(found, subject))
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 2
    seconds = time.monotonic() - began
    print(f"{chosen.count} conversations in {seconds:.0f} s")
    for kind in kinds:
        print(f"  {kind}: {counts[kind]} differ")
    return 1 if counts else 0


def show(difference: Difference) -> None:
    """Print a difference, long payloads abbreviated."""
    sequence, kernel, other = difference
    print(f"{sequence.kind}, IPv{sequence.version}, timestamps {sequence.timestamps}")
    for step in sequence.steps:
        words = [f"{step.offset}: {runs(step.payload)}", f"flags {step.flags:#04x}"]
        for field in ("acked", "window", "urgent", "timestamp", "options", "cuts"):
            value = getattr(step, field)
            if value != getattr(PLAIN, field):
                words.append(f"{field} {value!r}")
        print("  " + ", ".join(words))
    print(f"  the kernel's program read {runs(kernel.data)} {kernel.end}")
    print(f"  and here it would read {runs(other.data)} {other.end}")


def runs(octets: bytes) -> str:
    """Return bytes with those that are repeated written once: ``a*1460 b*4``."""
    groups = itertools.groupby(octets.decode("latin-1"))
    return " ".join(f"{letter}*{len(list(same))}" for letter, same in groups)


if __name__ == "__main__":
    sys.exit(main())
