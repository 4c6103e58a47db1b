"""Payload that is in no stream: every command counts it, and names why."""

import json
from pathlib import Path

import pytest

import unpacket
from tests.builder import ACK, FIN, RST, Conversation, write_pcap
from tests.cli.test_commands import invoke
from tests.talk import batches
from unpacket import Assembler, Closed
from unpacket.integrity.checker import check
from unpacket.records.summary import Summary

SECOND_NS = 1_000_000_000


@pytest.fixture
def conversation() -> Conversation:
    """Five bytes in flight behind an RST, and three after the stream has ended."""
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"question", ack=1)
    talk.server(1, ack=9, flags=RST | ACK)
    talk.client(9, b"after", ack=1)
    talk.client(1, ack=1, at_ns=20 * SECOND_NS)
    talk.client(14, b"end", ack=1, at_ns=21 * SECOND_NS)
    talk.client(1, b"question", ack=1, at_ns=22 * SECOND_NS)
    return talk


@pytest.fixture
def behind_a_reset(conversation: Conversation, tmp_path: Path) -> Path:
    write_pcap(tmp_path / "reset.pcap", conversation)
    return tmp_path / "reset.pcap"


def test_streams_names_it(behind_a_reset: Path) -> None:
    done = invoke("streams", behind_a_reset)
    assert "5 bytes in no stream (after_rst)" in done.stdout
    assert done.stderr == (
        "unpacket: warning: 3 bytes came after the end of a stream, and are in no "
        "stream: stream 0: 3 bytes, from frame 8 on\n"
    )
    line = json.loads(invoke("streams", behind_a_reset, "--json").stdout)
    assert line["client"]["unplaced"] == 5
    assert line["client"]["unplaced_list"] == "after_rst:5"
    assert line["unplaced_reason"] == "after_rst"
    chosen = invoke(
        "streams", behind_a_reset, "--where", "unplaced_reason == after_rst"
    )
    assert chosen.exit_code == 0
    assert invoke("streams", behind_a_reset, "--where", "unplaced == 0").exit_code == 1


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_summary_does_not_depend_on_batches(
    conversation: Conversation, cut: int
) -> None:
    assembler = Assembler()
    found = []
    for batch in batches(conversation.frames, [cut]):
        for event in assembler.feed(batch):
            if isinstance(event, Closed):
                found.append(Summary(event.stream, None))
    (summary,) = found
    assert summary.unplaced == ({"after_rst": 5}, {})
    assert summary.to_json() == json.dumps(summary.to_dict(), separators=(",", ":"))
    assert assembler.late == {0: (3, 8)}


def test_check_has_a_line_for_it(behind_a_reset: Path) -> None:
    done = invoke("check", behind_a_reset)
    assert done.exit_code == 1
    assert "all is well" not in done.stdout
    lines = [line.strip() for line in done.stdout.splitlines()]
    at = lines.index("! unplaced    8 bytes in no stream, by reason:")
    assert lines[at + 1 : at + 5] == [
        "after_rst: 5 bytes: came behind an RST that ended the stream",
        "stream 0 client (10.0.0.1:40000 > 10.0.0.2:80): 5 bytes",
        "late: 3 bytes: came after the end of the stream",
        "stream 0: 3 bytes, from frame 8 on",
    ]
    report = check(behind_a_reset)
    assert report.wrong == ["unplaced"]
    assert report.unplaced["after_rst"].bytes == 5
    assert report.unplaced["late"].bytes == 3
    of_none = check(behind_a_reset, where="client.bytes == 8 and id == 0")
    assert of_none.unplaced["late"].bytes == 3


def test_extract_has_it_in_the_index(behind_a_reset: Path, tmp_path: Path) -> None:
    done = invoke("extract", behind_a_reset, "-o", tmp_path / "out")
    line = json.loads((tmp_path / "out" / "index.jsonl").read_text())
    assert line["client"]["unplaced_list"] == "after_rst:5"
    assert "3 bytes came after the end of a stream" in done.stderr


@pytest.mark.parametrize("form", ["utf8", "hex", "yaml", "c-array"])
def test_follow_has_a_remark(behind_a_reset: Path, form: str) -> None:
    done = invoke("follow", behind_a_reset, "--as", form)
    lines = done.stdout.splitlines()
    (at,) = [n for n, line in enumerate(lines) if "in no stream" in line]
    assert "client in no stream: 5 bytes: after_rst" in lines[at]
    assert "closed: rst" in lines[at + 1]
    raw = invoke("follow", behind_a_reset, "--as", "raw")
    assert raw.stdout == "question"
    assert "stream 0: client in no stream: 5 bytes: after_rst" in raw.stderr


def test_follow_has_it_in_json(behind_a_reset: Path) -> None:
    done = invoke("follow", behind_a_reset, "--as", "json")
    *others, last = map(json.loads, done.stdout.splitlines())
    assert (last["event"], last["client_unplaced"]) == ("closed", "after_rst:5")
    assert {line["client_unplaced"] for line in others} == {""}


def test_split_has_it_in_its_comments(behind_a_reset: Path, tmp_path: Path) -> None:
    done = invoke("split", behind_a_reset, "-o", tmp_path / "out")
    assert done.exit_code == 0
    (part,) = (tmp_path / "out").iterdir()
    data = part.read_bytes()
    assert b"client in no stream: 5 bytes: after_rst" in data
    assert b"after its end: 3 bytes (frame 8)" in data


def test_what_was_refused_counts_as_such() -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"good", ack=1)
    talk.client(1, b"evil", ack=1, sum_xor=1)
    talk.server(1, ack=5)
    talk.farewell(5, 1)
    (summary,) = unpacket.summaries(talk.packets)
    assert summary.unplaced == (summary.unplaced[0], {})
    assert sum(summary.unplaced[0].values()) == sum(
        summary.counts[0][name] for name in ("rejected_bytes", "discarded_bytes")
    )


def test_a_diagnostic_of_an_rst_is_no_trouble(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"question", ack=1)
    talk.server(1, b"no such service", ack=9, flags=RST | ACK)
    write_pcap(tmp_path / "refused.pcap", talk)
    report = check(tmp_path / "refused.pcap")
    assert report.unplaced["rst_payload"].bytes == 15
    assert "unplaced" not in report.wrong


@pytest.mark.parametrize(
    ("acked", "complete"),
    [
        pytest.param(9, True, id="all that was captured"),
        pytest.param(10, False, id="one position more: a byte, or a FIN"),
        pytest.param(12, False, id="bytes that the capture lacks"),
    ],
)
def test_complete_lacks_nothing_that_was_acknowledged(
    acked: int, complete: bool
) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"question", ack=1)
    talk.server(1, ack=acked)
    talk.server(1, ack=acked, flags=RST | ACK)
    (summary,) = unpacket.summaries(talk.packets)
    assert summary.close_reason == "rst"
    assert summary.complete is complete


def test_a_fin_has_a_position_of_its_own() -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"question", ack=1)
    talk.client(9, ack=1, flags=FIN)
    talk.server(1, ack=10)
    talk.server(1, ack=10, flags=RST | ACK)
    (summary,) = unpacket.summaries(talk.packets)
    assert summary.complete
