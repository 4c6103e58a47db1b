"""MySQL and MariaDB: packets with a length and a number, which begins anew with each
command.

Compression (of zlib, or else) puts packets into others, which are not looked into.
"""

import re
from typing import Any

from unpacket.messages.answers import Answer, message, need, tunnel
from unpacket.messages.constants import CANNOT_SAY, ITS_OWN, NOT_ITS_OWN, TOO_SHORT
from unpacket.messages.framers.measured import Measured
from unpacket.messages.framers.noted import Noted, Octets, leads_to, noted, text
from unpacket.messages.framers.sided import is_tls

HEADER = 4
COMPRESSED_HEADER = 7
# Capabilities.
WITH_DATABASE, COMPRESS, PROTOCOL_41, SSL = 0x8, 0x20, 0x200, 0x800
SECURE, PLUGIN, LENGTH_ENCODED, ZSTD = 0x8000, 0x80000, 0x200000, 0x4000000
SSL_REQUEST = 32
# The longest packet that is sought.
MAX_SOUGHT = 0xFFFF
COMMANDS = {
    0: "SLEEP", 1: "QUIT", 2: "INIT_DB", 3: "QUERY", 4: "FIELD_LIST", 5: "CREATE_DB",
    6: "DROP_DB", 7: "REFRESH", 8: "SHUTDOWN", 9: "STATISTICS", 10: "PROCESS_INFO",
    11: "CONNECT", 12: "PROCESS_KILL", 13: "DEBUG", 14: "PING", 15: "TIME",
    16: "DELAYED_INSERT", 17: "CHANGE_USER", 18: "BINLOG_DUMP", 19: "TABLE_DUMP",
    20: "CONNECT_OUT", 21: "REGISTER_SLAVE", 22: "STMT_PREPARE", 23: "STMT_EXECUTE",
    24: "STMT_SEND_LONG_DATA", 25: "STMT_CLOSE", 26: "STMT_RESET", 27: "SET_OPTION",
    28: "STMT_FETCH", 29: "DAEMON", 30: "BINLOG_DUMP_GTID", 31: "RESET_CONNECTION",
    32: "CLONE", 33: "SUBSCRIBE_GROUP_REPLICATION_STREAM",
}  # fmt: skip
# Those that say something in words.
WORDS = {"INIT_DB", "QUERY", "CREATE_DB", "DROP_DB", "STMT_PREPARE"}
# A greeting: version 10 and a version that can be read.
GREETING = re.compile(rb"(..)\x00\x00\x0a([ -~]{1,80})\x00.{4}", re.DOTALL)
# What may be one, cut at its end.
BEGUN = re.compile(
    rb"(?:.|..|..\x00|..\x00\x00|..\x00\x00\x0a[ -~]{0,80}(?:\x00.{0,3})?)?\Z",
    re.DOTALL,
)


class Conversation:
    """What the halves know of each other.

    Attributes:
        capabilities: Those of the client; 0 as long as it has said none.
        compressed: Whether packets are in others.
        known: Whether the server has let the client in.
    """

    def __init__(self, whole: bool) -> None:
        self.capabilities = 0
        self.compressed = False
        self.known = not whole


def read(message: Noted, facts: dict[str, Any]) -> str:
    """Read a packet; the context is what kind it is, and what that kind needs."""
    head = message.head
    octets = Octets(message.seen())
    kind, capabilities = message.context
    facts["type"] = kind
    if kind == "compressed":
        facts["sequence"] = head[3]
        return f"compressed, {int.from_bytes(head[:3], 'little')} bytes"
    facts["sequence"] = head[3]
    if kind == "greeting":
        return read_greeting(octets, facts)
    if kind in ("login", "ssl_request"):
        return read_login(Octets(message.octets(), HEADER), facts)
    if kind == "command":
        return read_command(octets, facts, capabilities)
    if message.side == 1:
        return read_response(octets, facts)
    return f"{kind}, {octets.left} bytes"


