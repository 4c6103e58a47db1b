"""What the capture has twice, told from what was sent again.

Rows give what follows a first packet: how it differs from it, and how long after it
comes. A twin is a copy by a mirror port or a second tap.
"""

import random
import struct
from collections.abc import Iterable
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builder import (
    ACK,
    FIN,
    MS,
    PSH,
    RST,
    SECOND,
    SYN,
    Conversation,
    Frame,
    ethernet,
    sack,
    timestamps,
)
from tests.talk import Talk, batches, feed_all, payload_of
from unpacket import (
    Assembler,
    Batch,
    Conflict,
    Direction,
    Note,
    Opened,
    Policy,
    Rejected,
    StreamFollower,
)

US = 1_000
V6 = {"client": ("2001:db8::1", 40000), "server": ("2001:db8::2", 80)}
SIDES: tuple[Literal[0], Literal[1]] = (0, 1)
ROUTER_MAC = "02:00:00:00:00:99"


def twin(
    frame: Frame,
    after_ns: int = 10 * US,
    *,
    hops: int = 0,
    vlans: Iterable[int] = (),
    source: str | None = None,
    tail: bytes | None = None,
) -> Frame:
    """Return a frame as it is captured again, elsewhere.

    Args:
        hops: How many routers it has passed meanwhile.
        vlans: The tags that it has there.
        source: The MAC address that it has there, of a router.
        tail: Other last bytes, of the same checksum only by chance.
    """
    addresses, packet = frame.data[:12], bytearray(frame.data[14:])
    if packet[0] >> 4 == 4:
        packet[8] -= hops
        word = struct.unpack_from(">H", packet, 10)[0] + 256 * hops
        struct.pack_into(">H", packet, 10, word % 0xFFFF)
    else:
        packet[7] -= hops
    if tail is not None:
        packet[-len(tail) :] = tail
    data = ethernet(bytes(packet), vlans=vlans)
    sender = addresses[6:] if source is None else bytes.fromhex(source.replace(":", ""))
    data = addresses[:6] + sender + data[12:]
    return Frame(frame.time_ns + after_ns, data, frame.link_type, len(data))


def said_of(
    frames: list[Frame], policy: Policy | None = None, cuts: Iterable[int] = ()
) -> dict[str, int]:
    """Return the counts that are about packets that came again, of both sides."""
    events = feed_all(frames, policy, cuts)
    (opened,) = [event for event in events if isinstance(event, Opened)]
    sides = [opened.stream.counts(side) for side in (0, 1)]
    return {
        name: sides[0][name] + sides[1][name]
        for name in ("packets", "duplicates", "retransmissions", "keep_alives")
    }


def begun(**ends: Any) -> Conversation:
    """Return a connection that has been opened, by hosts that count their packets."""
    talk = Conversation(**ends)
    talk.client(0, ack=None, flags=SYN, identification=1)
    talk.server(0, ack=1, flags=SYN)
    talk.client(1, ack=1, identification=2)
    return talk


NUMBERED = [
    pytest.param({}, 1, id="both ports of a SPAN session"),
    pytest.param({"after_ns": 0}, 1, id="at the same time"),
    pytest.param({"after_ns": 99 * MS}, 1, id="late, within the window"),
    pytest.param({"after_ns": 101 * MS}, 0, id="after the window"),
    pytest.param({"after_ns": -3 * MS}, 1, id="the clock goes back"),
    pytest.param({"after_ns": -101 * MS}, 0, id="far back"),
    pytest.param(
        {"after_ns": 2 * MS, "hops": 1, "source": ROUTER_MAC},
        1,
        id="a tap behind a router",
    ),
    pytest.param({"after_ns": 2 * MS, "vlans": [7]}, 1, id="with a tag"),
]
# As IPv6's all are, and as those of hosts that leave the id 0 (RFC 6864).
WITHOUT_NUMBER = [
    pytest.param({}, 1, id="too soon for a retransmission"),
    pytest.param({"after_ns": 60 * US}, 0, id="not so soon"),
    pytest.param({"after_ns": 2 * MS, "hops": 1}, 1, id="another TTL"),
    pytest.param({"after_ns": 2 * MS, "vlans": [7]}, 1, id="another VLAN"),
    pytest.param({"after_ns": 2 * MS, "source": ROUTER_MAC}, 1, id="another address"),
    pytest.param({"after_ns": 101 * MS, "hops": 1}, 0, id="too late"),
]


