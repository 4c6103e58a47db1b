"""A byte within bytes; the compiled twin in the ``.pxd`` is memchr.

``bytes.find`` makes two integers a call, which costs more than most of its searches.
"""


def find_byte(data: bytes, byte: int, start: int, stop: int) -> int:
    """Return the first offset of ``byte`` in ``data[start:stop]``, or -1."""
    return data.find(byte, start, stop)
