"""The reviewed table: where unpacket differs from the oracle, and why it is right.

``found`` is what ``test_corpus.differences`` returns: places such as ``3ab`` (tshark's
stream 3, what its first sender sent), and what unpacket says there. Of a direction
that is the number of delivered bytes, and the beginning of their SHA-256, if they are
not those of the oracle; and all its gaps, as offset+length and reason.
"""

from typing import NamedTuple


class Row(NamedTuple):
    """Differences in one capture that have one reason."""

    capture: str
    found: dict[str, str]
    reason: str


BY_PORT = (
    "No SYN was captured, and one end has a well-known port: the other one is the"
    " client, whoever is seen to send first."
)
BY_SYN_ACK = (
    "The first packet captured is the SYN-ACK: its receiver is the client. tshark lists"
    " the sender of the first packet first."
)
CUT_AT_THE_END = (
    "The capture's snap length cut the last segment too: its length is in the IP"
    " header, so the end is as much a gap as the middle. The reference lists only holes"
    " that captured bytes follow."
)
SYN_DATA = (
    "Both sides sent a SYN with 9 bytes, and neither acknowledged anything: data in a"
    " SYN counts as far as it is acknowledged. What the client sent again after its SYN"
    " begins one byte before offset 0."
)
DIFFERENCES: list[Row] = [
    Row(
        "arkime__pcap__arkime_synthetic.pcap",
        {"37ab": "equal bytes, 39+35 not_captured"},
        "Frame 354 acknowledges 74 bytes of a client that was seen to send 39.",
    ),
    Row(
        "arkime__pcap__ospf.pcap",
        {"1 client": "port", "2 client": "port"},
        BY_PORT,
    ),
    Row(
        "gopacket__testdata__cip.pcap",
        {"2588 client": "syn_ack", "2949 client": "syn_ack"},
        BY_SYN_ACK,
    ),
    Row(
        "gopacket__testdata__cip.pcap",
        {"+1288": "from frame 10213"},
        "Frame 569 resets the stream. Its client tries again and again with the same"
        " SYN, which counts as late for 60 s, and in frame 10213, 61 s later, as a new"
        " connection. tshark compares sequence numbers, and no times.",
    ),
    Row(
        "gopacket__testdata__cip.pcap",
        {"+2378": "from frame 16602", "+2818": "from frame 22399"},
        "The client sends the same SYN again and again. In these frames the server,"
        " which has reset the connection, answers with another number than before:"
        " another connection.",
    ),
    Row(
        "nfstream__pcaps__6in4tunnel.pcap",
        {"0": "no stream"},
        "Frame 3 is an ICMPv6 error (in IPv4) that quotes a segment; it carries none.",
    ),
    Row(
        "nfstream__pcaps__6in4tunnel.pcap",
        {"2 client": "port", "3 client": "port"},
        BY_PORT,
    ),
    Row(
        "nfstream__pcaps__KakaoTalk_chat.pcap",
        {
            "1 client": "port",
            "3 client": "port",
            "6 client": "port",
            "15 client": "port",
        },
        BY_PORT,
    ),
    Row(
        "nfstream__pcaps__bittorrent.pcap",
        {"0ba": "equal bytes, 0+81 unacknowledged"},
        "Frame 1 acknowledges the server up to 81 bytes before the first that frame 2"
        " carries: they were sent in between, and were not captured.",
    ),
    Row(
        "nfstream__pcaps__bittorrent.pcap",
        {"12ba": "equal bytes, 91+549 not_captured"},
        "Frame 53 acknowledges 640 bytes of a server that was seen to send 91.",
    ),
    Row(
        "nfstream__pcaps__kerberos.pcap",
        {
            f"{number}ba": "equal bytes, 0+1460 unacknowledged"
            for number in (1, 2, 5, 8, 9, 12, 16, 22, 23, 24, 27, 28, 29, 30, 33, 34)
        },
        "Of each reply in two segments the capture has the second: it begins 1460 bytes"
        " after what the request acknowledges.",
    ),
    Row(
        "nfstream__pcaps__nest_log_sink.pcap",
        {"0ab": "equal bytes"},
        "The first segment is a keep-alive: empty, one byte before what follows. tshark"
        " takes that byte for missing.",
    ),
    Row(
        "pcpp__pcap_examples__many-protocols.pcap",
        {"0 client": "port"},
        BY_PORT,
    ),
    Row(
        "pcpp__pcap_examples__many-protocols.pcap",
        {"51ba": "226 bytes 38704b84", "62ba": "226 bytes 94a9b91e"},
        "The last 27 bytes come after the receiver's own RST (frames 1038 and 1135): it"
        " had closed, and answers no more.",
    ),
    Row(
        "pcpp__pcap_examples__solaris.snoop",
        {"0 client": "port"},
        BY_PORT,
    ),
    Row(
        "pcpp__regression_samples__clusterfuzz-testcase-minimized-FuzzTarget-"
        "4829420752470016",
        {"0 client": "port"},
        BY_PORT,
    ),
    Row(
        "pcpp__regression_samples__clusterfuzz-testcase-minimized-FuzzTarget-"
        "4829420752470016",
        {"0ab": "equal bytes, 47+60846 truncated"},
        CUT_AT_THE_END,
    ),
    Row(
        "pcpp__PacketExamples__telnet.pcap",
        {"0 client": "port", "1 client": "port", "2 client": "port"},
        BY_PORT,
    ),
    Row(
        "pcpp__PacketExamples__telnetCommandAfterData.pcap",
        {"0 client": "port"},
        BY_PORT,
    ),
    Row(
        "pcpp__file_heuristics__pcapng-example.pcapng.zst",
        {"13 client": "port"},
        BY_PORT,
    ),
    Row(
        "pcpp__file_heuristics__pcapng-example.pcapng.zst",
        {
            "1ba": "equal bytes, 6 gaps of 7896",
            "2ab": "equal bytes, 10 gaps of 9980",
            "3ba": "equal bytes, 12 gaps of 11308",
            "5ab": "equal bytes, 60+1060 truncated, 1180+1060 truncated,"
            " 2300+1060 truncated",
            "5ba": "equal bytes, 60+304 truncated, 464+1104 truncated",
            "6ab": "equal bytes, 60+2836 truncated, 2956+984 truncated",
            "9ba": "equal bytes, 104+232 truncated",
            "10ab": "equal bytes, 92+8 truncated",
            "13ab": "equal bytes, 40+1168 truncated, 1248+390 truncated",
        },
        CUT_AT_THE_END,
    ),
    Row("pcpp__PcapExamples__sll2.pcap", {"0 client": "port"}, BY_PORT),
    Row("scapy__pcaps__http_compressed-brotli.pcap", {"0 client": "port"}, BY_PORT),
    Row(
        "suricata-verify__filestore-5408__input.pcap",
        {"8": "no stream", "13": "no stream"},
        "Frames 87 and 116 are sFlow reports: samples of other traffic, and no"
        " traffic.",
    ),
    Row(
        "suricata-verify__smtp-bug-5981__input.pcap",
        {"0ab": "13832 bytes 685cf0d1, 121+1460 checksum"},
        "Someone edited the capture: the TCP checksum of frame 21 is wrong, those of"
        " most segments are right, and frame 22 has other bytes for some of its.",
    ),
    Row(
        "suricata-verify__transform-base64-7296__input.pcap",
        {"0ba": "equal bytes, 0+71 not_captured"},
        "The client acknowledges 71 bytes (frame 7) of a server none of whose data was"
        " captured. Frame 12 acknowledges 260, which frame 58 takes back.",
    ),
    Row(
        "suricata-verify__transform-base64-7296__input.pcap",
        {"+5": "from frame 39"},
        "By the damaged clock frame 39 comes 18 hours after the RST of frame 36.",
    ),
    Row(
        "suricata-verify__transform-base64-7296__input.pcap",
        {"1": "no stream"},
        "The data offset of frame 11, damaged on purpose, lies beyond its segment.",
    ),
    Row(
        "suricata-verify__transform-base64-7296__input.pcap",
        {
            "4ab": "37 bytes ae1e0025, 0+196 not_captured, 220+27 unacknowledged",
            "4ba": "71 bytes 6719be67",
        },
        "Frame 36, damaged on purpose, has every flag; RST is one of them, and its"
        " sequence number is exactly what is expected: the connection is over.",
    ),
    *(
        Row(
            f"suricata-verify__util-action-{number}__input.pcap",
            {"0ab": "8 bytes d0f9d3d9", "0ba": "0 bytes e3b0c442"},
            SYN_DATA,
        )
        for number in ("05", "08", "10")
    ),
    Row("tcpflow__tests__test1-out-of-order.pcap", {"0 client": "port"}, BY_PORT),
    Row(
        "tcpflow__tests__test5-lines-randomized.pcap",
        {"1": "no stream"},
        "All packets are shuffled, and the SYN comes after data. Its sequence number is"
        " the one before the data: it is theirs, where tshark begins another stream.",
    ),
    Row(
        "zeek__Traces__vxlan-overlapping-http-get.pcap",
        {"+1": "from frame 2", "+2": "from frame 3"},
        "The stream is in the capture three times: plain, in VXLAN 4711 and in VXLAN"
        " 4242. tshark takes them for one stream.",
    ),
    Row(
        "zeek__ipv4__fragmented-4.pcap",
        {"1ab": "69 bytes ae998878"},
        "Frame 5 overlaps frame 3, a fragment of the same datagram, with other bytes:"
        " the policy says that the first wins, tshark lets the last.",
    ),
    Row(
        "zeek__chksums__ip6-hoa-tcp-good-chksum.pcap",
        {"0": "no stream", "+0": "from frame 1"},
        "The IPv6 Home Address option names the end of the connection (RFC 6275 section"
        " 6.3; the TCP checksum is of that address), the header a care-of address.",
    ),
    Row(
        "zeek__Traces__ipv6-http-atomic-frag.pcap",
        {"0 client": "syn_ack"},
        BY_SYN_ACK,
    ),
    Row("zeek__krb__optional-service-name.pcap", {"0 client": "syn_ack"}, BY_SYN_ACK),
    Row(
        "zeek__Traces__llc.pcap",
        {"+": "859 more 29f3ed02"},
        "The same RST comes once a minute for a day, and nothing else. It counts as"
        " late for 60 s, and then as a new connection. tshark compares sequence"
        " numbers, and no times.",
    ),
    Row(
        "zeek__modbus__modbus-and-non-modbus-p502.pcap",
        {"4ab": "0 bytes e3b0c442"},
        "The client reset the connection (frame 64) 16 seconds before it sends data;"
        " the server answers that with an RST.",
    ),
    Row(
        "zeek__Traces__mpls-in-vlan.pcap",
        {"1 client": "port"},
        BY_PORT,
    ),
    Row("zeek__Traces__smtp.pcap", {"3 client": "port"}, BY_PORT),
    Row("zeek__tcp__handshake-reorder.pcap", {"0 client": "syn_ack"}, BY_SYN_ACK),
    Row(
        "zeek__tcp__miss_end_data.pcap",
        {"0ba": "equal bytes, 0+2902 not_captured"},
        "The server's FIN (frame 6) lies at offset 2902, and frame 7 acknowledges it;"
        " not a byte before it was captured.",
    ),
    Row("zeek__tcp__missing-syn.pcap", {"0 client": "syn_ack"}, BY_SYN_ACK),
    Row(
        "zeek__tcp__retransmit-fast009.pcap",
        {
            "0ab": "equal bytes, 0+474 truncated",
            "0ba": "equal bytes, 20 gaps of 23783",
        },
        CUT_AT_THE_END,
    ),
    Row(
        "zeek__tcp__truncated-header.pcap",
        {
            "0ab": "equal bytes, 5 gaps of 128",
            "0ba": "equal bytes, 6 gaps of 477",
        },
        CUT_AT_THE_END,
    ),
    Row(
        "zeek__tunnels__Teredo.pcap",
        {"0 client": "port", "1 client": "port"},
        BY_PORT,
    ),
    Row(
        "zeek__Traces__vntag_vlan_sandwich_clean.pcap",
        {"0 client": "syn_ack"},
        BY_SYN_ACK,
    ),
    Row("zeek__Traces__wikipedia.pcap", {"9 client": "syn_ack"}, BY_SYN_ACK),
]
