"""Decrypted streams have what OpenSSL's clients and servers wrote, and nothing else."""

import ssl
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.tls.speaking import (
    Ends,
    Session,
    Turn,
    certificate,
    packets_of,
    records,
)
from unpacket import Closed, Data, Finished, Gap, events
from unpacket.faces.reader import Reading
from unpacket.tls import ciphers
from unpacket.tls.decryption import Decryption
from unpacket.tls.records import NOT_DECRYPTED

V1, V11 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

SUITES = [
    pytest.param(V13, None, id="1.3"),
    pytest.param(V12, "ECDHE-RSA-AES128-GCM-SHA256", id="1.2-aes128-gcm"),
    pytest.param(V12, "ECDHE-RSA-AES256-GCM-SHA384", id="1.2-aes256-gcm"),
    pytest.param(V12, "AES128-CCM", id="1.2-ccm"),
    pytest.param(V12, "AES256-CCM8@SECLEVEL=0", id="1.2-ccm8"),
    pytest.param(V12, "ECDHE-RSA-CHACHA20-POLY1305", id="1.2-chacha20"),
    pytest.param(V12, "AES128-SHA", id="1.2-cbc-sha1"),
    pytest.param(V12, "AES128-SHA256", id="1.2-cbc-sha256"),
    pytest.param(V12, "ECDHE-RSA-AES256-SHA384", id="1.2-cbc-sha384"),
    pytest.param(V12, "CAMELLIA256-SHA", id="1.2-camellia"),
    pytest.param(V11, "AES128-SHA@SECLEVEL=0", id="1.1-cbc"),
    pytest.param(V1, "AES256-SHA@SECLEVEL=0", id="1.0-cbc"),
]


def content(size: int, salt: str) -> bytes:
    """Return bytes that occur nowhere else."""
    found = b"".join(
        sha256(f"{salt} {at}".encode()).digest() for at in range(0, size, 32)
    )
    return found[:size]


def carried(happened: Iterable[Any]) -> list[bytes]:
    """Return what both sides sent; it has to join from offset 0, without gaps."""
    found = [bytearray(), bytearray()]
    for event in happened:
        assert not isinstance(event, Gap), event
        if isinstance(event, Data):
            assert event.offset == len(found[event.direction])
            found[event.direction] += event.payload
    return [bytes(side) for side in found]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "keys.log"


def spoken(log: Path, version: Any = V13, suites: str | None = None) -> Session:
    session = Session(Ends(log, version, ciphers=suites))
    session.ask(content(300, "a"), content(50000, "b"))
    session.ask(content(10, "c"), content(5, "d"))
    session.close()
    return session


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(("version", "suites"), SUITES)
@pytest.mark.parametrize("mss", [1400, 77, 60000])
def test_every_suite_gives_what_was_written(
    log: Path, version: Any, suites: str | None, mss: int
) -> None:
    session = spoken(log, version, suites)
    packets = packets_of(session.turns, mss=mss).packets
    assert carried(events(packets, keys=log)) == session.written


@pytest.mark.parametrize("version", [V13, V12])
def test_a_byte_at_a_time(log: Path, version: Any) -> None:
    session = Session(Ends(log, version))
    session.ask(b"ask", b"answer" * 30)
    session.close()
    packets = packets_of(session.turns, mss=1).packets
    assert carried(events(packets, keys=log)) == session.written


@pytest.mark.parametrize(
    ("version", "suites"), [(V13, None), (V12, None), (V12, "AES128-SHA")]
)
def test_a_resumed_session(log: Path, version: Any, suites: str | None) -> None:
    ends = Ends(log, version, ciphers=suites)
    first = Session(ends)
    first.ask(b"a", b"b")
    second = Session(ends, session=first.sides[0].session)
    second.ask(b"c", b"d")
    assert second.sides[0].session_reused
    packets = packets_of(second.turns).packets
    assert carried(events(packets, keys=log)) == second.written


def test_a_resumed_session_whose_own_secret_is_not_logged(log: Path) -> None:
    ends = Ends(log, V12)
    first = Session(ends)
    first.ask(b"a", b"b")
    kept = log.read_text()
    second = Session(ends, session=first.sides[0].session)
    second.ask(b"c", b"d")
    log.write_text(kept)
    packets = packets_of(first.turns).packets
    later = packets_of(second.turns, client_port=50000).packets
    found: list[list[bytes]] = [[], []]
    for event in events([*packets, *later], keys=log):
        if isinstance(event, Data):
            found[event.stream.id].append(event.payload)
    assert found == [[b"a", b"b"], [b"c", b"d"]]


