"""The command as a user meets it: what it prints, what it exits with."""

import hashlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from shutil import which
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

import unpacket
from tests.builder import RAW, Conversation, Frame, write_pcap
from tests.recorded import Connection, recordings
from unpacket.cli import cli
from unpacket.errors import SourceError
from unpacket.sources.bpf.filter import Bpf

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = "examples/sample.pcapng"
TRUTH = ROOT / "examples" / "sample"
COMMANDS = ("streams", "follow")
FORMS = ("utf8", "ascii", "hex", "raw", "json")
COMMENTS = {"c-array": "/* ", "yaml": "  # "}
KEYS = ["id", "client", "server", "role_evidence", "path"]
KEYS += ["start", "start_ns", "end", "end_ns", "duration_ns", "first_frame"]
KEYS += ["close_reason", "complete", "gap_reason", "conflicts"]
KEYS += ["rejected", "rejected_reason", "rejected_list", "unplaced_reason"]
SIDE_KEYS = ["address", "port", "packets", "duplicates", "other_channel"]
SIDE_KEYS += ["retransmissions", "bytes", "gaps", "missing", "gap_list"]
SIDE_KEYS += ["unplaced", "unplaced_list", "sha256"]
# Two kinds of line end, C0, DEL, C1 in UTF-8, turned and invisible text, and bytes
# that are no UTF-8.
HOSTILE = (
    bytes(range(256)) + "\x9b31m\u202edrow\u2066\u200b\ufeff".encode() + b"\x1b]0;x\x07"
)

pytestmark = pytest.mark.skipif(
    not (ROOT / SAMPLE).exists(), reason="the examples are not part of this copy"
)


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("NO_COLOR", raising=False)


def invoke(*arguments: str | Path, stdin: bytes = b"") -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(
        cli,
        [str(argument) for argument in arguments],
        input=stdin,
        prog_name="unpacket",
    )


def run(*arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "unpacket", *arguments],
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        timeout=100,
    )


def shell(line: str, folder: Path = ROOT) -> "subprocess.CompletedProcess[bytes]":
    """Run a line as a user types it."""
    function = f'unpacket() {{ "{sys.executable}" -m unpacket "$@"; }}'
    # So that `python` is this one too.
    programs = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
    return subprocess.run(
        ["sh", "-c", f"{function}\n{line}"],
        env={**os.environ, "PATH": programs},
        cwd=folder,
        capture_output=True,
        timeout=100,
    )


def truth() -> dict[str, Connection]:
    (recording,) = recordings(TRUTH)
    return {connection.client: connection for connection in recording.connections}


def offsets(spans: list[list[int]]) -> set[int]:
    return {n for start, stop in spans for n in range(start, stop)}


def end(record: dict[str, Any]) -> str:
    return str(unpacket.Endpoint(record["address"], record["port"]))


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A capture of one stream, whose client says ``HOSTILE`` and whose server HELLO."""
    talk = Conversation()
    talk.handshake()
    talk.client(1, HOSTILE)
    talk.server(1, b"HELLO", ack=1 + len(HOSTILE))
    talk.client(1 + len(HOSTILE), ack=6)
    talk.farewell(1 + len(HOSTILE), 6)
    path = tmp_path / "hostile.pcap"
    write_pcap(path, talk)
    return path


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    """A capture that ends in the middle of a record."""
    path = tmp_path / "cut.pcapng"
    path.write_bytes((ROOT / SAMPLE).read_bytes()[:60_000])
    return path


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A capture without packets."""
    path = tmp_path / "empty.pcap"
    write_pcap(path, [])
    return path


def test_the_table_has_a_line_for_each_stream() -> None:
    done = invoke("streams", SAMPLE)
    assert (done.exit_code, done.stderr) == (0, "")
    heading, *rows = done.stdout.splitlines()
    assert heading.split()[:4] == ["id", "client", "server", "start"]
    assert sorted(row.split()[1] for row in rows) == sorted(truth())
    gap = next(row for row in rows if row.split()[0] == "1")
    assert "1 gap (1448 bytes)" in gap


