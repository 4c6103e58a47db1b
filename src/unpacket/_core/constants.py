"""Numbers that several modules of the core share.

Plain Python, and never compiled: a module whose ``.pxd`` types such a name gets a C
copy of it at import, while one that a ``.pxd`` declares here would vanish from
Python.
"""

# Sequence numbers are meant modulo 2**32, and half of that is the farthest that two
# can lie apart.
LOW32 = 0xFFFFFFFF
HALF32 = 0x80000000

# Numbers that lie farther from all that a stream had are another connection's. What is
# in flight at an end is seldom more.
FAR = 1 << 20

# Where the shift of a window scale stands: there is no such option.
NO_WSCALE = 255

# Where numbers of rows or blocks stand: there is none.
NONE = -1

# Flags of a TCP header (RFC 9293 section 3.1).
FIN = 0x01
SYN = 0x02
RST = 0x04
ACK = 0x10
URG = 0x20

# Flag bits of a half.
SYN_SEEN = 1
FINISHED = 2
SUM_GOOD = 4
ACK_SEEN = 8
TIMESTAMPS = 16
SACK_PERMITTED = 32
IGNORED = 64
CONFIRMED = 128
ZERO_WINDOW = 256
EDGE_KNOWN = 512
SIMPLE = 1024
IS_CLIENT = 2048
HAS_GAP = 4096
HAS_CONFLICT = 8192
FIN_SEEN = 16384
RST_SEEN = 32768

# Grounds of doubt, as bits; ``reasons.DOUBTS`` names them in this order. The first
# that is set is the one that is reported: what a receiver never forgives comes first.
DOUBT_CHECKSUM = 1
DOUBT_NO_ACK = 2
DOUBT_ACK = 4
DOUBT_MD5 = 8
DOUBT_IP_OPTIONS = 16
DOUBT_IP_LENGTH = 32
DOUBT_TIMESTAMP = 64
DOUBT_WINDOW = 128
DOUBT_FAST_OPEN = 256
DOUBT_PROBE = 512
DOUBT_TTL = 1024
DOUBT_AFTER_FIN = 2048
DOUBT_FIN = 4096
DOUBT_FRAGMENTS = 8192
DOUBT_URGENT = 16384

# Bits above those of a TCP header, in the column of flags: what a decoder found odd.
ODD_MD5 = 0x200
ODD_IP_OPTIONS = 0x400
ODD_IP_LENGTH = 0x800
ODD_FRAGMENTS = 0x1000
ODD = ODD_MD5 | ODD_IP_OPTIONS | ODD_IP_LENGTH | ODD_FRAGMENTS

# States of a half: nothing sent yet; segments collected until offset 0 is chosen;
# offset 0 known.
UNSEEN = 0
WAITING = 1
OPEN = 2

# A window scale that was not captured: RFC 7323 section 2.3 allows no more.
UNKNOWN_SCALE = 14
NO_SCALE = 255

# Who is the client, and how that is known.
EVIDENCE = ("", "syn", "syn_ack", "port", "first", "continued")
BY_SYN = 1
BY_SYN_ACK = 2
BY_PORT = 3
BY_FIRST = 4
BY_EARLIER = 5

# Why a stream ended; the number is what a Stream keeps.
REASONS = (
    "",
    "fin",
    "rst",
    "timeout",
    "buffer_limit",
    "memory_limit",
    "reused",
    "end_of_capture",
    "user",
    "interrupted",
)
CLOSED_BY_FIN = 1
CLOSED_BY_RST = 2
CLOSED_BY_TIMEOUT = 3
CLOSED_BY_LIMIT = 4
CLOSED_BY_MEMORY = 5
CLOSED_BY_REUSE = 6
CLOSED_BY_END = 7
CLOSED_BY_USER = 8
CLOSED_BY_INTERRUPTION = 9

NEVER = (1 << 63) - 1
# 146 years from 1970: differences of such times fit into 64 bits.
LATEST_NS = (1 << 62) - 1
NS = 1_000_000_000
UNBOUNDED = 1 << 62

# The farthest that a receiver can ever allow: 65535 << 14 (RFC 7323 section 2.3).
MAX_WINDOW = 1 << 30

