"""Tunnels lead to the innermost TCP, and leave their path and their context."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builder import ACK, PSH, SYN, Conversation, Frame, ethernet, ip, tcp
from tests.core.decoded import ETHERNET, RAW, Reader, read, segment
from unpacket import Assembler, Batch, Data, Opened, Policy, Stream
from unpacket._core.decode.layers import path_text
from unpacket._decode_as import TUNNELS as TUNNEL_NAMES
from unpacket._decode_as import udp_ports

A4, B4 = "10.0.0.1", "10.0.0.2"
A6, B6 = "2001:db8::1", "2001:db8::2"
OUTER4 = ("192.0.2.1", "192.0.2.2")
OUTER6 = ("2001:db8:ffff::1", "2001:db8:ffff::2")
MACS = bytes.fromhex("020000000001020000000002")

TCP4 = tcp((A4, 1025), (B4, 80), 7, b"payload", ack=9)
TCP6 = tcp((A6, 1025), (B6, 80), 7, b"payload", ack=9)
V4 = ip(A4, B4, TCP4)
V6 = ip(A6, B6, TCP6)
ETH4 = ethernet(V4)
ETH6 = ethernet(V6)


def udp(port: int, payload: bytes, source: int = 50000) -> bytes:
    return struct.pack(">HHHH", source, port, 8 + len(payload), 0) + payload


def over(protocol: int, payload: bytes, ends: tuple[str, str] = OUTER4) -> bytes:
    return ip(*ends, payload, protocol=protocol)


def labels(*numbers: int) -> bytes:
    """Return a stack of MPLS labels."""
    last = len(numbers) - 1
    return b"".join(
        struct.pack(">I", number << 12 | (i == last) << 8 | 64)
        for i, number in enumerate(numbers)
    )


def ppp(packet: bytes, head: bytes = b"") -> bytes:
    return head + (b"\0\x57" if packet[0] >> 4 == 6 else b"\0\x21") + packet


def pppoe(session: int, packet: bytes) -> bytes:
    body = ppp(packet)
    return struct.pack(">BBHH", 0x11, 0, session, len(body)) + body


def gre(protocol: int, payload: bytes, flags: int = 0, options: bytes = b"") -> bytes:
    return struct.pack(">HH", flags, protocol) + options + payload


def pptp(packet: bytes, call: int = 5) -> bytes:
    body = ppp(packet, b"\xff\x03")
    head = struct.pack(">HHHHII", 0x3081, 0x880B, len(body), call, 1, 1)
    return head + body


def vni(flags: bytes, number: int) -> bytes:
    """Return the eight bytes that VXLAN and Geneve have in common."""
    return flags + struct.pack(">I", number << 8)


def erspan3(payload: bytes, kind: int = 0, *, platform: bool = False) -> bytes:
    last = kind << 10 | platform
    head = struct.pack(">HHIHH", 0x2000, 0x0007, 1, 0, last)
    return head + bytes(8 * platform) + payload


def macsec(
    body: bytes, control: int = 0, *, name: bytes = b"", short: bool = False
) -> bytes:
    """Return a MACsec frame's tag, what it protects, the check value."""
    size = len(body) if short else 0
    head = struct.pack(">BBI", control | 0x20 * bool(name), size, 1) + name
    return head + body + b"\xc5" * 16


def capwap(fields: int, body: bytes, extra: bytes = b"") -> bytes:
    """Return a CAPWAP data packet of radio 1; ``extra`` is a multiple of four."""
    size = 2 + len(extra) // 4
    return struct.pack(">II", size << 19 | 1 << 14 | 1 << 9 | fields, 0) + extra + body


def tzsp(inside: int, frame: bytes, tags: bytes = b"\x01") -> bytes:
    return struct.pack(">BBH", 1, 0, inside) + tags + frame


def nsh(following: int, payload: bytes) -> bytes:
    return struct.pack(">HBBI", 0x0FC6, 1, following, 0x2A01) + bytes(16) + payload


def wire(ethertype: int, payload: bytes) -> bytes:
    return MACS + struct.pack(">H", ethertype) + payload


SNAP4 = struct.pack(">H", 8 + len(V4)) + b"\xaa\xaa\x03\0\0\0\x08\0" + V4
AYIYA = b"\x44\x52\x11\x29" + bytes(4) + bytes(16) + bytes(20)
TEREDO_AUTH = b"\0\x01\x04\x02" + b"user" + b"pw" + bytes(9)
TEREDO_ORIGIN = bytes(8)
GTP_LONG = struct.pack(">BBHI", 0x36, 255, 0, 9) + b"\0\x01\0\x85"
GTP_LONG += b"\x01\0\0\xc0" + b"\x02" + bytes(6) + b"\0"
VN = b"\0\0\0\0\x08\0"
IP4 = b"\x08\0" + V4
# A station sends to its access point: plain, and with quality of service.
WIRELESS = b"\x08\x01\0\0" + MACS + MACS[:6] + b"\x20\0"
QUALITY = b"\x88\x01" + WIRELESS[2:] + b"\0\0"
LLC4 = b"\xaa\xaa\x03\0\0\0\x08\0" + V4
LLC6 = b"\xaa\xaa\x03\0\0\0\x86\xdd" + V6
# A radio's address, and what it measured, both filled up to words.
RADIO = b"\x06" + MACS[:6] + b"\0" + b"\x04\xc0\x14\0\x36\0\0\0"
TAGS = b"\x0a\x01\xd4" + b"\0" + b"\x29\x02\0\x40" + b"\x01"
AVS = struct.pack(">II", 0x80211001, 64) + bytes(56)
# With a nonce, the number of a network and the state of eight locators.
LISP = b"\x88\0\0\x09" + b"\0\0\x4d\x01"
SCI = MACS[6:] + b"\0\1"
# A packet whose length segmentation offload left open.
V4_OPEN = ip(A4, B4, TCP4, total_length=0)

