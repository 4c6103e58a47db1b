"""Other bytes of another length: numbers are translated for the rest of the stream."""

import random
import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from tests import builder
from tests.builder import ACK, FIN
from tests.inline.ends import CLIENT, SERVER, Parsed, Recorder, Wire
from unpacket import Direction, Finished
from unpacket.inline import ACCEPT, RESET, Answer, Arrival, Packet, Replace
from unpacket.inline.translation import Edits, difference

SACK_OK = builder.sack_permitted()


def replaces(word: bytes, other: bytes, seconds: float = 0.2) -> Recorder:
    """Return an inspector that replaces a word, also where it lies over segments."""

    def answer(arrival: Arrival) -> Answer:
        if not arrival.pending:
            return ACCEPT
        text = arrival.pending.replace(word, other)
        if any(isinstance(event, Finished) for event in arrival.events):
            return Replace(text)
        keep = max(
            n for n in range(len(word)) if not n or arrival.pending.endswith(word[:n])
        )
        whole = arrival.pending[: len(arrival.pending) - keep]
        return Replace(whole.replace(word, other), keep=keep, seconds=seconds)

    return Recorder(answer, replaces=True)


@st.composite
def edit_lists(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """Runs of kept bytes, taken bytes, and bytes in their place."""
    return draw(
        st.lists(
            st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)),
            max_size=8,
        )
    )


@given(edit_lists(), st.integers(0, 60))
def test_offsets_map_as_a_list_of_bytes_does(
    runs: list[tuple[int, int, int]], acked: int
) -> None:
    edits = Edits()
    # For each byte of the output, the original bytes that must have come for it.
    owners: list[tuple[int, int]] = []
    original = 0
    for kept, old, new in runs:
        owners += [(original + n, original + n + 1) for n in range(kept)]
        original += kept
        if old or new:
            edits.append(original, old, len(owners), new)
            owners += [(original, original + old)] * new
            original += old
    owners += [(original + n, original + n + 1) for n in range(5)]
    total = original + 5
    acked = min(acked, len(owners))
    edits.forget(acked)
    for out in range(acked, len(owners) + 1):
        # What lies behind has not begun; a half of an edit is nothing.
        starts = [start for start, _ in owners[out:]]
        assert edits.original(out) == min(starts, default=total)
        assert all(stop <= edits.original_up(out) for _, stop in owners[acked:out])
    for offset in range(edits.original(acked), total + 1):
        # What is sent from there on leaves nothing out.
        first = len(owners)
        for index, (start, stop) in enumerate(owners):
            if stop > offset or start >= offset:
                first = index
                break
        assert max(edits.out(offset), acked) == max(first, acked)


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_what_is_shared_is_not_edited(old: bytes, new: bytes) -> None:
    start, end = difference(old, new)
    assert old[:start] == new[:start]
    assert old[len(old) - end :] == new[len(new) - end :]
    assert start + end <= min(len(old), len(new))


def test_a_longer_word_moves_what_follows() -> None:
    wire = Wire(replaces(b"cat", b"tiger"))
    wire.handshake()
    outcome = wire.send(CLIENT, 1, b"a cat sat")
    assert wire.relative(CLIENT, outcome.forward[0]) == (1, 1, b"a tiger sat")
    # The sender learns that its own nine bytes have come.
    outcome = wire.send(SERVER, 1, b"yes", ack=12)
    assert wire.relative(SERVER, outcome.forward[0]) == (1, 10, b"yes")
    outcome = wire.send(CLIENT, 10, b" down", ack=4)
    assert wire.relative(CLIENT, outcome.forward[0]) == (12, 4, b" down")
    outcome = wire.send(CLIENT, 15, ack=4, flags=FIN)
    assert wire.relative(CLIENT, outcome.forward[0])[0] == 17
    outcome = wire.send(SERVER, 4, ack=18)
    assert wire.relative(SERVER, outcome.forward[0])[1] == 16
    assert wire.receivers[CLIENT].read == b"a tiger sat down"


