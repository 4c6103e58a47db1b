"""StreamFollower: what it calls back for, and what callbacks may do."""

import gc
import warnings
import weakref
from pathlib import Path
from typing import Any

import pytest

from tests.builder import (
    CLIENT_END,
    FIN,
    MS,
    RST,
    SECOND,
    START_NS,
    Conversation,
    Frame,
    write_pcap,
)
from tests.seeds.following import CLIENT, SERVER, Following
from unpacket import (
    Batch,
    FollowedStream,
    LimitError,
    Policy,
    StreamFollower,
)
from unpacket.errors import OverlapWarning


def talking() -> Conversation:
    talk = Conversation()
    talk.handshake()
    return talk


def dialogue() -> Conversation:
    talk = talking()
    talk.client(1, b"ask")
    talk.server(1, b"answer", ack=4)
    talk.farewell(4, 7)
    return talk


DIALOGUE = [
    ("client", b"ask"),
    ("server", b"answer"),
    ("finished", "client"),
    ("finished", "server"),
    ("closed", "fin"),
    ("teardown",),
]


def test_every_callback_of_the_follower() -> None:
    talk = talking()
    talk.client(1, b"abc")
    talk.client(1, b"XYZ")
    talk.client(7, b"ghi")
    talk.server(1, b"ok", ack=10)
    talk.server(99999999, flags=RST)
    talk.client(10, b"end", ack=3, at_ns=SECOND)
    following = Following().follow(talk)
    assert following.calls == [
        ("client", b"abc"),
        ("conflict", b"abc", b"XYZ"),
        ("server", b"ok"),
        ("rejected", "rst"),
        ("gap", 3, 3),
        ("client", b"ghi"),
        ("client", b"end"),
        ("closed", "end_of_capture"),
    ]
    assert Following().follow(dialogue()).calls == DIALOGUE


def test_callbacks_of_a_stream_come_first() -> None:
    told: list[Any] = []
    following = Following()

    def new_stream(stream: FollowedStream) -> None:
        stream.user_data = "mine"
        stream.on_client_data(lambda it, payload: told.append((it.user_data, payload)))
        stream.on_server_data(lambda it, payload: told.append(payload))
        stream.on_finished(lambda it, side: told.append(side))
        stream.on_closed(lambda it: told.append(it.close_reason))

    following.follower.on_new_stream(new_stream)
    following.follow(dialogue())
    assert told == [("mine", b"ask"), b"answer", CLIENT, SERVER, "fin"]
    # Both are told of the end.
    assert following.calls == [("closed", "fin"), ("teardown",)]


def test_ignored_from_the_first_byte_and_later() -> None:
    following = Following()
    following.follower.on_new_stream(FollowedStream.ignore_server_data)
    following.follow(dialogue())
    assert ("server", b"answer") not in following.calls
    assert ("client", b"ask") in following.calls

    following = Following()
    talk = talking()
    talk.client(1, b"one")
    following.feed(talk)
    following.stream.ignore_client_data()
    following.feed([talk.client(4, b"two"), talk.client(7, flags=FIN)])
    assert following.told("client") == [b"one"]
    assert following.stream.state(CLIENT) == "fin_sent"


def test_payloads_are_kept_where_that_is_asked_for() -> None:
    seen: list[bytes] = []
    follower = StreamFollower()

    @follower.on_new_stream
    def new_stream(stream: FollowedStream) -> None:
        stream.auto_cleanup_payloads = False
        stream.on_client_data(lambda it, _: seen.append(it.client_payload))

    talk = talking()
    talk.client(1, b"one")
    talk.client(4, b"two")
    follower.feed(talk.batch())
    assert seen == [b"one", b"onetwo"]
    (stream,) = follower.live_streams()
    stream.max_kept_bytes = 8
    with pytest.raises(LimitError):
        follower.feed([(talk.client(7, b"three").time_ns, talk.frames[-1].data)])


@pytest.mark.parametrize("ignored", [False, True], ids=["plain", "not plain"])
def test_a_payload_is_there_while_its_callback_is_at_work(ignored: bool) -> None:
    seen: list[tuple[bytes, bytes]] = []
    follower = StreamFollower()

    @follower.on_new_stream
    def new_stream(stream: FollowedStream) -> None:
        if ignored:
            stream.ignore_server_data()

    @follower.on_client_data
    def client_data(stream: FollowedStream, payload: bytes) -> None:
        seen.append((stream.client_payload, stream.server_payload))
        assert stream.client_payload == payload
        if payload == b"two":
            raise ValueError

    talk = talking()
    talk.client(1, b"one")
    talk.client(4, b"two")
    with pytest.raises(ValueError):
        follower.feed(talk.batch())
    (stream,) = follower.live_streams()
    assert (stream.client_payload, stream.server_payload) == (b"", b"")
    assert seen == [(b"one", b""), (b"two", b"")]