def of_data_again(ip_id: int, again: dict[str, Any], **ends: Any) -> tuple[int, int]:
    """Return copies and retransmissions where data of both sides is seen again."""
    talk = begun(**ends)
    for side in SIDES:
        frame = talk.send(side, 1, b"hello", flags=PSH, identification=ip_id)
        talk.frames.append(twin(frame, **again))
    counts = said_of(talk.frames)
    assert counts["packets"] == len(talk.frames)
    return counts["duplicates"], counts["retransmissions"]


@pytest.mark.parametrize(("again", "copies"), NUMBERED)
def test_packets_with_numbers_that_are_seen_again(
    again: dict[str, Any], copies: int
) -> None:
    assert of_data_again(700, again) == (2 * copies, 2 * (1 - copies))


@pytest.mark.parametrize(("again", "copies"), WITHOUT_NUMBER)
@pytest.mark.parametrize("ends", [{}, V6], ids=["v4", "v6"])
def test_packets_without_numbers_that_are_seen_again(
    ends: dict[str, Any], again: dict[str, Any], copies: int
) -> None:
    assert of_data_again(0, again, **ends) == (2 * copies, 2 * (1 - copies))


def repeated(*sent: dict[str, Any], apart_ns: int = 1 * MS) -> dict[str, int]:
    """Return what is said where the client sends the same with such fields in turn."""
    talk = begun()
    for fields in sent:
        payload = fields.get("payload", b"hello")
        others = {name: fields[name] for name in fields if name != "payload"}
        at_ns = talk.now_ns - talk.start_ns + apart_ns
        talk.client(1, payload, at_ns=at_ns, **others)
    return said_of(talk.frames)


@pytest.mark.parametrize(
    ("sent", "copies", "retransmissions"),
    [
        pytest.param([{"identification": 7}, {"identification": 8}], 0, 1, id="new id"),
        pytest.param([{}, {}], 0, 1, id="a host that does not count"),
        pytest.param(
            [{"options": timestamps(5)}, {"options": timestamps(6)}],
            0,
            1,
            id="a later timestamp",
        ),
        pytest.param(
            [{"identification": 7, "ttl": 64}, {"identification": 8, "ttl": 63}],
            0,
            1,
            id="by another way, with a new id",
        ),
        pytest.param(
            [{"identification": 7}, {"identification": 7, "payload": b"hell"}],
            0,
            1,
            id="less of it",
        ),
        pytest.param(
            [{"identification": 7}, {"identification": 7, "window": 9}],
            0,
            1,
            id="with another window",
        ),
        pytest.param(
            [{"identification": 7}, {"identification": 7, "flags": PSH}],
            0,
            1,
            id="with another flag",
        ),
        pytest.param(
            [{"identification": 7}] * 3, 2, 0, id="seen three times by three ports"
        ),
        pytest.param(
            [{"payload": b"", "flags": FIN}, {"payload": b"", "flags": FIN}],
            0,
            1,
            id="a FIN again",
        ),
        pytest.param(
            [
                {"payload": b"", "flags": FIN, "identification": 7},
                {"payload": b"", "flags": FIN, "identification": 7},
            ],
            1,
            0,
            id="a FIN seen twice",
        ),
    ],
)
def test_what_a_host_sends_again(
    sent: list[dict[str, Any]], copies: int, retransmissions: int
) -> None:
    counts = repeated(*sent)
    assert counts["duplicates"] == copies
    assert counts["retransmissions"] == retransmissions


