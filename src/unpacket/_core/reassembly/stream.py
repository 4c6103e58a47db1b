"""What is remembered of a connection, and what a user may ask of it: Stream.

Most of the time what changes of it stands in a row of the ledger; see ``enlisting``.

What the .pxd declares ``cdef`` is the core's own: compiled, Python neither sees nor
sets it, and other modules reach it by ``cimport``.
"""

import ipaddress
from typing import Any, NamedTuple

from unpacket._core.constants import (
    EVIDENCE,
    FIN_SEEN,
    FINISHED,
    HAS_CONFLICT,
    HAS_GAP,
    IS_CLIENT,
    NO_SCALE,
    OPEN,
    REASONS,
    ROW_A,
    ROW_B,
    ROW_LAST,
    ROW_WORDS,
    RST_SEEN,
    SACK_PERMITTED,
    SYN_SEEN,
    UNSEEN,
)
from unpacket._core.decode.layers import path_text
from unpacket._core.notebook import stream_table
from unpacket._core.reassembly.direction import CLIENT, SERVER, Direction, as_direction
from unpacket._core.reassembly.half import (
    Half,
    counts_of,
    delivered_of,
    duplicates_of,
    other_channel_of,
    packets_of,
    retransmissions_of,
)
from unpacket._core.reassembly.half_row import read_half
from unpacket._core.reassembly.ledger import Ledger
from unpacket._core.reassembly.pending import Reset
from unpacket._core.reassembly.segment import Segment


class Endpoint(NamedTuple):
    """One end of a connection; prints as Wireshark writes it."""

    address: str
    port: int

    def __str__(self) -> str:
        if ":" in self.address:
            return f"[{self.address}]:{self.port}"
        return f"{self.address}:{self.port}"


