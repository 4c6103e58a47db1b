"""Conversations of protocols that are no text: of messages, machines, directories."""

import hashlib

from tests.messages.framers.transcripts import TLS_TURNS, Row, Transcript, line, several
from tests.messages.framers.wire import u, vector
from unpacket.messages.framers.amqp import Amqp
from unpacket.messages.framers.dlt import Dlt
from unpacket.messages.framers.kerberos import Kerberos
from unpacket.messages.framers.ldap import Ldap
from unpacket.messages.framers.modbus import Modbus
from unpacket.messages.framers.mqtt import Mqtt
from unpacket.messages.framers.someip import SomeIp
from unpacket.messages.framers.ssh import Ssh


def mqtt(first: int, body: bytes) -> bytes:
    """Return a message of MQTT of up to 16,383 bytes."""
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    return bytes([first]) + length + body


def mqtt_connect(version: int, properties: bytes) -> bytes:
    head = vector(2, b"MQTT") + bytes([version, 0xC2]) + u(2, 60) + properties
    words = (b"me", b"user", b"secret")
    return mqtt(0x10, head + b"".join(vector(2, word) for word in words))


MQTT = Transcript(
    Mqtt,
    [
        line(0, mqtt_connect(4, b""), type="CONNECT", version=4, client_id="me",
             user="user", keep_alive_s=60),
        line(1, b"\x20\2\0\0", type="CONNACK", code=0),
        line(0, mqtt(0x82, u(2, 1) + vector(2, b"a/#") + b"\1"), type="SUBSCRIBE",
             packet_id=1, topics=["a/#"]),
        line(1, b"\x90\3\0\1\1", type="SUBACK", packet_id=1, codes=[1]),
        several(1, (mqtt(0x32, vector(2, b"a/b") + u(2, 7) + b"x" * 200),
                    {"type": "PUBLISH", "topic": "a/b", "qos": 1, "packet_id": 7,
                     "payload": "x" * 200}),
                (mqtt(0x31, vector(2, b"a/c") + b"on"),
                 {"topic": "a/c", "retain": True, "payload": "on"})),
        several(0, (b"\x40\2\0\7", {"type": "PUBACK", "packet_id": 7}),
                (b"\xc0\0", {"type": "PINGREQ"})),
        line(1, b"\xd0\0", type="PINGRESP"),
        line(0, b"\xe0\0", type="DISCONNECT"),
    ],
)  # fmt: skip

MQTT5 = Transcript(
    Mqtt,
    [
        line(0, mqtt_connect(5, b"\5\x11\0\0\0\x0a"), version=5, client_id="me"),
        line(1, b"\x20\3\0\0\0", code=0),
        line(0, mqtt(0x30, vector(2, b"t") + b"\2\1\1" + b"hi"), payload="hi"),
        line(1, b"\xe0\1\x8e", type="DISCONNECT", code=0x8E),
    ],
)


def amqp(kind: int, channel: int, body: bytes) -> bytes:
    return u(1, kind) + u(2, channel) + vector(4, body) + b"\xce"


def method(channel: int, number: int, code: int, body: bytes = b"") -> bytes:
    return amqp(1, channel, u(2, number) + u(2, code) + body)


AMQP = Transcript(
    Amqp,
    [
        line(0, b"AMQP\0\0\x09\1", type="protocol", version="0.9.1"),
        line(1, method(0, 10, 10, b"\0\x09" + bytes(12)), method="connection.start"),
        line(0, method(0, 10, 40, vector(1, b"/") + b"\0\0"), host="/"),
        several(0, (method(1, 60, 40, b"\0\0" + vector(1, b"x") + vector(1, b"k")
                           + b"\0"),
                    {"method": "basic.publish", "exchange": "x", "routing_key": "k",
                     "channel": 1}),
                (amqp(2, 1, u(2, 60) + u(2, 0) + u(8, 300) + u(2, 0)),
                 {"type": "header", "class": "basic", "size": 300}),
                (amqp(3, 1, b"\xce" * 300), {"type": "body", "size": 300})),
        line(1, amqp(8, 0, b""), type="heartbeat"),
        line(1, method(1, 60, 80, u(8, 1) + b"\0"), method="basic.ack", delivery=1),
    ],
)  # fmt: skip


def modbus(transaction: int, body: bytes) -> bytes:
    return u(2, transaction) + b"\0\0" + vector(2, b"\1" + body)


MODBUS = Transcript(
    Modbus,
    [
        line(
            0,
            modbus(1, b"\3\0\x10\0\2"),
            transaction=1,
            unit=1,
            address=16,
            count=2,
            function="read holding registers",
        ),
        line(1, modbus(1, b"\3\4\0\1\0\2"), registers=[1, 2]),
        line(0, modbus(2, b"\6\0\1\0\x09"), function="write register", value=9),
        line(1, modbus(2, b"\x86\2"), exception="illegal data address"),
        line(0, modbus(3, b"\x0f\0\0\0\4\1\5"), function="write coils", count=4),
        line(1, modbus(3, b"\x0f\0\0\0\4"), address=0, count=4),
    ],
)