def test_json_is_what_was_sent() -> None:
    done = invoke("streams", SAMPLE, "--json", "--digest")
    assert (done.exit_code, done.stderr) == (0, "")
    expected = truth()
    for line in done.stdout.splitlines():
        record = json.loads(line)
        assert list(record) == KEYS
        facts = expected.pop(end(record["client"]))
        assert end(record["server"]) == facts.server
        assert record["role_evidence"] == "syn"
        assert record["start_ns"] < record["end_ns"]
        assert record["duration_ns"] == record["end_ns"] - record["start_ns"]
        assert record["close_reason"] == ("rst" if facts.reset else "fin")
        any_gap = False
        for side, half in zip(("client", "server"), facts.halves, strict=True):
            of_side = record[side]
            assert list(of_side) == SIDE_KEYS
            gaps = re.findall(r"(\d+)\+(\d+):\w+", of_side["gap_list"])
            any_gap |= bool(gaps)
            holes = offsets([[int(at), int(at) + int(size)] for at, size in gaps])
            assert (of_side["gaps"], of_side["missing"]) == (len(gaps), len(holes))
            assert half.missing <= holes <= half.left_out
            there = bytes(b for n, b in enumerate(half.sent) if n not in holes)
            assert of_side["bytes"] == len(there)
            assert of_side["sha256"] == hashlib.sha256(there).hexdigest()
            assert of_side["packets"] > 0
        if any_gap:
            assert record["complete"] is False
        elif not facts.reset:
            assert record["complete"] is True
    assert not expected


def test_json_without_digest_has_the_other_keys() -> None:
    record = json.loads(invoke("streams", SAMPLE, "--json").stdout.splitlines()[0])
    assert list(record) == KEYS
    for side in ("client", "server"):
        assert list(record[side]) == [key for key in SIDE_KEYS if key != "sha256"]


@pytest.mark.parametrize("form", FORMS)
def test_follow_shows_both_sides(form: str) -> None:
    done = invoke("follow", SAMPLE, "0", "--as", form)
    assert (done.exit_code, done.stderr) == (0, "")
    client = (TRUTH / "0-client.bin").read_bytes()
    server = (TRUTH / "0-server.bin").read_bytes()
    if form == "raw":
        assert done.stdout_bytes == client + server
        return
    lines = done.stdout.splitlines()
    if form == "json":
        said = {"client": b"", "server": b""}
        for event in map(json.loads, lines):
            assert event["stream"] == 0
            if event["event"] == "data":
                side = event["direction"]
                assert event["offset"] == len(said[side])
                said[side] += b64decode(event["data_base64"])
        assert said == {"client": client, "server": server}
        return
    assert {line[:2] for line in lines} == {"* ", "> ", "< "}
    if form == "hex":
        for prefix, octets in (("> ", client), ("< ", server)):
            rows = [line[12:60] for line in lines if line.startswith(prefix)]
            assert bytes.fromhex(" ".join(rows)) == octets
        return
    for prefix, octets in (("> ", client), ("< ", server)):
        spoken = [line[2:] for line in lines if line.startswith(prefix)]
        assert spoken == octets.decode().splitlines()


def test_follow_shows_one_side_of_what_was_asked_for() -> None:
    done = invoke("follow", SAMPLE, "4", "--as", "raw", "--direction", "server")
    assert done.stdout_bytes == (TRUTH / "4-server.bin").read_bytes()
    by_end = invoke("follow", SAMPLE, "[2001:db8::1]:48670", "--as", "raw")
    assert by_end.stdout_bytes == invoke("follow", SAMPLE, "4", "--as=raw").stdout_bytes


@pytest.mark.parametrize("side", ["client", "server"])
def test_a_side_has_an_option_of_its_own(side: str) -> None:
    long = invoke("follow", SAMPLE, "1", "--direction", side).stdout
    assert invoke("follow", SAMPLE, "1", f"--{side}").stdout == long


