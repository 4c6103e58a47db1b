"""Names of files, made of what is known about a stream.

A template is text with fields in braces. What a field stands for never has a slash
in it, and a template that could leave its directory is refused: so no name does,
whatever was captured.
"""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime

from unpacket._core import constants
from unpacket._core.reassembly.direction import Direction
from unpacket._core.reassembly.stream import Stream
from unpacket.sinks import name_facts as named

# As tcpflow names its files: 192.000.002.001.55150-192.000.002.002.00080.
TCPFLOW = "{from}.{from_port:05}-{to}.{to_port:05}{again}"

NS = 1_000_000_000

# No more of Python's formats: {id:c} would be a slash for stream 47.
_WIDTH = re.compile(r"0?\d{0,3}[dx]?")

# What names are tried with: a text for each of an address, a side, a time.
SAMPLES: dict[int, str | int] = {
    constants.NAME_FROM: "000.000.000.000",
    constants.NAME_TO: "000.000.000.000",
    constants.NAME_CLIENT_ADDRESS: "0.0.0.0",
    constants.NAME_SERVER_ADDRESS: "0.0.0.0",
    constants.NAME_SIDE: "both",
    constants.NAME_TIME_NS: "19700101T000000Z",
    constants.NAME_AGAIN: "",
}


def moment(time_ns: int) -> str:
    """Return a time in UTC as ISO 8601 has it in its short form."""
    try:
        when = datetime.fromtimestamp(time_ns // NS, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{time_ns // NS}s"
    return f"{when:%Y%m%dT%H%M%SZ}"


FIELDS: dict[str, tuple[str, int]] = {
    "from": ("address of who sent it, as tcpflow writes it", constants.NAME_FROM),
    "from_port": ("port of who sent it", constants.NAME_FROM_PORT),
    "to": ("address of who got it", constants.NAME_TO),
    "to_port": ("port of who got it", constants.NAME_TO_PORT),
    "client": ("address of the client", constants.NAME_CLIENT_ADDRESS),
    "client_port": ("port of the client", constants.NAME_CLIENT_PORT),
    "server": ("address of the server", constants.NAME_SERVER_ADDRESS),
    "server_port": ("port of the server", constants.NAME_SERVER_PORT),
    "side": (
        "client or server: who sent it; both: a conversation",
        constants.NAME_SIDE,
    ),
    "id": ("id of the stream", constants.NAME_ID),
    "frame": ("number of the stream's first frame", constants.NAME_FRAME),
    "time": ("its time in UTC, 20261121T041740Z", constants.NAME_TIME_NS),
    "time_s": ("its time in seconds since 1970", constants.NAME_TIME_S),
    "again": ("nothing, or c1, c2 ... where the name is taken", constants.NAME_AGAIN),
}


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
            raise ValueError(f"{text!r} is not a template: {error}") from error
        form = ""
        self._codes: list[int] = []
        for literal, field, width, conversion in parsed:
            form += literal.replace("{", "{{").replace("}", "}}")
            if field is None:
                continue
            if field not in FIELDS or conversion:
                known = ", ".join(FIELDS)
                raise ValueError(
                    f"{text!r} has an unknown field {field!r}; there are {known}"
                )
            if not _WIDTH.fullmatch(width or ""):
                raise ValueError(
                    f"{text!r} formats a field with {width!r}; only a width, such as 6 "
                    "or 06, is allowed"
                )
            form += f"{{:{width}}}"
            self._codes.append(FIELDS[field][1])
        if constants.NAME_AGAIN not in self._codes:
            form += "{}"
            self._codes.append(constants.NAME_AGAIN)
        self._fill = form.format
        self._is_dated = constants.NAME_TIME_NS in self._codes
        self._try()

    def _try(self) -> None:
        """Refuse what leads out of the directory, or is no name."""
        try:
            name = self._fill(*(SAMPLES.get(code, 0) for code in self._codes))
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
        side = named.BOTH if direction is None else direction
        facts = named.facts(stream, side, f"c{again}" if again else "", self._codes)
        if self._is_dated:
            for at, code in enumerate(self._codes):
                if code == constants.NAME_TIME_NS:
                    facts[at] = moment(stream.first_ns)
        return self._fill(*facts)
