"""The TCP segments of one batch, as columns: no object per segment.

Row ``i`` is the segment that frame ``index[i]`` of the batch carried. Where its
payload lies is ``start[i]``, an offset into the batch's buffer where ``source[i]``
is -1, else into ``side[source[i]]``, the TCP segment of a datagram that came in
fragments, in the frames ``side_frames[source[i]]``. ``captured[i]`` bytes of it are
there, of ``length[i]`` on the wire.

The two ends stand in canonical order: ``a`` is the lower ``(address, port)``, so
that both directions of a connection have the same ``context``, ``family``, ``a_hi``,
``a_lo``, ``b_hi``, ``b_lo``, ``ports`` and ``hash``. ``direction`` is 0 where ``a``
sent the segment (or the ends are equal), else 1. An IPv4 address is in ``lo``.

``layers`` has MAX_LAYERS numbers for each row, of which the first ``layer_count`` say
what lay around the TCP that is not plain; see the module of that name.

``copy`` says how many frames before it the frame of a segment was captured already,
by another port or tap; 0 where it was not. It is found by ``identity``, which is equal
where connection, direction, length, flags, window and IP id are, and by ``sum``, the
checksum as it stands in the header.

``flags`` has the bits of the TCP header, FIN lowest, and AE (once NS) as 0x100.

``delivered`` is not the decoder's: the loop over ordinary segments notes there what
its last run delivered, in the first ``delivered_words`` numbers.

``channel`` says where a segment came from, if the policy wants that told apart; see the
module ``channels``.

Of ``hash`` (44 bits) only the upper 29 are as good as random: a table takes its
index from ``hash >> 15``.
"""

from array import array
from typing import Any

from unpacket._core.constants import DELIVERY_WORDS, NO_WSCALE
from unpacket._core.decode.layers import MAX_LAYERS
from unpacket._core.decode.packet import Packet
from unpacket._core.memory.batch import CAPACITY, Batch

# Values of the checksum column.
NOT_JUDGED = 0
GOOD = 1
BAD = 2
# Zero, or the sum of the pseudo-header alone: left for the network card to finish.
UNFILLED = 3

BATCH_DATA = -1


