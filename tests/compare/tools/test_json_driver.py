"""Programs of others, which say what they make of a capture in lines of JSON."""

import sys
from pathlib import Path
from shlex import quote
from typing import Any

import pytest

from tests.builder import Conversation, write_pcap
from tests.drivers import COMPILERS, built
from unpacket.compare.comparison import compare
from unpacket.compare.tools.json_driver import Driver
from unpacket.compare.tools.programs import Limits, Runs, ToolError

CLIENT = "10.0.0.1:40000"
SERVER = "10.0.0.2:80"
ENDS = f'"source": "{CLIENT}", "target": "{SERVER}"'


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"question")
    talk.server(1, b"answer", ack=9)
    talk.client(9, ack=7)
    talk.farewell(9, 7)
    write_pcap(tmp_path / "talk.pcap", talk)
    return tmp_path / "talk.pcap"


def driver(lines: str, rest: str = "") -> Driver:
    """Return one that prints so, and then does what ``rest`` says."""
    code = f"import sys; sys.stdout.write({lines!r}); {rest}"
    return Driver("mine", f"{quote(sys.executable)} -c {quote(code)}")


def said(lines: str, tmp_path: Path, **limits: Any) -> list[Runs]:
    asked = driver(lines).said("a.pcap", tmp_path, Limits(**limits))
    return [one.runs for one in asked]


@pytest.mark.parametrize(
    ("fields", "runs"),
    [
        pytest.param('"hex": "4142"', [b"AB"], id="hex"),
        pytest.param('"base64": "QUI="', [b"AB"], id="base64"),
        pytest.param('"hex": ""', [], id="nothing"),
        pytest.param(
            '"runs": [{"hex": "41"}, {"gap": 7}, {"gap": 0}, {"base64": "Qg=="}]',
            [b"A", 7, b"B"],
            id="with a gap",
        ),
        pytest.param('"runs": []', [], id="no runs"),
    ],
)
def test_a_line_is_a_direction(fields: str, runs: Runs, tmp_path: Path) -> None:
    (one,) = driver(f"{{{ENDS}, {fields}}}\n").said("a.pcap", tmp_path, Limits())
    assert (str(one.source), str(one.target), one.runs) == (CLIENT, SERVER, runs)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("streams: 1", "no JSON", id="no JSON"),
        pytest.param("[1]", "no JSON object", id="no object"),
        pytest.param(f"{{{ENDS}}}", "neither hex, base64 nor the length of a gap"),
        pytest.param(f'{{{ENDS}, "runs": [{{"gap": -1}}]}}', "neither hex"),
        pytest.param(f'{{{ENDS}, "runs": [{{"gap": "1"}}]}}', "neither hex"),
        pytest.param(f'{{{ENDS}, "hex": "4"}}', "", id="half a byte"),
        pytest.param(f'{{{ENDS}, "base64": "!"}}', "", id="no base64"),
        pytest.param('{"hex": "41"}', "no source such as", id="no ends"),
        pytest.param('{"source": "10.0.0.1", "hex": ""}', "no source such as"),
        pytest.param(
            f'{{"source": "{CLIENT}", "target": 80, "hex": ""}}', "no target such as"
        ),
        pytest.param("[" * 100_000, "", id="too deep"),
    ],
)
def test_a_line_that_is_none(line: str, reason: str, tmp_path: Path) -> None:
    good = f'{{{ENDS}, "hex": ""}}\n'
    with pytest.raises(ToolError, match=f"^line 2 of its output: {reason}"):
        said(good + line + "\n", tmp_path)


def test_no_more_is_read_than_was_asked_for(tmp_path: Path) -> None:
    line = f'{{{ENDS}, "runs": [{{"hex": "4142"}}, {{"hex": "4344"}}]}}\n'
    assert said(9 * line, tmp_path, streams=2, stream_bytes=2) == [[b"AB"]] * 4


def test_its_opinion_is_compared(capture: Path) -> None:
    lines = (
        f'{{{ENDS}, "base64": "cXVlc3Rpb24="}}\n'
        f'{{"source": "{SERVER}", "target": "{CLIENT}", "hex": "616e53776572"}}\n'
    )
    (opinion,) = compare(capture, str(capture), tools=[driver(lines)]).opinions
    assert (opinion.tool, opinion.version, opinion.error) == ("mine", "", "")
    (one,) = opinion.differences
    assert (one.rule, one.offset, one.ours, one.theirs) == (
        "other_bytes",
        2,
        b"s",
        b"S",
    )


@pytest.mark.parametrize(
    ("rest", "error"),
    [
        pytest.param("sys.exit('no such\\nlibrary')", "library", id="it says why"),
        pytest.param("sys.exit(7)", "it ended with exit code 7", id="it does not"),
    ],
)
def test_one_that_fails_has_no_opinion(capture: Path, rest: str, error: str) -> None:
    (opinion,) = compare(capture, str(capture), tools=[driver("", rest)]).opinions
    assert (opinion.error, opinion.differences) == (error, [])


def test_the_capture_is_its_last_argument(
    capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not taken apart by a shell, and files are those of where one is."""
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "a driver.py"
    script.write_text(
        "import json, sys\n"
        "assert sys.argv[1:-1] == ['$HOME', '*'], sys.argv\n"
        "size = len(open(sys.argv[-1], 'rb').read())\n"
        f"print(json.dumps(dict(source={CLIENT!r}, target={SERVER!r},"
        " runs=[{'gap': size}])))\n"
    )
    command = f"{quote(sys.executable)} 'a driver.py' '$HOME' '*'"
    work = tmp_path / "work"
    work.mkdir()
    found = list(Driver("mine", command).said(str(capture), work, Limits()))
    assert [one.runs for one in found] == [[capture.stat().st_size]]


@pytest.mark.parametrize("command", ["", " ", "no-such-program-at-all", "'unfinished"])
def test_what_cannot_be_run(command: str) -> None:
    with pytest.raises(ValueError, match=r"no command|no program|No closing"):
        Driver("mine", command)


@pytest.mark.parametrize("name", COMPILERS)
def test_the_drivers_of_libraries(name: str, capture: Path, tmp_path: Path) -> None:
    tool = Driver(name, built(name, tmp_path))
    (opinion,) = compare(capture, str(capture), tools=[tool]).opinions
    assert (opinion.error, opinion.differences) == ("", [])
    # Nothing would agree as well if nothing were said.
    work = tmp_path / "work"
    work.mkdir()
    runs = {
        (str(one.source), str(one.target)): one.runs
        for one in tool.said(str(capture), work, Limits())
        if one.runs
    }
    assert runs == {(CLIENT, SERVER): [b"question"], (SERVER, CLIENT): [b"answer"]}
    wrong = tmp_path / "wrong.pcap"
    wrong.write_bytes(b"no capture at all, but some text")
    (opinion,) = compare(capture, str(wrong), tools=[tool]).opinions
    assert opinion.error