@pytest.mark.parametrize("version", [V13, V12])
def test_a_client_with_a_certificate(log: Path, version: Any) -> None:
    session = Session(Ends(log, version, client_certificate=True))
    session.ask(b"ask", b"answer")
    packets = packets_of(session.turns).packets
    assert carried(events(packets, keys=log)) == session.written


def premaster(turns: list[Turn]) -> tuple[bytes, bytes, bytes]:
    """Return client random, what RSA made of the premaster secret, and that."""
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    sent = b"".join(data for side, data in turns if side == 0)
    random = sealed = b""
    for record in records(sent):
        if record[0] == 22 and record[5] == 1:
            random = record[11:43]
        if record[0] == 22 and record[5] == 16:
            # Behind the header of the message, and the length of what is sealed.
            sealed = record[11 : 11 + int.from_bytes(record[9:11])]
    key: Any = load_pem_private_key(certificate()[1], None)
    return random, sealed, key.decrypt(sealed, padding.PKCS1v15())


@pytest.mark.parametrize("extended", [True, False])
@pytest.mark.parametrize("label", ["RSA", "PMS_CLIENT_RANDOM"])
def test_a_premaster_secret_is_enough(log: Path, label: str, extended: bool) -> None:
    ends = Ends(log, V12, ciphers="AES128-SHA")
    if not extended:
        # SSL_OP_NO_EXTENDED_MASTER_SECRET of OpenSSL, for which ssl has no name.
        ends.client.options |= 1
    session = Session(ends)
    session.ask(b"ask", b"answer")
    random, sealed, secret = premaster(session.turns)
    of = sealed[:8] if label == "RSA" else random
    log.write_text(f"# a comment\n{label} {of.hex()} {secret.hex()}\n")
    packets = packets_of(session.turns).packets
    assert carried(events(packets, keys=log)) == session.written


BEFORE: list[Turn] = [
    (1, b"220 ready\r\n"),
    (0, b"EHLO c\r\n"),
    (1, b"250 STARTTLS\r\n"),
    (0, b"STARTTLS\r\n"),
    (1, b"220 go ahead\r\n"),
]


@pytest.mark.parametrize("version", [V13, V12])
@pytest.mark.parametrize("mss", [1400, 1])
def test_tls_may_begin_behind_other_bytes(log: Path, version: Any, mss: int) -> None:
    session = Session(Ends(log, version))
    session.ask(b"EHLO again\r\n", b"250 fine\r\n")
    packets = packets_of([*BEFORE, *session.turns], mss=mss).packets
    client, server = carried(events(packets, keys=log))
    assert client == b"EHLO c\r\nSTARTTLS\r\nEHLO again\r\n"
    assert server == b"220 ready\r\n250 STARTTLS\r\n220 go ahead\r\n250 fine\r\n"


def test_bytes_are_of_the_frames_that_carried_them(log: Path) -> None:
    session = spoken(log)
    talk = packets_of(session.turns)
    found = [event for event in events(talk.packets, keys=log) if type(event) is Data]
    raw = {
        frame
        for event in events(talk.packets)
        if type(event) is Data
        for frame in [event.frame]
    }
    for event in found:
        pieces = event.pieces
        assert sum(piece.length for piece in pieces) == len(event.payload)
        offsets = [piece.offset for piece in pieces]
        assert offsets == sorted(set(offsets))
        assert offsets[0] == event.offset
        frames = [piece.frame for piece in pieces]
        assert frames == sorted(frames)
        assert set(frames) <= raw
        assert frames[-1] <= event.frame
    # 50,000 bytes in four records, of which the first three have 16 KiB each.
    assert max(len(event.pieces) for event in found) == 13


@pytest.mark.parametrize("version", [V13, V12])
def test_ends_are_events_as_before(log: Path, version: Any) -> None:
    session = spoken(log, version)
    packets = packets_of(session.turns).packets

    def ends(happened: Iterable[Any]) -> list[str]:
        return [repr(one) for one in happened if type(one) in (Finished, Closed)]

    assert ends(events(packets, keys=log)) == ends(events(packets))


@pytest.mark.parametrize("version", [V13, V12])
def test_every_truncation_gives_a_prefix(log: Path, version: Any) -> None:
    session = Session(Ends(log, version))
    session.ask(content(40, "a"), content(60, "b"))
    session.close()
    size = sum(len(data) for _, data in session.turns)
    for kept in range(0, size, 7):
        turns: list[Turn] = []
        left = kept
        for side, data in session.turns:
            turns.append((side, data[:left]))
            left = max(0, left - len(data))
        decryption = Decryption(log)
        happened = decryption.feed(events(packets_of(turns, fin=False).packets))
        happened += decryption.finish()
        if decryption.decrypted:
            for side in (0, 1):
                found = b"".join(
                    event.payload
                    for event in happened
                    if isinstance(event, Data) and event.direction == side
                )
                assert session.written[side].startswith(found)


