"""``unpacket http``, ``objects`` and ``grep``: what they print and write."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.builder import Conversation, write_pcap

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "sample.pcapng"
DATA = ROOT / "tests" / "messages" / "data"
CASES = json.loads((DATA / "cases.json").read_text())


def run(*arguments: str | Path, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "unpacket", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def talk(path: Path, *turns: tuple[str, bytes]) -> Path:
    """Write a capture of one connection in which sides speak in turn."""
    wire = Conversation()
    wire.handshake()
    sent = {"client": 0, "server": 0}
    for side, payload in turns:
        for at in range(0, len(payload), 1000):
            piece = payload[at : at + 1000]
            getattr(wire, side)(sent[side], piece)
            sent[side] += len(piece)
    wire.farewell(sent["client"], sent["server"])
    write_pcap(path, list(wire))
    return path


def test_a_table_has_a_row_for_each_exchange() -> None:
    first, *rows = run("http", SAMPLE).splitlines()
    assert first.split()[:4] == ["n", "time", "client", "method"]
    assert len(rows) == 10
    assert rows[0].split()[3:6] == ["GET", "http://192.0.2.2/hello.txt", "200"]
    assert rows[1].endswith("response: 1448 bytes missing")


@pytest.mark.parametrize(
    ("expression", "numbers"),
    [
        ("method == GET and status == 200", [0, 1, 3, 4, 5, 6, 9]),
        ("status >= 400 or sent > 1KiB", [7, 8]),
        ("target == /hello.txt", [0, 5]),
        ("client in 2001:db8::/32", [3]),
        ("type == text/html", [8]),
        ("received > 100000 and missing == 1448", [1]),
        ("method == PATCH", []),
    ],
)
def test_exchanges_are_filtered_and_keep_their_numbers(
    expression: str, numbers: list[int]
) -> None:
    arguments = ("http", SAMPLE, "--where", expression)
    code = 0 if numbers else 1
    _, *rows = run(*arguments, code=code).splitlines() or [""]
    assert [int(row.split()[0]) for row in rows] == numbers
    assert len(lines(run(*arguments, "--json", code=code))) == len(numbers)


def test_only_bodies_that_are_asked_for_are_written(tmp_path: Path) -> None:
    run("objects", SAMPLE, "-o", tmp_path / "out", "--where", "target == /large.txt")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"index.jsonl", "large.txt.incomplete"}


@pytest.mark.parametrize("case", CASES[::7], ids=lambda case: case["name"])
def test_json_has_the_keys_of_an_exchange(case: dict[str, Any]) -> None:
    path = DATA / case["capture"]
    found = lines(run("http", path, "--json", code=0 if case["exchanges"] else 1))
    assert len(found) == len(case["exchanges"])
    for one, wanted in zip(found, case["exchanges"], strict=True):
        assert one["pairing"] == wanted["pairing"]
        for side in ("request", "response"):
            assert (one[side] is None) == (wanted[side] is None)


def test_one_exchange_is_shown_whole() -> None:
    shown = run("http", SAMPLE, "--show", "0")
    assert "> GET /hello.txt HTTP/1.1" in shown
    assert "< Hello over a bad wire." in shown
    assert "\r" not in shown


def test_the_heads_stand_below_their_lines() -> None:
    shown = run("http", SAMPLE, "--headers").splitlines()
    assert "    > GET /hello.txt HTTP/1.1" in shown
    assert "    < HTTP/1.1 200 OK" in shown


def test_no_exchange_is_reported() -> None:
    assert run("http", SAMPLE, "--show", "99", code=1) == ""
    assert run("http", SAMPLE, "--bpf", "udp", code=1) == ""


def test_an_archive_has_an_entry_for_each_exchange(tmp_path: Path) -> None:
    path = tmp_path / "out.har"
    run("http", SAMPLE, "--har", path)
    log = json.loads(path.read_text())["log"]
    assert (log["version"], log["creator"]["name"]) == ("1.2", "unpacket")
    first, second = log["entries"][:2]
    assert first["request"]["url"] == "http://192.0.2.2/hello.txt"
    assert first["response"]["content"]["text"] == "Hello over a bad wire.\n"
    assert first["startedDateTime"].endswith("Z")
    assert first["time"] > 0
    assert (first["_complete"], second["_complete"]) == (True, False)
    for entry in log["entries"]:
        # What HAR 1.2 says must be there.
        assert {
            "startedDateTime",
            "time",
            "request",
            "response",
            "cache",
            "timings",
        } <= (entry.keys())
        assert {"send", "wait", "receive"} == entry["timings"].keys()


def test_every_body_is_a_file(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("objects", SAMPLE, "-o", out)
    index = lines((out / "index.jsonl").read_text())
    assert len(index) == 12
    assert {one["file"] for one in index} | {"index.jsonl"} == set(os.listdir(out))
    for one in index:
        data = (out / one["file"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (
            one["bytes"],
            one["sha256"],
        )
        assert one["complete"] != one["file"].endswith(".incomplete")
    (hello, *_) = (one for one in index if one["url"].endswith("/hello.txt"))
    assert (out / hello["file"]).read_bytes() == b"Hello over a bad wire.\n"


def test_missing_bytes_are_zeros_and_named(tmp_path: Path) -> None:
    run("objects", SAMPLE, "-o", tmp_path / "out")
    index = lines((tmp_path / "out" / "index.jsonl").read_text())
    (large,) = (one for one in index if one["url"].endswith("/large.txt"))
    data = (tmp_path / "out" / large["file"]).read_bytes()
    ((offset, length),) = large["holes"]
    assert data[offset : offset + length] == bytes(length)
    assert 0 not in data[:offset] + data[offset + length :]


@pytest.mark.parametrize(
    ("target", "name"),
    [
        pytest.param("/a/b.txt", "b.txt", id="the last part of the path"),
        pytest.param("/../../etc/passwd", "passwd", id="a path that leads out"),
        pytest.param("/%2e%2e%2f%2e%2e%2fpasswd", "passwd", id="the same, quoted"),
        pytest.param("/..", "index", id="dots alone"),
        pytest.param("/index.jsonl", "_index.jsonl", id="the name of the index"),
        pytest.param("/nul.txt", "_nul.txt", id="a device of Windows"),
        pytest.param("/a%00b%0ac", "a_b_c", id="what no name may have"),
        pytest.param("/.hidden", "hidden", id="a hidden file"),
    ],
)
def test_names_are_safe(target: str, name: str, tmp_path: Path) -> None:
    path = talk(
        tmp_path / "c.pcap",
        ("client", f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()),
        ("server", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
    )
    run("objects", path, "-o", tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out")) == sorted([name, "index.jsonl"])
    assert (tmp_path / "out" / name).read_bytes() == b"hi"


def test_bodies_of_one_name_are_files_of_their_own(tmp_path: Path) -> None:
    turns = []
    for body in (b"one", b"two", b"three"):
        turns.append(("client", b"GET /same.txt HTTP/1.1\r\nHost: x\r\n\r\n"))
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
        turns.append(("server", head.encode() + body))
    run("objects", talk(tmp_path / "c.pcap", *turns), "-o", tmp_path / "out")
    found = {
        name: (tmp_path / "out" / name).read_bytes()
        for name in os.listdir(tmp_path / "out")
        if name != "index.jsonl"
    }
    assert found == {
        "same.txt": b"one",
        "same-1.txt": b"two",
        "same-2.txt": b"three",
    }


def test_each_file_of_each_form_is_written(tmp_path: Path) -> None:
    turns = []
    for number in (1, 2):
        body = (
            b"--xx\r\nContent-Disposition: form-data; name=f; "
            b'filename="../up%d.bin"\r\n\r\ndata %d\r\n--xx--\r\n' % (number, number)
        )
        head = (
            "POST /up HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; "
            f"boundary=xx\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        turns.append(("client", head.encode() + body))
        turns.append(("server", b"HTTP/1.1 204 No Content\r\n\r\n"))
    run("objects", talk(tmp_path / "c.pcap", *turns), "-o", tmp_path / "out")
    assert (tmp_path / "out" / "up1.bin").read_bytes() == b"data 1"
    assert (tmp_path / "out" / "up2.bin").read_bytes() == b"data 2"
    index = lines((tmp_path / "out" / "index.jsonl").read_text())
    assert [one["filename"] for one in index] == ["../up1.bin", "../up2.bin"]


def test_a_folder_that_has_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    run("objects", SAMPLE, "-o", tmp_path, code=2)
    run("objects", SAMPLE, "-o", tmp_path, "--force")
    assert (tmp_path / "mine").read_text() == "mine"


def test_grep_prints_a_line_for_each_match() -> None:
    found = run("grep", "-F", "HTTP/1.1 404", SAMPLE).splitlines()
    assert found == ["8 < 0  frame 285  0.544  HTTP/1.1 404"]
    assert run("grep", "-F", "-l", "POST", SAMPLE).split() == ["3", "7"]
    assert run("grep", "-F", "-c", "-i", "http/1.1 404", SAMPLE).split()[-1] == "1"
    assert len(run("grep", "--hex", "48 54 54 50 2f", SAMPLE, "-l").split()) == 9
    run("grep", "-F", "not there", SAMPLE, code=1)
    run("grep", "--hex", "xyz", SAMPLE, code=2)


def test_grep_in_json_has_where_each_match_is() -> None:
    (found,) = lines(run("grep", "-F", "404 File", SAMPLE, "--json", "-A", "4"))
    assert found["stream"] == 8
    assert (found["direction"], found["offset"], found["length"]) == ("server", 9, 8)
    assert bytes.fromhex(found["after_hex"]) == b" not"
