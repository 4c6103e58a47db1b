"""Filters on streams: each column, each operator, each mistake, and a model."""

import ipaddress
import operator
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import unpacket
from tests.builder import SECOND, Conversation
from unpacket import Assembler, Direction, Endpoint, Gap, Opened, Policy
from unpacket._core.constants import REASONS
from unpacket._core.decode.reasons import GAP_REASONS, REJECTED_REASONS
from unpacket.cli import check_answers
from unpacket.query.columns import COLUMNS
from unpacket.query.parser import MAX_DEPTH, MAX_LENGTH, Where, WhereError
from unpacket.sources.live.owners import Owners, Process

SAMPLE = Path(__file__).parents[2] / "examples" / "sample.pcapng"
DAY_NS = 1_700_000_000 * SECOND  # 2023-11-14T22:13:20


def gap(offset: int, length: int, reason: str) -> Gap:
    of_no_stream: Any = None
    return Gap(of_no_stream, Direction.CLIENT, offset, length, reason)


class Facts(NamedTuple):
    """What a filter asks of a ``Summary``, or of a stream that opens."""

    id: int = 3
    client: Endpoint = Endpoint("10.0.0.1", 40000)
    server: Endpoint = Endpoint("192.168.7.9", 443)
    first_ns: int = DAY_NS + 2 * SECOND
    last_ns: int = DAY_NS + 5 * SECOND
    packets: tuple[int, int] = (7, 5)
    duplicates: tuple[int, int] = (2, 1)
    other_channel: tuple[int, int] = (0, 4)
    retransmissions: tuple[int, int] = (1, 0)
    bytes: tuple[int, int] = (100, 70_000)
    path: str = "eth/vlan:42/ip/tcp"
    first_frame: int = 8
    gaps: tuple[list[Gap], list[Gap]] = (
        [],
        [gap(10, 1448, "not_captured"), gap(9000, 2, "truncated")],
    )
    conflicts: int = 0
    rejected: dict[str, int] = {"checksum": 2, "ttl": 1}  # noqa: RUF012
    unplaced: tuple[dict[str, int], dict[str, int]] = ({}, {"after_rst": 5, "ttl": 7})
    close_reason: str = "rst"
    analysis: None = None
    role_evidence: str = "syn"
    complete: bool = False
    capture_drops: int = 4

    def owned(self, read: Callable[[Owners], Any]) -> tuple[Any, Any]:
        curl = Process(7, "curl", "curl -s", "me", "a.scope")
        nginx = Process(1, "nginx", "nginx: worker", "www-data", "nginx.service")
        return read(Owners((curl,), "socket")), read(Owners((nginx,), "listener"))

    @property
    def start_ns(self) -> int:
        return self.first_ns

    @property
    def end_ns(self) -> int:
        return self.last_ns

    @property
    def duration_ns(self) -> int:
        return self.last_ns - self.first_ns


def holds(expression: str, facts: Any = None) -> bool:
    asked: Any = Facts() if facts is None else facts
    return Where(expression).matches(asked, DAY_NS)