def read_greeting(octets: Octets, facts: dict[str, Any]) -> str:
    """Read who the server says that it is."""
    octets.take(1)
    facts["version"] = text(octets.until(b"\0"))
    facts["thread"] = octets.little(4)
    octets.take(9)
    capabilities = octets.little(2)
    if octets.left:
        octets.take(3)
        capabilities |= octets.little(2) << 16
    facts["ssl"] = bool(capabilities & SSL)
    return f"greeting {facts['version']}"


def read_login(octets: Octets, facts: dict[str, Any]) -> str:
    """Read who the client says that it is; what proves it is left out."""
    low = octets.little(2)
    capabilities = low | (octets.little(2) << 16 if low & PROTOCOL_41 else 0)
    facts["ssl"] = bool(capabilities & SSL)
    if not low & PROTOCOL_41:
        octets.take(3)
        facts["user"] = text(octets.until(b"\0"))
        return f"login {facts['user']}"
    octets.take(28)
    if facts["type"] == "ssl_request":
        return "ssl_request"
    facts["user"] = text(octets.until(b"\0"))
    if capabilities & (LENGTH_ENCODED | SECURE):
        octets.sized(1)
    else:
        octets.until(b"\0")
    if capabilities & WITH_DATABASE:
        facts["database"] = text(octets.until(b"\0"))
    if capabilities & PLUGIN and octets.left:
        facts["plugin"] = text(octets.until(b"\0"))
    return f"login {facts['user']}"


def read_command(octets: Octets, facts: dict[str, Any], capabilities: int) -> str:
    """Read a command."""
    number = octets.number(1)
    name = COMMANDS.get(number, str(number))
    facts["command"] = name
    if name in WORDS:
        words = octets.rest()
        if name == "QUERY" and capabilities & 0x8000000 and words[1:2] == b"\1":
            # Attributes come before it; without any they are two bytes.
            if words[:1] != b"\0":
                facts["attributes"] = words[0]
                return name
            words = words[2:]
        facts["text"] = text(words)
        return f"{name} {facts['text']}"
    if name in ("STMT_EXECUTE", "STMT_CLOSE", "STMT_RESET", "STMT_FETCH"):
        facts["statement"] = octets.little(4)
    return name


def read_response(octets: Octets, facts: dict[str, Any]) -> str:
    """Read what begins like an answer; all else is columns, rows, and the like."""
    first = octets.data[:1]
    if first == b"\xff" and octets.left >= 3:
        octets.take(1)
        facts["type"] = "error"
        facts["code"] = octets.little(2)
        words = octets.rest()
        if words[:1] == b"#":
            facts["sqlstate"] = text(words[1:6])
            words = words[6:]
        facts["message"] = text(words)
        return f"error {facts['code']} {facts['message']}"
    if first == b"\xfe" and octets.left < 9:
        facts["type"] = "end"
    elif first == b"\0" and octets.left >= 7 and facts["sequence"] < 32:
        facts["type"] = "ok"
    elif octets.left == 1 and facts["sequence"] == 1:
        facts["type"] = "columns"
        facts["columns"] = octets.number(1)
        return f"columns {facts['columns']}"
    return str(facts["type"])


