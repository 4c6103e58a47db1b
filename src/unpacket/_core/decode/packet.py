# cython: nonecheck=False, initializedcheck=False
# initializedcheck is off in the modules of the decoder (24 of 151 ns for each frame):
# a view that was never set has no bytes, and the check of index says so.
"""What is known so far of the frame being decoded: the record the layers share.

A layer reads its header at ``at``, moves ``at`` behind it, and says what follows.
``data[at:stop]`` is what was captured of that; ``wire_stop`` is where it ended on
the wire, by the innermost header that says so, and never less than ``stop``.
"""

from array import array
from collections.abc import Mapping

from unpacket._core.decode.layers import MAX_KEYS, MAX_LAYERS

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
        odd: What a host does not take of this, as bits (``constants.ODD``).
        ip_header_damaged: The checksum of an IPv4 header was verified, and wrong.
        unsummed: Whether its checksum was left to a network card, as the capture says.
        fragment_start: The place of a fragment in its datagram, in bytes.
        more_fragments: Whether it is not the datagram's last.
        depth: How many headers were passed within this packet, for the bound.
        inside: What carries packets of its own at ``at``, for ``tunnel``: an
            EtherType, an IP protocol (below 256), a port above ``UDP_PORTS``, or
            a link type above ``LINK_TYPES``.
            0 says that nobody can look into it.
        layers: The headers passed that are not plain, as ``layers`` says it; the
            first ``layer_count`` numbers are meant.
        keys: What of them tells streams with the same addresses apart; the first
            ``key_count`` numbers are meant, if there is a layer.
        keyed_by: Which layers leave keys.
        context: The number that stands for the keys.
        ports_named: Whether ports of UDP stand for others: ``ports`` has for each that
            by which the layers know what it carries.
        channel: Of a fragment, where it came from, if that is told apart.
    """

    __slots__ = (
        "at",
        "buffer",
        "channel",
        "context",
        "data",
        "depth",
        "dst_hi",
        "dst_lo",
        "ethertype",
        "family",
        "fragment_start",
        "inside",
        "ip_header_damaged",
        "ip_id",
        "key_count",
        "keyed_by",
        "keys",
        "layer_count",
        "layers",
        "length_known",
        "more_fragments",
        "odd",
        "ports",
        "ports_named",
        "protocol",
        "source",
        "src_hi",
        "src_lo",
        "stop",
        "ttl",
        "unsummed",
        "verify_checksums",
        "wire_stop",
        "words",
    )

    buffer: bytes | bytearray
    data: bytes | bytearray
    words: "memoryview[int] | array[int]"

    def __init__(self, verify_checksums: bool, keyed_by: int = 0) -> None:
        self.verify_checksums = verify_checksums
        self.keyed_by = keyed_by
        self.layers = array("Q", bytes(8 * MAX_LAYERS))
        self.keys = array("Q", bytes(8 * MAX_KEYS))
        self.ports = array("H")
        self.ports_named = False
        self.layer_count = 0
        self.key_count = 0
        self.inside = 0
        self.context = 0
        self.channel = 0
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
        self.odd = 0
        self.unsummed = False
        self.attach(b"", -1)
        self.place(0, 0, 0)

    def name_ports(self, usual: Mapping[int, int]) -> None:
        """Take each port of UDP in ``usual`` for the one that it stands for there."""
        self.ports = array("H", range(1 << 16))
        for port, other in usual.items():
            self.ports[port] = other
        self.ports_named = True

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

    def push(self, kind: int, identifier: int) -> int:
        """Note that a header of ``layers`` was passed. There may be no more room."""
        if self.layer_count == 0:
            self.key_count = 0
        if self.layer_count < MAX_LAYERS:
            self.layers[self.layer_count] = kind << 32 | identifier
            self.layer_count += 1
        return 0

    def add_key(self, key: int) -> int:
        """Let ``key`` tell this packet's stream from others between the same ends."""
        if self.key_count < MAX_KEYS:
            self.keys[self.key_count] = key
            self.key_count += 1
        return 0