def test_what_cannot_be_decrypted_passes_as_it_is(log: Path, tmp_path: Path) -> None:
    packets = packets_of(spoken(log).turns).packets
    empty = tmp_path / "empty.log"
    empty.write_text("")
    reading = Reading(packets, keys=empty)
    assert [*map(repr, reading.events())] == [*map(repr, events(packets))]
    assert reading.decryption is not None
    assert reading.decryption.decrypted == 0
    assert reading.decryption.failures[0].stream == 0
    assert "no secret for its client random" in reading.decryption.failures[0].reason


def without(packets: list[Any], *numbers: int) -> list[Any]:
    return [one for at, one in enumerate(packets, 1) if at not in numbers]


def why(packets: Any, log: Path) -> str:
    reading = Reading(packets, keys=log)
    for _ in reading.events():
        pass
    assert reading.decryption is not None
    return reading.decryption.failures[0].reason


def test_it_is_said_why_a_stream_is_not_decrypted(log: Path) -> None:
    old = packets_of(spoken(log, V12).turns).packets
    # The client hello is frame 4, the server hello frame 5.
    assert why(without(old, 4), log) == "its handshake was not captured"
    assert why(without(old, 5), log) == "its server hello was not captured"
    assert why(old[30:], log) == "its handshake was not captured"
    strange = packets_of(spoken(log, V12, "ARIA128-GCM-SHA256").turns).packets
    assert "the cipher suite 0xc050 is not supported" in why(strange, log)
    shaken = packets_of(Session(Ends(log, V12)).turns[:2], fin=False).packets
    assert why(shaken, log) == "its handshake did not end"


def test_a_lost_server_hello_of_tls_13_costs_nothing(log: Path) -> None:
    session = spoken(log)
    packets = packets_of(session.turns, mss=600).packets
    # Server hello, and what comes with it; the certificate is in the next ones.
    assert carried(events(without(packets, 5), keys=log)) == session.written


def test_a_stream_that_only_looks_like_tls_is_as_it_is(log: Path) -> None:
    log.write_text("")
    for first in (b"\x16", b"\x16\x03", b"\x16\x03\x01\x00\x05\x01no tls", b"\x16zz"):
        turns = [(0, first), (1, b"hello"), (0, b"\x16\x03\x01"), (1, b"bye")]
        packets = packets_of(turns).packets
        assert [*map(repr, events(packets, keys=log))] == [*map(repr, events(packets))]


