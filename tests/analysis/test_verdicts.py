"""Verdicts about connections that were slow for a reason that is known.

``tests/analysis/slow`` has the recordings of ``slow_paths``; docs/analysis.md has the
confusion matrix.
"""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.analysis.slow_paths import WAYS
from tests.builder import MS, RST, SECOND, SYN, Conversation
from unpacket.analysis import Conversation as Analysed
from unpacket.analysis import Verdict, analyses
from unpacket.analysis.verdict import BLAMES
from unpacket.records import analysis_facts

FOLDER = Path(__file__).with_name("slow")
PAGE = Path(__file__).parents[2] / "docs" / "analysis.md"
LEAST_RIGHT = 19


def analysis_of(talk: Conversation) -> Analysed:
    (summary,) = analyses(talk.packets)
    found: Analysed = summary.analysis
    return found


def verdict_of(talk: Conversation) -> Verdict:
    return analysis_of(talk).verdict


def found_in(name: str) -> Verdict:
    (summary,) = analyses(FOLDER / f"{name}.pcap.gz")
    verdict: Verdict = summary.analysis.verdict
    return verdict


def matrix() -> Counter[tuple[str, str]]:
    """Return how often each trouble got each verdict."""
    return Counter((WAYS[name].blame, found_in(name).blame) for name in WAYS)


def test_nearly_all_are_right() -> None:
    assert len(WAYS) == 20
    right = [
        name
        for name, way in WAYS.items()
        if found_in(name)[:2] == (way.blame, way.side)
    ]
    assert len(right) >= LEAST_RIGHT


@pytest.mark.skipif(not PAGE.exists(), reason="the documents are not in this copy")
def test_the_page_has_the_matrix() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \|((?: (?:\d+ )?\|)+)$", PAGE.read_text("utf-8"), re.M
    )
    names = [name for name, _ in rows]
    listed = {
        (name, names[place]): int(cell)
        for name, cells in rows
        for place, cell in enumerate(cells.split("|")[:-1])
        if cell.strip()
    }
    assert listed == dict(matrix())


@pytest.mark.parametrize("name", WAYS)
def test_a_verdict_names_frames_that_are_there(name: str) -> None:
    (summary,) = analyses(FOLDER / f"{name}.pcap.gz")
    found = summary.analysis
    assert found.verdict.frames
    for frame in found.verdict.frames:
        assert found.first_frame <= frame <= found.last_frame


def test_nobody_answers() -> None:
    talk = Conversation()
    for second in (0, 1, 3):
        talk.client(0, ack=None, flags=SYN, at_ns=second * SECOND)
    verdict = verdict_of(talk)
    assert (verdict.blame, verdict.side, verdict.frames) == (
        "no_answer",
        "server",
        (1, 3),
    )
    assert "3 SYNs in 3 s" in verdict.sentence


def test_refused() -> None:
    talk = Conversation()
    talk.client(0, ack=None, flags=SYN)
    talk.server(0, ack=1, flags=RST)
    verdict = verdict_of(talk)
    assert (verdict.blame, verdict.frames) == ("refused", (1, 2))


def test_a_handshake_that_took_long() -> None:
    talk = Conversation()
    talk.client(0, ack=None, flags=SYN, at_ns=0)
    talk.client(0, ack=None, flags=SYN, at_ns=SECOND)
    talk.server(0, ack=1, flags=SYN, at_ns=SECOND + 10 * MS)
    talk.client(1, ack=1, at_ns=SECOND + 11 * MS)
    talk.client(1, b"hello", ack=1, at_ns=SECOND + 12 * MS)
    talk.server(1, b"hello", ack=6, at_ns=SECOND + 20 * MS)
    verdict = verdict_of(talk)
    assert (verdict.blame, verdict.side) == ("handshake", "")
    assert "the SYN was sent 2 times" in verdict.sentence


def test_a_reset_by_a_side() -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"hello", ack=1)
    talk.server(1, ack=6, flags=RST)
    verdict = verdict_of(talk)
    assert (verdict.blame, verdict.side, verdict.frames) == ("reset", "server", (5,))


def test_a_server_that_thinks() -> None:
    talk = Conversation()
    talk.handshake()
    for n in range(5):
        talk.client(1 + n, b"?", ack=1 + n)
        talk.server(1 + n, b"!", ack=2 + n, at_ns=(n + 1) * SECOND)
    verdict = verdict_of(talk)
    assert (verdict.blame, verdict.side) == ("answer", "server")


def test_too_little_was_seen() -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"hello", ack=1)
    talk.server(1, b"hello", ack=6)
    talk.farewell(6, 6)
    verdict = verdict_of(talk)
    assert verdict.blame == "not_enough"
    assert verdict.sentence.startswith("not enough seen")


def test_one_side_alone_is_not_enough() -> None:
    talk = Conversation()
    for n in range(20):
        talk.client(1 + n, b"x", ack=1)
    assert "only one side" in verdict_of(talk).sentence


def test_where_no_cause_stands_out_nobody_is_to_blame() -> None:
    talk = Conversation()
    talk.handshake()
    for n in range(10):
        talk.client(1 + 100 * n, bytes(100), ack=1, at_ns=10 * MS)
    talk.server(1, ack=1001, at_ns=40 * MS)
    talk.farewell(1001, 1)
    assert verdict_of(talk).blame == "nothing"


def test_words_are_those_of_the_facts() -> None:
    assert analysis_facts.BLAMES == BLAMES
    # What is imported below must not import what is above.
    from unpacket.analysis.conversation import CONN_STATES

    assert analysis_facts.CONN_STATES == CONN_STATES
