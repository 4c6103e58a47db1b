"""TLS: records, handshakes in any records, facts, fingerprints; tshark beside."""

import gzip
import hashlib
import json
import shutil
import subprocess
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import unpacket
from tests.messages.framers import wire
from tests.messages.framers.tshark import needs_tshark, seen_by_tshark
from tests.messages.framers.wire import (
    TLS12,
    TLS13,
    alpn,
    certificates,
    client_hello,
    extension,
    handshake,
    record,
    server_hello,
    server_name,
    u,
    vector,
    versions,
    words,
)
from tests.messages.halves import Turn, events_of, items_of, messages_of
from tests.shared import shared_path
from unpacket.messages import Message
from unpacket.messages.framers.tls.framer import Tls
from unpacket.tls import certificates as reader
from unpacket.tls.handshake import (
    RETRY_RANDOM,
    Certificates,
    ClientHello,
    ServerHello,
)
from unpacket.tls.handshake import handshake as handshake_of

RECORDINGS = Path(__file__).resolve().parents[2] / "recordings"

HANDSHAKE, APPLICATION, CHANGE, ALERT = 22, 23, 20, 21
# What a browser offers, GREASE included, from FoxIO's description of JA4.
CIPHERS = [0x2F, 0x35, 0x9C, 0x9D, 0x1301, 0x1302, 0x1303, 0xC013, 0xC014, 0xC02B]
CIPHERS += [0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9]
SIGNATURES = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]
OTHERS = [0x05, 0x0A, 0x0B, 0x12, 0x15, 0x17, 0x1B, 0x23, 0x2D, 0x33, 0x4469, 0xFF01]


def browser() -> bytes:
    """Return its hello, with ciphers and extensions not in the order of numbers."""
    extensions = extension(0x7A7A) + alpn(b"h2", b"http/1.1")
    extensions += b"".join(map(extension, OTHERS[::-1]))
    extensions += extension(13, vector(2, words(SIGNATURES)))
    extensions += versions(0x3A3A, TLS13, TLS12) + server_name(b"example.org")
    return client_hello([0x1A1A, *CIPHERS[::-1]], extensions)


def hello_of(message: bytes) -> Any:
    return handshake_of(message[0], message[4:])


def test_what_a_client_offers() -> None:
    hello = hello_of(browser())
    assert isinstance(hello, ClientHello)
    assert hello.server_name == "example.org"
    assert hello.versions == [TLS13, TLS12]
    assert hello.alpn == ["h2", "http/1.1"]
    assert hello.ciphers[1:] == CIPHERS[::-1]
    assert hello.whole


def test_what_a_server_chooses() -> None:
    chosen = server_hello(0x1301, extension(43, u(2, TLS13)) + alpn(b"h2"))
    hello = hello_of(chosen)
    assert isinstance(hello, ServerHello)
    assert (hello.version, hello.cipher, hello.alpn) == (TLS13, 0x1301, ["h2"])
    assert hello.summary == "server_hello TLS 1.3 TLS_AES_128_GCM_SHA256 h2"
    old = hello_of(server_hello(0xC0FE, version=0x0301))
    assert old.summary == "server_hello TLS 1.0 0xc0fe"
    retry = chosen.replace(bytes(range(32)), RETRY_RANDOM)
    assert hello_of(retry).summary.startswith("hello_retry_request TLS 1.3")