@pytest.mark.parametrize(
    "expression",
    [
        "id == 3",
        "id in (1, 2..4)",
        "client == 10.0.0.1",
        "client == 10.0.0.1:40000",
        "client = 10.0.0.0/8",
        "client in 10.0.0.0/255.0.0.0",
        "server != 192.168.7.9:80",
        "server == 192.168.7.9/32:443",
        "address == 192.168.7.9 and address == 10.0.0.1",
        "address not in (172.16.0.0/12, ::/0)",
        "not address in 172.16.0.0/12",
        'server == "192.168.7.9"',
        "client != server",
        "server.port == 443",
        "client.port > server.port",
        "port == 443 and port == 40000",
        "port in (80, 443, 8000..8010)",
        "port != 80",
        "not (port != 443)",
        "port > 1024 and port < 1024",
        "start == 2s",
        "start >= 2 and start <= 2.0s and start in 1..2",
        "start > 2023-11-14T22:13:21 and end < 2023-11-14T22:13:26Z",
        "start == '2023-11-14 22:13:22'",
        "start == 2023-11-14T23:13:22+01:00",
        "start > 2023-11-14",
        "start in 2023-11-14..2023-11-15",
        "start == 2023-11-14T22:13:22.000000000Z",
        "start < 2023-11-14T22:13:22.000000001Z",
        "start > 2023-11-14T22:13:21.999999999",
        "end != start",
        "duration == 3",
        "duration == 3000ms",
        "duration > 2.9s and duration < 1m and duration in 1s..5s",
        "bytes == 70100",
        "bytes > 64KiB and bytes < 1M and bytes >= 70.1kb",
        "client.bytes < server.bytes",
        "server.bytes == 70000",
        "packets == 12 and client.packets == 7 and server.packets == 5",
        "duplicates == 3",
        "other_channel == 4",
        "retransmissions == 1",
        "gaps == 2 and not client.gaps and server.gaps",
        "missing == 1450 and client.missing == 0 and server.missing == 1450",
        "gaps",
        "gap_reason == truncated and gap_reason != limit",
        "gap_reason in (limit, not_captured)",
        "unplaced == 12 and client.unplaced == 0 and server.unplaced > 10",
        "unplaced_reason == after_rst and unplaced_reason != before_start",
        "conflicts == 0",
        "!conflicts",
        "rejected == 3",
        "rejected_reason == ttl && rejected_reason",
        "rejected_reason not in (window)",
        "close_reason == rst",
        "close_reason != fin",
        "role_evidence == syn",
        "path == eth/vlan:42/ip/tcp and path != 'ip/tcp'",
        "path in (ip/tcp, eth/vlan:42/ip/tcp)",
        "first_frame == 8",
        "client.address == 10.0.0.1:40000 and server.address in 192.168.0.0/16",
        "client.duplicates == 2 and server.duplicates == 1",
        "not client.other_channel and server.other_channel == 4",
        "client.retransmissions > server.retransmissions",
        "not complete",
        "complete == false",
        "complete != true",
        "  ( ( id==3 ) )  ",
        "id == 1 or id == 2 or id == 3",
        "id == 1 and id == 2 or id == 3",
        "id == 3 or id == 3 and id == 1",
        "NOT id == 1 AND Not not not id IN (4) || id == 9",
    ],
)
def test_it_holds(expression: str) -> None:
    assert holds(expression)
    assert not holds(f"not ({expression})")


# tests/analysis has those of the analysis.
@pytest.mark.parametrize(
    "name", [name for name, column in COLUMNS.items() if not column.analysed]
)
def test_every_column_has_a_value(name: str) -> None:
    (summary,) = unpacket.summaries(talked().packets)
    values = COLUMNS[name].values
    kinds = {type(value) for value in values(Facts())}
    assert kinds
    # Of a stream without trouble there are no reasons.
    assert {type(value) for value in values(summary)} in (kinds, set())


def test_addresses_of_both_versions() -> None:
    facts = Facts(client=Endpoint("2001:db8::1", 9), server=Endpoint("::1", 443))
    for expression in (
        "client == 2001:DB8:0::1",
        "client == [2001:db8::1]:9 and client != [2001:db8::1]:8",
        "address in 2001:db8::/32",
        "server == ::1 and server == [::1]",
        "not address in 0.0.0.0/0",
    ):
        assert holds(expression, facts)


