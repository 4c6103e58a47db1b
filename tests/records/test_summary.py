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
    talk.client(5, b"bad", sum_xor=1)
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