# What is around the packet; the link type; where TCP is; how the path says it.
TUNNELS = {
    "MPLS": (1, wire(0x8847, labels(16) + V4), "eth/mpls:16/ip/tcp"),
    "MPLS, three labels": (
        1,
        wire(0x8848, labels(1, 2, 1048575) + V6),
        "eth/mpls:1/mpls:2/mpls:1048575/ipv6/tcp",
    ),
    "a pseudo-wire with a control word": (
        1,
        wire(0x8847, labels(17, 18) + bytes(4) + ETH4),
        "eth/mpls:17/mpls:18/pw/eth/ip/tcp",
    ),
    "a pseudo-wire without": (
        1,
        wire(0x8847, labels(17) + ETH6),
        "eth/mpls:17/eth/ipv6/tcp",
    ),
    "a pseudo-wire to an address that looks like IP": (
        1,
        wire(0x8847, labels(17) + b"\x64" + ETH4[1:]),
        "eth/mpls:17/eth/ip/tcp",
    ),
    "PPPoE": (1, wire(0x8864, pppoe(42, V4)), "eth/pppoe:42/ppp/ip/tcp"),
    "PPPoE, IPv6 in a VLAN": (
        1,
        MACS + b"\x81\0\0\x07\x88\x64" + pppoe(42, V6),
        "eth/vlan:7/pppoe:42/ppp/ipv6/tcp",
    ),
    "PPP, one byte of protocol": (1, wire(0x880B, b"\x21" + V4), "eth/ppp/ip/tcp"),
    "PPP, MPLS": (
        1,
        wire(0x880B, b"\x02\x81" + labels(3) + V4),
        "eth/ppp/mpls:3/ip/tcp",
    ),
    "Ethernet in Ethernet": (1, wire(0x6558, ETH4), "eth/eth/ip/tcp"),
    "802.1ah": (
        1,
        MACS + b"\x88\xa8\0\x05\x88\xe7\0\0\x30\x39" + ETH4,
        "eth/vlan:5/pbb:12345/eth/ip/tcp",
    ),
    "VN-Tag": (1, wire(0x8926, VN + V4), "eth/vntag/ip/tcp"),
    "E-TAG": (1, wire(0x893F, b"\0\0" + VN + V4), "eth/etag/ip/tcp"),
    "HSR": (1, wire(0x892F, VN + V4), "eth/hsr/ip/tcp"),
    "Cisco metadata": (1, wire(0x8909, b"\x01\x01" + VN + V4), "eth/cmd/ip/tcp"),
    "MACsec": (1, wire(0x88E5, macsec(IP4)), "eth/macsec/ip/tcp"),
    "MACsec, with a name": (
        1,
        wire(0x88E5, macsec(b"\x86\xdd" + V6, 0x43, name=SCI)),
        "eth/macsec/ipv6/tcp",
    ),
    "MACsec, in a VLAN, with one inside": (
        1,
        MACS + b"\x81\0\0\x07\x88\xe5" + macsec(b"\x81\0\0\x08" + IP4, name=SCI),
        "eth/vlan:7/macsec/vlan:8/ip/tcp",
    ),
    "TRILL": (
        1,
        wire(0x22F3, b"\0\x5f\0\1\0\2" + bytes(4) + ETH4),
        "eth/trill/eth/ip/tcp",
    ),
    "FabricPath": (1, wire(0x8903, b"\0\x20" + ETH4), "eth/fabricpath/eth/ip/tcp"),
    "NSH": (1, wire(0x894F, nsh(1, V4)), "eth/nsh:42/ip/tcp"),
    "NSH, Ethernet": (1, wire(0x894F, nsh(3, ETH4)), "eth/nsh:42/eth/ip/tcp"),
    "IPv4 in IPv4": (RAW, over(4, V4), "ip/ip/tcp"),
    "IPv6 in IPv4": (RAW, over(41, V6), "ip/ipv6/tcp"),
    "IPv4 in IPv6": (RAW, over(4, V4, OUTER6), "ipv6/ip/tcp"),
    "IPv6 in IPv6": (RAW, over(41, V6, OUTER6), "ipv6/ipv6/tcp"),
    "Ethernet in IPv6": (RAW, over(143, ETH4, OUTER6), "ipv6/eth/ip/tcp"),
    "MPLS in IP": (RAW, over(137, labels(9) + V4), "ip/mpls:9/ip/tcp"),
    "EtherIP": (RAW, over(97, b"\x30\0" + ETH4), "ip/etherip/eth/ip/tcp"),
    "GRE": (RAW, over(47, gre(0x0800, V4)), "ip/gre/ip/tcp"),
    "GRE, all options": (
        RAW,
        over(47, gre(0x86DD, V6, 0xB000, bytes(4) + b"\0\0\0\x2a" + bytes(4))),
        "ip/gre:42/ipv6/tcp",
    ),
    "GRE, source routes": (
        RAW,
        over(47, gre(0x0800, V4, 0x4000, bytes(4) + b"\x08\0\0\x04abcd" + bytes(4))),
        "ip/gre/ip/tcp",
    ),
    "GRE, Ethernet": (RAW, over(47, gre(0x6558, ETH4)), "ip/gre/eth/ip/tcp"),
    "GRE, MPLS": (
        RAW,
        over(47, gre(0x8847, labels(5) + V4)),
        "ip/gre/mpls:5/ip/tcp",
    ),
    "GRE in UDP": (RAW, over(17, udp(4754, gre(0x0800, V4))), "ip/udp/gre/ip/tcp"),
    "PPTP": (RAW, over(47, pptp(V4)), "ip/gre:5/ppp/ip/tcp"),
    "ERSPAN I": (RAW, over(47, gre(0x88BE, ETH4)), "ip/gre/erspan:0/eth/ip/tcp"),
    "ERSPAN II": (
        RAW,
        over(47, gre(0x88BE, b"\x10\0\0\x09" + bytes(4) + ETH4, 0x1000, bytes(4))),
        "ip/gre/erspan:9/eth/ip/tcp",
    ),
    "ERSPAN III": (
        RAW,
        over(47, gre(0x22EB, erspan3(ETH4), 0x1000, bytes(4))),
        "ip/gre/erspan:7/eth/ip/tcp",
    ),
    "ERSPAN III, of IP": (
        RAW,
        over(47, gre(0x22EB, erspan3(V6, 2, platform=True), 0x1000, bytes(4))),
        "ip/gre/erspan:7/ipv6/tcp",
    ),
    "GRE, WCCP": (RAW, over(47, gre(0x883E, V4)), "ip/gre/wccp/ip/tcp"),
    "GRE, WCCP 2": (
        RAW,
        over(47, gre(0x883E, b"\x01\x5a\0\7" + V4)),
        "ip/gre/wccp/ip/tcp",
    ),
    "GRE, WCCP 2 of IPv6": (
        RAW,
        over(47, gre(0x883E, b"\0\0\0\7" + V6, 0x2000, b"\0\0\0\x2a")),
        "ip/gre:42/wccp/ipv6/tcp",
    ),
    "VXLAN": (
        1,
        ethernet(over(17, udp(4789, vni(b"\x08\0\0\0", 77) + ETH4))),
        "eth/ip/udp/vxlan:77/eth/ip/tcp",
    ),
    "VXLAN, 802.2": (
        RAW,
        over(17, udp(8472, vni(b"\x08\0\0\0", 77) + MACS + SNAP4)),
        "ip/udp/vxlan:77/eth/llc/ip/tcp",
    ),
    "VXLAN-GPE": (
        RAW,
        over(17, udp(4790, vni(b"\x0c\0\0\x02", 77) + V6)),
        "ip/udp/vxlan-gpe:77/ipv6/tcp",
    ),
    "VXLAN-GPE, NSH": (
        RAW,
        over(17, udp(4790, vni(b"\x0c\0\0\x04", 77) + nsh(1, V4))),
        "ip/udp/vxlan-gpe:77/nsh:42/ip/tcp",
    ),
    "Geneve": (
        RAW,
        over(17, udp(6081, vni(b"\x02\0\x65\x58", 78) + bytes(8) + ETH4), OUTER6),
        "ipv6/udp/geneve:78/eth/ip/tcp",
    ),
    "Geneve, IP": (
        RAW,
        over(17, udp(6081, vni(b"\0\0\x08\0", 78) + V4)),
        "ip/udp/geneve:78/ip/tcp",
    ),
    "GTP": (
        RAW,
        over(17, udp(2152, struct.pack(">BBHI", 0x30, 255, len(V4), 9) + V4)),
        "ip/udp/gtp:9/ip/tcp",
    ),
    "GTP, extensions": (
        RAW,
        over(17, udp(2152, GTP_LONG + V6)),
        "ip/udp/gtp:9/ipv6/tcp",
    ),
    "Teredo": (RAW, over(17, udp(3544, V6)), "ip/udp/teredo/ipv6/tcp"),
    "Teredo, indicators": (
        RAW,
        over(17, udp(50000, TEREDO_AUTH + TEREDO_ORIGIN + V6, 3544)),
        "ip/udp/teredo/ipv6/tcp",
    ),
    "AYIYA": (RAW, over(17, udp(5072, AYIYA + V6)), "ip/udp/ayiya/ipv6/tcp"),
    "CAPWAP": (
        RAW,
        over(17, udp(5247, capwap(0, ETH4))),
        "ip/udp/capwap/eth/ip/tcp",
    ),
    "CAPWAP, from the controller, in a VLAN": (
        RAW,
        over(17, udp(50000, capwap(0, MACS + b"\x81\0\0\x08" + IP4), 5247), OUTER6),
        "ipv6/udp/capwap/eth/vlan:8/ip/tcp",
    ),
    "CAPWAP, 802.11": (
        RAW,
        over(17, udp(5247, capwap(0x100, WIRELESS + LLC6))),
        "ip/udp/capwap/wlan/llc/ipv6/tcp",
    ),
    "CAPWAP, 802.11, all fields": (
        RAW,
        over(17, udp(5247, capwap(0x130, QUALITY + LLC4, RADIO))),
        "ip/udp/capwap/wlan/llc/ip/tcp",
    ),
    "CAPWAP, 802.11, bytes swapped": (
        RAW,
        over(17, udp(5247, capwap(0x100, b"\x09\x88" + QUALITY[2:] + LLC4))),
        "ip/udp/capwap/wlan/llc/ip/tcp",
    ),
    "TZSP": (RAW, over(17, udp(37008, tzsp(1, ETH4))), "ip/udp/tzsp/eth/ip/tcp"),
    "TZSP, tags, 802.11": (
        RAW,
        over(17, udp(37008, tzsp(18, WIRELESS + LLC6, TAGS))),
        "ip/udp/tzsp/wlan/llc/ipv6/tcp",
    ),
    "TZSP, Prism": (
        RAW,
        over(17, udp(37008, tzsp(119, b"\0\0\0\x44" + bytes(140) + QUALITY + LLC4))),
        "ip/udp/tzsp/prism/wlan/llc/ip/tcp",
    ),
    "TZSP, AVS": (
        RAW,
        over(17, udp(37008, tzsp(127, AVS + WIRELESS + LLC4))),
        "ip/udp/tzsp/avs/wlan/llc/ip/tcp",
    ),
    "LISP": (RAW, over(17, udp(4341, LISP + V6)), "ip/udp/lisp:77/ipv6/tcp"),
    "LISP, of no network": (
        RAW,
        over(17, udp(4341, b"\xc0\0\0\x09\0\0\0\x01" + V4), OUTER6),
        "ipv6/udp/lisp:0/ip/tcp",
    ),
    "LISP, Ethernet": (
        RAW,
        over(17, udp(4341, b"\x0c\0\0\x03\0\0\x4d\0" + ETH4)),
        "ip/udp/lisp:77/eth/ip/tcp",
    ),
    "MPLS in UDP": (
        RAW,
        over(17, udp(6635, labels(5) + V4)),
        "ip/udp/mpls:5/ip/tcp",
    ),
    "L2TP": (
        RAW,
        over(17, udp(1701, struct.pack(">HHH", 2, 3, 4) + ppp(V4, b"\xff\x03"))),
        "ip/udp/l2tp:4/ppp/ip/tcp",
    ),
    "L2TP, all fields": (
        RAW,
        over(
            17,
            udp(
                1701,
                struct.pack(">HHHHHHH2x", 0x4A02, 16 + len(ppp(V4)), 3, 4, 0, 0, 2)
                + ppp(V4),
            ),
        ),
        "ip/udp/l2tp:4/ppp/ip/tcp",
    ),
    "L2TP 3 in IP": (
        RAW,
        over(115, b"\0\0\0\x09" + b"cookie.." + ETH4),
        "ip/l2tpv3:9/eth/ip/tcp",
    ),
    "L2TP 3 in UDP": (
        RAW,
        over(17, udp(1701, b"\0\x03\0\0\0\0\0\x09" + ETH4)),
        "ip/udp/l2tpv3:9/eth/ip/tcp",
    ),
}
PAYLOAD = b"payload"
# What UDP carries, by its name in rules.
IN_UDP = {
    "ayiya": (AYIYA + V6, "ayiya/ipv6"),
    "capwap": (capwap(0, ETH4), "capwap/eth/ip"),
    "geneve": (vni(b"\0\0\x08\0", 78) + V4, "geneve:78/ip"),
    "gre": (gre(0x0800, V4), "gre/ip"),
    "gtp": (struct.pack(">BBHI", 0x30, 255, len(V4), 9) + V4, "gtp:9/ip"),
    "l2tp": (struct.pack(">HHH", 2, 3, 4) + ppp(V4), "l2tp:4/ppp/ip"),
    "lisp": (LISP + V4, "lisp:77/ip"),
    "mpls": (labels(5) + V4, "mpls:5/ip"),
    "teredo": (V6, "teredo/ipv6"),
    "tzsp": (tzsp(1, ETH4), "tzsp/eth/ip"),
    "vxlan": (vni(b"\x08\0\0\0", 77) + ETH4, "vxlan:77/eth/ip"),
    "vxlan-gpe": (vni(b"\x0c\0\0\x02", 77) + V6, "vxlan-gpe:77/ipv6"),
}
# These answer from their port to any.
ANSWERING = {"ayiya", "capwap", "l2tp", "teredo"}
TUNNEL_ROWS = [pytest.param(*row, id=name) for name, row in TUNNELS.items()]


