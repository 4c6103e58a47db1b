"""The framers on what real programs said: our recordings, and captures of others.

In captures of others tshark is a second opinion: how many messages there are.
"""

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import unpacket
from tests.messages.framers.tshark import needs_tshark, seen_by_tshark
from tests.messages.halves import events_of, items_of
from tests.shared import shared_path
from unpacket.messages import Message, Tunnel
from unpacket.messages.detect import Detect

RECORDINGS = Path(__file__).resolve().parents[2] / "recordings"


@pytest.mark.parametrize(
    ("recording", "protocol", "count"),
    [
        pytest.param("redis-v6-veth", "redis", 5, id="redis"),
        pytest.param("postgres-v6", "postgresql", 4, id="postgres"),
        pytest.param("ssh-v6-veth", "ssh", 3, id="openssh"),
    ],
)
def test_all_that_a_program_said_is_messages(
    recording: str, protocol: str, count: int
) -> None:
    for number in range(count):
        sent = []
        for side in ("client", "server"):
            path = RECORDINGS / recording / f"{number}-{side}.bin.gz"
            sent.append(gzip.decompress(path.read_bytes()))
        items = items_of(events_of([(0, sent[0]), (1, sent[1])], port=9), Detect())
        messages = [item for item in items if isinstance(item, Message)]
        others = [item for item in items if not isinstance(item, Message)]
        assert {(one.protocol, one.known_by) for one in messages} == {
            (protocol, "content")
        }
        assert all(one.complete and not one.anomalies for one in messages)
        assert all(one.facts for one in messages)
        if protocol == "ssh":
            (tunnel,) = others
            assert isinstance(tunnel, Tunnel)
            covered = list(tunnel.lengths)
        else:
            assert not others
            covered = [0, 0]
        for one in messages:
            covered[one.direction] += one.length
        assert covered == [len(octets) for octets in sent]


def test_what_redis_was_asked() -> None:
    path = RECORDINGS / "redis-v6-veth-client.pcapng.gz"
    commands: Counter[str] = Counter()
    for one in unpacket.messages(path, skipped=False):
        assert one.protocol == "redis"
        if one.direction == 0:
            commands[one.facts["command"]] += 1
    assert commands["SET"] and commands["GET"] and commands["HELLO"]


# What tshark counts in another way: a continuation of POP3 is data to it.
NOT_COUNTED = {"pop3": {"+"}}
# And it takes whoever has port 502 for a Modbus server, also who opened the connection.
MORE_TO_TSHARK = {"modbus"}

# For each capture: the framer, tshark's filter and field, and the fact that it is.
OPINIONS = [
    ("arkime__pcap__krb5-tcp.pcap", "kerberos", "kerberos.realm", None),
    ("gopacket__testdata__modbus-2.pcap", "modbus", "mbtcp.trans_id", "transaction"),
    ("arkime__pcap__modbus.pcap", "modbus", "mbtcp.trans_id", "transaction"),
    ("zeek__Traces__mqtt.pcap", "mqtt", "mqtt.topic", "topic"),
    ("arkime__pcap__mqtt_synthetic.pcap", "mqtt", "mqtt.clientid", "client_id"),
    ("nfstream__pcaps__amqp.pcap", "amqp", "amqp.channel", "channel"),
    ("zeek__postgresql__psql-select-now.pcap", "postgresql", "pgsql.query", "query"),
    ("arkime__pcap__postgres-badpass.pcap", "postgresql", "pgsql.code", "sqlstate"),
    ("zeek__mysql__many-query-attrs.pcap", "mysql", "mysql.packet_number", "sequence"),
    ("arkime__pcap__mysql-allow.pcap", "mysql", "mysql.packet_number", "sequence"),
    ("zeek__ldap__ldap_star_single.pcapng", "ldap", "ldap.messageID", "message_id"),
    ("zeek__Traces__smtp.pcap", "smtp", "smtp.response.code", "code"),
    ("zeek__pop3__pop3.pcap", "pop3", "pop.response.indicator", "status"),
    ("zeek__redis__reply-off-on.pcap", "redis", None, "command"),
]


@needs_tshark
@pytest.mark.parametrize(("capture", "protocol", "field", "fact"), OPINIONS)
@pytest.mark.filterwarnings("ignore::unpacket.errors.CaptureWarning")
def test_tshark_sees_the_same(
    capture: str, protocol: str, field: str | None, fact: str | None
) -> None:
    path = shared_path("captures", "files", capture)
    found = [
        one
        for one in unpacket.messages(path, skipped=False)
        if one.protocol == protocol
    ]
    assert found
    if field is None or fact is None:
        return
    only = "mqtt.msgtype == 3" if field == "mqtt.topic" else field
    (wanted,) = seen_by_tshark(path, only, field)
    values: Counter[str] = Counter()
    for one in found:
        value: Any = one.facts.get(fact)
        if value is not None and value not in NOT_COUNTED.get(protocol, ()):
            values[str(value)] += 1
    if protocol in MORE_TO_TSHARK:
        assert values <= wanted
    else:
        assert values == wanted
