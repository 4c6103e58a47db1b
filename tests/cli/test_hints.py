"""What helps somebody who typed what other programs take."""

import sys
import tarfile
import zipfile
from pathlib import Path

import click
import pytest

from tests.builder import Conversation, write_pcap
from tests.cli.test_commands import ROOT, SAMPLE, invoke, run
from tests.terminal import Terminal
from unpacket.cli import cli

pytestmark = pytest.mark.skipif(
    not (ROOT / SAMPLE).exists(), reason="the examples are not part of this copy"
)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        pytest.param(["-r", SAMPLE], "unpacket streams FILE", id="-r"),
        pytest.param(["streams", "-r", SAMPLE], "captures are arguments", id="its -r"),
        pytest.param(["streams", "-s", "0", SAMPLE], "tcpdump -s", id="-s"),
        pytest.param(["help"], "`unpacket --help`", id="help"),
        pytest.param(["help", "streams"], "`unpacket streams --help`", id="of one"),
    ],
)
def test_what_other_programs_take(arguments: list[str], hint: str) -> None:
    done = invoke(*arguments)
    assert done.exit_code == 2
    assert hint in done.stderr


def test_archives_are_no_captures(tmp_path: Path) -> None:
    for name, hint in (("a.zip", "unzip -p "), ("a.tar", "tar -xOf ")):
        path = tmp_path / name
        if name == "a.zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.write(ROOT / SAMPLE, "sample.pcapng")
        else:
            with tarfile.open(path, "w") as tar:
                tar.add(ROOT / SAMPLE, "sample.pcapng")
        done = invoke("check", path)
        assert done.exit_code == 2
        assert f"{hint}{path} NAME | unpacket streams -" in done.stderr


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        pytest.param("", {"id", "gaps", "client.bytes"}, id="nothing"),
        pytest.param("close", {"close_reason"}, id="a word"),
        pytest.param(
            "gaps and server.pack", {"gaps and server.packets"}, id="the last word"
        ),
        pytest.param("not (dura", {"not (duration"}, id="behind a bracket"),
        pytest.param("gaps > 1", set(), id="no column begins so"),
    ],
)
def test_columns_are_completed(typed: str, completed: set[str]) -> None:
    command = cli.get_command(click.Context(cli), "streams")
    assert command is not None
    (option,) = [one for one in command.params if one.name == "where"]
    items = option.type.shell_complete(click.Context(command), option, typed)
    found = {item.value for item in items}
    assert completed <= found
    if len(completed) < 2:
        assert found == completed


def test_binary_on_a_terminal_has_bounded_lines_and_a_hint(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, bytes(3000))
    write_pcap(tmp_path / "binary.pcap", talk)
    command = [sys.executable, "-m", "unpacket", "follow", "--no-pager"]
    terminal = Terminal([*command, str(tmp_path / "binary.pcap")])
    try:
        terminal.wait_for(b"much of this is binary: --as hex shows it in rows")
        lines = terminal.shown.split(b"\r\n")
    finally:
        terminal.close()
    assert max(map(len, lines)) < 600
    assert b"binary" not in run("follow", str(tmp_path / "binary.pcap")).stderr