@pytest.mark.parametrize("version", [V13, V12])
def test_keys_may_come_after_the_packets(log: Path, version: Any) -> None:
    session = spoken(log, version)
    happened = list(events(packets_of(session.turns).packets))
    secrets = log.read_bytes()
    log.write_bytes(b"")
    decryption = Decryption(log)
    found = []
    for number, event in enumerate(happened):
        if number == 40:
            log.write_bytes(secrets[: len(secrets) // 2])
        if number == 45:
            log.write_bytes(secrets)
        found += decryption.feed([event])
    found += decryption.finish()
    assert carried(found) == session.written
    assert decryption.waiting_bytes == 0


def test_what_waits_for_keys_is_bounded(log: Path) -> None:
    happened = list(events(packets_of(spoken(log).turns).packets))
    log.write_text("")
    decryption = Decryption(log, held_bytes=10000)
    found = []
    for event in happened:
        found += decryption.feed([event])
        assert decryption.waiting_bytes <= 10000
    assert [*map(repr, found)] == [*map(repr, happened)]


def damaged(session: Session, random: Random) -> tuple[list[Any], set[int]]:
    """Return packets of a session, and the numbers of those that are missing."""
    mss = random.choice((1400, 500, 9000))
    packets = packets_of(session.turns, mss=mss).packets
    share = random.choice((0.02, 0.1, 0.3))
    # Handshake and client hello are there.
    lost = {number for number in range(5, len(packets) + 1) if random.random() < share}
    return packets, lost


def app_records(packets: list[Any], log: Path) -> list[tuple[int, bytes, set[int]]]:
    """Return side, content, and frames of each record of application data."""
    places: list[list[tuple[int, int]]] = [[], []]
    sent = [bytearray(), bytearray()]
    for event in events(packets):
        if isinstance(event, Data):
            so_far = sent[event.direction]
            so_far += event.payload
            places[event.direction].append((len(so_far), event.frame))
    contents: list[list[bytes]] = [[], []]
    for event in events(packets, keys=log):
        if isinstance(event, Data):
            contents[event.direction].append(event.payload)
    found = []
    for side in (0, 1):
        at = 0
        all_records = []
        for record in records(bytes(sent[side])):
            stop = at + len(record)
            frames = {
                frame
                for start, (end, frame) in zip(
                    [0, *(end for end, _ in places[side])], places[side], strict=False
                )
                if start < stop and end > at
            }
            all_records.append((record, frames))
            at = stop
        # From the last one back: each content is in the record that can have it.
        for text in reversed(contents[side]):
            while all_records:
                record, frames = all_records.pop()
                if record[0] == 23 and 0 < len(record) - 5 - len(text) <= 92:
                    found.append((side, text, frames))
                    break
    return found


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    ("version", "suites"),
    [
        pytest.param(V13, None, id="1.3"),
        pytest.param(V12, "ECDHE-RSA-AES128-GCM-SHA256", id="1.2-gcm"),
        pytest.param(V12, "ECDHE-RSA-CHACHA20-POLY1305", id="1.2-chacha20"),
        pytest.param(V12, "AES128-SHA", id="1.2-cbc"),
    ],
)
def test_loss_costs_the_records_that_it_touches_and_no_byte_is_wrong(
    log: Path, version: Any, suites: str | None, seed: int
) -> None:
    random = Random(seed)
    session = Session(Ends(log, version, ciphers=suites))
    for turn in range(random.randrange(1, 8)):
        session.ask(
            content(random.choice((10, 300, 3000)), f"c{turn}"),
            content(random.choice((5, 100, 2000, 40000)), f"s{turn}"),
        )
    packets, lost = damaged(session, random)
    wanted = app_records(packets, log)
    reading = Reading(without(packets, *lost), keys=log)
    got: list[Counter[bytes]] = [Counter(), Counter()]
    offsets, places, exact = [0, 0], [0, 0], [True, True]
    happened = list(reading.events())
    assert reading.decryption is not None
    if reading.decryption.failures:
        # Before TLS 1.3 there are no keys without the server's hello.
        assert version == V12
        assert 5 in lost
        return
    for event in happened:
        if not isinstance(event, Data | Gap):
            continue
        side = int(event.direction)
        assert event.offset == offsets[side]
        if isinstance(event, Gap):
            offsets[side] += event.length
            exact[side] = exact[side] and event.reason != NOT_DECRYPTED
            continue
        place = session.written[side].find(event.payload, places[side])
        assert place >= 0
        # What is missing is never more than is reported, and no less where it is sure.
        assert place <= event.offset
        assert place == event.offset or not exact[side]
        places[side] = place + len(event.payload)
        offsets[side] += len(event.payload)
        got[side][event.payload] += 1
    for side, text, frames in wanted:
        if not frames & lost:
            assert got[side][text], len(text)


def test_altered_bytes_are_never_given(log: Path) -> None:
    session = spoken(log)
    random = Random(1)
    for _ in range(20):
        turns = []
        for side, data in session.turns:
            altered = bytearray(data)
            if len(data) > 3000:
                altered[random.randrange(len(data))] ^= 1 << random.randrange(8)
            turns.append((side, bytes(altered)))
        place = 0
        for event in events(packets_of(turns).packets, keys=log):
            if isinstance(event, Data) and event.direction == 1:
                place = session.written[1].find(event.payload, place)
                assert place >= 0


def test_false_records_behind_a_gap_cost_a_bounded_number_of_trials(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(Ends(log))
    session.ask(b"a", b"b" * 2000)
    flood = bytes.fromhex("1703030020") * 40000
    packets = packets_of([*session.turns, (1, b"?" * 5000), (1, flood)]).packets
    trials = 0
    original = ciphers.Tls13.open

    def counted(self: Any, number: int, header: bytes, fragment: bytes) -> Any:
        nonlocal trials
        trials += 1
        return original(self, number, header, fragment)

    monkeypatch.setattr(ciphers.Tls13, "open", counted)
    first = next(at for at, one in enumerate(packets, 1) if b"?" * 900 in one[1])
    for _ in events(without(packets, first), keys=log):
        pass
    assert 1000 < trials < 4096 + len(flood) // 8


@pytest.mark.parametrize("version", [V13, V12])
@pytest.mark.parametrize("mss", [1400, 200])
def test_acknowledgements_are_of_what_is_carried(
    log: Path, version: Any, mss: int
) -> None:
    session = Session(Ends(log, version))
    for turn in range(5):
        session.ask(content(300, f"a{turn}"), content(3000, f"b{turn}"))
    given = [0, 0]
    for event in events(packets_of(session.turns, mss=mss).packets, keys=log):
        if isinstance(event, Data):
            peer = event.direction.other
            # Each had seen all that the other had sent before.
            assert event.stream.offset_of(peer, event.ack) == given[peer]
            given[event.direction] += len(event.payload)
