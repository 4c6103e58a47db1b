"""``unpacket analyze`` and ``unpacket plot`` as a user meets them."""

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.builder import Conversation, write_pcap
from tests.cli.test_commands import ROOT, SAMPLE, invoke
from unpacket.analysis.conn_log import FIELDS
from unpacket.analysis.figure import KINDS, THEMES
from unpacket.cli.spreadsheet import MORE_NAMES, NAMES

pytestmark = pytest.mark.skipif(
    not (ROOT / SAMPLE).exists(), reason="the examples are not part of this copy"
)

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "30")


@pytest.fixture
def empty(tmp_path: Path) -> str:
    path = tmp_path / "empty.pcap"
    write_pcap(path, [])
    return str(path)


def test_a_table_has_each_stream_and_the_verdicts_below() -> None:
    result = invoke("analyze", SAMPLE)
    table, _, words = result.stdout.partition("\n\n")
    assert result.exit_code == 0
    assert len(table.splitlines()) == 1 + 9
    assert "loss_before_capture client" in table
    assert "stream 7: packets of the client were lost" in words
    assert "(frames 236, 251, 253)" in words


def test_one_stream_has_all_that_is_known() -> None:
    result = invoke("analyze", SAMPLE, "7")
    assert result.exit_code == 0
    for part in ("ShADaTdFf", "round trip", "window 64512 to 64512", "4 lost_segment"):
        assert part in result.stdout


def test_an_end_names_streams() -> None:
    result = invoke("analyze", SAMPLE, "192.0.2.1:55222", "--json")
    (line,) = result.stdout.splitlines()
    assert json.loads(line)["id"] == 7


def test_json_and_csv_have_the_same_facts() -> None:
    lines = invoke("analyze", SAMPLE, "--json").stdout.splitlines()
    text = invoke("analyze", SAMPLE, "--csv").stdout
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(rows[0]) == [*NAMES, *MORE_NAMES]
    assert len(rows) == len(lines) == 9
    for row, line in zip(rows, lines, strict=True):
        record = json.loads(line)
        assert row["blame"] == record["blame"]
        assert row["client_rtt_ns"] == str(record["client"]["rtt_ns"])
        rate = record["server"]["retransmission_rate"]
        assert float(row["server_retransmission_rate"]) == rate


def test_segments_are_lines_with_relative_numbers() -> None:
    result = invoke("analyze", SAMPLE, "7", "--segments")
    heading, *lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert heading.split()[:4] == ["frame", "time", "id", "seq"]
    assert [line.split()[0] for line in lines] == [str(n) for n in range(233, 279)]
    assert "fast retransmission" in lines[20]
    assert "duplicate ack 4 of frame 234" in lines[17]
    assert lines[0].split()[:4] == ["233", "0.445380", "7", ">"]


def test_segments_have_the_time_of_the_day_on_request() -> None:
    result = invoke("analyze", SAMPLE, "7", "--segments", "--time", "absolute")
    assert "2026-11-21T04:17:41.237" in result.stdout


def test_the_conn_log_is_zeeks() -> None:
    lines = invoke("analyze", SAMPLE, "--conn-log", "tsv").stdout.splitlines()
    assert lines[0] == r"#separator \x09"
    fields = lines[5].split("\t")
    assert fields == ["#fields", *(name for name, _ in FIELDS)]
    rows = [dict(zip(fields[1:], line.split("\t"), strict=True)) for line in lines[7:]]
    assert len(rows) == 9
    by_port = {row["id.orig_p"]: row for row in rows}
    assert by_port["55150"]["conn_state"] == "SF"
    assert by_port["55214"]["history"] == "ShDadAR"
    # As Zeek counts: with what is missing.
    assert by_port["55166"]["resp_bytes"] == "102590"
    assert by_port["55166"]["missed_bytes"] == "1448"
    records = invoke("analyze", SAMPLE, "--conn-log", "json").stdout.splitlines()
    for line, row in zip(records, rows, strict=True):
        record = json.loads(line)
        assert record["uid"] == row["uid"]
        assert f"{record['ts']:.6f}" == row["ts"]