@pytest.mark.parametrize(("link_type", "frame", "path"), TUNNEL_ROWS)
def test_a_tunnel_leads_to_the_segment(link_type: int, frame: bytes, path: str) -> None:
    # What pads the frame belongs to none of its packets.
    row = segment(frame + b"\xff" * 5, link_type)
    assert row["payload"] == PAYLOAD
    assert (row["seq"], row["ack"], row["checksum"]) == (7, 9, 1)
    assert path_text(link_type, row["layers"], row["family"]) == path


@pytest.mark.parametrize(("link_type", "frame", "path"), TUNNEL_ROWS)
def test_every_truncation_of_a_tunnel_is_counted(
    link_type: int, frame: bytes, path: str
) -> None:
    whole = frame.rindex(PAYLOAD)
    for size in range(len(frame)):
        got: Any = read(frame[:size], link_type, original=len(frame))
        if size < whole:
            assert isinstance(got, str)
        else:
            assert got["payload"] == PAYLOAD[: size - whole]
            judged = size >= whole + len(PAYLOAD)
            assert (got["length"], got["checksum"]) == (len(PAYLOAD), judged)


@pytest.mark.parametrize("neighbour", [b"\0", b"\x45", b"\x60", b"\xff"])
@pytest.mark.parametrize(("link_type", "frame", "path"), TUNNEL_ROWS)
def test_what_a_truncated_frame_is_does_not_depend_on_the_next(
    link_type: int, frame: bytes, path: str, neighbour: bytes
) -> None:
    for size in range(len(frame)):
        assembler = Assembler()
        cut = (0, frame[:size], link_type, len(frame))
        assembler.feed(Batch.from_frames([cut, (0, neighbour * 99, RAW, 99)]))
        alone = read(frame[:size], link_type, original=len(frame))
        if isinstance(alone, str):
            assert alone in assembler.counters
        else:
            assert assembler.packets == 1


