"""Numbers that AF_PACKET is spoken with (linux/if_packet.h, linux/if_arp.h)."""

SOL_PACKET = 263
ETH_P_ALL = 3
SO_ATTACH_FILTER = 26

# Options of a packet socket.
ADD_MEMBERSHIP = 1
RX_RING = 5
STATISTICS = 6
VERSION = 10
RESERVE = 12
FANOUT = 18
IGNORE_OUTGOING = 23
PROMISCUOUS_MEMBERSHIP = 1
VERSION_3 = 2

# How a fanout group shares frames out.
FANOUT_MODES = {"hash": 0, "balance": 1, "cpu": 2, "rollover": 3, "random": 4}
FANOUT_DEFRAGMENT = 0x8000

# Kinds of a packet, as ``sockaddr_ll`` has them.
TO_US = 0
BROADCAST = 1
MULTICAST = 2
TO_ANOTHER = 3
OUTGOING = 4

# Kinds of an interface, as ``sockaddr_ll`` and /sys/class/net/*/type have them.
ETHERNET = 1
LOOPBACK = 772

LINKTYPE_ETHERNET = 1
LINKTYPE_RAW = 101
LINKTYPE_SLL2 = 276
# What a frame of an interface begins with, where AF_PACKET gives it whole. Of all
# other kinds the kernel takes the header off and a cooked one is put in its place.
# 519 raw IP of mobile modems, 768 and 769 tunnels of IP in IP, 776 IPv6 in
# IPv4, 65534 what has no header, as a TUN device.
LINK_TYPES = {
    ETHERNET: LINKTYPE_ETHERNET,
    LOOPBACK: LINKTYPE_ETHERNET,
    519: LINKTYPE_RAW,
    768: LINKTYPE_RAW,
    769: LINKTYPE_RAW,
    776: LINKTYPE_RAW,
    65534: LINKTYPE_RAW,
}
