# cython: nonecheck=False, initializedcheck=False
# initializedcheck is off in the modules of the decoder (24 of 151 ns for each frame):
# a view that was never set has no bytes, and the check of index says so.
"""What is known so far of the frame being decoded: the record the layers share.

A layer reads its header at ``at``, moves ``at`` behind it, and says what follows.
``data[at:stop]`` is what was captured of that; ``wire_stop`` is where it ended on
the wire, by the innermost header that says so, and never less than ``stop``.
"""

from array import array

NO_WORDS = array("H")

# No packet is longer: segmentation offload (BIG TCP) makes up to 512 KiB.
LONGEST_FRAME = 1 << 20


class Packet:
    """One frame on its way from the link layer to TCP.

    Attributes:
        buffer: What holds the frame; ``data`` is the same, as typed memory.
        words: The same bytes in pairs, in the byte order of the machine.
        source: -1 where the buffer is the batch's, else which of
            ``Segments.side`` it is.
        at, stop, wire_stop: Positions in ``data``.
        ethertype: What follows the link layer: 0x0800 or 0x86DD.
        family: 4 or 6.
        protocol: What follows the IP header and its extensions.
        length_known: Whether ``wire_stop`` comes from the IP header, and not from
            the frame: padding or a frame check sequence may be included then.
        ip_header_damaged: The checksum of an IPv4 header was verified, and wrong.
        fragment_start: The place of a fragment in its datagram, in bytes.
        more_fragments: Whether it is not the datagram's last.
        depth: How many headers were passed within this packet, for the bound.
    """

    __slots__ = (
        "at",
        "buffer",
        "context",
        "data",
        "depth",
        "dst_hi",
        "dst_lo",
        "ethertype",
        "family",
        "fragment_start",
        "ip_header_damaged",
        "ip_id",
        "length_known",
        "more_fragments",
        "protocol",
        "source",
        "src_hi",
        "src_lo",
        "stop",
        "ttl",
        "verify_checksums",
        "wire_stop",
        "words",
    )

    buffer: bytes | bytearray
    data: bytes | bytearray
    words: "memoryview[int] | array[int]"

    def __init__(self, verify_checksums: bool) -> None:
        self.verify_checksums = verify_checksums
        self.context = 0
        self.ethertype = 0
        self.family = 0
        self.protocol = 0
        self.ttl = 0
        self.ip_id = 0
        self.src_hi = 0
        self.src_lo = 0
        self.dst_hi = 0
        self.dst_lo = 0
        self.fragment_start = 0
        self.more_fragments = False
        self.length_known = False
        self.ip_header_damaged = False
        self.attach(b"", -1)
        self.place(0, 0, 0)

    def attach(self, buffer: bytes | bytearray, source: int) -> None:
        """Read from ``buffer`` from now on."""
        pairs = len(buffer) & ~1
        self.buffer = buffer
        self.data = buffer
        # A view without bytes cannot be cast.
        self.words = memoryview(buffer)[:pairs].cast("H") if pairs else NO_WORDS
        self.source = source

    def place(self, start: int, captured: int, original: int) -> int:
        """Begin a frame, or what a reassembled datagram carried."""
        self.at = start
        self.stop = start + captured
        # What says that it was longer is damaged: it was as long as it is here.
        self.wire_stop = start + (captured if original > LONGEST_FRAME else original)
        self.depth = 0
        return 0