@given(
    st.sampled_from(list(TUNNELS.values())),
    st.data(),
    st.binary(max_size=120),
)
def test_any_bytes_in_a_tunnel_are_a_segment_or_counted(
    tunnel: tuple[int, bytes, str], data: st.DataObject, octets: bytes
) -> None:
    link_type, frame, _ = tunnel
    at = data.draw(st.integers(0, len(frame)))
    stop = data.draw(st.integers(at, len(frame)))
    read(frame[:at] + octets + frame[stop:], link_type)


@given(st.lists(st.sampled_from([4, 41, 47, 97, 115, 137, 143, 17]), max_size=30))
def test_random_protocols_over_each_other_are_counted(protocols: list[int]) -> None:
    packet = V4
    for protocol in protocols:
        packet = over(protocol, udp(4789, packet) if protocol == 17 else packet)
    read(packet)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        pytest.param(wire(0x8863, bytes(28)), "not_ip", id="PPPoE discovery"),
        pytest.param(
            wire(0x8864, b"\x11\xa7\0\1\0\0"), "not_ip", id="PPPoE, not a session"
        ),
        pytest.param(wire(0x8864, b"\x21" + bytes(9)), "tunnel_header", id="PPPoE 2"),
        pytest.param(
            wire(0x8864, b"\x11\0\0\1\0\x06\xc0\x21\1\1\0\4"), "not_ip", id="LCP"
        ),
        pytest.param(
            wire(0x880B, b"\0\xfd" + bytes(9)), "encapsulated", id="compressed PPP"
        ),
        pytest.param(
            wire(0x88E5, macsec(IP4, 0x0C)), "encapsulated", id="MACsec, encrypted"
        ),
        pytest.param(
            wire(0x88E5, macsec(IP4, 0x04)), "encapsulated", id="MACsec, changed"
        ),
        pytest.param(
            wire(0x88E5, macsec(IP4, 0x80)), "tunnel_header", id="MACsec version 1"
        ),
        pytest.param(
            wire(0x88E5, macsec(b"")), "tunnel_header", id="MACsec of nothing"
        ),
        pytest.param(
            wire(0x88E5, macsec(b"\x08\x06" + bytes(28), short=True)),
            "arp",
            id="ARP in MACsec",
        ),
        pytest.param(wire(0x8847, labels(1) + bytes(60)), "encapsulated", id="a wire"),
        pytest.param(wire(0x8847, labels(13) + b"\x10" * 9), "not_ip", id="G-ACh"),
        pytest.param(wire(0x8847, labels(1)), "tunnel_truncated", id="only labels"),
        pytest.param(wire(0x8847, bytes(4) * 40), "encapsulated", id="40 labels"),
        pytest.param(
            wire(0x894F, b"\x4f" + nsh(1, V4)[1:]), "tunnel_header", id="NSH version 1"
        ),
        pytest.param(
            ethernet(over(47, gre(0x0800, V4, 2))), "tunnel_header", id="GRE version 2"
        ),
        pytest.param(
            ethernet(over(47, gre(0x00FE, b"osi"))), "not_ip", id="GRE, no EtherType"
        ),
        pytest.param(
            ethernet(over(47, struct.pack(">HHHHI", 0x2081, 0x880B, 0, 5, 1))),
            "not_ip",
            id="PPTP acknowledges",
        ),
        pytest.param(
            ethernet(over(47, gre(0x883E, bytes(9)))), "not_ip", id="WCCP of nothing"
        ),
        pytest.param(
            ethernet(over(97, b"\x40\0" + ETH4)), "tunnel_header", id="EtherIP 4"
        ),
        pytest.param(
            ethernet(over(17, udp(4789, bytes(8) + ETH4))), "udp", id="VXLAN of none"
        ),
        pytest.param(
            ethernet(over(17, udp(2152, b"\x32\x01" + bytes(10)))), "udp", id="GTP echo"
        ),
        pytest.param(
            ethernet(over(17, udp(2152, b"\x34\xff" + bytes(9) + b"\x85" + bytes(60)))),
            "tunnel_header",
            id="GTP, an extension of no bytes",
        ),
        pytest.param(
            ethernet(over(17, udp(1701, b"\xc8\x02" + bytes(20)))), "udp", id="L2TP SCC"
        ),
        pytest.param(
            ethernet(over(115, bytes(20))), "not_ip", id="L2TP 3 control message"
        ),
        pytest.param(
            ethernet(over(115, b"\0\0\0\1" + bytes(60))),
            "encapsulated",
            id="L2TP 3 without Ethernet",
        ),
        pytest.param(
            ethernet(over(17, udp(3544, bytes(60)))), "udp", id="Teredo of nothing"
        ),
        pytest.param(
            ethernet(over(17, udp(5247, capwap(8, bytes(20))))),
            "udp",
            id="CAPWAP alive",
        ),
        pytest.param(
            ethernet(over(17, udp(5247, b"\x10" + bytes(20)))), "udp", id="CAPWAP 1"
        ),
        pytest.param(
            ethernet(over(17, udp(5247, b"\1\0\0\0\x17" + bytes(40)))),
            "encapsulated",
            id="CAPWAP in DTLS",
        ),
        pytest.param(
            ethernet(over(17, udp(5247, capwap(0x80, ETH4)))),
            "encapsulated",
            id="a fragment of CAPWAP",
        ),
        pytest.param(
            ethernet(over(17, udp(5247, capwap(0x500, ETH4)))),
            "encapsulated",
            id="CAPWAP of another radio",
        ),
        pytest.param(
            ethernet(over(17, udp(5247, bytes(40)))),
            "tunnel_header",
            id="CAPWAP without a header",
        ),
        pytest.param(
            ethernet(over(17, udp(5247, capwap(0x100, b"\x40\0" + bytes(40))))),
            "not_ip",
            id="CAPWAP, a probe",
        ),
        pytest.param(
            ethernet(over(17, udp(37008, b"\1\4\0\0\1"))), "udp", id="TZSP alive"
        ),
        pytest.param(
            ethernet(over(17, udp(37008, tzsp(1, b"", b"\x29\xff" + bytes(20))))),
            "tunnel_truncated",
            id="TZSP, a tag of more than there is",
        ),
        pytest.param(
            ethernet(over(17, udp(37008, tzsp(1, b"", bytes(40))))),
            "tunnel_truncated",
            id="TZSP, tags without end",
        ),
        pytest.param(
            ethernet(over(17, udp(37008, tzsp(6, bytes(40))))),
            "encapsulated",
            id="TZSP, token ring",
        ),
        pytest.param(
            ethernet(over(17, udp(4341, b"\x01" + bytes(7) + V4))),
            "encapsulated",
            id="LISP, encrypted",
        ),
        pytest.param(
            ethernet(over(17, udp(4341, bytes(40)))), "not_ip", id="LISP of nothing"
        ),
        pytest.param(ethernet(over(17, udp(4789, b"\0"))), "udp", id="keeps alive"),
        pytest.param(
            ethernet(over(17, udp(6081, vni(b"\0\0\x08\x06", 1) + bytes(28)))),
            "arp",
            id="ARP in Geneve",
        ),
    ],
)
def test_what_a_tunnel_holds_instead_is_said(frame: bytes, reason: str) -> None:
    assert read(frame, ETHERNET) == reason


