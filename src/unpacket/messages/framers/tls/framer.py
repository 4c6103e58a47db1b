"""TLS records (RFC 8446 section 5.1), with the handshake messages that end in them.

A record is a message. Handshake messages may come several in a record and in several
records; each belongs to the record that has its last byte. What is encrypted is not
looked into: records behind "change_cipher_spec", but for hellos, which TLS 1.3 sends
there in the clear.
"""

from typing import Any

from unpacket.messages.answers import Answer, message, need, refuse
from unpacket.messages.constants import ITS_OWN, NOT_ITS_OWN, TOO_SHORT
from unpacket.messages.framer import Framer
from unpacket.messages.results import Message, byte_count, clear
from unpacket.tls.handshake import (
    MAX_MESSAGE,
    Handshake,
    exact_messages,
    handshake,
)
from unpacket.tls.names import (
    ALERT,
    ALERTS,
    CHANGE_CIPHER_SPEC,
    CLIENT_HELLO,
    HANDSHAKE,
    RECORDS,
    SERVER_HELLO,
    version_name,
)
from unpacket.tls.records import BEGINNING, HEADER, RECORD


class TlsRecord(Message):
    """A record; its body is what follows the header.

    Attributes:
        content_type: Its type, such as ``names.HANDSHAKE``.
        version: The version in its header, which says little.
        handshakes: The handshake messages that end in it, of those in the clear.
        alert: Level and description, where it is an alert in the clear.
    """

    __slots__ = ("alert", "content_type", "handshakes", "version")

    content_type: int
    version: int
    handshakes: list[Handshake]
    alert: tuple[int, int] | None

    @property
    def kind(self) -> str:
        """The name of the type."""
        return RECORDS[self.content_type]

    @property
    def summary(self) -> str:
        """The handshake messages; else the kind, and how much there is of it."""
        if self.handshakes:
            return ", ".join(one.summary for one in self.handshakes)
        if self.alert is not None:
            level, code = self.alert
            name = ALERTS.get(code) or str(code)
            return f"alert {name}{' (fatal)' if level == 2 else ''}"
        return f"{self.kind}, {byte_count(self.body_length)}"

    @property
    def facts(self) -> dict[str, Any]:
        """What it says, as JSON has it."""
        facts: dict[str, Any] = {
            "type": self.kind,
            "version": version_name(self.version),
            "handshakes": [one.facts for one in self.handshakes],
        }
        if self.alert is not None:
            level, code = self.alert
            facts["alert"] = ALERTS.get(code) or str(code)
            facts["fatal"] = level == 2
        return facts


class Handshakes:
    """Puts the handshake messages of a half together.

    Attributes:
        lost: Whether it is not known where one begins.
        encrypted: Whether the half has changed to ciphers.
    """

    __slots__ = ("encrypted", "lost", "passing", "waiting")

    def __init__(self, whole: bool) -> None:
        self.waiting = bytearray()
        # How much is still to come of a message that is not looked into.
        self.passing = 0
        self.lost = not whole
        self.encrypted = False

    def lose(self) -> None:
        """Bytes are missing."""
        self.waiting.clear()
        self.passing = 0
        self.lost = True

    def feed(self, fragment: bytes) -> list[Handshake]:
        """Take what a record has of them; return those that end in it."""
        if self.lost or self.encrypted:
            found = exact(fragment)
            if self.encrypted:
                hellos = (CLIENT_HELLO, SERVER_HELLO)
                return found if [one.kind in hellos for one in found] == [True] else []
            self.lost = not found
            return found
        passed = min(self.passing, len(fragment))
        self.passing -= passed
        waiting = self.waiting
        waiting += fragment[passed:]
        found = []
        at = 0
        while len(waiting) - at >= 4:
            size = 4 + int.from_bytes(waiting[at + 1 : at + 4])
            if len(waiting) - at < size:
                if size > MAX_MESSAGE:
                    self.passing = size - (len(waiting) - at)
                    at = len(waiting)
                break
            found.append(handshake(waiting[at], bytes(waiting[at + 4 : at + size])))
            at += size
        del waiting[:at]
        return found


