"""Any TCP options are read as a list of kinds and sizes reads."""

from fuzz.choices import Choices
from tests.builder import ip, tcp
from tests.core.decoded import read

A, B = ("10.0.0.1", 1025), ("10.0.0.2", 80)
MAX_OPTIONS = 40
PAYLOAD = b"payload"
START = 40


def model(options: bytes) -> dict[str, int]:
    """Return what some options say (RFC 9293 section 3.2); the last one counts."""
    said = {
        "mss": 0,
        "wscale": 255,
        "sack_permitted": 0,
        "has_timestamp": 0,
        "tsval": 0,
        "tsecr": 0,
        "sack_start": 0,
        "sack_count": 0,
    }
    at = 0
    while at < len(options) and options[at] != 0:
        if options[at] == 1:
            at += 1
            continue
        size = options[at + 1] if at + 1 < len(options) else 0
        body = options[at + 2 : at + size]
        if size < 2 or len(body) != size - 2:
            break
        match options[at], len(body):
            case 2, 2:
                said["mss"] = int.from_bytes(body, "big")
            case 3, 1:
                said["wscale"] = min(body[0], 14)
            case 4, 0:
                said["sack_permitted"] = 1
            case 5, length if length and length % 8 == 0:
                said["sack_start"] = START + at + 2
                said["sack_count"] = length // 8
            case 8, 8:
                said["has_timestamp"] = 1
                said["tsval"] = int.from_bytes(body[:4], "big")
                said["tsecr"] = int.from_bytes(body[4:], "big")
        at += size
    return said


def check(data: bytes) -> None:
    choices = Choices(data)
    flags = choices.byte()
    cut = choices.byte()
    options = choices.octets(MAX_OPTIONS)
    options = options[: len(options) & ~3]
    whole = ip(A[0], B[0], tcp(A, B, 7, PAYLOAD, flags=flags, options=options))
    # The TCP header without options is always there: else there is no segment.
    size = max(len(whole) - cut % (MAX_OPTIONS + len(PAYLOAD) + 1), START)
    row = read(whole[:size], original=len(whole))
    assert isinstance(row, dict), row
    expected = model(options[: size - START])
    assert {name: row[name] for name in expected} == expected
    assert row["flags"] == flags
    assert row["length"] == len(PAYLOAD)
    assert row["payload"] == whole[START + len(options) : size]
