"""PostgreSQL (protocol 3): a type, a length, and what they say.

The first messages of a client have no type; those that ask for encryption are answered
by a single byte.
"""

import re
from typing import Any

from unpacket.messages.answers import Answer, message, need, tunnel
from unpacket.messages.constants import CANNOT_SAY, ITS_OWN, NOT_ITS_OWN, TOO_SHORT
from unpacket.messages.framers.measured import Measured
from unpacket.messages.framers.noted import (
    MOST_ITEMS,
    Noted,
    Octets,
    leads_to,
    noted,
    text,
)
from unpacket.messages.framers.sided import is_tls

# Messages without a type (section "Message Formats" of its manual).
SSL, GSS, CANCEL = 80877103, 80877104, 80877102
UNTYPED = {SSL: "SSLRequest", GSS: "GSSENCRequest", CANCEL: "CancelRequest"}
MAX_STARTUP = 10_000
# What a field of the server, or a value, may have at most.
MAX_LENGTH = 1 << 30

CLIENT = {
    "B": "Bind", "C": "Close", "D": "Describe", "E": "Execute", "F": "FunctionCall",
    "H": "Flush", "P": "Parse", "Q": "Query", "S": "Sync", "X": "Terminate",
    "c": "CopyDone", "d": "CopyData", "f": "CopyFail", "p": "Authentication",
}  # fmt: skip
SERVER = {
    "1": "ParseComplete", "2": "BindComplete", "3": "CloseComplete",
    "A": "NotificationResponse", "C": "CommandComplete", "D": "DataRow",
    "E": "ErrorResponse", "G": "CopyInResponse", "H": "CopyOutResponse",
    "I": "EmptyQueryResponse", "K": "BackendKeyData", "N": "NoticeResponse",
    "R": "Authentication", "S": "ParameterStatus", "T": "RowDescription",
    "V": "FunctionCallResponse", "W": "CopyBothResponse", "Z": "ReadyForQuery",
    "c": "CopyDone", "d": "CopyData", "n": "NoData", "s": "PortalSuspended",
    "t": "ParameterDescription", "v": "NegotiateProtocolVersion",
}  # fmt: skip
TYPES = tuple({ord(one) for one in names} for names in (CLIENT, SERVER))
# These have nothing but a type and a length.
EMPTY = ({ord(one) for one in "HSXc"}, {ord(one) for one in "123Icns"})
STARTS = tuple(
    re.compile(b"[%s](?:\\Z|\\x00)" % "".join(names).encode())
    for names in (CLIENT, SERVER)
)
AUTHENTICATIONS = {
    0: "ok", 2: "kerberos", 3: "cleartext", 5: "md5", 7: "gss", 8: "gss-continue",
    9: "sspi", 10: "sasl", 11: "sasl-continue", 12: "sasl-final",
}  # fmt: skip
FIELDS = {"S": "severity", "C": "sqlstate", "M": "message", "D": "detail", "H": "hint"}
OWN_AUTHENTICATION = re.compile(rb"R\x00\x00[\x00-\x03].\x00\x00\x00[\x00-\x0c]", re.S)


class Conversation:
    """What the halves know of each other.

    Attributes:
        asked: How many requests for encryption have no answer.
    """

    def __init__(self) -> None:
        self.asked = 0


def read(message: Noted, facts: dict[str, Any]) -> str:
    """Read a message; the context is its number where it has no type."""
    octets = Octets(message.seen())
    if message.context is not None:
        return read_untyped(message.context, octets, facts)
    letter = chr(message.head[0])
    kind = (CLIENT, SERVER)[message.side][letter]
    facts["type"] = kind
    reader = READERS[message.side].get(letter)
    if reader is None:
        return kind
    return f"{kind} {reader(octets, facts)}".rstrip()


def read_untyped(number: int, octets: Octets, facts: dict[str, Any]) -> str:
    """Read what a client begins with, or the one byte that answers it."""
    if number < 256:
        facts["type"] = "EncryptionResponse"
        facts["accepted"] = number in b"SG"
        return f"EncryptionResponse {chr(number)}"
    if number in UNTYPED:
        facts["type"] = UNTYPED[number]
        if number == CANCEL:
            facts["process"] = octets.number(4)
        return str(facts["type"])
    facts["type"] = "StartupMessage"
    facts["version"] = f"{number >> 16}.{number & 0xFFFF}"
    parameters: dict[str, str] = {}
    facts["parameters"] = parameters
    while octets.left > 1 and len(parameters) < MOST_ITEMS:
        name = text(octets.until(b"\0"))
        parameters[name] = text(octets.until(b"\0"))
    return f"StartupMessage {parameters.get('user', '')}".rstrip()


