"""Conversations that a running Linux 6.18 had, and what its programs read.

``../shared/kernel/README.md`` says how they were recorded.
"""

import json
from typing import Any, NamedTuple

import pytest

from tests.shared import shared_path
from unpacket import Conflict, Data, Direction, Gap, Policy, Rejected, events

FOLDER = shared_path("kernel")
CASES: list[dict[str, Any]] = json.loads((FOLDER / "cases.json").read_text())
# Of longer conversations only the beginning was noted.
NOTED_BYTES = 48

# What takes evidence from the rest of the conversation.
AWAITS_EVIDENCE = """
    ack-future-only ack-future-pre ack-future1-only ack-future1-pre ack-zero-only
    ack-zero-pre fin-ackfuture-pre iplen-long-only ipopt-bad-only ipopt-bad-pre
    ipopt-lsrr-only ipopt-lsrr-pre md5opt-only md5opt-pre rst-lowttl-pre rst-md5-pre
    hs-third-wrong-ack
"""


class Reading(NamedTuple):
    """What came of a client's half.

    Attributes:
        data: Up to the first gap.
        doubts: How many conflicts and rejected segments were reported.
    """

    data: bytes
    doubts: int


def read(name: str, preset: str) -> Reading:
    data = b""
    doubts = 0
    missing = False
    for event in events(FOLDER / "captures" / name, policy=Policy.preset(preset)):
        match event:
            case Data(_, Direction.CLIENT, _, payload) if not missing:
                data += payload
            case Gap(_, Direction.CLIENT):
                missing = True
            case Conflict() | Rejected():
                doubts += 1
    return Reading(data, doubts)


def cases() -> list[Any]:
    rows = []
    for case in CASES:
        name = case["name"].removesuffix(".pcap")
        wanted = case["read"].encode("latin-1")
        marks = []
        if name in AWAITS_EVIDENCE.split():
            marks.append(pytest.mark.xfail(reason="evidence is not weighed yet"))
        rows.append(pytest.param(case["name"], wanted, id=name, marks=marks))
    return rows


@pytest.mark.parametrize(("name", "wanted"), cases())
def test_the_preset_gives_what_the_program_read(name: str, wanted: bytes) -> None:
    data = read(name, "linux").data
    if len(wanted) == NOTED_BYTES:
        data = data[:NOTED_BYTES]
    assert data == wanted
