"""What is counted of each half: packets, round-trip times, windows, and its pauses.

A pause is the time between two segments with payload. It is laid to what kept the
sender from sending: the receiver's window (blocked), a loss (recovery), nothing to
send (idle), the answer that it had to think about (think), the next acknowledgement
(clocked), or none of these (paced).
"""

from array import array

from unpacket._core.constants import FIN, RST, SYN
from unpacket.analysis.constants import (
    BUCKETS,
    BUCKETS_PER_OCTAVE,
    FLAG_COUNT,
    NONE_YET,
    OUT_OF_ORDER,
    SENT_AGAIN,
    T_AGAIN_BYTES,
    T_AGAIN_PACKETS,
    T_BLOCKED_NS,
    T_BYTES,
    T_CLOCKED_NS,
    T_COPIES,
    T_DATA_PACKETS,
    T_FILLED_PACKETS,
    T_FINS,
    T_FIRST_DATA_FRAME,
    T_FIRST_DATA_NS,
    T_FIRST_FIN_FRAME,
    T_FIRST_NS,
    T_FIRST_RST_FRAME,
    T_FIRST_SYN_FRAME,
    T_FIRST_SYN_NS,
    T_FLAG_FRAMES,
    T_FLAGS,
    T_FLIGHT_MAX,
    T_IDLE_NS,
    T_IS_BLOCKED,
    T_IS_RECOVERING,
    T_LAST_DATA_FRAME,
    T_LAST_DATA_NS,
    T_LAST_NS,
    T_LAST_SYN_NS,
    T_LONGEST_PAUSE_FRAME,
    T_LONGEST_PAUSE_NS,
    T_MOMENT,
    T_PACED_NS,
    T_PACKETS,
    T_PATH_NS,
    T_RECOVERY_NS,
    T_RSTS,
    T_RTT_MAX_NS,
    T_RTT_MIN_NS,
    T_RTT_SUM_NS,
    T_RTTS,
    T_SEGMENT_MAX,
    T_SYNS,
    T_THINK_NS,
    T_WINDOW_MAX,
    T_WINDOW_MIN,
    T_WINDOW_SUM,
    T_WINDOWS,
    T_ZERO_NS,
    T_ZERO_SINCE_NS,
    TOTAL_WORDS,
)
from unpacket.analysis.unacked import twice

FIRST_ROOM = 256
# So much later than the acknowledgement that permits it, a segment may still follow
# from it: what hosts and the clock of the capture need.
REACTION_NS = 2_000_000
# A clock that jumps by years, and back, must not make sums that do not fit: so long
# is the longest time that counts, and so much the largest sum.
MOST_NS = 1 << 50
MOST_SUM = 1 << 60
NO_HISTOGRAM = -1