def read_query(octets: Octets, facts: dict[str, Any]) -> str:
    """Read the text of a query."""
    facts["query"] = text(octets.rest().rstrip(b"\0"))
    return str(facts["query"])


def read_parse(octets: Octets, facts: dict[str, Any]) -> str:
    """Read a statement that is prepared."""
    facts["statement"] = text(octets.until(b"\0"))
    facts["query"] = text(octets.until(b"\0"))
    return str(facts["query"])


def read_bind(octets: Octets, facts: dict[str, Any]) -> str:
    """Read what a statement is bound to."""
    facts["portal"] = text(octets.until(b"\0"))
    facts["statement"] = text(octets.until(b"\0"))
    octets.take(2 * octets.number(2))
    facts["parameters"] = octets.number(2)
    return str(facts["statement"])


def read_named(octets: Octets, facts: dict[str, Any]) -> str:
    """Read what is described or closed."""
    facts["of"] = {"S": "statement", "P": "portal"}.get(chr(octets.number(1)), "")
    facts["name"] = text(octets.until(b"\0"))
    return f"{facts['of']} {facts['name']}".rstrip()


def read_portal(octets: Octets, facts: dict[str, Any]) -> str:
    """Read what is executed."""
    facts["portal"] = text(octets.until(b"\0"))
    facts["rows"] = octets.number(4)
    return str(facts["portal"])


def read_fields(octets: Octets, facts: dict[str, Any]) -> str:
    """Read an error or a notice."""
    for _ in range(MOST_ITEMS):
        letter = chr(octets.number(1))
        if letter == "\0":
            break
        value = text(octets.until(b"\0"))
        if letter in FIELDS:
            facts[FIELDS[letter]] = value
    words = (facts.get(name, "") for name in ("severity", "sqlstate", "message"))
    return " ".join(word for word in words if word)


def read_columns(octets: Octets, facts: dict[str, Any]) -> str:
    """Read the columns of rows."""
    names: list[str] = []
    facts["columns"] = names
    for _ in range(min(octets.number(2), MOST_ITEMS)):
        names.append(text(octets.until(b"\0")))
        octets.take(18)
    return ", ".join(names)


def read_row(octets: Octets, facts: dict[str, Any]) -> str:
    """Read the values of a row."""
    values: list[str | None] = []
    facts["values"] = values
    for _ in range(min(octets.number(2), MOST_ITEMS)):
        size = octets.number(4)
        values.append(None if size == 0xFFFFFFFF else text(octets.take(size)))
    return ", ".join("null" if one is None else one for one in values)


def read_tag(octets: Octets, facts: dict[str, Any]) -> str:
    """Read what a command has done."""
    facts["tag"] = text(octets.until(b"\0"))
    return str(facts["tag"])


def read_setting(octets: Octets, facts: dict[str, Any]) -> str:
    """Read a setting of the server."""
    facts["name"] = text(octets.until(b"\0"))
    facts["value"] = text(octets.until(b"\0"))
    return f"{facts['name']} {facts['value']}"


def read_status(octets: Octets, facts: dict[str, Any]) -> str:
    """Read whether the server is in a transaction."""
    status = chr(octets.number(1))
    facts["status"] = {"I": "idle", "T": "transaction", "E": "failed"}.get(status, "")
    return str(facts["status"])


def read_authentication(octets: Octets, facts: dict[str, Any]) -> str:
    """Read how the server wants to know who the client is."""
    number = octets.number(4)
    facts["method"] = AUTHENTICATIONS.get(number, str(number))
    return str(facts["method"])


def read_process(octets: Octets, facts: dict[str, Any]) -> str:
    """Read the number of the server's process."""
    facts["process"] = octets.number(4)
    return str(facts["process"])


def read_notification(octets: Octets, facts: dict[str, Any]) -> str:
    """Read what another client notifies about."""
    facts["process"] = octets.number(4)
    facts["channel"] = text(octets.until(b"\0"))
    facts["payload"] = text(octets.until(b"\0"))
    return str(facts["channel"])