def someip(head: bytes, kind: int, body: bytes, code: int = 0) -> bytes:
    rest = u(2, 1) + u(2, 5) + bytes([1, 2, kind, code]) + body
    return head + vector(4, rest)


OFFER = (
    b"\x80\0\0\0" + u(4, 16) + b"\1\0\0\x10" + u(2, 0x1234) + u(2, 1) + b"\1\0\0\3"
    + u(4, 7) + u(4, 12) + u(2, 9) + b"\4\0\xc0\0\2\1\0\x06" + u(2, 30509)
)  # fmt: skip

SOMEIP = Transcript(
    SomeIp,
    [
        line(0, someip(b"\x12\x34\0\1", 0, b"ask"), service=0x1234, method=1, client=1,
             session=5, type="request", return_code=0, interface_version=2),
        line(1, someip(b"\x12\x34\0\1", 0x80, b"answer" * 40), type="response"),
        line(1, someip(b"\x12\x34\x80\1", 2, b""), type="notification"),
        line(0, b"\xff\xff\0\0" + u(4, 8) + b"\xde\xad\xbe\xef\1\1\1\0",
             type="magic cookie"),
        line(1, someip(b"\xff\xff\x81\0", 2, OFFER), type="discovery",
             entries=[{"type": "offer", "service": 0x1234, "instance": 1, "major": 1,
                       "ttl": 3, "minor": 7}],
             endpoints=["tcp 192.0.2.1 30509"]),
        line(1, someip(b"\x12\x34\0\1", 0x81, b"", 3), type="error", return_code=3),
    ],
)  # fmt: skip


def dlt(payload: bytes, info: int, count: int, flags: int = 0x35) -> bytes:
    """Return a message with ECU, time and names."""
    rest = b"ECU1" + u(4, 12345) + bytes([info, count]) + b"APP\0CTX\0" + payload
    return bytes([flags, 7]) + u(2, 4 + len(rest)) + rest


HELLO_ARGUMENT = b"\0\2\0\0" + b"\6\0" + b"hello\0"
NUMBER_ARGUMENT = b"\x23\0\0\0" + (-5).to_bytes(4, "little", signed=True)

DLT = Transcript(
    Dlt,
    [
        several(1, (dlt(HELLO_ARGUMENT + NUMBER_ARGUMENT, 0x41, 2),
                    {"ecu": "ECU1", "application": "APP", "context": "CTX",
                     "type": "log", "level": "info", "uptime_s": 1.2345, "counter": 7,
                     "arguments": ["hello", -5]}),
                (dlt(b"\x0d\0\0\0xyz", 0x20, 0),
                 {"level": "error", "message_id": 13})),
        line(0, dlt(u(4, 0x13), 0x16, 0, 0x37), type="control", control="request",
             message_id=0x13),
    ],
)  # fmt: skip

STORED = b"DLT\1" + (1700000000).to_bytes(4, "little") + u(4, 0) + b"ECU2"

DLT_STORED = Transcript(
    Dlt,
    [
        several(1, (STORED + dlt(HELLO_ARGUMENT, 0x41, 1),
                    {"stored_s": 1700000000.0, "stored_ecu": "ECU2",
                     "arguments": ["hello"]}),
                (b"DLS\1" + dlt(HELLO_ARGUMENT, 0x31, 1), {"level": "warning"})),
    ],
)  # fmt: skip


def tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    return (
        bytes([tag, size] if size < 128 else [tag, 0x82, size >> 8, size & 255]) + body
    )


def ldap(number: int, operation: bytes) -> bytes:
    return tlv(0x30, tlv(2, u(1, number)), operation)


def result(tag: int, code: int) -> bytes:
    return tlv(tag, tlv(10, u(1, code)), tlv(4, b""), tlv(4, b"why"))


LDAP = Transcript(
    Ldap,
    [
        line(0, ldap(1, tlv(0x60, tlv(2, b"\3"), tlv(4, b"cn=me"), tlv(0x80, b"pw"))),
             operation="bind request", message_id=1, version=3, name="cn=me"),
        line(1, ldap(1, result(0x61, 0)), operation="bind response", code=0,
             diagnostic="why"),
        line(0, ldap(2, tlv(0x63, tlv(4, b"dc=org"), tlv(10, b"\2"), tlv(10, b"\0"),
                            tlv(2, b"\0"), tlv(2, b"\0"), tlv(1, b"\0"),
                            tlv(0x87, b"objectClass"), tlv(0x30))),
             base="dc=org", scope="subtree"),
        several(1, (ldap(2, tlv(0x64, tlv(4, b"cn=a"), tlv(0x30, tlv(
                        0x30, tlv(4, b"photo"), tlv(0x31, tlv(4, b"\xff" * 300)))))),
                    {"operation": "search entry", "name": "cn=a",
                     "attributes": ["photo"]}),
                (ldap(2, result(0x65, 32)), {"operation": "search done", "code": 32})),
        line(0, ldap(3, b"\x42\0"), operation="unbind request"),
    ],
)  # fmt: skip

