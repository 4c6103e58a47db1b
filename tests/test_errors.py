"""Every error survives the way back from a worker process."""

import pickle

import pytest

from unpacket.errors import (
    CaptureWarning,
    FormatError,
    GapError,
    LimitError,
    SinkError,
    SourceError,
    UnpacketError,
)

ERRORS = [
    pytest.param(SourceError("a.pcap", "no such file"), "a.pcap: no such file", id="s"),
    pytest.param(FormatError("a.pcap", 24, "cut"), "a.pcap: byte 24: cut", id="f"),
    pytest.param(SinkError("out/a", "disk full"), "out/a: disk full", id="k"),
    pytest.param(CaptureWarning("a.pcap", 24, "cut"), "a.pcap: byte 24: cut", id="w"),
    pytest.param(
        GapError(3, "server", 10, 1448, "not_captured", 2),
        "stream 3: 1448 bytes of the server at offset 10 missing (not_captured), in "
        "the first of 2 gaps; runs(Direction.SERVER) gives what lies between gaps with "
        'its offsets, gaps="zeros" puts zeros there, gaps="join" leaves nothing',
        id="g",
    ),
    pytest.param(
        LimitError("max_streams", 7), "the limit max_streams=7 was reached", id="l"
    ),
]


@pytest.mark.parametrize(("error", "sentence"), ERRORS)
def test_says_what_is_wrong_and_pickles(error: Exception, sentence: str) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert again.args == error.args
    assert vars(again) == vars(error)
    assert str(again) == str(error) == sentence


def test_the_tree() -> None:
    assert issubclass(FormatError, SourceError)
    assert issubclass(SourceError, UnpacketError)
    assert issubclass(SinkError, UnpacketError)
    assert issubclass(LimitError, UnpacketError)
    assert issubclass(CaptureWarning, Warning)
    assert not issubclass(CaptureWarning, UnpacketError)
