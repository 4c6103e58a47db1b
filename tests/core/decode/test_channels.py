"""Connections that a capture has on several channels, and of which one is taken.

Rows give two channels of a kind: how the frames of one differ from those of the other.
"""

import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builder import (
    CLIENT_MAC,
    FIN,
    MS,
    RST,
    SECOND,
    SERVER_MAC,
    SYN,
    Conversation,
    Frame,
    ethernet,
    ip,
    mac,
)
from tests.properties.law import Law
from tests.properties.strategies import hostile_captures, policies
from tests.sources.writing import enhanced, interface, section
from tests.talk import CLIENT, SERVER, payload_of, said
from unpacket import (
    Assembler,
    Batch,
    Closed,
    Data,
    Direction,
    Opened,
    Policy,
    Rejected,
    StreamFollower,
    events,
    summaries,
)
from unpacket.integrity.checker import check

ROUTER = "02:00:00:00:00:99"

# A frame, and the number of the interface where it was seen.
Seen = tuple[int, bytes, int, int, int]
Way = Callable[[Frame], Seen]


def plain(frame: Frame) -> Seen:
    return (*frame, 0)


def on_interface(number: int) -> Way:
    return lambda frame: (*frame, number)


def tagged(*vlans: int) -> Way:
    def way(frame: Frame) -> Seen:
        tags = b"".join(struct.pack(">HH", 0x8100, vlan) for vlan in vlans)
        data = frame.data[:12] + tags + frame.data[12:]
        return frame.time_ns, data, 1, len(data), 0

    return way


def routed(frame: Frame) -> Seen:
    """Return a frame as it is beyond a router."""
    source, target = frame.data[6:12], frame.data[:6]
    if source == mac(CLIENT_MAC):
        data = target + mac(ROUTER) + frame.data[12:]
    else:
        data = mac(ROUTER) + source + frame.data[12:]
    return frame.time_ns, data, 1, len(data), 0


def cooked(number: int, address: str = CLIENT_MAC, *, second: bool = True) -> Way:
    """Return a way through Linux's pseudo-device that captures all interfaces."""

    def way(frame: Frame) -> Seen:
        packet = frame.data[14:]
        octets = mac(address) + b"\0\0"
        head = struct.pack(">HHH8sH", 0, 1, 6, octets, 0x0800)
        if second:
            head = struct.pack(">HHIHBB8s", 0x0800, 0, number, 1, 0, 6, octets)
        data = head + packet
        return frame.time_ns, data, 276 if second else 113, len(data), 0

    return way


KINDS = [
    pytest.param("interface", on_interface(0), on_interface(1), id="interfaces"),
    pytest.param("interface", on_interface(7), on_interface(3), id="lower second"),
    pytest.param("interface", cooked(2), cooked(3), id="interfaces of Linux's any"),
    pytest.param("vlan", plain, tagged(7), id="no VLAN, and one"),
    pytest.param("vlan", tagged(7), tagged(8), id="two VLANs"),
    pytest.param("vlan", tagged(0), tagged(8), id="a priority, and a VLAN"),
    pytest.param("vlan", tagged(7), tagged(7, 8), id="a tag more"),
    pytest.param("vlan", tagged(7, 8), tagged(8, 7), id="tags the other way round"),
    pytest.param("mac", plain, routed, id="MAC addresses"),
    pytest.param(
        "mac", cooked(2, second=False), cooked(2, ROUTER, second=False), id="SLL"
    ),
    pytest.param("mac", cooked(2), cooked(2, ROUTER), id="SLL2"),
]
EQUAL = [
    pytest.param("interface", plain, tagged(7), id="tags are no interfaces"),
    pytest.param("interface", plain, routed, id="nor are addresses"),
    pytest.param("interface", cooked(2), cooked(2, ROUTER), id="one of Linux's any"),
    pytest.param("vlan", tagged(0), plain, id="a priority is no VLAN"),
    pytest.param("vlan", plain, on_interface(1), id="an interface is no VLAN"),
    pytest.param("mac", plain, tagged(7), id="a VLAN has the same addresses"),
    pytest.param("mac", cooked(2), cooked(3), id="so have interfaces"),
]


