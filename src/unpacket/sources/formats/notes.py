"""What a capture says besides packets: comments, names, secrets, and what was lost."""

from __future__ import annotations

import ipaddress
import struct
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from unpacket.sources.live.owner_notes import Ends, OwnerNote
    from unpacket.sources.live.owners import Owners

# All that is kept together, in bytes of the capture: a note may not cost more memory
# than that, whatever a capture holds.
MOST_BYTES = 16 << 20

COMMENT = 1
# How comments about owners begin, see ``sources.live.owner_notes``.
OWNERS = "unpacket process "

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
        path: The capture, as the caller named it.
    """

    text: str
    frame: int | None
    interface: int | None
    path: str


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
        path: The capture, as the caller named it.
    """

    interface: int
    time_ns: int
    received: int | None
    dropped: int | None
    accepted: int | None
    os_dropped: int | None
    delivered: int | None
    path: str


class Drops(NamedTuple):
    """What was lost at one place, as the capture itself says.

    Attributes:
        path: The capture, as the caller named it.
        section: The number of the section in it, from 0.
        interface: The number of the interface in its section, or None if only
            packets tell, which say what was lost before them.
        name: The interface's name, or "" if the capture does not say.
        packets: How many were lost.
    """

    path: str
    section: int
    interface: int | None
    name: str
    packets: int


class Notes:
    """What is known so far of one or several captures besides their packets.

    Attributes:
        comments: In the order of the capture.
        names: Host names by address, as ``ipaddress`` writes it.
        secrets: Keys to decrypt what was captured.
        statistics: In the order of the capture; counts are since its beginning.
        owners: Whose processes the ends of streams were, by addresses and ports of
            client and server, in the order of the capture.
        left_out: How many of all these were too many to be kept.
    """

    def __init__(self) -> None:
        self.comments: list[Comment] = []
        self.names: dict[str, list[str]] = {}
        self.secrets: list[Secrets] = []
        self.statistics: list[Statistics] = []
        self.owners: dict[Ends, list[OwnerNote]] = {}
        self.left_out = 0
        self._bytes = 0
        self._captures: list[CaptureNotes] = []

    @property
    def drops(self) -> list[Drops]:
        """What was lost, for each capture and interface that says something of it."""
        return [drops for capture in self._captures for drops in capture.drops()]

    @property
    def dropped(self) -> int | None:
        """How many packets the captures themselves say they lost.

        It is evidence that a gap is the capture's fault. None where they say nothing
        of that.
        """
        drops = self.drops
        return sum(one.packets for one in drops) if drops else None

    def of(self, path: str, *, renumbered: bool = False) -> CaptureNotes:
        """Return what takes the notes of one capture.

        Args:
            renumbered: Whether the numbers of its frames are its own, and comments
                have to wait until their frame has another (see ``CaptureNotes``).
        """
        capture = CaptureNotes(self, path, renumbered=renumbered)
        self._captures.append(capture)
        return capture

    def owners_of(
        self, client: tuple[str, int], server: tuple[str, int], start_ns: int
    ) -> tuple[Owners, Owners] | None:
        """Return the owners of a stream's ends, if the capture says so.

        Of several streams between these ends those of the one that began then, or
        else of the last one before.
        """
        found = None
        for note in self.owners.get((*client, *server), ()):
            if note.start_ns <= start_ns or found is None:
                found = note.owners
            if note.start_ns == start_ns:
                break
        return found

    def add_owners(self, text: str) -> bool:
        """Take a comment about owners; return whether it is one."""
        from unpacket.sources.live.owner_notes import read

        note = read(text)
        if note is None:
            return False
        self.owners.setdefault(note.ends, []).append(note)
        return True

    def fits(self, size: int) -> bool:
        """Reserve room for a note of ``size`` bytes and the objects around it."""
        size += 200
        if self._bytes + size > MOST_BYTES:
            self.left_out += 1
            return False
        self._bytes += size
        return True