# How far a first segment may lie beyond what the peer has acknowledged, to be taken
# for what follows it: more is seldom in flight.
MAX_LEAD = 1 << 24

# Other initial sequence numbers that a half remembers.
MAX_ISNS = 16

# What a timer is about.
GRACE = 0
BEGINNING = 1
END = 2
RESET = 3

# What becomes of a stream by a segment.
GOES_ON = 0
ENDED = 1
REUSED = 2

# What a segment is to a stream that was forgotten between its ends: another's; a word
# of it again, without anything new; what comes next in it.
UNRELATED = 0
AGAIN = 1
CONTINUES = 2

# What segments show that come after an RST, or after the end.
NOTHING = 0
STREAM_GOES_ON = 1
ANOTHER = 2

# Of a hash of 44 bits, what finds the place in the flow table. An entry there holds 31
# bits of it above a slot's number plus one.
HASH_SHIFT = 15
TAG_SHIFT = 13
SLOT_BITS = 32
SLOT_MASK = (1 << SLOT_BITS) - 1

# The numbers of a row of the ledger: the key of the stream (KEY_PORTS with the context
# above; KEY_OWNER: its IP version, and its slot in the table above at bit 8), when it
# was seen, and eight numbers for each of its halves.
ROW_WORDS = 24
KEY_A_LO = 0
KEY_B_LO = 1
KEY_A_HI = 2
KEY_B_HI = 3
KEY_PORTS = 4
KEY_OWNER = 5
OWNER_SHIFT = 8
ROW_SEEN = 6
ROW_LAST = 7
# Where the half of the lower address stands, and that of the other.
ROW_A = 8
ROW_B = 16
# What stands there is what Half calls so. ROW_SEQ: base_seq, ts_recent above.
# ROW_PACKETS: packets, ``duplicates`` above them, each of which is ONE_COPY.
# ROW_FLAGS: flags, above at bits 16, 24, 32 and 48: ttl, shift, mss and scale.
ROW_NEXT = 0
ROW_ACKED = 1
ROW_WINDOW = 2
ROW_BYTES = 3
ROW_PACKETS = 4
ROW_RECORD = 5
ROW_SEQ = 6
ROW_FLAGS = 7
COPY_SHIFT = 36
ONE_COPY = 1 << COPY_SHIFT
TTL_SHIFT = 16
SCALING_SHIFT = 24
MSS_SHIFT = 32
SCALE_SHIFT = 48

# The numbers of a delivery, in ``Segments.delivered``: the row, the slot of its stream
# in the table, where its payload lies in the half, and IS_CLIENT or 0.
DELIVERY_WORDS = 4
DELIVERED_ROW = 0
DELIVERED_SLOT = 1
DELIVERED_OFFSET = 2
DELIVERED_SIDE = 3

# What a step of the assembler has come to: the batch is done; there are events; or an
# ordinary segment has delivered something, of which there is no event.
STEP_DONE = 0
STEP_EVENTS = 1
STEP_DELIVERY = 2
# More segments than any batch has.
ALL_SEGMENTS = (1 << 62) - 1
# How many events are made at a time, where a segment or the end causes very many.
EVENTS_PORTION = 4096

# So many segments that the capture has twice are named.
MAX_COPIES = 100

# How many segments are prepared for at a time: some 30 KiB of streams and halves.
CHUNK = 64

# How many buckets of a second each the clock of quiet streams has.
WHEEL = 1024

# The second that the clock shows before the first packet.
NO_TICK = -(1 << 62)

# What names of files are made of: who has sent what is in the file, and who has got
# it; then by roles; then facts of the stream.
NAME_FROM = 0
NAME_FROM_PORT = 1
NAME_TO = 2
NAME_TO_PORT = 3
NAME_CLIENT_ADDRESS = 4
NAME_CLIENT_PORT = 5
NAME_SERVER_ADDRESS = 6
NAME_SERVER_PORT = 7
NAME_SIDE = 8
NAME_ID = 9
NAME_FRAME = 10
NAME_TIME_NS = 11
NAME_TIME_S = 12
NAME_AGAIN = 13
