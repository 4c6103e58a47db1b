"""The names of the analysis: flags as Wireshark has them, and what a half keeps.

``FLAGS`` has the bits in order; ``tcp.analysis.`` before a name is its field there.
The rest are places in typed memory: of the state of a half, and of its sums.
"""

FLAGS = (
    "retransmission",
    "fast_retransmission",
    "spurious_retransmission",
    "out_of_order",
    "lost_segment",
    "ack_lost_segment",
    "duplicate_ack",
    "keep_alive",
    "keep_alive_ack",
    "zero_window",
    "zero_window_probe",
    "zero_window_probe_ack",
    "window_update",
    "window_full",
    "reused_ports",
    "partial_ack",
)
FLAG_COUNT = len(FLAGS)

(
    RETRANSMISSION,
    FAST_RETRANSMISSION,
    SPURIOUS_RETRANSMISSION,
    OUT_OF_ORDER,
    LOST_SEGMENT,
    ACK_LOST_SEGMENT,
    DUPLICATE_ACK,
    KEEP_ALIVE,
    KEEP_ALIVE_ACK,
    ZERO_WINDOW,
    ZERO_WINDOW_PROBE,
    ZERO_WINDOW_PROBE_ACK,
    WINDOW_UPDATE,
    WINDOW_FULL,
    REUSED_PORTS,
    PARTIAL_ACK,
) = (1 << n for n in range(FLAG_COUNT))

# What Wireshark also calls a retransmission.
SENT_AGAIN = RETRANSMISSION | FAST_RETRANSMISSION | SPURIOUS_RETRANSMISSION

# The bits of ``tcp.completeness``.
SAW_SYN, SAW_SYN_ACK, SAW_ACK, SAW_DATA, SAW_FIN, SAW_RST = (1 << n for n in range(6))

# A value that is none: of frames, times and counts that are not there.
NONE_YET = -1

# Of the state of a half: ``halves[half * HALF_WORDS + NAME]``.
(
    NEXT_SEQ,  # behind the highest byte; 0 before any
    NEXT_FRAME,
    NEXT_NS,
    NEXT_WAS_EMPTY,  # whether the segment that set them had no payload
    MAX_ACKABLE,  # how far the peer can acknowledge what was captured
    LAST_ACK,
    LAST_NS,
    WINDOW,
    SHIFT,  # NOT_KNOWN, NOT_USED, or how far the window is shifted
    DUPLICATES,
    FIRST_ACK_FRAME,  # the frame that first had LAST_ACK
    LAST_FLAGS,
    BASE_SEQ,
    BASE_SET,
    BYTES_KNOWN,  # whether bytes in flight can be said
    WAS_PUSHED,
    PUSH_BYTES,
    HAS_ACKED,  # whether it has sent an ACK that was no SYN
    SACKS,
    SACK,  # left and right edge of up to MOST_SACKS blocks
) = range(20)
MOST_SACKS = 4
HALF_WORDS = SACK + 2 * MOST_SACKS
NOT_KNOWN = -1
NOT_USED = -2

# Of a conversation: ``conversations[n * CONVERSATION_WORDS + NAME]``.
(
    FIRST_FRAME,
    LAST_FRAME,
    FIRST_NS,
    PREVIOUS_NS,
    SYN_NS,
    INITIAL_RTT_NS,
    COMPLETENESS,
    PACKETS,
    SYN_DIRECTION,  # who sent the SYN, or received the SYN-ACK: 0, 1, or NONE_YET
    HISTORY,  # Zeek's letters, eight to a number; a small one is of the higher end
) = range(10)
HISTORY_WORDS = 4  # which letters there are and how many, and 24 of them
CONVERSATION_WORDS = HISTORY + HISTORY_WORDS

# Of the ends of a conversation, see ``flow_table``.
KEY_WORDS = 8
NO_CONVERSATION = -1
# Behind the last segment of a list that waits.
END_OF_LIST = -1
# So many segments that are not acknowledged are kept of a half, as in Wireshark.
MOST_UNACKED = 10_000
# And of all halves so many, of 40 bytes: then the oldest halves forget theirs.
MOST_NODES = 1 << 22