def test_half_of_an_edit_acknowledges_none_of_it() -> None:
    wire = Wire(replaces(b"cat", b"tiger"))
    wire.handshake()
    wire.send(CLIENT, 1, b"a cat sat")
    for ack, translated in ((3, 3), (5, 3), (7, 3), (8, 6), (12, 10)):
        outcome = wire.send(SERVER, 1, ack=ack)
        assert wire.relative(SERVER, outcome.forward[0])[1] == translated


def test_sack_blocks_name_whole_original_bytes() -> None:
    wire = Wire(replaces(b"cat", b"tiger"))
    wire.handshake(options=SACK_OK)
    wire.send(CLIENT, 1, b"a cat sat ")
    wire.send(CLIENT, 11, b"on a cat")
    # Output: "a tiger sat on a tiger".
    base = wire.isns[0] + 1
    blocks = builder.sack((base + 4, base + 13), (base + 18, base + 20))
    outcome = wire.send(SERVER, 1, ack=1, options=blocks)
    # From within the first tiger on; the second is not whole.
    assert Parsed(outcome.forward[0]).sack == [(base + 5, base + 11)]


def test_the_window_leaves_room_for_what_grew() -> None:
    wire = Wire(replaces(b"a", b"bbbb"))
    wire.handshake(window=100)
    wire.send(CLIENT, 1, b"a" * 10)
    outcome = wire.send(SERVER, 1, ack=1, window=100)
    # 60 more bytes than the sender knows of: it may send 100 - 30.
    assert Parsed(outcome.forward[0]).window == 70
    outcome = wire.send(SERVER, 1, ack=41, window=100)
    assert Parsed(outcome.forward[0]).window == 100


def test_what_is_taken_out_altogether_is_acknowledged_for_the_receiver() -> None:
    wire = Wire(replaces(b"cat", b""))
    wire.handshake()
    outcome = wire.send(CLIENT, 1, b"cat")
    assert not outcome.forward
    assert [wire.relative(SERVER, packet)[1] for packet in outcome.back] == [4]
    outcome = wire.send(CLIENT, 4, b"dog")
    assert wire.relative(CLIENT, outcome.forward[0]) == (1, 1, b"dog")


def test_what_comes_out_of_order_is_held_and_reported_to_its_sender() -> None:
    wire = Wire(replaces(b"cat", b"tiger"))
    wire.handshake(options=SACK_OK)
    outcome = wire.send(CLIENT, 4, b" sat")
    assert not outcome.forward
    base = wire.isns[0] + 1
    (answer,) = outcome.back
    assert wire.relative(SERVER, answer) == (1, 1, b"")
    assert Parsed(answer).sack == [(base + 3, base + 7)]
    outcome = wire.send(CLIENT, 1, b"cat")
    assert wire.receivers[CLIENT].read == b"tiger sat"


def test_a_kept_tail_goes_on_after_its_time() -> None:
    wire = Wire(replaces(b"cat", b"tiger"))
    wire.handshake()
    wire.send(CLIENT, 1, b"a ca")
    assert wire.receivers[CLIENT].read == b"a "
    wire.wait(0.3)
    assert wire.receivers[CLIENT].read == b"a ca"


def test_what_router_quotes_is_what_the_sender_sent() -> None:
    wire = Wire(replaces(b"cat", b"tiger"))
    wire.handshake()
    wire.send(CLIENT, 1, b"cat")
    sent = wire.send(CLIENT, 4, b"x" * 600).forward[0].data
    body = b"\x03\x04\0\0" + b"\0\0" + (600).to_bytes(2, "big") + sent[:28]
    total = builder.checksum(body).to_bytes(2, "big")
    error = builder.ip("10.0.0.9", "10.0.0.1", body[:2] + total + body[4:], protocol=1)
    outcome = wire.engine.process([(SERVER, Packet(error))], wire.now_ns)[0]
    got = outcome.forward[0].data
    assert builder.checksum(got[20:]) == 0
    assert int.from_bytes(got[52:56], "big") - wire.isns[0] == 4
    # What is sent again is no larger than the way.
    outcome = wire.send(CLIENT, 4, b"x" * 600)
    assert [len(packet.data) for packet in outcome.forward] == [600, 80]


