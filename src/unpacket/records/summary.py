"""What is known of a stream once it has closed, without its payload."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from unpacket._core.notebook import table
from unpacket._core.reassembly.direction import CLIENT, SERVER
from unpacket._core.reassembly.events import Conflict, Gap, Rejected
from unpacket._core.reassembly.stream import Endpoint, Stream, live_of
from unpacket.records.analysis_facts import ALL_FACTS, ANALYSIS_FACTS
from unpacket.records.facts import FACTS, SIDES, Fact, record_of
from unpacket.records.json_line import WRITTEN, json_line
from unpacket.sources.live.owners import shown

json_text = json.JSONEncoder(separators=(",", ":")).encode

# What json_line leaves to be put in: of all streams without trouble mostly the same.
_OTHERS = tuple(fact for fact in FACTS if fact.name not in WRITTEN)
_ARE_OF_TROUBLE = all(fact.of_trouble or fact.optional for fact in _OTHERS)


class Trouble:
    """What is missing of a stream, and what was wrong with it."""

    __slots__ = ("conflicts", "gaps", "rejected", "rejected_bytes")

    def __init__(self) -> None:
        self.rejected_bytes: tuple[dict[str, int], dict[str, int]] = ({}, {})
        self.gaps: tuple[list[Gap], list[Gap]] = ([], [])
        self.conflicts = 0
        self.rejected: dict[str, int] = {}

    def take(self, event: Any) -> None:
        """Take an event that is no ``Data``."""
        if isinstance(event, Gap):
            self.gaps[event.direction].append(event)
        elif isinstance(event, Conflict):
            self.conflicts += 1
        elif isinstance(event, Rejected):
            reason = event.reason
            self.rejected[reason] = self.rejected.get(reason, 0) + 1
            if event.payload:
                refused = self.rejected_bytes[event.direction]
                refused[reason] = refused.get(reason, 0) + len(event.payload)


class Summary:
    """What a stream was, without its bytes.

    Attributes:
        sha256: Hexadecimal, of the client's and of the server's delivered bytes in
            order of offset; None where no digest was asked for.
        analysis: What ``unpacket.analysis`` found of the stream; None elsewhere.
    """

    __slots__ = ("_facts", "_trouble", "analysis", "sha256")

    def __init__(
        self,
        facts: Stream,
        trouble: Trouble | None,
        sha256: tuple[str, str] | None = None,
    ) -> None:
        self._facts = facts
        self._trouble = trouble
        self.sha256: tuple[str, str] | None = sha256
        self.analysis: Any = None

    @property
    def gaps(self) -> tuple[list[Gap], list[Gap]]:
        """What is missing of the client's bytes, and of the server's."""
        return ([], []) if self._trouble is None else self._trouble.gaps

    @property
    def conflicts(self) -> int:
        """How many conflicts there were."""
        return 0 if self._trouble is None else self._trouble.conflicts

    @property
    def rejected(self) -> dict[str, int]:
        """How many segments were rejected, by reason."""
        return {} if self._trouble is None else self._trouble.rejected

    @property
    def unplaced(self) -> tuple[dict[str, int], dict[str, int]]:
        """How much captured payload of each side is in no stream, by reason.

        The reasons are those of ``Stream.counts``, and those of rejected segments.
        What came after the end of the stream is left out: see ``Assembler.late``.
        """
        client, server = (self._facts._unplaced(side) for side in (CLIENT, SERVER))
        if self._trouble is not None:
            client |= self._trouble.rejected_bytes[CLIENT]
            server |= self._trouble.rejected_bytes[SERVER]
        return client, server

    @property
    def id(self) -> int:
        """From 0, in the order of first packets."""
        return int(self._facts.id)

    @property
    def client(self) -> Endpoint:
        """The client's end."""
        return self._facts.client

    @property
    def server(self) -> Endpoint:
        """The server's end."""
        return self._facts.server

    @property
    def role_evidence(self) -> str:
        """How the client is known; see ``Stream.role_evidence``."""
        return self._facts.role_evidence

    @property
    def path(self) -> str:
        """Which headers lay around the first packet's TCP; see ``Stream.path``."""
        return self._facts.path

    @property
    def first_frame(self) -> int:
        """The number of the first packet."""
        return int(self._facts.first_frame)

    @property
    def start_ns(self) -> int:
        """When the first packet was captured, in nanoseconds since 1970."""
        return int(self._facts.first_ns)

    @property
    def end_ns(self) -> int:
        """When the last packet before the close was captured."""
        return int(self._facts.last_ns)

    @property
    def duration_ns(self) -> int:
        """How long after the first packet the last one was captured."""
        return self.end_ns - self.start_ns

    @property
    def packets(self) -> tuple[int, int]:
        """How many packets client and server sent before the stream closed."""
        return self._facts.packets(CLIENT), self._facts.packets(SERVER)

    @property
    def duplicates(self) -> tuple[int, int]:
        """How many of them the capture has twice (see docs/captures.md)."""
        return self._facts.duplicates(CLIENT), self._facts.duplicates(SERVER)

    @property
    def other_channel(self) -> tuple[int, int]:
        """How many packets came by another channel (see ``Policy.channel``)."""
        facts = self._facts
        return facts.other_channel(CLIENT), facts.other_channel(SERVER)

    @property
    def retransmissions(self) -> tuple[int, int]:
        """How many brought again what was captured, copies left out."""
        facts = self._facts
        return facts.retransmissions(CLIENT), facts.retransmissions(SERVER)

    @property
    def bytes(self) -> tuple[int, int]:
        """How many bytes of client and server were delivered, gaps left out."""
        return self._byte_counts()

    def _byte_counts(self) -> tuple[int, int]:
        facts = self._facts
        return facts.delivered_bytes(CLIENT), facts.delivered_bytes(SERVER)

    @property
    def counts(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What happened to the payload of each side; see ``Stream.counts``.

        Late packets are counted as they come, as far as the input has been read.
        """
        return self._facts.counts(CLIENT), self._facts.counts(SERVER)

    @property
    def close_reason(self) -> str | None:
        """Why the stream ended; see ``Closed``."""
        return self._facts.close_reason

    @property
    def complete(self) -> bool:
        """Whether start and end were seen, with no gap and no conflict."""
        return bool(self._facts.complete)

    @property
    def client_process(self) -> Any:
        """Whose process the client's end is; see ``Stream.client_process``."""
        return self._facts.client_process

    @property
    def server_process(self) -> Any:
        """Whose process the server's end is."""
        return self._facts.server_process

    @property
    def process_source(self) -> str | None:
        """How the processes are known; see ``Stream.process_source``."""
        return self._facts.process_source

    @property
    def capture_drops(self) -> int | None:
        """How many packets the capture lost meanwhile; see ``Stream.capture_drops``."""
        return self._facts.capture_drops

    @property
    def owners(self) -> str:
        """Whose processes client and server are, for people; "" if nobody knows."""
        return shown(self._facts)

    def owned(self, read: Callable[[Any], Any]) -> tuple[Any, Any]:
        """Return something of the owners of client and server, None where not known."""
        live = live_of(self._facts)
        if live is None or live.owners is None:
            return None, None
        return read(live.owners[0]), read(live.owners[1])

    def to_dict(self) -> dict[str, Any]:
        """Return the record that ``unpacket streams --json`` prints.

        Its names are those of ``records.facts``.
        """
        return record_of(self, FACTS if self.analysis is None else ALL_FACTS)

    def to_json(self) -> str:
        """Return ``to_dict`` as JSON, in one line without spaces.

        The same text as of ``json.dumps``, for a tenth of its time.
        """
        return json_line(self._facts, *self.members())

    def members(self) -> tuple[str, str, str]:
        """Return what of the line ``json_line`` does not write.

        Returns:
            Members for the objects of client, server and stream, each empty or with a
            comma at its beginning.
        """
        if (
            self._trouble is not None
            or self.analysis is not None
            or live_of(self._facts) is not None
            or self._facts._has_unplaced()
            or not _ARE_OF_TROUBLE
        ):
            return members_of(self)
        if self.sha256 is None:
            return NO_TROUBLE
        client, server, stream = NO_TROUBLE
        of_client, of_server = self.sha256
        return (
            f'{client},"sha256":"{of_client}"',
            f'{server},"sha256":"{of_server}"',
            stream,
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.client} > {self.server}>"

    def _repr_html_(self) -> str:
        whole = "complete" if self.complete else "not complete"
        return table(
            f"Stream {self.id}: {self.client} > {self.server} "
            f"({self.close_reason}, {whole})",
            ("", "client", "server"),
            self._shown(),
        )

    def _shown(self) -> list[tuple[object, ...]]:
        """Return what a notebook shows of the two sides."""
        rows: list[tuple[object, ...]] = [
            ("packets", *self.packets),
            ("bytes", *self.bytes),
            ("missing bytes", *(sum(gap.length for gap in side) for side in self.gaps)),
            ("retransmissions", *self.retransmissions),
        ]
        if self.conflicts:
            rows.append(("conflicts", self.conflicts))
        rows += [
            (f"rejected: {reason}", count) for reason, count in self.rejected.items()
        ]
        for reason in sorted({why for side in self.unplaced for why in side}):
            if reason not in self.rejected:
                rows.append(
                    (
                        f"in no stream: {reason}",
                        *(side.get(reason, 0) for side in self.unplaced),
                    )
                )
        return rows


def members_of(
    summary: Summary, facts: tuple[Fact, ...] = _OTHERS
) -> tuple[str, str, str]:
    """Return what ``Summary.members`` does, by the table of facts."""
    if summary.analysis is not None:
        facts += ANALYSIS_FACTS
    record = record_of(summary, facts)
    sides = [record.pop(side, {}) for side in SIDES]
    client, server, stream = (
        f",{json_text(members)[1:-1]}" if members else ""
        for members in (*sides, record)
    )
    return client, server, stream


def untroubled() -> tuple[str, str, str]:
    """Return the members of any stream without trouble and without digests."""
    of_trouble = tuple(fact for fact in _OTHERS if fact.of_trouble)
    return members_of(Summary(Stream(), None), of_trouble)


NO_TROUBLE = untroubled() if _ARE_OF_TROUBLE else ("", "", "")
