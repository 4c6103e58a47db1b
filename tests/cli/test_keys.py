"""``--keys`` and ``--decrypt``: commands see what TLS carries, or say why not."""

import builtins
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import unpacket
from tests.builder import write_pcap
from tests.tls.speaking import Ends, Session, packets_of
from unpacket.cli import cli
from unpacket.sources.formats.notes import SECRETS

REQUEST = b"GET /hello HTTP/1.1\r\nHost: h.example\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello there"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), catch_exceptions=False)


@pytest.fixture
def log(tmp_path: Path) -> str:
    return str(tmp_path / "keys.log")


@pytest.fixture
def capture(tmp_path: Path, log: str) -> str:
    """A capture of two connections."""
    frames = []
    for port in (40000, 40001):
        session = Session(Ends(Path(log)))
        session.ask(REQUEST, RESPONSE)
        session.close()
        frames += packets_of(session.turns, client_port=port).frames
    path = tmp_path / "talk.pcap"
    write_pcap(path, frames)
    return str(path)


def test_follow_prints_what_is_carried(capture: str, log: str) -> None:
    printed = run("follow", capture, "0", "--keys", log).output
    assert "> GET /hello HTTP/1.1" in printed
    assert "< hello there" in printed


def test_http_has_its_exchanges(capture: str, log: str) -> None:
    result = run("http", capture, "--keys", log, "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["response"]["body_len"] for line in lines] == [11, 11]


def test_messages_are_those_that_are_carried(capture: str, log: str) -> None:
    result = run("messages", capture, "--keys", log, "--json")
    found = [json.loads(line)["protocol"] for line in result.stdout.splitlines()]
    assert found == ["http"] * 4


def test_grep_finds_what_is_carried(capture: str, log: str) -> None:
    assert run("grep", "-F", "hello there", capture).exit_code == 1
    printed = run("grep", "-F", "-c", "hello there", capture, "--keys", log).stdout
    assert [line.split()[-1] for line in printed.splitlines()] == ["1", "1"]


@pytest.mark.parametrize("command", ["extract", "objects"])
def test_files_have_what_is_carried(
    tmp_path: Path, capture: str, log: str, command: str
) -> None:
    out = tmp_path / "out"
    assert run(command, capture, "--keys", log, "-o", str(out)).exit_code == 0
    found = [path.read_bytes() for path in out.iterdir() if path.suffix != ".jsonl"]
    wanted = [b"hello there"] if command == "objects" else [REQUEST, RESPONSE]
    assert sorted(found) == sorted(wanted * 2)


def test_split_gives_each_stream_the_secrets_that_it_needs(
    tmp_path: Path, capture: str, log: str
) -> None:
    out = tmp_path / "parts"
    with open(log, "a") as file:
        file.write(f"CLIENT_RANDOM {'ab' * 32} {'cd' * 48}\n")
    assert run("split", capture, "--keys", log, "-o", str(out)).exit_code == 0
    parts = sorted(out.iterdir())
    randoms = []
    for path in parts:
        with unpacket.sources.open(path) as source:
            for _ in source:
                pass
            (secrets,) = source.notes.secrets
        assert secrets.kind == SECRETS[0x544C534B]
        (random,) = {line.split()[1] for line in secrets.data.splitlines()}
        randoms.append(random)
        (exchange,) = unpacket.http(path, keys=())
        assert exchange.response.body == b"hello there"
        assert "hello there" in run("follow", str(path), "0", "--decrypt").output
    assert len(parts) == 2 == len(set(randoms))


def test_it_is_said_what_is_not_decrypted(tmp_path: Path, capture: str) -> None:
    empty = tmp_path / "empty.log"
    empty.write_text("")
    result = run("http", capture, "--keys", str(empty))
    assert result.exit_code == 1
    lines = [line for line in result.stderr.splitlines() if "not decrypted" in line]
    assert len(lines) == 2
    for number, line in enumerate(lines):
        assert line.startswith(
            f"unpacket: stream {number} is not decrypted: "
            "no secret for its client random "
        )


def test_a_log_that_is_not_there_is_an_error(capture: str) -> None:
    result = run("http", capture, "--keys", "/none/such")
    assert result.exit_code == 2
    assert result.stderr == "unpacket: /none/such: no such file or directory\n"


def test_without_the_library_one_line_says_how_to_get_it(
    capture: str, log: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith("cryptography"):
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(unpacket.UnpacketError, match=r"pip install 'unpacket\[tls\]'"):
        next(unpacket.events(capture, keys=log))


def test_whole_streams_have_what_is_carried(capture: str, log: str) -> None:
    for stream in unpacket.streams(capture, keys=log):
        assert stream.client_data == REQUEST
        assert stream.server_data == RESPONSE
        assert stream.bytes == (len(REQUEST), len(RESPONSE))


def test_digests_are_of_what_is_carried(capture: str, log: str) -> None:
    from hashlib import sha256

    wanted = (sha256(REQUEST).hexdigest(), sha256(RESPONSE).hexdigest())
    found = unpacket.summaries(capture, keys=log, digest=True)
    assert [one.sha256 for one in found] == [wanted, wanted]
