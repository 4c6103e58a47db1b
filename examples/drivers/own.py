"""Says what we make of a capture by another preset, as `compare --tool` wants it.

    unpacket compare capture.pcap --tool 'own=python examples/drivers/own.py libtins'

It is the shortest driver that there is, to begin another one with.
"""

import json
import sys
from collections import defaultdict
from typing import Any

import unpacket


def main(capture: str, preset: str = "default") -> None:
    policy = unpacket.Policy.preset(preset)
    for stream in unpacket.streams(capture, policy=policy):
        runs: dict[unpacket.Direction, list[dict[str, Any]]] = defaultdict(list)
        for part in stream.conversation():
            if isinstance(part, unpacket.Gap):
                runs[part.direction].append({"gap": part.length})
            else:
                runs[part.direction].append({"hex": part.payload.hex()})
        ends = str(stream.client), str(stream.server)
        for source, target, direction in (
            (*ends, unpacket.Direction.CLIENT),
            (*ends[::-1], unpacket.Direction.SERVER),
        ):
            said = {"source": source, "target": target, "runs": runs[direction]}
            print(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[:0:-1])