class MySql(Measured):
    """Cuts MySQL's protocol into packets."""

    __slots__ = ()

    name = "mysql"
    ports = (3306, 33060)
    # What is sought is short.
    starts = re.compile(rb"..\x00|.{1,2}\Z", re.DOTALL)

    shared: Conversation

    def remembered(self, whole: bool) -> Conversation:
        """Return what the halves of a stream share."""
        return Conversation(whole)

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        """Say how long the packet is that begins at ``data[start]``."""
        early = self.direction == 0 and not self.shared.known and self.certain
        if early and is_tls(data, start):
            # A packet may have such a length; then its number is 1.
            if len(data) - start < HEADER and not ended:
                return need(start + HEADER - len(data))
            if data[start + 3 : start + 4] != b"\1":
                return tunnel("tls")
        return super().frame(data, start, ended)

    def measure(self, data: bytes, start: int, sought: bool) -> int:
        """Return how long a packet is."""
        header = COMPRESSED_HEADER if self.shared.compressed else HEADER
        left = len(data) - start
        if left < header:
            return left - header
        length = int.from_bytes(data[start : start + 3], "little")
        if sought:
            number = data[start + 3]
            if not 0 < length <= MAX_SOUGHT:
                return 0
            if self.direction == 0:
                if number != 0 or self.shared.compressed:
                    return 0
                if left == header:
                    return -1
                if data[start + header] not in COMMANDS:
                    return 0
            elif number == 0:
                return 0
        elif not self.shared.known:
            # What it is decides what follows.
            missing = header + min(length, SSL_REQUEST) - left
            if missing > 0:
                return -missing
        return header + length

    def follows(self, data: bytes, start: int, at: int) -> int:
        """Return whether a packet may follow: its number has to be the next."""
        if self.direction == 0:
            return super().follows(data, start, at)
        missing = at + HEADER - len(data)
        if missing > 0:
            return -missing
        length = int.from_bytes(data[at : at + 3], "little")
        # Or else it is the first one of the next answer.
        is_next = data[at + 3] in (data[start + 3] + 1 & 0xFF, 1)
        return HEADER + length if is_next and 0 < length <= MAX_SOUGHT else 0

    def answer(self, data: bytes, start: int, length: int) -> Answer:
        """Return the answer for a packet that begins there."""
        shared = self.shared
        if shared.compressed:
            head = data[start : start + COMPRESSED_HEADER]
            answer = message(length, COMPRESSED_HEADER)
            return noted(answer, read, self.direction, head, ("compressed", 0))
        head = data[start : start + HEADER]
        number = head[3]
        # Of an empty packet, none.
        first = data[start + HEADER : start + min(length, HEADER + 1)]
        kind = "data"
        if self.direction == 1:
            if not shared.known and number == 0 and first == b"\x0a":
                kind = "greeting"
            elif not shared.known and first == b"\0" and number > 1:
                shared.known = True
                wanted = shared.capabilities & (COMPRESS | ZSTD)
                shared.compressed = bool(wanted)
        elif number == 0:
            kind = "command"
            shared.known = True
        elif not shared.known and not shared.capabilities:
            kind = "login"
        answer = noted(message(length, HEADER), read, self.direction, head)
        answer.item.context = (kind, shared.capabilities)
        if kind == "login":
            return self.login(data, start, length, answer)
        return answer

    def login(self, data: bytes, start: int, length: int, answer: Answer) -> Answer:
        """Learn what the client can, and whether TLS follows."""
        octets = data[start : start + HEADER + 4]
        if length < HEADER + 4:
            return answer
        self.shared.capabilities = int.from_bytes(octets[HEADER:], "little")
        if not self.shared.capabilities & PROTOCOL_41:
            self.shared.capabilities &= 0xFFFF
        if self.shared.capabilities & SSL and length == HEADER + SSL_REQUEST:
            answer.item.context = ("ssl_request", 0)
            return leads_to(answer, "tls", data[start : start + length])
        return answer

    reader = staticmethod(read)

    def begins(self, data: bytes, ended: bool) -> int:
        """Say whether a half that begins so is MySQL: with a greeting."""
        found = GREETING.match(data)
        if found is not None:
            length = int.from_bytes(found[1], "little")
            return ITS_OWN if length >= len(found[0]) - 4 else NOT_ITS_OWN
        if BEGUN.match(data) is not None and not ended:
            return TOO_SHORT
        # What a client says first has the number 1.
        return CANNOT_SAY if data[2:4] in (b"\0\1", b"\0\0") else NOT_ITS_OWN

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes: commands have the number 0."""
        if len(data) < 5 or data[2] != 0:
            return -1
        if data[3] == 0:
            return 1 if data[4] == 10 else 0 if data[4] in COMMANDS else -1
        return 1
