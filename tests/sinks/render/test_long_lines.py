"""Lines of text that are bounded, for a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builder import Conversation
from unpacket import Policy, events
from unpacket.sinks.render.follow import renderer

LONGEST = 16


def rendered(payloads: list[bytes], longest: int | None) -> bytes:
    """Return what a client said, as text without remarks."""
    talk = Conversation()
    talk.handshake()
    seq = 1
    for payload in payloads:
        talk.client(seq, payload)
        seq += len(payload)
    rendering = renderer("utf8", remarks=False, longest=longest)
    found = events(talk.packets, policy=Policy())
    return b"".join(rendering.render(event) for event in found)


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=6))
def test_nothing_but_ends_of_lines_is_added(payloads: list[bytes]) -> None:
    plain = rendered(payloads, None)
    broken = rendered(payloads, LONGEST)
    lines = broken.split(b"\n")
    assert all(len(line) <= LONGEST + len(b"> ") for line in lines)
    for line in lines:
        line.decode()
    assert broken.replace(b"\n> ", b"") == plain.replace(b"\n> ", b"")


@pytest.mark.parametrize("form", ["ascii", "ebcdic"])
def test_other_forms_are_bounded_too(form: str) -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(1, bytes(100))
    rendering = renderer(form, remarks=False, longest=LONGEST)
    text = b"".join(map(rendering.render, events(talk.packets)))
    assert max(map(len, text.split(b"\n"))) == LONGEST + 2
