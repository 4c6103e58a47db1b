"""`unpacket streams`: sorted, limited, as CSV."""

import csv
import io
import json
import re
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.builder import Conversation, write_pcap
from unpacket.cli import cli
from unpacket.cli.spreadsheet import NAMES

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = "examples/sample.pcapng"

pytestmark = pytest.mark.skipif(
    not (ROOT / SAMPLE).exists(), reason="the examples are not part of this copy"
)


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def streams(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["streams", *arguments], prog_name="unpacket")


def ids(*arguments: str) -> list[int]:
    done = streams(SAMPLE, *arguments)
    assert (done.exit_code, done.stderr) == (0, "")
    if "--json" in arguments:
        return [json.loads(line)["id"] for line in done.stdout.splitlines()]
    if "--csv" in arguments:
        return [int(row["id"]) for row in rows(done.stdout)]
    return [int(line.split()[0]) for line in done.stdout.splitlines()[1:]]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("form", [(), ("--json",), ("--csv",)])
@pytest.mark.parametrize(
    "arguments, expected",
    [
        pytest.param(("--sort", "id"), list(range(9)), id="ascending"),
        pytest.param(("--sort", "-id"), list(range(8, -1, -1)), id="descending"),
        pytest.param(
            ("--sort", "id", "--reverse"), list(range(8, -1, -1)), id="turned"
        ),
        pytest.param(("--sort", "-bytes", "--limit", "2"), [1, 7], id="the largest"),
        pytest.param(
            ("--sort", "-gaps,-id", "--limit", "4"), [7, 2, 1, 8], id="two columns"
        ),
        pytest.param(
            ("--sort=-duration", "--where", "not gaps", "--limit", "1"),
            [0],
            id="of those that pass",
        ),
        pytest.param(("--limit", "2"), [0, 3], id="the first to end"),
    ],
)
def test_sort_and_limit(
    arguments: tuple[str, ...], expected: list[int], form: tuple[str, ...]
) -> None:
    assert ids(*arguments, *form) == expected


def test_a_sorted_line_is_the_line() -> None:
    for form in ("--json", "--csv"):
        usual = sorted(streams(SAMPLE, form, "--digest").stdout.splitlines())
        in_order = streams(SAMPLE, form, "--digest", "--sort", "bytes").stdout
        assert sorted(in_order.splitlines()) == usual


@pytest.mark.parametrize(
    "arguments, told",
    [
        (("--sort", "byte"), "no column 'byte'; did you mean bytes"),
        (("--reverse",), "--reverse is for --sort"),
        (("--json", "--csv"), "--json or --csv, not both"),
        (("--limit", "0"), "Invalid value for '--limit'"),
    ],
)
def test_what_cannot_be_is_2(arguments: tuple[str, ...], told: str) -> None:
    done = streams(SAMPLE, *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr


def test_csv_says_what_json_does() -> None:
    done = streams(SAMPLE, "--csv", "--digest")
    assert done.stdout_bytes.count(b"\r\n") == done.stdout_bytes.count(b"\n") == 10
    by_json = map(json.loads, streams(SAMPLE, "--json", "--digest").stdout.splitlines())
    for row, record in zip(rows(done.stdout), by_json, strict=True):
        assert list(row) == list(NAMES)
        assert int(row["id"]) == record["id"]
        assert row["path"] == record["path"]
        for side in ("client", "server"):
            assert row[f"{side}_address"] == record[side]["address"]
            assert int(row[f"{side}_port"]) == record[side]["port"]
            for what in (
                "packets",
                "bytes",
                "duplicates",
                "other_channel",
                "retransmissions",
                "gaps",
                "missing",
            ):
                assert int(row[f"{side}_{what}"]) == record[side][what]
            for what in ("sha256", "gap_list"):
                assert row[f"{side}_{what}"] == record[side][what]
        assert row["complete"] == str(record["complete"]).lower()
        assert row["close_reason"] == record["close_reason"]
        for moment in ("start", "end"):
            ns = f"{moment}_ns"
            assert int(row[ns]) == record[ns]
            assert row[moment] == record[moment]
            whole, _, fraction = row[moment].removesuffix("Z").partition(".")
            seconds = datetime.fromisoformat(f"{whole}+00:00").timestamp()
            assert round(seconds) * 10**9 + int(fraction) == record[ns]
        assert int(row["duration_ns"]) == record["end_ns"] - record["start_ns"]


def test_csv_without_streams_has_its_names(tmp_path: Path) -> None:
    write_pcap(tmp_path / "empty.pcap", [])
    done = streams(str(tmp_path / "empty.pcap"), "--csv")
    assert done.exit_code == 1
    assert done.stdout_bytes == ",".join(NAMES).encode() + b"\r\n"


def test_no_value_is_a_formula(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"=1+1")
    talk.client(1, b"@SUM")
    talk.client(9, b"+A1")
    write_pcap(tmp_path / "formula.pcap", talk)
    done = streams(str(tmp_path / "formula.pcap"), "--csv", "--digest")
    (row,) = rows(done.stdout)
    assert (row["conflicts"], row["gap_reason"]) == ("1", "unacknowledged")
    assert not [value for value in row.values() if re.match(r"[-=+@\t\r]", value)]
