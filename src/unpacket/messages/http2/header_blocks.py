"""Header blocks of one direction, by the library ``hpack`` (RFC 7541).

A block may refer to fields of those before it. Where some were not captured nobody can
know what a reference means: such a field is ``UNKNOWN``, and those that are written out
are known all the same.
"""

from typing import Any

UNKNOWN = b"?"

# More than any server or browser takes of a head.
MAX_LIST_BYTES = 256 << 10

DEFAULT_TABLE_BYTES = 4096
# What a table may have of entries that nobody saw; browsers allow 64 KiB.
UNSEEN_TABLE_BYTES = 64 << 10
MAX_TABLE_BYTES = 1 << 20

# What an entry counts beside its bytes (RFC 7541 section 4.1).
ENTRY_BYTES = 32

MISSING = "header fields need the library hpack: pip install 'unpacket[http2]'"

Fields = list[tuple[bytes, bytes]]


class HeaderBlocks:
    """Decodes blocks in their order.

    Attributes:
        is_missing: Whether the library is not installed.
    """

    def __init__(self, whole: bool) -> None:
        self._allowed = DEFAULT_TABLE_BYTES
        self._decoder: Any = None
        try:
            import hpack
        except ImportError:
            self.is_missing = True
            return
        self.is_missing = False
        self._new = hpack.Decoder
        self._begin()
        if not whole:
            self.lose()

    def _begin(self) -> None:
        self._decoder = self._new(MAX_LIST_BYTES)
        self._decoder.max_allowed_table_size = self._allowed

    def allow(self, size: int) -> None:
        """The peer lets the table have so many bytes."""
        self._allowed = max(self._allowed, min(size, MAX_TABLE_BYTES))
        if self._decoder is not None:
            self._decoder.max_allowed_table_size = self._allowed

    def lose(self) -> None:
        """A block is missing: what later ones refer to is not known."""
        if self.is_missing:
            return
        self._begin()
        size = max(self._allowed, UNSEEN_TABLE_BYTES)
        self._decoder.max_allowed_table_size = size
        self._decoder.header_table_size = size
        table = self._decoder.header_table
        for _ in range(size // (ENTRY_BYTES + len(UNKNOWN))):
            table.add(UNKNOWN, b"")

    def decode(self, block: bytes) -> Fields | None:
        """Return the fields of a block; None if nobody can read it.

        Then it is as if it had been lost.
        """
        if self.is_missing:
            return None
        try:
            found = self._decoder.decode(block, raw=True)
            return [(bytes(name), bytes(value)) for name, value in found]
        # It documents HPACKError; of hostile bytes nobody can know what else.
        except Exception:
            self.lose()
            return None
