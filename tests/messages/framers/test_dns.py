"""DNS over TCP: names, records, hostile references, messages behind holes."""

import struct
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import unpacket
from tests.messages.framers.tshark import needs_tshark, seen_by_tshark
from tests.messages.framers.wire import dns, name, question, resource, vector
from tests.messages.halves import Turn, events_of, items_of, messages_of
from tests.shared import shared_path
from unpacket.messages import Message
from unpacket.messages.framers.dns import Dns, DnsMessage, may_begin, parse
from unpacket.messages.framers.dns_records import name_at

ASKED = question("www.example.org")
POINTER = b"\xc0\x0c"


def one(data: bytes) -> Any:
    (found,) = messages_of([(1, data)], Dns())
    return found


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        pytest.param(1, bytes([192, 0, 2, 1]), "192.0.2.1", id="A"),
        pytest.param(28, bytes(15) + b"\1", "::1", id="AAAA"),
        pytest.param(5, b"\3web\xc0\x10", "web.example.org", id="CNAME"),
        pytest.param(15, b"\0\x0a" + b"\4mail\xc0\x10", "10 mail.example.org", id="MX"),
        pytest.param(16, b"\3a\"b\2\x01\\", '"a\\"b" "\\001\\\\"', id="TXT"),
        pytest.param(33, b"\0\1\0\2\0\x35" + name("x"), "1 2 53 x", id="SRV"),
        pytest.param(
            6, name("a") + name("b") + struct.pack(">5I", 1, 2, 3, 4, 5),
            "a b 1 2 3 4 5", id="SOA",
        ),
        pytest.param(2, b"\0", ".", id="the root"),
        pytest.param(1, b"123", "313233", id="an address that is none"),
        pytest.param(5, b"\3web", "03776562", id="a name that is cut"),
        pytest.param(16, b"\x09ab", "096162", id="a text that is cut"),
        pytest.param(4711, b"\1\2", "0102", id="a type that is not known"),
    ],
)  # fmt: skip
def test_records(kind: int, data: bytes, text: str) -> None:
    found = one(dns([ASKED], [resource(POINTER, kind, data)]))
    (record,) = found.answers
    assert (record.name, record.text) == ("www.example.org", text)
    assert (record.ttl, record.class_, record.data) == (300, "IN", data)
    assert found.complete and not found.anomalies


def test_a_query_and_its_answer() -> None:
    turns: list[Turn] = [(0, dns([ASKED], number=5))]
    turns.append((1, dns([ASKED], [resource(POINTER, 1, bytes(4))], number=5)))
    query, response = messages_of(turns, Dns())
    assert (query.id, query.is_response, query.flags) == (5, False, ["rd"])
    assert (response.id, response.is_response) == (5, True)
    assert (response.opcode, response.response_code) == ("QUERY", "NOERROR")
    assert query.summary == "query A www.example.org"
    assert response.summary == "noerror A www.example.org: A 0.0.0.0"
    nothing = one(dns([ASKED], [], flags=0x8183))
    assert nothing.summary == "nxdomain A www.example.org: nothing"


@pytest.mark.parametrize(
    ("data", "start", "expected"),
    [
        pytest.param(b"\3www\0", 0, ("www", 5), id="plain"),
        pytest.param(b"\0", 0, (".", 1), id="the root"),
        pytest.param(b"\1a\0\1b\xc0\0", 3, ("b.a", 7), id="a reference"),
        pytest.param(b"\1a\0\xc0\0\xc0\3", 5, ("a", 7), id="a reference to one"),
        pytest.param(b"\4a.\\\xff\0", 0, ("a\\.\\\\\\255", 6), id="escapes"),
        pytest.param(b"\xc0\0", 0, (None, 0), id="to itself"),
        pytest.param(b"\1a\xc0\0", 0, (None, 0), id="in a circle"),
        pytest.param(b"\xc0\5\0\0\0\1a\0", 0, (None, 0), id="forward"),
        pytest.param(b"\xc0", 0, (None, 0), id="half a reference"),
        pytest.param(b"\3ab", 0, (None, 0), id="a label that is cut"),
        pytest.param(b"\1a", 0, (None, 0), id="without an end"),
        pytest.param(b"\x41a\0", 0, (None, 0), id="a kind of label that is none"),
        pytest.param(b"\x3f" + b"a" * 63 + b"\0", 0, ("a" * 63, 65), id="a long label"),
        pytest.param((b"\x3f" + b"a" * 63) * 4 + b"\0", 0, (None, 0), id="too long"),
    ],
)
def test_names(data: bytes, start: int, expected: tuple[str | None, int]) -> None:
    assert name_at(data, start, {}) == expected


@given(data=st.binary(max_size=200), start=st.integers(0, 210))
def test_what_was_found_before_changes_no_name(data: bytes, start: int) -> None:
    known: dict[int, tuple[str, int]] = {}
    for at in range(len(data)):
        name_at(data, at, known)
    assert name_at(data, start, known) == name_at(data, start, {})