@pytest.mark.parametrize(
    "expression, position, reason",
    [
        ("", 0, "there is no test; one is server.port == 443 and gaps > 0"),
        ("   ", 3, "a column is missing before the end"),
        ("prot == 3", 0, "no column 'prot'; did you mean port?"),
        ("xyzzy == 3", 0, "no column 'xyzzy'; there are id, client, server, "),
        ("80 == port", 0, "no column '80'; there are id"),
        (
            "port == http",
            8,
            "'http' is not a value of port: port is a port",
        ),
        (
            "port == 65536",
            8,
            "'65536' is not a value of port: the highest",
        ),
        ("id == 1 id == 2", 8, "'id' after the end; join tests by and or or"),
        ("id ==", 5, "id needs the id of a stream"),
        ("id == )", 6, "id needs the id of a stream"),
        ("(id == 1", 8, "')' is missing"),
        ("id in (1 2)", 9, "')' or ',' is missing in a list"),
        ("id not 3", 7, "in is missing after not"),
        ("and id == 1", 0, "a column is missing before and"),
        ("client > 10.0.0.1", 7, "client has no order; compare it with =="),
        ("client == 10.0.0.300", 10, "'10.0.0.300' is not a value of client: client"),
        ("client == 10.0.0.1:http", 10, "'10.0.0.1:http' is not a value of client"),
        ("client == [::1]x", 10, "'[::1]x' is not a value of client"),
        ("client", 0, "client needs a comparison"),
        ("close_reason == FIN", 16, "'FIN' is not a value of close_reason: choose "),
        ("close_reason in fin..rst", 16, "'fin..rst' is not a value of close_reason"),
        ("complete == 1", 12, "'1' is not a value of complete: complete is true or "),
        ("bytes > 3 parsecs", 10, "'parsecs' after the end"),
        ("bytes > 3parsecs", 8, "'3parsecs' is not a value of bytes: bytes is a size"),
        ("bytes > -1", 8, "'-1' is not a value of bytes"),
        ("duration > client.bytes", 11, "duration and client.bytes cannot be compared"),
        ("start > tomorrow", 8, "'tomorrow' is not a value of start: start is a time"),
        ("port in 443..80", 8, "443..80 is empty: the lower end comes first"),
        ("port in 80..", 8, "'' is not a value of port"),
        ("id == {1}", 6, "'{' means nothing here; lists stand in ( )"),
        ("id == 1 ; id == 2", 8, "';' means nothing here"),
        ("client == 'a", 10, "the quotation that ' begins has no end"),
        ("id == ٣", 6, "'٣' means nothing here"),
    ],
)
def test_a_mistake_says_where_and_what_helps(
    expression: str, position: int, reason: str
) -> None:
    with pytest.raises(WhereError) as caught:
        Where(expression)
    error = caught.value
    assert (error.expression, error.position) == (expression, position)
    assert error.reason.startswith(reason)
    place = f"character {position + 1}" if position < len(expression) else "the end"
    assert str(error) == f"at {place}: {error.reason}"
    assert isinstance(error, ValueError)


def test_length_and_depth_are_bounded() -> None:
    long = "id == 3" + " or id == 3" * 340
    assert len(long) < MAX_LENGTH
    assert holds(long)
    assert holds(long.replace("or", "and"))
    with pytest.raises(WhereError, match="longer than 4096 characters"):
        Where(long + " " * MAX_LENGTH)
    deep = "(" * MAX_DEPTH + "id == 3" + ")" * MAX_DEPTH
    assert holds(deep)
    for too_deep in (f"({deep})", f"not {deep}", "not " * 1000 + "id == 3", "(" * 4000):
        with pytest.raises(WhereError, match=f"at most {MAX_DEPTH} deep"):
            Where(too_deep)


def test_only_text_is_a_filter() -> None:
    with pytest.raises(TypeError, match="a filter must be text, not int"):
        Where(3)  # type: ignore[arg-type]


PIECES = [*COLUMNS, "and", "or", "not", "in", "==", "!=", "<", "(", ")", ",", "..", "'"]
PIECES += ["3", "10.0.0.1", "::1", "10.0.0.0/8", "64KiB", "1.5s", "fin", "2026-11-21"]


@given(
    st.one_of(
        st.text(max_size=60),
        st.text("()!<>=&|.,:'\"[]/+- 019aexnotridcl", max_size=60),
        st.lists(st.sampled_from(PIECES), max_size=20).map(" ".join),
        st.lists(st.sampled_from(PIECES), max_size=20).map("".join),
    )
)
def test_any_text_is_a_filter_or_a_mistake(text: str) -> None:
    try:
        where = Where(text)
    except WhereError as error:
        assert 0 <= error.position <= max(len(text), 1)
        assert str(error)
    else:
        assert where.matches(Facts(), DAY_NS) in (True, False)
        assert where.early(Facts(), DAY_NS) in (True, False, None)


# The model: a random expression is a pair of its text and what it means.

Meaning = Callable[[Facts], bool]

