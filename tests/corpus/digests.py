"""Prints a digest of all events of each capture named, so that two cores can be
compared: ``python -m tests.corpus.digests [--pure] CAPTURE...``.
"""

import hashlib
import sys

from tests.conftest import SourceOnly


def main(arguments: list[str]) -> None:
    pure = arguments[:1] == ["--pure"]
    if pure:
        sys.meta_path.insert(0, SourceOnly())
    # The core that is to be used has to be settled before anything imports it.
    from tests.captured import read
    from unpacket._core.reassembly import delivery as half
    from unpacket._core.reassembly.events import facts

    assert (half.__file__ or "").endswith(".py") is pure, half.__file__
    for path in arguments[pure:]:
        digest = hashlib.sha256()
        for event in read(path).events:
            digest.update(repr(facts(event)).encode())
        sys.stdout.write(f"{digest.hexdigest()} {path}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
