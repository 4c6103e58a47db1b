"""Names of files: what fields say, and that no name leads out of the directory."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builder import Conversation, End
from unpacket import Assembler, Direction, Opened, Stream
from unpacket.sinks.names import FIELDS, TCPFLOW, Template

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER


def stream(client: End, server: End) -> Stream:
    talk = Conversation(client, server)
    talk.handshake()
    opened = Assembler().feed(talk.batch())[0]
    assert isinstance(opened, Opened)
    return opened.stream


FOUR = stream(("10.0.0.1", 40000), ("10.0.0.2", 80))
SIX = stream(("2001:db8::1", 40000), ("2001:db8::2", 80))


@pytest.mark.parametrize(
    ("text", "direction", "again", "expected"),
    [
        pytest.param(
            TCPFLOW,
            CLIENT,
            0,
            "010.000.000.001.40000-010.000.000.002.00080",
            id="as tcpflow",
        ),
        pytest.param(
            TCPFLOW,
            SERVER,
            2,
            "010.000.000.002.00080-010.000.000.001.40000c2",
            id="as tcpflow, taken twice",
        ),
        pytest.param("{id:06}-{side}", SERVER, 0, "000000-server", id="id and side"),
        pytest.param("{id}{again}.bin", CLIENT, 1, "0c1.bin", id="again where wanted"),
        pytest.param("{id}.bin", CLIENT, 1, "0.binc1", id="again at the end"),
        pytest.param("{server}/{side}", None, 0, "10.0.0.2/both", id="a folder"),
        pytest.param("{{{id}}}", CLIENT, 0, "{0}", id="braces"),
    ],
)
def test_what_a_template_gives(
    text: str, direction: Direction | None, again: int, expected: str
) -> None:
    assert Template(text).name(FOUR, direction, again) == expected


def test_ipv6_is_written_as_it_is() -> None:
    name = Template(TCPFLOW).name(SIX, SERVER)
    assert name == "2001:db8::2.00080-2001:db8::1.40000"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/{id}",
        "../{id}",
        "{id}/../../{side}",
        "{id}/..",
        ".{again}.",
        ".{again}./x",
        "{id}//x",
        "{id}/",
        "{id}\0",
        "{id:c}",
        "{id:/>4}",
        "{id.__class__}",
        "{id!r}",
        "{id:{frame}}",
        "{nonsense}",
        "{0}",
        "{}",
        "{id",
        "{side:d}",
    ],
)
def test_what_is_no_template(text: str) -> None:
    with pytest.raises(ValueError, match=r"template|field|names|filled"):
        Template(text)


PIECES = st.sampled_from(
    [".", "..", "/", "a", "{again}", *(f"{{{n}}}" for n in FIELDS)]
)


@given(st.lists(PIECES, max_size=6).map("".join), st.sampled_from([FOUR, SIX]))
def test_no_name_leads_out_of_the_directory(text: str, of: Stream) -> None:
    try:
        template = Template(text)
    except ValueError:
        return
    for direction in (CLIENT, SERVER, None):
        for again in (0, 1):
            path = os.path.normpath(f"/in/here/{template.name(of, direction, again)}")
            assert path.startswith("/in/here/")
