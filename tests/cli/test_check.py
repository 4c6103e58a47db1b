"""``unpacket check`` as a user meets it."""

import json
import re
from pathlib import Path

import pytest

from tests.builder import FIN, Conversation, write_pcap
from tests.cli.test_commands import ROOT, SAMPLE, invoke, run
from tests.sources.writing import enhanced, interface, section
from unpacket import Policy
from unpacket.cli.check_answers import percent
from unpacket.integrity.checker import check

pytestmark = pytest.mark.skipif(
    not (ROOT / SAMPLE).exists(), reason="the examples are not part of this copy"
)

QUESTIONS = [
    "damage",
    "drops",
    "loss",
    "gaps",
    "one sided",
    "rejected",
    "unplaced",
    "conflicts",
    "policies",
    "twice",
]
QUESTIONS += ["checksums", "clock", "frames", "fragments", "limits"]


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def ambiguous(tmp_path: Path) -> Path:
    """A capture of which overlap policies make two streams."""
    talk = Conversation()
    talk.handshake()
    talk.client(5, b"GOOD\x1b[31m")
    talk.client(5, b"EVIL\x1b[31m")
    talk.client(1, b"____")
    talk.server(1, ack=14)
    talk.farewell(14, 1)
    write_pcap(tmp_path / "ambiguous.pcap", talk)
    return tmp_path / "ambiguous.pcap"


def test_every_question_has_its_line() -> None:
    done = invoke("check", SAMPLE)
    assert (done.exit_code, done.stderr) == (1, "")
    heading, *lines, verdict = done.stdout.splitlines()
    assert heading.startswith(f"{SAMPLE}: 300 frames in 0.582 s, 300 TCP segments, 9 ")
    asked = [line[2:12].strip() for line in lines if not line.startswith("    ")]
    assert asked == QUESTIONS
    bad = [line[2:12].strip() for line in lines if line.startswith("! ")]
    # The capture program itself said so, and so does the traffic.
    assert bad == ["drops", "loss"]
    assert "the capture says that it lost 6 packets" in done.stdout
    assert verdict == "something is wrong: drops, loss"
    assert "3 segments (4344 bytes, 3 % of the payload)" in done.stdout
    found = re.findall(r"stream (\d) (\w+) .*: 1448 bytes at offset (\d+)", done.stdout)
    assert found == [
        ("1", "server", "36390"),
        ("7", "client", "8688"),
        (
            "2",
            "server",
            "397",
        ),
    ]


def test_all_is_well_is_0(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"question")
    talk.farewell(9, 1)
    write_pcap(tmp_path / "fine.pcap", talk)
    done = invoke("check", tmp_path / "fine.pcap")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith("\nall is well\n")
    assert "\n! " not in done.stdout
    assert "the capture does not say what it lost" in done.stdout


def test_json_is_the_report() -> None:
    done = invoke("check", SAMPLE, "--json")
    assert (done.exit_code, done.stderr) == (1, "")
    assert done.stdout.count("\n") == 1
    assert json.loads(done.stdout) == check(SAMPLE).to_dict()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_how_many_examples(count: int) -> None:
    done = invoke("check", SAMPLE, "--examples", str(count))
    assert done.stdout.count("noticed at frame") == count


def test_versions_stand_side_by_side(ambiguous: Path) -> None:
    done = invoke("check", ambiguous)
    assert done.exit_code == 1
    lines = [line.strip() for line in done.stdout.splitlines()]
    at = lines.index(
        "stream 0 client (10.0.0.1:40000 > 10.0.0.2:80): 4 bytes at offset 4"
    )
    assert re.fullmatch(r"kept, frame 4 +not, frame 5", lines[at + 1])
    assert lines[at + 2] == "47 4f 4f 44  GOOD   45 56 49 4c  EVIL"
    assert "1 stream would be another under another overlap policy" in done.stdout
    assert re.search(r"^ +first, vista, .*  GOOD$", done.stdout, re.MULTILINE)
    assert re.search(r"^ +old-linux, .*  EVIL$", done.stdout, re.MULTILINE)
    assert "\x1b" not in done.stdout
    once = invoke("check", ambiguous, "--no-policies")
    assert "not compared: not asked" in once.stdout


def test_a_pipe_can_be_read_only_once(ambiguous: Path) -> None:
    done = run("check", "-", stdin=ambiguous.read_bytes())
    assert done.returncode == 1
    assert b"not compared: the source can be read only once" in done.stdout
    assert b"something is wrong: conflicts\n" in done.stdout


