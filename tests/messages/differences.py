"""The reviewed table: where exchanges differ from tshark's, and why they are right."""

from typing import NamedTuple

BODIES = "bodies"


class Row(NamedTuple):
    """A difference in one capture.

    Attributes:
        what: ``BODIES``, or a direction by its ports: its first lines, or its
            ``lengths``, the values of Content-Length.
        only: How many only unpacket has, and how many only tshark.
        reason: Why unpacket is right.
    """

    what: str
    only: tuple[int, int]
    reason: str


TWICE = "tshark prints each of these long requests twice, once cut."
COPIES = (
    "Three VXLAN networks carry the same connection. unpacket tells them apart, and"
    " tshark takes the packets of two for retransmissions."
)
DIFFERENCES: dict[str, list[Row]] = {
    "scapy__pcaps__http_compressed-brotli.pcap": [
        Row(BODIES, (1, 1), "The test compares the coded body; tshark has brotli.")
    ],
    "suricata-verify__filestore-5408__input.pcap": [
        Row("64540>80", (0, 2), TWICE),
        Row("64670>80", (0, 2), TWICE),
        Row("64694>80", (0, 1), TWICE),
        Row("64736>80", (0, 1), TWICE),
    ],
    "suricata-verify__http-evader-137__input.pcap": [
        Row(
            BODIES,
            (1, 0),
            "The content coding is 'identity,identity', which changes nothing. tshark"
            " knows no such coding, and exports no body.",
        )
    ],
    "suricata-verify__http-evader-334__input.pcap": [
        Row(
            BODIES,
            (1, 0),
            "The content coding has a NUL in its name, so that nobody knows it: the"
            " body is given as it came. tshark exports none.",
        )
    ],
    "suricata-verify__tcp-urgp-01-oob__tcp-urgent1.pcap": [
        Row(
            "43950>9090",
            (1, 0),
            "The request has an urgent byte in its target, which is read in line."
            " tshark finds no request.",
        ),
        Row(BODIES, (0, 1), "tshark exports that request as a body."),
    ],
    "zeek__Traces__vxlan-overlapping-http-get.pcap": [
        Row("59856>80", (2, 0), COPIES),
        Row("80>59856", (2, 0), COPIES),
        Row("80>59856 lengths", (2, 0), COPIES),
        Row(BODIES, (2, 0), COPIES),
    ],
    "zeek__traces__quickstart.pcap": [
        Row(
            "52918>80",
            (1, 0),
            "The method is WEIRD, which is a token, and so a method. tshark has a list"
            " of methods.",
        ),
        Row(BODIES, (0, 1), "tshark exports that request as a body."),
    ],
    "zeek__261__variant-10-multi_value_te.pcap": [
        Row(
            BODIES,
            (0, 1),
            "The transfer coding of the request ends in 'identity' and not in"
            " 'chunked': nobody knows where it ends (RFC 9112 section 6.3). tshark"
            " exports an empty body.",
        )
    ],
    "zeek__modbus__modbus-and-non-modbus-p502.pcap": [
        Row(
            "60293>502",
            (0, 1),
            "The request came after an RST had ended the stream: it is in none, and"
            " unpacket warns of its bytes.",
        )
    ],
    "zeek__Traces__mpls-in-vlan.pcap": [
        Row(
            BODIES,
            (0, 1),
            "One segment from the middle of a response was captured. It has no head,"
            " so that its bytes are skipped; tshark exports them.",
        )
    ],
}