class Stream:
    """One TCP connection, both directions.

    What it answers grows as packets come. A copy (``copy``, ``deepcopy``, ``pickle``)
    is a Stream that answers for ever what this one did at that time; an assembler does
    not take it. Two streams are equal only if they are the same object.

    A direction is ``Direction.CLIENT`` or ``Direction.SERVER``, 0 or 1 for short: whose
    side is asked for. Anything else is a ``TypeError`` or a ``ValueError``.

    Attributes:
        id: Counts from 0 in the order of first packets, as Wireshark's
            ``tcp.stream``.
        first_ns: The capture time of its first packet.
        first_frame: The number of its first packet.
        link_type: The link type of that packet.
        context: Not 0 where the tunnel, or the VLAN, that the stream is in tells it
            from others between the same ends; see ``Policy.context``.
        live: What a live source knows of it besides packets, which faces put there;
            None of a capture.
    """

    __slots__ = (
        "a_hi",
        "a_lo",
        "b_hi",
        "b_lo",
        "candidate",
        "candidate_a",
        "context",
        "evidence",
        "family",
        "first_a",
        "first_frame",
        "first_ns",
        "half_a",
        "half_b",
        "hash",
        "id",
        "latest_ns",
        "layers",
        "ledger",
        "link_type",
        "live",
        "opened",
        "ports",
        "reason",
        "reset",
        "row",
        "seen_ns",
        "slot",
    )

    candidate: Segment | None
    reset: Reset | None
    half_a: Half | None
    half_b: Half | None
    ledger: Ledger | None
    layers: tuple[int, ...] | None
    live: Any

    def __init__(self) -> None:
        self.id = -1
        self.a_hi = 0
        self.a_lo = 0
        self.b_hi = 0
        self.b_lo = 0
        self.ports = 0
        self.context = 0
        self.hash = 0
        self.first_ns = 0
        self.latest_ns = 0
        self.seen_ns = 0
        self.first_frame = 0
        self.half_a = None
        self.half_b = None
        self.ledger = None
        self.row = -1
        self.slot = -1
        self.family = 4
        self.evidence = 0
        self.opened = 0
        self.reason = 0
        self.candidate = None
        self.candidate_a = False
        self.reset = None
        self.layers = None
        self.link_type = 0
        self.live = None
        self.first_a = True

    def half(self, direction: Direction | int) -> Half | None:
        """Return the Half of a direction, or None while that side was not seen."""
        wanted = IS_CLIENT if as_direction(direction) is CLIENT else 0
        for half in (side(self, True), side(self, False)):
            if half is not None and half.flags & IS_CLIENT == wanted:
                return half
        return None

    def client_is_a(self) -> bool:
        """Return whether the client is the end with the lower address."""
        half = side(self, True)
        if half is not None:
            return half.flags & IS_CLIENT != 0
        # There is no stream without a half.
        return self.half_b.flags & IS_CLIENT == 0  # type: ignore[union-attr]

    def end(self, first: bool) -> Endpoint:
        """Return the end with the lower address, or the other one."""
        port = self.ports >> 16 if first else self.ports & 0xFFFF
        return Endpoint(address_text(self, first), port)

    @property
    def last_ns(self) -> int:
        """The capture time of its latest packet."""
        if self.row < 0:
            return self.latest_ns
        # What is enlisted has one.
        ledger: Ledger = self.ledger  # type: ignore[assignment]
        return ledger.signed[ROW_WORDS * self.row + ROW_LAST]

    @property
    def client(self) -> Endpoint:
        """The client's ``Endpoint``."""
        return self.end(self.client_is_a())

    @property
    def server(self) -> Endpoint:
        """The server's ``Endpoint``."""
        return self.end(not self.client_is_a())

    @property
    def path(self) -> str:
        """Which headers lay around the TCP of the first packet, outermost first.

        Such as ``eth/vlan:42/ip/udp/vxlan:77/eth/ip/tcp``.
        """
        return path_text(self.link_type, self.layers or (), self.family)

    @property
    def client_process(self) -> Any:
        """Whose process the client's end is, as far as a live source found out.

        A ``Process`` (see ``unpacket.live``), or None.
        """
        return None if self.live is None else self.live.client_process

    @property
    def server_process(self) -> Any:
        """The same of the server's end."""
        return None if self.live is None else self.live.server_process

    @property
    def process_source(self) -> str | None:
        """How the processes are known, or None; see docs/live.md."""
        return None if self.live is None else self.live.process_source

    @property
    def capture_drops(self) -> int | None:
        """How many packets the capture lost while the stream lived.

        Any of them may have been its own. None where nobody counted.
        """
        if self.live is None:
            return None
        dropped: int | None = self.live.dropped(self.first_ns, self.last_ns)
        return dropped

    @property
    def first_sender(self) -> Direction:
        """Who sent the first packet that was captured."""
        return CLIENT if self.first_a == self.client_is_a() else SERVER

    @property
    def role_evidence(self) -> str:
        """How the client is known.

        By its SYN (``syn``), by the SYN-ACK of the other (``syn_ack``), by the port
        numbers (``port``), or merely as the sender of the first packet (``first``).
        A stream that goes on exactly where one was forgotten, for memory or time, has
        its roles from that (``continued``).
        """
        return EVIDENCE[self.evidence]

    @property
    def close_reason(self) -> str | None:
        """Why the stream ended (see ``Closed``), or None while it lives."""
        return REASONS[self.reason] or None

    @property
    def is_partial(self) -> bool:
        """Whether the beginning of a direction was not captured."""
        return not (self.flag(0, SYN_SEEN) and self.flag(1, SYN_SEEN))

    @property
    def complete(self) -> bool:
        """Whether start and end were seen, and nothing is missing or in conflict."""
        if self.is_partial or self.reason not in (1, 2):
            return False
        trouble = HAS_GAP | HAS_CONFLICT
        if self.flag(0, trouble) or self.flag(1, trouble):
            return False
        return not (self.lacks_acknowledged(0) or self.lacks_acknowledged(1))

    def lacks_acknowledged(self, direction: int) -> bool:
        """Return whether a position was acknowledged that nothing captured has.

        A FIN has one. Where neither was captured, it may be that of a FIN, or a byte.
        """
        half = self.half(direction)
        if half is None:
            return False
        return half.acked > half.next_offset + (half.flags & FINISHED != 0)

    def flag(self, direction: Direction | int, bits: int) -> bool:
        """Return whether any of ``bits`` is set in the half of a direction."""
        half = self.half(direction)
        return half is not None and half.flags & bits != 0

    def packets(self, direction: Direction | int) -> int:
        """Return how many packets of the side were captured, late ones left out.

        Those that were captured twice count twice; see ``duplicates``.
        """
        return packets_of(self.half(direction))

    def duplicates(self, direction: Direction | int) -> int:
        """Return how many packets of the side are copies, by ports that mirror it."""
        return duplicates_of(self.half(direction))

    def retransmissions(self, direction: Direction | int) -> int:
        """Return how many packets of the side brought again what was captured.

        Keep-alives and copies are none, nor is what comes after the stream's end.
        """
        return retransmissions_of(self.half(direction))

    def other_channel(self, direction: Direction | int) -> int:
        """Return how many packets of the side came by another channel than its own.

        They are not among ``packets``. See ``Policy.channel``.
        """
        return other_channel_of(self.half(direction))

    def delivered_bytes(self, direction: Direction | int) -> int:
        """Return how many bytes of the direction were delivered, gaps left out."""
        return delivered_of(self.half(direction))

    def seen_bytes(self, direction: Direction | int) -> int:
        """Return how many bytes of payload were captured, copies and all."""
        half = self.half(direction)
        return 0 if half is None else half.payload_bytes

    def _is_unusual(self, direction: Direction | int) -> bool:
        """Return whether ``counts`` may have more than packets and bytes."""
        half = self.half(direction)
        return half is not None and half.extra is not None

    def _has_unplaced(self) -> bool:
        """Return whether ``_unplaced`` has anything, of either direction."""
        for first in (True, False):
            half = side(self, first)
            if half is not None and half.extra is not None and half.extra.unplaced:
                return True
        return False

    def _unplaced(self, direction: Direction | int) -> dict[str, int]:
        """Return how much payload of a direction is in no stream, by reason.

        What was refused left out, and what came after the end: that grows until the
        input has ended.
        """
        half = self.half(direction)
        if half is None or half.extra is None or half.extra.unplaced is None:
            return {}
        counts = half.extra.unplaced.items()
        return {reason: count for reason, count in counts if reason != "late" and count}

    def acknowledged(self, direction: Direction | int) -> int | None:
        """Return the offset that the peer has acknowledged, or None."""
        half = self.half(direction)
        if half is None or half.acked < 0 or half.state != OPEN:
            return None
        return half.acked

    def next_seq(self, direction: Direction | int) -> int | None:
        """Return the sequence number that is expected next, or None."""
        half = self.half(direction)
        if half is None or half.state != OPEN:
            return None
        return (half.base_seq + half.next_offset) & 0xFFFFFFFF

    def offset_of(self, direction: Direction | int, seq: int) -> int | None:
        """Return the stream offset of a sequence number, or None.

        The one that lies nearest to what is expected next (RFC 9293 section 3.4).
        """
        half = self.half(direction)
        if half is None or half.state != OPEN:
            return None
        ahead = (seq - half.base_seq - half.next_offset + 0x80000000) & 0xFFFFFFFF
        return half.next_offset + ahead - 0x80000000

    def mss(self, direction: Direction | int) -> int | None:
        """Return the maximum segment size that the side announced, or None."""
        half = self.half(direction)
        return None if half is None or half.mss == 0 else half.mss

    def sack_permitted(self, direction: Direction | int) -> bool:
        """Return whether the side's SYN permitted SACK (RFC 2018)."""
        return self.flag(direction, SACK_PERMITTED)

    def window_scale(self, direction: Direction | int) -> int | None:
        """Return the window scale shift of the side's SYN (RFC 7323), or None."""
        half = self.half(direction)
        return None if half is None or half.scale == NO_SCALE else half.scale

    def state(self, direction: Direction | int) -> str:
        """Return what the side has sent so far, as libtins names it.

        One of ``unknown``, ``syn_sent``, ``established``, ``fin_sent``, ``rst_sent``.
        """
        half = self.half(direction)
        if half is None:
            return "unknown"
        if half.flags & RST_SEEN:
            return "rst_sent"
        if half.flags & FIN_SEEN:
            return "fin_sent"
        if half.flags & SYN_SEEN and half.packets - half.duplicates == 1:
            return "syn_sent"
        return (
            "unknown" if half.state == UNSEEN and half.packets == 0 else "established"
        )

    def finished(self, direction: Direction | int) -> bool:
        """Return whether the direction's FIN took effect."""
        return self.flag(direction, FINISHED)

    def counts(self, direction: Direction | int) -> dict[str, Any]:
        """Return what happened to the direction's payload, in bytes and events.

        ``seen_bytes`` is the sum of ``delivered_bytes``, ``held_bytes``,
        ``duplicate_bytes``, ``conflicting_bytes``, ``rejected_bytes`` and
        ``discarded_bytes``.
        """
        half = self.half(direction)
        return counts_of(half, 0 if half is None else self.queued_bytes(half))

    def queued_bytes(self, half: Half) -> int:
        """Return how much payload of a half waits for what becomes of an RST."""
        reset = self.reset
        if reset is None or reset.seg is None:
            return 0
        total = 0
        if half is (self.half_a if reset.from_a else self.half_b):
            total = reset.seg.captured
        for from_a, seg in reset.queue:
            if half is (self.half_a if from_a else self.half_b):
                total += seg.captured
        return total

    def __repr__(self) -> str:
        return f"<Stream {self.id} {self.client} > {self.server}>"

    def _repr_html_(self) -> str:
        return stream_table(self)

    def __reduce__(self) -> tuple[Any, ...]:
        # It imports this module.
        from unpacket._core.reassembly import snapshot

        return snapshot.restored, snapshot.taken(self)