def test_ja4_is_that_of_its_definition() -> None:
    assert hello_of(browser()).ja4 == "t13d1516h2_8daaf6152771_e5627efa2ab1"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(client_hello([], None), "t12i000000_000000000000_000000000000",
                     id="nothing"),
        pytest.param(client_hello([0x2F], b"", 0x0301),
                     f"t10i010000_{hashlib.sha256(b'002f').hexdigest()[:12]}_000000000000",
                     id="an old one"),
        pytest.param(client_hello([0x0A0A], alpn(b"\xabx\xcd")),
                     "t12i0001ad_000000000000_000000000000", id="ALPN that is no text"),
        pytest.param(client_hello([], alpn(b"h")),
                     "t12i0001hh_000000000000_000000000000", id="ALPN of one letter"),
        pytest.param(client_hello([], versions(0x0305)),
                     "t00i000100_000000000000_"
                     + hashlib.sha256(b"002b").hexdigest()[:12], id="unknown version"),
        pytest.param(client_hello([], extension(13, vector(2, b"\4\3\4\1"))),
                     "t12i000100_000000000000_"
                     + hashlib.sha256(b"000d_0403,0401").hexdigest()[:12],
                     id="signatures in their order"),
    ],
)  # fmt: skip
def test_ja4_of_others(message: bytes, expected: str) -> None:
    assert hello_of(message).ja4 == expected


def test_ja3_is_that_of_its_definition() -> None:
    # The example of its README.
    extensions = server_name(b"x") + extension(10, vector(2, words([23, 24, 25])))
    extensions += extension(11, vector(1, b"\0"))
    ciphers = [47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4]
    hello = hello_of(client_hello(ciphers, extensions, 0x0301))
    assert hello.ja3 == "ada70206e40642a3e4461f35503241d5"
    bare = hello_of(
        client_hello([4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99], None, 0x0301)
    )
    assert bare.ja3 == "de350869b8c85de67a350c8d186f11e6"


@pytest.mark.parametrize("length", range(0, len(browser()) - 4, 3))
def test_a_hello_that_is_cut_is_read_as_far_as_it_goes(length: int) -> None:
    hello = ClientHello(1, browser()[4 : 4 + length])
    assert not hello.whole or length == 41 + 2 * 16
    json.dumps(hello.facts)
    assert hello.summary


@given(st.binary(max_size=200), st.sampled_from([1, 2, 11, 4]))
def test_any_bytes_are_a_handshake_of_some_kind(data: bytes, kind: int) -> None:
    found = handshake_of(kind, data)
    json.dumps(found.facts)
    assert found.summary


MESSAGES = [
    server_hello(0xC02F, extension(0xFF01, b"\0")),
    certificates(b"first" * 900, b"second"),
    handshake(12, bytes(300)),
    handshake(14, b""),
]


@given(st.lists(st.integers(1, sum(map(len, MESSAGES)) - 1), max_size=6))
def test_handshakes_may_be_cut_into_records_anywhere(places: list[int]) -> None:
    octets = b"".join(MESSAGES)
    borders = [0, *sorted(set(places)), len(octets)]
    pieces = [octets[a:b] for a, b in pairwise(borders)]
    turns: list[Turn] = [(1, b"".join(record(HANDSHAKE, piece) for piece in pieces))]
    records = messages_of(turns, Tls())
    assert [one.body for one in records] == pieces
    found = [one for each in records for one in each.handshakes]
    assert [one.data for one in found] == [message[4:] for message in MESSAGES]
    chain = found[1]
    assert isinstance(chain, Certificates)
    assert chain.chain == [b"first" * 900, b"second"]


def test_a_hole_in_a_record_costs_its_bytes_and_what_spans_it() -> None:
    one = record(HANDSHAKE, MESSAGES[0] + MESSAGES[1][:1000])
    two = record(HANDSHAKE, MESSAGES[1][1000:])
    three = record(HANDSHAKE, MESSAGES[2] + MESSAGES[3])
    turns: list[Turn] = [(1, one + two[:50]), (1, 100), (1, two[150:] + three)]
    records = messages_of(turns, Tls())
    assert [each.complete for each in records] == [True, False, True]
    kinds = [[one.kind for one in each.handshakes] for each in records]
    # The third fills its record, so it begins there for sure.
    assert kinds == [[2], [], [12, 14]]