@pytest.mark.parametrize("apart_ns", [1 * US, 10 * US, 1 * MS])
def test_acks_that_are_equal_are_not_copies_for_that(apart_ns: int) -> None:
    """A receiver sends one for each segment that comes out of order."""
    counts = repeated(*[{"payload": b"", "window": 77}] * 4, apart_ns=apart_ns)
    assert counts["duplicates"] == 0


def test_acks_with_ids_of_their_own_are_not_copies() -> None:
    numbered = [{"payload": b"", "identification": n} for n in range(10, 14)]
    assert repeated(*numbered)["duplicates"] == 0
    twice = [fields for fields in numbered for _ in range(2)]
    assert repeated(*twice)["duplicates"] == 4


def test_acks_with_other_blocks_are_not_copies() -> None:
    """Even by another way, where the id tells nothing."""
    blocks = [
        {"payload": b"", "options": sack((9, 9 + n)), "ttl": 64 - n} for n in (1, 2)
    ]
    assert repeated(*blocks)["duplicates"] == 0


def test_resets_that_are_equal_are_not_copies_for_that() -> None:
    """A host answers each segment with one, and Linux gives them no id."""
    talk = begun()
    for _ in range(3):
        talk.send(1, 1, ack=1, flags=RST, at_ns=10 * MS)
    policy = Policy(rst="exact")
    assembler = Assembler(policy)
    assembler.feed(Batch.from_frames(talk.frames))
    assert assembler.duplicates == 0


def test_a_syn_is_sent_again_after_a_second() -> None:
    """By Linux with the same id, 0, as all of its handshake."""
    talk = Conversation()
    talk.client(0, ack=None, flags=SYN)
    talk.client(0, ack=None, flags=SYN, at_ns=SECOND)
    talk.server(0, ack=1, flags=SYN, at_ns=SECOND + MS)
    talk.server(0, ack=1, flags=SYN, at_ns=2 * SECOND)
    talk.client(1, ack=1)
    counts = said_of(talk.frames)
    assert counts["duplicates"] == 0
    assert counts["retransmissions"] == 2


def test_a_handshake_that_is_seen_twice() -> None:
    talk = begun()
    frames = [seen for frame in talk.frames for seen in (frame, twin(frame, hops=1))]
    counts = said_of(frames)
    assert counts["duplicates"] == 3
    assert counts["retransmissions"] == 0


@pytest.mark.parametrize("count", [0, 1])
def test_a_syn_that_is_seen_twice_leaves_its_side_in_syn_sent(count: int) -> None:
    talk = Conversation()
    frame = talk.client(0, ack=None, flags=SYN, identification=5)
    assembler = Assembler()
    events = assembler.feed(Batch.from_frames([frame, *[twin(frame)] * count]))
    assert events[0].stream.state(0) == "syn_sent"


def test_keep_alives_and_their_copies() -> None:
    talk = begun()
    talk.client(1, b"hello", identification=3)
    talk.server(1, ack=6)
    for n in range(3):
        probe = talk.client(
            5, b"o", identification=4 + n, at_ns=(10 + n) * SECOND, flags=ACK
        )
        talk.frames.append(twin(probe, hops=1))
        talk.server(1, ack=6)
    counts = said_of(talk.frames)
    assert counts["keep_alives"] == 3
    assert counts["duplicates"] == 3
    assert counts["retransmissions"] == 0


def test_window_probes_are_sent_again() -> None:
    talk = begun()
    talk.server(1, ack=1, window=0)
    for n in range(3):
        talk.client(1, b"p", at_ns=(1 + n) * SECOND)
        talk.server(1, ack=1, window=0)
    assert said_of(talk.frames)["duplicates"] == 0


