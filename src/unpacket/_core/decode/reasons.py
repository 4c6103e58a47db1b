"""The words for why: no TCP segment of a frame, no bytes, no belief in a segment.

Each frame gives a segment or is counted under exactly one of ``NAMES``, by its number.
What ends a stream is in ``constants.REASONS``, since streams keep that as a number.
"""

NONE = 0
LINK_TRUNCATED = 1
UNKNOWN_LINK_TYPE = 2
LINK_HEADER = 3
ARP = 4
NOT_IP = 5
ENCAPSULATED = 6
IP_TRUNCATED = 7
IP_HEADER = 8
FRAGMENT = 9
FRAGMENT_INVALID = 10
FRAGMENT_OVERLAP = 11
FRAGMENT_TIMEOUT = 12
FRAGMENT_LIMIT = 13
UDP = 14
ICMP = 15
OTHER_PROTOCOL = 16
TCP_TRUNCATED = 17
TCP_HEADER = 18
TUNNEL_TRUNCATED = 19
TUNNEL_HEADER = 20
FILTERED = 21

NAMES = (
    "",
    # The capture ends within the link-layer header.
    "link_truncated",
    "unknown_link_type",
    # A link-layer header that contradicts itself, or has more VLAN tags than anybody
    # stacks; a frame whose check sequence was wrong.
    "link_header",
    "arp",
    "not_ip",
    # Carries frames or packets of its own, which nobody can look into (encrypted,
    # compressed, in a form that is not known), or more tunnels than are followed.
    "encapsulated",
    # The capture ends within the IP header or an extension header.
    "ip_truncated",
    # An IP header that contradicts itself.
    "ip_header",
    # Part of a datagram that is still incomplete, or was completed by a later frame.
    "fragment",
    # No datagram can have such a part.
    "fragment_invalid",
    # Thrown away because an IPv6 datagram had overlapping fragments (RFC 5722).
    "fragment_overlap",
    # Thrown away because the rest did not come in time.
    "fragment_timeout",
    # Thrown away because too much was waiting.
    "fragment_limit",
    "udp",
    "icmp",
    "other_protocol",
    # The capture ends within the 20 fixed bytes of the TCP header.
    "tcp_truncated",
    # The TCP header is longer than the segment, or shorter than it can be.
    "tcp_header",
    # The capture ends within the header of a tunnel.
    "tunnel_truncated",
    # The header of a tunnel contradicts itself, or what it is in.
    "tunnel_header",
    # A filter (BPF) has taken it out: nobody has looked into it.
    "filtered",
)

# What makes it doubtful that a receiver took a segment, in the order of the bits that
# ``constants`` names.
DOUBTS = (
    "checksum",
    "no_ack",
    "ack",
    "md5",
    "ip_options",
    "ip_length",
    "timestamp",
    "window",
    "fast_open",
    "window_probe",
    "ttl",
    "after_fin",
    "fin",
    "fragments",
    "urgent",
)
# Why payload is in no stream though nobody refused it: ``Stream.counts``.
UNPLACED = (
    "late",
    "after_rst",
    "after_gap",
    "before_start",
    "rst_payload",
    "syn",
)
# Why bytes are missing: ``Gap.reason``, whose class says what they mean.
GAP_REASONS = (
    "not_captured",
    "unacknowledged",
    "unknown",
    "truncated",
    "limit",
    "skipped",
    *DOUBTS[:-1],
)
# Why a segment is not of the stream: ``Rejected.reason``.
REJECTED_REASONS = (*DOUBTS[:-1], "rst", "syn")


def doubt_name(doubts: int) -> str:
    """Return the word for the first ground of doubt in ``doubts``, which has one."""
    number = 0
    while not doubts >> number & 1:
        number += 1
    return DOUBTS[number]
