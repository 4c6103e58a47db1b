"""The heart of the inline part: what goes through, packet by packet."""

import pytest

from tests import builder
from tests.builder import ACK, FIN, PSH, RST, SYN, URG, checksum
from tests.inline.ends import (
    CLIENT,
    ENDS_6,
    SERVER,
    Parsed,
    Recorder,
    Wire,
)
from unpacket import Closed, Data, Direction, Finished, Gap, Opened
from unpacket.inline import (
    ACCEPT,
    DROP,
    RESET,
    Answer,
    Arrival,
    Hold,
    Packet,
    Settings,
)


def data_of(arrival: Arrival) -> bytes:
    return b"".join(e.payload for e in arrival.events if isinstance(e, Data))


def drops(word: bytes) -> Recorder:
    """Return an inspector that drops from the packet on that completes a word."""
    said: dict[object, bytearray] = {}

    def answer(arrival: Arrival) -> Answer:
        key = arrival.stream.id, arrival.direction
        text = said.setdefault(key, bytearray())
        text += data_of(arrival)
        return DROP if word in text else ACCEPT

    return Recorder(answer)


def test_a_whole_conversation_goes_through_untouched() -> None:
    inspector = Recorder()
    wire = Wire(inspector)
    wire.handshake()
    sent = [
        (CLIENT, 1, b"question", {"ack": 1}),
        (SERVER, 1, b"answer", {"ack": 9}),
        (CLIENT, 9, b"", {"ack": 7, "flags": FIN}),
        (SERVER, 7, b"", {"ack": 10, "flags": FIN}),
        (CLIENT, 10, b"", {"ack": 8}),
    ]
    for side, seq, payload, fields in sent:
        data = wire.packet(side, seq, payload, **fields)
        assert [packet.data for packet in wire.give(side, data).forward] == [data]
    assert inspector.seen == {
        Direction.CLIENT: b"question",
        Direction.SERVER: b"answer",
    }
    kinds = [type(event) for event in inspector.events]
    assert kinds == [Opened, Data, Data, Finished, Finished, Closed]
    assert inspector.over == 1
    statistics = wire.engine.statistics
    assert (statistics.passed, statistics.rewritten, statistics.streams) == (8, 0, 1)
    assert not statistics.dropped


def test_a_word_over_three_segments_is_stopped_before_its_last_byte() -> None:
    wire = Wire(drops(b"forbidden"))
    wire.handshake()
    assert wire.send(CLIENT, 1, b"for").forward
    assert wire.send(CLIENT, 4, b"bid").forward
    assert not wire.send(CLIENT, 7, b"den").forward
    for _ in range(3):
        assert not wire.send(CLIENT, 7, b"den").forward
    assert not wire.send(CLIENT, 4, b"bidden").forward
    assert not wire.send(CLIENT, 10, b"more").forward
    assert wire.receivers[CLIENT].read == b"forbid"
    # The other direction is not touched.
    assert wire.send(SERVER, 1, b"hello", ack=7).forward
    assert wire.send(CLIENT, 10, ack=6).forward


def test_what_comes_out_of_order_does_not_help() -> None:
    wire = Wire(drops(b"forbidden"))
    wire.handshake()
    assert wire.send(CLIENT, 7, b"den").forward
    assert wire.send(CLIENT, 1, b"for").forward
    assert not wire.send(CLIENT, 4, b"bid").forward
    assert not wire.send(CLIENT, 4, b"bid").forward
    assert not wire.send(CLIENT, 7, b"den").forward
    assert wire.receivers[CLIENT].read == b"for"


@pytest.mark.parametrize("overlap", ["first", "last"])
def test_the_first_bytes_of_an_offset_are_what_goes_on(overlap: str) -> None:
    inspector = Recorder()
    wire = Wire(inspector, overlap=overlap)  # type: ignore[arg-type]
    wire.handshake()
    wire.send(CLIENT, 5, b"XXXX")
    wire.send(CLIENT, 3, b"yyyyyyyyyy")
    wire.send(CLIENT, 1, b"zzzzzz")
    assert wire.receivers[CLIENT].read == b"zzyyXXXXyyyy"
    assert inspector.seen[Direction.CLIENT] == b"zzyyXXXXyyyy"


def test_a_lost_decoy_is_what_its_receiver_gets_in_the_end() -> None:
    inspector = Recorder()
    wire = Wire(inspector)
    wire.handshake()
    wire.give(CLIENT, wire.packet(CLIENT, 1, b"decoy"), lost=True)
    wire.send(CLIENT, 1, b"truth")
    assert wire.receivers[CLIENT].read == inspector.seen[Direction.CLIENT] == b"decoy"