NUMBERS: dict[str, Callable[[Facts], list[int]]] = {
    "id": lambda f: [f.id],
    "port": lambda f: [f.client.port, f.server.port],
    "server.port": lambda f: [f.server.port],
    "packets": lambda f: [f.packets[0] + f.packets[1]],
    "client.bytes": lambda f: [f.bytes[0]],
    "bytes": lambda f: [f.bytes[0] + f.bytes[1]],
    "conflicts": lambda f: [f.conflicts],
    "missing": lambda f: [sum(gap.length for gap in f.gaps[0] + f.gaps[1])],
}
ORDERS: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
SMALL = st.integers(0, 6)
ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.9.0.1", "fd00::1", "fd00::2"]
NETWORKS = ["10.0.0.0/8", "10.0.0.0/31", "10.0.0.2/32", "fd00::/64", "fd00::2", "::/0"]
ENDS = st.builds(Endpoint, st.sampled_from(ADDRESSES), SMALL)
GAPS = st.builds(
    gap, SMALL, SMALL, st.sampled_from(["not_captured", "limit", "skipped"])
)
FACTS = st.builds(
    Facts,
    id=SMALL,
    client=ENDS,
    server=ENDS,
    packets=st.tuples(SMALL, SMALL),
    bytes=st.tuples(SMALL, SMALL),
    gaps=st.tuples(st.lists(GAPS, max_size=2), st.lists(GAPS, max_size=2)),
    conflicts=SMALL,
    close_reason=st.sampled_from(["fin", "rst", "timeout"]),
    complete=st.booleans(),
)


@st.composite
def number_tests(draw: st.DrawFn) -> tuple[str, Meaning]:
    column = draw(st.sampled_from(sorted(NUMBERS)))
    values, wanted = NUMBERS[column], draw(SMALL)
    kind = draw(st.sampled_from([*ORDERS, "!=", "in", "not in"]))
    if kind in ORDERS:
        order = ORDERS[kind]
        return (
            f"{column} {kind} {wanted}",
            lambda f: any(order(value, wanted) for value in values(f)),
        )
    if kind == "!=":
        return f"{column} != {wanted}", lambda f: wanted not in values(f)
    last = wanted + draw(SMALL)
    items = {*range(wanted, last + 1), 6}
    return (
        f"{column} {kind} (6, {wanted}..{last})",
        lambda f: bool(items & set(values(f))) is (kind == "in"),
    )


@st.composite
def address_tests(draw: st.DrawFn) -> tuple[str, Meaning]:
    column = draw(st.sampled_from(["client", "server", "address"]))
    network = draw(st.sampled_from(NETWORKS))
    kind = draw(st.sampled_from(["==", "!=", "in", "not in"]))
    among = ipaddress.ip_network(network)

    def meaning(f: Facts) -> bool:
        ends = {"client": [f.client], "server": [f.server]}
        chosen = ends.get(column, [f.client, f.server])
        return any(ipaddress.ip_address(end.address) in among for end in chosen) is (
            kind in ("==", "in")
        )

    return f"{column} {kind} {network}", meaning


WORD_TESTS = st.sampled_from(
    [
        ("complete", lambda f: f.complete),
        ("close_reason == fin", lambda f: f.close_reason == "fin"),
        ("close_reason != fin", lambda f: f.close_reason != "fin"),
        (
            "gap_reason in (limit, skipped)",
            lambda f: any(
                gap.reason in ("limit", "skipped") for gap in f.gaps[0] + f.gaps[1]
            ),
        ),
        ("client.bytes > server.bytes", lambda f: f.bytes[0] > f.bytes[1]),
        ("client == server", lambda f: f.client.address == f.server.address),
    ]
)


def joined(
    parts: list[tuple[str, Meaning]], word: str, every: bool
) -> tuple[str, Meaning]:
    texts = [f"({text})" for text, _ in parts]
    quantifier = all if every else any
    return (
        f" {word} ".join(texts),
        lambda f: quantifier(meaning(f) for _, meaning in parts),
    )


def larger(
    smaller: st.SearchStrategy[tuple[str, Meaning]],
) -> st.SearchStrategy[tuple[str, Meaning]]:
    several = st.lists(smaller, min_size=1, max_size=3)
    return st.one_of(
        st.builds(joined, several, st.sampled_from(["and", "&&"]), st.just(True)),
        st.builds(joined, several, st.sampled_from(["or", "||"]), st.just(False)),
        smaller.map(lambda part: (f"not({part[0]})", lambda f: not part[1](f))),
    )