def test_a_range_is_some_of_what_frames_brought() -> None:
    follow = ("follow", SAMPLE, "1", "--as", "json", "--range")
    lines = invoke(*follow, "1-9999").stdout.splitlines()
    said = [line for line in lines if re.match('{"event":"(data|gap)"', line)]
    some = invoke(*follow, "2-40").stdout
    kept = [line for line in some.splitlines() if line in said]
    assert len(kept) == 39
    assert kept == said[1:40]


@pytest.mark.parametrize("form", COMMENTS)
def test_arrays_and_yaml_hold_the_bytes(form: str) -> None:
    done = invoke("follow", SAMPLE, "1", "--as", form)
    told = "server gap: 1448 bytes at offset 36390 missing: not_captured"
    assert COMMENTS[form] + told in done.stdout
    alone = invoke("follow", SAMPLE, "1", "--as", form, "--no-remarks", "--server")
    assert told not in alone.stdout
    if form == "yaml":
        data = b"".join(
            b64decode(line) for line in alone.stdout.splitlines() if line[:6].isspace()
        )
    else:
        rows = re.findall(r"0x(..)", alone.stdout)
        data = bytes.fromhex("".join(rows))
    raw = invoke("follow", SAMPLE, "1", "--as", "raw", "--server").stdout_bytes
    assert data == raw


def test_a_payload_cannot_end_a_comment(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"*/ int")
    talk.client(1, b"*/ out")
    write_pcap(tmp_path / "c.pcap", talk)
    text = invoke("follow", tmp_path / "c.pcap", "--as", "c-array").stdout
    assert "conflict" in text
    assert all(line.count("*/") <= 1 for line in text.splitlines())


def test_ebcdic_is_text(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, "READY\x85more\x00".encode("cp037"))
    write_pcap(tmp_path / "e.pcap", talk)
    lines = invoke("follow", tmp_path / "e.pcap", "--as", "ebcdic").stdout.splitlines()
    assert [line for line in lines if line[0] == ">"] == ["> READY", "> more."]