def test_a_capture_without_streams_is_1(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pcap"
    write_pcap(empty, [])
    done = invoke("check", empty)
    assert done.exit_code == 1
    said = done.stdout.splitlines()[1:]
    assert [line[2:12].strip() for line in said] == [
        "damage",
        "drops",
        "frames",
        "thing to j",
    ]
    assert done.stderr == f"unpacket: no TCP streams in {empty}\n"
    done = invoke("check", SAMPLE, "--where", "id == 99")
    assert (done.exit_code, done.stderr) == (
        1,
        f"unpacket: no stream passes --where in {SAMPLE}\n",
    )


def test_damage_is_reported(tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes((ROOT / SAMPLE).read_bytes()[:60_000])
    done = run("check", str(cut))
    assert done.returncode == 1
    assert f"{cut}: byte 58636: " in done.stdout.decode()
    assert b"\n! damage " in b"\n" + done.stdout
    strict = run("check", str(cut), "--strict")
    assert strict.returncode == 2
    assert f"unpacket: {cut}: byte 58636: " in strict.stderr.decode()


@pytest.mark.parametrize("name", ["LICENSE", "not-there.pcap"])
def test_what_is_no_capture_is_2(name: str) -> None:
    done = run("check", name)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(f"unpacket: {name}: ".encode())


def test_color() -> None:
    assert "\x1b" not in invoke("check", SAMPLE).stdout
    assert "\x1b[1;31m! loss" in invoke("check", SAMPLE, "--color", "always").stdout


def test_what_was_captured_twice_is_told(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    frame = talk.client(1, b"question", identification=7)
    talk.frames.append(frame._replace(time_ns=frame.time_ns + 5000))
    path = tmp_path / "span.pcap"
    write_pcap(path, talk.frames)
    lines = invoke("check", str(path)).stdout.splitlines()
    (at,) = [n for n, line in enumerate(lines) if line.startswith("  twice")]
    assert lines[at].split(maxsplit=1)[1] == (
        "1 packet in 1 stream twice (two taps, a mirror port, or the network itself); "
        "0 retransmissions:"
    )
    assert lines[at + 1].strip() == "stream 0: frame 5 is a copy of 4"
    lines = invoke("check", str(path), "--duplicate-window", "0").stdout.splitlines()
    (said,) = [line for line in lines if line.startswith("  twice")]
    assert said.endswith("no packet is twice in the capture; 1 retransmission")


def test_what_came_by_another_channel_is_told(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"question")
    talk.farewell(9, 1)
    blocks = [
        enhanced("<", number, frame.time_ns // 1000, frame.data, frame.original)
        for frame in talk.frames
        for number in (1, 0)
    ]
    path = tmp_path / "both.pcapng"
    path.write_bytes(section("<") + 2 * interface("<") + b"".join(blocks))
    result = invoke("check", str(path), "--channel", "interface")
    (said,) = [line for line in result.stdout.splitlines() if "  twice" in line]
    assert said.split(maxsplit=1)[1] == (
        "no packet is twice in the capture; 0 retransmissions; "
        "6 packets of 1 stream by another channel"
    )
    assert result.exit_code == 0
    told = json.loads(invoke("check", str(path), "--json", "--channel", "mac").stdout)
    assert told["other_channel"] == {"count": 0, "streams": 0}
    told = json.loads(
        invoke("streams", str(path), "--json", "--channel", "interface").stdout
    )
    sides = ("client", "server")
    by_side = [(told[side]["other_channel"], told[side]["packets"]) for side in sides]
    assert by_side == [(4, 5), (2, 2)]
    passing = ("--where", "other_channel == 6", "--channel", "interface")
    assert invoke("streams", str(path), *passing).exit_code == 0
    assert invoke("streams", str(path), *passing[:2]).exit_code == 1
    # The parts have what was taken, and need no option any more.
    parts = tmp_path / "parts"
    invoke("split", str(path), "-o", str(parts), "--channel", "interface")
    (part,) = parts.glob("*.pcapng")
    again = json.loads(invoke("streams", str(part), "--json").stdout)
    for side in sides:
        assert again[side]["packets"] == told[side]["packets"]
        assert again[side]["duplicates"] == again[side]["retransmissions"] == 0
        assert again[side]["other_channel"] == 0
    out = tmp_path / "out"
    invoke("extract", str(path), "-o", str(out), "--channel", "interface")
    index = json.loads((out / "index.jsonl").read_text())
    for side in sides:
        assert index[side]["other_channel"] == told[side]["other_channel"]
    followed = invoke("follow", str(path), "--channel", "interface").stdout
    assert followed.count("question") == 1


def lines_of(talk: Conversation, path: Path, *options: str) -> dict[str, str]:
    """Return what check answers, by question, and its details below."""
    write_pcap(path, talk)
    answers: dict[str, str] = {}
    name = ""
    for line in invoke("check", path, *options).stdout.splitlines()[1:]:
        if not line.startswith("    "):
            name = line[2:12].strip()
            answers[name] = line[14:]
        else:
            answers[name] += f"\n{line.strip()}"
    return answers


def test_what_idle_time_cut_had_not_begun_before_the_capture(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"before")
    talk.client(7, b"after", at_ns=1000 * 10**9)
    said = lines_of(talk, tmp_path / "a.pcap", "--idle-timeout", "100s")
    assert "without a SYN" not in said["one sided"]
    assert "1 stream went on after having been given up" in said["one sided"]
    assert said["limits"] == "1 stream closed by timeout"
    began = Conversation()
    began.client(7, b"after")
    said = lines_of(began, tmp_path / "b.pcap")
    assert "1 stream without a SYN: it came before the capture" in said["one sided"]


def test_each_step_back_of_the_clock_is_named_once(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"a", at_ns=10**9)
    talk.client(2, b"b", at_ns=5 * 10**8)
    talk.client(3, b"c")
    talk.client(4, b"d", at_ns=10**8)
    said = lines_of(talk, tmp_path / "back.pcap")
    assert said["clock"] == (
        "time went back 2 times\n"
        "frame 5: 0.500000000 s before the one in front\n"
        "frame 7: 0.401000000 s before the one in front"
    )


def test_fragments_of_which_nothing_came_are_no_missing_fragments(
    tmp_path: Path,
) -> None:
    talk = Conversation()
    talk.handshake()
    frame = talk.client(1, b"x" * 40)
    part = bytearray(frame.data)
    # More fragments follow, but none does.
    at = len(frame.data) - 80 + 6
    part[at : at + 2] = (0x2000).to_bytes(2, "big")
    talk.frames[-1] = frame._replace(data=bytes(part))
    said = lines_of(talk, tmp_path / "part.pcap")
    assert said["fragments"].startswith("0 datagrams put together of fragments; 1 frag")


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (0.00001, "less than 0.01 %"),
        (0.000123, "0.012 %"),
        (0.034, "3.4 %"),
        (0.5, "50 %"),
        (0.9999, "more than 99 %"),
        (1.0, "100 %"),
    ],
)
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text


def test_the_sender_comes_first(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.server(1, b"answer", ack=1)
    talk.server(17, b"more", ack=1)
    talk.client(1, ack=21)
    said = lines_of(talk, tmp_path / "lost.pcap")
    assert "stream 0 server (10.0.0.2:80 > 10.0.0.1:40000): 10 bytes" in said["loss"]


@pytest.mark.parametrize("preset", ["default", "linux"])
def test_a_fin_that_came_again_is_a_retransmission(preset: str, tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"question")
    for _ in range(3):
        talk.client(9, ack=1, flags=FIN)
    talk.server(1, ack=10)
    talk.farewell(9, 1)
    options = () if preset == "default" else ("--preset", preset)
    said = lines_of(talk, tmp_path / "fin.pcap", *options)
    assert said["twice"] == "no packet is twice in the capture; 3 retransmissions"


@pytest.mark.parametrize("apart_s", [3, 40])
def test_two_captures_whose_clocks_are_apart(apart_s: int, tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake(identification=7)
    for number in range(30):
        talk.client(1 + 8 * number, b"question", identification=100 + number)
    talk.server(1, ack=241)
    talk.farewell(241, 1)
    shift_ns = apart_s * 10**9
    late = [one._replace(time_ns=one.time_ns + shift_ns) for one in talk.frames]
    talk.frames = sorted(talk.frames + late)
    said = lines_of(talk, tmp_path / "two.pcap")
    assert f"came again some {apart_s}.000 s later" in said["clock"]
    assert "clock" in check(tmp_path / "two.pcap").wrong


def test_what_was_sent_again_is_no_second_clock(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    for number in range(60):
        talk.client(1 + 8 * (number // 2), b"question", identification=100 + number)
    write_pcap(tmp_path / "again.pcap", talk)
    report = check(tmp_path / "again.pcap")
    assert report.retransmissions == 30
    assert report.clocks_apart is None


def test_udp_that_looks_like_a_tunnel_is_named() -> None:
    capture = ROOT / "tests" / "faults" / "captures" / "60-vxlan-other-port.pcap"
    hint = "9 udp look like a tunnel: --decode-as udp:4800=vxlan"
    assert f"\n              {hint}\n" in invoke("check", capture).stdout
    report = check(capture)
    assert report.lookalikes == {"udp:4800=vxlan": 9}
    policy = Policy(decode_as=tuple(report.lookalikes))
    report = check(capture, policy=policy)
    assert (report.streams, report.lookalikes) == (1, {})
