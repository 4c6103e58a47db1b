"""Watches the segments that an assembler processes, and reports their conversations."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from unpacket._core.decode.segments import Segments
from unpacket._core.memory.batch import Batch
from unpacket._core.reassembly.stream import Endpoint, Stream
from unpacket.analysis.columns import Columns
from unpacket.analysis.constants import CONVERSATION_WORDS, FIRST_FRAME, LAST_FRAME
from unpacket.analysis.conversation import Conversation, key_of
from unpacket.analysis.tracker import DEFAULT_CONVERSATIONS, Tracker

PROFILES = ("4.0", "4.4")

Packed = tuple[int, int, int]


class Analyzer:
    """Analyses every segment; an observer of ``Assembler.observe``.

    It never influences what is delivered. What it finds depends on the segments alone,
    and not on how they came in batches.

    Args:
        profile: Whose conditions to apply: ``"4.0"`` or ``"4.4"`` of Wireshark.
        columns: Where to put a row for each segment, if anywhere; who takes them
            clears it.
        max_conversations: So many are analysed; ``left_out`` counts the segments of
            others.

    Raises:
        ValueError: There is no such profile, or the bound is less than 1.
    """

    def __init__(
        self,
        *,
        profile: str = "4.0",
        columns: Columns | None = None,
        max_conversations: int = DEFAULT_CONVERSATIONS,
    ) -> None:
        if profile not in PROFILES:
            known = " and ".join(PROFILES)
            raise ValueError(f"profile is {profile!r}; there are {known}")
        if max_conversations < 1:
            raise ValueError(f"max_conversations is {max_conversations}, below 1")
        self.columns = columns
        self.tracker = Tracker(profile == "4.4", max_conversations)
        # The conversations between two ends, in order.
        self._between: dict[tuple[Packed, Packed], list[int]] = {}
        self._indexed = 0

    @property
    def left_out(self) -> int:
        """How many segments were not analysed, for the bound on conversations."""
        return self.tracker.left_out

    def take(self, segments: Segments, batch: Batch, start: int, stop: int) -> None:
        """Take rows that an assembler has processed."""
        self.tracker.take(segments, batch, start, stop, self.columns)

    def __len__(self) -> int:
        return self.tracker.conversations.count

    def __iter__(self) -> Iterator[Conversation]:
        """Give all conversations as they are now, in the order of their numbers."""
        for number in range(len(self)):
            yield Conversation(self.tracker, number)

    def conversation(self, number: int) -> Conversation:
        """Return a conversation by its number.

        Raises:
            IndexError: There is none.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"conversation {number} of {len(self)}")
        return Conversation(self.tracker, number)

    def of_stream(self, stream: Stream | Any) -> Conversation | None:
        """Return the conversation that a stream is, seen from its client.

        None if none was analysed between its ends. Where an assembler and Wireshark
        disagree about where a connection begins, it is the one that had begun.
        """
        self._index()
        ends = (packed(stream.client), packed(stream.server))
        numbers = self._between.get((min(ends), max(ends)), [])
        chosen = None
        for number in numbers:
            first = self.tracker.facts[number * CONVERSATION_WORDS + FIRST_FRAME]
            if chosen is not None and first > stream.first_frame:
                break
            chosen = number
        if chosen is None:
            return None
        return Conversation(self.tracker, chosen, stream.client)

    def at_frame(self, frame: int) -> Iterator[Conversation]:
        """Give the conversations that were under way at a frame."""
        facts = self.tracker.facts
        for number in range(len(self)):
            at = number * CONVERSATION_WORDS
            if facts[at + FIRST_FRAME] > frame:
                return
            if facts[at + LAST_FRAME] >= frame:
                yield Conversation(self.tracker, number)

    def find_conversation(
        self,
        address: str | None,
        port: int | None,
        other_address: str | None = None,
        other_port: int | None = None,
        *,
        frame: int | None = None,
    ) -> Conversation | None:
        """Return the latest conversation between two ends; None stands for any.

        As Wireshark looks for one: exactly first, then with the second address left
        out, then with the second port, then with both; each time the ends as they are
        named and the other way round.

        Args:
            frame: Only conversations that had begun at that frame.

        Raises:
            ValueError: An address is none.
        """
        first, second = (address, port), (other_address, other_port)
        wanted = [
            (first, second),
            (first, (None, other_port)),
            (second, (None, port)),
            (first, (other_address, None)),
            (second, (address, None)),
            (first, (None, None)),
            (second, (None, None)),
        ]
        tried = set()
        for one, other in wanted:
            if one == (None, None) or (one, other) in tried:
                continue
            if (one, other) != (first, second) and not is_wider(one, other):
                continue
            tried.add((one, other))
            found = self._latest(one, other, frame)
            if found is not None:
                return found
        return None

    def _latest(
        self,
        one: tuple[str | None, int | None],
        other: tuple[str | None, int | None],
        frame: int | None,
    ) -> Conversation | None:
        ends = [(parsed(end[0]), end[1]) for end in (one, other)]
        facts = self.tracker.facts
        for number in reversed(range(len(self))):
            first = facts[number * CONVERSATION_WORDS + FIRST_FRAME]
            if frame is not None and first > frame:
                continue
            lower, higher = (packed(end) for end in key_of(self.tracker, number).ends)
            if (fits(lower, ends[0]) and fits(higher, ends[1])) or (
                fits(lower, ends[1]) and fits(higher, ends[0])
            ):
                return Conversation(self.tracker, number)
        return None

    def _index(self) -> None:
        """Note between which ends the conversations are that are new."""
        for number in range(self._indexed, len(self)):
            ends = [packed(end) for end in key_of(self.tracker, number).ends]
            self._between.setdefault((min(ends), max(ends)), []).append(number)
        self._indexed = len(self)


def packed(end: Endpoint) -> Packed:
    """Return an end as numbers: version, address, port."""
    parsed_address = ipaddress.ip_address(end.address)
    return parsed_address.version, int(parsed_address), end.port


def parsed(address: str | None) -> tuple[int, int] | None:
    """Return version and value of an address."""
    if address is None:
        return None
    parsed_address = ipaddress.ip_address(address)
    return parsed_address.version, int(parsed_address)


def fits(end: Packed, wanted: tuple[tuple[int, int] | None, int | None]) -> bool:
    """Return whether an end has the address and the port that are wanted."""
    address, port = wanted
    return (address is None or end[:2] == address) and port in (None, end[2])


def is_wider(one: tuple[Any, Any], other: tuple[Any, Any]) -> bool:
    """Return whether a question with something left out still asks for an end."""
    return one[0] is not None and one[1] is not None