class Totals:
    """The sums of all halves, TOTAL_WORDS numbers each.

    Attributes:
        words: The sums.
    """

    __slots__ = ("_histogram_of", "_histograms", "_used", "words")

    def __init__(self) -> None:
        self.words = memoryview(bytearray(8 * TOTAL_WORDS * FIRST_ROOM)).cast("q")
        self._histogram_of = array("q", [NO_HISTOGRAM]) * FIRST_ROOM
        self._histograms = array("I", bytes(4 * BUCKETS * FIRST_ROOM))
        self._used = 0

    def begin(self, half: int) -> None:
        """Let nothing be counted of a half."""
        while (half + 1) * TOTAL_WORDS > len(self.words):
            self.words = twice(self.words)
            larger = array("q", [NO_HISTOGRAM]) * (2 * len(self._histogram_of))
            for index in range(len(self._histogram_of)):
                larger[index] = self._histogram_of[index]
            self._histogram_of = larger
        at = half * TOTAL_WORDS
        self.words[at + T_ZERO_SINCE_NS] = NONE_YET
        self.words[at + T_PATH_NS] = NONE_YET

    def add(
        self,
        half: int,
        frame: int,
        time_ns: int,
        flags: int,
        length: int,
        found: int,
        rtt_ns: int,
        window: int,
        in_flight: int,
        is_copy: bool,
        is_late: bool,
        unacked: int,
        peer_window: int,
    ) -> None:
        """Count a segment.

        Args:
            found: The flags of the analysis.
            rtt_ns: How long ago what it acknowledges was sent, or NONE_YET.
            window: Scaled, of this segment; ``peer_window`` of the peer's last.
            in_flight: Bytes, with this segment; 0 where not known.
            is_late: Whether its bytes were skipped before, and never captured.
            unacked: How many segments of this half waited before it.
        """
        words = self.words
        at = half * TOTAL_WORDS
        peer = (half ^ 1) * TOTAL_WORDS
        words[at + T_PACKETS] += 1
        if is_copy:
            words[at + T_COPIES] += 1
            return
        if words[at + T_FIRST_NS] == 0:
            words[at + T_FIRST_NS] = time_ns
        if found:
            self.count_flags(at, frame, found)
        if flags & (SYN | FIN | RST):
            self.count_control(at, peer, frame, time_ns, flags)
        elif words[at + T_WINDOWS] == 0:
            words[at + T_WINDOW_MIN] = window
        if not flags & (SYN | RST):
            self.count_window(at, time_ns, window)
        if rtt_ns >= 0 and not words[peer + T_IS_RECOVERING]:
            # Of what was sent twice it is not known which of both was acknowledged
            # (Karn).
            self.count_rtt(half ^ 1, rtt_ns)
        if length:
            self.count_data(at, peer, frame, time_ns, length, found, is_late, unacked)
            words[at + T_FLIGHT_MAX] = max(words[at + T_FLIGHT_MAX], in_flight)
            if not found & SENT_AGAIN:
                words[at + T_IS_BLOCKED] = (
                    in_flight + words[at + T_SEGMENT_MAX] > peer_window
                )
        if rtt_ns >= 0:
            words[peer + T_IS_RECOVERING] = 0
        words[at + T_LAST_NS] = time_ns

    def spend(self, place: int, time_ns: int) -> None:
        """Add a time to a sum, as far as both fit."""
        self.words[place] = min(self.words[place] + min(time_ns, MOST_NS), MOST_SUM)

    def count_flags(self, at: int, frame: int, found: int) -> None:
        """Count each flag that was found."""
        for n in range(FLAG_COUNT):
            if found >> n & 1:
                if self.words[at + T_FLAGS + n] == 0:
                    self.words[at + T_FLAG_FRAMES + n] = frame
                self.words[at + T_FLAGS + n] += 1

    def count_control(
        self, at: int, peer: int, frame: int, time_ns: int, flags: int
    ) -> None:
        """Count a SYN, a FIN or an RST."""
        words = self.words
        if flags & SYN:
            if words[at + T_SYNS] == 0:
                words[at + T_FIRST_SYN_FRAME] = frame
                words[at + T_FIRST_SYN_NS] = time_ns
            words[at + T_SYNS] += 1
            words[at + T_LAST_SYN_NS] = time_ns
            if words[peer + T_SYNS] and words[at + T_PATH_NS] == NONE_YET:
                words[at + T_PATH_NS] = time_ns - words[peer + T_LAST_SYN_NS]
        if flags & FIN:
            if words[at + T_FINS] == 0:
                words[at + T_FIRST_FIN_FRAME] = frame
            words[at + T_FINS] += 1
        if flags & RST:
            if words[at + T_RSTS] == 0:
                words[at + T_FIRST_RST_FRAME] = frame
            words[at + T_RSTS] += 1

    def count_window(self, at: int, time_ns: int, window: int) -> None:
        """Count a window that was offered."""
        words = self.words
        if words[at + T_WINDOWS] == 0:
            words[at + T_WINDOW_MIN] = window
        words[at + T_WINDOWS] += 1
        words[at + T_WINDOW_SUM] += window
        words[at + T_WINDOW_MIN] = min(words[at + T_WINDOW_MIN], window)
        words[at + T_WINDOW_MAX] = max(words[at + T_WINDOW_MAX], window)
        if window == 0:
            if words[at + T_ZERO_SINCE_NS] == NONE_YET:
                words[at + T_ZERO_SINCE_NS] = time_ns
        elif words[at + T_ZERO_SINCE_NS] != NONE_YET:
            self.spend(at + T_ZERO_NS, max(0, time_ns - words[at + T_ZERO_SINCE_NS]))
            words[at + T_ZERO_SINCE_NS] = NONE_YET

    def count_rtt(self, half: int, rtt_ns: int) -> None:
        """Count how long a segment of a half took to be acknowledged."""
        words = self.words
        at = half * TOTAL_WORDS
        if words[at + T_RTTS] == 0 or rtt_ns < words[at + T_RTT_MIN_NS]:
            words[at + T_RTT_MIN_NS] = rtt_ns
        words[at + T_RTTS] += 1
        self.spend(at + T_RTT_SUM_NS, rtt_ns)
        words[at + T_RTT_MAX_NS] = max(words[at + T_RTT_MAX_NS], rtt_ns)
        histogram = self._histogram_of[half]
        if histogram < 0:
            histogram = self._used
            self._used += 1
            self._histogram_of[half] = histogram
            if self._used * BUCKETS > len(self._histograms):
                self._grow_histograms()
        self._histograms[histogram * BUCKETS + bucket_of(rtt_ns)] += 1

    def _grow_histograms(self) -> None:
        """Let there be twice as many histograms."""
        larger = array("I", bytes(8 * len(self._histograms)))
        for index in range(len(self._histograms)):
            larger[index] = self._histograms[index]
        self._histograms = larger

    def count_data(
        self,
        at: int,
        peer: int,
        frame: int,
        time_ns: int,
        length: int,
        found: int,
        is_late: bool,
        unacked: int,
    ) -> None:
        """Count payload, and lay the pause before it to what caused it."""
        words = self.words
        words[at + T_BYTES] += length
        words[at + T_DATA_PACKETS] += 1
        words[at + T_SEGMENT_MAX] = max(words[at + T_SEGMENT_MAX], length)
        came_again = found & (SENT_AGAIN | OUT_OF_ORDER) != 0 and not is_late
        if is_late:
            words[at + T_FILLED_PACKETS] += 1
        elif came_again:
            words[at + T_AGAIN_PACKETS] += 1
            words[at + T_AGAIN_BYTES] += length
        before = words[at + T_LAST_DATA_NS]
        if before == 0:
            words[at + T_FIRST_DATA_NS] = time_ns
            words[at + T_FIRST_DATA_FRAME] = frame
            if words[peer + T_LAST_DATA_NS]:
                self.spend(
                    at + T_THINK_NS, max(0, time_ns - words[peer + T_LAST_DATA_NS])
                )
        else:
            pause = min(max(0, time_ns - before), MOST_NS)
            since_ns = time_ns - words[at + T_FIRST_DATA_NS]
            if 0 < since_ns < MOST_NS:
                moment = length * (since_ns // 1_000_000)
                words[at + T_MOMENT] = min(words[at + T_MOMENT] + moment, MOST_SUM)
            if pause > words[at + T_LONGEST_PAUSE_NS]:
                words[at + T_LONGEST_PAUSE_NS] = pause
                words[at + T_LONGEST_PAUSE_FRAME] = frame
            heard = max(0, time_ns - words[peer + T_LAST_NS])
            # What the capture sees of the peer, the sender hears some time later.
            heard = max(0, heard - max(0, words[at + T_PATH_NS]))
            if came_again or is_late or words[at + T_IS_RECOVERING]:
                self.spend(at + T_RECOVERY_NS, pause)
            elif words[peer + T_LAST_DATA_NS] > before:
                self.spend(
                    at + T_THINK_NS, max(0, time_ns - words[peer + T_LAST_DATA_NS])
                )
            elif words[at + T_IS_BLOCKED]:
                self.spend(at + T_BLOCKED_NS, pause)
            elif unacked == 0:
                idle = min(pause, heard)
                self.spend(at + T_IDLE_NS, idle)
                self.spend(at + T_CLOCKED_NS, pause - idle)
            elif heard <= REACTION_NS:
                self.spend(at + T_CLOCKED_NS, pause)
            else:
                self.spend(at + T_PACED_NS, pause)
        if came_again or (is_late and not found & OUT_OF_ORDER):
            words[at + T_IS_RECOVERING] = 1
        words[at + T_LAST_DATA_NS] = time_ns
        words[at + T_LAST_DATA_FRAME] = frame

    def quantile(self, half: int, share: float) -> int:
        """Return the RTT in ns that ``share`` of a half's samples do not exceed.

        To within 1/16; the least and the most are exact. NONE_YET without samples.
        """
        at = half * TOTAL_WORDS
        count = self.words[at + T_RTTS]
        if not count:
            return NONE_YET
        histogram = self._histogram_of[half] * BUCKETS
        wanted = max(1, round(share * count))
        seen = 0
        for bucket in range(BUCKETS):
            seen += self._histograms[histogram + bucket]
            if seen >= wanted:
                most = self.words[at + T_RTT_MAX_NS]
                least = self.words[at + T_RTT_MIN_NS]
                return max(least, min(most, middle_of(bucket)))
        return self.words[at + T_RTT_MAX_NS]


def bucket_of(rtt_ns: int) -> int:
    """Return which bucket of a histogram a round-trip time is in."""
    value = rtt_ns >> 10
    octave = 0
    # The sixteenths of an octave are the bits behind the first.
    while value >= 2 * BUCKETS_PER_OCTAVE:
        value >>= 1
        octave += 1
    if octave or value >= BUCKETS_PER_OCTAVE:
        octave += 1
        value -= BUCKETS_PER_OCTAVE
    return min(octave * BUCKETS_PER_OCTAVE + value, BUCKETS - 1)


def middle_of(bucket: int) -> int:
    """Return a round-trip time in the middle of a bucket, in ns."""
    octave = bucket // BUCKETS_PER_OCTAVE
    value = bucket % BUCKETS_PER_OCTAVE
    if octave:
        value += BUCKETS_PER_OCTAVE
        octave -= 1
    return ((2 * value + 1) << octave) << 9
