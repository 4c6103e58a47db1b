"""Who is to blame where a connection is slow: one sentence, its numbers, its frames."""

from __future__ import annotations

from typing import NamedTuple

from unpacket.analysis.conversation import MILLION, SECOND_NS, Conversation, Side

SIDES = ("client", "server")

# What a verdict can be; docs/analysis.md has the conditions.
BLAMES = (
    "no_answer",
    "refused",
    "handshake",
    "reset",
    "loss_before_capture",
    "loss_behind_capture",
    "receiver",
    "sender",
    "answer",
    "network",
    "pacing",
    "nothing",
    "not_enough",
)

# Less than this cannot be judged by how its time was spent.
LEAST_SEGMENTS = 8
LEAST_NS = 20_000_000
# A cause is named where it took so much of the time.
SHARE = 0.25
ZERO_WINDOW_SHARE = 0.1
LOSS_SHARE = 0.1
LOSS_PPM = 2_000
MUCH_LOSS_PPM = 5_000
# So much of the window in one round trip is all of it, where the capture is not at the
# sender and cannot see what is in flight.
FULL = 0.6
# A queue grows where the slow round trips take so many times the fastest.
QUEUE = 2
QUEUE_NS = 5_000_000
# Where the rate is steady, half of the bytes are sent in half of the time, or nearly.
STEADY = 0.08
MOST_FRAMES = 5


class Verdict(NamedTuple):
    """Why a conversation took its time.

    Attributes:
        blame: One of ``BLAMES``.
        side: ``client`` or ``server`` where it is one of them, else "".
        sentence: The same in words, with numbers.
        frames: Where to look: the numbers of a few frames.
    """

    blame: str
    side: str
    sentence: str
    frames: tuple[int, ...]


def judge(conversation: Conversation) -> Verdict:
    """Return who is to blame."""
    for question in (handshake, abort, loss, time_spent):
        verdict = question(conversation)
        if verdict is not None:
            return verdict
    return spent_well(conversation)


def handshake(conversation: Conversation) -> Verdict | None:
    """Return whether the connection did not come about, or late."""
    client, server = conversation.sides
    state = conversation.conn_state
    took = seconds(conversation.duration_ns)
    if state == "REJ":
        return Verdict(
            "refused",
            "server",
            "the server refused the connection with an RST",
            frames_of(client.first_syn_frame, server.first_rst_frame),
        )
    if client.syns and not server.packets:
        tries = "one SYN" if client.syns == 1 else f"{client.syns} SYNs in {took}"
        return Verdict(
            "no_answer",
            "server",
            f"nobody answered {tries}: the server is not there, or a filter drops them",
            frames_of(client.first_syn_frame, conversation.last_frame),
        )
    again = max(client.syns, server.syns) - 1
    waited = conversation.start_to_answer_ns
    if again > 0 and waited * 2 > conversation.duration_ns:
        who = "SYN" if client.syns > server.syns else "SYN-ACK"
        return Verdict(
            "handshake",
            "",
            f"{seconds(waited)} of {took} went to the handshake: the {who} was sent "
            f"{again + 1} times",
            frames_of(client.first_syn_frame, server.first_syn_frame),
        )
    return None


def abort(conversation: Conversation) -> Verdict | None:
    """Return whether a side ended it by force while there was more to come."""
    for name, side, other in pairs(conversation):
        if side.rsts and not side.fins and not other.fins:
            if 0 < other.first_rst_frame < side.first_rst_frame:
                continue
            return Verdict(
                "reset",
                name,
                f"the {name} ended the connection with an RST after "
                f"{seconds(conversation.duration_ns)}, and neither side had closed it",
                frames_of(side.first_rst_frame),
            )
    return None