@given(st.binary(max_size=300))
def test_any_bytes_are_read_as_far_as_they_make_sense(data: bytes) -> None:
    found = parse(data)
    assert 0 <= found.stop <= len(data)
    assert found.error is not None or found.stop == len(data)


@pytest.mark.parametrize("count", [1000, 2000])
def test_hostile_references_cost_no_more_than_honest_ones(count: int) -> None:
    chain = name(".".join("a" * 1 for _ in range(127)))[:-1] + b"\0"
    records = [resource(b"\xc0\x0c", 16, b"") for _ in range(count)]
    data = dns([chain + b"\0\1\0\1"], records)[2:]
    seen = []

    class Counted(bytes):
        def __getitem__(self, key: Any) -> Any:
            seen.append(key)
            return super().__getitem__(key)

    found = parse(Counted(data))
    assert len(found.records) == count
    assert len(seen) < 400 + 12 * count


@pytest.mark.parametrize(
    ("length", "anomalies"),
    [
        pytest.param(12, ["bad-question"], id="no question"),
        pytest.param(30, ["bad-question"], id="half a question"),
        pytest.param(40, ["bad-record"], id="half a record"),
    ],
)
def test_what_is_cut_is_an_anomaly(length: int, anomalies: list[str]) -> None:
    whole = dns([ASKED], [resource(POINTER, 1, bytes(4))])[2:]
    found = one(vector(2, whole[:length]))
    assert found.facts["id"] == 7
    assert found.anomalies == anomalies
    longer = one(vector(2, whole + b"more"))
    assert longer.answers and longer.anomalies == ["bytes-behind-records"]


def test_a_message_with_a_hole_is_read_up_to_it() -> None:
    whole = dns([ASKED], [resource(POINTER, 1, bytes(4))])
    turns: list[Turn] = [(1, whole[:40]), (1, 2), (1, whole[42:] + dns([ASKED], []))]
    first, second = messages_of(turns, Dns())
    assert first.questions[0].name == "www.example.org"
    assert (first.complete, second.complete) == (False, True)


def test_messages_are_found_behind_what_is_lost() -> None:
    lost = dns([question("lost.example")], [resource(POINTER, 1, bytes(4))])
    found = dns([ASKED], [resource(POINTER, 1, bytes([192, 0, 2, 7]))])
    for start in range(len(lost)):
        turns: list[Turn] = [(1, dns([ASKED], [])), (1, start + 1)]
        turns.append((1, lost[start + 1 :] + found))
        items = items_of(events_of(turns), Dns())
        messages = [item for item in items if isinstance(item, Message)]
        assert messages[-1].body == found[2:]
    # Nor is the beginning of the stream needed.
    items = items_of(events_of([(1, lost[3:] + found)], handshake=False), Dns())
    assert [item.body for item in items if isinstance(item, Message)] == [found[2:]]


@needs_tshark
@pytest.mark.parametrize(
    "capture",
    ["nfstream__pcaps__dns_fragmented.pcap", "arkime__pcap__arkime_synthetic.pcap"],
)
@pytest.mark.filterwarnings("ignore::unpacket.errors.CaptureWarning")
def test_tshark_sees_the_same(capture: str) -> None:
    path = shared_path("captures", "files", capture)
    fields = ("dns.id", "dns.qry.name", "dns.count.answers", "dns.a")
    ids, names, answers, addresses = seen_by_tshark(path, "dns", *fields)
    # Bytes in no message are of no protocol.
    found = [one for one in unpacket.messages(path) if isinstance(one, DnsMessage)]
    assert len(found) > 2
    assert Counter(f"0x{one.id:04x}" for one in found) == ids
    asked = [each.name for one in found for each in one.questions]
    assert Counter("<Root>" if name == "." else name for name in asked) == names
    assert Counter(str(len(one.answers)) for one in found) == answers
    texts = [each.text for one in found for each in one.records if each.kind == "A"]
    assert Counter(texts) == addresses


@given(
    pieces=st.lists(
        st.one_of(
            st.binary(max_size=20),
            st.sampled_from([dns([ASKED]), dns([ASKED], [])[:9], dns([])]),
        )
    ),
    start=st.integers(0, 40),
)
def test_a_start_is_the_first_place_where_a_header_may_be(
    pieces: list[bytes], start: int
) -> None:
    data = b"".join(pieces)
    framer = Dns().begin(1, whole=False)
    start = min(start, len(data))
    places = (at for at in range(start, len(data)) if may_begin(data, at))
    assert framer.find_start(data, start, False) == next(places, len(data))


def test_a_length_that_no_message_has_is_none() -> None:
    items = items_of(events_of([(1, b"\0\5hello" + dns([ASKED], []))]), Dns())
    assert [item.body for item in items if isinstance(item, Message)] == [
        dns([ASKED], [])[2:]
    ]
