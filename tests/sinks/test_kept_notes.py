"""What a part of a capture keeps of its notes: comments, names, keys."""

from pathlib import Path

from tests.builder import Conversation, Frame
from tests.cli.test_commands import invoke
from tests.sources.writing import block, enhanced, interface, option, section
from unpacket import sources
from unpacket.sinks.pcapng import decryption_secrets, name_resolution

RANDOM = bytes(range(32))
OTHER = bytes(32)
LOG = (
    f"CLIENT_RANDOM {RANDOM.hex()} {'ab' * 48}\n"
    f"CLIENT_RANDOM {OTHER.hex()} {'cd' * 48}\n# a comment\nwhat else\n"
).encode()
HELLO = b"\x16\x03\x01\x00\x2c\x01\x00\x00\x28\x03\x03" + RANDOM + bytes(8)


def capture(path: Path) -> Path:
    """A capture of two conversations, TLS and another, with all kinds of notes."""
    tls = Conversation(link_type=101)
    tls.handshake()
    tls.client(1, HELLO)
    other = Conversation(client=("10.0.0.9", 999), link_type=101)
    other.handshake()
    other.client(1, b"plain")
    # UDP, with nothing in it.
    datagram = bytearray(20 + 8)
    datagram[0], datagram[3], datagram[8], datagram[9] = 0x45, 28, 64, 17
    datagram[25] = 8
    loose = [Frame(0, bytes(datagram), 101, len(datagram))]
    blocks = [
        block("<", 0x0A0D0D0A, section("<")[8:-4] + option("<", 1, b"of the whole")),
        interface("<", link_type=101),
        name_resolution({"10.0.0.1": ["alice"], "10.9.9.9": ["nobody"]}),
        decryption_secrets(0x544C534B, LOG),
        decryption_secrets(0x5353484B, b"ssh key"),
    ]
    for number, frame in enumerate([*tls.frames, *other.frames, *loose], 1):
        data = enhanced("<", 0, frame.time_ns // 1000, frame.data, frame.original)
        if number == 4:
            body = data[8:-4] + option("<", 1, b"here it begins") + bytes(4)
            data = block("<", 6, body)
        blocks.append(data)
    path.write_bytes(b"".join(blocks))
    return path


def test_each_part_keeps_what_belongs_to_it(tmp_path: Path) -> None:
    path = capture(tmp_path / "whole.pcapng")
    done = invoke("split", path, "-o", tmp_path / "out", "--name", "{id}.pcapng")
    assert "1 frame of no TCP stream left out: 1 udp" in done.stderr
    found = []
    for number in range(2):
        with sources.open(tmp_path / "out" / f"{number}.pcapng") as source:
            assert sum(batch.count for batch in source) == 4
            found.append(source.notes)
    tls, other = found
    assert {one.text for one in other.comments if one.frame} == {
        "closed: end_of_capture"
    }
    assert [one.text for one in tls.comments if one.frame] == ["here it begins"]
    for notes in found:
        assert "of the whole" in [one.text for one in notes.comments]
        assert ("ssh", b"ssh key") in notes.secrets
    assert tls.names == {"10.0.0.1": ["alice"]}
    assert other.names == {}
    assert [one for one in tls.secrets if one.kind == "tls"] == [
        ("tls", LOG.splitlines()[0] + b"\n")
    ]
    assert not [one for one in other.secrets if one.kind == "tls"]
