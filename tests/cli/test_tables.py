"""What commands print as JSON is read into tables as it is, by polars, DuckDB, pandas.

They guess the types of columns from the first lines: of these the captures here have
more that are ordinary than any of them looks at by default, but DuckDB, and what is
missing, in conflict or rejected comes last.
"""

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.builder import Conversation, Frame, write_pcap
from unpacket.cli import cli

ROOT = Path(__file__).resolve().parents[2]
ORDINARY = 150


def frames() -> Iterator[Frame]:
    """Give streams of which neither side sends anything, then one in trouble."""
    at_ns = 1_700_000_000_123_456_789
    for number in range(ORDINARY):
        talk = Conversation(("10.0.0.1", 1000 + number), start_ns=at_ns)
        talk.handshake()
        talk.farewell(1, 1)
        yield from talk
        at_ns = talk.now_ns + 1_000_000
    talk = Conversation(start_ns=at_ns)
    talk.handshake()
    talk.client(1, b"good")
    talk.client(1, b"evil")
    talk.client(5, b"fake", sum_xor=1)
    talk.client(5, b"true")
    talk.client(13, b"more")
    talk.server(1, b"answer", ack=17)
    yield from talk


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "late.pcap"
    write_pcap(path, frames())
    return path


def printed(*arguments: str | Path, into: Path) -> Path:
    """Write what a command prints to a file, and return it."""
    done = CliRunner().invoke(cli, list(map(str, arguments)), prog_name="unpacket")
    assert done.exit_code in (0, 1), done.stderr
    into.write_bytes(done.stdout_bytes)
    return into


def by_polars(path: Path) -> list[dict[str, Any]]:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    frame = polars.read_ndjson(path)
    rows: list[dict[str, Any]] = frame.to_dicts()
    return rows


def by_duckdb(path: Path) -> list[dict[str, Any]]:
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")
    found = duckdb.sql(f"SELECT * FROM read_json('{path}', sample_size = 100)")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def by_pandas(path: Path) -> list[dict[str, Any]]:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.read_json(path, lines=True)
    rows: list[dict[str, Any]] = frame.to_dict(orient="records")
    return rows


READERS = pytest.mark.parametrize("read", [by_polars, by_duckdb, by_pandas])
Read = Callable[[Path], list[dict[str, Any]]]


def plain(value: Any) -> Any:
    """Return a value as JSON has it: readers make times of texts that are some."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if plain(one) != ()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    # What a line lacks: the first of a stream has more keys than the others.
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ()
    return value


def assert_same(path: Path, rows: list[dict[str, Any]]) -> None:
    """Assert that rows are the lines, to the last nanosecond."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == len(lines)
    for row, line in zip(rows, lines, strict=True):
        found = plain(row)
        for name in ("time", "start", "end"):
            if name in line and not isinstance(found[name], str):
                # DuckDB has times of microseconds: the number beside it is whole.
                del found[name], line[name]
        assert found == plain(line)


@READERS
@pytest.mark.parametrize("options", [(), ("--digest",)], ids=["plain", "digest"])
def test_streams(
    read: Read, options: tuple[str, ...], capture: Path, tmp_path: Path
) -> None:
    path = printed("streams", capture, "--json", *options, into=tmp_path / "s.jsonl")
    rows = read(path)
    assert_same(path, rows)
    assert len(rows) == ORDINARY + 1
    last = rows[-1]
    assert (last["conflicts"], last["client"]["gaps"]) == (1, 1)
    assert last["client"]["gap_list"] == "8+4:not_captured"
    assert last["rejected_reason"] == "checksum"


@READERS
@pytest.mark.parametrize("options", [(), ("--no-remarks",)], ids=["all", "data"])
def test_follow(
    read: Read, options: tuple[str, ...], capture: Path, tmp_path: Path
) -> None:
    path = tmp_path / "f.jsonl"
    printed("follow", capture, "--as", "json", *options, into=path)
    rows = read(path)
    assert_same(path, rows)
    kinds = {row["event"] for row in rows}
    assert kinds == ({"data"} if options else kinds | {"gap", "conflict", "rejected"})


@READERS
@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="plain"),
        pytest.param(("--gaps", "zeros"), id="zeros"),
        pytest.param(("--frames", "--conversation", "utf8"), id="more files"),
    ],
)
def test_the_index_of_extract(
    read: Read, options: tuple[str, ...], capture: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    printed("extract", capture, "-o", out, *options, into=tmp_path / "nothing")
    path = out / "index.jsonl"
    rows = read(path)
    assert_same(path, rows)
    assert rows[0]["files"]["client"]["name"] == ""
    assert (out / rows[-1]["files"]["client"]["name"]).exists()
    assert rows[-1]["conflict_list"].startswith("client:0+4:")


@READERS
def test_check(read: Read, capture: Path, tmp_path: Path) -> None:
    path = printed("check", capture, "--json", into=tmp_path / "c.jsonl")
    (row,) = read(path)
    assert set(row) == set(json.loads(path.read_text()))
    assert not row["ok"]


@READERS
def test_compare(read: Read, capture: Path, tmp_path: Path) -> None:
    own = f"own={sys.executable} {ROOT / 'examples' / 'drivers' / 'own.py'}"
    command = ("compare", capture, capture, "--json", "--tool", own)
    path = printed(*command, into=tmp_path / "o.jsonl")
    rows = read(path)
    assert len(rows) == 2
    assert set(rows[0]) == set(json.loads(path.read_text().splitlines()[0]))


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_jq_has_the_last_digit_of_a_time(capture: Path, tmp_path: Path) -> None:
    path = printed("streams", capture, "--json", "--limit", "1", into=tmp_path / "s")
    asked = subprocess.run(
        ["jq", "-r", ".start", path], capture_output=True, check=True, timeout=60
    )
    assert asked.stdout == b"2023-11-14T22:13:20.123456789Z\n"
