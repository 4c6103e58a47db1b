"""A notebook shows a stream, an event and a report as tables, and runs nothing."""

from html.parser import HTMLParser
from typing import Any

import pytest

import unpacket
from tests.documents.running import SAMPLE
from tests.talk import Talk
from unpacket import Conflict, Gap, integrity

HOSTILE = b"</td></table><script>alert('1')</script>&amp;\"'<img src=x onerror=y>"
ALLOWED = {"table", "caption", "tr", "th", "td"}


class Tags(HTMLParser):
    """Has the tags of a text, with their attributes, and what lies between them."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(item: Any) -> str:
    """Return the text that a notebook shows, once it is clear that it is a table."""
    tags = Tags()
    tags.feed(item._repr_html_())
    tags.close()
    assert not tags.open
    assert "table" in tags.seen <= ALLOWED
    return tags.text


def hostile() -> Talk:
    talk = Talk(gap_grace_s=0.0, notes=True)
    talk.handshake()
    talk.client(0, HOSTILE)
    talk.client(0, HOSTILE[::-1])
    talk.client(500, HOSTILE)
    talk.server(0, HOSTILE, ack=500 + len(HOSTILE))
    talk.events += talk.assembler.finish()
    return talk


def test_every_event_shows_itself_escaped() -> None:
    events = hostile().events
    assert {"Data", "Gap", "Conflict", "Note"} <= {type(one).__name__ for one in events}
    for event in events:
        assert type(event).__name__ in shown(event)


def test_a_gap_says_where_and_why() -> None:
    (gap,) = (event for event in hostile().events if isinstance(event, Gap))
    text = shown(gap)
    for part in ("not_captured", "client", str(len(HOSTILE)), "10.0.0.1:40000"):
        assert part in text


def test_a_payload_is_shown_as_text_and_not_as_markup() -> None:
    found = [event for event in hostile().events if isinstance(event, Conflict)]
    assert "<script>alert" in shown(found[0])
    assert "<script>" not in found[0]._repr_html_()


def test_a_large_payload_is_cut() -> None:
    talk = Talk()
    talk.handshake()
    talk.client(0, b"<" * 60000)
    (data,) = (one for one in talk.events if type(one).__name__ == "Data")
    assert len(data._repr_html_()) < 5000
    assert "60,000 bytes" in shown(data)


def test_a_stream_shows_its_ends_and_counts() -> None:
    (stream,) = {event.stream for event in hostile().events}
    text = shown(stream)
    for part in ("10.0.0.1:40000 > 10.0.0.2:80", "end_of_capture", "gap_bytes"):
        assert part in text


@pytest.mark.parametrize("face", [unpacket.streams, unpacket.summaries])
def test_whole_streams_and_summaries_show_themselves(face: Any) -> None:
    for stream in face(SAMPLE):
        text = shown(stream)
        assert f"{stream.client} > {stream.server}" in text
        assert str(stream.close_reason) in text
        for gap in stream.gaps[0] + stream.gaps[1]:
            assert gap.reason in shown(gap)


def test_a_conversation_shows_its_pieces_and_holes() -> None:
    for stream in unpacket.streams(SAMPLE):
        for item in stream.conversation():
            assert type(item).__name__ in shown(item)


def test_a_whole_stream_shows_how_its_bytes_begin() -> None:
    talk = hostile()
    (stream,) = unpacket.streams(talk.wire.packets, link_type="ip")
    text = shown(stream)
    assert "<script>alert" in text
    stream.close()
    assert "<script>alert" not in shown(stream)


def test_a_report_shows_what_is_wrong() -> None:
    report = integrity.check(SAMPLE)
    text = shown(report)
    assert str(report.streams) in text
    for name in report.wrong:
        assert name in text
    assert "nothing" in shown(integrity.Report())
