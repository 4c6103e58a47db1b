"""FTP's control connection (RFC 959): commands and replies, and where data flows.

What PORT, EPRT (RFC 2428), PASV and EPSV agree on is in the facts of the command or
the reply: who is connected to, and who connects. The command behind it says what is
transferred.
"""

import ipaddress
import re
from collections.abc import Sequence
from typing import Any

from unpacket.messages.answers import Answer, tunnel
from unpacket.messages.constants import CANNOT_SAY, ITS_OWN, NOT_ITS_OWN
from unpacket.messages.framers.noted import Noted, leads_to, noted
from unpacket.messages.framers.sided import Asked, is_tls
from unpacket.messages.framers.spoken import (
    REPLY,
    Spoken,
    line_length,
    word_of,
)
from unpacket.messages.framers.spoken import read_command as read_line_command
from unpacket.messages.framers.spoken import read_reply as read_lines

COMMANDS = (
    b"USER PASS ACCT CWD CDUP SMNT QUIT REIN PORT PASV TYPE STRU MODE RETR STOR STOU "
    b"APPE ALLO REST RNFR RNTO ABOR DELE RMD MKD PWD XPWD XMKD XRMD XCWD XCUP LIST "
    b"NLST SITE SYST STAT HELP NOOP FEAT OPTS AUTH ADAT PROT PBSZ CCC MIC CONF ENC "
    b"EPRT EPSV LPRT LPSV MDTM MFMT SIZE MLST MLSD LANG HOST CLNT"
).split()
COMMAND = re.compile(rb"(?:%s)(?=[ \r\n])" % b"|".join(COMMANDS), re.IGNORECASE)
GREETING = re.compile(rb"(?:220|120)[ -][^\n]*\b\w*FTP", re.IGNORECASE)
# With these commands a client begins.
FIRST = re.compile(
    rb"(?:USER|AUTH|FEAT|HOST|SYST|CLNT|OPTS|QUIT)[ \r\n]", re.IGNORECASE
)

SIX = re.compile(rb"(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})")
EXTENDED = re.compile(rb"([!-~])([12]?)\1([0-9A-Fa-f:.]*)\1(\d{1,5})\1")
# What moves data.
TRANSFERS = {"RETR", "STOR", "STOU", "APPE", "LIST", "NLST", "MLSD"}


def address_of(line: bytes) -> tuple[str | None, int] | None:
    """Return address and port that a command or a reply names; None if none.

    The address is None where it is the one of whoever says it (RFC 2428 section 3).
    """
    six = SIX.search(line)
    if six is not None:
        numbers = [int(one) for one in six.groups()]
        if max(numbers) < 256:
            address = str(ipaddress.ip_address(bytes(numbers[:4])))
            return address, numbers[4] << 8 | numbers[5]
    extended = EXTENDED.search(line)
    if extended is None or int(extended[4]) > 0xFFFF:
        return None
    if not extended[3]:
        return None, int(extended[4])
    try:
        address = str(ipaddress.ip_address(extended[3].decode("ascii")))
    except ValueError:
        return None
    return address, int(extended[4])


def endpoint(found: tuple[str | None, int], own: Any) -> str:
    """Return an address and a port as text; ``own`` is the end that says them."""
    address, port = found
    host = str(own.address) if address is None else address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def read_command(message: Noted, facts: dict[str, Any]) -> str:
    """Read a command; the context is where the transfer that it begins connects to."""
    summary = read_line_command(message, facts)
    if facts["command"] in ("PORT", "EPRT"):
        found = address_of(message.octets())
        if found is not None:
            facts["data_listens"] = endpoint(found, message.client)
            facts["data_connects"] = "server"
    elif message.context is not None:
        facts["data_listens"] = endpoint(message.context, message.server)
    return summary


