"""What is known of a stream, as JSON: the part that is alike for each of them.

A list of streams has a line for each, and is as long as the capture is. The standard
library's encoder is for any object, and took longer than reassembly.
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


def told(stream: Stream, digests: str, troubles: str) -> str:
    """Return a JSON object in one line, as ``json.dumps`` would without spaces.

    Args:
        digests, troubles: Members to put in, each empty or with a comma at its end.
    """
    text = Text()
    tell(text, stream, digests, troubles)
    text.put("}")
    return text.take().decode()


def tell(text: Text, stream: Stream, digests: str, troubles: str) -> None:
    """Add that object to a text, without the brace at its end."""
    # What stands in quotes here is of letters that JSON leaves as they are: addresses,
    # and names of ours.
    client = half_of(stream, IS_CLIENT)
    server = half_of(stream, 0)
    client_is_a = stream.client_is_a()
    reason = stream.close_reason
    text.put('{"id":')
    text.number(stream.id)
    put_end(text, ',"client":', stream, client_is_a)
    put_end(text, ',"server":', stream, not client_is_a)
    text.put(',"role_evidence":"')
    text.put(stream.role_evidence)
    text.put('","path":"')
    text.put(stream.path)
    text.put('","first_ns":')
    text.number(stream.first_ns)
    text.put(',"last_ns":')
    text.number(stream.last_ns)
    text.put(',"packets":')
    put_pair(text, packets_of(client), packets_of(server))
    text.put(',"duplicates":')
    put_pair(text, duplicates_of(client), duplicates_of(server))
    text.put(',"other_channel":')
    put_pair(text, other_channel_of(client), other_channel_of(server))
    text.put(',"retransmissions":')
    put_pair(text, retransmissions_of(client), retransmissions_of(server))
    text.put(',"bytes":')
    put_pair(text, delivered_of(client), delivered_of(server))
    text.put(",")
    text.put(digests)
    text.put(troubles)
    text.put('"close_reason":')
    if reason is None:
        text.put("null")
    else:
        text.put('"')
        text.put(reason)
        text.put('"')
    text.put(',"complete":true' if stream.complete else ',"complete":false')


def described(stream: Stream) -> str:
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


def put_end(text: Text, name: str, stream: Stream, first: bool) -> None:
    """Add address and port of one end."""
    text.put(name)
    text.put('{"address":"')
    if stream.family == 4:
        put_address(text, stream.a_lo if first else stream.b_lo)
    else:
        text.put(address_text(stream, first))
    text.put('","port":')
    text.number(stream.ports >> 16 if first else stream.ports & 0xFFFF)
    text.put("}")


def put_address(text: Text, address: int) -> None:
    """Add an IPv4 address."""
    text.number(address >> 24)
    for shift in (16, 8, 0):
        text.put(".")
        text.number(address >> shift & 255)


def put_pair(text: Text, client: int, server: int) -> None:
    """Add an object with a number for each side."""
    text.put('{"client":')
    text.number(client)
    text.put(',"server":')
    text.number(server)
    text.put("}")


def half_of(stream: Stream, flag: int) -> Half | None:
    """Return the client's half, or with a flag of 0 the server's, if it was seen."""
    half = side(stream, True)
    if half is not None and half.flags & IS_CLIENT == flag:
        return half
    half = side(stream, False)
    if half is not None and half.flags & IS_CLIENT == flag:
        return half
    return None