def told(
    seen: Iterable[Seen], channel: Any = "any", cuts: int = 2048, **changes: Any
) -> tuple[list[Any], Assembler]:
    """Return the events of frames in batches of ``cuts``, and who made them."""
    assembler = Assembler(Policy(channel=channel, **changes))
    rows = list(seen)
    happened: list[Any] = []
    for at in range(0, len(rows), cuts):
        happened += assembler.feed(Batch.from_frames(rows[at : at + cuts], at + 1))
    return happened + assembler.finish(), assembler


def ways(frames: Iterable[Frame], one: Way, other: Way) -> list[Seen]:
    """Return each frame by the one way, then some time later by the other."""
    seen = []
    for frame in frames:
        seen += [one(frame), other(frame._replace(time_ns=frame.time_ns + MS // 2))]
    return seen


def talked() -> Conversation:
    """Return a whole connection with payload in both directions."""
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"question")
    talk.server(1, b"an answer", ack=9)
    talk.client(9, b"more", ack=10)
    talk.farewell(13, 10)
    return talk


def streams_of(happened: Iterable[Any]) -> list[Any]:
    return [event.stream for event in happened if isinstance(event, Opened)]


@pytest.mark.parametrize(("channel", "one", "other"), KINDS)
def test_what_comes_by_another_channel_is_only_counted(
    channel: str, one: Way, other: Way
) -> None:
    talk = talked()
    happened, assembler = told(ways(talk.frames, one, other), channel)
    alone, _ = told([one(frame) for frame in talk.frames], channel)
    assert said(happened) == said(alone)
    (stream,) = streams_of(happened)
    assert stream.complete
    assert assembler.other_channel == len(talk)
    # The last one comes after the stream's end: what was told of it stays.
    assert [stream.other_channel(side) for side in (0, 1)] == [5, 3]
    assert [stream.packets(side) for side in (0, 1)] == [6, 3]
    for side in (0, 1):
        counts = stream.counts(side)
        assert counts["retransmissions"] == counts["duplicates"] == 0
        assert counts["late_packets"] == counts["duplicate_bytes"] == 0
        assert counts["other_channel"] == stream.other_channel(side)


@pytest.mark.parametrize(("channel", "one", "other"), EQUAL)
def test_what_is_one_channel_by_what_was_chosen(
    channel: str, one: Way, other: Way
) -> None:
    happened, assembler = told(ways(talked().frames, one, other), channel)
    (stream,) = streams_of(happened)
    assert assembler.other_channel == 0
    assert stream.duplicates(0) + stream.retransmissions(0) > 0


@pytest.mark.parametrize(("channel", "one", "other"), KINDS)
def test_by_default_all_channels_are_one(channel: str, one: Way, other: Way) -> None:
    _, assembler = told(ways(talked().frames, one, other))
    assert assembler.other_channel == 0


@pytest.mark.parametrize(("channel", "one", "other"), KINDS)
def test_each_direction_has_a_channel_of_its_own(
    channel: str, one: Way, other: Way
) -> None:
    """As on a link with a tap for each direction, or tags on one way only."""
    talk = talked()
    here, there = on_way(talk, one), on_way(talk, other)
    seen = [
        (there if is_from_server(frame) else here)[n]
        for n, frame in enumerate(talk.frames)
    ]
    happened, assembler = told(seen, channel)
    assert streams_of(happened)[0].complete
    assert assembler.other_channel == 0
    # Each packet of the other side now, too.
    happened, assembler = told(interleaved(here, there), channel)
    assert streams_of(happened)[0].complete
    assert assembler.other_channel == len(talk)


def on_way(talk: Conversation, way: Way) -> list[Seen]:
    return [way(frame) for frame in talk.frames]


def is_from_server(frame: Frame) -> bool:
    return frame.data[6:12] == mac(SERVER_MAC)


def interleaved(here: list[Seen], there: list[Seen]) -> list[Seen]:
    return [row for pair in zip(here, there, strict=True) for row in pair]


def one_way(*packets: tuple[Any, ...]) -> list[Seen]:
    """Return packets of a client: interface, sequence number, payload, flags, wait."""
    talk = Conversation()
    talk.handshake()
    rows = [(*frame, 1) for frame in talk.frames]
    for number, seq, payload, *more in packets:
        flags, wait_ns = [*more, 0, 0][:2] if len(more) < 2 else more
        talk.now_ns += wait_ns
        frame = talk.client(seq, payload, ack=1, flags=flags)
        rows.append((*frame, number))
    return rows


SILENT = [
    pytest.param([(1, 1, b"abc"), (2, 1, b"XYZ")], b"abc", 1, id="other bytes"),
    pytest.param([(2, 1, b"abc"), (1, 1, b"abc")], b"abc", 1, id="the other first"),
    pytest.param([(2, 1, b"abc"), (2, 4, b"def")], b"", 2, id="never on its own"),
    pytest.param([(2, 1, b"", RST), (1, 1, b"abc")], b"abc", 1, id="its RST"),
    pytest.param([(2, 1, b"", FIN), (1, 1, b"abc")], b"abc", 1, id="its FIN"),
    pytest.param([(2, 0, b"", SYN), (1, 1, b"abc")], b"abc", 1, id="its SYN"),
    pytest.param(
        [(1, 1, b"abc"), (2, 4, b"def"), (1, 7, b"ghi")], b"abcghi", 1, id="a loss"
    ),
]


@pytest.mark.parametrize(("packets", "delivered", "others"), SILENT)
@pytest.mark.parametrize("cuts", [1, 2, 2048])
def test_the_other_channel_changes_nothing(
    packets: list[Any], delivered: bytes, others: int, cuts: int
) -> None:
    happened, assembler = told(one_way(*packets), "interface", cuts)
    assert payload_of(happened, CLIENT) == delivered
    assert assembler.other_channel == others
    (stream,) = streams_of(happened)
    assert stream.other_channel(CLIENT) == others
    assert not [event for event in happened if isinstance(event, Rejected)]


def test_a_channel_that_falls_silent_is_let_go_with_its_stream() -> None:
    rows = one_way((1, 1, b"abc"), (2, 4, b"def"), (2, 7, b"ghi", 0, 301 * SECOND))
    happened, _ = told(rows, "interface", idle_timeout_s=300)
    first, second = streams_of(happened)
    assert first.close_reason == "timeout"
    assert first.other_channel(CLIENT) == 1
    assert second.other_channel(CLIENT) == 0
    assert payload_of(happened, CLIENT) == b"abcghi"


def again(number: int, isn: int, start_ns: int, *, synack: bool = True) -> list[Seen]:
    """Return a new connection between the same ends, on an interface."""
    talk = Conversation(client_isn=isn, server_isn=isn + 7, start_ns=start_ns)
    talk.client(0, ack=None, flags=SYN)
    if synack:
        talk.server(0, ack=1, flags=SYN)
    talk.client(1, b"new", ack=1)
    return [(*frame, number) for frame in talk.frames]


def both(first: int, second: int, rows: list[Seen]) -> list[Seen]:
    """Return frames on one interface, each followed by a copy on another."""
    return [(*row[:4], number) for row in rows for number in (first, second)]


AFTER = {
    "a FIN": [(1, 4, b"", FIN)],
    "an RST": [(1, 4, b"", RST)],
    "nothing": [],
}


@pytest.mark.parametrize("end", AFTER)
@pytest.mark.parametrize("synack", [True, False], ids=["answered", "one-sided"])
@pytest.mark.parametrize("cuts", [1, 2048])
def test_a_new_connection_chooses_anew(end: str, synack: bool, cuts: int) -> None:
    old = one_way((1, 1, b"abc"), (2, 1, b"abc"), *AFTER[end])
    if end == "a FIN":
        talk = Conversation(start_ns=old[-1][0] + MS)
        talk.server(1, ack=5, flags=FIN)
        old += [(*frame, 1) for frame in talk.frames]
    if not synack and end == "nothing":
        # Its server has been seen: only an answer could show a new connection.
        synack = True
    new = both(2, 1, again(2, 900_000, old[-1][0] + MS, synack=synack))
    happened, assembler = told([*old, *new], "interface", cuts)
    first, second = streams_of(happened)
    assert payload_of(happened, CLIENT) == b"abcnew"
    assert first.close_reason == (
        "reused" if end == "nothing" else {"a FIN": "fin"}.get(end, "rst")
    )
    data = [event for event in happened if isinstance(event, Data)]
    assert data[-1].stream is second
    assert second.packets(CLIENT) == 2
    assert second.counts(CLIENT)["retransmissions"] == 0
    assert second.packets(SERVER) == int(synack)
    assert not [event for event in happened if isinstance(event, Rejected)]
    assert assembler.memory_bytes == 0


def test_a_syn_that_nobody_answers_changes_no_channel() -> None:
    rows = one_way((1, 1, b"abc"))
    rows += again(2, 900_000, rows[-1][0] + MS)[:1]
    more = Conversation(start_ns=rows[-1][0] + MS)
    frame = more.client(4, b"def", ack=1)
    rows += [(*frame, 2), (*frame, 1)]
    happened, assembler = told(rows, "interface")
    assert payload_of(happened, CLIENT) == b"abcdef"
    assert [e.reason for e in happened if isinstance(e, Rejected)] == ["syn"]
    assert assembler.other_channel == 1


def test_copies_within_a_channel_are_copies_still() -> None:
    talk = Conversation()
    talk.handshake()
    rows: list[Seen] = [(*frame, 1) for frame in talk.frames]
    for n in range(3):
        frame = talk.client(1 + n, b"x", ack=1, identification=5 + n)
        rows += [(*frame, 1), (*frame, 1), (*frame, 2), (*frame, 2)]
    happened, assembler = told(rows, "interface")
    (stream,) = streams_of(happened)
    assert stream.duplicates(CLIENT) == 3
    assert stream.retransmissions(CLIENT) == 0
    assert stream.packets(CLIENT) == 2 + 6
    assert assembler.duplicates == 3
    assert assembler.other_channel == 6


def test_copies_are_told_though_those_of_others_come_between() -> None:
    talk = Conversation()
    talk.handshake()
    rows: list[Seen] = [(*frame, 1) for frame in talk.frames]
    for n in range(20):
        frame = talk.client(1 + n, b"x", ack=1, identification=5 + n)
        rows += [(*frame, number) for number in (1, 2, 3, 1, 2, 3)]
    _, assembler = told(rows, "interface")
    assert assembler.duplicates == 20


def test_a_copy_of_what_another_channel_had_is_none() -> None:
    talk = Conversation()
    talk.handshake()
    frame = talk.client(1, b"x", ack=1, identification=5)
    rows: list[Seen] = [(*each, 1) for each in talk.frames[:3]]
    happened, assembler = told([*rows, (*frame, 2), (*frame, 1)], "interface")
    assert assembler.duplicates == 0
    assert payload_of(happened, CLIENT) == b"x"


def test_a_datagram_in_fragments_is_of_one_channel() -> None:
    """Each channel lacks another fragment; half of each is no datagram."""
    talk = Conversation()
    talk.handshake()
    frame = talk.client(1, bytes(range(64)), ack=1)
    packet = frame.data[14:]
    parts = [
        ethernet(
            ip(
                "10.0.0.1",
                "10.0.0.2",
                packet[start:stop],
                identification=9,
                fragment_offset=start - 20,
                more_fragments=stop < len(packet),
            )
        )
        for start, stop in ((20, 60), (60, len(packet)))
    ]
    rows = [(*each, 1) for each in talk.frames[:-1]]
    order = [(0, 1), (0, 2), (1, 2), (1, 1)]
    rows += [
        (frame.time_ns + n, parts[part], 1, len(parts[part]), number)
        for n, (part, number) in enumerate(order)
    ]
    happened, assembler = told(rows, "interface")
    assert payload_of(happened, CLIENT) == bytes(range(64))
    assert assembler.other_channel == 1
    assert assembler.counters == {"fragment": 2}


def test_many_streams_at_a_time() -> None:
    rows: list[Seen] = []
    talks = [
        Conversation((f"10.1.{n // 250}.{n % 250 + 1}", n + 1)) for n in range(1500)
    ]
    for number, talk in enumerate(talks):
        talk.handshake()
        talk.client(1, b"%d" % number, ack=1)
    for turn in range(4):
        for number, talk in enumerate(talks):
            row = talk.frames[turn]
            rows += [(*row, number % 3), (*row, 1 + number % 3)]
    happened, assembler = told(rows, "interface")
    assert assembler.other_channel == 4 * len(talks)
    found = {
        event.stream.id: event.payload for event in happened if isinstance(event, Data)
    }
    assert found == {number: b"%d" % number for number in range(len(talks))}
    assert assembler.memory_bytes == 0


SPOKEN = b"".join(b"%05d" % n for n in range(60))


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1]), st.integers(0, 55), st.integers(1, 4)),
        max_size=40,
    ),
    st.integers(1, 9),
    st.booleans(),
)
def test_the_chosen_channel_alone_gives_the_same(
    sent: list[tuple[int, int, int]], cuts: int, ended: bool
) -> None:
    """Two channels with losses, order and other bytes of their own."""
    talk = Conversation()
    talk.handshake()
    rows: list[Seen] = [(*frame, 1) for frame in talk.frames]
    for number, start, count in sent:
        payload = SPOKEN[5 * start : 5 * (start + count)]
        if number == 0:
            payload = payload.swapcase()[::-1]
        rows.append((*talk.client(1 + 5 * start, payload, ack=1), number))
        if start % 3 == 0:
            rows.append((*talk.server(1, b"", ack=1 + 5 * start), number))
    if ended:
        talk.client(301, ack=1, flags=FIN)
        rows += [(*talk.frames[-1], 0), (*talk.frames[-1], 1)]
    happened, assembler = told(rows, "interface", cuts)
    alone, _ = told([row for row in rows if row[4] == 1], "interface")
    assert said(happened) == said(alone)
    assert assembler.other_channel == sum(row[4] == 0 for row in rows)
    for side in (0, 1):
        counts = streams_of(happened)[0].counts(side)
        counts["other_channel"] = 0
        assert counts == streams_of(alone)[0].counts(side)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.integers(0, 1),
            st.integers(0, 60),
            st.integers(0, 8),
            st.sampled_from([0, 0, 0, SYN, FIN, RST]),
            st.sampled_from([1000, 1000, 1000, 70_000]),
        ),
        max_size=40,
    ),
    st.integers(1, 9),
)
def test_whatever_comes_cuts_change_nothing(
    sent: list[tuple[int, int, int, int, int, int]], cuts: int
) -> None:
    rows: list[Seen] = []
    for n, (number, side, start, length, flags, isn) in enumerate(sent):
        talk = Conversation(client_isn=isn, server_isn=isn + 5)
        seq = 0 if flags & SYN else 1 + start
        ack = None if flags & SYN and side == 0 else 1
        frame = talk.send(side, seq, b"x" * length, ack=ack, flags=flags, at_ns=n * MS)  # type: ignore[arg-type]
        rows.append((*frame, number))
    one, first = told(rows, "interface", 1)
    other, second = told(rows, "interface", cuts)
    assert said(one) == said(other)
    assert first.other_channel == second.other_channel
    assert first.memory_bytes == second.memory_bytes == 0
    assert first.packets == len(rows)