LDAP_TLS = Transcript(
    Ldap,
    [
        line(0, ldap(1, tlv(0x77, tlv(0x80, b"1.3.6.1.4.1.1466.20037"))),
             operation="extended request", oid="1.3.6.1.4.1.1466.20037"),
        line(1, ldap(1, result(0x78, 0)), operation="extended response", code=0),
        *TLS_TURNS,
    ],
    tunnel="tls",
)  # fmt: skip


def principal(*parts: bytes) -> bytes:
    names = tlv(0x30, *(tlv(0x1B, part) for part in parts))
    return tlv(0x30, tlv(0xA0, tlv(2, b"\1")), tlv(0xA1, names))


def kerberos(tag: int, *fields: bytes) -> bytes:
    return vector(4, tlv(tag, tlv(0x30, *fields)))


BODY = tlv(
    0x30,
    tlv(0xA0, tlv(3, bytes(5))),
    tlv(0xA1, principal(b"me")),
    tlv(0xA2, tlv(0x1B, b"ORG")),
    tlv(0xA3, principal(b"krbtgt", b"ORG")),
)

KERBEROS = Transcript(
    Kerberos,
    [
        line(0, kerberos(0x6A, tlv(0xA1, tlv(2, b"\5")), tlv(0xA4, BODY)),
             type="AS-REQ", client="me", realm="ORG", server="krbtgt/ORG"),
        line(1, kerberos(0x7E, tlv(0xA6, tlv(2, b"\x19")), tlv(0xA9, tlv(0x1B, b"ORG")),
                         tlv(0xAA, principal(b"krbtgt", b"ORG"))),
             type="KRB-ERROR", code=25, realm="ORG", server="krbtgt/ORG"),
        line(0, kerberos(0x6A, tlv(0xA3, b"\x30\x82\1\0" + bytes(256)),
                         tlv(0xA4, BODY)), type="AS-REQ", client="me"),
        line(1, kerberos(0x6B, tlv(0xA3, tlv(0x1B, b"ORG")),
                         tlv(0xA4, principal(b"me"))),
             type="AS-REP", client="me", client_realm="ORG"),
    ],
)  # fmt: skip


def ssh(body: bytes, padding: int = 4) -> bytes:
    return vector(4, bytes([padding]) + body + bytes(padding))


OFFERS = [b"kex", b"rsa", b"aes,x", b"aes", b"hmac", b"sha", b"none", b"zip", b"", b""]
KEXINIT = ssh(
    b"\x14" + bytes(16) + b"".join(vector(4, one) for one in OFFERS) + bytes(5)
)
HASSH = hashlib.md5(b"kex;aes,x;hmac;none").hexdigest()
HASSH_SERVER = hashlib.md5(b"kex;aes;sha;zip").hexdigest()
ENCRYPTED: Row = (0, bytes(range(200, 250)) * 3, [])

SSH = Transcript(
    Ssh,
    [
        line(1, b"welcome\r\n", text="welcome"),
        line(1, b"SSH-2.0-Server_1 Debian\r\n", version="2.0", software="Server_1",
             comment="Debian"),
        several(0, (b"SSH-2.0-Client\n", {"type": "banner", "software": "Client"}),
                (KEXINIT, {"type": "KEXINIT", "key_exchanges": ["kex"],
                           "ciphers_to_server": ["aes", "x"], "hassh": HASSH})),
        line(1, KEXINIT, hassh_server=HASSH_SERVER),
        line(0, ssh(b"\x1e" + bytes(40)), type="KEXDH_INIT"),
        several(1, (ssh(b"\x1f" + bytes(200)), {"type": "KEXDH_REPLY"}),
                (ssh(b"\x15"), {"type": "NEWKEYS"})),
        (1, bytes(range(100, 150)), []),
        line(0, ssh(b"\x15"), type="NEWKEYS"),
        ENCRYPTED,
    ],
    tunnel="ssh",
)  # fmt: skip

BINARY = {
    "mqtt": MQTT,
    "mqtt of version 5": MQTT5,
    "ssh": SSH,
    "ldap": LDAP,
    "ldap to tls": LDAP_TLS,
    "kerberos": KERBEROS,
    "amqp": AMQP,
    "modbus": MODBUS,
    "someip": SOMEIP,
    "dlt": DLT,
    "dlt with headers before it": DLT_STORED,
}
