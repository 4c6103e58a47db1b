"""The line of a stream in JSON: the text that the standard library would write."""

import json
from pathlib import Path

import pytest

import unpacket
from tests.builder import Conversation
from unpacket.records.summary import Summary, Trouble

SAMPLE = Path(__file__).resolve().parents[2] / "examples" / "sample.pcapng"


def told_by_library(summary: Summary) -> str:
    return json.dumps(summary.to_dict(), separators=(",", ":"))


@pytest.mark.skipif(not SAMPLE.exists(), reason="the examples are not in this copy")
@pytest.mark.parametrize("digest", [False, True])
def test_a_line_is_what_json_makes_of_the_record(digest: bool) -> None:
    found = list(unpacket.summaries(SAMPLE, digest=digest))
    assert len(found) == 9
    for summary in found:
        assert summary.to_json() == told_by_library(summary)


def test_a_line_of_a_stream_in_trouble() -> None:
    talk = Conversation(("2001:db8::1", 1), ("2001:db8::2", 65535))
    talk.handshake()
    talk.client(1, b"good")
    talk.client(1, b"evil")
    talk.client(5, b"fake", sum_xor=1)
    talk.client(5, b"true")
    talk.server(1, ack=15)
    (summary,) = unpacket.summaries(talk.packets, digest=True)
    assert summary.conflicts
    assert summary.rejected
    assert summary.gaps[0]
    assert summary.to_json() == told_by_library(summary)


def test_a_line_of_a_stream_that_has_not_closed() -> None:
    talk = Conversation()
    talk.handshake()
    opened = unpacket.Assembler().feed(talk.batch())[0]
    summary = Summary(opened.stream, Trouble())
    assert '"close_reason":null' in summary.to_json()
    assert summary.to_json() == told_by_library(summary)


@pytest.mark.parametrize(
    "times_ns",
    [
        pytest.param((1 - (1 << 63), (1 << 63) - 1), id="as far apart as can be"),
        pytest.param(((1 << 63) - 1, 1 - (1 << 63)), id="backwards"),
        pytest.param((1 - (1 << 63), -1), id="before 1970"),
        pytest.param((0, (1 << 63) - 1), id="to the last"),
    ],
)
def test_a_line_of_any_times(times_ns: tuple[int, int]) -> None:
    talk = Conversation()
    talk.handshake()
    packets = [
        (time_ns, data)
        for time_ns, (_, data) in zip(times_ns, talk.packets, strict=False)
    ]
    for summary in unpacket.summaries(packets):
        assert summary.to_json() == told_by_library(summary)
        record = json.loads(summary.to_json())
        assert record["duration_ns"] == record["end_ns"] - record["start_ns"]