def test_records_are_found_behind_a_hole() -> None:
    data = [record(APPLICATION, bytes([n]) * 500) for n in range(6)]
    octets = b"".join(data)
    turns: list[Turn] = [(1, octets[:507]), (1, 600), (1, octets[1107:])]
    records = messages_of(turns, Tls())
    assert [one.body[:1] for one in records] == [b"\0", b"\3", b"\4", b"\5"]
    mid = items_of(events_of([(1, octets[200:])], handshake=False), Tls())
    assert [one.body[:1] for one in mid if isinstance(one, Message)] == [
        bytes([n]) for n in range(1, 6)
    ]


def test_a_handshake_may_begin_behind_something_else() -> None:
    # As with STARTTLS of mail, and with databases.
    hello = record(HANDSHAKE, browser()) + record(APPLICATION, b"a")
    items = items_of(events_of([(0, b"EHLO h\r\nSTARTTLS\r\n" + hello)]), Tls())
    assert [type(item).__name__ for item in items] == ["Skipped"] + ["TlsRecord"] * 2
    assert items[1].handshakes[0].server_name == "example.org"


def test_what_is_encrypted_is_not_looked_into() -> None:
    finished = record(HANDSHAKE, bytes([14, 0, 0, 0]) * 10)
    alert = record(ALERT, b"\1\0")
    retried = record(HANDSHAKE, browser())
    octets = alert + record(CHANGE, b"\1") + finished + alert + retried
    records = messages_of([(0, record(HANDSHAKE, browser()) + octets)], Tls())
    assert [one.summary for one in records[1:5]] == [
        "alert close_notify",
        "change_cipher_spec, 1 byte",
        "handshake, 40 bytes",
        "alert, 2 bytes",
    ]
    # The hello that a HelloRetryRequest asks for is in the clear.
    assert records[5].handshakes[0].server_name == "example.org"


def test_a_message_that_is_too_long_is_passed_over() -> None:
    long = handshake(11, bytes(300_000)) + handshake(14, b"")
    pieces = [long[at : at + 16384] for at in range(0, len(long), 16384)]
    turns: list[Turn] = [(1, b"".join(record(HANDSHAKE, one) for one in pieces))]
    records = messages_of(turns, Tls())
    found = [one.kind for each in records for one in each.handshakes]
    assert found == [14]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(b"\x19\3\3\0\1a", id="a type that is none"),
        pytest.param(b"\x16\2\3\0\1a", id="a version that is none"),
        pytest.param(b"\x17\3\3\x48\1a", id="longer than a record may be"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="something else"),
    ],
)
def test_what_is_no_record_is_skipped(wrong: bytes) -> None:
    real = record(APPLICATION, b"a" * 20) * 2
    items = items_of(events_of([(0, real + wrong + real)]), Tls())
    kinds = [type(item).__name__ for item in items]
    assert kinds == ["TlsRecord"] * 2 + ["Skipped"] + ["TlsRecord"] * 2


def test_certificates_have_digests_and_names() -> None:
    (stream, *_) = [
        json.loads(json.dumps(one.facts))
        for message in unpacket.messages(RECORDINGS / "openssl-v6-nic-client.pcapng.gz")
        for one in getattr(message, "handshakes", ())
        if isinstance(one, Certificates)
    ]
    (facts,) = stream["chain"]
    assert len(facts["sha256"]) == 64
    pytest.importorskip("cryptography", reason="the extra certificates")
    assert facts["subject"].startswith("CN=")
    assert facts["not_before"] < facts["not_after"]
    assert reader.names_of(b"no certificate").subject == ""


def test_without_the_library_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "cryptography", None)
    chain = hello_of(certificates(b"der"))
    with pytest.raises(unpacket.UnpacketError, match=r"unpacket\[certificates\]"):
        assert chain.names
    assert chain.summary == "certificate (1)"