@pytest.mark.parametrize(
    ("protected", "payload"),
    [
        pytest.param(macsec(b"\x08\0" + V4_OPEN), PAYLOAD, id="no length in IP"),
        pytest.param(
            macsec(b"\x08\0" + V4_OPEN[:-5], short=True) + b"\xff" * 9,
            PAYLOAD[:-5],
            id="a short frame with padding",
        ),
        pytest.param(macsec(IP4)[:-8], PAYLOAD, id="a check value of eight bytes"),
        pytest.param(macsec(b"\x86\xdd" + V6)[:-8], PAYLOAD, id="the same, IPv6"),
    ],
)
def test_the_check_value_of_macsec_is_no_payload(
    protected: bytes, payload: bytes
) -> None:
    assert segment(wire(0x88E5, protected), ETHERNET)["payload"] == payload


@pytest.mark.parametrize("name", list(TUNNEL_NAMES))
def test_any_port_can_carry_a_tunnel(name: str) -> None:
    body, path = IN_UDP[name]
    reader = Reader(udp_ports=udp_ports([f"udp:8473={name}"]))
    frame = over(17, udp(8473, body))
    row: Any = reader.read(frame)
    assert row["payload"] == PAYLOAD
    assert path_text(RAW, row["layers"], row["family"]) == f"ip/udp/{path}/tcp"
    assert read(frame) == "udp"
    # What was known is known still.
    assert isinstance(reader.read(over(17, udp(TUNNEL_NAMES[name], body))), dict)
    answer = reader.read(over(17, udp(50000, body, 8473)))
    assert isinstance(answer, dict) == (name in ANSWERING)


