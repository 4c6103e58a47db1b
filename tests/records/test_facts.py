"""The table of facts: JSON, CSV, filters and documents know the same, by one name."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

import unpacket
from tests.builder import Conversation, write_pcap
from unpacket import Batch, Endpoint, sources
from unpacket.cli.spreadsheet import FIRST, NAMES, CsvForm
from unpacket.query.columns import COLUMNS as ASKED
from unpacket.query.columns import KINDS
from unpacket.query.order import Order
from unpacket.query.parser import Where, WhereError
from unpacket.records.analysis_facts import ALL_FACTS, ANALYSIS_FACTS
from unpacket.records.facts import COLUMNS, FACTS, SIDES, Column, Fact, Kind
from unpacket.records.json_line import WRITTEN
from unpacket.records.summary import members_of
from unpacket.sources.live.losses import Losses
from unpacket.sources.live.owners import Owners, Process
from unpacket.sources.source import Source

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "sample.pcapng"
PAGE = ROOT / "docs" / "cli.md"


def in_trouble() -> Conversation:
    """Return what has a gap, a conflict and rejected segments."""
    talk = Conversation(("2001:db8::1", 1), ("2001:db8::2", 65535))
    talk.handshake()
    talk.client(1, b"good")
    talk.client(1, b"evil")
    talk.client(5, b"fake", sum_xor=1)
    talk.client(5, b"true")
    talk.client(13, b"more")
    talk.server(1, b"answer", ack=17)
    return talk


class Known(Source):
    """A capture of which is known what an interface tells: owners, and losses."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._source = sources.open(path)
        self.now_ns = 0
        self.losses = Losses()
        self.losses.add(0, 1 << 62, 7)
        self.processes = self
        self.begun = None

    @property
    def bytes_read(self) -> int:
        return self._source.bytes_read

    @property
    def total_bytes(self) -> None:
        return None

    @property
    def live(self) -> Any:
        return self

    def owners_of(self, client: Endpoint, server: Endpoint) -> tuple[Owners, Owners]:
        """Return somebody; a number of a process for each port."""
        return (
            Owners(
                (Process(client.port, "curl", "curl -s", "me", "a.scope"),), "socket"
            ),
            Owners(
                (
                    Process(server.port, "a,b", "/bin/a b", "www", "b.service"),
                    Process(1, "init", "init", "root", ""),
                ),
                "listener",
            ),
        )

    def look_again(self) -> None:
        """Find nobody else."""

    def __next__(self) -> Batch:
        return next(self._source)

    def close(self) -> None:
        self._source.close()


@pytest.fixture(scope="module")
def summaries(tmp_path_factory: pytest.TempPathFactory) -> list[unpacket.Summary]:
    path = tmp_path_factory.mktemp("facts") / "trouble.pcap"
    write_pcap(path, in_trouble())
    found = list(unpacket.summaries(Known(path), digest=True))
    if SAMPLE.exists():
        found += unpacket.summaries(Known(SAMPLE), digest=True)
    assert any(summary.conflicts for summary in found)
    assert any(summary.rejected for summary in found)
    assert any(summary.gaps[0] for summary in found)
    return found