@given(
    hostile_captures(),
    st.lists(st.integers(0, 2), min_size=32, max_size=32),
    policies.map(lambda policy: policy.replace(channel="interface")),
    st.integers(1, 9),
)
def test_hostile_segments_of_several_channels_keep_the_law(
    frames: list[Frame], numbers: list[int], policy: Policy, cuts: int
) -> None:
    rows = [(*frame, number) for frame, number in zip(frames, numbers, strict=False)]
    assembler = Assembler(policy)
    law = Law(True)
    happened: list[Any] = []
    for at in range(0, len(rows), cuts):
        part = assembler.feed(Batch.from_frames(rows[at : at + cuts], at + 1))
        law(part)
        happened += part
    happened += (part := assembler.finish())
    law(part)
    law.end(assembler)
    assert assembler.memory_bytes == 0
    whole = Assembler(policy)
    wanted = whole.feed(Batch.from_frames(rows)) + whole.finish()
    assert said(happened) == said(wanted)
    assert assembler.other_channel == whole.other_channel


def capture(rows: Iterable[Seen], interfaces: int = 2) -> bytes:
    blocks = [enhanced("<", row[4], row[0] // 1000, row[1], row[3]) for row in rows]
    return section("<") + interface("<") * interfaces + b"".join(blocks)


@pytest.fixture
def two_interfaces(tmp_path: Path) -> Path:
    path = tmp_path / "two.pcapng"
    path.write_bytes(capture(ways(talked().frames, on_interface(0), on_interface(1))))
    return path


BY_INTERFACE = Policy(channel="interface")


def test_interfaces_of_a_capture_are_channels(two_interfaces: Path) -> None:
    for jobs in (1, 2):
        (stream,) = summaries(two_interfaces, policy=BY_INTERFACE, jobs=jobs)
        assert stream.complete
        assert stream.other_channel == (5, 3)
        assert stream.packets == (6, 3)
        assert stream.retransmissions == stream.duplicates == (0, 0)
    (stream,) = summaries(two_interfaces)
    assert stream.other_channel == (0, 0)
    report = check(two_interfaces, policy=BY_INTERFACE)
    assert report.ok
    assert (report.other_channel.count, report.other_channel.streams) == (8, 1)
    assert report.to_dict()["other_channel"] == {"count": 8, "streams": 1}


def test_an_interface_that_is_described_late(tmp_path: Path) -> None:
    rows = ways(talked().frames, on_interface(0), on_interface(1))
    path = tmp_path / "late.pcapng"
    late = [enhanced("<", row[4], row[0] // 1000, row[1], row[3]) for row in rows[1:]]
    path.write_bytes(capture(rows[:1], 1) + interface("<") + b"".join(late))
    (stream,) = summaries(path, policy=BY_INTERFACE)
    assert stream.complete
    assert stream.other_channel == (5, 3)


@pytest.mark.parametrize("merge", [True, False])
def test_captures_that_are_merged_have_interfaces_of_their_own(
    tmp_path: Path, merge: bool
) -> None:
    rows = ways(talked().frames, on_interface(0), on_interface(0))
    paths = [tmp_path / "one.pcapng", tmp_path / "other.pcapng"]
    for n, path in enumerate(paths):
        # Those that follow one another are parts of one.
        half = len(rows) // 2
        part = rows[n::2] if merge else rows[n * half : (n + 1) * half]
        path.write_bytes(capture(part, 1))
    (stream,) = summaries(paths, policy=BY_INTERFACE, merge=merge)
    assert stream.other_channel == ((5, 3) if merge else (0, 0))


def test_a_follower_and_packets_with_their_interface() -> None:
    follower = StreamFollower(policy=BY_INTERFACE)
    heard: list[bytes] = []

    @follower.on_new_stream
    def _(stream: Any) -> None:
        stream.on_client_data(lambda _, payload: heard.append(payload))

    rows = ways(talked().frames, on_interface(4), on_interface(9))
    follower.feed((row[0], row[1], row[4]) for row in rows)
    follower.finish()
    assert heard == [b"question", b"more"]
    assert follower.assembler.other_channel == len(rows) // 2


def test_what_is_traced_is_of_the_chosen_channel() -> None:
    rows = ways(talked().frames, on_interface(0), on_interface(1))
    assembler = Assembler(BY_INTERFACE)
    happened, trace = assembler.trace(Batch.from_frames(rows))
    assert list(trace.frames) == list(range(1, len(rows), 2))
    plain_events, _ = told(rows, "interface")
    assert said([*happened, *assembler.finish()]) == said(plain_events)


def test_events_of_packets_and_of_their_capture_are_alike(two_interfaces: Path) -> None:
    rows = ways(talked().frames, on_interface(0), on_interface(1))
    packets = [(row[0], row[1], row[4]) for row in rows]
    wanted = said(events(two_interfaces, policy=BY_INTERFACE))
    assert said(events(packets, policy=BY_INTERFACE)) == wanted
    assert [item[0] for item in wanted].count("data") == 3


def test_frames_too_short_for_addresses() -> None:
    """What does not become a segment has no channel."""
    rows = [(*frame, 0) for frame in talked().frames]
    for row in list(rows):
        rows += [(row[0], row[1][:n], 1, len(row[1]), 1) for n in (0, 5, 11, 12, 30)]
    for channel in ("interface", "vlan", "mac"):
        happened, assembler = told(rows, channel)
        assert [type(event) for event in happened].count(Closed) == 1
        assert assembler.other_channel == 0


def test_directions_are_sides_of_the_stream() -> None:
    happened, _ = told(one_way((2, 1, b"a"), (2, 2, b"b")), "interface")
    (stream,) = streams_of(happened)
    assert stream.other_channel(Direction.CLIENT) == 2
    assert stream.other_channel(Direction.SERVER) == 0
