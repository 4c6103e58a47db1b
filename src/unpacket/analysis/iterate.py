"""Streams of a capture with what the analysis found of them, as they close."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from unpacket._core.reassembly.events import Closed, Data, Finished, Opened
from unpacket._core.reassembly.stream import Stream
from unpacket.analysis.analyzer import Analyzer
from unpacket.faces.iterate import parsed_filter
from unpacket.faces.reader import Reading
from unpacket.policy import Policy
from unpacket.records.summary import Summary, Trouble

if TYPE_CHECKING:
    from unpacket.query.parser import Where
    from unpacket.sources.bpf.filter import BpfLike
    from unpacket.sources.source import Capture, Progress


def analyses(
    source: Capture,
    *,
    policy: Policy | None = None,
    where: str | Where | None = None,
    profile: str = "4.0",
    merge: bool = False,
    link_type: int | str | None = None,
    strict: bool = False,
    progress: Progress | None = None,
    jobs: int | None = 1,
    bpf: BpfLike | None = None,
) -> Iterator[Summary]:
    """Give what each stream of a capture was, with ``analysis``, as streams close.

    ``Summary.analysis`` is a ``Conversation`` as it was when the stream closed.

    Args:
        where: Which streams to give, such as ``"rtt > 100ms"``; beside the columns of
            ``unpacket.summaries`` there are those of the analysis.
        profile: Whose flags: ``"4.0"`` or ``"4.4"``, versions of Wireshark.

    The others are those of ``unpacket.events``.

    Raises:
        WhereError: ``where`` is not of the grammar. It is a ``ValueError``.
        SourceError: The source cannot be read, or is no capture.
        TypeError, ValueError: An argument does not fit.
    """
    chosen = None if where is None else parsed_filter(where)
    analyzer = Analyzer(profile=profile)
    reading = Reading(
        source,
        policy=policy,
        data=False,
        merge=merge,
        link_type=link_type,
        strict=strict,
        progress=progress,
        jobs=jobs,
        bpf=bpf,
    )
    return analyses_of(reading, analyzer, chosen)


def analyses_of(
    reading: Reading, analyzer: Analyzer, where: Where | None
) -> Iterator[Summary]:
    """Do what ``analyses`` does, of a source that the caller has at hand."""
    reading.assembler.observe(analyzer)
    troubles: dict[Stream, Trouble] = {}
    for event in reading.events(step=True):
        summary = summary_of(event, troubles, analyzer)
        if summary is not None and (
            where is None or where.matches(summary, reading.first_ns)
        ):
            yield summary


def summary_of(
    event: Any, troubles: dict[Stream, Trouble], analyzer: Analyzer
) -> Summary | None:
    """Take an event; return the summary of the stream that it closes, if it does."""
    kind = type(event)
    if kind is Closed:
        summary = Summary(event.stream, troubles.pop(event.stream, None))
        summary.analysis = analyzer.of_stream(event.stream)
        return summary
    if kind is not Opened and kind is not Finished and kind is not Data:
        troubles.setdefault(event.stream, Trouble()).take(event)
    return None
