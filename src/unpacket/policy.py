"""Every choice that a user can make about reassembly, in one frozen dataclass."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypedDict, Unpack, get_args

from unpacket._decode_as import udp_ports
from unpacket._options import names_options, no_such_option

Deliver: TypeAlias = Literal["in_order", "acked", "pull"]
GapRule: TypeAlias = Literal["skip", "passed", "wait"]
ChecksumRule: TypeAlias = Literal["auto", "verify", "ignore"]
ContextRule: TypeAlias = Literal["tunnel", "vlan", "none"]
ChannelRule: TypeAlias = Literal["any", "interface", "vlan", "mac"]
DoubtRule: TypeAlias = Literal["deliver", "refuse"]
UrgentRule: TypeAlias = Literal["inline", "out_of_line"]
RstRule: TypeAlias = Literal["window", "exact", "any"]
LimitScope: TypeAlias = Literal["half", "stream"]
FragmentOverlap: TypeAlias = Literal[
    "first", "last", "bsd", "linux", "linux-queue", "windows", "solaris"
]
Overlap: TypeAlias = Literal[
    "first",
    "vista",
    "bsd",
    "windows",
    "macos",
    "irix",
    "hpux10",
    "linux",
    "linux-queue",
    "old-linux",
    "solaris",
    "hpux11",
    "last",
]

_MIB = 1 << 20
_CHOICES: dict[str, tuple[str, ...]] = {
    "deliver": get_args(Deliver),
    "gap": get_args(GapRule),
    "checksum": get_args(ChecksumRule),
    "doubt": get_args(DoubtRule),
    "rst": get_args(RstRule),
    "urgent": get_args(UrgentRule),
    "context": get_args(ContextRule),
    "channel": get_args(ChannelRule),
    "limit_scope": get_args(LimitScope),
    "fragment_overlap": get_args(FragmentOverlap),
    "overlap": get_args(Overlap),
}
# What the annotations of the fields below stand for.
_KINDS: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "int | None": (int, type(None)),
    "float": (int, float),
    "float | None": (int, float, type(None)),
}
_MOST_OF_ALL = (1 << 62) - 1
# A TTL has eight bits (RFC 791).
_MOST = {"ttl_distance": 255}


class PolicyOptions(TypedDict, total=False):
    """The fields of ``Policy``, as the type of a dictionary of some of them."""

    deliver: Deliver
    gap: GapRule
    gap_grace_s: float | None
    overlap: Overlap
    conflict_window_bytes: int
    checksum: ChecksumRule
    doubt: DoubtRule
    rst: RstRule
    close_grace_s: float
    urgent: UrgentRule
    paws: bool
    ack: bool
    md5: bool
    ip_options: bool
    ip_length: bool
    window: bool
    window_exact: bool
    ttl_distance: int
    max_held_bytes: int | None
    max_held_segments: int | None
    max_held_span_bytes: int | None
    max_holes: int | None
    duplicate_window_s: float
    limit_scope: LimitScope
    context: ContextRule
    decode_as: tuple[str, ...]
    channel: ChannelRule
    memory_limit_bytes: int
    midstream: bool
    midstream_grace_s: float
    midstream_grace_segments: int
    idle_timeout_s: float | None
    half_open_timeout_s: float | None
    linger_s: float
    fragment_overlap: FragmentOverlap
    fragment_timeout_s: float
    max_fragment_bytes: int
    max_fragmented_datagrams: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How streams are rebuilt. Times are capture time; ``None`` means no bound.

    Attributes:
        deliver: ``"in_order"`` delivers bytes as soon as they are contiguous,
            ``"acked"`` once the peer has acknowledged them too. ``"pull"`` leaves them
            until a consumer takes them (see ``unpacket.Puller``).
        gap: ``"skip"`` turns a hole into a gap once the peer has acknowledged it,
            ``"passed"`` once the peer has acknowledged bytes behind it too. ``"wait"``
            waits for its bytes until a limit is reached, and then closes the stream.
        gap_grace_s: How long a hole that the peer has acknowledged may still be filled
            (captures may show an ACK before its data). ``None``: acknowledgements
            never end the wait.
        overlap: Which segment wins if two that wait out of order overlap.
            ``"linux-queue"`` is what Linux really does with small segments and FINs.
        conflict_window_bytes: How many bytes of delivered data are kept, to compare
            late copies with them. 0 turns that off.
        checksum: ``"auto"`` verifies the TCP checksums of a half once it has shown
            good ones, ``"verify"`` always, ``"ignore"`` never.
        doubt: What to do with doubtful bytes if no evidence decides: ``"deliver"``
            delivers those that are in order, marked; ``"refuse"`` delivers none.
        rst: Where an RST must lie to be believed: ``"exact"`` (RFC 5961), ``"window"``
            or ``"any"``.
        close_grace_s: How long later packets may contradict an RST, or a FIN that
            nobody acknowledges, before the stream ends. 0 believes both at once.
        urgent: Whether the byte before an urgent pointer stays in the stream
            (``"inline"``), or is an ``Urgent`` event of its own, as for a program that
            did not ask for ``SO_OOBINLINE`` (``"out_of_line"``).
        paws: Doubt data with timestamps from the past (RFC 7323 section 5).
        ack: Doubt segments that acknowledge bytes that were never sent, or that were
            acknowledged long ago.
        md5: Doubt the MD5 option (RFC 2385) if no SYN had it.
        ip_options: Doubt malformed IP options, and source routes.
        ip_length: Doubt packets that claim to be longer than their uncut frame, and
            those of overlapping fragments if ``fragment_overlap`` is ``first``.
        window: Hold back data beyond the largest window of the peer until the peer
            acknowledges it.
        window_exact: Allow no slack for acknowledgements that the capture may have
            missed, and hold back data in order as well.
        ttl_distance: Hold back data whose TTL is at least this far from that of its
            half until evidence decides. 0 turns that off.
        max_held_bytes: How many payload bytes may wait out of order.
        max_held_segments: How many segments may wait out of order.
        max_held_span_bytes: How far beyond the delivered bytes they may reach.
        max_holes: How many holes may lie between them.
        duplicate_window_s: How far apart a packet and its copy from a mirror port or a
            second tap may be (see docs/captures.md). A later one is a retransmission.
            0 turns that off: all are retransmissions.
        channel: For captures that have connections several times: take each direction
            of a stream only from the ``"interface"``, the ``"vlan"`` or the pair of
            ``"mac"`` addresses of its first packet, and only count packets that come
            by others. ``"any"`` takes everything (see docs/captures.md).
        limit_scope: Whether the held limits are for each ``"half"`` or for both
            halves of a ``"stream"`` together.
        context: What distinguishes connections with the same addresses and ports:
            their tunnels (``"tunnel"``), also their VLAN tags (``"vlan"``), or nothing
            (``"none"``; see docs/tunnels.md).
        decode_as: More UDP ports that carry a tunnel, each as ``"udp:8473=vxlan"``
            (see docs/tunnels.md).
        memory_limit_bytes: How much memory the assembler may take in all.
        midstream: Whether to follow a connection whose start was not captured.
        midstream_grace_s: How long the first segments of such a half are collected
            before the lowest of them becomes offset 0.
        midstream_grace_segments: The same, in segments.
        idle_timeout_s: A stream without packets is closed after this long.
        half_open_timeout_s: The same while only one side has sent packets.
        linger_s: How long a closed stream absorbs late packets.
        fragment_overlap: Which fragment wins if IPv4 fragments overlap (IPv6 discards
            the datagram, RFC 5722). ``"linux-queue"`` decides for IPv6 too.
        fragment_timeout_s: How long a datagram may stay incomplete.
        max_fragment_bytes: How many bytes of incomplete datagrams are kept, at most a
            quarter of ``memory_limit_bytes``. Streams cannot use this memory.
        max_fragmented_datagrams: How many datagrams may be incomplete at one time.

    Raises:
        ValueError: A value outside its choices or range.
        TypeError: A value of another type.
    """

    deliver: Deliver = "in_order"
    gap: GapRule = "skip"
    gap_grace_s: float | None = 0.020
    overlap: Overlap = "first"
    conflict_window_bytes: int = 4 * _MIB
    checksum: ChecksumRule = "auto"
    doubt: DoubtRule = "deliver"
    rst: RstRule = "exact"
    close_grace_s: float = 5.0
    urgent: UrgentRule = "inline"
    paws: bool = True
    ack: bool = True
    md5: bool = True
    ip_options: bool = True
    ip_length: bool = True
    window: bool = True
    window_exact: bool = False
    ttl_distance: int = 16
    max_held_bytes: int | None = 4 * _MIB
    max_held_segments: int | None = 4096
    max_held_span_bytes: int | None = None
    max_holes: int | None = None
    duplicate_window_s: float = 0.1
    limit_scope: LimitScope = "half"
    context: ContextRule = "tunnel"
    decode_as: tuple[str, ...] = ()
    channel: ChannelRule = "any"
    memory_limit_bytes: int = 512 * _MIB
    midstream: bool = True
    midstream_grace_s: float = 0.020
    midstream_grace_segments: int = 8
    idle_timeout_s: float | None = None
    half_open_timeout_s: float | None = 30.0
    linger_s: float = 60.0
    fragment_overlap: FragmentOverlap = "first"
    fragment_timeout_s: float = 30.0
    max_fragment_bytes: int = 16 * _MIB
    max_fragmented_datagrams: int = 4096

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                wanted = ", ".join(choices)
                raise ValueError(f"{name} must be one of {wanted}, not {value!r}")
        for field in dataclasses.fields(self):
            kinds = _KINDS.get(str(field.type))
            if kinds is None:
                continue
            value = getattr(self, field.name)
            if type(value) not in kinds:
                raise TypeError(f"{field.name} must be {field.type}, not {value!r}")
            most = _MOST.get(field.name, _MOST_OF_ALL)
            if value is not None and not 0 <= value <= most:
                bound = "2**62 - 1" if most == _MOST_OF_ALL else str(most)
                raise ValueError(f"{field.name} must be from 0 to {bound}, not {value}")

        if type(self.decode_as) is not tuple or not all(
            type(rule) is str for rule in self.decode_as
        ):
            raise TypeError(
                "decode_as must be a tuple of rules such as ('udp:8473=vxlan',), not "
                f"{self.decode_as!r}"
            )
        try:
            udp_ports(self.decode_as)
        except ValueError as error:
            raise ValueError(f"decode_as: {error}") from None

    def replace(self, **changes: Unpack[PolicyOptions]) -> Policy:
        """Return a copy with other values for the named fields.

        Raises:
            TypeError, ValueError: As the constructor does.
        """
        for name in changes:
            if name not in self.__dataclass_fields__:
                known = list(self.__dataclass_fields__)
                raise TypeError(no_such_option("Policy.replace", name, known))
        return dataclasses.replace(self, **changes)

    @classmethod
    def preset(cls, name: str) -> Policy:
        """Return the policy that ``name`` stands for; see ``Policy.presets()``.

        A preset copies what a system decides, not its bugs.

        Raises:
            ValueError: There is no preset of that name.
        """
        try:
            return cls(**_PRESETS[name])
        except KeyError:
            known = ", ".join(_PRESETS)
            raise ValueError(f"no preset {name!r}; there are {known}") from None

    @staticmethod
    def presets() -> tuple[str, ...]:
        """Return the names that ``preset`` takes."""
        return tuple(_PRESETS)