def leaves(record: dict[str, Any], path: tuple[str, ...] = ()) -> dict[Any, Any]:
    """Return the values of nested objects by their paths."""
    found: dict[Any, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            found |= leaves(value, (*path, name))
        else:
            found[(*path, name)] = value
    return found


def asked_names(fact: Fact) -> set[str]:
    """Return by which names filters know a fact."""
    if not fact.asked:
        return set()
    names = {fact.name}
    if fact.each_side:
        names |= {f"{side}.{fact.name}" for side in SIDES}
    if fact.kind is Kind.ADDRESS:
        names |= set(SIDES)
    return names


@pytest.mark.parametrize("fact", ALL_FACTS, ids=lambda fact: fact.name)
def test_a_fact_says_what_it_is(fact: Fact) -> None:
    assert re.fullmatch("[a-z][a-z0-9_]*", fact.name)
    assert fact.help
    assert "\n" not in fact.help
    assert not fact.help.endswith(".")
    assert bool(fact.words) == (fact.kind in (Kind.WORD, Kind.WORDS))
    if fact.kind in (Kind.TIME, Kind.DURATION):
        assert fact.unit == "ns"
    if fact.kind is Kind.BYTES:
        assert fact.unit == "bytes"
    if fact.summed:
        assert fact.each_side
        assert fact.kind in (Kind.COUNT, Kind.BYTES)


def test_no_two_facts_have_one_name() -> None:
    assert len({fact.name for fact in ALL_FACTS}) == len(ALL_FACTS)
    assert len({column.path for column in COLUMNS}) == len(COLUMNS)
    assert len(set(NAMES)) == len(NAMES)
    # Or an object in JSON would be a value of that name too.
    assert not {fact.name for fact in ALL_FACTS} & set(SIDES)


def test_json_has_the_columns_and_their_types(
    summaries: list[unpacket.Summary],
) -> None:
    types = {column.path: column.type for column in COLUMNS}
    for summary in summaries:
        for record in (summary.to_dict(), json.loads(summary.to_json())):
            found = leaves(record)
            assert set(found) == set(types)
            assert {path: type(value) for path, value in found.items()} == types


def test_the_compiled_line_is_what_the_table_makes(
    summaries: list[unpacket.Summary],
) -> None:
    # What json_line writes, and what it leaves to the table, are all facts.
    assert set(WRITTEN) <= {fact.name for fact in FACTS}
    for summary in summaries:
        line = json.dumps(summary.to_dict(), separators=(",", ":"))
        assert summary.to_json() == line
        assert summary.members() == members_of(summary)


def test_csv_keeps_the_order_of_its_columns() -> None:
    assert NAMES[: len(FIRST)] == FIRST
    assert sorted(NAMES) == sorted(column.name for column in COLUMNS)


def test_csv_has_the_same_values(summaries: list[unpacket.Summary]) -> None:
    written: list[bytes] = []
    form = CsvForm(written.append)
    text = b"".join([*written, *map(form.row, summaries)]).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == len(summaries)
    for row, summary in zip(rows, summaries, strict=True):
        expected = {
            "_".join(path): json.dumps(value) if isinstance(value, bool) else str(value)
            for path, value in leaves(summary.to_dict()).items()
        }
        assert row == expected


@pytest.mark.parametrize("fact", ALL_FACTS, ids=lambda fact: fact.name)
def test_filters_and_orders_know_a_fact_by_its_name(fact: Fact) -> None:
    names = {name for name in ASKED if name.removeprefix("client.") == fact.name}
    names |= {name for name in ASKED if name.removeprefix("server.") == fact.name}
    if fact.kind is Kind.ADDRESS:
        names |= set(SIDES) & set(ASKED)
    assert names == asked_names(fact)
    for name in names:
        assert Order(name).fields == name
        assert ASKED[name].early is fact.early
        if fact.kind in KINDS:
            assert ASKED[name].kind is KINDS[fact.kind]
    if not names:
        with pytest.raises(WhereError, match="no column"):
            Where(f"{fact.name} == 1")


def test_both_sides_together_are_a_sum_or_either(
    summaries: list[unpacket.Summary],
) -> None:
    for fact in FACTS:
        if fact.asked and fact.each_side:
            for summary in summaries:
                values = list(ASKED[fact.name].values(summary))
                client, server = fact.read(summary)
                expected = [client + server] if fact.summed else [client, server]
                assert values == expected


def test_filters_know_nothing_else() -> None:
    assert set(ASKED) == set().union(*map(asked_names, ALL_FACTS))


def written_value(column: Column, value: Any) -> str:
    """Return how a filter has a value that JSON has."""
    if column.fact.kind is Kind.DURATION:
        return f"{value / 1e9:.9f}s"
    return f"'{str(value).lower() if column.type is bool else value}'"


@pytest.mark.parametrize(
    "column",
    # Of a time filters take the text.
    [
        one
        for one in COLUMNS
        if one.fact.asked and not (one.fact.kind is Kind.TIME and one.type is int)
    ],
    ids=lambda column: column.name,
)
def test_a_filter_finds_what_json_says(
    column: Column, summaries: list[unpacket.Summary]
) -> None:
    asked = ".".join([*column.path[:-1], column.fact.name])
    for summary in summaries:
        value = leaves(summary.to_dict())[column.path]
        if column.fact.kind is Kind.WORDS:
            for word in column.fact.words:
                there = word in value.split()
                assert Where(f"{asked} == {word}").matches(summary) is there
            continue
        same = Where(f"{asked} == {written_value(column, value)}")
        assert same.matches(summary)
        for other in summaries:
            if leaves(other.to_dict())[column.path] != value:
                assert not same.matches(other)


def test_without_a_digest_nothing_else_is_missing() -> None:
    talk = in_trouble()
    (bare,) = unpacket.summaries(talk.packets)
    (full,) = unpacket.summaries(talk.packets, digest=True)
    optional = {column.path for column in COLUMNS if column.fact.optional}
    found = leaves(full.to_dict())
    assert leaves(bare.to_dict()) == {
        path: value for path, value in found.items() if path not in optional
    }


@pytest.mark.skipif(not PAGE.exists(), reason="the documents are not in this copy")
@pytest.mark.parametrize(
    ("title", "facts"),
    [
        ("What is known of a stream", FACTS),
        ("What an analysis knows besides", ANALYSIS_FACTS),
    ],
)
def test_the_page_has_every_fact(title: str, facts: tuple[Fact, ...]) -> None:
    section = PAGE.read_text("utf-8").split(f"## {title}\n")[1]
    section = section.split("\n## ")[0]
    listed = re.findall(
        r"^- `([a-z_0-9]+)` \(([a-z ]+)(, each side)?\): (.+)$", section, re.M
    )
    assert listed == [
        (fact.name, fact.kind.value, ", each side" if fact.each_side else "", fact.help)
        for fact in facts
    ]
