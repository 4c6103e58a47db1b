"""The segments of one stream, and what is missing of it: what a plot is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from unpacket._core.reassembly.events import Closed, Conflict, Gap, Opened
from unpacket.analysis.analyzer import Analyzer
from unpacket.analysis.columns import Columns
from unpacket.analysis.constants import FLAGS
from unpacket.analysis.conversation import Conversation
from unpacket.faces.reader import Reading

# A plot of more has no more to show, and memory has an end.
MOST_SEGMENTS = 1_000_000
NOT_FOUND = -1


class Segment(NamedTuple):
    """A segment as plots need it.

    Attributes:
        side: 0 where the client sent it, else 1.
        seq, ack: From 0 at the SYN.
        at_s: Since the first segment of the stream.
        window: In bytes, None where its scale is not known.
        rtt_s: How long ago what it acknowledges was sent, or None.
        sack: The first block that it has, or None.
        names: The flags of the analysis.
    """

    frame: int
    at_s: float
    side: int
    seq: int
    ack: int
    length: int
    window: int
    tcp_flags: int
    in_flight: int
    rtt_s: float | None
    sack: tuple[int, int] | None
    names: frozenset[str]


class Trouble(NamedTuple):
    """Bytes that are missing or contradicted: ``start`` and ``stop`` as ``seq``."""

    kind: str
    side: int
    at_s: float
    start: int
    stop: int


class Traced(NamedTuple):
    """A stream to be drawn."""

    stream_id: int
    conversation: Conversation
    segments: list[Segment]
    troubles: list[Trouble]
    is_cut: bool

    @property
    def busier(self) -> int:
        """The side that sent more payload."""
        client, server = self.conversation.sides
        return 1 if server.bytes > client.bytes else 0


def trace(reading: Reading, wanted: Callable[[Any], bool]) -> Traced | None:
    """Read until the first stream that is wanted has closed; None if there is none.

    Of its segments those after the close are left out, and those beyond a million.
    """
    columns = Columns()
    analyzer = Analyzer(columns=columns)
    reading.assembler.observe(analyzer)
    stream: Any = None
    number = NOT_FOUND
    rows: list[dict[str, int]] = []
    events: list[Any] = []
    for happened in reading.lists(step=True):
        for event in happened:
            if stream is None and type(event) is Opened and wanted(event.stream):
                stream = event.stream
                found = analyzer.of_stream(stream)
                number = NOT_FOUND if found is None else found.number
            if event.stream is stream and is_trouble(event):
                events.append(event)
        for index in range(len(columns)):
            row = columns.row(index)
            if row["conversation"] == number and len(rows) < MOST_SEGMENTS:
                rows.append(row)
        columns.clear()
        if any(type(one) is Closed and one.stream is stream for one in happened):
            break
    conversation = None if stream is None else analyzer.of_stream(stream)
    if conversation is None:
        return None
    lower_is_client = conversation.key.ends[0] == conversation.client
    start_ns = conversation.start_ns
    return Traced(
        stream.id,
        conversation,
        [segment_of(row, start_ns, lower_is_client) for row in rows],
        [trouble_of(event, start_ns) for event in events],
        len(rows) >= MOST_SEGMENTS,
    )


def is_trouble(event: Any) -> bool:
    """Return whether a plot marks an event.

    What the snap length has cut off was sent and seen; only its bytes are not there.
    """
    if isinstance(event, Gap):
        return event.reason != "truncated"
    return isinstance(event, Conflict)


def segment_of(row: dict[str, int], start_ns: int, lower_is_client: bool) -> Segment:
    """Return a row of the analysis as a segment of a plot."""
    has_sack = row["sack_left"] >= 0
    return Segment(
        row["frame"],
        (row["time_ns"] - start_ns) / 1e9,
        row["direction"] if lower_is_client else 1 - row["direction"],
        row["seq"],
        row["ack"],
        row["length"],
        row["window"],
        row["tcp_flags"],
        max(0, row["bytes_in_flight"]),
        row["ack_rtt_ns"] / 1e9 if row["acks_frame"] else None,
        (row["sack_left"], row["sack_right"]) if has_sack else None,
        frozenset(name for n, name in enumerate(FLAGS) if row["flags"] >> n & 1),
    )


def trouble_of(event: Gap | Conflict, start_ns: int) -> Trouble:
    """Return what a plot shows of a gap or a conflict."""
    is_gap = isinstance(event, Gap)
    length = event.length if is_gap else len(event.kept)  # type: ignore[union-attr]
    # Offset 0 is the byte behind the SYN.
    start = event.offset + 1
    return Trouble(
        "gap" if is_gap else "conflict",
        int(event.direction),
        (event.time_ns - start_ns) / 1e9,
        start,
        start + length,
    )