@pytest.mark.parametrize(
    ("seq", "payload", "fields", "reason"),
    [
        pytest.param(1, b"x", {"sum_xor": 1}, "tcp_checksum", id="checksum"),
        pytest.param(1, b"x", {"ack": None}, "no_ack", id="no ACK flag"),
        pytest.param(1, b"x", {"ack": 2}, "ack_unsent", id="ack of what was not sent"),
        pytest.param(1, b"x", {"ack": -70000}, "ack_old", id="ack of long ago"),
        pytest.param(2, b"", {"flags": RST}, "rst", id="RST in the window"),
        pytest.param(0, b"", {"flags": RST}, "rst", id="RST below"),
        pytest.param(70000, b"x", {}, "window", id="beyond the window"),
        pytest.param(1, b"x", {"options": b"\x13\x12" + bytes(16)}, "signature"),
        pytest.param(1, b"", {"flags": SYN | FIN}, "syn", id="SYN and FIN"),
    ],
)
def test_what_receivers_drop_is_dropped(
    seq: int, payload: bytes, fields: dict[str, object], reason: str
) -> None:
    wire = Wire(Recorder())
    wire.handshake()
    outcome = wire.send(CLIENT, seq, payload, **fields)
    assert not outcome.forward
    assert outcome.reason == reason
    assert wire.engine.statistics.dropped == {reason: 1}
    assert wire.send(CLIENT, 1, b"and on").forward


def test_an_old_timestamp_is_refused() -> None:
    stamp = b"\x01\x01\x08\x0a"
    now, old = (stamp + n.to_bytes(4, "big") + bytes(4) for n in (1000, 900))
    wire = Wire(Recorder())
    wire.handshake(options=now)
    assert wire.send(CLIENT, 1, b"a", options=now).forward
    assert wire.send(CLIENT, 2, b"b", options=old).reason == "timestamp"
    assert wire.send(CLIENT, 2, b"c", options=now).forward


def test_urgent_data_and_reserved_bits_are_made_ordinary() -> None:
    wire = Wire(Recorder())
    wire.handshake()
    outcome = wire.send(CLIENT, 1, b"abc", flags=URG | PSH | 0x0E00, urgent=2)
    parsed = Parsed(outcome.forward[0])
    assert (parsed.flags, parsed.urgent, parsed.reserved) == (ACK | PSH, 0, 0)
    assert wire.receivers[CLIENT].read == b"abc"


def test_a_short_time_to_live_is_raised() -> None:
    wire = Wire(Recorder())
    wire.handshake()
    assert Parsed(wire.send(CLIENT, 1, b"abc", ttl=2).forward[0]).ttl == 8


def test_an_rst_goes_on_where_it_is_exact_and_ends_the_stream() -> None:
    inspector = Recorder()
    wire = Wire(inspector)
    wire.handshake()
    wire.send(CLIENT, 1, b"abc")
    assert wire.send(CLIENT, 4, flags=RST).forward
    assert wire.receivers[CLIENT].is_reset
    assert inspector.events[-1].reason == "rst"
    assert wire.send(CLIENT, 4, b"more").reason == "closed"
    # What the receiver answers goes on, if it did not believe the RST.
    assert wire.send(SERVER, 1, ack=1).forward
    assert wire.send(CLIENT, 1, ack=None, flags=RST).forward


def test_a_fin_waits_for_what_is_before_it() -> None:
    wire = Wire(Recorder())
    wire.handshake()
    outcome = wire.send(CLIENT, 4, b"def", flags=FIN)
    assert not Parsed(outcome.forward[0]).flags & FIN
    assert wire.send(CLIENT, 1, b"abc").forward
    assert Parsed(wire.send(CLIENT, 4, b"def", flags=FIN).forward[0]).flags & FIN
    assert wire.send(CLIENT, 8, b"ghi").reason == "after_fin"
    assert wire.receivers[CLIENT].read == b"abcdef"
    assert wire.receivers[CLIENT].fin == 6


def test_data_in_a_syn_is_taken_off() -> None:
    inspector = Recorder()
    wire = Wire(inspector)
    outcome = wire.send(CLIENT, 0, b"early", ack=None, flags=SYN)
    assert Parsed(outcome.forward[0]).payload == b""
    wire.send(SERVER, 0, flags=SYN)
    wire.send(CLIENT, 1, b"early")
    assert wire.receivers[CLIENT].read == inspector.seen[Direction.CLIENT] == b"early"