def loss(conversation: Conversation) -> Verdict | None:
    """Return where packets were lost, if that took much of the time."""
    worst: tuple[float, str, Side] | None = None
    for name, side, _ in pairs(conversation):
        recovery_ns = side.pauses["recovery"]
        lost = side.again + side.late - side.count("spurious_retransmission")
        if lost <= 0 or lost * MILLION < LOSS_PPM * side.data_packets:
            continue
        share = part(recovery_ns, conversation.duration_ns)
        if lost * MILLION >= MUCH_LOSS_PPM * side.data_packets:
            # Each loss has cut the congestion window, which all else waited for.
            waiting_ns = recovery_ns + side.pauses["clocked"]
            share = part(waiting_ns, conversation.duration_ns)
        if share < LOSS_SHARE:
            continue
        if worst is None or share > worst[0]:
            worst = (share, name, side)
    if worst is None:
        return None
    share, name, side = worst
    other = SIDES[1 - SIDES.index(name)]
    behind = side.again - side.count("spurious_retransmission")
    is_before = side.late > behind
    frames = [
        side.frames.get(flag, 0)
        for flag in ("lost_segment", "retransmission", "fast_retransmission")
    ]
    where = (
        f"between the {name} and the place of the capture"
        if is_before
        else f"behind the place of the capture, on the way to the {other}"
    )
    return Verdict(
        "loss_before_capture" if is_before else "loss_behind_capture",
        name,
        f"packets of the {name} were lost {where}: "
        f"{side.late if is_before else behind} of {side.data_packets} segments "
        f"came again, and {percent(share)} of the time went to recovery and a small "
        "congestion window",
        frames_of(*frames, side.longest_pause_frame),
    )


def time_spent(conversation: Conversation) -> Verdict | None:
    """Return what took most of the time."""
    duration_ns = conversation.duration_ns
    segments = sum(side.data_packets for side in conversation.sides)
    if segments < LEAST_SEGMENTS or duration_ns < LEAST_NS:
        return None
    found: list[tuple[float, Verdict]] = []
    for name, side, other in pairs(conversation):
        receiver = SIDES[1 - SIDES.index(name)]
        shares = {
            cause: part(spent, duration_ns) for cause, spent in side.pauses.items()
        }
        zero = part(other.zero_window_ns, duration_ns)
        if zero >= ZERO_WINDOW_SHARE:
            found.append((max(zero, 0.5), stalled(receiver, other, zero)))
        blocked = shares["blocked"]
        if blocked >= SHARE:
            found.append((blocked, limited(receiver, side, other, blocked)))
        elif shares["clocked"] + blocked >= SHARE and fills(conversation, side, other):
            share = shares["clocked"] + blocked
            found.append((share, limited(receiver, side, other, share)))
        elif shares["clocked"] + shares["paced"] >= SHARE:
            share = shares["clocked"] + shares["paced"]
            cause = paced if is_steady(side) else slow_path
            found.append((share, cause(name, side, share)))
        if shares["idle"] >= SHARE:
            found.append((shares["idle"], idle(name, side, shares["idle"])))
        if shares["think"] >= SHARE:
            found.append((shares["think"], slow_answer(name, side, shares["think"])))
    if not found:
        return None
    return max(found, key=lambda entry: entry[0])[1]


def fills(conversation: Conversation, side: Side, other: Side) -> bool:
    """Return whether a window's worth was sent in each round trip.

    So it is where the window is the limit, however little of it is seen in flight
    where the capture is near the receiver.
    """
    rtt_ns = conversation.initial_rtt_ns
    if not rtt_ns or not other.window_mean or side.throughput is None:
        return False
    return side.throughput * rtt_ns >= FULL * other.window_mean * SECOND_NS


def is_steady(side: Side) -> bool:
    """Return whether a side's rate stayed the same, and no queue grew on the way.

    While nothing is lost a congestion window grows, and the rate with it, or a queue;
    a flow that does neither is held back at its source.
    """
    centre = side.centre
    return centre is not None and abs(centre - 0.5) <= STEADY and not has_queue(side)


def has_queue(side: Side) -> bool:
    """Return whether round trips grew far beyond the fastest."""
    least, slow = side.rtt_min_ns, side.rtt_95_ns
    if least is None or slow is None:
        return False
    return slow > QUEUE * least and slow - least > QUEUE_NS


