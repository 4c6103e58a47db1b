"""Frames of a few connections, out of decisions: near numbers, so that they meet.

Overlaps, wraps, conflicts, decoys and limits are all a few mutations away.
"""

from typing import Any

from fuzz.choices import Choices
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
    URG,
    Frame,
    ethernet,
    ip,
    sack,
    sack_permitted,
    tcp,
    timestamps,
    window_scale,
)
from unpacket import Policy

MOST_FRAMES = 40
LOW32 = 0xFFFFFFFF
ENDS = [
    (CLIENT_END, SERVER_END),
    ((CLIENT_END[0], 40001), SERVER_END),
    (SERVER_END, SERVER_END),
    (("2001:db8::1", 40000), ("2001:db8::2", 443)),
]
ISNS = [(0xFFFFFFF0, 77), (1000, 0xFFFFFFFF)]
FAR = [-(1 << 31), -(1 << 30), -70_000, -100, 3000, 70_000, 1 << 24, (1 << 31) - 1]
FLAGS = [
    *(ACK, ACK | PSH, ACK | FIN, SYN, SYN | ACK, RST, RST | ACK, 0, FIN, SYN | FIN),
    *(SYN | RST, FIN | RST | ACK, 0xFF, ACK | URG),
]
STEPS_NS = [
    *(MS, 0, 25 * MS, SECOND, 31 * SECOND, 62 * SECOND, 400 * SECOND, 4000 * SECOND),
    *(-MS, -5 * SECOND, -400 * SECOND, 1 << 62, -(1 << 62)),
]
WINDOWS = [65535, 0, 1, 8]
TTLS = [64, 3, 255, 0]
SCALES = [None, 0, 7, 14]
TEXT = b"abcdefghijklmnopqrstuvwxyz"
OTHER_TEXT = b"abcdeFghijkLmnopqRstuvwxyZ"
I64 = (-(1 << 63), (1 << 63) - 1)

# Bits of the byte that says what is unusual about a segment.
SPOILT, OPTIONS, VLAN, CUT, FRAGMENT = 1, 2, 4, 8, 16

LIMITS = [None, 0, 1, 3, 10, 100]
TIMEOUTS = [300.0, 0.0, 1.0, None]
CHOICES: dict[str, list[Any]] = {
    "deliver": ["in_order", "acked", "pull"],
    "gap": ["skip", "wait", "passed"],
    "gap_grace_s": [0.02, 0.0, None],
    "overlap": ["first", "linux", "solaris", "last"],
    "conflict_window_bytes": [1 << 22, 4, 0],
    "checksum": ["auto", "verify", "ignore"],
    "rst": ["window", "exact", "any"],
    "paws": [True, False],
    "window": [True, False],
    "ttl_distance": [16, 0],
    "max_held_bytes": LIMITS,
    "max_held_segments": LIMITS,
    "max_held_span_bytes": LIMITS,
    "max_holes": LIMITS,
    "limit_scope": ["half", "stream"],
    "channel": ["any", "interface", "vlan", "mac"],
    "context": ["tunnel", "vlan", "none"],
    "memory_limit_bytes": [1 << 29, 3000, 1000, 0],
    "midstream": [True, False],
    "midstream_grace_s": [0.02, 0.0],
    "midstream_grace_segments": [8, 0, 1, 3],
    "idle_timeout_s": TIMEOUTS,
    "half_open_timeout_s": TIMEOUTS,
    "linger_s": [60.0, 0.0],
    "max_fragment_bytes": [1 << 24, 100],
}


def policy(choices: Choices) -> Policy:
    """Return the default, a preset or, after a count, a few changed fields."""
    changes = choices.byte()
    presets = Policy.presets()
    if changes >= 0x80:
        return Policy.preset(presets[changes % len(presets)])
    names = list(CHOICES)
    changed = {}
    for _ in range(changes % 8):
        name = choices.pick(names)
        changed[name] = choices.pick(CHOICES[name])
    return Policy(**changed)


def near(choices: Choices) -> int:
    """Return an offset; mostly one that others have as well."""
    value = choices.byte()
    return FAR[value & 7] if value >= 0xF0 else value % 48 - 4


def segment(choices: Choices) -> tuple[int, list[bytes], int, int]:
    """Return a step of time, packets, their link type and how much longer they were."""
    head = choices.byte()
    side = head & 1
    pair = ENDS[(head >> 1 & 7) % 5 % len(ENDS)]
    isns = ISNS[head >> 4 & 1]
    flags = FLAGS[(choices.byte() & 0x7F) % len(FLAGS)]
    offset = -1 if flags & SYN and head & 0x20 else near(choices)
    ack = near(choices) if flags & ACK else 0
    start = choices.byte()
    text = OTHER_TEXT if start & 0x80 else TEXT
    payload = text[max(offset, 0) % 26 :] if start & 0x40 else text[start % 26 :]
    payload = payload[: choices.byte() % 27]
    step_ns = STEPS_NS[choices.byte() % len(STEPS_NS)]
    unusual = choices.byte() if head & 0x40 else 0
    options = b""
    if unusual & OPTIONS:
        scale = choices.pick(SCALES)
        if flags & SYN:
            options = sack_permitted()
            options += b"" if scale is None else window_scale(scale)
        else:
            first = isns[1 - side] + 1 + near(choices)
            options = sack((first, first + choices.byte() % 16))
        options += timestamps(choices.byte() % 8, 1)
    source, target = pair[side], pair[1 - side]
    octets = tcp(
        source,
        target,
        isns[side] + 1 + offset & LOW32,
        payload,
        ack=isns[1 - side] + 1 + ack & LOW32 if flags & ACK else None,
        flags=flags,
        window=choices.pick(WINDOWS) if unusual & OPTIONS else 65535,
        options=options,
        sum_xor=0x5A5A if unusual & SPOILT else 0,
    )
    ttl = TTLS[unusual >> 5 & 3]
    ends = source[0], target[0]
    packets = [ip(*ends, octets, ttl=ttl)]
    if unusual & FRAGMENT:
        packets = [
            ip(*ends, octets[:16], ttl=ttl, more_fragments=True),
            ip(*ends, octets[16:], ttl=ttl, fragment_offset=16),
        ]
    more = 0
    if unusual & CUT:
        more = choices.byte() % (len(payload) + 1)
        packets[-1] = packets[-1][: len(packets[-1]) - more]
    if unusual & VLAN:
        packets = [ethernet(packet, vlans=[1 + side]) for packet in packets]
        return step_ns, packets, 1, more
    return step_ns, packets, RAW, more


def frames(choices: Choices) -> list[Frame]:
    """Return frames until there are no more bytes, often after a handshake."""
    made: list[Frame] = []
    now_ns = START_NS
    if choices.flag():
        for side in (0, 1):
            made.append(Frame(now_ns, hello(side), RAW, len(hello(side))))
    while choices.more and len(made) < MOST_FRAMES:
        step_ns, packets, link_type, more = segment(choices)
        now_ns = min(max(now_ns + step_ns, I64[0]), I64[1])
        for packet in packets:
            original = len(packet) + (more if packet is packets[-1] else 0)
            made.append(Frame(now_ns, packet, link_type, original))
    return made


def hello(side: int) -> bytes:
    """Return the SYN or the SYN-ACK of the first connection."""
    isns = ISNS[0]
    source, target = ENDS[0][side], ENDS[0][1 - side]
    octets = tcp(
        source,
        target,
        isns[side],
        ack=isns[0] + 1 if side else None,
        flags=SYN,
        options=sack_permitted() + window_scale(7) + timestamps(1),
    )
    return ip(source[0], target[0], octets)
