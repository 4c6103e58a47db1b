"""DNS over TCP (RFC 1035 section 4.2.2, RFC 7766): a length, and a message.

A message is read when somebody asks what is in it. To find one behind a hole it is
read too: a length before something that is DNS up to its last byte is no accident.
"""

import re
import struct
from typing import Any, NamedTuple

from unpacket.messages.answers import Answer, message, need, refuse
from unpacket.messages.constants import ITS_OWN, NOT_ITS_OWN, TOO_SHORT
from unpacket.messages.framer import Framer
from unpacket.messages.framers.dns_records import (
    CLASSES,
    KINDS,
    OPCODES,
    RESPONSE_CODES,
    Known,
    name_at,
    text_of,
)
from unpacket.messages.results import Message, clear

HEADER = struct.Struct(">6H")
# A length, a header, a root name, a kind and a class.
SHORTEST = 2 + HEADER.size + 1 + 4

RESPONSE = 0x8000
# The bit that must be zero (RFC 4035 section 3 uses its neighbours).
RESERVED = 0x0040

# Longer messages begin no conversation: queries are short.
MAX_FIRST = 4096

# More records than that are no evidence of DNS, and cost too much to look at.
MAX_SOUGHT_RECORDS = 64

# The counts of a message that is sought, and where in it they are.
COUNTS = re.compile(rb"\x00\x01(?:\x00[\x00-\x40]){3}", re.DOTALL)
COUNTS_AT = 6


class Question(NamedTuple):
    """What is asked for; ``kind`` and ``class_`` are names such as ``A`` and ``IN``."""

    name: str
    kind: str
    class_: str


class Record(NamedTuple):
    """A resource record.

    Attributes:
        section: ``answer``, ``authority`` or ``additional``.
        ttl: In seconds.
        data: As it came.
        text: What ``data`` means; hex where the kind is not known.
    """

    section: str
    name: str
    kind: str
    class_: str
    ttl: int
    data: bytes
    text: str


class Parsed(NamedTuple):
    """What could be read of a message; ``stop`` is where reading ended."""

    questions: list[Question]
    records: list[Record]
    stop: int
    error: str | None


