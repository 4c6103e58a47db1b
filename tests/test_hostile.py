"""Evasions of the literature: the stream is what the receiving host accepted.

Ptacek and Newsham 1998 (insertion, evasion), Handley, Paxson and Kreibich 2001
(normalisation), Novak and Sturges 2007 (targets), Khattak 2013 and Wang 2017 (the
monitor's state as the target), Li 2017, Bock 2019.
"""

from typing import Any

import pytest

from tests.builder import ACK, FIN, PSH, RST, SYN
from tests.talk import CLIENT, SERVER, Talk, said
from unpacket import Conflict, Gap, Rejected

REAL = b"GET /secret"
DECOY = b"GET /public"
FAR = 5_000_000


def talking(**changes: Any) -> Talk:
    talk = Talk(**changes)
    talk.handshake(timestamp=1000)
    return talk


def real(talk: Talk, offset: int = 0) -> None:
    talk.client(offset, REAL[offset:], ack=0, timestamp=1010)


def answered(talk: Talk) -> None:
    """The server acknowledges the request, answers it, and both close."""
    size = len(REAL)
    talk.server(0, b"200 OK", ack=size, timestamp=1010)
    talk.client(size, ack=6, flags=FIN, timestamp=1020)
    talk.server(6, ack=size + 1, flags=FIN, timestamp=1020)
    talk.client(size + 1, ack=7, timestamp=1020)


# A packet that the host drops, and that a monitor must not take.
INSERTIONS = [
    pytest.param({"sum_xor": 99}, id="bad checksum"),
    pytest.param({"ttl": 3}, id="TTL too small to arrive"),
    pytest.param({"ack": None, "flags": PSH}, id="no ACK flag"),
    pytest.param({"ack": None}, id="no flag at all"),
    pytest.param({"timestamp": 1}, id="old timestamp"),
    pytest.param({"flags": RST, "sum_xor": 99}, id="in a damaged RST"),
    pytest.param({"flags": SYN | ACK}, id="in a SYN-ACK of the client"),
    pytest.param({"flags": FIN, "sum_xor": 99}, id="in a damaged FIN"),
    pytest.param({"flags": FIN, "timestamp": 1}, id="in an old FIN"),
    pytest.param({"flags": FIN, "ttl": 3}, id="in a FIN that does not arrive"),
]


