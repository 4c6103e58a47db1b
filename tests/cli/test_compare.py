"""``unpacket compare`` as a user meets it."""

import json
import os
import shutil
import sys
from pathlib import Path
from shlex import quote

import pytest

from tests.builder import write_pcap
from tests.cli.test_commands import ROOT, SAMPLE, invoke, run
from unpacket.compare.tools.programs import USUAL_TOOLS

pytestmark = [
    pytest.mark.skipif(
        not (ROOT / SAMPLE).exists(), reason="the examples are not part of this copy"
    ),
    pytest.mark.skipif(os.name != "posix", reason="limits need POSIX"),
]
needs_both = pytest.mark.skipif(
    any(shutil.which(tool.name) is None for tool in USUAL_TOOLS),
    reason="tshark or tcpflow is not installed",
)


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("NO_COLOR", raising=False)


@needs_both
def test_every_difference_is_explained() -> None:
    done = invoke("compare", SAMPLE)
    assert (done.exit_code, done.stderr) == (1, "")
    heading, *lines = done.stdout.splitlines()
    assert heading == f"{SAMPLE}: 9 streams, 18 directions with payload"
    tools = [line for line in lines if not line.startswith(" ")]
    assert [line.split()[0] for line in tools] == ["tshark", "tcpflow"]
    # tcpflow writes NULs for the three gaps.
    assert sum(line.startswith("      zeros: ") for line in lines) == 3
    assert "stream 1 server (192.0.2.2:80 > 192.0.2.1:55166), 1448 bytes" in done.stdout


@needs_both
def test_agreement_is_0() -> None:
    done = invoke("compare", SAMPLE, "--where", "not gaps")
    assert (done.exit_code, done.stderr) == (0, "")
    assert [line.split()[-1] for line in done.stdout.splitlines()[1:]] == ["agrees"] * 2


@needs_both
def test_json() -> None:
    done = invoke("compare", SAMPLE, SAMPLE, "--json", "--tool", "tcpflow")
    assert (done.exit_code, done.stderr) == (1, "")
    first, second = map(json.loads, done.stdout.splitlines())
    assert first == second
    assert (first["capture"], first["streams"]) == (SAMPLE, 9)
    (opinion,) = first["opinions"]
    assert (opinion["tool"], opinion["error"]) == ("tcpflow", "")
    places = [(one["stream"], one["offset"]) for one in opinion["differences"]]
    assert sorted(places) == [(1, 36390), (2, 397), (7, 8688)]


def test_scapy_is_asked_where_it_is_named() -> None:
    pytest.importorskip("scapy")
    done = invoke("compare", SAMPLE, "--where", "not gaps", "--tool", "scapy")
    assert (done.exit_code, done.stderr) == (0, "")
    assert [line.split()[::2] for line in done.stdout.splitlines()[1:]] == [
        ["scapy", "agrees"]
    ]


@needs_both
def test_standard_input() -> None:
    done = run("compare", "-", stdin=(ROOT / SAMPLE).read_bytes())
    from_file = run("compare", SAMPLE)
    assert done.returncode == from_file.returncode == 1
    assert done.stdout.splitlines()[1:] == from_file.stdout.splitlines()[1:]


@needs_both
def test_a_limit_is_told() -> None:
    done = invoke("compare", SAMPLE, "--max-streams", "3")
    assert "unpacket: only the first 3 streams were compared" in done.stderr
    done = invoke("compare", SAMPLE, "--timeout", "1ms")
    assert done.exit_code == 2
    assert done.stdout.count("no opinion: it took more than 0.001 s") == 2


@needs_both
def test_a_capture_without_streams_is_1(tmp_path: Path) -> None:
    write_pcap(tmp_path / "empty.pcap", [])
    done = invoke("compare", tmp_path / "empty.pcap")
    assert done.exit_code == 1
    assert "unpacket: no TCP streams in " in done.stderr


def test_without_any_program_it_is_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    done = invoke("compare", SAMPLE)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "unpacket: tshark, tcpflow: not installed, so there is nothing to compare "
        "with\n"
    )


@needs_both
@pytest.mark.parametrize("name", ["LICENSE", "not-there.pcap"])
def test_what_is_no_capture_is_2(name: str) -> None:
    done = run("compare", name)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(f"unpacket: {name}: ".encode())


OWN = f"own={quote(sys.executable)} examples/drivers/own.py"


def test_a_program_of_the_user() -> None:
    done = run("compare", SAMPLE, "--tool", f"{OWN} libtins", "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    (opinion,) = json.loads(done.stdout)["opinions"]
    assert (opinion["tool"], opinion["differences"]) == ("own", [])
    done = run("compare", SAMPLE, "--tool", f"{OWN} no-such-preset")
    assert done.returncode == 2
    assert b"\nown: no opinion: ValueError: no preset 'no-such-preset'" in done.stdout


@pytest.mark.parametrize(
    "value, reason",
    [
        pytest.param("libtins", "neither one of tshark, tcpflow, scapy nor NAME="),
        pytest.param("a b=true", "'a b' is not a name such as libtins"),
        pytest.param("a=", "'a=': no command"),
        pytest.param("a=no-such-program -x", "no program no-such-program"),
    ],
)
def test_a_tool_that_is_none(value: str, reason: str) -> None:
    done = invoke("compare", SAMPLE, "--tool", value)
    assert (done.exit_code, done.stdout) == (2, "")
    assert reason in done.stderr
