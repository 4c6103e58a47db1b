"""BER and DER (X.690), as much of it as LDAP and Kerberos need."""

from unpacket.messages.framers.noted import Octets, Short

# A length of more than four bytes is none of these protocols.
MAX_LENGTH_BYTES = 4


def measure(data: bytes, start: int) -> tuple[int, int]:
    """Return how long header and content of an element are, whose tag is one byte.

    The first is 0 where the length is none that is definite and short enough, and -n
    where n bytes more are needed to say.
    """
    if start + 2 > len(data):
        return len(data) - start - 2, 0
    first = data[start + 1]
    if first < 0x80:
        return 2, first
    size = first & 0x7F
    if not 1 <= size <= MAX_LENGTH_BYTES:
        return 0, 0
    missing = start + 2 + size - len(data)
    if missing > 0:
        return -missing, 0
    return 2 + size, int.from_bytes(data[start + 2 : start + 2 + size])


def element(octets: Octets) -> tuple[int, Octets]:
    """Return the tag and the content of the next element, and pass over it.

    Raises:
        Short: It is not all there.
    """
    head, size = measure(octets.data[: octets.stop], octets.at)
    if head <= 0:
        raise Short
    tag = octets.data[octets.at]
    octets.take(head)
    return tag, octets.inner(size)


def integer(octets: Octets) -> int:
    """Return the integer, or the enumerated value, that an element is."""
    _, inner = element(octets)
    return int.from_bytes(inner.take(min(inner.left, 8)), signed=True)


def string(octets: Octets) -> bytes:
    """Return the bytes that an element has."""
    return element(octets)[1].rest()