def test_what_a_callback_wants_to_keep_is_kept_from_its_own_bytes_on() -> None:
    seen: list[bytes] = []
    follower = StreamFollower()

    @follower.on_client_data
    def client_data(stream: FollowedStream, payload: bytes) -> None:
        if payload == b"two":
            stream.auto_cleanup_payloads = False
        elif payload == b"four":
            stream.auto_cleanup_payloads = True
        seen.append(stream.client_payload)

    talk = talking()
    for seq, payload in ((1, b"one"), (4, b"two"), (7, b"three"), (12, b"four")):
        talk.client(seq, payload)
    follower.feed(talk.batch())
    assert seen == [b"one", b"two", b"twothree", b"four"]


def test_the_callback_for_any_data_has_what_is_new_if_that_is_asked_for() -> None:
    seen: list[bytes] = []
    follower = StreamFollower(lambda stream: seen.append(stream.client_payload))
    follower.auto_cleanup_payloads = True
    talk = talking()
    talk.client(1, b"one")
    talk.client(4, b"two")
    follower.feed(talk.batch())
    assert seen == [b"one", b"two"]


def test_recovery_mode_ends_after_its_window() -> None:
    talk = talking()
    talk.client(1, b"one")
    talk.client(7, b"two")
    talk.client(50, b"far")
    following = Following(Policy().replace(gap_grace_s=None))
    following.follower.on_new_stream(lambda it: following.streams.append(it))
    following.feed(talk.frames[:4])
    following.stream.enable_recovery_mode(10)
    assert following.stream.is_recovery_mode_enabled
    following.feed(talk.frames[4:])
    assert following.calls == [("client", b"one"), ("gap", 3, 3), ("client", b"two")]


def test_to_advance_delivers_the_packet_that_waits() -> None:
    following = Following()

    def late(stream: FollowedStream, seq: int, payload: bytes) -> None:
        following.say("late", seq, payload)
        stream.advance_sequence(CLIENT, seq)

    following.follower.on_new_stream(lambda it: it.on_client_out_of_order(late))
    talk = talking()
    talk.client(1, b"one")
    talk.client(7, b"two")
    assert following.feed(talk) == [
        ("client", b"one"),
        ("late", 1007, b"two"),
        ("gap", 3, 3),
        ("client", b"two"),
    ]


@pytest.mark.parametrize("at_once", [False, True], ids=["packets", "batch"])
def test_an_exception_loses_and_doubles_nothing(at_once: bool) -> None:
    whole = Following().follow(dialogue()).calls
    for failing in range(len(whole)):
        following = Following()
        say = following.say
        calls = 0

        def fails(*call: Any, say: Any = say, failing: int = failing) -> None:
            nonlocal calls
            calls += 1
            say(*call)
            if calls == failing + 1:
                raise KeyError(failing)

        following.say = fails  # type: ignore[method-assign]
        talk = dialogue()
        with pytest.raises(KeyError):
            following.follower.feed(talk.batch() if at_once else talk.packets)
        following.follower.feed(None)
        following.follower.finish()
        assert following.calls == whole


def test_an_error_of_the_source_is_not_repeated() -> None:
    def packets() -> Any:
        yield from dialogue().packets[:4]
        raise OSError("unplugged")

    following = Following()
    with pytest.raises(OSError, match="unplugged"):
        following.follower.feed(packets())
    following.follower.feed(dialogue().packets[4:])
    assert following.calls == DIALOGUE


def test_feed_from_a_callback_is_refused() -> None:
    follower = StreamFollower(policy=Policy(idle_timeout_s=300))
    refused: list[str] = []

    @follower.on_new_stream
    def again(stream: FollowedStream) -> None:
        with pytest.raises(RuntimeError, match="callback"):
            follower.feed(None)
        with pytest.raises(RuntimeError, match="callback"):
            follower.finish()
        refused.append("refused")

    follower.on_closed(again)
    talk = talking()
    follower.feed(talk.packets)
    follower.advance(talk.now_ns + 400 * SECOND)
    assert len(refused) == 2


def test_what_may_be_fed(tmp_path: Path) -> None:
    talk = dialogue()
    path = tmp_path / "talk.pcap"
    write_pcap(path, talk)
    for packets in (path, str(path), talk.packets, iter(talk.packets), talk.batch()):
        following = Following()
        following.follower.feed(packets)
        assert following.calls == DIALOGUE
    following = Following()
    following.follower.feed([frame.data for frame in talk])
    assert following.calls == DIALOGUE
    following.follower.feed(None)
    following.follower.feed([object(), "text", None])
    assert following.follower.ignored_packets == 3
    following = Following()
    for frame in talk:
        following.follower.feed(frame.data)
    assert following.calls == DIALOGUE


