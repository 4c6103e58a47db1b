"""What is known of a stream, as JSON: what the compiled core writes of each.

A list of streams has a line for each, and is as long as the capture is. The standard
library's encoder is for any object, and took longer than reassembly. The names are
those of ``facts``: a test compares each line with what ``facts`` makes of the stream.
"""

from unpacket._core.constants import IS_CLIENT
from unpacket._core.reassembly.half import (
    Half,
    delivered_of,
    duplicates_of,
    other_channel_of,
    packets_of,
    retransmissions_of,
)
from unpacket._core.reassembly.stream import Stream, address_text, side
from unpacket.records.text import Text
from unpacket.records.times import apart

# The facts that are written here; others are members that the caller puts in.
WRITTEN = (
    "id",
    "address",
    "port",
    "packets",
    "duplicates",
    "other_channel",
    "retransmissions",
    "bytes",
    "role_evidence",
    "path",
    "start",
    "end",
    "duration",
    "first_frame",
    "close_reason",
    "complete",
)


def json_line(
    stream: Stream, client_members: str, server_members: str, members: str
) -> str:
    """Return a JSON object in one line, as ``json.dumps`` would without spaces.

    Args:
        client_members, server_members, members: What else to put into the objects of
            the sides and of the stream, each empty or with a comma at its beginning.
    """
    text = Text()
    put_line(text, stream, client_members, server_members, members)
    text.put("}")
    return text.take().decode()


def put_line(
    text: Text, stream: Stream, client_members: str, server_members: str, members: str
) -> None:
    """Add that object to a text, without the brace at its end."""
    # What stands in quotes here is of letters that JSON leaves as they are: addresses,
    # times, and names of ours.
    client_is_a = stream.client_is_a()
    start_ns = stream.first_ns
    end_ns = stream.last_ns
    reason = stream.close_reason
    text.put('{"id":')
    text.number(stream.id)
    text.put(',"client":{"address":"')
    put_side(text, stream, client_is_a, half_of(stream, IS_CLIENT))
    text.put(client_members)
    text.put('},"server":{"address":"')
    put_side(text, stream, not client_is_a, half_of(stream, 0))
    text.put(server_members)
    text.put('},"role_evidence":"')
    text.put(stream.role_evidence)
    text.put('","path":"')
    text.put(stream.path)
    text.put('","start":"')
    text.time(start_ns)
    text.put('","start_ns":')
    text.number(start_ns)
    text.put(',"end":"')
    text.time(end_ns)
    text.put('","end_ns":')
    text.number(end_ns)
    text.put(',"duration_ns":')
    if start_ns < 0 < end_ns:
        # What lies between them may be beyond 64 bits.
        text.put(apart(start_ns, end_ns))
    else:
        text.number(end_ns - start_ns)
    text.put(',"first_frame":')
    text.number(stream.first_frame)
    if reason is None:
        text.put(',"close_reason":null')
    else:
        text.put(',"close_reason":"')
        text.put(reason)
        text.put('"')
    text.put(',"complete":true' if stream.complete else ',"complete":false')
    text.put(members)


def put_side(text: Text, stream: Stream, first: bool, half: Half | None) -> None:
    """Add what is known of a side, behind the name of its address."""
    if stream.family == 4:
        put_address(text, stream.a_lo if first else stream.b_lo)
    else:
        text.put(address_text(stream, first))
    text.put('","port":')
    text.number(stream.ports >> 16 if first else stream.ports & 0xFFFF)
    text.put(',"packets":')
    text.number(packets_of(half))
    text.put(',"duplicates":')
    text.number(duplicates_of(half))
    text.put(',"other_channel":')
    text.number(other_channel_of(half))
    text.put(',"retransmissions":')
    text.number(retransmissions_of(half))
    text.put(',"bytes":')
    text.number(delivered_of(half))


def plain_description(stream: Stream) -> str:
    """Return in a few lines what a stream is of which nothing is missing or wrong."""
    text = Text()
    client_is_a = stream.client_is_a()
    text.put("stream ")
    text.number(stream.id)
    text.put(": ")
    put_printed(text, stream, client_is_a)
    text.put(" > ")
    put_printed(text, stream, not client_is_a)
    if stream.role_evidence != "syn":
        text.put(" (client known by: ")
        text.put(stream.role_evidence)
        text.put(")")
    text.put("\nfirst frame: ")
    text.number(stream.first_frame)
    text.put(" (numbers are the capture's)\nclient: ")
    text.number(delivered_of(half_of(stream, IS_CLIENT)))
    text.put(" bytes\nserver: ")
    text.number(delivered_of(half_of(stream, 0)))
    text.put(" bytes")
    return text.text()


def put_printed(text: Text, stream: Stream, first: bool) -> None:
    """Add one end, as an ``Endpoint`` prints."""
    if stream.family == 4:
        put_address(text, stream.a_lo if first else stream.b_lo)
    else:
        text.put("[")
        text.put(address_text(stream, first))
        text.put("]")
    text.put(":")
    text.number(stream.ports >> 16 if first else stream.ports & 0xFFFF)


def put_address(text: Text, address: int) -> None:
    """Add an IPv4 address."""
    text.number(address >> 24)
    for shift in (16, 8, 0):
        text.put(".")
        text.number(address >> shift & 255)


def half_of(stream: Stream, flag: int) -> Half | None:
    """Return the client's half, or with a flag of 0 the server's, if it was seen."""
    half = side(stream, True)
    if half is not None and half.flags & IS_CLIENT == flag:
        return half
    half = side(stream, False)
    if half is not None and half.flags & IS_CLIENT == flag:
        return half
    return None
