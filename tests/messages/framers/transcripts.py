"""Conversations of the protocols that have a framer, and what each message of them is.

A row is who sends (0 the client, 1 the server), what, and what comes of it: for each
message its length and some of its facts. Offsets follow from the lengths.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.messages.framers import wire
from tests.messages.framers.wire import u
from unpacket.messages import Framer
from unpacket.messages.framers.ftp import Ftp
from unpacket.messages.framers.imap import Imap
from unpacket.messages.framers.mysql import MySql
from unpacket.messages.framers.pop3 import Pop3
from unpacket.messages.framers.postgresql import PostgreSql
from unpacket.messages.framers.redis import Redis
from unpacket.messages.framers.smtp import Smtp

Told = tuple[int, dict[str, Any]]
Row = tuple[int, bytes, list[Told]]


class Transcript(NamedTuple):
    """A conversation.

    Attributes:
        make: Makes the framer.
        rows: What is said, and what it is.
        port: Of the server; one that says nothing, so that content has to.
        tunnel: What begins behind the last row, if anything does.
        undecided: Sides and offsets of messages whose end only the next one shows.
    """

    make: Callable[[], Framer]
    rows: list[Row]
    port: int = 9
    tunnel: str | None = None
    undecided: tuple[tuple[int, int], ...] = ()

    @property
    def turns(self) -> list[tuple[int, bytes]]:
        return [(side, octets) for side, octets, _ in self.rows]


def line(side: int, octets: bytes, **facts: Any) -> Row:
    """Return a row of one message that is all of what is said."""
    return side, octets, [(len(octets), facts)]


def several(side: int, *messages: tuple[bytes, dict[str, Any]]) -> Row:
    """Return a row of several messages, each with its facts."""
    octets = b"".join(octets for octets, _ in messages)
    return side, octets, [(len(one), facts) for one, facts in messages]


MAIL = (
    b"From: Ann <ann@example.org>\r\nTo: bob@example.org\r\n"
    b"Subject: =?utf-8?q?caf=C3=A9?=\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\n\r\nhello\r\n..dots\r\n"
    b"--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
    b'Content-Disposition: attachment; filename="a.png"\r\n\r\niVBORw0K\r\n--b--\r\n'
)

SMTP = Transcript(
    Smtp,
    [
        line(1, b"220 mx.example.org ESMTP\r\n", code=220, answers=None),
        line(0, b"EHLO me\r\n", command="EHLO", argument="me"),
        line(1, b"250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n", code=250,
             text=["mx", "PIPELINING", "CHUNKING"], answers="EHLO"),
        (0, b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n",
         [(17, {"command": "MAIL"}), (15, {"command": "RCPT"}),
          (6, {"command": "DATA"})]),
        (1, b"250 ok\r\n250 ok\r\n354 go\r\n",
         [(8, {"answers": "MAIL"}), (8, {"answers": "RCPT"}),
          (8, {"answers": "DATA"})]),
        (0, MAIL + b".\r\n",
         [(len(MAIL) + 3, {"subject": "café", "from": "Ann <ann@example.org>"})]),
        line(1, b"250 queued\r\n", code=250, answers="mail"),
        line(0, b"DATA\r\n", command="DATA"),
        line(1, b"503 no\r\n", code=503, answers="DATA"),
        (0, b"BDAT 17\r\nSubject: chunks\r\nBDAT 6 LAST\r\n\r\nbody",
         [(9 + 17 + 13 + 6, {"subject": "chunks"})]),
        line(1, b"250 one\r\n", answers="BDAT"),
        line(1, b"250 two\r\n", answers="BDAT"),
        (0, b"BDAT 3\r\nabcRSET\r\n", [(11, {}), (6, {"command": "RSET"})]),
        line(1, b"250 three\r\n", answers="BDAT"),
        line(1, b"250 four\r\n", answers="RSET"),
        line(0, b"QUIT\r\n", command="QUIT"),
        line(1, b"221 bye\r\n", code=221, answers="QUIT"),
    ],
)  # fmt: skip

HELLO = wire.record(22, wire.client_hello([0x1301], wire.server_name(b"h")))
TLS_TURNS: list[Row] = [
    line(0, HELLO, type="handshake"),
    line(1, wire.record(22, wire.server_hello(0x1301)), type="handshake"),
]

SMTP_TLS = Transcript(
    Smtp,
    [
        line(1, b"220 mx ESMTP\r\n", code=220),
        line(0, b"STARTTLS\r\n", command="STARTTLS"),
        line(1, b"220 go\r\n", code=220, answers="STARTTLS"),
        *TLS_TURNS,
    ],
    tunnel="tls",
)

FTP = Transcript(
    Ftp,
    [
        line(1, b"220-hello\r\n there\r\n220 ready\r\n", code=220, answers=None),
        line(0, b"USER me\r\n", command="USER", argument="me"),
        line(1, b"230 in\r\n", code=230, answers="USER"),
        line(0, b"PASV\r\n", command="PASV"),
        line(1, b"227 Entering (192,0,2,9,4,1)\r\n", code=227,
             data_listens="192.0.2.9:1025", data_connects="client"),
        line(0, b"RETR a\r\n", command="RETR", data_listens="192.0.2.9:1025"),
        (1, b"150 now\r\n226 done\r\n",
         [(9, {"answers": "RETR"}), (10, {"answers": "RETR"})]),
        line(0, b"EPSV\r\n", command="EPSV"),
        line(1, b"229 Ok (|||6446|)\r\n", data_listens="10.0.0.2:6446"),
        line(0, b"EPRT |2|2001:db8::1|5282|\r\n", command="EPRT",
             data_listens="[2001:db8::1]:5282", data_connects="server"),
        line(1, b"200 ok\r\n", answers="EPRT"),
        line(0, b"PORT 10,0,0,1,255,255\r\n", data_listens="10.0.0.1:65535"),
        line(1, b"200 ok\r\n", answers="PORT"),
        line(0, b"PORT 10,0,0,256,1,1\r\n", data_listens="absent"),
        line(1, b"501 no\r\n", code=501),
    ],
)  # fmt: skip

FTP_TLS = Transcript(
    Ftp,
    [
        line(1, b"220 FTP server\r\n", code=220),
        line(0, b"AUTH TLS\r\n", command="AUTH"),
        line(1, b"234 go\r\n", code=234, answers="AUTH"),
        *TLS_TURNS,
    ],
    tunnel="tls",
)

POP3 = Transcript(
    Pop3,
    [
        line(1, b"+OK hello\r\n", status="+OK", answers=None),
        line(0, b"USER me\r\n", command="USER"),
        line(1, b"+OK\r\n", status="+OK", answers="USER"),
        line(0, b"LIST\r\n", command="LIST"),
        line(1, b"+OK two\r\n1 120\r\n2 7\r\n.\r\n", lines=["1 120", "2 7"]),
        line(0, b"LIST 2\r\n", argument="2"),
        line(1, b"+OK 2 7\r\n", text="2 7", lines=[], answers="LIST"),
        line(0, b"UIDL\r\n", command="UIDL"),
        line(1, b"+OK\r\n.\r\n", lines=[], answers="UIDL"),
        (0, b"RETR 1\r\nRETR 9\r\n", [(8, {}), (8, {})]),
        (1, b"+OK\r\n" + MAIL + b".\r\n-ERR none\r\n",
         [(len(MAIL) + 8, {"subject": "café", "answers": "RETR"}),
          (11, {"status": "-ERR", "answers": "RETR"})]),
        line(0, b"QUIT\r\n", command="QUIT"),
        line(1, b"+OK bye\r\n", answers="QUIT"),
    ],
)  # fmt: skip

POP3_TLS = Transcript(
    Pop3,
    [
        line(1, b"+OK POP3\r\n", status="+OK"),
        line(0, b"STLS\r\n", command="STLS"),
        line(1, b"+OK go\r\n", answers="STLS"),
        *TLS_TURNS,
    ],
    tunnel="tls",
)

IMAP = Transcript(
    Imap,
    [
        line(1, b"* OK [CAPABILITY IMAP4rev1] hi\r\n", tag="*", status="OK"),
        line(0, b"a1 LOGIN {2}\r\n", tag="a1", command="LOGIN"),
        line(1, b"a1 NO not so\r\n", tag="a1", status="NO", answers="LOGIN"),
        line(0, b"a2 LOGIN {2+}\r\nme {3+}\r\na\r\n\r\n", argument="{2+}"),
        line(1, b"a2 OK in\r\n", answers="LOGIN"),
        line(0, b"a3 UID FETCH 7 (BODY[])\r\n", command="UID FETCH"),
        (1, b"* 7 FETCH (BODY[] {9}\r\na OK\r\nb)\r UID 7)\r\na3 OK done\r\n",
         [(41, {"number": 7, "name": "FETCH"}), (12, {"answers": "UID"})]),
        (0, b"a4 APPEND x {5}\r\n", []),
        line(1, b"+ go\r\n", tag="+", text="go"),
        (0, b"a\r\nb\n\r\n", [(24, {"command": "APPEND", "argument": "x {5}"})]),
        line(1, b"a4 OK kept\r\n", answers="APPEND"),
        line(0, b"a5 IDLE\r\n", command="IDLE"),
        line(1, b"+ idling\r\n", tag="+"),
        line(0, b"DONE\r\n", text="DONE"),
        line(1, b"a5 OK idled\r\n", answers="IDLE"),
    ],
    undecided=((0, 0),),
)  # fmt: skip

IMAP_TLS = Transcript(
    Imap,
    [
        line(1, b"* OK hi\r\n", status="OK"),
        line(0, b". STARTTLS\r\n", tag=".", command="STARTTLS"),
        line(1, b". OK go\r\n", answers="STARTTLS"),
        *TLS_TURNS,
    ],
    tunnel="tls",
)

REDIS = Transcript(
    Redis,
    [
        line(0, b"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n", command="HELLO", arguments=["3"]),
        line(1, b"%2\r\n+server\r\n+redis\r\n+proto\r\n:3\r\n", type="map",
             value=["server", "redis", "proto", 3]),
        several(0, (b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\n\r\n*1\r\n",
                    {"command": "SET", "arguments": ["a", "\r\n*1"]}),
                (b"*2\r\n$3\r\nget\r\n$1\r\na\r\n",
                 {"command": "GET", "arguments": ["a"]})),
        several(1, (b"+OK\r\n", {"type": "status", "value": "OK"}),
                (b"$4\r\n\r\n*1\r\n", {"type": "string", "value": "\r\n*1"})),
        line(0, b"*1\r\n$4\r\nPING\r\n", command="PING", arguments=[]),
        several(1, (b"-ERR no\r\n", {"type": "error", "value": "ERR no"}),
                (b":-7\r\n", {"type": "integer", "value": -7}),
                (b"$-1\r\n", {"type": "string", "value": None}),
                (b"*-1\r\n", {"type": "array", "value": None}),
                (b"_\r\n", {"type": "null"}), (b"#t\r\n", {"value": True}),
                (b",1.5\r\n", {"value": "1.5"}),
                (b"(12345\r\n", {"type": "big number"})),
        line(1, b"*3\r\n:1\r\n*2\r\n$1\r\na\r\n*0\r\n~1\r\n=5\r\ntxt:x\r\n",
             type="array", value=[1, ["a", []], ["txt:x"]]),
        line(1, b"|1\r\n+ttl\r\n:9\r\n*1\r\n+x\r\n", type="array",
             attributes=["ttl", 9], value=["x"]),
        line(1, b"$?\r\n;4\r\n\r\n.\r\r\n;0\r\n", type="string"),
        line(1, b"*?\r\n:1\r\n:2\r\n.\r\n", type="array", value=[1, 2]),
        line(1, b">2\r\n+message\r\n+hi\r\n", type="push", value=["message", "hi"]),
        line(0, b"PING hello\r\n", command="PING", arguments=["hello"]),
        line(1, b"$5\r\nhello\r\n", value="hello"),
    ],
)  # fmt: skip


def pg(letter: bytes, body: bytes = b"") -> bytes:
    """Return a message of PostgreSQL."""
    return letter + u(4, len(body) + 4) + body


STARTUP = b"\0\3\0\0user\0me\0database\0db\0\0"
STARTUP = u(4, len(STARTUP) + 4) + STARTUP
PG_SSL = u(4, 8) + u(4, 80877103)

POSTGRESQL = Transcript(
    PostgreSql,
    [
        line(0, PG_SSL, type="SSLRequest"),
        line(1, b"N", type="EncryptionResponse", accepted=False),
        line(0, STARTUP, type="StartupMessage", version="3.0",
             parameters={"user": "me", "database": "db"}),
        several(1, (pg(b"R", u(4, 0)), {"type": "Authentication", "method": "ok"}),
                (pg(b"S", b"a\0b\0"), {"name": "a", "value": "b"}),
                (pg(b"Z", b"I"), {"type": "ReadyForQuery", "status": "idle"})),
        line(0, pg(b"Q", b"SELECT 1\0"), type="Query", query="SELECT 1"),
        several(1, (pg(b"T", u(2, 1) + b"x\0" + bytes(18)), {"columns": ["x"]}),
                (pg(b"D", u(2, 2) + u(4, 1) + b"1" + b"\xff" * 4),
                 {"values": ["1", None]}),
                (pg(b"C", b"SELECT 1\0"), {"tag": "SELECT 1"}),
                (pg(b"Z", b"I"), {"status": "idle"})),
        several(0, (pg(b"P", b"s\0SELECT $1\0\0\0"),
                    {"type": "Parse", "statement": "s", "query": "SELECT $1"}),
                (pg(b"B", b"p\0s\0" + u(2, 0) + u(2, 1) + u(4, 1) + b"7" + u(2, 0)),
                 {"type": "Bind", "portal": "p", "parameters": 1}),
                (pg(b"E", b"p\0" + u(4, 0)), {"type": "Execute"}),
                (pg(b"S"), {"type": "Sync"})),
        several(1, (pg(b"1"), {"type": "ParseComplete"}),
                (pg(b"E", b"SERROR\0C42P01\0Mno table\0\0"),
                 {"severity": "ERROR", "sqlstate": "42P01", "message": "no table"})),
        line(0, pg(b"X"), type="Terminate"),
    ],
)  # fmt: skip

POSTGRESQL_TLS = Transcript(
    PostgreSql,
    [
        line(0, PG_SSL, type="SSLRequest"),
        line(1, b"S", accepted=True),
        *TLS_TURNS,
    ],
    tunnel="tls",
)


def my(number: int, body: bytes) -> bytes:
    """Return a packet of MySQL."""
    return len(body).to_bytes(3, "little") + u(1, number) + body


MY_GREETING = my(
    0, b"\n8.0.1\0" + u(4, 7) + b"12345678\0" + b"\xff\xff\x21\2\0\xff\xff\x15"
    + bytes(10) + b"123456789012\0mysql_native_password\0"
)  # fmt: skip


def my_login(capabilities: int, more: bytes) -> bytes:
    flags = capabilities.to_bytes(4, "little")
    return my(1, flags + b"\0\0\0\1\x21" + bytes(23) + more)


MYSQL = Transcript(
    MySql,
    [
        line(1, MY_GREETING, type="greeting", version="8.0.1", thread=7 << 24,
             ssl=True),
        line(0, my_login(0x8A208, b"me\0\3abcdb\0native\0"), type="login", user="me",
             database="db", plugin="native", ssl=False),
        line(1, my(2, b"\0\0\0\2\0\0\0"), type="ok"),
        line(0, my(0, b"\3SELECT 1"), type="command", command="QUERY",
             text="SELECT 1"),
        several(1, (my(1, b"\1"), {"columns": 1}), (my(2, b"\3def" + b"x" * 20), {}),
                (my(3, b"\1" b"1"), {"type": "data"}),
                (my(4, b"\xfe\0\0\2\0"), {"type": "end"})),
        line(0, my(0, b"\x16SELECT ?"), command="STMT_PREPARE", text="SELECT ?"),
        line(1, my(1, b"\xff\x28\4#42000No"), type="error", code=1064,
             sqlstate="42000", message="No"),
        line(0, my(0, b"\1"), command="QUIT"),
    ],
)  # fmt: skip

MYSQL_TLS = Transcript(
    MySql,
    [
        line(1, MY_GREETING, type="greeting"),
        line(0, my_login(0x8AA08, b""), type="ssl_request", ssl=True),
        *TLS_TURNS,
    ],
    tunnel="tls",
)

TEXT = {
    "postgresql": POSTGRESQL,
    "postgresql to tls": POSTGRESQL_TLS,
    "mysql": MYSQL,
    "mysql to tls": MYSQL_TLS,
    "redis": REDIS,
    "smtp": SMTP,
    "smtp to tls": SMTP_TLS,
    "ftp": FTP,
    "ftp to tls": FTP_TLS,
    "pop3": POP3,
    "pop3 to tls": POP3_TLS,
    "imap": IMAP,
    "imap to tls": IMAP_TLS,
}