def test_scapy_packets() -> None:
    layers = pytest.importorskip("scapy.layers.l2")
    following = Following()
    for frame in dialogue():
        packet = layers.Ether(frame.data)
        packet.time = frame.time_ns / 1e9
        following.follower.feed(packet)
    assert following.calls == DIALOGUE


def test_hardware_addresses_belong_to_the_sides() -> None:
    talk = talking()
    following = Following()
    # Midstream, from the server.
    following.feed([talk.server(1, b"x", ack=1), talk.client(1, ack=2)])
    following.finish()
    stream = following.stream
    assert stream.client_hw_addr == "02:00:00:00:00:01"
    assert stream.server_hw_addr == "02:00:00:00:00:02"


def test_streams_are_found_and_grow_stale() -> None:
    talk = talking()
    following = Following()
    following.feed(talk)
    follower, stream = following.follower, following.stream
    ends = ("10.0.0.1", 40000), ("10.0.0.2", 80)
    assert follower.find_stream(*ends[0], *ends[1]) is stream
    assert follower.find_stream(*ends[1], *ends[0]) is stream
    assert follower.find_stream("10.0.0.3", 40000, *ends[1]) is None
    assert follower.stale_streams(10) == []
    assert follower.stale_streams(10, talk.now_ns + 10 * SECOND + MS) == [stream]
    stream.close()
    assert following.calls == [("closed", "user")]
    assert follower.live_streams() == []
    assert follower.find_stream(*ends[0], *ends[1]) is None


def test_a_with_block_finishes() -> None:
    closed: list[str | None] = []
    with StreamFollower(end_callback=lambda it: closed.append(it.close_reason)) as it:
        it.feed(talking().packets)
    assert closed == ["end_of_capture"]
    with pytest.raises(KeyError), StreamFollower() as it:
        raise KeyError


@pytest.mark.parametrize("merge", [True, False])
def test_captures_of_two_taps_may_be_merged(tmp_path: Path, merge: bool) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"question")
    talk.server(1, b"answer", ack=9)
    sides = [talk.frames[0::2], talk.frames[1::2]]
    paths = [tmp_path / "client.pcap", tmp_path / "server.pcap"]
    for path, frames in zip(paths, sides, strict=True):
        write_pcap(path, frames)
    heard: list[tuple[str, bytes]] = []
    follower = StreamFollower()
    follower.on_client_data(lambda _, payload: heard.append(("client", payload)))
    follower.on_server_data(lambda _, payload: heard.append(("server", payload)))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        follower.feed(paths, merge=merge)
    assert [type(one.message) for one in told] == [OverlapWarning] * (not merge)
    follower.finish()
    assert sorted(heard) == [("client", b"question"), ("server", b"answer")]
    if merge:
        assert [side for side, _ in heard] == ["client", "server"]


def one_after_the_other() -> list[Frame]:
    """Return three conversations, each begun when those before it are forgotten."""
    frames: list[Frame] = []
    for number, word in enumerate((b"one", b"two", b"three")):
        talk = Conversation(
            (CLIENT_END[0], 40000 + number),
            start_ns=START_NS + number * 10 * SECOND,
            frames=frames,
        )
        talk.handshake()
        for turn in range(3):
            talk.client(1 + turn * len(word), word, ack=1)
        talk.farewell(1 + 3 * len(word), 1)
    return frames


def test_a_stream_in_the_place_of_another_has_callbacks_of_its_own() -> None:
    follower = StreamFollower(policy=Policy(linger_s=1.0))
    heard: dict[int, list[bytes]] = {}

    @follower.on_new_stream
    def begin(stream: FollowedStream) -> None:
        mine = heard.setdefault(stream.client.port, [])

        def take(it: FollowedStream, payload: bytes) -> None:
            assert it is stream
            mine.append(payload)

        stream.on_client_data(take)

    follower.feed(Batch.from_frames(one_after_the_other()))
    follower.finish()
    assert heard == {
        40000: [b"one"] * 3,
        40001: [b"two"] * 3,
        40002: [b"three"] * 3,
    }


def test_a_stream_that_has_ended_is_not_kept_by_its_follower() -> None:
    follower = StreamFollower(policy=Policy(linger_s=1.0))
    followed: list[weakref.ref[FollowedStream]] = []
    heard: list[bytes] = []

    @follower.on_new_stream
    def begin(stream: FollowedStream) -> None:
        followed.append(weakref.ref(stream))
        stream.on_client_data(lambda _, payload: heard.append(payload))

    frames = one_after_the_other()
    follower.feed(Batch.from_frames(frames[: len(frames) // 3]))
    gc.collect()
    assert heard == [b"one"] * 3
    assert [stream() for stream in followed] == [None]
