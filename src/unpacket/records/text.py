"""Text that is put together of words and numbers, many times over.

Lines of JSON and names of files are as many as there are streams: to make an object of
each number in them took longer than to find the streams.
"""

from unpacket.records.native import text as native

FIRST_BYTES = 1 << 10
# The longest that a number can be.
NUMBER_BYTES = 20
TIME_BYTES = 30


class Text:
    """UTF-8 that is added to.

    Attributes:
        used: How many bytes it has.
    """

    __slots__ = ("buffer", "used")

    def __init__(self) -> None:
        self.buffer = bytearray(FIRST_BYTES)
        self.used = 0

    def put(self, text: str) -> None:
        """Add a text.

        Raises:
            UnicodeEncodeError: It has half a surrogate pair.
        """
        length = native.text_bytes(text)
        self.room(length)
        native.put_text(self.buffer, self.used, text)
        self.used += length

    def number(self, value: int) -> None:
        """Add a number of 64 bits."""
        self.padded(value, 0)

    def padded(self, value: int, width: int) -> None:
        """Add a number with zeros in front, as long as it has fewer digits."""
        self.room(NUMBER_BYTES + width)
        self.used += native.put_number(self.buffer, self.used, value, width)

    def time(self, time_ns: int) -> None:
        """Add a time of 64 bits in nanoseconds since 1970, as ``rfc3339`` has it."""
        self.room(TIME_BYTES)
        self.used += native.put_time(self.buffer, self.used, time_ns)

    def put_all(self, other: "Text") -> None:
        """Add what another one has."""
        self.room(other.used)
        native.copy(self.buffer, self.used, other.buffer, other.used)
        self.used += other.used

    def text(self) -> str:
        """Return all of it."""
        return self.buffer[: self.used].decode()

    def clear(self) -> None:
        """Begin anew."""
        self.used = 0

    def octets(self) -> bytes:
        """Return all of it, as UTF-8."""
        return native.first(self.buffer, self.used)

    def take(self) -> bytes:
        """Return all of it, as UTF-8, and begin anew."""
        data = self.octets()
        self.used = 0
        return data

    def room(self, length: int) -> None:
        """Let there be room for so many more bytes."""
        size = len(self.buffer)
        if self.used + length > size:
            larger = bytearray(2 * size + length)
            memoryview(larger)[:size] = self.buffer
            self.buffer = larger