def test_filters_know_what_the_analysis_does() -> None:
    where = "retransmission_rate > 1% and blame == loss_before_capture"
    found = invoke("analyze", SAMPLE, "--where", where, "--json").stdout.splitlines()
    assert [json.loads(line)["id"] for line in found] == [1, 7]
    nothing = invoke("analyze", SAMPLE, "--where", "rtt > 1h")
    assert nothing.exit_code == 1
    refused = invoke("streams", SAMPLE, "--where", "rtt > 1s")
    assert refused.exit_code == 2
    assert "rtt is known to `unpacket analyze` alone" in refused.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--json", "--segments"), "only one of --json, --csv, --segments"),
        (("--segments", "--where", "id == 1"), "--segments cannot wait for --where"),
    ],
)
def test_options_that_contradict_are_refused(
    options: tuple[str, ...], sentence: str
) -> None:
    result = invoke("analyze", SAMPLE, *options)
    assert result.exit_code == 2
    assert sentence in result.stderr


def test_nothing_found_is_exit_code_1(empty: str) -> None:
    assert invoke("analyze", empty).exit_code == 1
    assert invoke("analyze", SAMPLE, "77").exit_code == 1
    result = invoke("plot", SAMPLE, "77")
    assert result.exit_code == 1
    assert "no such stream" in result.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_a_plot_on_the_terminal_fits(kind: str) -> None:
    result = invoke("plot", SAMPLE, "1", "--kind", kind)
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0].startswith("stream 1: 192.0.2.1:55166 > 192.0.2.2:80")
    assert max(map(len, lines)) <= 100
    assert kind == "ladder" or len(lines) <= 30


def test_colours_are_for_terminals() -> None:
    assert "\x1b[" not in invoke("plot", SAMPLE, "1").stdout
    assert "\x1b[1;31m" in invoke("plot", SAMPLE, "1", "--color", "always").stdout


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_plot_in_a_file_is_the_same_each_time(
    kind: str, theme: str, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    drawn = []
    for name in ("one.svg", "two.svg"):
        path = tmp_path / name
        arguments = ("--kind", kind, "--theme", theme, "-o", str(path))
        assert invoke("plot", SAMPLE, "7", *arguments).exit_code == 0
        drawn.append(path.read_bytes())
    assert drawn[0] == drawn[1]
    assert b"stream 7" in drawn[0]
    ElementTree.fromstring(drawn[0])


def test_a_plot_marks_what_is_missing(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "plot.svg"
    assert invoke("plot", SAMPLE, "7", "-o", str(path)).exit_code == 0
    text = path.read_text()
    for part in ("1448 bytes missing", "sent again", "SACK", "window", "FIN"):
        assert part in text


def test_a_plot_marks_conflicts(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"good", ack=1)
    talk.client(1, b"evil", ack=1)
    talk.server(1, ack=5)
    capture, path = tmp_path / "conflict.pcap", tmp_path / "plot.svg"
    write_pcap(capture, talk)
    assert invoke("plot", str(capture), "0", "-o", str(path)).exit_code == 0
    assert "conflict" in path.read_text()


def test_a_plot_can_be_png_and_html(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    png, page = tmp_path / "plot.png", tmp_path / "plot.html"
    size = ("--size", "420x500")
    assert invoke("plot", SAMPLE, "7", "-o", str(png), *size).exit_code == 0
    assert png.read_bytes().startswith(PNG)
    assert invoke("plot", SAMPLE, "7", "-o", str(page)).exit_code == 0
    assert "packets of the client were lost" in page.read_text()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("-o", "plot.pdf"), "ends with none of .svg, .png, .html"),
        (("--size", "10x10", "-o", "plot.svg"), "is no size, such as 1000x560"),
        (("--kind", "pie"), "'pie' is not one of"),
    ],
)
def test_plots_that_cannot_be_are_refused(
    options: tuple[str, ...], sentence: str
) -> None:
    result = invoke("plot", SAMPLE, "7", *options)
    assert result.exit_code == 2
    assert sentence in result.stderr


def test_a_file_that_cannot_be_written_is_an_error() -> None:
    pytest.importorskip("matplotlib")
    result = invoke("plot", SAMPLE, "7", "-o", "/nowhere/plot.svg")
    assert result.exit_code == 2
    assert "/nowhere/plot.svg: no such file or directory" in result.stderr
