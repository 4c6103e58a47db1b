"""Every sentence that ``check`` prints is borne out by the frames."""

from pathlib import Path

import pytest

from tests.builder import ACK, RST, Conversation, write_pcap
from tests.cli.test_commands import invoke
from tests.sentences import Witness
from tests.shared import CONFORMANCE, shared_path
from unpacket import sources

# What is read here as plain Python in less than a minute.
SHORT_BYTES = 1_500_000

OWN = sorted((CONFORMANCE / "captures").glob("*.pcap*"))


def witness_of(path: Path) -> Witness:
    """Return what the frames of a capture say of what ``check`` prints."""
    frames = []
    with sources.open(path) as batches:
        for batch in batches:
            for index in range(len(batch)):
                number, time_ns, link_type, _, data = batch.frame(index)
                frames.append((number, time_ns, link_type, bytes(data)))
    witness = Witness(frames)
    done = invoke("check", path, "--examples", "20", "--no-policies", "-q")
    assert done.exception is None or done.exit_code in (0, 1), done.stderr
    if done.stdout.endswith("nothing to judge\n"):
        return witness
    witness.look_at(done.stdout)
    return witness


@pytest.mark.parametrize("path", OWN, ids=[path.stem for path in OWN])
def test_of_conformance_captures(path: Path) -> None:
    witness = witness_of(path)
    assert witness.verified >= 3
    assert not witness.wrong


@pytest.mark.filterwarnings("ignore::unpacket.errors.CaptureWarning")
def test_of_public_captures() -> None:
    folder = shared_path("captures", "files")
    short = [path for path in sorted(folder.iterdir()) if is_short(path)]
    verified = 0
    wrong = []
    for path in short:
        witness = witness_of(path)
        verified += witness.verified
        wrong += [f"{path.name}: {sentence}" for sentence in witness.wrong]
    assert verified > 1500
    assert not wrong


def is_short(path: Path) -> bool:
    return path.is_file() and path.stat().st_size <= SHORT_BYTES


def test_the_witness_contradicts(tmp_path: Path) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, b"good")
    talk.client(1, b"evil")
    talk.client(105, b"more")
    talk.server(1, ack=109)
    talk.server(1, ack=109, flags=RST | ACK)
    write_pcap(tmp_path / "some.pcap", talk)
    witness = witness_of(tmp_path / "some.pcap")
    assert not witness.wrong
    text = invoke("check", tmp_path / "some.pcap").stdout
    for true, false in (
        ("8 frames", "9 frames"),
        ("time never went back", "time went back 3 times"),
        ("100 bytes at offset 4, noticed", "4 bytes at offset 104, noticed"),
        ("not, frame 5", "not, frame 7"),
        ("(10.0.0.1:40000 > 10.0.0.2:80): 100", "(10.0.0.9:4 > 10.0.0.2:80): 100"),
    ):
        assert true in text
        liar = Witness(witness.frames)
        liar.look_at(text.replace(true, false))
        assert liar.wrong, false