@pytest.mark.parametrize("fields", INSERTIONS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_what_the_host_drops_is_not_in_the_stream(
    fields: dict[str, Any], when: str
) -> None:
    talk = talking()
    decoy = {"ack": 0, "timestamp": 1010, **fields}
    if when == "before":
        talk.client(0, DECOY, **decoy)
        real(talk)
    else:
        real(talk)
        talk.client(0, DECOY, **decoy)
    answered(talk)
    talk.finish()
    assert talk.bytes_of(CLIENT) == REAL
    assert talk.bytes_of(SERVER) == b"200 OK"
    assert said(talk.events)[-1] == ("closed", "fin")
    assert not any(isinstance(event, Gap) for event in talk.events)


# A packet that shall make the monitor believe that the connection is over, is
# elsewhere, or is another one.
DECOYS = [
    pytest.param(0, {"flags": RST, "sum_xor": 99}, id="damaged RST"),
    pytest.param(FAR, {"flags": RST}, id="RST beyond the window"),
    pytest.param(-FAR, {"flags": RST}, id="RST before the window"),
    pytest.param(0, {"flags": FIN, "sum_xor": 99}, id="damaged FIN"),
    pytest.param(0, {"flags": FIN, "timestamp": 1}, id="old FIN"),
    pytest.param(0, {"flags": FIN, "ack": None}, id="FIN without ACK"),
    pytest.param(0, {"flags": FIN, "ttl": 3}, id="FIN that does not arrive"),
    pytest.param(FAR, {"flags": FIN}, id="FIN beyond the window"),
    pytest.param(-FAR, {"flags": FIN}, id="FIN before the window"),
    pytest.param(FAR, {"flags": SYN, "ack": None}, id="SYN with another number"),
    pytest.param(FAR, {"flags": SYN | ACK}, id="SYN-ACK with another number"),
    pytest.param(
        FAR, {"flags": SYN, "ack": None, "payload": DECOY}, id="SYN with data"
    ),
    pytest.param(FAR, {"payload": DECOY}, id="data beyond the window"),
    pytest.param(-FAR, {"payload": DECOY}, id="data before the beginning"),
    pytest.param(-1, {"payload": b"X"}, id="keep-alive with a byte"),
    pytest.param(0, {"flags": 0xE0}, id="strange flags and no data"),
]


@pytest.mark.parametrize(("offset", "fields"), DECOYS)
def test_no_decoy_leads_away_from_the_stream(
    offset: int, fields: dict[str, Any]
) -> None:
    talk = talking()
    talk.client(offset, **{"ack": 0, "timestamp": 1010, **fields})
    real(talk)
    answered(talk)
    talk.finish()
    assert talk.bytes_of(CLIENT) == REAL
    assert talk.bytes_of(SERVER) == b"200 OK"
    assert len(talk.opened) == 1


@pytest.mark.parametrize(("offset", "fields"), DECOYS)
def test_no_decoy_in_the_middle_leads_away(offset: int, fields: dict[str, Any]) -> None:
    talk = talking()
    talk.client(0, REAL[:4], ack=0, timestamp=1005)
    talk.server(0, ack=4, timestamp=1005)
    talk.client(4 + offset, **{"ack": 0, "timestamp": 1010, **fields})
    real(talk, 4)
    answered(talk)
    talk.finish()
    assert talk.bytes_of(CLIENT) == REAL
    assert len(talk.opened) == 1


def test_a_decoy_handshake_before_the_true_one() -> None:
    """A SYN with another number first: the SYN-ACK tells which one counts."""
    talk = Talk()
    talk.client(-1 + FAR, DECOY, flags=SYN, ack=None)
    talk.handshake()
    real(talk)
    answered(talk)
    talk.finish()
    assert talk.bytes_of(CLIENT) == REAL


def test_a_decoy_answer_before_the_true_one() -> None:
    """Somebody answers the SYN with numbers that the client does not take."""
    talk = Talk()
    talk.client(-1, flags=SYN, ack=None)
    talk.server(-1 + FAR, flags=SYN, ack=FAR)
    talk.server(-1, flags=SYN, ack=0)
    talk.client(0, ack=0)
    real(talk)
    answered(talk)
    talk.finish()
    assert talk.bytes_of(CLIENT) == REAL
    assert talk.bytes_of(SERVER) == b"200 OK"


def test_overlaps_that_hosts_decide_differently_are_reported() -> None:
    talk = talking()
    talk.client(4, DECOY[4:], ack=0, timestamp=1010)
    talk.client(4, REAL[4:], timestamp=1010)
    talk.client(0, REAL[:4], timestamp=1010)
    answered(talk)
    conflicts = [event for event in talk.events if isinstance(event, Conflict)]
    assert [(event.kept, event.other) for event in conflicts] == [
        (DECOY[5:], REAL[5:]),
    ]
    assert not talk.stream.complete


def test_evidence_is_kept() -> None:
    """What was rejected is there to be looked at, with its packet."""
    talk = talking()
    talk.client(0, DECOY, ack=0, sum_xor=1)
    real(talk)
    rejected = [event for event in talk.events if isinstance(event, Rejected)]
    assert [(event.payload, event.frame) for event in rejected] == [(DECOY, 4)]


def test_one_byte_at_a_time_backwards() -> None:
    talk = talking()
    for offset in reversed(range(len(REAL))):
        talk.client(offset, REAL[offset : offset + 1], ack=0, timestamp=1010)
    answered(talk)
    assert talk.bytes_of(CLIENT) == REAL
    assert talk.stream.complete


def test_decoys_between_single_bytes() -> None:
    talk = talking()
    for offset in range(len(REAL)):
        talk.client(offset, b"#", ack=0, sum_xor=7)
        talk.client(offset, b"#", ack=0, ttl=2)
        talk.client(offset, REAL[offset : offset + 1], ack=0, timestamp=1010)
    answered(talk)
    talk.finish()
    assert talk.bytes_of(CLIENT) == REAL


def test_a_teardown_that_nobody_obeys() -> None:
    """Who goes on, and is acknowledged, has not ended the stream."""
    talk = talking()
    talk.client(0, flags=RST)
    real(talk)
    answered(talk)
    assert talk.stream.close_reason == "fin"
    assert talk.bytes_of(CLIENT) == REAL
    assert talk.stream.counts(CLIENT)["rejected"] == {"rst": 1}
    assert talk.stream.counts(CLIENT)["discarded_bytes"] == 0


@pytest.mark.parametrize("window", [0, 1])
def test_a_small_window_slows_and_hides_nothing(window: int) -> None:
    talk = talking()
    for offset in range(len(REAL)):
        talk.server(0, ack=offset, window=window, timestamp=1010)
        talk.client(offset, REAL[offset : offset + 1], ack=0, timestamp=1010)
    answered(talk)
    assert talk.bytes_of(CLIENT) == REAL