def test_the_syn_that_is_answered_is_the_true_one() -> None:
    inspector = Recorder()
    wire = Wire(inspector)
    wire.send(CLIENT, 77, ack=None, flags=SYN)
    wire.send(CLIENT, 0, ack=None, flags=SYN)
    assert wire.send(SERVER, 0, ack=999, flags=SYN).reason == "syn"
    assert wire.send(SERVER, 0, flags=SYN).forward
    wire.send(CLIENT, 1, b"abc")
    assert wire.receivers[CLIENT].read == inspector.seen[Direction.CLIENT] == b"abc"


def test_ports_are_used_again() -> None:
    inspector = Recorder()
    wire = Wire(inspector)
    wire.handshake()
    wire.send(CLIENT, 1, b"old")
    # Its end forgot the connection, and the server too.
    wire.isns = (700_000, 900_000)
    assert wire.send(CLIENT, 0, ack=None, flags=SYN).forward
    assert wire.send(SERVER, 0, flags=SYN).forward
    assert wire.send(CLIENT, 1).forward
    assert wire.send(CLIENT, 1, b"new").forward
    assert inspector.seen[Direction.CLIENT] == b"oldnew"
    assert wire.engine.statistics.streams == 2
    assert inspector.over == 1


def test_a_start_in_the_middle_waits_for_the_receiver_to_say_where_it_is() -> None:
    inspector = Recorder()
    wire = Wire(inspector)
    outcome = wire.send(CLIENT, 101, b"unseen", ack=201)
    seq, _, payload = wire.relative(CLIENT, outcome.forward[0])
    assert (seq, payload) == (100, b"")
    assert wire.send(SERVER, 201, ack=101).forward
    outcome = wire.send(CLIENT, 101, b"unseen", ack=201)
    assert wire.relative(CLIENT, outcome.forward[0])[2] == b"unseen"
    wire.send(SERVER, 201, b"answer", ack=107)
    assert inspector.seen[Direction.CLIENT] == b"unseen"
    assert inspector.seen[Direction.SERVER] == b"answer"


def test_fragments_are_put_together_first() -> None:
    inspector = drops(b"forbidden")
    wire = Wire(inspector)
    wire.handshake()
    packet = wire.packet(CLIENT, 1, b"forbidden word")
    head, body = packet[:20], packet[20:]
    first = (len(body[:24]) + 20).to_bytes(2, "big"), b"\x20\x00", body[:24]
    second = (len(body[24:]) + 20).to_bytes(2, "big"), b"\x00\x03", body[24:]
    for length, word, part in (second, first):
        fresh = head[:2] + length + b"\0\7" + word + head[8:10] + b"\0\0" + head[12:]
        fresh = fresh[:10] + checksum(fresh).to_bytes(2, "big") + fresh[12:]
        outcome = wire.give(CLIENT, fresh + part)
        assert not outcome.forward
    assert inspector.seen[Direction.CLIENT] == b"forbidden word"
    assert outcome.reason == "inspector"


def test_ipv6_is_no_different() -> None:
    wire = Wire(drops(b"forbidden"), ends=ENDS_6)
    wire.handshake()
    assert wire.send(CLIENT, 1, b"for").forward
    assert not wire.send(CLIENT, 4, b"bidden").forward
    assert wire.receivers[CLIENT].read == b"for"


def test_other_protocols_go_through() -> None:
    wire = Wire(Recorder())
    datagram = builder.ip("10.0.0.1", "10.0.0.2", b"\0" * 20, protocol=17)
    outcome = wire.engine.process([(0, Packet(datagram))], wire.now_ns)[0]
    assert [packet.data for packet in outcome.forward] == [datagram]


def test_a_reset_ends_both_sides() -> None:
    wire = Wire(Recorder(lambda arrival: RESET if data_of(arrival) else ACCEPT))
    wire.handshake()
    outcome = wire.send(CLIENT, 1, b"bad")
    assert outcome.reason == "inspector"
    assert wire.receivers[CLIENT].read == b""
    assert wire.receivers[CLIENT].is_reset
    assert wire.receivers[SERVER].is_reset
    # Whoever goes on is told again.
    assert Parsed(wire.send(SERVER, 1, b"x", ack=1).back[0]).flags & RST


@pytest.mark.parametrize("verdict", [DROP, RESET])
def test_a_stream_can_be_refused_at_its_syn(verdict: Answer) -> None:
    wire = Wire(Recorder(lambda arrival: verdict))
    outcome = wire.send(CLIENT, 0, ack=None, flags=SYN)
    assert not outcome.forward
    assert bool(outcome.back) == (verdict is RESET)
    assert not wire.send(CLIENT, 0, ack=None, flags=SYN).forward
    assert not wire.send(CLIENT, 1, b"x", ack=1).forward