def read_reply(message: Noted, facts: dict[str, Any]) -> str:
    """Read a reply; those to PASV and EPSV say where the data connection goes."""
    summary = read_lines(message, facts)
    if facts.get("code") in (227, 229):
        found = address_of(message.octets())
        if found is not None:
            facts["data_listens"] = endpoint(found, message.server)
            facts["data_connects"] = "client"
    return summary


class Conversation:
    """What the halves know of each other.

    Attributes:
        asked: The commands without a reply.
        greeted: Whether the server has said who it is.
        may_encrypt: Whether the client has asked for TLS.
        data: Where the next transfer connects to, as far as it was agreed on.
    """

    def __init__(self, whole: bool) -> None:
        self.asked = Asked(whole)
        self.greeted = not whole
        self.may_encrypt = False
        self.data: tuple[str | None, int] | None = None


class Ftp(Spoken):
    """Cuts the control connection of FTP into commands and replies."""

    __slots__ = ()

    name = "ftp"
    reply_reader = staticmethod(read_reply)
    ports = (21, 2121)

    shared: Conversation

    def remembered(self, whole: bool) -> Conversation:
        """Return what the halves of a stream share."""
        return Conversation(whole)

    def client(self, data: bytes, start: int, ended: bool) -> Answer:
        """Cut commands."""
        shared = self.shared
        if shared.may_encrypt and is_tls(data, start):
            return tunnel("tls")
        length = line_length(data, start)
        if length == 0:
            return self.unfinished(data, start, ended)
        answer = self.plain(data, start, length)
        if answer.item is None or COMMAND.match(data, start) is None:
            return answer
        line = data[start : start + length]
        word = word_of(line).decode("ascii", "replace")
        shared.asked.ask(word)
        shared.may_encrypt = word == "AUTH"
        if word in ("PORT", "EPRT"):
            shared.data = address_of(line)
        where = shared.data if word in TRANSFERS else None
        return noted(answer, read_command, 0, context=where)

    def server(self, data: bytes, start: int, ended: bool) -> Answer:
        """Cut replies."""
        return self.reply(data, start, ended)

    def context(self) -> str | None:
        """Return the command that a reply answers, if that is certain."""
        asked = self.shared.asked
        return asked.first() if self.shared.greeted and asked.certain else None

    def replied(self, code: int, answer: Answer, line: bytes) -> Answer:
        """Learn what the server has decided."""
        shared = self.shared
        if 100 <= code < 200:
            # Another one follows.
            return answer
        if not shared.greeted:
            shared.greeted = True
            return answer
        shared.asked.answer()
        if code == 234 and shared.may_encrypt:
            return leads_to(answer, "tls", line)
        return answer

    def reset(self) -> None:
        """Forget where a line begins."""
        super().reset()
        self.shared.asked.lose()
        self.shared.greeted = True
        self.shared.data = None

    def reply(self, data: bytes, start: int, ended: bool) -> Answer:
        """Cut a reply, and remember where its data connection goes."""
        answer = super().reply(data, start, ended)
        found = REPLY.match(data, start)
        if answer.length and found is not None and found[1] in (b"227", b"229"):
            self.shared.data = address_of(data[start : start + answer.length])
        return answer

    def first_line(self, line: bytes) -> int:
        """Say whether a half that begins so is FTP: with a greeting that says it."""
        if GREETING.match(line) is not None:
            return ITS_OWN
        known = COMMAND.match(line) or line.startswith(
            (b"220 ", b"220-", b"120 ", b"421 ")
        )
        return CANNOT_SAY if known else NOT_ITS_OWN

    def together(self, first: Sequence[bytes], ended: bool) -> int:
        """Say whether both sides are: a greeting, and what a client begins with."""
        for one, other in (first, first[::-1]):
            if REPLY.match(one) is not None and FIRST.match(other) is not None:
                return ITS_OWN
        return CANNOT_SAY

    def side(self, data: bytes, ended: bool) -> int:
        """Return who sends such bytes: replies have numbers."""
        if REPLY.match(data) is not None:
            return 1
        return 0 if COMMAND.match(data) is not None else -1