EXPRESSIONS = st.recursive(
    st.one_of(number_tests(), address_tests(), WORD_TESTS), larger, max_leaves=8
)


@given(EXPRESSIONS, FACTS)
def test_agrees_with_the_model(expression: tuple[str, Meaning], facts: Facts) -> None:
    text, meaning = expression
    where = Where(text)
    assert where.matches(facts) is meaning(facts)
    assert where.early(facts) in (None, meaning(facts))


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=1, max_size=9),
    st.integers(0, 3),
)
def test_and_binds_stronger_than_or(
    tests: list[tuple[bool, int]], stream_id: int
) -> None:
    words = [f"id == {number} {'and' if strong else 'or'}" for strong, number in tests]
    alternatives = [[]]  # type: list[list[bool]]
    for strong, number in tests:
        alternatives[-1].append(stream_id == number)
        if not strong:
            alternatives.append([])
    alternatives[-1].append(stream_id == 0)
    text = " ".join([*words, "id == 0"])
    wanted = any(all(parts) for parts in alternatives)
    assert holds(text, Facts(id=stream_id)) is wanted


def talked() -> Conversation:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"x")
    return talk


def known_early(expression: str) -> bool | None:
    events = Assembler(Policy()).feed(talked().batch())
    (opened,) = (event for event in events if isinstance(event, Opened))
    return Where(expression).early(opened.stream, opened.stream.first_ns)


@pytest.mark.parametrize(
    "expression, known",
    [
        ("port == 80", True),
        ("port == 81", False),
        ("start == 0", True),
        ("bytes > 0", None),
        ("port == 81 and bytes > 0", False),
        ("port == 80 and bytes > 0", None),
        ("port == 80 or bytes > 0", True),
        ("not (port == 81 and bytes > 0)", True),
        ("not bytes > 0", None),
        ("client.bytes == server.bytes", None),
        ("client == server", False),
    ],
)
def test_what_is_known_when_a_stream_opens(expression: str, known: bool | None) -> None:
    assert known_early(expression) is known


@pytest.mark.skipif(not SAMPLE.exists(), reason="the examples are not in this copy")
@pytest.mark.parametrize(
    "expression, ids",
    [
        ("gaps", {1, 2, 7}),
        ("address in 2001:db8::/32", {4}),
        ("start > 0.3 and server.bytes > 4000", {5, 6}),
        ("start > 0.3 and server.bytes > 4000 and close_reason == rst", {6}),
        ("client.bytes > server.bytes or duration > 400ms", {2, 7}),
        ("id == 99", set()),
    ],
)
def test_the_library_gives_the_streams_that_pass(
    expression: str, ids: set[int]
) -> None:
    everything = {
        item.id: item.sha256 for item in unpacket.summaries(SAMPLE, digest=True)
    }
    short = list(unpacket.summaries(SAMPLE, digest=True, where=expression))
    assert {item.id for item in short} == ids
    assert all(item.sha256 == everything[item.id] for item in short)
    whole = list(unpacket.streams(SAMPLE, where=Where(expression)))
    assert {item.id for item in whole} == ids
    assert all(
        (item.digest(0), item.digest(1)) == everything[item.id] for item in whole
    )


def test_a_mistake_is_told_before_anything_is_read() -> None:
    for face in (unpacket.streams, unpacket.summaries):
        with pytest.raises(WhereError):
            face("not-there.pcap", where="prot == 3")


@pytest.mark.parametrize(
    ("event", "reasons", "words"),
    [
        pytest.param(unpacket.Gap, GAP_REASONS, check_answers.GAP_REASONS, id="gaps"),
        pytest.param(
            unpacket.Rejected, REJECTED_REASONS, check_answers.REJECTIONS, id="rejected"
        ),
        pytest.param(unpacket.Closed, REASONS[1:], {}, id="closed"),
    ],
)
def test_every_reason_has_its_words(
    event: type, reasons: tuple[str, ...], words: dict[str, str]
) -> None:
    told = re.findall("``([a-z0-9_]+)``", str(event.__doc__).partition("reason:")[2])
    assert tuple(told) == reasons
    assert not words or tuple(words) == reasons
