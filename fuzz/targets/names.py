"""Any text is a template whose names stay in their directory, or is refused."""

import os

from tests.sinks.test_names import FOUR, SIX
from unpacket import Direction
from unpacket.sinks.names import Template


def check(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    try:
        template = Template(text)
    except ValueError as error:
        assert str(error)
        return
    for stream in (FOUR, SIX):
        for direction in (None, *Direction):
            for again in (0, 1, 12):
                name = template.name(stream, direction, again)
                path = os.path.normpath(f"/in/here/{name}")
                assert path.startswith("/in/here/")
                assert "\0" not in name