def test_a_port_that_is_known_can_carry_something_else() -> None:
    reader = Reader(udp_ports=udp_ports(["udp:4789=geneve"]))
    row: Any = reader.read(over(17, udp(4789, IN_UDP["geneve"][0])))
    assert path_text(RAW, row["layers"], row["family"]) == "ip/udp/geneve:78/ip/tcp"
    assert reader.read(over(17, udp(4789, IN_UDP["vxlan"][0]))) != row


@given(st.sampled_from(list(TUNNEL_NAMES)), st.binary(max_size=120))
def test_any_bytes_on_a_named_port_are_a_segment_or_counted(
    name: str, octets: bytes
) -> None:
    reader = Reader(udp_ports=udp_ports([f"udp:9={name}"]))
    reader.read(over(17, udp(9, octets)))
    reader.read(over(17, udp(9, octets, 9))[: 20 + len(octets) // 2])


@pytest.mark.parametrize("depth", [1, 5, 24])
def test_tunnels_are_followed_some_deep(depth: int) -> None:
    packet = V4
    for _ in range(depth):
        packet = over(4, packet)
    assert segment(packet)["payload"] == PAYLOAD


@pytest.mark.parametrize("depth", [25, 60, 3000])
def test_tunnels_are_not_followed_without_end(depth: int) -> None:
    packet = V4
    for _ in range(depth):
        packet = over(4, packet)
    assert read(packet) == "encapsulated"


def test_a_damaged_outer_header_is_damage() -> None:
    packet = over(4, V4)
    assert segment(packet[:8] + b"\x3c" + packet[9:])["checksum"] == 2


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_fragments_inside_and_outside_are_put_together(order: tuple[int, ...]) -> None:
    # Each inner fragment is in a tunnel packet that came in two outer fragments.
    reader = Reader()
    found = []
    cuts = [(TCP4[:8], 0, True), (TCP4[8:16], 8, True), (TCP4[16:], 16, False)]
    for number in order:
        data, offset, more = cuts[number]
        inner = ip(A4, B4, data, fragment_offset=offset, more_fragments=more)
        packet = udp(4789, vni(b"\x08\0\0\0", 77) + ethernet(inner))
        for start, end in ((0, 24), (24, len(packet))):
            outer = ip(
                *OUTER4,
                packet[start:end],
                protocol=17,
                identification=number,
                fragment_offset=start,
                more_fragments=end < len(packet),
            )
            found.append(reader.read(outer))
    assert found[:-1] == ["fragment"] * 5
    row: Any = found[-1]
    assert (row["payload"], row["checksum"], row["source"]) == (PAYLOAD, 1, 0)


def test_fragments_of_two_tunnels_do_not_mix() -> None:
    reader = Reader()
    for number in (1, 2):
        inner = ip(A4, B4, TCP4[:24], more_fragments=True)
        frame = over(17, udp(4789, vni(b"\x08\0\0\0", number) + ethernet(inner)))
        assert reader.read(frame) == "fragment"
    for number in (1, 2):
        inner = ip(A4, B4, TCP4[24:], fragment_offset=24)
        frame = over(17, udp(4789, vni(b"\x08\0\0\0", number) + ethernet(inner)))
        row: Any = reader.read(frame)
        assert (row["payload"], row["context"]) == (PAYLOAD, number)


def streams(frames: list[Frame], policy: Policy | None = None) -> list[Stream]:
    """Return the streams of some frames, each with ``hello`` and ``world``."""
    assembler = Assembler(policy)
    events: list[Any] = assembler.feed(Batch.from_frames(frames)) + assembler.finish()
    opened = [event.stream for event in events if isinstance(event, Opened)]
    for stream in opened:
        said = [
            event.payload
            for event in events
            if isinstance(event, Data) and event.stream is stream
        ]
        assert said == [b"hello", b"world"]
    return opened


def talk() -> list[tuple[int, bytes]]:
    """Return who sends what, as IP packets: two sides say a word each."""
    conversation = Conversation(link_type=RAW)
    conversation.client(0, ack=None, flags=SYN)
    conversation.server(0, ack=1, flags=SYN)
    conversation.client(1, b"hello", ack=1, flags=PSH)
    conversation.server(1, b"world", ack=6, flags=PSH | ACK)
    return [(i % 2, frame.data) for i, frame in enumerate(conversation)]


def through(kind: str, side: int, packet: bytes, number: int = 1) -> bytes:
    """Return a frame that ``side`` sends through a tunnel."""
    ends = OUTER4 if side == 0 else OUTER4[::-1]
    if kind == "vlan":
        return ethernet(packet, vlans=[100 * number])
    if kind == "vlans that differ":
        return ethernet(packet, vlans=[100 * number + side])
    if kind == "vxlan":
        inner = vni(b"\x08\0\0\0", number) + ethernet(packet)
        return ethernet(over(17, udp(4789, inner), ends))
    if kind == "gtp":
        # Each end chooses its number.
        head = struct.pack(">BBHI", 0x30, 255, len(packet), 10 * number + side)
        return ethernet(over(17, udp(2152, head + packet), ends))
    if kind == "capwap":
        # The station went to another access point.
        ends = (ends[0], "192.0.2.3") if side else ends
        return ethernet(over(17, udp(5247, capwap(0, ethernet(packet))), ends))
    if kind == "gre":
        if number == 2:
            ends = (f"192.0.2.{7 + side}", f"192.0.2.{8 - side}")
        return ethernet(over(47, gre(0x0800, packet), ends))
    if kind == "wccp":
        # The cache answers on its own.
        frame = gre(0x883E, bytes(4) + packet)
        return ethernet(packet if side else over(47, frame, ends))
    if kind == "nvgre":
        frame = gre(0x6558, ethernet(packet), 0x2000, struct.pack(">I", number << 8))
        return ethernet(over(47, frame, ends))
    if kind == "mpls":
        # The last hop but one takes the label off.
        return ethernet(packet) if side else wire(0x8847, labels(number) + packet)
    if kind == "erspan":
        ends = (f"192.0.2.{10 + side}", "192.0.2.1")
        return ethernet(over(47, gre(0x88BE, ethernet(packet)), ends))
    assert kind == "pppoe"
    return wire(0x8864, pppoe(number, packet))


def frames_of(*kinds: tuple[str, int]) -> list[Frame]:
    """Return the same conversation through several tunnels, packet by packet."""
    octets = [
        through(kind, side, packet, number)
        for side, packet in talk()
        for kind, number in kinds
    ]
    return [Frame(n * 1000, data, 1, len(data)) for n, data in enumerate(octets)]


@pytest.mark.parametrize("context", ["tunnel", "vlan", "none"])
@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("vlan", "eth/vlan:100/ip/tcp"),
        ("vxlan", "eth/ip/udp/vxlan:1/eth/ip/tcp"),
        ("gtp", "eth/ip/udp/gtp:10/ip/tcp"),
        ("capwap", "eth/ip/udp/capwap/eth/ip/tcp"),
        ("gre", "eth/ip/gre/ip/tcp"),
        ("nvgre", "eth/ip/gre:256/eth/ip/tcp"),
        ("wccp", "eth/ip/gre/wccp/ip/tcp"),
        ("mpls", "eth/mpls:1/ip/tcp"),
        ("erspan", "eth/ip/gre/erspan:0/eth/ip/tcp"),
        ("pppoe", "eth/pppoe:1/ppp/ip/tcp"),
    ],
)
def test_both_directions_of_a_tunnel_are_one_stream(
    kind: str, path: str, context: Any
) -> None:
    (stream,) = streams(frames_of((kind, 1)), Policy(context=context))
    assert stream.path == path