class Segments:
    """Columns for ``capacity`` segments, filled by ``Decoder.decode``."""

    __slots__ = (
        "a_hi",
        "a_lo",
        "ack",
        "b_hi",
        "b_lo",
        "capacity",
        "captured",
        "channel",
        "checksum",
        "context",
        "copy",
        "count",
        "delivered",
        "delivered_words",
        "direction",
        "family",
        "flags",
        "has_timestamp",
        "hash",
        "identity",
        "index",
        "ip_id",
        "layer_count",
        "layered",
        "layers",
        "length",
        "mss",
        "ports",
        "sack_count",
        "sack_permitted",
        "sack_start",
        "seq",
        "side",
        "side_frames",
        "source",
        "start",
        "sum",
        "time_ns",
        "tsecr",
        "tsval",
        "ttl",
        "urgent",
        "window",
        "with_options",
        "wscale",
    )

    side: list[bytes]
    side_frames: list[list[int]]

    def __init__(self, capacity: int = CAPACITY) -> None:
        if capacity < 1:
            raise ValueError(f"room for {capacity} segments")
        self.capacity = capacity
        self.count = 0
        self.side = []
        self.side_frames = []
        self.delivered = memoryview(bytearray(8 * DELIVERY_WORDS * capacity)).cast("q")
        self.delivered_words = 0
        self.time_ns = array("q", bytes(8 * capacity))
        self.a_hi = array("Q", bytes(8 * capacity))
        self.a_lo = array("Q", bytes(8 * capacity))
        self.b_hi = array("Q", bytes(8 * capacity))
        self.b_lo = array("Q", bytes(8 * capacity))
        self.hash = array("Q", bytes(8 * capacity))
        self.identity = array("Q", bytes(8 * capacity))
        self.channel = array("Q", bytes(8 * capacity))
        self.index = array("I", bytes(4 * capacity))
        self.context = array("I", bytes(4 * capacity))
        self.ports = array("I", bytes(4 * capacity))
        self.seq = array("I", bytes(4 * capacity))
        self.ack = array("I", bytes(4 * capacity))
        self.ip_id = array("I", bytes(4 * capacity))
        self.start = array("I", bytes(4 * capacity))
        self.captured = array("I", bytes(4 * capacity))
        self.length = array("I", bytes(4 * capacity))
        self.tsval = array("I", bytes(4 * capacity))
        self.tsecr = array("I", bytes(4 * capacity))
        self.sack_start = array("I", bytes(4 * capacity))
        self.copy = array("I", bytes(4 * capacity))
        self.source = array("i", bytes(4 * capacity))
        self.flags = array("H", bytes(2 * capacity))
        self.window = array("H", bytes(2 * capacity))
        self.urgent = array("H", bytes(2 * capacity))
        self.mss = array("H", bytes(2 * capacity))
        self.sum = array("H", bytes(2 * capacity))
        self.layers = array("Q", bytes(8 * MAX_LAYERS * capacity))
        self.layer_count = bytearray(capacity)
        self.layered = False
        self.with_options = False
        self.family = bytearray(capacity)
        self.direction = bytearray(capacity)
        self.ttl = bytearray(capacity)
        self.checksum = bytearray(capacity)
        self.wscale = bytearray([NO_WSCALE]) * capacity
        self.sack_permitted = bytearray(capacity)
        self.has_timestamp = bytearray(capacity)
        self.sack_count = bytearray(capacity)

    def clear(self) -> None:
        """Hold no segments; the columns keep their old values until overwritten."""
        self.count = 0
        if self.layered:
            # Few have layers, or such options: nobody writes that there are none.
            for i in range(self.capacity):
                self.layer_count[i] = 0
            self.layered = False
        if self.with_options:
            for i in range(self.capacity):
                self.mss[i] = 0
                self.wscale[i] = NO_WSCALE
                self.sack_permitted[i] = 0
                self.sack_start[i] = 0
                self.sack_count[i] = 0
            self.with_options = False
        # A new list: whoever kept the old one keeps what it held.
        self.side = []
        self.side_frames = []

    def __len__(self) -> int:
        return self.count

    def row(self, i: int) -> dict[str, Any]:
        """Return segment ``i``, column by column. For tests and diagnosis."""
        if not 0 <= i < self.count:
            raise IndexError(f"segment {i} of {self.count}")
        return {
            "index": self.index[i],
            "time_ns": self.time_ns[i],
            "context": self.context[i],
            "family": self.family[i],
            "a_hi": self.a_hi[i],
            "a_lo": self.a_lo[i],
            "b_hi": self.b_hi[i],
            "b_lo": self.b_lo[i],
            "ports": self.ports[i],
            "direction": self.direction[i],
            "hash": self.hash[i],
            "seq": self.seq[i],
            "ack": self.ack[i],
            "flags": self.flags[i],
            "window": self.window[i],
            "ttl": self.ttl[i],
            "ip_id": self.ip_id[i],
            "source": self.source[i],
            "start": self.start[i],
            "captured": self.captured[i],
            "length": self.length[i],
            "checksum": self.checksum[i],
            "mss": self.mss[i],
            "wscale": self.wscale[i],
            "sack_permitted": self.sack_permitted[i],
            "has_timestamp": self.has_timestamp[i],
            "tsval": self.tsval[i],
            "tsecr": self.tsecr[i],
            "sack_start": self.sack_start[i],
            "sack_count": self.sack_count[i],
            "copy": self.copy[i],
            "layers": self.path_layers(i),
        }

    def add_layers(self, packet: Packet, i: int) -> int:
        """Note what lay around segment ``i``."""
        self.layered = True
        self.layer_count[i] = packet.layer_count
        for n in range(packet.layer_count):
            self.layers[i * MAX_LAYERS + n] = packet.layers[n]
        return 0

    def path_layers(self, i: int) -> tuple[int, ...]:
        """Return the layers of segment ``i``."""
        start = MAX_LAYERS * i
        return tuple([self.layers[start + n] for n in range(self.layer_count[i])])

    def payload(self, i: int, batch: Batch) -> bytes:
        """Return the payload of segment ``i`` that is there. For tests and diagnosis.

        ``batch`` is the one that the segments were decoded from.
        """
        if not 0 <= i < self.count:
            raise IndexError(f"segment {i} of {self.count}")
        source = self.source[i]
        held = batch.buffer if source == BATCH_DATA else self.side[source]
        start = self.start[i]
        return bytes(memoryview(held)[start : start + self.captured[i]])
