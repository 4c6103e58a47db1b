"""What ``check`` answers: each question, a sentence, and the evidence below it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any

from unpacket.cli.listing import counted
from unpacket.cli.output import shown
from unpacket.integrity.checker import EXAMPLES
from unpacket.integrity.divergence import Divergence
from unpacket.integrity.report import DAMAGED, NOT_LOOKED_INTO, Found, Report

ROW_BYTES = 16
SHOWN_BYTES = 64
SHOWN_DROPS = 10

GAP_REASONS = {
    "not_captured": "the receiver acknowledged them",
    "unacknowledged": "the receiver did not acknowledge them: no fault of the capture",
    "unknown": "the other side was not captured",
    "truncated": "cut by the capture's snap length",
    "limit": "more was waiting than the policy allows",
    "skipped": "the consumer went on",
    "checksum": "refused: the checksum is wrong",
    "no_ack": "refused: without an ACK flag",
    "ack": "refused: acknowledged what was never sent, or is long past",
    "md5": "refused: an MD5 option that was not agreed on",
    "ip_options": "refused: IP options that no host accepts",
    "ip_length": "refused: an IP length beyond the frame",
    "timestamp": "refused: a timestamp from the past",
    "window": "refused: beyond the window that the receiver offered",
    "fast_open": "refused: data in a SYN",
    "window_probe": "refused: a probe of a closed window",
    "ttl": "refused: came another way than all else (TTL)",
    "after_fin": "refused: behind the end of the stream",
    "fin": "refused: with a FIN that the receiver would not believe",
    "fragments": "refused: came in fragments that overlap",
}
REJECTIONS = {
    "checksum": "the checksum is wrong",
    "no_ack": "data without an ACK flag",
    "ack": "acknowledges what was never sent, or is long past",
    "md5": "an MD5 option that was not agreed on",
    "ip_options": "IP options that no host accepts, or a source route",
    "ip_length": "an IP length beyond the frame, which nothing has cut",
    "timestamp": "a timestamp from the past",
    "window": "beyond the window that the receiver offered",
    "fast_open": "data in a SYN that was not accepted",
    "window_probe": "a probe of a closed window: harmless",
    "ttl": "came another way than all else (TTL), and was contradicted",
    "after_fin": "behind the end of the stream",
    "fin": "a FIN that the receiver would not believe",
    "fragments": "came in fragments that overlap, for which many hosts drop it",
    "rst": "an RST that the receiver would not believe",
    "syn": "a SYN within a living connection",
}
FRAGMENTS = {
    "fragment": "",
    "fragment_invalid": "that no datagram can have",
    "fragment_overlap": "of datagrams that were dropped since some overlapped",
    "fragment_timeout": "whose others did not come in time",
    "fragment_limit": "dropped for want of room",
}
UNPLACED = {
    "late": "came after the end of the stream",
    "after_rst": "came behind an RST that ended the stream",
    "after_gap": "came after the gap in its place had been given up",
    "before_start": "lies before the first byte that the stream could begin with",
    "rst_payload": "what an RST carries is a diagnostic, and no data",
    "syn": "came with a SYN that began nothing",
}
HOST_STATES = {
    "all_wrong": "are all wrong: left to network cards, or anonymised",
    "offload": "were left to network cards",
    "unknown": "could not be judged",
}


def answers(report: Report) -> Iterator[tuple[str, str, list[str]]]:
    """Give what is said of each question: its name, a sentence, and details."""
    if report.ended_early:
        read = counted(report.frames, "frame")
        yield "interrupted", f"reading was ended after {read}; more may follow", []
    damage = f"the capture is damaged in {counted(len(report.damage), 'place')}"
    yield (
        "damage",
        damage if report.damage else "every record could be read",
        [shown(place) for place in report.damage],
    )
    yield "drops", *drop_answer(report)
    yield "loss", loss(report), examples_of(report.lost, where_missing)
    others = {why: gap for why, gap in report.gaps.items() if why != "not_captured"}
    yield "gaps", *listed(others, GAP_REASONS, where_missing, "no other bytes missing")
    one_sided = "both sides of every connection with payload were captured"
    if report.one_sided:
        one_sided = (
            f"only one side of {counted(report.one_sided, 'stream')} was captured"
        )
    if report.midstream:
        began = counted(report.midstream, "stream")
        one_sided += f"; {began} without a SYN: it came before the capture began, or "
        one_sided += "the capture lacks it"
    if report.continued:
        went_on = counted(report.continued, "stream")
        one_sided += f"; {went_on} went on after having been given up, see limits"
    yield "one_sided", one_sided, []
    yield "rejected", *listed(report.rejected, REJECTIONS, where_rejected, "no segment")
    yield "unplaced", *unplaced_answer(report)
    yield "conflicts", *conflict_answer(report.conflicts)
    yield "policies", *policy_answer(report)
    yield "twice", *twice_answer(report)
    yield "checksums", *checksum_answer(report)
    yield "clock", *clock_answer(report)
    yield "frames", *frame_answer(report)
    yield "fragments", fragment_answer(report), []
    limits = [
        f"{counted(report.closed[why], 'stream')} closed by {why}"
        for why in ("memory_limit", "buffer_limit", "timeout")
        if report.closed[why]
    ]
    yield "limits", "; ".join(limits) or "no stream was given up", []


def drop_answer(report: Report) -> tuple[str, list[str]]:
    """Return what the captures say they lost: in all, and where most was lost."""
    if report.dropped is None:
        return "the capture does not say what it lost", []
    lossy = [one for one in report.drops if one.packets]
    lossy.sort(key=lambda one: -one.packets)
    details = []
    for one in lossy[:SHOWN_DROPS]:
        where = shown(one.path)
        if one.interface is not None:
            where += f", interface {one.interface}"
        if one.name:
            where += f" ({printable(one.name.encode())})"
        if one.section:
            where += f" of section {one.section}"
        details.append(f"{where}: {counted(one.packets, 'packet')}")
    if len(lossy) > SHOWN_DROPS:
        details.append(f"and {len(lossy) - SHOWN_DROPS} more")
    said = f"the capture says that it lost {counted(report.dropped, 'packet')}"
    return said, details


def loss(report: Report) -> str:
    """Return what is said of capture loss."""
    lost = report.lost
    if not lost.count:
        return "nothing that was acknowledged is missing"
    segments = counted(report.lost_segments, "segment")
    octets = counted(lost.bytes, "byte")
    share = f"{percent(report.lost_share)} of the payload"
    return f"about {segments} ({octets}, {share}) acknowledged and not in the capture:"


def percent(share: float) -> str:
    """Return a part of 1 in percent, never rounded to nothing or to all."""
    if 0 < share < 0.0001:
        return "less than 0.01 %"
    if 0.995 <= share < 1:
        return "more than 99 %"
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def conflict_answer(conflicts: Found) -> tuple[str, list[str]]:
    if not conflicts.count:
        return "no byte was seen in two versions", []
    details = [line for one in conflicts.examples for line in side_by_side(one)]
    places = counted(conflicts.count, "place")
    streams = counted(conflicts.streams, "stream")
    octets = counted(conflicts.bytes, "byte")
    return f"{places} ({octets}) in {streams} with two versions:", details


def listed(
    found: dict[str, Found],
    meanings: dict[str, str],
    described: Callable[[dict[str, Any]], list[str]],
    nothing: str,
) -> tuple[str, list[str]]:
    """Return a sentence with counts by reason, and each reason with examples."""
    if not found:
        return nothing, []
    total = sum(one.count for one in found.values())
    details = []
    for why, one in sorted(found.items(), key=lambda item: -item[1].count):
        details.append(
            f"{why}: {one.count} ({counted(one.bytes, 'byte')}) in "
            f"{counted(one.streams, 'stream')}: {meanings.get(why, '')}"
        )
        details += [f"    {line}" for one in one.examples for line in described(one)]
    return f"{total}, by reason:", details


def examples_of(
    found: Found, described: Callable[[dict[str, Any]], list[str]]
) -> list[str]:
    return [line for one in found.examples for line in described(one)]


def where_missing(one: dict[str, Any]) -> list[str]:
    return [
        f"{place(one)}: {counted(one['length'], 'byte')} at offset {one['offset']}, "
        f"noticed at frame {one['frame']}"
    ]


def where_rejected(one: dict[str, Any]) -> list[str]:
    at = "" if one["offset"] is None else f" at offset {one['offset']}"
    return [f"{place(one)}: {counted(one['length'], 'byte')}{at}, frame {one['frame']}"]


def unplaced_answer(report: Report) -> tuple[str, list[str]]:
    """Return what is said of payload that is in no stream, though not refused."""
    if not report.unplaced:
        return "all payload that was not rejected is in a stream", []
    total = sum(found.bytes for found in report.unplaced.values())
    details = []
    for why, found in sorted(report.unplaced.items(), key=lambda item: -item[1].bytes):
        details.append(f"{why}: {counted(found.bytes, 'byte')}: {UNPLACED[why]}")
        for one in found.examples:
            where = f"stream {one['stream']}"
            if why != "late":
                where = place(one)
            since = f", from frame {one['frame']} on" if why == "late" else ""
            details.append(f"    {where}: {counted(one['length'], 'byte')}{since}")
    return f"{counted(total, 'byte')} in no stream, by reason:", details


def place(one: dict[str, Any]) -> str:
    """Return which side of which stream, with who sends to whom."""
    ends = f"{one['client']} > {one['server']}"
    if one["direction"] == "server":
        ends = f"{one['server']} > {one['client']}"
    return f"stream {one['stream']} {one['direction']} ({ends})"


def side_by_side(one: dict[str, Any]) -> list[str]:
    """Return both versions of a conflict, row by row."""
    kept = b64decode(one["kept_base64"])
    other = b64decode(one["other_base64"])
    rows = [(f"kept, frame {one['kept_frame']}", f"not, frame {one['other_frame']}")]
    rows += [
        (hex_row(kept[at : at + ROW_BYTES]), hex_row(other[at : at + ROW_BYTES]))
        for at in range(0, min(len(kept), SHOWN_BYTES), ROW_BYTES)
    ]
    width = max(len(left) for left, _ in rows) + 3
    lines = [
        f"{place(one)}: {counted(one['length'], 'byte')} at offset {one['offset']}"
    ]
    lines += [f"    {left:<{width}}{right}" for left, right in rows]
    if one["length"] > SHOWN_BYTES:
        lines.append(f"    and {one['length'] - SHOWN_BYTES} more")
    return lines


def hex_row(octets: bytes) -> str:
    return f"{octets.hex(' ')}  {printable(octets)}"


def printable(octets: bytes) -> str:
    """Return bytes as text, a dot for each that is not plain ASCII."""
    return "".join(chr(octet) if 32 <= octet < 127 else "." for octet in octets)


def twice_answer(report: Report) -> tuple[str, list[str]]:
    """Return what is said of what came again: copies and retransmissions."""
    again = counted(report.retransmissions, "retransmission")
    others = report.other_channel
    if others.count:
        streams = counted(others.streams, "stream")
        again += f"; {counted(others.count, 'packet')} of {streams} by another channel"
    copies = report.duplicates
    if not copies.count:
        return f"no packet is twice in the capture; {again}", []
    details = [
        f"stream {one['stream']}: frame {one['frame']} is a copy of {one['copy_of']}"
        for one in copies.examples
    ]
    packets = counted(copies.count, "packet")
    streams = counted(copies.streams, "stream")
    return (
        f"{packets} in {streams} twice (two taps, a mirror port, or the network "
        f"itself); {again}:",
        details,
    )


def clock_answer(report: Report) -> tuple[str, list[str]]:
    """Return what is said of time that went back, and where."""
    apart: list[str] = []
    if report.clocks_apart is not None:
        seconds = report.clocks_apart.apart_ns / 1e9
        packets = counted(report.clocks_apart.packets, "packet")
        apart = [
            f"{packets} came again some {seconds:.3f} s later, with the same "
            "identification: two captures",
            "were put together, it seems, whose clocks are that far apart; editcap -t "
            "moves one of them",
        ]
    if not report.backwards:
        return "time never went back", apart
    details = [
        f"frame {one['frame']}: {one['by_ns'] / 1e9:.9f} s before the one in front"
        for one in report.steps_back
    ]
    return f"time went back {counted(report.backwards, 'time')}", details + apart


def policy_answer(report: Report) -> tuple[str, list[str]]:
    if report.policies is None:
        return f"not compared: {report.why_no_policies}", []
    if not report.policies:
        return "every overlap policy makes the same streams", []
    streams = counted(len(report.policies), "stream")
    details = [line for one in report.policies for line in divergence_lines(one)]
    return f"{streams} would be another under another overlap policy", details


def divergence_lines(one: Divergence) -> list[str]:
    """Return how policies differ over a stream."""
    lines = [f"stream {one.stream} ({one.client} > {one.server})"]
    for at in one.places:
        lines.append(
            f"    {at.direction}, {counted(at.length, 'byte')} at offset {at.offset}:"
        )
        names = [", ".join(version.policies) for version in at.versions]
        width = max(map(len, names))
        lines += [
            f"        {name:<{width}}  {printable(version.payload)}"
            for name, version in zip(names, at.versions, strict=True)
        ]
    if not one.places:
        lines += [f"    {', '.join(group)}" for group in one.groups]
    return lines


def checksum_answer(report: Report) -> tuple[str, list[str]]:
    """Return what is said of checksums: of all hosts, and of those with trouble."""
    by_state: dict[str, list[str]] = {}
    for host in report.hosts:
        by_state.setdefault(report.host_state(host), []).append(host)
    lines = []
    good = by_state.pop("good", [])
    if good:
        lines.append(f"those of {counted(len(good), 'host')} are right")
    for host in by_state.pop("damage", []):
        counts = report.hosts[host]
        sent = counts["bad"] + counts["good"] + counts["unfilled"]
        lines.append(f"{host or 'others'}: {counts['bad']} of {sent} wrong: damaged")
    for state, hosts in sorted(by_state.items()):
        shown = ", ".join(host or "others" for host in hosts[:EXAMPLES])
        more = f" and {len(hosts) - EXAMPLES} more" if len(hosts) > EXAMPLES else ""
        lines.append(f"those of {shown}{more} {HOST_STATES[state]}")
    return (lines or ["there are none"])[0], lines[1:]


def frame_answer(report: Report) -> tuple[str, list[str]]:
    """Return what is said of the frames that gave no segment."""
    counts = report.without_segment
    if not counts:
        return "every frame is a TCP segment", []
    details = []
    for names, meaning in (
        (DAMAGED, "damaged or cut"),
        (NOT_LOOKED_INTO, "not looked into"),
    ):
        found = [f"{counts[name]} {name}" for name in names if name in counts]
        if found:
            details.append(f"{meaning}: {', '.join(found)}")
    others = [
        f"{count} {name}"
        for name, count in counts.items()
        if name not in DAMAGED + NOT_LOOKED_INTO
    ]
    if others:
        details.append(f"no TCP segment of their own: {', '.join(others)}")
    details += [
        f"{count} udp {'looks' if count == 1 else 'look'} like a tunnel: "
        f"--decode-as {rule}"
        for rule, count in report.lookalikes.items()
    ]
    return f"{sum(counts.values())} of {report.frames} gave no segment", details


def fragment_answer(report: Report) -> str:
    """Return what is said of datagrams that came in fragments."""
    fragments = report.fragments
    completed = fragments.get("completed", 0)
    conflicts = fragments.get("conflicts", 0)
    # Those of complete datagrams, but for the last of each, are among these.
    parts = {why: report.without_segment.get(why, 0) for why in FRAGMENTS}
    if not completed and not conflicts and not any(parts.values()):
        return "no datagram came in fragments"
    said = f"{counted(completed, 'datagram')} put together of fragments"
    if fragments.get("overlaps"):
        said += f"; {counted(fragments['overlaps'], 'fragment')} overlapped others"
    if conflicts:
        said += f", {conflicts} of them with other bytes"
    for why, meaning in FRAGMENTS.items():
        if parts[why] and meaning:
            said += f"; {counted(parts[why], 'fragment')} {meaning}"
    if not completed and parts["fragment"]:
        said += f"; {counted(parts['fragment'], 'fragment')} of others"
    return said