def test_a_stream_without_tunnels_has_a_path_too() -> None:
    plain = [(0, packet, RAW, len(packet)) for _, packet in talk()]
    (stream,) = streams([Frame(*frame) for frame in plain])
    assert (stream.path, stream.context) == ("ip/tcp", 0)


@pytest.mark.parametrize("kind", ["vxlan", "gre", "nvgre", "pppoe"])
def test_two_tunnels_are_two_streams(kind: str) -> None:
    one, two = streams(frames_of((kind, 1), (kind, 2)))
    assert one.context != two.context


def test_what_is_in_a_tunnel_and_outside_are_two_streams() -> None:
    assert len(streams(frames_of(("gtp", 1), ("mpls", 3)))) == 2


def test_vlans_are_told_apart_on_demand() -> None:
    two = frames_of(("vlan", 1), ("vlan", 2))
    assert len(streams(two, Policy(context="vlan"))) == 2
    assert len(streams(two[::2], Policy(context="tunnel"))) == 1
    # The default: each direction may have a VLAN of its own.
    (stream,) = streams(frames_of(("vlans that differ", 1)))
    assert stream.path == "eth/vlan:100/ip/tcp"


def test_fragments_in_a_vlan_have_its_context() -> None:
    assembler = Assembler(Policy(context="vlan"))
    frames = []
    for vlan in (1, 2):
        for start, stop in ((0, 24), (24, len(TCP4))):
            fragment = ip(
                A4,
                B4,
                TCP4[start:stop],
                fragment_offset=start,
                more_fragments=stop < len(TCP4),
            )
            frames.append((0, ethernet(fragment, vlans=[vlan]), 1))
    opened = [
        event
        for event in assembler.feed(Batch.from_frames(frames)) + assembler.finish()
        if isinstance(event, Opened)
    ]
    assert len(opened) == 2


def test_more_contexts_than_are_remembered_are_told_apart_too() -> None:
    assembler = Assembler()
    count = (1 << 16) + 100
    frames = []
    for number in range(count):
        inner = vni(b"\x08\0\0\0", number) + ETH4
        frames.append((0, over(17, udp(4789, inner)), RAW))
    opened = 0
    for start in range(0, count, 2048):
        assembler.feed(Batch.from_frames(frames[start : start + 2048], start + 1))
        opened = len(assembler.streams)
    assert opened == count
