"""The path of a stream: which headers lay around its TCP, outermost first.

While a frame is decoded, each header that is not plain (VLAN tags, tunnels, and what
they are in) leaves one number in ``Packet.layers``: its kind above, 32 bits of an
identifier below. Plain Ethernet, IP and TCP leave none.
"""

from functools import lru_cache

# Of headers that are not plain. A tunnel takes two to four: one in five others.
MAX_LAYERS = 24
# A tunnel between two addresses takes five, and at least two layers.
MAX_KEYS = 64
# How many paths are remembered as text: most captures have a few.
PATHS = 256

# Whose identifiers keep apart what has the same addresses (``Policy.context``).
KEYED_BY_NOTHING = 0
KEYED_BY_TUNNEL = 1
KEYED_BY_VLAN = 2

# Above this, ``Packet.inside`` is a port of UDP.
UDP_PORTS = 0x10000

# Above this it is a link type.
LINK_TYPES = 0x20000

# A flag of 802.11 frames that is none of radiotap's, which have eight bits.
BYTES_SWAPPED = 0x100

ID_BITS = 32

IPV4 = 1
IPV6 = 2
UDP = 3
ETHERNET = 4
LLC = 5
VLAN = 6
MPLS = 7
PPPOE = 8
PPP = 9
GRE = 10
GRE_KEY = 11
ERSPAN = 12
VXLAN = 13
VXLAN_GPE = 14
GENEVE = 15
GTP = 16
L2TP = 17
L2TPV3 = 18
PBB = 19
NSH = 20
ETHERIP = 21
TEREDO = 22
AYIYA = 23
VNTAG = 24
ETAG = 25
TRILL = 26
FABRICPATH = 27
CISCO_METADATA = 28
HSR = 29
CONTROL_WORD = 30
WLAN = 31
RADIOTAP = 32
PPI = 33
PRISM = 34
AVS = 35
HDLC = 36
FDDI = 37
TOKEN_RING = 38
ATM = 39
FIBRE_CHANNEL = 40
FRAME_RELAY = 41
FIREWIRE = 42
NFLOG = 43
ENC = 44
PFLOG = 45
NETANALYZER = 46
PKTAP = 47
WCCP = 48
MACSEC = 49
CAPWAP = 50
TZSP = 51
LISP = 52

# How the path says it, and whether with the identifier.
NAMES: dict[int, tuple[str, bool]] = {
    IPV4: ("ip", False),
    IPV6: ("ipv6", False),
    UDP: ("udp", False),
    ETHERNET: ("eth", False),
    LLC: ("llc", False),
    VLAN: ("vlan", True),
    MPLS: ("mpls", True),
    PPPOE: ("pppoe", True),
    PPP: ("ppp", False),
    GRE: ("gre", False),
    GRE_KEY: ("gre", True),
    ERSPAN: ("erspan", True),
    VXLAN: ("vxlan", True),
    VXLAN_GPE: ("vxlan-gpe", True),
    GENEVE: ("geneve", True),
    GTP: ("gtp", True),
    L2TP: ("l2tp", True),
    L2TPV3: ("l2tpv3", True),
    PBB: ("pbb", True),
    NSH: ("nsh", True),
    ETHERIP: ("etherip", False),
    TEREDO: ("teredo", False),
    AYIYA: ("ayiya", False),
    VNTAG: ("vntag", False),
    ETAG: ("etag", False),
    TRILL: ("trill", False),
    FABRICPATH: ("fabricpath", False),
    CISCO_METADATA: ("cmd", False),
    HSR: ("hsr", False),
    CONTROL_WORD: ("pw", False),
    WLAN: ("wlan", False),
    RADIOTAP: ("radiotap", False),
    PPI: ("ppi", False),
    PRISM: ("prism", False),
    AVS: ("avs", False),
    HDLC: ("chdlc", False),
    FDDI: ("fddi", False),
    TOKEN_RING: ("tr", False),
    ATM: ("atm", False),
    FIBRE_CHANNEL: ("fc", False),
    FRAME_RELAY: ("fr", False),
    FIREWIRE: ("ieee1394", False),
    NFLOG: ("nflog", False),
    ENC: ("enc", False),
    PFLOG: ("pflog", False),
    NETANALYZER: ("netanalyzer", False),
    PKTAP: ("pktap", False),
    WCCP: ("wccp", False),
    MACSEC: ("macsec", False),
    CAPWAP: ("capwap", False),
    TZSP: ("tzsp", False),
    LISP: ("lisp", True),
}

# What a frame begins with, by its link type. Raw IP begins with nothing, and others
# are among the layers.
LINKS = {
    0: "null",
    1: "eth",
    108: "loop",
    113: "sll",
    276: "sll2",
}


@lru_cache(PATHS)
def path_text(link_type: int, layers: tuple[int, ...], family: int) -> str:
    """Return a path as ``eth/vlan:42/ip/udp/vxlan:77/eth/ip/tcp``."""
    words = [LINKS[link_type]] if link_type in LINKS else []
    for layer in layers:
        name, has_id = NAMES[layer >> ID_BITS]
        words.append(f"{name}:{layer & 0xFFFFFFFF}" if has_id else name)
    words.append("ip" if family == 4 else "ipv6")
    words.append("tcp")
    return "/".join(words)