def test_what_is_held_goes_on_together() -> None:
    inspector = Recorder(
        lambda arrival: Hold() if arrival.pending in (b"a", b"ab") else ACCEPT
    )
    wire = Wire(inspector)
    wire.handshake()
    assert not wire.send(CLIENT, 1, b"a").forward
    assert not wire.send(CLIENT, 2, b"b").forward
    assert not wire.send(CLIENT, 1, b"ab").forward
    wire.send(CLIENT, 3, b"c")
    assert wire.receivers[CLIENT].read == b"abc"


@pytest.mark.parametrize("then", [ACCEPT, DROP, RESET])
def test_a_hold_ends_in_time(then: Answer) -> None:
    hold = Hold(seconds=0.5, then=then)  # type: ignore[arg-type]
    wire = Wire(Recorder(lambda arrival: hold if arrival.pending else ACCEPT))
    wire.handshake()
    assert not wire.send(CLIENT, 1, b"abc").forward
    assert not wire.wait(0.4)
    assert len(wire.wait(0.2)) == 1
    assert bytes(wire.receivers[CLIENT].read) == (b"abc" if then is ACCEPT else b"")
    assert wire.receivers[CLIENT].is_reset == (then is RESET)
    assert not wire.wait(10)


def test_a_hold_ends_at_its_bytes() -> None:
    wire = Wire(Recorder(lambda a: Hold(max_bytes=4) if a.pending else ACCEPT))
    wire.handshake()
    assert not wire.send(CLIENT, 1, b"abcd").forward
    assert wire.send(CLIENT, 5, b"e").forward
    assert wire.receivers[CLIENT].read == b"abcde"


def test_a_fin_behind_what_is_held_waits_with_it() -> None:
    hold = Hold(seconds=0.5)
    wire = Wire(Recorder(lambda arrival: hold if arrival.pending else ACCEPT))
    wire.handshake()
    assert not wire.send(CLIENT, 1, b"abc", flags=FIN).forward
    wire.wait(1)
    assert wire.receivers[CLIENT].read == b"abc"
    assert wire.receivers[CLIENT].fin == 3


@pytest.mark.parametrize("on_failure", ["open", "closed"])
def test_an_inspector_that_raises_fails_as_is_chosen(on_failure: str) -> None:
    def answer(arrival: Arrival) -> Answer:
        if data_of(arrival):
            raise ZeroDivisionError
        return ACCEPT

    reported: list[Exception] = []
    inspector = Recorder(answer)
    wire = Wire(
        inspector,
        settings=Settings(on_failure=on_failure),  # type: ignore[arg-type]
        report=lambda stream, error: reported.append(error),
    )
    wire.handshake()
    wire.send(CLIENT, 1, b"abc")
    wire.send(CLIENT, 4, b"def")
    read = bytes(wire.receivers[CLIENT].read)
    assert read == (b"abcdef" if on_failure == "open" else b"")
    assert [type(error) for error in reported] == [ZeroDivisionError]
    assert wire.engine.statistics.failures == 1
    assert inspector.asked == 2


def test_many_packets_at_once_are_judged_one_by_one() -> None:
    wire = Wire(drops(b"forbidden"))
    wire.handshake()
    packets = [
        wire.packet(CLIENT, 1 + 3 * n, b"forbidden"[3 * n :][:3]) for n in range(3)
    ]
    packets.append(wire.packet(CLIENT, 10, b"more"))
    outcomes = wire.engine.process(
        [(CLIENT, Packet(data)) for data in packets], wire.now_ns
    )
    assert [bool(outcome.forward) for outcome in outcomes] == [True, True, False, False]


@pytest.mark.parametrize("order", [(CLIENT, SERVER), (SERVER, CLIENT)])
def test_both_ends_may_open_at_once(order: tuple[int, int]) -> None:
    inspector = Recorder()
    wire = Wire(inspector)
    for side in (CLIENT, SERVER):
        assert wire.send(side, 0, ack=None, flags=SYN).forward
    for side in order:
        data = wire.packet(side, 0, flags=SYN)
        assert [packet.data for packet in wire.give(side, data).forward] == [data]
    wire.send(CLIENT, 1, b"from one")
    wire.send(SERVER, 1, b"from the other", ack=9)
    wire.acknowledge(SERVER)
    assert inspector.seen == {
        Direction.CLIENT: b"from one",
        Direction.SERVER: b"from the other",
    }
    for side, text in ((CLIENT, b"from one"), (SERVER, b"from the other")):
        assert wire.receivers[side].read == text
    statistics = wire.engine.statistics
    assert (statistics.failures, statistics.dropped.total()) == (0, 0)


