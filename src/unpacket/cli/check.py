"""``unpacket check``: whether a capture can be trusted, and what speaks against it."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from unpacket import Policy
from unpacket.cli.inputs import STANDARD_INPUT, Captures
from unpacket.cli.listing import counted
from unpacket.cli.live import CaptureArgument, live_options
from unpacket.cli.options import (
    CAPTURE,
    Command,
    merge_option,
    reading_options,
    where_option,
)
from unpacket.cli.output import Color, shown, wants_color
from unpacket.cli.policies import policy_options
from unpacket.cli.root import NOTHING_FOUND
from unpacket.cli.session import session
from unpacket.integrity.checker import EXAMPLES
from unpacket.integrity.checker import check as check_source
from unpacket.integrity.divergence import Divergence
from unpacket.integrity.report import DAMAGED, NOT_LOOKED_INTO, Found, Report

if TYPE_CHECKING:
    from unpacket.query.parser import Where

SOMETHING_WRONG = 1
ROW_BYTES = 16
SHOWN_BYTES = 64
SHOWN_DROPS = 10
# SGR parameters (ECMA-48): bold red, green.
WRONG_COLOR = "1;31"
FINE_COLOR = "32"

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
    "rst": "an RST that the receiver would not believe",
    "syn": "a SYN within a living connection",
}
HOST_STATES = {
    "all_wrong": "are all wrong: left to network cards, or anonymised",
    "offload": "were left to network cards",
    "unknown": "could not be judged",
}


@click.command(
    cls=Command,
    exit_codes={
        0: "all is well",
        1: "something is wrong, or there are no TCP streams",
    },
    epilog="""
        unpacket check examples/sample.pcapng || echo "something is wrong"
        unpacket check 'examples/*.pcapng' --merge || echo "something is wrong"
        unpacket check examples/sample.pcapng --where 'not gaps' || true
        unpacket check examples/sample.pcapng --bpf 'net 2001:db8::/32' || true
        unpacket check examples/sample.pcapng --channel interface || true
        unpacket check examples/sample.pcapng --json | grep -o '"wrong":[^]]*]'
    """,
)
@click.argument(
    "captures",
    cls=CaptureArgument,
    metavar="CAPTURE...",
    type=CAPTURE,
    nargs=-1,
    required=True,
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, in one line.")
@click.option(
    "--examples",
    type=click.IntRange(0, 1000),
    default=EXAMPLES,
    show_default=True,
    help="How many examples to show of each kind of trouble.",
)
@click.option(
    "--policies/--no-policies",
    default=True,
    help="Where there are conflicts, read the captures once more, to see which overlap "
    "policies would have made other streams.  [default: policies]",
)
@where_option
@merge_option
@reading_options
@live_options("-i")
@policy_options()
def check(
    captures: tuple[str, ...],
    as_json: bool,
    examples: int,
    policies: bool,
    where: Where | None,
    policy: Policy,
    color: Color,
    **reading: Any,
) -> int:
    """Say whether captures can be trusted, and what speaks against it.

    CAPTURE is a pcap or pcapng file, a URL, or - for standard input. Several, or a glob
    in quotes, are one capture, in the order of time.

    Each line is about one question: what receivers acknowledged and the capture lacks,
    what else is missing, what was rejected, which bytes were seen in two versions and
    whether another overlap policy would have chosen otherwise, which packets came
    twice though they were sent once, whether checksums are wrong by damage or only left
    to a network card, whether the clock went back, which frames could not be used. A
    line that begins with ! tells of something wrong.
    """

    @contextmanager
    def again() -> Iterator[Captures]:
        with Captures(captures, merge=reading["merge"], bpf=reading["bpf"]) as source:
            yield source

    seekable = STANDARD_INPUT not in captures
    with session(captures, **reading) as (source, output):
        report = check_source(
            source,
            policy=policy,
            where=where,
            examples=examples,
            policies=policies,
            again=again if seekable and source.total_bytes is not None else None,
        )
        if as_json:
            line = json.dumps(report.to_dict(), separators=(",", ":"))
            output.write(line.encode() + b"\n")
        else:
            paint = painter(wants_color(color))
            lines = [heading(report, captures), *report_lines(report, paint)]
            output.write("".join(f"{line}\n" for line in lines).encode())
        if not report.streams:
            which = source.sought if where is None else "stream passes --where"
            output.say(f"no {which} in {', '.join(captures)}")
            return source.finish() or NOTHING_FOUND
        return source.finish() or (0 if report.ok else SOMETHING_WRONG)


def painter(color: bool) -> Callable[[str, str], str]:
    """Return a function that gives text a colour, or leaves it."""
    if not color:
        return lambda text, parameters: text
    return lambda text, parameters: f"\x1b[{parameters}m{text}\x1b[0m"


def heading(report: Report, captures: Sequence[str]) -> str:
    """Return the line that says what was read."""
    read = [
        f"{counted(report.frames, 'frame')} "
        f"in {abs(report.last_ns - report.first_ns) / 1e9:.3f} s",
        counted(report.segments, "TCP segment"),
        counted(report.streams, "stream"),
        counted(report.delivered_bytes, "byte"),
    ]
    return f"{shown(', '.join(captures))}: {', '.join(read)}"


def report_lines(report: Report, paint: Callable[[str, str], str]) -> Iterator[str]:
    """Give a line for each question, and what belongs to it below."""
    wrong = set(report.wrong)
    for name, answer, details in answers(report):
        if not report.streams and name not in ("damage", "drops", "frames"):
            continue
        bad = name in wrong
        mark = "!" if bad else " "
        title = f"{mark} {name.replace('_', ' '):<10}"
        yield paint(title, WRONG_COLOR if bad else FINE_COLOR) + f"  {answer}"
        for line in details:
            yield f"{'':14}{line}".rstrip()
    if not report.streams:
        yield "nothing to judge"
    elif report.ok:
        yield paint("all is well", FINE_COLOR)
    else:
        names = ", ".join(name.replace("_", " ") for name in report.wrong)
        yield paint(f"something is wrong: {names}", WRONG_COLOR)


def answers(report: Report) -> Iterator[tuple[str, str, list[str]]]:
    """Give what is said of each question: its name, a sentence, and details."""
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
        one_sided += f"; {began} had begun before the capture"
    yield "one_sided", one_sided, []
    yield "rejected", *listed(report.rejected, REJECTIONS, where_rejected, "no segment")
    yield "conflicts", *conflict_answer(report.conflicts)
    yield "policies", *policy_answer(report)
    yield "twice", *twice_answer(report)
    yield "checksums", *checksum_answer(report)
    yield (
        "clock",
        f"time went back {counted(report.backwards, 'time')}"
        if report.backwards
        else "time never went back",
        [],
    )
    yield "frames", *frame_answer(report)
    yield "fragments", fragment_answer(report.fragments), []
    limits = [
        f"{counted(report.closed[why], 'stream')} closed by {why}"
        for why in ("memory_limit", "buffer_limit")
        if report.closed[why]
    ]
    yield "limits", "; ".join(limits) or "no stream was given up for want of room", []


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
    share = f"{100 * report.lost_share:.2g} % of the payload"
    return f"about {segments} ({octets}, {share}) acknowledged and not in the capture:"


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


def place(one: dict[str, Any]) -> str:
    ends = f"{one['client']} > {one['server']}"
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


def fragment_answer(fragments: dict[str, int]) -> str:
    """Return what is said of datagrams that came in fragments."""
    completed = fragments.get("completed", 0)
    conflicts = fragments.get("conflicts", 0)
    if not completed and not conflicts:
        return "no datagram came in fragments"
    said = f"{counted(completed, 'datagram')} put together of fragments"
    if fragments.get("overlaps"):
        said += f"; {counted(fragments['overlaps'], 'fragment')} overlapped others"
    if conflicts:
        said += f", {conflicts} of them with other bytes"
    return said