def exact(fragment: bytes) -> list[Handshake]:
    """Return the messages that fill a record from its first byte to its last."""
    return [handshake(kind, data) for kind, data in exact_messages(fragment)]


class Tls(Framer):
    """Cuts a half into records.

    Behind a hole, and where the beginning was not captured, a record is one if another
    begins where it ends.
    """

    __slots__ = ("certain", "handshakes")

    name = "tls"
    ports = (443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 5061, 8443)

    def __init__(self, whole: bool = True) -> None:
        self.certain = whole
        self.handshakes = Handshakes(whole)

    def begin(self, direction: int, whole: bool) -> Framer:
        """Return the framer of a half that begins."""
        return Tls(whole)

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        """Say how long the record is that begins at ``data[start]``."""
        left = len(data) - start
        if left < HEADER:
            if BEGINNING.match(data, start) is None:
                return self.refused()
            return need(HEADER - left)
        if RECORD.match(data, start) is None:
            return self.refused()
        length = int.from_bytes(data[start + 3 : start + 5])
        content_type = data[start]
        missing = HEADER + length - left
        if not self.certain:
            if missing + HEADER > 0 and not ended:
                return need(missing + HEADER)
            if missing > 0 or not may_follow(data, start + HEADER + length):
                return self.refused()
            self.certain = True
        if missing > 0 and not ended and content_type in (HANDSHAKE, ALERT):
            return need(missing)
        record = TlsRecord.__new__(TlsRecord)
        clear(record)
        record.content_type = content_type
        record.version = int.from_bytes(data[start + 1 : start + 3])
        record.handshakes = []
        record.alert = None
        self.look_into(record, data[start + HEADER : start + HEADER + length], missing)
        answer = message(HEADER + length, HEADER)
        answer.item = record
        return answer

    def look_into(self, record: TlsRecord, fragment: bytes, missing: int) -> None:
        """Read what a record has in the clear."""
        handshakes = self.handshakes
        if record.content_type == HANDSHAKE:
            if missing > 0:
                handshakes.lose()
            else:
                record.handshakes = handshakes.feed(fragment)
        elif record.content_type == CHANGE_CIPHER_SPEC:
            handshakes.encrypted = True
        elif (
            record.content_type == ALERT
            and len(fragment) == 2
            and not handshakes.encrypted
        ):
            record.alert = (fragment[0], fragment[1])

    def refused(self) -> Answer:
        """Answer that no record begins here."""
        self.reset()
        return refuse()

    def find_start(self, data: bytes, start: int, ended: bool) -> int:
        """Return where a record may begin."""
        if self.certain:
            return start
        found = RECORD.search(data, start)
        if found is not None:
            return found.start()
        if not ended:
            for at in range(max(start, len(data) - HEADER + 1), len(data)):
                if BEGINNING.match(data, at) is not None:
                    return at
        return len(data)

    def begins(self, data: bytes, ended: bool) -> int:
        """Say whether a half that begins so is TLS: with a hello, in a record."""
        if len(data) > HEADER:
            hello = data[0] == HANDSHAKE and data[5] in (CLIENT_HELLO, SERVER_HELLO)
            is_record = RECORD.match(data) is not None and data[3:5] != b"\0\0"
            return ITS_OWN if hello and is_record else NOT_ITS_OWN
        fits = data[:1] in (b"", b"\x16") and (
            not data
            or (BEGINNING if len(data) < HEADER else RECORD).match(data) is not None
        )
        return TOO_SHORT if fits and not ended else NOT_ITS_OWN

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes: the hellos of both differ."""
        if self.begins(data, ended) != ITS_OWN:
            return -1
        return 0 if data[5] == CLIENT_HELLO else 1

    def reset(self) -> None:
        """Forget where a record begins."""
        self.certain = False
        self.handshakes.lose()


def may_follow(data: bytes, at: int) -> bool:
    """Return whether a record begins there, or the data ends before that is seen."""
    if len(data) - at >= HEADER:
        return RECORD.match(data, at) is not None
    return at == len(data) or BEGINNING.match(data, at) is not None
