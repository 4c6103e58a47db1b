"""Frames that somebody hostile, or a broken capture, might feed the assembler."""

from typing import Any

from hypothesis import strategies as st

from tests.builder import (
    ACK,
    CLIENT_END,
    FIN,
    MS,
    PSH,
    RAW,
    RST,
    SECOND,
    SERVER_END,
    START_NS,
    SYN,
    End,
    Frame,
    ip,
    tcp,
    timestamps,
    window_scale,
)
from tests.properties.conversations import ordinary
from unpacket import Policy

LOW32 = 0xFFFFFFFF
ENDS = [
    (CLIENT_END, SERVER_END),
    ((CLIENT_END[0], 40001), SERVER_END),
    (SERVER_END, SERVER_END),
]
ISNS = (0xFFFFFFF0, 77)

# Mostly ordinary numbers, so that segments meet; some from anywhere.
near = st.integers(-3, 40)
anywhere = st.sampled_from(
    [-(1 << 31), -(1 << 30), -70000, -100, 3000, 70000, 1 << 24, 1 << 30, (1 << 31) - 1]
)
offsets = st.one_of(near, near, near, near, anywhere)
flag_sets = st.one_of(
    st.sampled_from([ACK, ACK, ACK, ACK | PSH, ACK | FIN, SYN, SYN | ACK, RST, 0]),
    st.sampled_from([ACK, RST | ACK, FIN, SYN | FIN, SYN | RST, FIN | RST | ACK, 0xFF]),
)
steps_ns = st.sampled_from(
    [0, 0, MS, MS, MS, 25 * MS]
    + [seconds * SECOND for seconds in (1, 31, 62, 400, 2000, 4000, -5, -400, -4000)]
)
payloads = st.one_of(
    st.just(b""),
    st.text("ab", min_size=1, max_size=12).map(str.encode),
    st.text("ab", min_size=1, max_size=3).map(str.encode),
)


def packet(
    source: End,
    target: End,
    seq: int,
    payload: bytes = b"",
    *,
    ttl: int = 64,
    wscale: int | None = None,
    timestamp: int | None = None,
    **fields: Any,
) -> bytes:
    options = b"" if wscale is None else window_scale(wscale)
    if timestamp is not None:
        options += timestamps(timestamp)
    segment = tcp(source, target, seq, payload, options=options, **fields)
    return ip(source[0], target[0], segment, ttl=ttl)


@st.composite
def segments(draw: st.DrawFn) -> tuple[int, bytes, int]:
    """Return how long after the last one, the packet, and its length on the wire."""
    side = draw(st.integers(0, 1))
    pair = ENDS[draw(st.sampled_from([0, 0, 0, 0, 1, 2]))]
    flags = draw(flag_sets)
    payload = draw(payloads)
    first = ISNS[side] + 1 + draw(st.sampled_from([0, 0, 0, 5000]))
    peer_first = ISNS[1 - side] + 1 + draw(st.sampled_from([0, 0, 0, 5000]))
    at = -1 if flags & SYN and draw(st.booleans()) else draw(offsets)
    frame = packet(
        pair[side],
        pair[1 - side],
        first + at & LOW32,
        payload,
        ack=peer_first + draw(offsets) & LOW32 if flags & ACK else None,
        flags=flags,
        window=draw(st.sampled_from([65535, 65535, 0, 1, 8])),
        ttl=draw(st.sampled_from([64, 64, 64, 64, 3, 0, 255])),
        wscale=draw(st.sampled_from([None, 0, 7, 14])) if flags & SYN else None,
        timestamp=draw(st.one_of(st.none(), st.none(), st.integers(0, 6))),
        sum_xor=draw(st.sampled_from([0] * 7 + [0x5A5A])),
    )
    original = len(frame)
    if draw(st.sampled_from([False] * 7 + [True])):
        frame = frame[: len(frame) - draw(st.integers(0, len(payload)))]
    return draw(steps_ns), frame, original


def in_time(rows: list[tuple[int, bytes, int]]) -> list[Frame]:
    """Turn steps of time into times."""
    now_ns = START_NS
    frames: list[Frame] = []
    for step_ns, data, original in rows:
        now_ns += step_ns
        frames.append(Frame(now_ns, data, RAW, original))
    return frames


HELLO: dict[str, Any] = {"flags": SYN, "wscale": 7, "timestamp": 1}
OPENING = [
    packet(CLIENT_END, SERVER_END, ISNS[0], **HELLO),
    packet(SERVER_END, CLIENT_END, ISNS[1], ack=ISNS[0] + 1, **HELLO),
]


@st.composite
def hostile_captures(draw: st.DrawFn) -> list[Frame]:
    """Segments of a few connections; often after a handshake."""
    opening = OPENING if draw(st.booleans()) else []
    rows = [(MS, data, len(data)) for data in opening]
    return in_time(rows + draw(st.lists(segments(), max_size=30)))


limits = st.sampled_from([None, 0, 1, 3, 10, 100])
graces = st.sampled_from([None, 0.0, 0.02])
timeouts = st.sampled_from([None, 0.0, 1.0, 300.0])
policies = st.builds(
    Policy,
    deliver=st.sampled_from(["in_order", "in_order", "acked", "pull"]),
    gap=st.sampled_from(["skip", "skip", "passed", "wait"]),
    gap_grace_s=graces,
    overlap=st.sampled_from(["first", "linux", "solaris", "last"]),
    conflict_window_bytes=st.sampled_from([0, 4, 1 << 22]),
    checksum=st.sampled_from(["auto", "verify", "ignore"]),
    rst=st.sampled_from(["window", "exact", "any"]),
    paws=st.booleans(),
    window=st.booleans(),
    ttl_distance=st.sampled_from([0, 16]),
    max_held_bytes=limits,
    max_held_segments=limits,
    max_held_span_bytes=limits,
    max_holes=limits,
    limit_scope=st.sampled_from(["half", "stream"]),
    channel=st.sampled_from(["any", "any", "interface", "vlan", "mac"]),
    memory_limit_bytes=st.sampled_from([0, 1000, 3000, 1 << 29]),
    midstream=st.sampled_from([True, True, False]),
    midstream_grace_s=st.sampled_from([0.0, 0.02]),
    midstream_grace_segments=st.sampled_from([0, 1, 3, 8]),
    idle_timeout_s=timeouts,
    half_open_timeout_s=timeouts,
    linger_s=st.sampled_from([0.0, 60.0]),
)


def packet_bytes() -> st.SearchStrategy[bytes]:
    """Whole packets of a few connections."""
    return segments().map(lambda row: row[1])


def captures() -> st.SearchStrategy[list[Frame]]:
    """Hostile segments, or a conversation that goes the fast path but for a step."""
    return st.one_of(hostile_captures(), ordinary())
