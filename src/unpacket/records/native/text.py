"""Text and numbers written into a buffer.

The compiled twin is in the ``.pxd``: there nothing is made to be copied.
"""

from unpacket.records.times import rfc3339


def text_bytes(text: str) -> int:
    """Return how many bytes a text takes as UTF-8."""
    return len(text.encode())


def put_text(target: bytearray, at: int, text: str) -> None:
    """Write a text as UTF-8, where there is room for it."""
    data = text.encode()
    target[at : at + len(data)] = data


def copy(target: bytearray, at: int, source: bytearray, length: int) -> None:
    """Write the first bytes of another buffer, where there is room for them."""
    target[at : at + length] = memoryview(source)[:length]


def first(source: bytearray, length: int) -> bytes:
    """Return the first bytes of a buffer."""
    return bytes(memoryview(source)[:length])


def put_number(target: bytearray, at: int, value: int, width: int) -> int:
    """Write a number in decimal, with zeros in front up to ``width`` digits.

    There is room for 20 characters, and for ``width``.

    Returns:
        How many characters that are.
    """
    # As C's %0*lld counts, a sign is no digit here.
    digits = f"{abs(value):0{width}}".encode()
    data = b"-" + digits if value < 0 else digits
    target[at : at + len(data)] = data
    return len(data)


def put_time(target: bytearray, at: int, time_ns: int) -> int:
    """Write a time as ``rfc3339`` has it, where there is room for its 30 characters.

    Returns:
        How many characters that are.
    """
    data = rfc3339(time_ns).encode()
    target[at : at + len(data)] = data
    return len(data)