def test_a_recording_of_openssl() -> None:
    truth = json.loads((RECORDINGS / "openssl-v6-nic" / "truth.json").read_text())
    found: dict[int, list[Any]] = {}
    for one in unpacket.messages(RECORDINGS / "openssl-v6-nic-client.pcapng.gz"):
        found.setdefault(one.stream.id, []).append(one)
    assert len(found) == len(truth["streams"])
    for items in found.values():
        assert all(isinstance(item, Message) for item in items)
        hellos = [one for item in items for one in item.handshakes if one.kind <= 2]
        client, server = hellos[:2]
        assert server.cipher in client.ciphers
        assert server.version in client.versions


@pytest.mark.parametrize("number", range(5))
def test_every_record_of_a_recording_is_found(number: int) -> None:
    for side in (0, 1):
        name = f"{number}-{('client', 'server')[side]}.bin.gz"
        octets = gzip.decompress((RECORDINGS / "openssl-v4" / name).read_bytes())
        bodies = []
        at = 0
        while at < len(octets):
            size = int.from_bytes(octets[at + 3 : at + 5])
            bodies.append(octets[at + 5 : at + 5 + size])
            at += 5 + size
        assert [one.body for one in messages_of([(side, octets)], Tls())] == bodies


CAPTURES = [
    "arkime__pcap__arkime_synthetic.pcap",
    "nfstream__pcaps__6in4tunnel.pcap",
    "pcpp__pcap_examples__many-protocols.pcap",
    "scapy__pcaps__tls_tcp_frag_withnss.pcap.gz",
    "zeek__gtp__gtp6_gtp_0x32.pcap",
    "zeek__tls__tls-1.2-stream-keylog.pcap",
]


@needs_tshark
@pytest.mark.parametrize(
    "capture",
    ["openssl-v4-client.pcapng.gz", "openssl-v6-nic-client.pcapng.gz", *CAPTURES],
)
@pytest.mark.filterwarnings("ignore::unpacket.errors.CaptureWarning")
def test_tshark_sees_the_same(capture: str) -> None:
    if capture in CAPTURES:
        path = shared_path("captures", "files", capture)
    else:
        path = RECORDINGS / capture
    fields = ("ja3", "ja3s", "extensions_server_name")
    wanted = seen_by_tshark(path, "tls", *(f"tls.handshake.{one}" for one in fields))
    found: list[Counter[str]] = [Counter(), Counter(), Counter()]
    for message in unpacket.messages(path):
        for one in getattr(message, "handshakes", ()):
            if isinstance(one, ClientHello):
                found[0][one.ja3] += 1
                if one.server_name is not None:
                    found[2][one.server_name] += 1
            elif isinstance(one, ServerHello):
                found[1][one.ja3s] += 1
    assert found == wanted
    assert wanted[0]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_names_of_ciphers_are_those_of_openssl() -> None:
    done = subprocess.run(
        ["openssl", "ciphers", "-V", "-stdname", "ALL:@SECLEVEL=0"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    from unpacket.tls.names import CIPHERS as NAMES

    theirs = {}
    for line in done.stdout.splitlines():
        number, _, name = line.split()[:3]
        high, _, low = number.partition(",")
        theirs[int(high, 16) << 8 | int(low, 16)] = name
    both = NAMES.keys() & theirs.keys()
    assert len(both) > 30
    assert {code: NAMES[code] for code in both} == {code: theirs[code] for code in both}


def test_the_wire_of_these_tests_is_that_of_openssl() -> None:
    """What the tests make parses as what a real client sent does."""
    sent = gzip.decompress((RECORDINGS / "openssl-v4" / "0-client.bin.gz").read_bytes())
    (first, *_) = messages_of([(0, sent)], Tls())
    hello = first.handshakes[0]
    again = client_hello(
        hello.ciphers, b"".join(extension(*one) for one in hello.extensions)
    )
    assert hello_of(again).ja3 == hello.ja3
    assert hello_of(again).ja4 == hello.ja4
    assert wire.record(HANDSHAKE, again)[:1] == sent[:1]
