"""What is known of a conversation: times, counts, how it went, and how to find it."""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builder import (
    CLIENT_END,
    FIN,
    MS,
    RST,
    SECOND,
    SERVER_END,
    SYN,
    Conversation,
    Frame,
)
from tests.talk import batches
from unpacket import Assembler, Batch, summaries
from unpacket.analysis import Analyzer, Columns, analyses
from unpacket.analysis.conversation import Conversation as Analysed
from unpacket.analysis.conversation import community_id
from unpacket.analysis.totals import bucket_of, middle_of
from unpacket.query.parser import Where
from unpacket.records.analysis_facts import ALL_FACTS, ANALYSIS_FACTS
from unpacket.records.facts import FACTS

SAMPLE = Path(__file__).parents[2] / "examples" / "sample.pcapng"
CLIENT, SERVER = 0, 1


def analyzer_of(frames: list[Frame], cuts: tuple[int, ...] = (), **options: Any) -> Any:
    """Return an analyzer that has seen frames, in batches that begin at ``cuts``."""
    analyzer = Analyzer(**options)
    assembler = Assembler(data=False)
    assembler.observe(analyzer)
    for batch in batches(frames, cuts):
        assembler.feed(batch)
    assembler.finish()
    return analyzer


def only(talk: Conversation) -> Analysed:
    (summary,) = analyses(talk.packets)
    found: Analysed = summary.analysis
    return found


def request(talk: Conversation, answer_ms: int = 50) -> None:
    """Send a question, which is answered after some time."""
    talk.handshake()
    talk.client(1, b"question", ack=1, at_ns=10 * MS)
    talk.server(1, ack=9, at_ns=15 * MS)
    talk.server(1, b"answer", ack=9, at_ns=(10 + answer_ms) * MS)
    talk.client(9, ack=7, at_ns=(12 + answer_ms) * MS)


def test_times_of_a_question_and_its_answer() -> None:
    talk = Conversation()
    request(talk)
    found = only(talk)
    client, server = found.sides
    assert found.initial_rtt_ns == 2 * MS
    assert found.first_byte_ns == 50 * MS
    # The SYN has been acknowledged too.
    assert (client.rtt_min_ns, client.rtt_max_ns) == (1 * MS, 5 * MS)
    assert (server.rtt_min_ns, server.rtt_max_ns) == (1 * MS, 2 * MS)
    assert (client.bytes, server.bytes) == (8, 6)
    assert server.pauses["think"] == 50 * MS


def test_of_what_was_sent_twice_no_round_trip_is_counted() -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"hello", ack=1, at_ns=10 * MS)
    talk.client(1, b"hello", ack=1, at_ns=400 * MS)
    talk.server(1, ack=6, at_ns=420 * MS)
    client = only(talk).sides[CLIENT]
    assert client.rtt_max_ns == 1 * MS
    assert (client.again, client.rate_ppm) == (1, 500_000)
    assert client.frames == {"retransmission": 5}


def test_how_long_a_window_was_shut() -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"hello", ack=1)
    talk.server(1, ack=6, window=0, at_ns=SECOND)
    talk.server(1, ack=6, window=100, at_ns=3 * SECOND)
    server = only(talk).sides[SERVER]
    assert server.zero_window_ns == 2 * SECOND
    assert (server.window_min, server.window_max) == (0, 100)


def test_a_window_that_stays_shut_counts_to_the_end() -> None:
    talk = Conversation()
    talk.handshake()
    talk.server(1, ack=1, window=0, at_ns=SECOND)
    talk.client(1, ack=1, at_ns=5 * SECOND)
    assert only(talk).sides[SERVER].zero_window_ns == 4 * SECOND


@pytest.mark.parametrize(
    ("steps", "state", "history"),
    [
        pytest.param("S", "S0", "S", id="no answer"),
        pytest.param("S H", "S1", "Sh", id="half way"),
        pytest.param("S H a d A", "S1", "ShADa", id="still going on"),
        pytest.param("S H a d A f F l", "SF", "ShADaFf", id="closed by both"),
        pytest.param("S H a f", "S2", "ShAF", id="closed by the client"),
        pytest.param("S H a F", "S3", "ShAf", id="closed by the server"),
        pytest.param("S r", "REJ", "Sr", id="refused"),
        pytest.param("S H a R", "RSTO", "ShAR", id="reset by the client"),
        pytest.param("S H a r", "RSTR", "ShAr", id="reset by the server"),
        pytest.param("S R", "RSTOS0", "SR", id="given up"),
        pytest.param("S f", "SH", "SF", id="only the client's side"),
        pytest.param("d A", "OTH", "Da", id="from the middle"),
    ],
)
def test_how_it_went_in_zeeks_words(steps: str, state: str, history: str) -> None:
    talk = Conversation()
    send = {
        "S": lambda: talk.client(0, ack=None, flags=SYN),
        "H": lambda: talk.server(0, ack=1, flags=SYN),
        "a": lambda: talk.client(1, ack=1),
        "d": lambda: talk.client(1, b"hi", ack=1),
        "A": lambda: talk.server(1, ack=3),
        "f": lambda: talk.client(3, ack=1, flags=FIN),
        "F": lambda: talk.server(1, ack=4, flags=FIN),
        "l": lambda: talk.client(4, ack=2),
        "R": lambda: talk.client(1, ack=None, flags=RST),
        "r": lambda: talk.server(1, ack=1, flags=RST),
    }
    for step in steps.split():
        send[step]()
    (found,) = analyzer_of(talk.frames)
    assert (found.conn_state, found.history) == (state, history)


