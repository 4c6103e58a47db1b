"""Names of files, made of what is known about a stream.

A template is text with fields in braces. What a field stands for never has a slash
in it, and a template that could leave its directory is refused: so no name does,
whatever was captured.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from unpacket._core.events import Direction
from unpacket._core.state import Endpoint, Stream

# As tcpflow names its files: 192.000.002.001.55150-192.000.002.002.00080.
TCPFLOW = "{from}.{from_port:05}-{to}.{to_port:05}{again}"

NS = 1_000_000_000

# No more of Python's formats: {id:c} would be a slash for stream 47.
_WIDTH = re.compile(r"0?\d{0,3}[dx]?")

# How many addresses are remembered as they are written.
ADDRESSES = 4096

# What is written where a file holds both sides.
BOTH = "both"
SIDES = tuple(str(direction) for direction in Direction)


@lru_cache(ADDRESSES)
def padded(address: str) -> str:
    """Return an IPv4 address with three digits a number; any other as it is."""
    if ":" in address:
        return address
    return ".".join(part.zfill(3) for part in address.split("."))


def moment(time_ns: int) -> str:
    """Return a time in UTC as ISO 8601 has it in its short form."""
    try:
        when = datetime.fromtimestamp(time_ns // NS, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{time_ns // NS}s"
    return f"{when:%Y%m%dT%H%M%SZ}"


# What each field is of: the stream, its client, its server, the side that has sent
# what is in the file, the side that has got it, how the first of these is called, and
# what tells files of one name apart.
Source = tuple[Stream, Endpoint, Endpoint, Endpoint, Endpoint, str, str]

FIELDS: dict[str, tuple[str, Callable[[Source], Any]]] = {
    "from": (
        "address of who sent it, as tcpflow writes it",
        lambda of: padded(of[3][0]),
    ),
    "from_port": ("port of who sent it", lambda of: of[3][1]),
    "to": ("address of who got it", lambda of: padded(of[4][0])),
    "to_port": ("port of who got it", lambda of: of[4][1]),
    "client": ("address of the client", lambda of: of[1][0]),
    "client_port": ("port of the client", lambda of: of[1][1]),
    "server": ("address of the server", lambda of: of[2][0]),
    "server_port": ("port of the server", lambda of: of[2][1]),
    "side": ("client or server: who sent it; both: a conversation", lambda of: of[5]),
    "id": ("id of the stream", lambda of: of[0].id),
    "frame": ("number of the stream's first frame", lambda of: of[0].first_frame),
    "time": ("its time in UTC, 20261121T041740Z", lambda of: moment(of[0].first_ns)),
    "time_s": ("its time in seconds since 1970", lambda of: of[0].first_ns // NS),
    "again": ("nothing, or c1, c2 ... where the name is taken", lambda of: of[6]),
}
AGAIN = "again"


class Template:
    """Makes the name of a file.

    Args:
        text: With fields in braces, see ``FIELDS``. What follows a colon in a field
            formats it: ``{id:06}``. Slashes make folders. Without ``{again}`` that
            stands at the end.

    Raises:
        ValueError: There is no such field, or the name would lie outside of the
            directory.
    """

    def __init__(self, text: str = TCPFLOW) -> None:
        self.text = text
        try:
            parsed = list(string.Formatter().parse(text))
        except ValueError as error:
            raise ValueError(f"{text!r} is no template: {error}") from error
        form = ""
        self._values: list[Callable[[Source], Any]] = []
        for literal, field, width, conversion in parsed:
            form += literal.replace("{", "{{").replace("}", "}}")
            if field is None:
                continue
            if field not in FIELDS or conversion:
                known = ", ".join(FIELDS)
                raise ValueError(f"{text!r} has a field {field!r}, not one of {known}")
            if not _WIDTH.fullmatch(width or ""):
                raise ValueError(
                    f"{text!r} formats a field with {width!r}, and not with a width "
                    "such as 6 or 06"
                )
            form += f"{{:{width}}}"
            self._values.append(FIELDS[field][1])
        if FIELDS[AGAIN][1] not in self._values:
            form += "{}"
            self._values.append(FIELDS[AGAIN][1])
        self._fill = form.format
        self._try()

    def _try(self) -> None:
        """Refuse what leads out of the directory, or is no name."""
        zero, one = Endpoint("0.0.0.0", 0), Endpoint("0.0.0.0", 1)
        try:
            name = self._written((Stream(), zero, one, zero, one, BOTH, ""))
        except ValueError as error:
            raise ValueError(f"{self.text!r} cannot be filled in: {error}") from error
        if "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
            raise ValueError(
                f"{self.text!r} gives names such as {name!r}, which could lie outside "
                "of the directory"
            )

    def name(self, stream: Stream, direction: Direction | None, again: int = 0) -> str:
        """Return the name for what a side has sent, or for both sides.

        Args:
            again: How many files have the name already.
        """
        client, server = stream.client, stream.server
        return self.name_of(stream, client, server, direction, again)

    def name_of(
        self,
        stream: Stream,
        client: Endpoint,
        server: Endpoint,
        direction: Direction | None,
        again: int = 0,
    ) -> str:
        """Return the name where the ends of the stream are at hand."""
        taken = f"c{again}" if again else ""
        if direction is None:
            return self._written((stream, client, server, client, server, BOTH, taken))
        side = SIDES[direction]
        if direction:
            return self._written((stream, client, server, server, client, side, taken))
        return self._written((stream, client, server, client, server, side, taken))

    def _written(self, of: Source) -> str:
        return self._fill(*[value(of) for value in self._values])