READERS: tuple[dict[str, Any], dict[str, Any]] = (
    {
        "B": read_bind, "C": read_named, "D": read_named, "E": read_portal,
        "P": read_parse, "Q": read_query,
    },
    {
        "A": read_notification, "C": read_tag, "D": read_row, "E": read_fields,
        "K": read_process, "N": read_fields, "R": read_authentication,
        "S": read_setting, "T": read_columns, "Z": read_status,
    },
)  # fmt: skip


class PostgreSql(Measured):
    """Cuts PostgreSQL's protocol into messages."""

    __slots__ = ("starting", "starts")

    name = "postgresql"
    ports = (5432, 5433, 6432)
    head = 5

    shared: Conversation

    def remembered(self, whole: bool) -> Conversation:
        """Return what the halves of a stream share."""
        return Conversation()

    def start(self, whole: bool) -> None:
        """Prepare a half."""
        # Whether the client has not said yet who it is, or the server nothing yet.
        self.starting = whole
        self.starts = STARTS[self.direction]

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        """Say how long the message is that begins at ``data[start]``."""
        if self.starting and self.direction == 0:
            if is_tls(data, start):
                return tunnel("tls")
            if data[start:] == b"\x16" and not ended:
                return need()
        return super().frame(data, start, ended)

    def measure(self, data: bytes, start: int, sought: bool) -> int:
        """Return how long a message is."""
        left = len(data) - start
        if self.starting and not sought:
            if self.direction == 0:
                if left < 8:
                    return left - 8
                length = int.from_bytes(data[start : start + 4])
                known = is_startup(int.from_bytes(data[start + 4 : start + 8]))
                return length if known and 8 <= length <= MAX_STARTUP else 0
            if data[start] in b"SNG" and self.shared.asked:
                return 1
            # A request that was captured later, perhaps.
            if data[start] in b"SN" and left < 2:
                return -1
            if data[start] in b"SN" and data[start + 1] != 0:
                return 1
        if data[start] not in TYPES[self.direction]:
            return 0
        if left < 5:
            return left - 5
        length = int.from_bytes(data[start + 1 : start + 5])
        if data[start] in EMPTY[self.direction] and length != 4:
            return 0
        return 1 + length if 4 <= length <= MAX_LENGTH else 0

    def answer(self, data: bytes, start: int, length: int) -> Answer:
        """Return the answer for a message that begins there."""
        if not self.starting:
            return super().answer(data, start, length)
        if self.direction == 0:
            number = int.from_bytes(data[start + 4 : start + 8])
            if number in (SSL, GSS):
                self.shared.asked += 1
            else:
                self.starting = False
            answer = message(length, 8)
            return noted(answer, read, 0, data[start : start + 8], number)
        if length > 1:
            self.starting = False
            return super().answer(data, start, length)
        self.shared.asked = max(0, self.shared.asked - 1)
        octets = data[start : start + 1]
        answer = noted(message(1, 1), read, 1, octets, octets[0])
        if octets in (b"S", b"G"):
            return leads_to(answer, "tls" if octets == b"S" else "gss", octets)
        return answer

    reader = staticmethod(read)

    def reset(self) -> None:
        """Forget where a message begins."""
        super().reset()
        self.starting = False

    def begins(self, data: bytes, ended: bool) -> int:
        """Say whether a half that begins so is PostgreSQL."""
        if data[:1] == b"\0":
            if len(data) < 8:
                fits = b"\0\0".startswith(data[:2]) and not ended
                return TOO_SHORT if fits else NOT_ITS_OWN
            length = int.from_bytes(data[:4])
            known = is_startup(int.from_bytes(data[4:8]))
            return ITS_OWN if known and 8 <= length <= MAX_STARTUP else NOT_ITS_OWN
        if data[:1] in (b"S", b"N", b"G") and (len(data) < 2 or data[1:2] in b"RENv"):
            return CANNOT_SAY if len(data) > 1 or ended else TOO_SHORT
        if data[:1] == b"R" and len(data) < 9 and not ended:
            fits = b"R\0\0".startswith(data[:3])
            return TOO_SHORT if fits else NOT_ITS_OWN
        return ITS_OWN if OWN_AUTHENTICATION.match(data) else NOT_ITS_OWN

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes, where their first type says it."""
        if len(data) < 6 or data[1] != 0:
            return -1
        sides = [side for side in (0, 1) if data[0] in TYPES[side]]
        return sides[0] if len(sides) == 1 else -1


def is_startup(number: int) -> bool:
    """Return whether a message without a type begins with such a number."""
    return number in UNTYPED or number >> 16 == 3