class DnsMessage(Message):
    """A query or a response; what cannot be read of it is an anomaly.

    Where bytes are missing it is read up to the first of them.
    """

    __slots__ = ("_parsed",)

    _parsed: Parsed | None

    @property
    def octets(self) -> bytes:
        """The message without the length before it, up to a hole."""
        body = self._body
        return b"" if body is None else self.body[: body.first_hole()]

    def _word(self, index: int) -> int | None:
        data = self.octets
        if len(data) < 2 * index + 2:
            return None
        return int.from_bytes(data[2 * index : 2 * index + 2])

    @property
    def id(self) -> int | None:
        """The number that a response has of its query."""
        return self._word(0)

    @property
    def is_response(self) -> bool:
        """Whether it says that it is one."""
        return bool((self._word(1) or 0) & RESPONSE)

    @property
    def opcode(self) -> str:
        """What is wanted, such as ``QUERY``."""
        code = (self._word(1) or 0) >> 11 & 15
        return OPCODES.get(code, str(code))

    @property
    def response_code(self) -> str:
        """How it went, such as ``NOERROR``, without what EDNS adds to it."""
        code = (self._word(1) or 0) & 15
        return RESPONSE_CODES.get(code, str(code))

    @property
    def flags(self) -> list[str]:
        """Those that are set, of aa, tc, rd, ra, ad and cd."""
        word = self._word(1) or 0
        bits = (("aa", 10), ("tc", 9), ("rd", 8), ("ra", 7), ("ad", 5), ("cd", 4))
        return [name for name, bit in bits if word >> bit & 1]

    @property
    def parsed(self) -> Parsed:
        """All that can be read."""
        if self._parsed is None:
            found = parse(self.octets)
            if found.error is not None:
                self.note(found.error)
            self._parsed = found
        return self._parsed

    @property
    def questions(self) -> list[Question]:
        """What is asked for."""
        return self.parsed.questions

    @property
    def records(self) -> list[Record]:
        """The resource records of all sections."""
        return self.parsed.records

    @property
    def answers(self) -> list[Record]:
        """Those of the answer section."""
        return [record for record in self.records if record.section == "answer"]

    @property
    def summary(self) -> str:
        """What is asked, and what is answered."""
        asked = ", ".join(f"{one.kind} {one.name}" for one in self.questions)
        if not self.is_response:
            return f"{self.opcode.lower()} {asked}".rstrip()
        found = ", ".join(f"{one.kind} {one.text}" for one in self.answers)
        return f"{self.response_code.lower()} {asked}: {found or 'nothing'}"

    @property
    def facts(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return {
            "id": self.id,
            "response": self.is_response,
            "opcode": self.opcode,
            "response_code": self.response_code if self.is_response else None,
            "flags": self.flags,
            "questions": [
                {"name": one.name, "type": one.kind, "class": one.class_}
                for one in self.questions
            ],
            "records": [
                {
                    "section": one.section,
                    "name": one.name,
                    "type": one.kind,
                    "class": one.class_,
                    "ttl": one.ttl,
                    "data": one.text,
                }
                for one in self.records
            ],
        }


def new_dns_message() -> DnsMessage:
    """Return an empty one."""
    found = DnsMessage.__new__(DnsMessage)
    clear(found)
    found._parsed = None
    return found


def parse(data: bytes) -> Parsed:
    """Read a message as far as it makes sense."""
    questions: list[Question] = []
    records: list[Record] = []
    if len(data) < HEADER.size:
        return Parsed(questions, records, 0, "short-header")
    counts = HEADER.unpack_from(data)[2:]
    at = HEADER.size
    # What records refer to is read once: or else a message of 64 KiB, with a
    # thousand references to one long name, would cost a thousand times its length.
    known: Known = {}
    for _ in range(counts[0]):
        name, at = name_at(data, at, known)
        if name is None or at + 4 > len(data):
            return Parsed(questions, records, at, "bad-question")
        kind, class_ = struct.unpack_from(">2H", data, at)
        questions.append(Question(name, kind_name(kind), class_name(class_)))
        at += 4
    sections = ("answer", "authority", "additional")
    for section, count in zip(sections, counts[1:], strict=True):
        for _ in range(count):
            name, after = name_at(data, at, known)
            if name is None or after + 10 > len(data):
                return Parsed(questions, records, at, "bad-record")
            kind, class_, ttl, size = struct.unpack_from(">HHIH", data, after)
            begin = after + 10
            if begin + size > len(data):
                return Parsed(questions, records, at, "bad-record")
            at = begin + size
            text = text_of(data, begin, at, kind, known)
            record = Record(
                section,
                name,
                kind_name(kind),
                class_name(class_),
                ttl,
                data[begin:at],
                text,
            )
            records.append(record)
    error = "bytes-behind-records" if at < len(data) else None
    return Parsed(questions, records, at, error)


def kind_name(kind: int) -> str:
    """Return the name of a type (RFC 3597 section 5 for those without)."""
    return KINDS.get(kind) or f"TYPE{kind}"


def class_name(class_: int) -> str:
    """Return the name of a class."""
    return CLASSES.get(class_) or f"CLASS{class_}"


def may_begin(data: bytes, start: int) -> bool:
    """Return whether a length and a header as most messages have them begin there.

    As far as the bytes go: too few of them contradict nothing.
    """
    octets = data[start : start + 2 + HEADER.size]
    octets += b"\xff" * (2 - len(octets))
    if int.from_bytes(octets[:2]) < SHORTEST - 2:
        return False
    if len(octets) < 6:
        return True
    flags = int.from_bytes(octets[4:6])
    if flags & RESERVED or flags >> 11 & 15 not in OPCODES:
        return False
    if len(octets) < 2 + HEADER.size:
        return True
    counts = HEADER.unpack_from(octets, 2)[2:]
    if counts[0] != 1 or sum(counts) > MAX_SOUGHT_RECORDS:
        return False
    # A query has no answers, but perhaps the signature of who asks.
    return bool(flags & RESPONSE) or flags >> 11 & 15 != 0 or counts[1] == 0


class Dns(Framer):
    """Cuts DNS over TCP into messages."""

    __slots__ = ("certain",)

    name = "dns"
    ports = (53,)

    def __init__(self) -> None:
        self.certain = True

    def begin(self, direction: int, whole: bool) -> Framer:
        """Return the framer of a half that begins."""
        half = Dns()
        half.certain = whole
        return half

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        """Say how long the message is that begins at ``data[start]``."""
        missing = start + 2 - len(data)
        if missing > 0:
            return need(missing)
        length = int.from_bytes(data[start : start + 2])
        if not self.certain:
            if not may_begin(data, start):
                return refuse()
            missing = start + 2 + length - len(data)
            if missing > 0:
                return need(missing)
            parsed = parse(data[start + 2 : start + 2 + length])
            if parsed.error is not None:
                return refuse()
            self.certain = True
        if length < HEADER.size:
            self.certain = False
            return refuse()
        answer = message(2 + length, 2)
        answer.item = new_dns_message()
        return answer

    def find_start(self, data: bytes, start: int, ended: bool) -> int:
        """Return where a message may begin."""
        if self.certain:
            return start
        # Where a whole header may be, and where it would be cut by the end.
        cut = max(start, len(data) - HEADER.size - 1)
        found = COUNTS.search(data, start + COUNTS_AT)
        while found is not None:
            at = found.start() - COUNTS_AT
            if may_begin(data, at):
                return at
            found = COUNTS.search(data, found.start() + 1)
        for at in range(cut, len(data)):
            if may_begin(data, at):
                return at
        return len(data)

    def begins(self, data: bytes, ended: bool) -> int:
        """Say whether a half that begins so is DNS."""
        if not may_begin(data, 0):
            return NOT_ITS_OWN
        length = int.from_bytes(data[:2])
        if len(data) < 2 or len(data) < 2 + length <= MAX_FIRST:
            return NOT_ITS_OWN if ended else TOO_SHORT
        if 2 + length > MAX_FIRST or parse(data[2 : 2 + length]).error is not None:
            return NOT_ITS_OWN
        return ITS_OWN

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes: responses say that they are."""
        if len(data) < 2 + HEADER.size or not may_begin(data, 0):
            return -1
        return 1 if data[4] & 0x80 else 0

    def reset(self) -> None:
        """Forget where a message begins."""
        self.certain = False
