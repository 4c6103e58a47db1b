"""The targets by their names: each a function that takes any bytes.

It returns if what must hold does, and raises if not.
"""

from collections.abc import Callable
from importlib import import_module

Check = Callable[[bytes], None]

# Each name is a folder of the corpus; the formats of captures share their checks.
MODULES = {
    "pcap": "captures",
    "pcapng": "captures",
    "snoop": "captures",
    "compressed": "captures",
    "objects": "objects",
    "frames": "frames",
    "filters": "filters",
    "fragments": "fragments",
    "options": "options",
    "overlaps": "overlaps",
    "assembler": "assembler",
    "consumer": "consumer",
    "sinks": "sinks",
    "messages": "messages",
    "where": "where",
    "names": "names",
    "command": "command",
}


def load(name: str) -> Check:
    """Return a target; only now is the core imported that it is to be run with."""
    check: Check = import_module(f"fuzz.targets.{MODULES[name]}").check
    return check
