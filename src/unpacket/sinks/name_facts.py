"""What names of files are made of: the facts of a stream by their codes.

A capture has as many names as it has streams, two for each, and more than half of the
time that they took was calls for single fields.
"""

from unpacket._core.constants import (
    NAME_CLIENT_ADDRESS,
    NAME_CLIENT_PORT,
    NAME_FRAME,
    NAME_FROM,
    NAME_FROM_PORT,
    NAME_ID,
    NAME_SERVER_ADDRESS,
    NAME_SERVER_PORT,
    NAME_SIDE,
    NAME_TIME_NS,
    NAME_TIME_S,
    NAME_TO,
    NAME_TO_PORT,
    NS,
)
from unpacket._core.reassembly.direction import CLIENT, SERVER, Direction
from unpacket._core.reassembly.stream import Stream, address_text
from unpacket.records.text import Text

# What stands for both directions, beside those of CLIENT and SERVER.
BOTH = 2
SIDES = (str(CLIENT), str(SERVER), "both")

THREE_DIGITS = tuple(f"{number:03}" for number in range(256))


def facts(stream: Stream, direction: int, taken: str, codes: list[int]) -> list[object]:
    """Return what the codes say of a stream.

    Args:
        direction: Whose bytes the file has; BOTH counts as the client's.
        taken: What tells files of one name apart.
    """
    # Which end is the one with the lower address.
    client_is_a = stream.client_is_a()
    sender_is_a = client_is_a if direction != 1 else not client_is_a
    found: list[object] = []
    for code in codes:
        if code == NAME_FROM:
            found.append(padded(stream, sender_is_a))
        elif code == NAME_FROM_PORT:
            found.append(port(stream, sender_is_a))
        elif code == NAME_TO:
            found.append(padded(stream, not sender_is_a))
        elif code == NAME_TO_PORT:
            found.append(port(stream, not sender_is_a))
        elif code == NAME_CLIENT_ADDRESS:
            found.append(address_text(stream, client_is_a))
        elif code == NAME_CLIENT_PORT:
            found.append(port(stream, client_is_a))
        elif code == NAME_SERVER_ADDRESS:
            found.append(address_text(stream, not client_is_a))
        elif code == NAME_SERVER_PORT:
            found.append(port(stream, not client_is_a))
        elif code == NAME_SIDE:
            found.append(SIDES[direction])
        elif code == NAME_ID:
            found.append(stream.id)
        elif code == NAME_FRAME:
            found.append(stream.first_frame)
        elif code == NAME_TIME_NS:
            found.append(stream.first_ns)
        elif code == NAME_TIME_S:
            found.append(stream.first_ns // NS)
        else:
            found.append(taken)
    return found


def put_tcpflow(name: Text, stream: Stream, direction: Direction) -> bool:
    """Add the name that tcpflow gives the file of a side, of IPv4.

    Returns:
        Whether it is a side of IPv4.
    """
    if stream.family != 4:
        return False
    sender_is_a = stream.client_is_a() == (direction is CLIENT)
    put_padded(name, stream, sender_is_a)
    name.put("-")
    put_padded(name, stream, not sender_is_a)
    return True


def put_padded(name: Text, stream: Stream, first: bool) -> None:
    """Add an IPv4 address with three digits a number, and the port with five."""
    lo = stream.a_lo if first else stream.b_lo
    for shift in (24, 16, 8, 0):
        name.padded(lo >> shift & 255, 3)
        name.put(".")
    name.padded(port(stream, first), 5)


def padded(stream: Stream, first: bool) -> str:
    """Return an IPv4 address with three digits a number; any other as it is."""
    if stream.family != 4:
        return address_text(stream, first)
    lo = stream.a_lo if first else stream.b_lo
    return (
        f"{THREE_DIGITS[lo >> 24 & 255]}.{THREE_DIGITS[lo >> 16 & 255]}."
        f"{THREE_DIGITS[lo >> 8 & 255]}.{THREE_DIGITS[lo & 255]}"
    )


def port(stream: Stream, first: bool) -> int:
    """Return the port of the end with the lower address, or of the other one."""
    return stream.ports >> 16 if first else stream.ports & 0xFFFF