class CaptureNotes:
    """Takes what one capture says, and adds it to the notes of all.

    Comments on packets wait here if these are renumbered: ``waiting`` is the number
    of the frame that the next one is about, and ``settle`` gives it the other.
    """

    __slots__ = (
        "_before",
        "_lost",
        "_notes",
        "_renumbered",
        "_section",
        "_waiting",
        "path",
    )

    def __init__(self, notes: Notes, path: str, *, renumbered: bool) -> None:
        self.path = path
        self._notes = notes
        self._renumbered = renumbered
        self._waiting: deque[Comment] = deque()
        # The first section begins where the capture does.
        self._section = -1
        # What each interface of a section lost, by its statistics.
        self._lost: dict[tuple[int, int], tuple[str, int]] = {}
        # What packets say was lost before them.
        self._before: int | None = None

    @property
    def waiting(self) -> int | None:
        """The frame that the first comment is about which waits, or None."""
        return self._waiting[0].frame if self._waiting else None

    def settle(self, number: int) -> None:
        """Say that the frame which ``waiting`` names has this ``number``."""
        waited = self._waiting[0].frame
        while self.waiting == waited:
            comment = self._waiting.popleft()._replace(frame=number)
            self._notes.comments.append(comment)

    def drops(self) -> Iterator[Drops]:
        """Give what was lost."""
        for (section, interface), (name, packets) in self._lost.items():
            yield Drops(self.path, section, interface, name, packets)
        if not self._lost and self._before is not None:
            yield Drops(self.path, max(self._section, 0), None, "", self._before)

    def new_section(self) -> None:
        """Interfaces are numbered anew."""
        self._section += 1

    def lost_before(self, packets: int) -> None:
        """Take what a packet says of those between it and the one before."""
        self._before = (self._before or 0) + packets

    def lost_on(self, interface: int, name: str, packets: int) -> None:
        """Take what an interface has lost since the beginning."""
        self._lost[self._section, interface] = name, packets

    def lost_since_beginning(self, packets: int) -> None:
        """Take what a packet says of all before it."""
        self._before = packets

    def add_comment(
        self, data: bytes, frame: int | None = None, interface: int | None = None
    ) -> None:
        """Take a comment."""
        if self._notes.fits(len(data)):
            text = data.rstrip(b"\0").decode(errors="replace")
            if text.startswith(OWNERS) and self._notes.add_owners(text):
                return
            comment = Comment(text, frame, interface, self.path)
            if self._renumbered and frame is not None:
                self._waiting.append(comment)
            else:
                self._notes.comments.append(comment)

    def add_secrets(self, order: str, body: bytes) -> None:
        """Take the body of a decryption secrets block."""
        if len(body) < 8 or not self._notes.fits(len(body)):
            return
        number, length = struct.unpack_from(order + "II", body)
        kind = SECRETS.get(number, f"0x{number:08x}")
        self._notes.secrets.append(Secrets(kind, body[8 : 8 + length]))

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
            if size is None or length <= size or not self._notes.fits(length):
                continue
            known = self._notes.names.setdefault(
                str(ipaddress.ip_address(record[:size])),
                [],
            )
            for name in record[size:].split(b"\0"):
                text = name.decode(errors="replace")
                if text and text not in known[:64]:
                    known.append(text)

    def add_statistics(
        self,
        order: str,
        interface: int,
        name: str,
        time_ns: int,
        found: dict[int, bytes],
    ) -> None:
        """Take the options of an interface statistics block."""
        if not self._notes.fits(56):
            return

        def count(code: int) -> int | None:
            value = found.get(code, b"")
            if len(value) != 8:
                return None
            return int.from_bytes(value, "little" if order == "<" else "big")

        received, dropped, accepted, os_dropped, delivered = map(count, range(4, 9))
        self._notes.statistics.append(
            Statistics(
                interface,
                time_ns,
                received,
                dropped,
                accepted,
                os_dropped,
                delivered,
                self.path,
            )
        )
        if dropped is not None or os_dropped is not None:
            # The latest counts everything since the beginning.
            lost = (dropped or 0) + (os_dropped or 0)
            self._lost[self._section, interface] = name, lost


def options(order: str, data: bytes) -> Iterator[tuple[int, bytes]]:
    """Give code and value of each option, up to where they end or are damaged."""
    at = 0
    while len(data) - at >= 4:
        code, length = struct.unpack_from(order + "HH", data, at)
        if code == 0 or length > len(data) - at - 4:
            return
        yield code, data[at + 4 : at + 4 + length]
        at += 4 + (length + 3) // 4 * 4