@pytest.mark.skipif(which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("form", ["ascii", "ebcdic", "hex", "raw", "yaml"])
def test_follow_as_tshark(hostile: Path, form: str) -> None:
    for capture, ids in ((SAMPLE, range(9)), (hostile, range(1))):
        for number in ids:
            follow = f"follow,tcp,{form},{number}"
            theirs = subprocess.run(
                ["tshark", "-n", "-q", "-r", str(capture), "-z", follow],
                capture_output=True,
                timeout=100,
            ).stdout
            ours = invoke("follow", capture, str(number), "--tshark", "--as", form)
            assert ours.stdout_bytes == theirs
    some = "follow,tcp,ascii,0,2-3"
    theirs = subprocess.run(
        ["tshark", "-n", "-q", "-r", SAMPLE, "-z", some],
        capture_output=True,
        timeout=100,
    ).stdout
    ours = invoke("follow", SAMPLE, "0", "--tshark", "--range", "2-3")
    assert ours.stdout_bytes == theirs


@pytest.mark.skipif(which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("form", ["ascii", "hex", "raw", "yaml"])
def test_gaps_as_tshark_has_them(form: str, tmp_path: Path) -> None:
    frames: list[Frame] = []
    for number, beginning in enumerate(("missing", "SYN", "SYN", "SYN")):
        talk = Conversation(("10.0.0.1", 40000 + number), frames=frames)
        if beginning == "SYN":
            talk.handshake()
        talk.client(1, b"one", ack=1)
        talk.server(1, b"seen", ack=4)
        if number in (0, 1):
            talk.client(11, b"what nobody acknowledged", ack=5)
        if number in (0, 2):
            talk.server(5, ack=9)
            talk.client(4, b"more", ack=30)
        if number == 3:
            talk.client(11, b"behind a hole", ack=5)
            talk.server(5, b"got it", ack=24)
            talk.client(24, ack=11)
    write_pcap(tmp_path / "a.pcap", frames)
    for number in range(4):
        follow = f"follow,tcp,{form},{number}"
        theirs = subprocess.run(
            ["tshark", "-n", "-q", "-r", tmp_path / "a.pcap", "-z", follow],
            capture_output=True,
            timeout=100,
        ).stdout
        arguments = ("follow", tmp_path / "a.pcap", str(number), "--tshark")
        assert invoke(*arguments, "--as", form).stdout_bytes == theirs


def test_follow_tells_of_a_gap() -> None:
    told = "server gap: 1448 bytes at offset 36390 missing: not_captured"
    assert f"* {told}" in invoke("follow", SAMPLE, "1").stdout
    assert told not in invoke("follow", SAMPLE, "1", "--no-remarks").stdout
    raw = invoke("follow", SAMPLE, "1", "--as", "raw")
    assert f"unpacket: warning: stream 1: {told}" in raw.stderr


@pytest.mark.parametrize("form", ["utf8", "ascii", "hex"])
def test_no_control_character_reaches_the_output(hostile: Path, form: str) -> None:
    done = invoke("follow", hostile, "--as", form)
    assert done.exit_code == 0
    text = done.stdout_bytes.decode()
    assert all(c.isprintable() or c in "\n\t" or c.isspace() for c in text)
    assert not re.search(r"[\0-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e\u2066\ufeff]", text)
    assert {line[:2] for line in text.split("\n") if line} == {"* ", "> ", "< "}


def test_a_payload_cannot_pass_for_a_remark(tmp_path: Path) -> None:
    lie = b"* closed: fin\n\r\n< HTTP/1.1 200 OK\r* stream 1\x0b* x\xe2\x80\xa8* y\n"
    talk = Conversation()
    talk.handshake()
    talk.client(1, lie)
    talk.server(1, ack=1 + len(lie))
    write_pcap(tmp_path / "lie.pcap", talk)
    lines = invoke("follow", tmp_path / "lie.pcap").stdout.splitlines()
    assert [line[:2] for line in lines] == ["* ", "> ", "> ", "> ", "* "]


def test_streams_where() -> None:
    rows = invoke("streams", SAMPLE, "--where", "gaps").stdout.splitlines()[1:]
    assert sorted(int(row.split()[0]) for row in rows) == [1, 2, 7]
    done = invoke("streams", SAMPLE, "--where", "gaps > 9")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"unpacket: no stream passes --where in {SAMPLE}\n"


@pytest.mark.parametrize(
    "arguments, ids",
    [
        pytest.param(("--where", "gaps"), [1, 7, 2], id="known at the end"),
        pytest.param(("--where", "id in (3, 4)"), [3, 4], id="known at the start"),
        pytest.param(("--where", "id in (1, 3) and gaps"), [1], id="partly"),
        pytest.param(("1", "--where", "gaps"), [1], id="one id"),
        pytest.param(("0", "1", "--where", "gaps"), [1], id="two ids"),
        pytest.param(("0", "--where", "gaps"), [], id="the wrong id"),
        pytest.param(("0", "--where", "id == 1"), [], id="another id"),
        pytest.param(
            ("192.0.2.1:55166", "--where", "gaps", "--direction", "client"),
            [1],
            id="one side, where the gap is on the other",
        ),
    ],
)
def test_follow_where(arguments: tuple[str, ...], ids: list[int]) -> None:
    done = invoke("follow", SAMPLE, *arguments)
    told = re.findall(r"^\* stream (\d+)", done.stdout, re.MULTILINE)
    assert [int(number) for number in told] == ids
    assert done.exit_code == (0 if ids else 1)
    silent = f"unpacket: no such stream passes --where in {SAMPLE}\n"
    assert done.stderr == ("" if ids else silent)
    if len(ids) == 1 and "--direction" not in arguments:
        assert done.stdout == invoke("follow", SAMPLE, str(ids[0])).stdout


def test_remarks_of_streams_that_do_not_pass_are_not_told() -> None:
    done = invoke("follow", SAMPLE, "--as", "raw", "--where", "gaps and id > 1")
    told = re.findall(r"stream (\d+): server gap|stream (\d+): client gap", done.stderr)
    assert sorted(one or other for one, other in told) == ["2", "7"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_filter_is_2_and_pointed_at(command: str) -> None:
    done = invoke(command, SAMPLE, "--where", "gaps and prot == 3")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.endswith(
        "Error: Invalid value for '--where': at character 10: no column 'prot'; did "
        "you mean port?\n  gaps and prot == 3\n           ^\n"
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_found_is_1(command: str, empty: Path) -> None:
    done = invoke(command, empty)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("unpacket: ")
    assert done.stderr.count("\n") == 1


def test_no_such_stream_is_1() -> None:
    done = invoke("follow", SAMPLE, "99")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "no stream 99" in done.stderr


def test_ports_of_ones_own_are_looked_into() -> None:
    capture = "tests/faults/captures/60-vxlan-other-port.pcap"
    assert invoke("streams", capture).exit_code == 1
    rules = ("--decode-as", "udp:9=gtp", "--decode-as", "udp:4800=vxlan")
    for preset in ((), ("--preset", "linux")):
        done = invoke("streams", capture, "--json", *rules, *preset)
        (line,) = done.stdout.splitlines()
        assert json.loads(line)["path"] == "eth/ip/udp/vxlan:77/eth/ip/tcp"


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("streams",),
        ("streams", SAMPLE, "--nonsense"),
        ("streams", SAMPLE, "--max-held-bytes", "many"),
        ("streams", SAMPLE, "--max-held-bytes", "9" * 5000),
        ("streams", SAMPLE, "--memory-limit", "9" * 400 + ".5"),
        ("streams", SAMPLE, "--max-holes", "9" * 5000),
        ("streams", SAMPLE, "--linger", "9" * 400 + "s"),
        ("streams", SAMPLE, "--overlap", "beos"),
        ("follow", SAMPLE, "not-a-stream"),
        ("follow", SAMPLE, "10.0.0.1:99999"),
        ("follow", SAMPLE, "--as", "morse"),
        ("follow", SAMPLE, "--as", "json", "--tshark"),
        ("follow", SAMPLE, "--range", "3-"),
        ("follow", SAMPLE, "--range", "0-3"),
        ("follow", SAMPLE, "--range", "3-1"),
    ],
)
def test_a_wrong_command_line_is_2(arguments: tuple[str, ...]) -> None:
    done = invoke(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Usage: unpacket" in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["LICENSE", "examples", "not-there.pcap"])
def test_what_is_no_capture_is_2_and_one_line(command: str, name: str) -> None:
    done = run(command, name)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(f"unpacket: {name}: ".encode())
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_damage_is_a_warning_with_its_offset(command: str, cut: Path) -> None:
    done = run(command, str(cut))
    assert done.returncode == 0
    assert done.stdout
    warning = f"unpacket: warning: {cut}: byte 58636: "
    assert warning in done.stderr.decode()
    quiet = run(command, str(cut), "--quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, done.stdout, b"")
    strict = run(command, str(cut), "--strict")
    # It has not reached the end: what lived then was interrupted.
    assert strict.returncode == 2
    reached = strict.stdout.replace(b"interrupted", b"end_of_capture")
    assert [line.split() for line in reached.splitlines()] == [
        line.split() for line in done.stdout.splitlines()
    ]
    assert f"unpacket: {cut}: byte 58636: " in strict.stderr.decode()
    assert b"Traceback" not in strict.stderr


@pytest.mark.parametrize("arguments", [("streams", "--json", "--digest"), ("follow",)])
def test_a_dash_is_standard_input(arguments: tuple[str, ...]) -> None:
    from_file = run(*arguments, SAMPLE)
    from_pipe = run(*arguments, "-", stdin=(ROOT / SAMPLE).read_bytes())
    assert (from_pipe.returncode, from_pipe.stderr) == (0, b"")
    assert settled(from_pipe.stdout) == settled(from_file.stdout)


def settled(output: bytes) -> bytes:
    """Return output without what depends on how soon a stream is printed.

    Packets that come after the end of a stream, but in the same batch, are counted.
    """
    late = rb'"(end":"[^"]*"|end_ns":\d+|duration_ns":\d+|packets":\d+),'
    return re.sub(late, b"", output)


@pytest.mark.parametrize(
    "arguments", [("streams", "--json"), ("follow",), ("follow", "--as", "raw")]
)
def test_a_closed_pipe_is_no_error(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "unpacket", *arguments, SAMPLE, "--quiet"],
            cwd=ROOT,
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=100,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_head_ends_it_quietly() -> None:
    done = shell(f"unpacket follow {SAMPLE} | head -n 1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"* stream ")


def test_color_is_for_terminals_or_on_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for command in COMMANDS:
        assert "\x1b" not in invoke(command, SAMPLE).stdout
        assert "\x1b[" in invoke(command, SAMPLE, "--color", "always").stdout
        assert "\x1b" not in invoke(command, SAMPLE, "--color", "never").stdout
    # A flag says more than a variable.
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" in invoke("streams", SAMPLE, "--color", "always").stdout


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize(
    "variables, colored",
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_color_on_a_terminal(variables: dict[str, str], colored: bool) -> None:
    done = on_a_terminal("streams", SAMPLE, **variables)
    assert b"192.0.2.1:55150" in done
    assert (b"\x1b[" in done) is colored


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_raw_bytes_are_not_for_terminals() -> None:
    done = on_a_terminal("follow", SAMPLE, "0", "--as", "raw")
    assert b"redirect them" in done
    assert b"HTTP/1.1" not in done


def on_a_terminal(*arguments: str, **variables: str) -> bytes:
    """Run the command on a terminal, and return what that shows."""
    ours, theirs = os.openpty()
    environment = os.environ | {"TERM": "xterm"} | variables
    process = subprocess.Popen(
        [sys.executable, "-m", "unpacket", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while more := os.read(ours, 4096):
            shown += more
    except OSError:  # Linux: the other side was closed
        pass
    finally:
        os.close(ours)
        process.wait(100)
    return shown


def test_version() -> None:
    done = run("--version")
    assert done.returncode == 0
    assert done.stdout.decode() == f"unpacket {unpacket.__version__}\n"


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help(command: str, flag: str) -> None:
    done = run(*filter(None, (command, flag)))
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(f"Usage: unpacket {command}".encode())


def examples() -> list[str]:
    """Return the examples of every --help."""
    lines: list[str] = []
    with click.Context(cli) as context:
        for name in cli.list_commands(context):
            command = cli.get_command(context, name)
            assert command is not None
            assert command.epilog, f"{name} has no examples"
            lines += inspect.cleandoc(command.epilog).splitlines()
    return lines


def has_libpcap() -> bool:
    try:
        Bpf("tcp")
    except SourceError:
        return False
    return True


@pytest.mark.parametrize("line", examples())
def test_the_examples_run(line: str, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    if line.startswith("sudo "):
        pytest.skip("it changes this host; tests/inline runs the like in namespaces")
    if line.startswith("unpacket compare") and shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    if " --bpf " in line and not has_libpcap():
        pytest.skip("there is no libpcap")
    done = shell(line, tmp_path)
    assert done.returncode == 0, done.stderr
    told = done.stderr.decode().splitlines()
    if " -o out" in line:
        assert list((tmp_path / "out").iterdir())
        assert re.match(r"unpacket: \d+ (streams|files)\b", told.pop())
    else:
        assert done.stdout
    # Gaps, where --as raw has no place for them; and what has no secret.
    remark = re.compile(r"unpacket: (warning: stream |stream \d+ is not decrypted: )")
    assert all(map(remark.match, told))


# TCP over IPv4 without options, where a port is 55188, and nothing before IP.
PORT_55188 = """\
8
48 0 0 9
21 0 5 6
40 0 0 20
21 2 0 55188
40 0 0 22
21 0 1 55188
6 0 0 262144
6 0 0 0
"""


@pytest.mark.parametrize("command", ["streams", "follow", "extract", "split", "check"])
def test_a_filter_on_frames_is_one_of_every_command(
    command: str, tmp_path: Path
) -> None:
    arguments = [command, SAMPLE, "--bpf", PORT_55188]
    if command in ("extract", "split"):
        arguments += ["-o", str(tmp_path / "out")]
    done = run(*arguments)
    # The sample says that packets were lost.
    assert done.returncode == (1 if command == "check" else 0), done.stderr
    if command in ("streams", "follow"):
        assert b"192.0.2.1:55188" in done.stdout
        assert b"192.0.2.1:55150" not in done.stdout
    elif command == "check":
        assert re.search(rb"300 frames .*, 15 TCP segments, 1 stream,", done.stdout)
        assert b"not looked into: 285 filtered" in done.stdout
    else:
        assert len(list((tmp_path / "out").iterdir())) == (
            1 if command == "split" else 3
        )


@pytest.mark.skipif(which("tshark") is None, reason="tshark is not installed")
def test_others_are_given_the_frames_that_pass() -> None:
    done = run("compare", SAMPLE, "--bpf", PORT_55188, "--tool", "tshark")
    assert b": 1 stream, 2 directions" in done.stdout
    assert re.search(rb"^tshark \S+: agrees$", done.stdout, re.MULTILINE)
    assert done.returncode == 0


def test_nothing_that_passes_is_nothing_found() -> None:
    done = run("streams", SAMPLE, "--bpf", "1 6 0 0 0")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == (
        f"unpacket: no TCP streams that pass --bpf in {SAMPLE}\n"
    )


@pytest.mark.skipif(not has_libpcap(), reason="there is no libpcap")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_filter_on_frames_is_a_wrong_command_line(command: str) -> None:
    done = run(command, SAMPLE, "--bpf", "tcp prot 80")
    assert (done.returncode, done.stdout) == (2, b"")
    error = done.stderr.decode().splitlines()[-1]
    assert error.startswith(
        "Error: Invalid value for '--bpf': the filter 'tcp prot 80'"
    )
    assert "libpcap says: " in error


@pytest.mark.skipif(not has_libpcap(), reason="there is no libpcap")
def test_a_filter_that_cannot_be_asked_is_one_line(tmp_path: Path) -> None:
    talk = Conversation(link_type=RAW)
    talk.handshake()
    write_pcap(tmp_path / "raw.pcap", talk, RAW)
    done = run("streams", str(tmp_path / "raw.pcap"), "--bpf", "ether host 1:2:3:4:5:6")
    assert (done.returncode, done.stdout) == (2, b"")
    line = done.stderr.decode().splitlines()[-1]
    assert "raw.pcap: frame 1 has link type 101, and the filter cannot be asked" in line
    assert line.endswith("(filters on streams, --where, do not depend on it)")


def test_without_libpcap_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNPACKET_LIBPCAP", "/no/such/library")
    done = run("streams", SAMPLE, "--bpf", "tcp")
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(
        "unpacket: /no/such/library: it cannot be loaded (install it"
    )


@pytest.mark.parametrize(
    ("gaps", "place"),
    [
        ("nothing", "what lies around stands side by side, see --gaps"),
        ("zeros", "zeros in their place"),
        ("marker", "a line in their place"),
    ],
)
def test_extract_counts_gaps_at_its_end(gaps: str, place: str, tmp_path: Path) -> None:
    done = invoke("extract", SAMPLE, "-o", tmp_path / "out", "--gaps", gaps)
    assert f"; 3 gaps (4344 bytes missing; {place}); see " in done.stderr
    done = invoke("extract", SAMPLE, "-o", tmp_path / "whole", "--where", "not gaps")
    assert "missing" not in done.stderr