def address_text(stream: Stream, first: bool) -> str:
    """Return the address of the end with the lower one, or of the other end."""
    hi, lo = (stream.a_hi, stream.a_lo) if first else (stream.b_hi, stream.b_lo)
    if stream.family == 4:
        # A tenth of the time of the library's, which is for more than printing.
        return f"{lo >> 24}.{lo >> 16 & 255}.{lo >> 8 & 255}.{lo & 255}"
    octets = hi.to_bytes(8, "big") + lo.to_bytes(8, "big")
    return str(ipaddress.IPv6Address(octets))


def live_of(stream: Stream) -> Any:
    """Return what a live source knows of a stream, or None; see ``set_live``."""
    return stream.live


def set_live(stream: Stream, live: object) -> None:
    """Let a stream have what its live source knows of it."""
    stream.live = live


def ended(stream: Stream) -> bool:
    """Return whether a stream has closed."""
    return stream.reason != 0


def was_seen(stream: Stream, direction: Direction | int) -> bool:
    """Return whether anything is known of a side."""
    return stream.half(direction) is not None


def syn_seen(stream: Stream, direction: Direction | int) -> bool:
    """Return whether a direction's SYN was captured."""
    return stream.flag(direction, SYN_SEEN)


def side(stream: Stream, first: bool) -> Half | None:
    """Return the half of the lower address or the other, as it stands now, to read.

    None while that side was not seen.
    """
    half = stream.half_a if first else stream.half_b
    if stream.row >= 0:
        if half is None:
            # All else is read.
            half = Half.__new__(Half)
            half.extra = None
        # What is enlisted has one.
        ledger: Ledger = stream.ledger  # type: ignore[assignment]
        read_half(half, ledger, ROW_WORDS * stream.row + (ROW_A if first else ROW_B))
    return half