def test_a_host_with_a_constant_id_is_found_out() -> None:
    """By the second packet that it sends again: the id says nothing any more."""
    talk = begun()
    for n in range(5):
        for _ in range(2):
            talk.client(1 + 2 * n, b"xy", identification=4660)
    counts = said_of(talk.frames)
    assert counts["duplicates"] == 1
    assert counts["retransmissions"] == 4


def test_times_that_are_all_the_same_are_no_evidence() -> None:
    """Of a capture whose times were taken away, or are of whole seconds."""
    talk = begun()
    for _ in range(2):
        talk.client(1, b"hello")
    frozen = [frame._replace(time_ns=0) for frame in talk.frames]
    assert said_of(frozen)["retransmissions"] == 1


def test_the_window_is_a_policy() -> None:
    talk = begun()
    talk.frames.append(twin(talk.client(1, b"hello", identification=9), SECOND))
    assert said_of(talk.frames)["duplicates"] == 0
    assert said_of(talk.frames, Policy(duplicate_window_s=1.0))["duplicates"] == 1
    talk.frames[-1] = twin(talk.frames[-2], 0)
    assert said_of(talk.frames, Policy(duplicate_window_s=0.0))["duplicates"] == 0


def test_sums_that_a_network_card_fills_in_do_not_matter() -> None:
    """A tap at the sender, and one behind its network card."""
    talk = begun()
    frame = talk.client(1, b"hello", identification=9)
    unfilled = bytearray(frame.data)
    unfilled[14 + 20 + 16 : 14 + 20 + 18] = bytes(2)
    talk.frames.insert(-1, frame._replace(data=bytes(unfilled)))
    assert said_of(talk.frames)["duplicates"] == 1


def test_other_bytes_are_no_copy_and_a_conflict() -> None:
    """Whoever forges one may copy the id as well: the checksum must be another."""
    talk = begun()
    talk.client(1, b"hello", identification=9)
    talk.client(1, b"HELLO", identification=9)
    events = feed_all(talk.frames)
    (conflict,) = [event for event in events if isinstance(event, Conflict)]
    assert (conflict.kept, conflict.other) == (b"hello", b"HELLO")
    counts = conflict.stream.counts(Direction.CLIENT)
    assert counts["duplicates"] == 0
    assert counts["retransmissions"] == 1


def test_a_copy_with_other_bytes_and_the_same_sum_is_compared_too() -> None:
    talk = begun()
    frame = talk.client(1, b"abcdef", identification=9)
    talk.frames.append(twin(frame, tail=b"cdabef"))
    events = feed_all(talk.frames)
    (conflict,) = [event for event in events if isinstance(event, Conflict)]
    assert (conflict.kept, conflict.other) == (b"abcd", b"cdab")
    counts = conflict.stream.counts(Direction.CLIENT)
    assert counts["duplicates"] == 1
    assert counts["retransmissions"] == 0


def test_a_good_copy_of_a_damaged_frame_is_delivered() -> None:
    talk = begun()
    frame = talk.client(1, b"hello", identification=9)
    talk.frames.insert(-1, twin(frame, tail=b"hexxo"))
    events = feed_all(talk.frames)
    assert payload_of(events, Direction.CLIENT) == b"hello"
    (rejected,) = [event for event in events if isinstance(event, Rejected)]
    assert rejected.reason == "checksum"
    assert rejected.stream.duplicates(Direction.CLIENT) == 0


def test_the_same_in_another_tunnel_or_vlan_is_another_stream() -> None:
    """Where the policy says so: nothing is a copy of what has another key."""
    talk = begun()
    frames = [seen for item in talk.frames for seen in (item, twin(item, vlans=[5]))]
    assert said_of(frames)["duplicates"] == 3
    assembler = Assembler(Policy(context="vlan"))
    assembler.feed(Batch.from_frames(frames))
    assert assembler.duplicates == 0
    assert len(assembler.streams) == 2