def test_community_id_is_that_of_the_specification() -> None:
    # From its own baseline (tcp.pcap): 128.232.110.120:34855 > 66.35.250.204:80.
    from unpacket import Endpoint

    one, other = Endpoint("128.232.110.120", 34855), Endpoint("66.35.250.204", 80)
    assert community_id(one, other) == "1:LQU9qZlK+B5F3KDmev6m5PMibrg="
    assert community_id(other, one) == community_id(one, other)


def three() -> list[Frame]:
    """Return three conversations, two of them between the same ends."""
    frames: list[Frame] = []
    for ports in ((40000, 80), (40001, 443)):
        talk = Conversation(("10.0.0.1", ports[0]), ("10.0.0.2", ports[1]))
        request(talk)
        frames += talk.frames
    talk = Conversation(client_isn=70_000, start_ns=talk.now_ns + SECOND)
    request(talk)
    return frames + talk.frames


@pytest.mark.parametrize(
    ("question", "number"),
    [
        pytest.param(("10.0.0.1", 40001, "10.0.0.2", 443), 1, id="exact"),
        pytest.param(("10.0.0.2", 443, "10.0.0.1", 40001), 1, id="the other way round"),
        pytest.param(("10.0.0.1", 40000, "10.0.0.2", 80), 2, id="the latest"),
        pytest.param(("10.0.0.1", 40001, None, 443), 1, id="without an address"),
        pytest.param(("10.0.0.1", 40001, "10.0.0.2", None), 1, id="without a port"),
        pytest.param(("10.0.0.1", 40001, None, None), 1, id="one end alone"),
        pytest.param(("10.0.0.2", 443), 1, id="the server's end alone"),
        pytest.param(("10.0.0.1", 40001, "10.9.9.9", 443), 1, id="a wrong address"),
        pytest.param(("10.0.0.9", 1, "10.0.0.8", 2), None, id="nobody"),
        pytest.param((None, None, None, None), None, id="nothing is asked"),
    ],
)
def test_conversations_are_found(question: tuple[Any, ...], number: int | None) -> None:
    found = analyzer_of(three()).find_conversation(*question)
    assert (None if found is None else found.number) == number


def test_conversations_are_found_by_frame_and_number() -> None:
    analyzer = analyzer_of(three())
    ends = (*CLIENT_END, *SERVER_END)
    assert analyzer.find_conversation(*ends, frame=10).number == 0
    assert [one.number for one in analyzer.at_frame(10)] == [1]
    assert analyzer.conversation(2).first_frame == 15
    with pytest.raises(IndexError, match="conversation 3 of 3"):
        analyzer.conversation(3)
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6"):
        analyzer.find_conversation("nowhere", 1)


def snapshot(found: Analysed) -> dict[str, Any]:
    sides = [
        {name: getattr(side, name) for name in side.__slots__} for side in found.sides
    ]
    return {
        "state": found.conn_state,
        "history": found.history,
        "rtt": found.initial_rtt_ns,
        "verdict": found.verdict,
        "sides": sides,
    }


def single(batch: Batch) -> Iterator[Batch]:
    """Give the frames of a batch, one at a time."""
    for index in range(batch.count):
        number, time_ns, link_type, original, octets = batch.frame(index)
        frame = (time_ns, octets, link_type, original)
        yield Batch.from_frames([frame], number)


@given(st.sets(st.integers(1, 20)))
def test_any_cut_finds_the_same(cuts: set[int]) -> None:
    frames = three()
    whole = [snapshot(found) for found in analyzer_of(frames)]
    cut = [snapshot(found) for found in analyzer_of(frames, tuple(cuts))]
    assert cut == whole


@pytest.mark.skipif(not SAMPLE.exists(), reason="the sample is not in this copy")
def test_a_stream_is_as_it_was_when_it_closed_in_any_cut() -> None:
    from unpacket import Closed, sources

    with sources.open(SAMPLE) as source:
        whole = list(source)

    def at_close(parts: Iterator[Batch]) -> dict[int, Any]:
        analyzer = Analyzer()
        assembler = Assembler(data=False)
        assembler.observe(analyzer)
        found = {}
        for batch in parts:
            assembler.begin(batch)
            for events in iter(assembler.step, None):
                for event in events:
                    if isinstance(event, Closed):
                        conversation = analyzer.of_stream(event.stream)
                        assert conversation is not None
                        found[event.stream.id] = snapshot(conversation)
        return found

    one_by_one = (part for batch in whole for part in single(batch))
    assert at_close(one_by_one) == at_close(iter(whole))


