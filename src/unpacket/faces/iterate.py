"""Events and whole streams of a capture: the faces for programs that read to the end.

``events`` gives what happens as it happens, ``summaries`` what each stream was, and
``streams`` gives the bytes as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

from unpacket._core.reassembly.events import Closed, Data, Event, Finished, Opened
from unpacket._core.reassembly.stream import Stream
from unpacket._options import names_options, wrong
from unpacket.faces.reader import Reading
from unpacket.policy import Policy
from unpacket.records.collected import FRESH_BYTES, FRESH_EVENTS, Collected
from unpacket.records.spool import BLOCK_BYTES, BlockFile
from unpacket.records.summary import Summary, Trouble
from unpacket.records.whole_stream import Chunk, WholeStream

if TYPE_CHECKING:
    from unpacket.query.parser import Where
    from unpacket.sources.bpf.filter import BpfLike
    from unpacket.sources.source import Capture, Progress
    from unpacket.tls.key_log import Keys

__all__ = [
    "Chunk",
    "Summary",
    "WholeStream",
    "events",
    "streams",
    "summaries",
]

SPILL_BYTES = 64 << 20
MEMORY_BYTES = 1 << 30

AnySummary = TypeVar("AnySummary", bound=Summary)


@names_options
def events(
    source: Capture,
    *,
    policy: Policy | None = None,
    data: bool = True,
    notes: bool = False,
    merge: bool = False,
    link_type: int | str | None = None,
    strict: bool = False,
    progress: Progress | None = None,
    jobs: int | None = 1,
    bpf: BpfLike | None = None,
    keys: Keys | None = None,
) -> Iterator[Event]:
    """Give the events of a capture as they happen.

    Until you ask for the next event, the stream of an event has the state in which its
    packet left it.

    Args:
        source: A path, ``"-"``, a URL, the name of an interface, a binary file, a list
            of these or a glob, which are one capture in the order of time, an iterable
            of packets, or an open ``Source``.
        policy: The choices about reassembly.
        data: Whether to give ``Data``; without it no payload is copied.
        notes: Whether to give ``Note``.
        merge: Whether to merge the packets of several captures in the order of time,
            instead of reading one after the other.
        link_type: The link type of packets that are ``bytes``; None means Ethernet.
        strict: Whether a damaged capture raises ``FormatError``, after everything
            before the damage. Otherwise it causes a warning.
        progress: Called now and then with the number of bytes that were read, and the
            size of the file, or None if it has none.
        jobs: How many processors to use, None for all. With more than one, a second
            thread reads and decodes files; the events are the same.
        bpf: A filter on frames as for tcpdump, such as ``"tcp port 80"``; see
            ``unpacket.sources.bpf.filter.Bpf``.
        keys: Paths of key logs (SSLKEYLOGFILE), one or several: TLS is decrypted with
            their secrets and with those that the capture has itself, and the events of
            its streams are of what it carries, see ``unpacket.tls.decryption``. With
            ``()`` only with the latter; by default nothing is decrypted.

    Raises:
        MissingCiphers: Nothing can be decrypted here.
        BpfError: ``bpf`` is not a filter. It is a ``ValueError``.
        SourceError: The source cannot be read, or is not a capture.
        TypeError: An argument has a wrong type.
        ValueError: ``jobs`` is less than 1, or there is no such ``link_type``.
    """
    reading = Reading(
        source,
        policy=policy,
        data=data,
        notes=notes,
        merge=merge,
        link_type=link_type,
        strict=strict,
        progress=progress,
        jobs=jobs,
        bpf=bpf,
        keys=keys,
    )
    return reading.events(step=True)


@names_options
def summaries(
    source: Capture,
    *,
    policy: Policy | None = None,
    digest: bool = False,
    where: str | Where | None = None,
    merge: bool = False,
    link_type: int | str | None = None,
    strict: bool = False,
    progress: Progress | None = None,
    jobs: int | None = 1,
    bpf: BpfLike | None = None,
    keys: Keys | None = None,
) -> Iterator[Summary]:
    """Give a summary of each stream of a capture, as the streams close.

    No payload is kept. Without ``digest``, none is copied.

    Args:
        digest: Whether summaries have the SHA-256 of the bytes of each side.
        where: Which streams to give, such as ``"server.port == 443 and gaps > 0"``;
            ``unpacket.query.parser`` has the grammar, and docs/cli.md the columns.

    The other arguments are those of ``events``.

    Raises:
        WhereError: ``where`` is not of the grammar. It is a ``ValueError``.
        SourceError: The source cannot be read, or is not a capture.
        TypeError: An argument has a wrong type.
    """
    chosen = filter_of(where)
    reading = Reading(
        source,
        policy=policy,
        data=digest,
        merge=merge,
        link_type=link_type,
        strict=strict,
        progress=progress,
        jobs=jobs,
        bpf=bpf,
        keys=keys,
    )
    return summaries_of(reading, chosen, digest=digest)


def summaries_of(
    reading: Reading, where: Where | None, *, digest: bool
) -> Iterator[Summary]:
    """Do what ``summaries`` does, of a source that the caller has at hand."""
    found = _summarize(happening(reading, where), digest=digest)
    return passing(found, reading, where)


def _summarize(happened: Iterable[Any], *, digest: bool) -> Iterator[Summary]:
    from hashlib import sha256

    no_bytes = sha256().hexdigest()
    # Most streams have no trouble, and nothing is kept for them.
    troubles: dict[Stream, Trouble] = {}
    hashes: dict[Stream, list[Any]] = {}
    for event in happened:
        kind = type(event)
        if kind is Data:
            sides = hashes.get(event.stream)
            if sides is None:
                sides = hashes[event.stream] = [sha256(), sha256()]
            sides[event.direction].update(event.payload)
        elif kind is Closed:
            trouble = troubles.pop(event.stream, None)
            digests = None
            if digest:
                sides = hashes.pop(event.stream, None)
                digests = (no_bytes, no_bytes)
                if sides is not None:
                    digests = (sides[0].hexdigest(), sides[1].hexdigest())
            yield Summary(event.stream, trouble, digests)
        elif kind is not Opened and kind is not Finished:
            trouble = troubles.get(event.stream)
            if trouble is None:
                trouble = troubles[event.stream] = Trouble()
            trouble.take(event)


@names_options
def streams(
    source: Capture,
    *,
    policy: Policy | None = None,
    spill_bytes: int = SPILL_BYTES,
    memory_bytes: int = MEMORY_BYTES,
    where: str | Where | None = None,
    merge: bool = False,
    link_type: int | str | None = None,
    strict: bool = False,
    progress: Progress | None = None,
    jobs: int | None = 1,
    bpf: BpfLike | None = None,
    keys: Keys | None = None,
) -> Iterator[WholeStream]:
    """Give the whole streams of a capture, as they close.

    Args:
        where: Which streams to give, as in ``summaries``. If the ends, id or start of
            a stream already exclude it, nothing of it is kept.
        spill_bytes: How much of a stream may stay in memory: payload, and 36 bytes for
            each piece of it. Longer streams go to a temporary file.
        memory_bytes: The same for all open streams together. Beyond that, the largest
            of them go to the file.

    The other arguments are those of ``events``.

    Raises:
        WhereError: ``where`` is not of the grammar. It is a ``ValueError``.
        SinkError: A temporary file could not be created or written.
        SourceError: The source cannot be read, or is not a capture.
        TypeError: An argument has a wrong type.
        ValueError: A bound is less than 0.
    """
    chosen = filter_of(where)
    for name, bound in (("spill_bytes", spill_bytes), ("memory_bytes", memory_bytes)):
        if not isinstance(bound, int):
            raise wrong(name, bound, "a number of bytes")
        if bound < 0:
            raise ValueError(f"{name} must be at least 0, not {bound}")
    reading = Reading(
        source,
        policy=policy,
        data=True,
        merge=merge,
        link_type=link_type,
        strict=strict,
        progress=progress,
        jobs=jobs,
        bpf=bpf,
        keys=keys,
    )
    found = _collect(
        happening(reading, chosen),
        spill_bytes,
        memory_bytes,
        decrypted=reading.decryption is not None,
    )
    return passing(found, reading, chosen)


def filter_of(where: str | Where | None) -> Where | None:
    """Return the filter that an argument asks for.

    Raises:
        TypeError: It is neither text nor a ``Where``.
        WhereError: It is not of the grammar.
    """
    if where is None:
        return None
    chosen = parsed_filter(where)
    if chosen.analysed:
        raise ValueError(
            f"{chosen.analysed} is known to unpacket.analysis.analyses alone"
        )
    return chosen


def parsed_filter(where: str | Where) -> Where:
    """Return the filter that an argument is, or that it has as text.

    Raises:
        TypeError: It is neither text nor a ``Where``.
        WhereError: It is not of the grammar.
    """
    # A tenth of the time that it takes to import all else: only for those who filter.
    from unpacket.query.parser import Where

    if isinstance(where, Where):
        return where
    if not isinstance(where, str):
        wanted = "text such as 'server.port == 443'"
        if callable(where):
            wanted += " (a condition in Python goes into an if of the loop)"
        raise wrong("where", where, wanted)
    return Where(where)


def happening(reading: Reading, where: Where | None) -> Iterator[Event]:
    """Give the events of the streams that may be wanted."""
    return reading.events() if where is None else reading.hopeful_events(where)


def passing(
    found: Iterator[AnySummary], reading: Reading, where: Where | None
) -> Iterator[AnySummary]:
    """Give those of the streams that are wanted."""
    if where is None:
        return found
    return (item for item in found if where.matches(item, reading.first_ns))


def _collect(
    happened: Iterable[Any],
    spill_bytes: int,
    memory_bytes: int,
    *,
    decrypted: bool,
) -> Iterator[WholeStream]:
    # A stream has four stores: what they keep back must not exceed the bound.
    file = BlockFile(max(1, min(BLOCK_BYTES, spill_bytes // 8)))
    collecting: dict[Stream, Collected] = {}
    in_memory = 0
    bound = memory_bytes
    for event in happened:
        kind = type(event)
        if kind is Data:
            collected = collecting[event.stream]
            fresh = collected.fresh
            fresh.append(event)
            before = collected.memory_bytes
            collected.memory_bytes = after = before + len(event.payload) + FRESH_BYTES
            if len(fresh) == FRESH_EVENTS or after > spill_bytes:
                collected.settled()
                if collected.memory_bytes > spill_bytes:
                    collected.spill()
                after = collected.memory_bytes
            in_memory += after - before
            if in_memory > bound:
                in_memory = _spill_largest(collecting.values(), in_memory, memory_bytes)
                # What little each keeps back may be much in all: no try each time.
                bound = max(memory_bytes, in_memory + memory_bytes // 2)
        elif kind is Opened:
            collecting[event.stream] = Collected(file, decrypted=decrypted)
        elif kind is Closed:
            collected = collecting.pop(event.stream)
            in_memory -= collected.memory_bytes
            whole = [WholeStream(event.stream, collected)]
            # Only the caller has it from here on, and can let go of it.
            del collected
            yield whole.pop()
        else:
            collected = collecting[event.stream]
            in_memory -= collected.memory_bytes
            collected.take(event)
            in_memory += collected.memory_bytes


def _spill_largest(
    collecting: Iterable[Collected], in_memory: int, memory_bytes: int
) -> int:
    """Spill streams until half of the bound is free; return what is in memory."""
    for collected in sorted(collecting, key=attrgetter("memory_bytes"), reverse=True):
        if in_memory <= memory_bytes // 2:
            break
        in_memory -= collected.memory_bytes
        collected.spill()
        in_memory += collected.memory_bytes
    return in_memory