def test_notes_call_a_copy_a_copy() -> None:
    talk = Talk(notes=True, conversation={"link_type": 1})
    talk.handshake()
    for offset in (5, 0):
        talk.client(offset, b"hello", identification=offset + 9)
        talk.see(twin(talk.frames[-1]))
    talk.client(0, b"hello", identification=50)
    kinds = [event.kind for event in talk.events if isinstance(event, Note)]
    assert kinds == ["out_of_order", "copy", "copy", "duplicate"]
    counts = talk.stream.counts(Direction.CLIENT)
    assert counts["out_of_order"] == 1
    assert counts["retransmissions"] == 1


def test_an_ack_tracker_takes_no_copies() -> None:
    """A receiver reports each segment that it has twice once (RFC 2883)."""
    talk = begun()
    talk.client(1, b"hello", identification=3)
    reported = sack((1001, 1006))
    talk.server(1, ack=6, identification=4, options=reported)
    talk.frames.append(twin(talk.frames[-1], hops=1))
    follower = StreamFollower()
    follower.on_new_stream(lambda stream: stream.enable_ack_tracking())
    follower.feed(talk.packets)
    (stream,) = follower.live_streams()
    tracker = stream.ack_tracker(Direction.SERVER)
    assert tracker is not None
    assert tracker.is_segment_acked(1001, 5)
    assert tracker.duplicate_sacks == 1


def test_a_syn_that_may_reuse_the_ports_is_not_refused_for_its_copy() -> None:
    talk = begun()
    talk.client(1, b"hello", identification=3)
    fresh = Conversation(client_isn=900_000, server_isn=7_000, start_ns=talk.now_ns)
    fresh.client(0, ack=None, flags=SYN, identification=4)
    fresh.frames.append(twin(fresh.frames[-1]))
    fresh.server(0, ack=1, flags=SYN)
    fresh.client(1, b"again", ack=1)
    events = feed_all(talk.frames + fresh.frames)
    assert not [event for event in events if isinstance(event, Rejected)]
    assert len([event for event in events if isinstance(event, Opened)]) == 2


def test_the_first_copies_are_named() -> None:
    talk = begun()
    talk.frames.append(twin(talk.client(1, b"hello", identification=9)))
    talk.server(1, ack=6)
    talk.frames.append(twin(talk.frames[3], 20 * US))
    assembler = Assembler()
    for batch in batches(talk.frames, [2, 4]):
        assembler.feed(batch)
    assert assembler.duplicates == 2
    assert assembler.copies == [(5, 4, 0), (7, 4, 0)]


def test_all_copies_are_counted_and_a_hundred_named() -> None:
    talk = begun()
    for n in range(100):
        talk.client(1 + n, b"x", identification=10 + 2 * n)
        talk.frames.append(twin(talk.frames[-1]))
        talk.server(1, ack=2 + n, identification=10 + n)
        talk.frames.append(twin(talk.frames[-1]))
    assembler = Assembler()
    assembler.feed(talk.batch())
    assert assembler.duplicates == 200
    assert len(assembler.copies) == 100
    (stream,) = assembler.streams
    assert [stream.duplicates(side) for side in SIDES] == [100, 100]
    assert [stream.packets(side) for side in SIDES] == [202, 201]


@given(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(-(1 << 63), (1 << 63) - 1))
def test_no_time_is_too_far(first_ns: int, second_ns: int) -> None:
    talk = begun()
    frame = talk.client(1, b"hello", identification=9)
    frames = [frame._replace(time_ns=time_ns) for time_ns in (first_ns, second_ns)]
    assembler = Assembler()
    assembler.feed(Batch.from_frames(frames))
    near = abs(first_ns - second_ns) <= 100 * MS
    # A distance of 64 bits is as good as none.
    if near or abs(first_ns - second_ns) < 1 << 63:
        assert assembler.duplicates == near


PAYLOAD = bytes(range(200))


