"""Mails: their parts, hostile ones, and what ``objects`` writes of them."""

import json
from pathlib import Path
from typing import Any

import pytest

import unpacket
from tests.builder import Conversation, write_pcap
from tests.messages.framers.transcripts import MAIL, POP3, SMTP
from tests.messages.halves import messages_of
from unpacket.messages.framers.mail import MAX_MULTIPARTS, Mail
from unpacket.messages.framers.smtp import Smtp
from unpacket.sinks.objects import Objects

PNG = b"\x89PNG\r\n"


def mails_of(mail: bytes, lost: int = 0) -> list[Any]:
    turns: Any = [(1, b"220 a SMTP\r\n"), (0, b"DATA\r\n"), (1, b"354 go\r\n")]
    turns += [(0, mail)] + ([(0, lost)] if lost else []) + [(0, b"\r\n.\r\n")]
    return [one for one in messages_of(turns, Smtp()) if isinstance(one, Mail)]


def test_the_parts_of_a_mail() -> None:
    (mail,) = mails_of(MAIL[:-2])
    assert [(one.name, one.content_type, one.complete) for one in mail.parts] == [
        (None, "text/plain", True),
        ("a.png", "image/png", True),
    ]
    assert mail.parts[0].data == b"hello\r\n.dots"
    assert mail.parts[1].data == PNG


def test_what_is_missing_of_a_mail_is_said() -> None:
    first, second = mails_of(MAIL[:200], lost=9)
    assert not first.complete and not any(one.complete for one in first.parts)
    assert first.facts["subject"] == "café"
    assert second.anomalies == ["beginning-missing"]


@pytest.mark.parametrize(
    "mail",
    [
        pytest.param(b"\xff\xfe: \x00", id="bytes"),
        pytest.param(b"Subject: =?utf-8?b?====?= =?nope?q?=ff?=", id="words"),
        pytest.param(b"Content-Type: a/b; name*=nope'x'%ff", id="a charset"),
        pytest.param(b"Content-Transfer-Encoding: base64\r\n\r\n!\xff", id="no base64"),
        pytest.param(
            b"".join(
                b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n)
                for n in range(2000)
            ),
            id="parts within parts",
        ),
        pytest.param(b"Content-Type: message/rfc822\r\n\r\n" * 3000, id="forwarded"),
        pytest.param(
            b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
            + b"--b\r\n\r\nx\r\n" * 1500,
            id="many parts",
        ),
    ],
)
def test_hostile_mails_are_read_as_far_as_they_make_sense(mail: bytes) -> None:
    (found,) = mails_of(mail)
    json.dumps(found.facts)
    assert found.summary.startswith("mail ")
    assert all(isinstance(part.data, bytes) for part in found.parts)
    nested = mail.count(b"multipart/") + mail.count(b"message/")
    if nested > MAX_MULTIPARTS or mail.count(b"--b") > 1000:
        assert found.anomalies == ["too-many-parts"]


@pytest.mark.parametrize("transcript", [SMTP, POP3])
def test_objects_writes_the_parts_of_mails(transcript: Any, tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    edges = [1, 1]
    for side, octets in transcript.turns:
        make = talk.server if side else talk.client
        make(edges[side], octets, ack=edges[1 - side])
        edges[side] += len(octets)
    talk.farewell(*edges)
    capture = tmp_path / "c.pcap"
    write_pcap(capture, list(talk))

    def add(item: Any) -> None:
        if isinstance(item, Mail):
            writer.add_mail(item)

    with Objects(str(tmp_path / "out")) as writer:
        assert list(unpacket.http(capture, others=add, mails=True)) == []
    assert writer.files > 1
    lines = (tmp_path / "out" / "index.jsonl").read_text().splitlines()
    index = {one["file"]: one for one in map(json.loads, lines)}
    assert (tmp_path / "out" / "a.png").read_bytes() == PNG
    assert index["a.png"]["subject"] == "café"
    assert index["a.png"]["filename"] == "a.png"
    assert (tmp_path / "out" / "mail-plain").read_bytes() == b"hello\r\n.dots"
