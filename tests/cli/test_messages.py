"""``unpacket messages``: what it prints, of what, and what it refuses."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.builder import Conversation, write_pcap
from tests.messages.framers import wire

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "sample.pcapng"
RECORDING = ROOT / "tests" / "recordings" / "openssl-v6-nic-client.pcapng.gz"


def run(
    *arguments: str | Path, code: int = 0, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "unpacket", "messages", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=100,
    )
    assert done.returncode == code, done.stderr
    return done


def rows(*arguments: str | Path, **options: Any) -> list[str]:
    return run(*arguments, **options).stdout.decode().splitlines()


def objects(*arguments: str | Path, **options: Any) -> list[Any]:
    return [json.loads(line) for line in rows(*arguments, "--json", **options)]


def capture(path: Path, port: int, *said: bytes) -> Path:
    """Write a capture in which both sides speak in turn, the client first."""
    talk = Conversation(server=("192.0.2.9", port))
    talk.handshake()
    edges = [1, 1]
    for number, payload in enumerate(said):
        side = number & 1
        make = talk.server if side else talk.client
        make(edges[side], payload, ack=edges[1 - side])
        edges[side] += len(payload)
    talk.farewell(*edges)
    write_pcap(path, list(talk))
    return path


def test_a_line_for_each_message() -> None:
    heading, *lines = rows(SAMPLE)
    assert heading.split() == [
        "time", "stream", "protocol", "offset", "length", "summary", "trouble"
    ]  # fmt: skip
    assert len(lines) == 20
    assert lines[0].split() == [
        "0.011", "0", ">", "http", "0", "82", "GET", "http://192.0.2.2/hello.txt"
    ]  # fmt: skip
    assert lines[3].endswith("200 (102400 bytes, incomplete)      1448 bytes missing")


def test_json_has_what_is_known_of_each() -> None:
    first, *_ = objects(SAMPLE)
    assert {
        "kind": "message",
        "stream": 0,
        "direction": "client",
        "protocol": "http",
        "known_by": "content",
        "offset": 0,
        "length": 82,
        "time": "2026-11-21T04:17:40.802564431Z",
        "first_frame": 5,
        "last_frame": 5,
        "summary": "GET http://192.0.2.2/hello.txt",
        "body_bytes": 0,
        "missing": 0,
        "hole_list": "",
        "length_known": True,
        "complete": True,
        "anomalies": "",
    }.items() <= first.items()
    assert first["facts"]["method"] == "GET"
    large = objects(SAMPLE)[3]
    assert large["hole_list"] == "36200+1448:not_captured"
    hello, *_ = objects(RECORDING)
    assert hello["facts"]["handshakes"][0]["ja4"].startswith("t13")


def test_messages_are_filtered() -> None:
    asked = "protocol == http and direction == client and body"
    found = objects("--where", asked, SAMPLE)
    assert [line["summary"] for line in found] == [
        "POST http://192.0.2.2/form",
        "POST http://192.0.2.2/upload",
    ]
    assert run("--where", "protocol == ftp", SAMPLE, code=1).stdout == b""


def test_standard_input_is_read() -> None:
    assert objects("-", stdin=SAMPLE.read_bytes()) == objects(SAMPLE)


def test_a_name_cuts_every_stream_so() -> None:
    found = objects(SAMPLE, "--as", "lines")
    assert {one["protocol"] for one in found if one["kind"] == "message"} == {"lines"}
    assert found[0]["facts"] == {"text": "GET /hello.txt HTTP/1.1"}
    assert found[0]["known_by"] == ""


def test_every_line_has_the_same_keys(tmp_path: Path) -> None:
    other = capture(tmp_path / "other.pcap", 9, b"what", b"is this")
    found = objects(other, code=1) + objects(SAMPLE)
    found += objects(SAMPLE, "--as", "tls", code=1)
    kinds = {one["kind"] for one in found}
    assert kinds == {"message", "skipped", "tunnel"}
    shapes = {tuple((key, type(value)) for key, value in one.items()) for one in found}
    assert len(shapes) == 1


def test_a_name_that_is_none_is_a_mistake() -> None:
    done = run(SAMPLE, "--as", "tsl", code=2)
    assert b"did you mean 'tls'? There are http, tls, dns" in done.stderr
    assert done.stdout == b""


def test_dns_and_what_is_not_known(tmp_path: Path) -> None:
    asked = wire.question("example.org")
    answer = wire.resource(b"\xc0\x0c", 1, bytes([192, 0, 2, 7]))
    path = capture(
        tmp_path / "dns.pcap", 53, wire.dns([asked]), wire.dns([asked], [answer])
    )
    _, query, response = rows(path)
    assert query.endswith("query A example.org")
    assert response.endswith("noerror A example.org: A 192.0.2.7")
    other = capture(tmp_path / "other.pcap", 9, b"what", b"is this")
    assert [
        (one["kind"], one["protocol"], one["direction"], one["offset"], one["length"])
        for one in objects(other, code=1)
    ] == [
        ("tunnel", "unknown", "client", 0, 4),
        ("tunnel", "unknown", "server", 0, 7),
    ]
    done = run(other, code=1)
    assert b"4 bytes and 7 bytes, not looked into" in done.stdout
    assert b"no messages in" in done.stderr


@pytest.mark.parametrize("name", ["lines", "http", "dns", "websocket"])
def test_nothing_of_a_capture_acts_on_a_terminal(name: str, tmp_path: Path) -> None:
    hostile = b"\x1b]0;x\x07\x9b31m\xe2\x80\xae\x00"
    said = {
        "lines": [hostile + b"\n"],
        "http": [b"GET /" + hostile.replace(b"\0", b"") + b" HTTP/1.1\r\n\r\n"],
        "dns": [wire.dns([wire.vector(1, hostile) + b"\0\0\1\0\1"])],
        "websocket": [
            wire.upgrade()[0],
            wire.upgrade()[1],
            wire.ws(1, hostile, mask=b"abcd"),
        ],
    }
    path = capture(tmp_path / "c.pcap", 80, *said[name])
    options = ["--as", "lines"] if name == "lines" else []
    text = run(path, *options, "--color", "never").stdout.decode()
    assert text.replace("\n", "").isprintable()
    assert "31m" in text


def test_no_capture_and_no_messages(tmp_path: Path) -> None:
    assert b"not-there.pcap" in run("not-there.pcap", code=2).stderr
    path = capture(tmp_path / "c.pcap", 80)
    assert rows(path, code=1) == []


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m unpacket messages {SAMPLE} --as lines | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, timeout=100
    )
    assert (done.returncode, done.stderr) == (0, b"")
