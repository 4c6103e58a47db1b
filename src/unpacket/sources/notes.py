"""What a capture says besides packets: comments, names, secrets, and what was lost."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from typing import NamedTuple

# All that is kept together, in bytes of the capture: a note may not cost more memory
# than that, whatever a capture holds.
MOST_BYTES = 16 << 20

COMMENT = 1

RECORD_IPV4 = 1
RECORD_IPV6 = 2

SECRETS = {
    0x544C534B: "tls",
    0x5353484B: "ssh",
    0x57474B4C: "wireguard",
    0x5A4E574B: "zigbee-network",
    0x5A415053: "zigbee-aps",
    0x55414B4C: "opc-ua",
}


class Comment(NamedTuple):
    """What somebody wrote into a capture.

    Attributes:
        text: The comment.
        frame: The number of the packet that it is about, or None.
        interface: The number of the interface in its section, or None. A comment
            with neither is about the section: the capture itself, as a rule.
    """

    text: str
    frame: int | None
    interface: int | None


class Secrets(NamedTuple):
    """Keys that came with a capture.

    Attributes:
        kind: ``tls``, ``ssh``, ``wireguard``, ``zigbee-network``, ``zigbee-aps``,
            ``opc-ua``, or the number of another format in hexadecimal.
        data: As they are in the capture: for ``tls`` the lines of a key log.
    """

    kind: str
    data: bytes


class Statistics(NamedTuple):
    """What an interface counted; None where the capture does not say.

    Attributes:
        interface: Its number in its section.
        time_ns: When it was counted, in nanoseconds since 1970.
        received: Packets that came, captured or not.
        dropped: Packets that the interface lost for want of room.
        accepted: Packets that the filter let pass.
        os_dropped: Packets that the operating system lost.
        delivered: Packets that the program which captured was given.
    """

    interface: int
    time_ns: int
    received: int | None
    dropped: int | None
    accepted: int | None
    os_dropped: int | None
    delivered: int | None


class Notes:
    """What is known so far of a capture besides its packets.

    Attributes:
        comments: In the order of the capture.
        names: Host names by address, as ``ipaddress`` writes it.
        secrets: Keys to decrypt what was captured.
        statistics: In the order of the capture; counts are since its beginning.
        dropped: How many packets the capture itself says it lost: evidence that a
            gap is the capture's fault. None where it says nothing of that.
        left_out: How many of all these were too many to be kept.
    """

    def __init__(self) -> None:
        self.comments: list[Comment] = []
        self.names: dict[str, list[str]] = {}
        self.secrets: list[Secrets] = []
        self.statistics: list[Statistics] = []
        self.left_out = 0
        self._bytes = 0
        # What each interface of a section lost, by its statistics.
        self._section = 0
        self._lost: dict[tuple[int, int], int] = {}
        # What packets say was lost before them.
        self._before: int | None = None

    @property
    def dropped(self) -> int | None:
        """How many packets the capture says it lost."""
        if self._lost:
            return sum(self._lost.values())
        return self._before

    def new_section(self) -> None:
        """Interfaces are numbered anew."""
        self._section += 1

    def lost_before(self, packets: int) -> None:
        """Take what a packet says of those between it and the one before."""
        self._before = (self._before or 0) + packets

    def lost_since_beginning(self, packets: int) -> None:
        """Take what a packet says of all before it."""
        self._before = packets

    def add_comment(
        self, data: bytes, frame: int | None = None, interface: int | None = None
    ) -> None:
        """Take a comment."""
        if self._fits(len(data)):
            text = data.rstrip(b"\0").decode(errors="replace")
            self.comments.append(Comment(text, frame, interface))

    def add_secrets(self, order: str, body: bytes) -> None:
        """Take the body of a decryption secrets block."""
        if len(body) < 8 or not self._fits(len(body)):
            return
        number, length = struct.unpack_from(order + "II", body)
        kind = SECRETS.get(number, f"0x{number:08x}")
        self.secrets.append(Secrets(kind, body[8 : 8 + length]))

    def add_names(self, order: str, body: bytes) -> None:
        """Take the records of a name resolution block."""
        at = 0
        while len(body) - at >= 4:
            kind, length = struct.unpack_from(order + "HH", body, at)
            record = body[at + 4 : at + 4 + length]
            if kind == 0 or len(record) < length:
                break
            at += 4 + (length + 3) // 4 * 4
            size = {RECORD_IPV4: 4, RECORD_IPV6: 16}.get(kind)
            if size is None or length <= size or not self._fits(length):
                continue
            known = self.names.setdefault(
                str(ipaddress.ip_address(record[:size])),
                [],
            )
            for name in record[size:].split(b"\0"):
                text = name.decode(errors="replace")
                if text and text not in known[:64]:
                    known.append(text)

    def add_statistics(
        self, order: str, interface: int, time_ns: int, found: dict[int, bytes]
    ) -> None:
        """Take the options of an interface statistics block."""
        if not self._fits(56):
            return

        def count(code: int) -> int | None:
            value = found.get(code, b"")
            if len(value) != 8:
                return None
            return int.from_bytes(value, "little" if order == "<" else "big")

        received, dropped, accepted, os_dropped, delivered = map(count, range(4, 9))
        self.statistics.append(
            Statistics(
                interface, time_ns, received, dropped, accepted, os_dropped, delivered
            )
        )
        if dropped is not None or os_dropped is not None:
            # The latest counts everything since the beginning.
            lost = (dropped or 0) + (os_dropped or 0)
            self._lost[self._section, interface] = lost

    def _fits(self, size: int) -> bool:
        """Reserve room for a note and the objects around it."""
        size += 200
        if self._bytes + size > MOST_BYTES:
            self.left_out += 1
            return False
        self._bytes += size
        return True


def options(order: str, data: bytes) -> Iterator[tuple[int, bytes]]:
    """Give code and value of each option, up to where they end or are damaged."""
    at = 0
    while len(data) - at >= 4:
        code, length = struct.unpack_from(order + "HH", data, at)
        if code == 0 or length > len(data) - at - 4:
            return
        yield code, data[at + 4 : at + 4 + length]
        at += 4 + (length + 3) // 4 * 4