def test_an_acknowledgement_in_one_batch_with_its_data_goes_on() -> None:
    wire = Wire(Recorder())
    wire.handshake()
    packets = [
        (CLIENT, wire.packet(CLIENT, 1, b"data")),
        (SERVER, wire.packet(SERVER, 1, b"answer", ack=5)),
        (CLIENT, wire.packet(CLIENT, 5, ack=7)),
    ]
    outcomes = wire.engine.process(
        [(side, Packet(data)) for side, data in packets], wire.now_ns
    )
    for outcome, (_, data) in zip(outcomes, packets, strict=True):
        assert [packet.data for packet in outcome.forward] == [data]


def test_what_passed_unseen_is_evidence_for_the_streams_of_that_time() -> None:
    inspector = Recorder()
    wire = Wire(inspector)
    wire.handshake()
    stream = inspector.events[0].stream
    assert stream.capture_drops == 0
    before_ns = wire.now_ns
    wire.send(CLIENT, 1, b"data")
    wire.engine.losses.add(before_ns, wire.now_ns, 3)
    assert stream.capture_drops == 3
    wire.wait(1)
    wire.ends = (("10.0.0.1", 1001), ("10.0.0.2", 80))
    wire.handshake()
    assert inspector.events[-1].stream.capture_drops == 0


@pytest.mark.parametrize("is_explained", [True, False])
def test_what_passed_unseen_is_skipped_where_a_loss_explains_it(
    is_explained: bool,
) -> None:
    inspector = Recorder()
    wire = Wire(inspector, settings=Settings(passes_unseen=True))
    wire.handshake()
    wire.send(CLIENT, 1, b"seen")
    if is_explained:
        wire.engine.losses.add(wire.now_ns - 1, wire.now_ns, 1)
    # Ten bytes went by, and behind them two pieces that were seen.
    for seq, text in ((15, b"piece"), (25, b"later")):
        assert wire.send(CLIENT, seq, text).forward
    outcome = wire.send(SERVER, 1, ack=20)
    assert bool(outcome.forward) is is_explained
    if not is_explained:
        assert outcome.reason == "ack_unsent"
        return
    assert wire.send(CLIENT, 20, b"12345").forward
    assert inspector.seen[Direction.CLIENT] == b"seen12345later"
    (gap,) = (event for event in inspector.events if isinstance(event, Gap))
    assert (gap.direction, gap.offset, gap.length) == (Direction.CLIENT, 4, 15)
    assert not wire.engine.statistics.failures


def test_a_quiet_stream_is_forgotten() -> None:
    inspector = Recorder()
    wire = Wire(inspector, settings=Settings(idle_timeout_s=10))
    wire.handshake()
    wire.wait(11)
    assert (wire.engine.streams, inspector.over) == (0, 1)


def test_no_more_streams_are_kept_than_allowed() -> None:
    inspector = Recorder()
    wire = Wire(inspector, settings=Settings(max_streams=10))
    for port in range(100):
        wire.ends = (("10.0.0.1", 1000 + port), ("10.0.0.2", 80))
        wire.handshake()
        wire.wait(0.001)
    assert wire.engine.streams == 10
    assert inspector.over == 90


@pytest.mark.parametrize("length", range(45))
def test_a_cut_packet_is_dropped(length: int) -> None:
    wire = Wire(Recorder())
    wire.handshake()
    data = wire.packet(CLIENT, 1, b"abcde")[:length]
    assert not wire.engine.process([(0, Packet(data))], wire.now_ns)[0].forward


def test_a_fin_that_comes_with_a_copy_is_judged_at_once() -> None:
    inspector = Recorder()
    wire = Wire(inspector)
    wire.handshake()
    wire.send(CLIENT, 1, b"abc")
    wire.send(CLIENT, 1, b"abc", flags=FIN)
    assert isinstance(inspector.events[-1], Finished)
    assert wire.receivers[CLIENT].fin == 3


def test_a_contradiction_of_what_went_before_a_drop_is_harmless() -> None:
    wire = Wire(drops(b"BAD"))
    wire.handshake()
    wire.give(CLIENT, wire.packet(CLIENT, 1, b"a"), lost=True)
    assert not wire.send(CLIENT, 1, b"aBAD").forward
    assert wire.send(CLIENT, 1, b"x").forward
    assert wire.receivers[CLIENT].read == b"a"
    assert not wire.engine.statistics.failures
