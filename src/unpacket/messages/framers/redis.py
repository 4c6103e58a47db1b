"""Redis (RESP 2 and 3): commands and replies, each with all the values in it.

A command may also be a line. Behind a hole a command is found by how arrays begin; of
what the server sends nobody can say whether it is a reply or a part of one.
"""

import re
from typing import Any

from unpacket.messages.answers import Answer, message, need, part, refuse, skip
from unpacket.messages.constants import CANNOT_SAY, ITS_OWN, NOT_ITS_OWN, TOO_SHORT
from unpacket.messages.framer import UNDECIDED
from unpacket.messages.framers.noted import Noted, Octets, noted, text
from unpacket.messages.framers.resp import TYPES, Bad, Values, shown
from unpacket.messages.framers.sided import Sided
from unpacket.messages.framers.spoken import READABLE, line_length

COMMAND = re.compile(rb"\*\d{1,7}\r\n\$\d{1,10}\r\n")
# A line that begins a value, as it is sought.
VALUE = re.compile(
    rb"(?:[+-][ -~]{1,200}|:[+-]?\d{1,19}|_|#[tf]|,[-+0-9.einfa]{1,40}"
    rb"|\([+-]?\d{1,200}|[*%~>|$=!](?:\d{1,10}|-1|\?))\r\n"
)
INLINE = re.compile(rb"[A-Za-z]{2,20}(?:[ \t][^\r\n]*)?\r?\n")
LONGEST = 240
# What a client begins with, or says again and again.
USUAL = set(
    b"AUTH BLPOP BRPOP CLIENT COMMAND CONFIG DEL ECHO EVAL EVALSHA EXEC EXISTS EXPIRE "
    b"GET HELLO HGET HGETALL HMSET HSET INCR INFO KEYS LLEN LPOP LPUSH LRANGE MGET "
    b"MONITOR MSET MULTI PING PSUBSCRIBE PSYNC PUBLISH QUIT REPLCONF RPOP RPUSH SADD "
    b"SCAN SELECT SET SETEX SMEMBERS SUBSCRIBE SYNC TTL TYPE XADD XREAD ZADD "
    b"ZRANGE".split()
)
ANSWERS = b"+-:$_#,(%~>=!"


def read_command(message: Noted, facts: dict[str, Any]) -> str:
    """Read a command and its arguments."""
    octets = message.seen()
    if octets[:1] == b"*":
        words = shown(Octets(octets))
    else:
        words = text(octets.rstrip(b"\r\n")).split()
    words = [str(word) for word in words or ()]
    facts["command"] = words[0].upper() if words else ""
    facts["arguments"] = words[1:]
    return " ".join(words)


def read_reply(message: Noted, facts: dict[str, Any]) -> str:
    """Read a reply."""
    octets = message.seen()
    if octets[:1] == b"|":
        facts["type"] = "attribute"
    else:
        facts["type"] = TYPES.get(octets[0], "text") if octets else "text"
    if octets[:1] and octets[0] not in TYPES:
        facts["value"] = text(octets.rstrip(b"\r\n"))
        return str(facts["value"])
    reader = Octets(octets)
    if octets[:1] == b"|":
        facts["attributes"] = shown(reader)
        facts["type"] = TYPES.get(octets[reader.at], "text") if reader.left else "text"
    first = reader.at + 1
    facts["value"] = value = shown(reader)
    if isinstance(value, list):
        count = text(octets[first : octets.find(b"\r", first)])
        return f"{facts['type']} of {count}"
    return f"{facts['type']} {value}"


class Redis(Sided):
    """Cuts RESP into commands and replies."""

    __slots__ = ("doubted", "values")

    name = "redis"
    ports = (6379, 6380, 26379)

    def start(self, whole: bool) -> None:
        """Prepare a half."""
        self.values = Values()
        # Whether a reply may be a part of one.
        self.doubted = not whole and self.direction == 1

    def frame(self, data: bytes, start: int, ended: bool) -> Answer:
        """Say how far the values reach that begin, or go on, at ``data[start]``."""
        if not self.certain:
            return self.regain(data, start, ended)
        fresh = not self.values.open
        if fresh:
            if self.direction == 0 and data[start] != 0x2A:
                return self.inline(data, start, ended)
            self.values.open.append(1)
        try:
            stop = self.values.advance(data, start)
        except Bad:
            self.values.open.clear()
            self.certain = False
            return refuse()
        if stop == start:
            if fresh:
                self.values.open.clear()
            return need()
        answer = (part if self.values.open else message)(stop - start)
        if not fresh:
            return answer
        if self.doubted:
            answer.anomaly = "perhaps-a-part"
        reader = read_reply if self.direction else read_command
        return noted(answer, reader, self.direction)

    def inline(self, data: bytes, start: int, ended: bool) -> Answer:
        """Cut a command that is a line."""
        length = line_length(data, start)
        if length == 0:
            return refuse() if ended or len(data) - start > 8192 else need()
        if READABLE.match(data, start, start + length) is None:
            self.certain = False
            return refuse()
        return noted(message(length), read_command, 0)

    def regain(self, data: bytes, start: int, ended: bool) -> Answer:
        """Look whether a value begins behind the end of a line."""
        if data[start : start + 2] != b"\r\n":
            return need() if data[start:] == b"\r" else refuse()
        pattern = VALUE if self.direction else COMMAND
        if pattern.match(data, start + 2) is not None:
            self.certain = True
            return skip(2)
        if len(data) - start < LONGEST and not ended:
            return need()
        return refuse()

    def find_start(self, data: bytes, start: int, ended: bool) -> int:
        """Return where a line ends behind which a value may begin."""
        if self.certain:
            return start
        found = data.find(b"\r\n", start)
        if found >= 0:
            return found
        return len(data) - 1 if data.endswith(b"\r", start) else len(data)

    def begins(self, data: bytes, ended: bool) -> int:
        """Say whether a half that begins so is RESP: with an array of strings."""
        if COMMAND.match(data) is not None:
            return ITS_OWN
        if VALUE.match(data) is not None:
            if data[:1] != b"*" or ended or len(data) > LONGEST:
                return CANNOT_SAY
            # The first of its values may still say it.
            behind = data[data.find(b"\n") + 1 :]
            return TOO_SHORT if re.match(rb"(?:\$\d*\r?)?\Z", behind) else CANNOT_SAY
        if INLINE.match(data) is not None:
            return CANNOT_SAY
        begun = re.match(rb"[-*+:$_#,(%~>=!A-Za-z][ -~]*\r?\Z", data) is not None
        short = len(data) < LONGEST and not ended
        return TOO_SHORT if begun and short else NOT_ITS_OWN

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes: arrays that name a command, or other values."""
        found = COMMAND.match(data)
        if found is not None:
            word = data[found.end() : found.end() + 16].split(b"\r\n")[0].upper()
            return 0 if word in USUAL else UNDECIDED
        return 1 if data[:1] in ANSWERS and VALUE.match(data) else UNDECIDED

    def reset(self) -> None:
        """Forget where a value begins."""
        self.certain = False
        self.values.open.clear()
        self.doubted = self.direction == 1
