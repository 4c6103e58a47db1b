"""Any text is a filter, or a mistake that says where; and a filter fits any stream."""

from tests.query.test_parser import DAY_NS, Facts
from unpacket import Endpoint
from unpacket.query.parser import Where, WhereError

STREAMS = [
    Facts(),
    Facts(
        id=0,
        client=Endpoint("2001:db8::1", 65535),
        server=Endpoint("::", 0),
        first_ns=-1,
        last_ns=1 << 62,
        gaps=([], []),
        conflicts=3,
        rejected={},
        close_reason="",
        complete=True,
    ),
]


def check(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    try:
        where = Where(text)
    except WhereError as error:
        assert str(error)
        assert 0 <= error.position <= len(text)
        return
    contrary = None
    # Else it is too long then, or too deep.
    if len(text) < 4000 and text.count("!") + text.count("not") + text.count("(") < 40:
        contrary = Where(f"not ({text})")
    for stream in STREAMS:
        for first_ns in (0, DAY_NS):
            answer = where.matches(stream, first_ns)
            early = where.early(stream, first_ns)
            assert early is None or early is answer
            if contrary is not None:
                assert contrary.matches(stream, first_ns) is not answer
