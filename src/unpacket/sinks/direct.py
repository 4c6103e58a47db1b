"""Files and lines of streams that have ended, while nothing is unusual about them.

That is most streams: what both sides sent waits whole in memory, the names of their
files are free, and nothing is missing. Each then costs a few calls of the system, and
no object.
"""

from collections.abc import Callable
from json.encoder import encode_basestring_ascii
from typing import Any, TypeAlias

from unpacket._core.reassembly.direction import CLIENT, SERVER, Direction
from unpacket._core.reassembly.payload_gatherer import Gatherer
from unpacket._core.reassembly.stream import Stream
from unpacket.records.json_line import put_line
from unpacket.records.summary import Summary
from unpacket.records.text import Text
from unpacket.sinks.files import NO_BYTES
from unpacket.sinks.name_facts import put_tcpflow
from unpacket.sinks.whole import write_file

# Up to so many bytes of a side are written at once.
WHOLE_BYTES = 1 << 20

NO_DIRECTORY = -1
DIRECTIONS = (CLIENT, SERVER)

Other: TypeAlias = "Callable[[Stream, Direction, memoryview], str]"


class Direct:
    """Writes such streams.

    Args:
        gatherer: Where their bytes wait.
        lines: Gets a line of JSON for each.
        at: A descriptor of the directory, or NO_DIRECTORY.
        taken: Names of which it is known that they are.
        digest: Makes an object as ``hashlib.sha256`` does; None for no digests.
        members: What else the lines say of each file; empty, or begins with a comma.

    Attributes:
        streams, files, written_bytes: How many were written.
    """

    __slots__ = (
        "at",
        "client",
        "data",
        "digest",
        "files",
        "gatherer",
        "lines",
        "members",
        "name",
        "server",
        "streams",
        "taken",
        "written_bytes",
    )

    def __init__(
        self,
        gatherer: Gatherer,
        lines: Text,
        at: int,
        taken: dict[str, int],
        digest: Callable[[Any], Any] | None,
        members: str,
    ) -> None:
        self.gatherer = gatherer
        self.lines = lines
        self.at = at
        self.taken = taken
        self.digest = digest
        self.members = members
        self.name = Text()
        # What the line says of the file of each side.
        self.client = Text()
        self.server = Text()
        self.data = bytearray(WHOLE_BYTES)
        self.streams = 0
        self.files = 0
        self.written_bytes = 0

    def write(self, stream: Stream, other: Other) -> bool:
        """Write a stream that has ended, if not too much of it waits.

        Args:
            other: Writes a file whose usual name is not free, of the stream and the
                direction and the bytes that it is given, and returns its name.

        Raises:
            OSError: A file was made, and could not be written; says which.
            SinkError: As ``other`` raises it.
        """
        gatherer = self.gatherer
        for direction in DIRECTIONS:
            if gatherer.length(stream, direction) > WHOLE_BYTES:
                return False
        client = self.side(stream, CLIENT, self.client, other)
        server = self.side(stream, SERVER, self.server, other)
        gatherer.end(stream)
        digests = None
        if client is not None and server is not None:
            digests = client, server
        of_client, of_server, members = Summary(stream, None, digests).members()
        lines = self.lines
        put_line(lines, stream, of_client, of_server, members)
        lines.put(',"conflict_list":"","files":{"client":')
        lines.put_all(self.client)
        lines.put(',"server":')
        lines.put_all(self.server)
        lines.put("}}\n")
        self.streams += 1
        return True

    def side(
        self, stream: Stream, direction: Direction, entry: Text, other: Other
    ) -> str | None:
        """Write the file of a side, and what the index says of it to ``entry``.

        Returns:
            The digest, if one is wanted.
        """
        entry.clear()
        length = self.gatherer.draw(stream, direction, self.data)
        if not length:
            entry.put('{"name":"","bytes":0')
            entry.put(self.members)
            entry.put("}")
            return None if self.digest is None else NO_BYTES
        data = memoryview(self.data)[:length]
        digest = None
        if self.digest is not None:
            digest = self.digest(data).hexdigest()
        entry.put('{"name":')
        if self.make(stream, direction, data):
            entry.put('"')
            entry.put_all(self.name)
            entry.put('"')
        else:
            name = other(stream, direction, data)
            entry.put(encode_basestring_ascii(name))
        entry.put(',"bytes":')
        entry.number(length)
        entry.put(self.members)
        entry.put("}")
        self.files += 1
        self.written_bytes += length
        return digest

    def make(self, stream: Stream, direction: Direction, data: memoryview) -> bool:
        """Write a file of the usual name, if that is free."""
        if self.at == NO_DIRECTORY:
            return False
        name = self.name
        name.clear()
        if not put_tcpflow(name, stream, direction):
            return False
        if self.taken and name.text() in self.taken:
            return False
        try:
            error = write_file(self.at, name.octets(), data, stream.first_ns)
        except OSError as failed:
            raise OSError(failed.errno, failed.strerror, name.text()) from None
        return error == 0