@pytest.mark.skipif(not SAMPLE.exists(), reason="the sample is not in this copy")
def test_round_trips_in_callbacks_are_the_same_fed_as_a_file_or_by_packets() -> None:
    from unpacket import StreamFollower, sources

    def seen(feed: Any) -> list[Any]:
        analyzer = Analyzer()
        follower = StreamFollower()
        follower.assembler.observe(analyzer)
        found: list[Any] = []

        def note(stream: Any, payload: bytes) -> None:
            conversation = analyzer.of_stream(stream.facts)
            assert conversation is not None
            found.append([side.rtt_ns for side in conversation.sides])

        @follower.on_new_stream
        def begun(stream: Any) -> None:
            stream.on_client_data(note)
            stream.on_server_data(note)

        feed(follower)
        follower.finish()
        return found

    def by_packets(follower: StreamFollower) -> None:
        with sources.open(SAMPLE) as source:
            for batch in source:
                for part in single(batch):
                    follower.feed(part)

    whole = seen(lambda follower: follower.feed(SAMPLE))
    assert whole
    assert seen(by_packets) == whole


@given(st.integers(0, 1 << 40))
def test_a_quantile_is_within_a_sixteenth(rtt_ns: int) -> None:
    middle = middle_of(bucket_of(rtt_ns))
    if rtt_ns < (1 << 35):
        assert abs(middle - rtt_ns) <= max(rtt_ns / 16, 1024)


def test_the_analysis_has_a_bound() -> None:
    analyzer = analyzer_of(three(), max_conversations=1)
    assert len(analyzer) == 1
    # Those of the second, and the SYN of the third, whose ends the first has.
    assert analyzer.left_out == 7 + 1


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"there are 4\.0 and 4\.4"):
        Analyzer(profile="3.6")
    with pytest.raises(ValueError, match="below 1"):
        Analyzer(max_conversations=0)


def test_columns_are_rows_of_numbers() -> None:
    talk = Conversation()
    request(talk)
    columns = Columns()
    analyzer_of(talk.frames, columns=columns)
    assert len(columns) == len(talk.frames)
    assert columns.row(3)["bytes_in_flight"] == 8
    with pytest.raises(IndexError, match="row 7 of 7"):
        columns.row(7)
    columns.clear()
    assert len(columns) == 0


def test_delivery_is_the_same_with_an_observer() -> None:
    frames = three()
    assembler = Assembler()
    assembler.observe(Analyzer())
    watched = assembler.feed(Batch.from_frames(frames)) + assembler.finish()
    alone = Assembler()
    plain = alone.feed(Batch.from_frames(frames)) + alone.finish()
    assert list(map(repr, watched)) == list(map(repr, plain))


@pytest.mark.skipif(not SAMPLE.exists(), reason="the sample is not in this copy")
@pytest.mark.parametrize("fact", ANALYSIS_FACTS, ids=lambda fact: fact.name)
def test_a_fact_of_the_analysis_is_in_json_and_can_be_asked(fact: Any) -> None:
    found = list(analyses(SAMPLE))
    assert any(fact.read(one) not in (None, (None, None)) for one in found)
    for one in found:
        record = one.to_dict()
        assert record == json.loads(one.to_json())
        value = fact.read(one)
        values = value if fact.each_side else (value,)
        known = [item for item in values if item is not None]
        text = json.dumps(record)
        assert all(f'"{fact.name}' in text for _ in known)
    if fact.asked:
        names = [fact.name]
        if fact.each_side:
            names += [f"client.{fact.name}", f"server.{fact.name}"]
        for name, one in product(names, found):
            Where(f"{name} == {name}").matches(one)


def test_facts_of_the_analysis_are_silent_without_it() -> None:
    talk = Conversation()
    request(talk)
    (plain,) = summaries(talk.packets)
    names = {fact.name for fact in FACTS}
    assert all(fact.name in names or fact.analysed for fact in ALL_FACTS)
    assert "verdict" not in plain.to_json()
    assert not Where("rtt > 0s or blame == network").matches(plain)


def test_a_filter_that_needs_the_analysis_is_refused_without_it() -> None:
    talk = Conversation()
    request(talk)
    with pytest.raises(ValueError, match="rtt is known to unpacket"):
        list(summaries(talk.packets, where="rtt > 1ms"))
    found = list(
        analyses(talk.packets, where="rtt_max > 1ms and retransmission_rate < 1%")
    )
    assert len(found) == 1
    assert not list(analyses(talk.packets, where="retransmission_rate > 0.01"))
