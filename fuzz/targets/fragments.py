"""Fragments of a few datagrams, honest and hostile, within bounds of memory."""

from typing import Any

from fuzz.choices import Choices
from tests.builder import ip, tcp
from tests.core.decoded import Reader

RULES = ["first", "last", "bsd", "linux", "windows", "solaris"]
ENDS = {
    4: (("10.0.0.1", 1025), ("10.0.0.2", 80)),
    6: (("2001:db8::1", 1025), ("2001:db8::2", 80)),
}
ADDRESSES = {family: (a[0], b[0]) for family, (a, b) in ENDS.items()}
PAYLOAD = bytes(n * 7 & 0xFF for n in range(236))
SECOND = 1_000_000_000
STEPS_NS = [0, SECOND, 29 * SECOND, 31 * SECOND, -40 * SECOND]


def truth(family: int) -> bytes:
    return tcp(*ENDS[family], 7, PAYLOAD, ack=9)


TRUTHS = {family: truth(family) for family in ENDS}


def check(data: bytes) -> None:
    choices = Choices(data)
    bound = choices.pick([16 << 20, 4096, 600, 0])
    reader = Reader(
        fragment_overlap=choices.pick(RULES),
        max_fragment_bytes=bound,
        max_fragmented_datagrams=choices.pick([4096, 1, 2, 0]),
    )
    honest = choices.flag()
    now_ns = 0
    read = 0
    while choices.more and read < 60:
        read += 1
        kind = choices.byte()
        family = 6 if kind & 1 else 4
        now_ns += STEPS_NS[(kind >> 1 & 7) % len(STEPS_NS)]
        whole = TRUTHS[family]
        start = 8 * (choices.byte() % (len(whole) // 8 + (0 if honest else 9)))
        length = 8 * (choices.byte() % 40)
        more = start + length < len(whole)
        octets = whole[start : start + length] if more else whole[start:]
        if not honest:
            if kind & 0x40:
                octets = choices.octets(length)
            more = more != bool(kind & 0x80)
        packet = ip(
            *ADDRESSES[family],
            octets,
            identification=choices.byte() % 4,
            fragment_offset=start,
            more_fragments=more,
        )
        if not honest and kind & 0x20:
            # One byte of the headers, or of what follows, is anything.
            at = choices.byte() % len(packet)
            packet = packet[:at] + bytes([choices.byte()]) + packet[at + 1 :]
        found = reader.read(packet, time_ns=now_ns)
        assert reader.decoder.fragment_bytes <= bound
        if honest:
            check_honest(found)


def check_honest(found: dict[str, Any] | str) -> None:
    if isinstance(found, dict):
        assert (found["payload"], found["checksum"]) == (PAYLOAD, 1)
    else:
        assert "fragment" in found, found
