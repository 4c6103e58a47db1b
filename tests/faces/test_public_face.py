"""What help, completion and signatures show of the classes is what users may use."""

import inspect
import pydoc
import sys
from typing import Any

import pytest

import unpacket
from tests.documents.running import SAMPLE
from unpacket import Assembler, Stream
from unpacket._core.reassembly import stream as core

COMPILED = not core.__file__.endswith(".py")

# All that a stream can be asked. What is new here is to be documented.
PUBLIC = {
    "acknowledged",
    "capture_drops",
    "client",
    "client_process",
    "close_reason",
    "complete",
    "context",
    "counts",
    "delivered_bytes",
    "duplicates",
    "finished",
    "first_frame",
    "first_ns",
    "first_sender",
    "id",
    "is_partial",
    "last_ns",
    "link_type",
    "mss",
    "next_seq",
    "offset_of",
    "other_channel",
    "packets",
    "path",
    "process_source",
    "retransmissions",
    "role_evidence",
    "sack_permitted",
    "seen_bytes",
    "server",
    "server_process",
    "state",
    "window_scale",
}

needs_compiled = pytest.mark.skipif(
    not COMPILED, reason="uncompiled, the attributes of the core are plain Python"
)


def a_stream() -> Stream:
    for stream in unpacket.summaries(SAMPLE):
        return stream._facts
    raise AssertionError("the sample has streams")


@needs_compiled
def test_completion_shows_the_public_face_of_a_stream() -> None:
    shown = {name for name in dir(a_stream()) if not name.startswith("_")}
    assert shown == PUBLIC


def test_each_public_name_of_a_stream_is_there() -> None:
    assert set(dir(a_stream())) >= PUBLIC


@needs_compiled
@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_nothing_of_a_stream_can_be_set(name: str) -> None:
    stream = a_stream()
    with pytest.raises(AttributeError):
        setattr(stream, name, 1)


@needs_compiled
@pytest.mark.parametrize(
    "name", ["half_a", "slot", "candidate", "seen_ns", "latest_ns", "reason", "half"]
)
def test_what_is_the_cores_own_is_not_to_be_had(name: str) -> None:
    stream = a_stream()
    assert not hasattr(stream, name)
    with pytest.raises(AttributeError):
        setattr(stream, name, 1)
    assert name not in pydoc.plain(pydoc.render_doc(Stream)).split()


def test_an_assembler_shows_what_it_takes() -> None:
    shown = inspect.signature(Assembler)
    assert {name: one.default for name, one in shown.parameters.items()} == {
        "policy": None,
        "data": True,
        "notes": False,
        "sums": False,
    }
    kinds = [one.kind for one in shown.parameters.values()]
    assert kinds[1:] == [inspect.Parameter.KEYWORD_ONLY] * 3


def test_an_assembler_takes_what_it_shows() -> None:
    Assembler(None, data=True, notes=False, sums=False)
    with pytest.raises(TypeError):
        Assembler(None, True)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "name", ["events", "streams", "summaries", "events_async", "StreamFollower"]
)
def test_every_option_of_a_face_has_a_name(name: str) -> None:
    shown = inspect.signature(getattr(unpacket, name))
    kinds = {one.kind for one in shown.parameters.values()}
    assert inspect.Parameter.VAR_KEYWORD not in kinds
    assert inspect.Parameter.VAR_POSITIONAL not in kinds


def test_the_module_shows_its_names_and_has_no_others() -> None:
    assert set(unpacket.__all__) <= set(dir(unpacket))
    module: Any = unpacket
    with pytest.raises(AttributeError, match="nonsense"):
        module.nonsense  # noqa: B018


def test_types_are_to_be_had_from_the_module() -> None:
    assert unpacket.typing is sys.modules["unpacket.typing"]
    for name in unpacket.typing.__all__:
        assert getattr(unpacket.typing, name) is not None