def stalled(receiver: str, side: Side, share: float) -> Verdict:
    return Verdict(
        "receiver",
        receiver,
        f"the {receiver} did not read: its window was 0 for {percent(share)} of the "
        f"time ({seconds(side.zero_window_ns)})",
        frames_of(side.frames.get("zero_window", 0)),
    )


def limited(receiver: str, side: Side, other: Side, share: float) -> Verdict:
    return Verdict(
        "receiver",
        receiver,
        f"the {receiver}'s window was full for {percent(share)} of the time: it "
        f"offered {other.window_max} bytes at most, and {side.flight_max} were on "
        "their way",
        frames_of(side.frames.get("window_full", 0), side.longest_pause_frame),
    )


def slow_path(name: str, side: Side, share: float) -> Verdict:
    rtt_ns = side.rtt_ns or 0
    least_ns = side.rtt_min_ns or 0
    slow_ns = side.rtt_95_ns or 0
    grown = (
        f"; a queue grew, since it was {seconds(least_ns)} at first and "
        f"{seconds(slow_ns)} then"
        if has_queue(side)
        else ""
    )
    return Verdict(
        "network",
        name,
        f"the {name} sent as acknowledgements came, for {percent(share)} of the time: "
        f"its congestion window or the path was the limit (round trip "
        f"{seconds(rtt_ns)}, {side.flight_max} bytes in flight at most){grown}",
        frames_of(side.first_data_frame, side.last_data_frame),
    )


def idle(name: str, side: Side, share: float) -> Verdict:
    return Verdict(
        "sender",
        name,
        f"the {name} had nothing to send for {percent(share)} of the time: all was "
        f"acknowledged, the window was open, and its program waited (longest pause "
        f"{seconds(side.longest_pause_ns)})",
        frames_of(side.longest_pause_frame),
    )


def slow_answer(name: str, side: Side, share: float) -> Verdict:
    return Verdict(
        "answer",
        name,
        f"the {name} took its time to answer: {percent(share)} of the time went by "
        "between what it was sent and what it sent then",
        frames_of(side.longest_pause_frame, side.first_data_frame),
    )


def paced(name: str, side: Side, share: float) -> Verdict:
    rate = side.throughput or 0
    return Verdict(
        "pacing",
        name,
        f"the {name} sent evenly, {rate} bytes a second for {percent(share)} of the "
        "time, though the window was open, nothing was lost and no queue grew: by "
        "pacing, by its program, or by a link before the place of the capture",
        frames_of(side.first_data_frame, side.longest_pause_frame),
    )


def spent_well(conversation: Conversation) -> Verdict:
    """Return that nothing is wrong, or that nobody can say."""
    segments = sum(side.data_packets for side in conversation.sides)
    took = seconds(conversation.duration_ns)
    if not all(side.packets for side in conversation.sides):
        sentence = "not enough seen: only one side was captured"
    elif segments < LEAST_SEGMENTS or conversation.duration_ns < LEAST_NS:
        sentence = f"not enough seen: {segments} segments with payload in {took}"
    else:
        return Verdict(
            "nothing", "", f"nothing stands out in {segments} segments and {took}", ()
        )
    return Verdict("not_enough", "", sentence, ())


def pairs(conversation: Conversation) -> tuple[tuple[str, Side, Side], ...]:
    """Return each side with its name and the other one."""
    client, server = conversation.sides
    return (("client", client, server), ("server", server, client))


def frames_of(*frames: int) -> tuple[int, ...]:
    """Return the frames that there are, each once, in order."""
    return tuple(sorted({frame for frame in frames if frame > 0})[:MOST_FRAMES])


def part(of: int, all_ns: int) -> float:
    return min(1.0, of / all_ns) if all_ns > 0 else 0.0


def percent(share: float) -> str:
    return f"{round(100 * share)} %"


def seconds(ns: int) -> str:
    """Return a time with the unit that suits it."""
    if abs(ns) >= SECOND_NS:
        return f"{ns / 1e9:.3g} s"
    if abs(ns) >= 1_000_000:
        return f"{ns / 1e6:.3g} ms"
    return f"{ns / 1e3:.3g} us"
