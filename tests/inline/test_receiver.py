"""Inspector equals receiver: what a program reads is what the inspector saw.

Any packets in any order, lost on either side of the engine, to receivers that prefer
the first or the last copy of a byte.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests import builder
from tests.builder import ACK, FIN, PSH, RST, SYN, URG
from tests.inline.ends import CLIENT, SERVER, Recorder, Wire
from unpacket import Data, Direction
from unpacket.inline import ACCEPT, DROP, Answer, Arrival, Hold, Packet, Replace

TRUTH = bytes(range(65, 65 + 40))


@dataclass(frozen=True)
class Move:
    """A segment of one side, with what is odd about it.

    Attributes:
        offset: From what its receiver expects next.
        payload: None: the true bytes there, ``length`` of them.
        lost: Whether it is lost behind the engine.
        pieces: Into how many fragments it is cut.
    """

    side: int
    offset: int
    payload: bytes | None
    length: int
    flags: int
    ack: int
    ttl: int
    sum_xor: int
    lost: bool
    pieces: int
    swapped: bool


# The true bytes, or others.
PAYLOADS = st.one_of(st.none(), st.text("xyz", max_size=12).map(str.encode))
ODD = (ACK | FIN, ACK | URG, 0, RST, RST | ACK, ACK | SYN, SYN)
FLAGS = st.sampled_from([ACK] * 12 + [ACK | PSH, *ODD])


@st.composite
def moves(draw: st.DrawFn) -> Move:
    return Move(
        draw(st.sampled_from([CLIENT, CLIENT, CLIENT, SERVER])),
        draw(st.sampled_from([0, 0, 0, 1, 2, 3, 5, 8, -1, -4])),
        draw(PAYLOADS),
        draw(st.integers(0, 12)),
        draw(FLAGS),
        draw(st.sampled_from([-1] * 8 + [0, 1, 5, 1 << 30])),
        draw(st.sampled_from([64, 64, 64, 2])),
        draw(st.sampled_from([0] * 9 + [1])),
        draw(st.sampled_from([False, False, True])),
        draw(st.sampled_from([1, 1, 1, 2, 3])),
        draw(st.booleans()),
    )


def fragments(packet: bytes, move: Move, number: int) -> list[bytes]:
    """Cut an IPv4 packet."""
    body = packet[20:]
    size = max(24, -(-len(body) // move.pieces) + 7 & ~7)
    if move.pieces == 1 or len(body) <= size:
        return [packet]
    parts = []
    for at in range(0, len(body), size):
        parts.append(
            builder.ip(
                "10.0.0.1" if move.side == CLIENT else "10.0.0.2",
                "10.0.0.2" if move.side == CLIENT else "10.0.0.1",
                body[at : at + size],
                ttl=move.ttl,
                identification=number,
                fragment_offset=at,
                more_fragments=at + size < len(body),
            )
        )
    return parts[::-1] if move.swapped else parts


def play(wire: Wire, move: Move, number: int) -> None:
    receiver = wire.receivers[1 - move.side]
    offset = max(wire.receivers[move.side].next_offset + move.offset, -3)
    payload = move.payload
    if payload is None:
        start = max(offset, 0)
        payload = TRUTH[start : start + move.length]
    ack = receiver.acknowledges if move.ack < 0 else move.ack
    packet = wire.packet(
        move.side,
        1 + offset,
        payload,
        ack=ack if move.flags & ACK else None,
        flags=move.flags,
        ttl=move.ttl,
        sum_xor=move.sum_xor,
        urgent=1 if move.flags & URG else 0,
    )
    for part in fragments(packet, move, number):
        wire.give(move.side, part, lost=move.lost)


def check(wire: Wire, inspector: Recorder) -> None:
    for side in (CLIENT, SERVER):
        read = bytes(wire.receivers[side].read)
        assert bytes(inspector.seen[Direction(side)]).startswith(read)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(moves(), min_size=5, max_size=25),
    st.sampled_from(["first", "last"]),
    st.sampled_from([1000, (1 << 32) - 8]),
)
def test_a_program_reads_what_the_inspector_saw(
    played: list[Move], overlap: Literal["first", "last"], isn: int
) -> None:
    inspector = Recorder()
    wire = Wire(inspector, isns=(isn, 5000), overlap=overlap)
    wire.handshake()
    for number, move in enumerate(played, 1):
        play(wire, move, number)
        check(wire, inspector)
    assert not wire.engine.statistics.failures
    count = wire.engine.statistics
    event(f"passed {count.passed > 0}, rewritten {count.rewritten > 0}")


@settings(max_examples=100, deadline=None)
@given(st.lists(moves(), min_size=5, max_size=25), st.sampled_from(["first", "last"]))
def test_nothing_that_was_dropped_is_read(
    played: list[Move], overlap: Literal["first", "last"]
) -> None:
    passed = {Direction.CLIENT: bytearray(), Direction.SERVER: bytearray()}

    def answer(arrival: Arrival) -> Answer:
        new = b"".join(e.payload for e in arrival.events if isinstance(e, Data))
        if b"H" in new:
            return DROP
        passed[arrival.direction] += new
        return ACCEPT

    wire = Wire(Recorder(answer), overlap=overlap)
    wire.handshake()
    for number, move in enumerate(played, 1):
        play(wire, move, number)
        for side in (CLIENT, SERVER):
            assert passed[Direction(side)].startswith(wire.receivers[side].read)
    assert not wire.engine.statistics.failures


@settings(max_examples=100, deadline=None)
@given(
    st.lists(moves(), min_size=5, max_size=25),
    st.sampled_from(["first", "last"]),
    st.sampled_from([b"", b"-", b"[longer]"]),
)
def test_a_program_reads_what_was_put_in_its_place(
    played: list[Move], overlap: Literal["first", "last"], other: bytes
) -> None:
    passed = {Direction.CLIENT: bytearray(), Direction.SERVER: bytearray()}

    def answer(arrival: Arrival) -> Answer:
        text = arrival.pending.replace(b"x", other).replace(b"C", other)
        passed[arrival.direction] += text
        return Replace(text)

    wire = Wire(Recorder(answer, replaces=True), overlap=overlap)
    wire.handshake()
    for number, move in enumerate(played, 1):
        play(wire, move, number)
        for side in (CLIENT, SERVER):
            assert passed[Direction(side)].startswith(wire.receivers[side].read)
    assert not wire.engine.statistics.failures


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 39), st.integers(1, 12), st.booleans()), max_size=30
    ),
    st.booleans(),
    st.booleans(),
)
def test_an_honest_sender_gets_everything_through(
    sent: list[tuple[int, int, bool]], holds: bool, replaces: bool
) -> None:
    def answer(arrival: Arrival) -> Answer:
        waits = holds and len(arrival.pending) % 3 == 1
        return Hold(seconds=0.5) if waits else ACCEPT

    inspector = Recorder(answer, replaces)
    wire = Wire(inspector)
    wire.handshake()
    receiver = wire.receivers[CLIENT]
    for offset, length, lost in sent:
        payload = TRUTH[offset : offset + length]
        wire.give(CLIENT, wire.packet(CLIENT, 1 + offset, payload), lost=lost)
        wire.acknowledge(CLIENT)
    for _ in range(50):
        at = receiver.next_offset
        flags = FIN if at + 7 >= len(TRUTH) else 0
        wire.send(CLIENT, 1 + at, TRUTH[at : at + 7], flags=flags)
        wire.wait(1)
        wire.acknowledge(CLIENT)
        if receiver.fin >= 0:
            break
    assert receiver.read == inspector.seen[Direction.CLIENT] == TRUTH
    assert receiver.fin == len(TRUTH)


def carried(packets: Iterable[bytes]) -> set[tuple[bytes, int, int]]:
    """Return what packets carry: sender, sequence number, and the byte or FIN."""
    found = set()
    for data in packets:
        tcp = data[20:]
        seq = int.from_bytes(tcp[4:8])
        payload = tcp[(tcp[12] >> 4) * 4 :]
        found |= {(data[12:16], seq + at, byte) for at, byte in enumerate(payload)}
        if tcp[13] & FIN:
            found.add((data[12:16], seq + len(payload), FIN << 8))
    return found


STEPS = st.tuples(
    st.sampled_from([CLIENT, CLIENT, SERVER]),
    st.sampled_from([0, 0, 0, 0, 1, 4, -3]),
    st.integers(0, 9),
    st.sampled_from([ACK] * 9 + [ACK | FIN, RST | ACK, ACK | URG]),
    st.sampled_from([0, 0, 0, -2, 3]),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(STEPS, max_size=20),
    st.integers(2, 20),
    st.sampled_from(["accept", "hold", "drop", "replace"]),
)
def test_how_many_come_at_once_makes_no_difference(
    steps: list[tuple[int, int, int, int, int]], size: int, kind: str
) -> None:
    def answer(arrival: Arrival) -> Answer:
        if kind == "hold" and len(arrival.pending) % 3 == 1:
            return Hold(seconds=5)
        if kind == "drop" and b"M" in arrival.pending:
            return DROP
        if kind == "replace" and arrival.pending:
            return Replace(arrival.pending.replace(b"C", b"[longer]"))
        return ACCEPT

    found = []
    for most in (1, size):
        inspector = Recorder(answer, kind == "replace")
        wire = Wire(inspector)
        wire.handshake()
        # What both ends would send if all got through, and what is odd about it.
        ends = [0, 0]
        packets = []
        for side, offset, length, flags, ack in steps:
            start = max(ends[side] + offset, 0)
            payload = TRUTH[start : start + length]
            number = max(1 + ends[1 - side] + ack, 0)
            data = wire.packet(side, 1 + start, payload, ack=number, flags=flags)
            packets.append((side, Packet(data)))
            ends[side] = max(ends[side], start + len(payload))
        outcomes = []
        for at in range(0, len(packets), most):
            outcomes += wire.engine.process(packets[at : at + most], wire.now_ns)
        # What comes again with its acknowledgement may be answered at once, or go on;
        # and an RST behind bytes that were dropped may go on, or not.
        sent = carried(one.data for outcome in outcomes for one in outcome.forward)
        assert not wire.engine.statistics.failures
        found.append((sent, inspector.seen))
    assert found[0] == found[1]


@given(st.lists(st.binary(max_size=80), max_size=10))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_taken(packets: list[bytes]) -> None:
    wire = Wire(Recorder())
    wire.engine.process([(0, Packet(data)) for data in packets], wire.now_ns)
    wire.handshake()
    shorn = [wire.packet(CLIENT, 1, b"abc")[:20] + data for data in packets]
    wire.engine.process([(0, Packet(data)) for data in shorn], wire.now_ns)
    assert wire.send(CLIENT, 1, b"abc").forward
