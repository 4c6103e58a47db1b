"""Bytes within bytes; the compiled twins in the ``.pxd`` make no object to look.

A slice, a method of ``bytes`` and an integer that it returns cost more than most of
what they do here.
"""


def find_byte(data: bytes, byte: int, start: int, stop: int) -> int:
    """Return the first offset of ``byte`` in ``data[start:stop]``, or -1."""
    return data.find(byte, start, stop)


def same(data: bytes, start: int, word: bytes) -> bool:
    """Return whether ``word`` stands at ``data[start]``."""
    return 0 <= start and data[start : start + len(word)] == word


def same_letters(data: bytes, start: int, word: bytes) -> bool:
    """Return the same, whatever the case of the letters; ``word`` is in lower case."""
    return 0 <= start and data[start : start + len(word)].lower() == word


def piece(data: bytes, start: int, stop: int) -> bytes:
    """Return ``data[start:stop]``; nothing where ``start`` is negative."""
    return data[start:stop] if 0 <= start < stop else b""


def text(data: bytes, start: int, stop: int) -> str:
    """Return the same as Latin-1 text, without blanks and tabs around it."""
    return piece(data, start, stop).strip(b" \t").decode("latin-1")