@st.composite
def conversations(draw: st.DrawFn) -> list[Frame]:
    """Two sides that send pieces in any order, some of them again, and acknowledge."""
    talk = Conversation()
    ids = [100, 9000]
    whole = draw(st.booleans())
    if whole:
        talk.client(0, ack=None, flags=SYN, identification=1)
        talk.server(0, ack=1, flags=SYN, identification=2)
        talk.client(1, ack=1, identification=3)
    for _ in range(draw(st.integers(1, 25))):
        side = SIDES[1] if draw(st.booleans()) else SIDES[0]
        ids[side] += 1
        start = draw(st.integers(0, len(PAYLOAD) - 1))
        size = draw(st.integers(0, 40))
        talk.send(
            side,
            1 + start,
            PAYLOAD[start : start + size],
            ack=1 + draw(st.integers(0, len(PAYLOAD))),
            identification=ids[side],
            flags=draw(st.sampled_from((0, PSH))),
        )
    return talk.frames


SPANS = st.lists(
    st.tuples(st.integers(0, 28), st.booleans(), st.integers(1, 900)), max_size=20
)


@given(conversations(), SPANS, st.lists(st.integers(0, 50), max_size=4))
def test_twins_change_nothing_but_the_counts_of_them(
    frames: list[Frame], spans: list[tuple[int, bool, int]], cuts: list[int]
) -> None:
    """Whichever frames are seen twice, before or behind a router."""
    doubled: list[Frame] = []
    twins = [0] * len(frames)
    for index, frame in enumerate(frames):
        doubled.append(frame)
        for at, routed, after_us in spans:
            if at == index:
                doubled.append(twin(frame, after_us * US, hops=int(routed)))
                twins[index] += 1
    one, two = feed_all(frames), feed_all(doubled, None, cuts)
    for side in Direction:
        assert payload_of(one, side) == payload_of(two, side)
        before, after = counts_of(one, side), counts_of(two, side)
        assert after["duplicates"] - before["duplicates"] == sum(
            count
            for frame, count in zip(frames, twins, strict=True)
            if (frame.data[26:30] == frames[0].data[26:30]) == (side == first(frames))
        )
        assert after["packets"] - after["duplicates"] == before["packets"]
        for name in ("retransmissions", "out_of_order", "keep_alives", "gaps"):
            assert after[name] == before[name], name


def first(frames: list[Frame]) -> Direction:
    """Return who sent the first frame."""
    (opened,) = [event for event in feed_all(frames) if isinstance(event, Opened)][:1]
    sender: Direction = opened.stream.first_sender
    return sender


def counts_of(events: list[Any], side: Direction) -> dict[str, Any]:
    (opened,) = [event for event in events if isinstance(event, Opened)]
    counts: dict[str, Any] = opened.stream.counts(side)
    return counts


def test_what_is_found_does_not_depend_on_chance_or_cuts() -> None:
    """Many connections take turns, so that they displace each other."""
    dice = random.Random(7)
    talks = [
        Conversation((f"10.1.{n // 200}.{n % 200 + 1}", 40000 + n), step_ns=US)
        for n in range(300)
    ]
    frames: list[Frame] = []
    for turn in range(20):
        for talk in talks:
            frame = talk.client(1 + turn, b"x", ack=1, identification=turn + 1)
            frames.append(frame._replace(time_ns=len(frames) * US))
            if dice.random() < 0.5:
                ago = dice.randrange(min(5, len(frames)))
                frames.append(twin(frames[-1 - ago], 0))
    found = set()
    for cuts in ([], [1000, 1001, 3000], [2048]):
        assembler = Assembler()
        for start, stop in zip([0, *cuts], [*cuts, len(frames)], strict=True):
            for at in range(start, stop, 2048):
                part = frames[at : min(stop, at + 2048)]
                assembler.feed(Batch.from_frames(part, at + 1))
        found.add((assembler.duplicates, tuple(assembler.copies)))
    assert len(found) == 1
    assert found.pop()[0] > 2000