def test_a_reset_is_exact_for_both_ends_of_what_was_edited() -> None:
    said = replaces(b"cat", b"elephant")

    def answer(arrival: Arrival) -> Answer:
        return RESET if b"bad" in arrival.pending else said.inspect(arrival)

    wire = Wire(Recorder(answer, replaces=True))
    wire.handshake()
    wire.send(CLIENT, 1, b"cat")
    wire.send(SERVER, 1, b"cat", ack=9)
    wire.send(CLIENT, 4, b"bad", ack=9)
    assert wire.receivers[CLIENT].read == wire.receivers[SERVER].read == b"elephant"
    assert wire.receivers[CLIENT].is_reset
    assert wire.receivers[SERVER].is_reset


class Sender:
    """An honest sender: at most ``window`` ahead, everything lost comes again."""

    def __init__(self, wire: Wire, text: bytes, chance: random.Random) -> None:
        self.wire = wire
        self.text = text
        self.acked = 0
        self._chance = chance

    def learn(self) -> None:
        """Read what the engine sent back, or let through from the receiver."""
        outcome = self.wire.last
        for packet in outcome.forward + outcome.back:
            parsed = Parsed(packet)
            if parsed.source == self.wire.ends[1][1] and parsed.flags & ACK:
                offset = (parsed.ack - self.wire.isns[0] - 1) & 0xFFFFFFFF
                assert offset <= len(self.text) + 1, "never more than was sent"
                self.acked = max(self.acked, offset)
                for left, right in parsed.sack:
                    left = (left - self.wire.isns[0] - 1) & 0xFFFFFFFF
                    right = (right - self.wire.isns[0] - 1) & 0xFFFFFFFF
                    assert left < right <= len(self.text)

    def send(self, offset: int, length: int, lost: bool) -> None:
        stop = min(offset + length, len(self.text))
        flags = FIN if stop == len(self.text) else 0
        packet = self.wire.packet(
            CLIENT, 1 + offset, self.text[offset:stop], flags=flags | ACK
        )
        self.wire.give(CLIENT, packet, lost=lost)
        self.learn()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from([b"", b"c", b"dog", b"elephant"]))
def test_any_order_loss_and_repetition_gives_the_edited_stream(
    seed: int, other: bytes
) -> None:
    chance = random.Random(seed)
    text = bytes(chance.choices(b"catx ", k=chance.randrange(200)))
    text = text.replace(b"x", b"cat")
    # Nothing goes on half, however long the rest takes.
    inspector = replaces(b"cat", other, seconds=1e6)
    wire = Wire(inspector, isns=((1 << 32) - 50, 7))
    wire.handshake(options=SACK_OK)
    sender = Sender(wire, text, chance)
    receiver = wire.receivers[CLIENT]
    for _ in range(2000):
        if sender.acked > len(text):
            break
        start = sender.acked
        if chance.random() < 0.5:
            start = min(len(text), max(0, start + chance.randrange(-10, 40)))
        sender.send(start, chance.randrange(1, 20), chance.random() < 0.2)
        if chance.random() < 0.3:
            wire.wait(0.01)
        if chance.random() < 0.8:
            wire.acknowledge(CLIENT)
            sender.learn()
    expected = text.replace(b"cat", other)
    assert receiver.read == expected
    assert receiver.fin == len(expected)
    assert sender.acked == len(text) + 1
    assert not wire.engine.statistics.failures


def test_a_hundred_thousand_edits_leave_nothing_behind() -> None:
    inspector = replaces(b"cat", b"tiger")
    wire = Wire(inspector)
    wire.handshake()
    grown = wire.receivers[CLIENT]
    at, peaks = 1, []
    tracemalloc.start()
    try:
        for number in range(2000):
            wire.send(CLIENT, at, b"cat and " * 50)
            at += 400
            wire.acknowledge(CLIENT)
            inspector.events.clear()
            inspector.seen[Direction.CLIENT].clear()
            if number % 1000 == 999:
                grown.read = bytearray(len(grown.read))
                peaks.append(tracemalloc.get_traced_memory()[0] - len(grown.read))
                grown_at = len(grown.read)
    finally:
        tracemalloc.stop()
    assert grown_at == 2000 * 500
    assert peaks[1] - peaks[0] < 200_000