Policy.__init__ = names_options(Policy.__init__)  # type: ignore[method-assign]
# Systems that believe whatever comes.
_UNASKED: dict[str, Any] = {
    "checksum": "ignore",
    "close_grace_s": 0.0,
    "paws": False,
    "ack": False,
    "md5": False,
    "ip_options": False,
    "ip_length": False,
    "window": False,
    "ttl_distance": 0,
}

# All but our own know connections by addresses and ports alone, and take what the
# capture has twice for a retransmission.
_PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    # libtins 4.5: 512 chunks or 3 MiB, both directions together, end the stream;
    # one keep-alive, whoever has spoken.
    "libtins": {
        "context": "none",
        "duplicate_window_s": 0.0,
        "idle_timeout_s": 300.0,
        "half_open_timeout_s": 300.0,
        "gap": "wait",
        "gap_grace_s": None,
        "max_held_bytes": 3 * _MIB,
        "max_held_segments": 512,
        "limit_scope": "stream",
        "midstream": False,
        "overlap": "linux",
        "rst": "any",
        **_UNASKED,
    },
    "sniffer": {
        "context": "none",
        "duplicate_window_s": 0.0,
        "idle_timeout_s": 300.0,
        "deliver": "acked",
        "gap_grace_s": 0.0,
        "midstream": False,
        "half_open_timeout_s": 300.0,
    },
    "pcap-tcp-assembler": {
        "context": "none",
        "duplicate_window_s": 0.0,
        "deliver": "pull",
        "gap_grace_s": None,
        "max_held_bytes": 131072,
        "max_held_segments": None,
        "max_held_span_bytes": 131072,
        "max_holes": 100,
        "idle_timeout_s": None,
        "half_open_timeout_s": None,
        "midstream_grace_segments": 1,
        "overlap": "last",
        "rst": "any",
        **_UNASKED,
    },
    "wireshark": {
        "context": "none",
        "duplicate_window_s": 0.0,
        "gap": "passed",
        "gap_grace_s": 0.0,
        "max_held_bytes": None,
        "max_held_segments": None,
        "idle_timeout_s": None,
        "half_open_timeout_s": None,
        "rst": "window",
        **_UNASKED,
        # A conversation never ends there but by a new SYN.
        "linger_s": 1e9,
    },
    # What a program on Linux 6.18 reads.
    "linux": {
        "overlap": "linux-queue",
        "fragment_overlap": "linux-queue",
        "urgent": "out_of_line",
        "rst": "exact",
        "doubt": "refuse",
        "window_exact": True,
    },
    "inline": {"gap_grace_s": None, "close_grace_s": 0.0, "idle_timeout_s": 300.0},
}