# Of a segment: ``columns.words[row * COLUMN_WORDS + NAME]``.
COLUMNS = (
    "frame",
    "time_ns",
    "conversation",
    "direction",
    "tcp_flags",
    "seq",
    "ack",
    "length",
    "window",
    "flags",
    "duplicate_ack_num",
    "duplicate_ack_frame",
    "acks_frame",
    "ack_rtt_ns",
    "bytes_in_flight",
    "push_bytes_sent",
    "rto_ns",
    "rto_frame",
    "initial_rtt_ns",
    "completeness",
    "sack_left",
    "sack_right",
)
(
    C_FRAME,
    C_TIME_NS,
    C_CONVERSATION,
    C_DIRECTION,
    C_TCP_FLAGS,
    C_SEQ,
    C_ACK,
    C_LENGTH,
    C_WINDOW,
    C_FLAGS,
    C_DUPLICATE_ACK_NUM,
    C_DUPLICATE_ACK_FRAME,
    C_ACKS_FRAME,
    C_ACK_RTT_NS,
    C_BYTES_IN_FLIGHT,
    C_PUSH_BYTES_SENT,
    C_RTO_NS,
    C_RTO_FRAME,
    C_INITIAL_RTT_NS,
    C_COMPLETENESS,
    C_SACK_LEFT,
    C_SACK_RIGHT,
    COLUMN_WORDS,
) = range(23)

PSH = 0x08

# Of the sums of a half: ``totals.words[half * TOTAL_WORDS + NAME]``.
(
    T_PACKETS,
    T_COPIES,  # packets that the capture has twice
    T_BYTES,  # payload on the wire, what came again too
    T_DATA_PACKETS,
    T_AGAIN_PACKETS,  # whose bytes had been captured before
    T_AGAIN_BYTES,
    T_FILLED_PACKETS,  # came late, and were never captured before
    T_FIRST_NS,
    T_LAST_NS,
    T_FIRST_DATA_NS,
    T_LAST_DATA_NS,
    T_FIRST_DATA_FRAME,
    T_LAST_DATA_FRAME,
    T_SYNS,
    T_FINS,
    T_RSTS,
    T_FIRST_SYN_FRAME,
    T_FIRST_FIN_FRAME,
    T_FIRST_RST_FRAME,
    T_FIRST_SYN_NS,
    T_LAST_SYN_NS,
    T_RTTS,  # how long the peer took to acknowledge: samples
    T_RTT_SUM_NS,
    T_RTT_MIN_NS,
    T_RTT_MAX_NS,
    T_WINDOWS,
    T_WINDOW_SUM,
    T_WINDOW_MIN,
    T_WINDOW_MAX,
    T_ZERO_SINCE_NS,
    T_ZERO_NS,
    T_FLIGHT_MAX,
    T_SEGMENT_MAX,
    T_LONGEST_PAUSE_NS,  # between two segments with payload
    T_LONGEST_PAUSE_FRAME,
    T_IS_BLOCKED,
    T_IS_RECOVERING,
    T_BLOCKED_NS,
    T_RECOVERY_NS,
    T_IDLE_NS,
    T_THINK_NS,
    T_CLOCKED_NS,
    T_PACED_NS,
    T_MOMENT,  # each segment's bytes times the milliseconds since the first
    T_PATH_NS,  # from the place of the capture to this end and back
    T_FLAGS,  # how often each flag was found
) = range(46)
T_FLAG_FRAMES = T_FLAGS + FLAG_COUNT  # the first frame that had it
TOTAL_WORDS = T_FLAG_FRAMES + FLAG_COUNT

# Of the histogram of a half's RTTs: so many buckets for each doubling, from 1 us on.
BUCKETS_PER_OCTAVE = 16
OCTAVES = 26
BUCKETS = BUCKETS_PER_OCTAVE * OCTAVES

# Zeek's letters: SYN, SYN-ACK, pure ACK, data, FIN, RST, sent again, zero window.
LETTERS = "SHADFRTW"
L_SYN, L_SYN_ACK, L_ACK, L_DATA, L_FIN, L_RST, L_AGAIN, L_ZERO = range(8)
MOST_LETTERS = 24
