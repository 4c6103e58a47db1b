"""Filters on frames, in the language of tcpdump, for sources of every kind.

libpcap compiles the text, anew for each link type that occurs, and the core runs the
programs. Frames that do not pass keep their numbers; they are counted under
``filtered``, and nobody looks into them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from unpacket._core.decode.decoder import Decoder
from unpacket._core.decode.segments import Segments
from unpacket._core.memory.batch import Batch
from unpacket._options import wrong
from unpacket.errors import OverlapWarning, SourceError
from unpacket.sources.bpf.machine import Program
from unpacket.sources.source import Interface, Live, Source

__all__ = ["Bpf", "BpfError", "BpfLike", "FilteredSource"]

Instructions: TypeAlias = Iterable[tuple[int, int, int, int]]
BpfLike: TypeAlias = "Bpf | str | Instructions | Mapping[int, str | Instructions]"

# libpcap goes through a program by recursion: thousands of hosts are no trouble yet.
MAX_LENGTH = 1 << 16

# An expression is right if it is so for one of these. The first is the usual one, and
# its message is shown: ETHERNET, RAW, IEEE802_11_RADIOTAP, PPP, ATM (SUNATM), PFLOG,
# and MTP2_WITH_PHDR, since each knows words that others do not.
PROBED = (1, 101, 127, 9, 123, 117, 139)

# `tcpdump -ddd`: how many instructions follow, and the four numbers of each. There
# are commas instead of line ends where it was made for iptables.
_NUMBERS = re.compile(r"\s*\d+(?:[\s,]+\d+){4,}[\s,]*", re.ASCII)

REMEDY = "filters on streams, --where, do not depend on it"

REJECT_ALL = Program([(6, 0, 0, 0)])


class BpfError(ValueError):
    """A filter is neither an expression that libpcap knows nor a program.

    Attributes:
        expression: As it was given.
        reason: What is wrong with it, mostly in libpcap's words.
    """

    def __init__(self, expression: str, reason: str) -> None:
        super().__init__(expression, reason)
        self.expression, self.reason = expression, reason

    def __str__(self) -> str:
        shown = self.expression.strip()
        if len(shown) > 60:
            shown = f"{shown[:60]}..."
        return f"the filter {shown!r} cannot be used: {self.reason}"


class NotForLinkTypeError(Exception):
    """A filter cannot be asked about frames of a link type; ``args[0]`` says why."""


class Bpf:
    """A filter on frames, such as ``tcp port 80``; it may serve several sources.

    Args:
        source: An expression, as for tcpdump. Or a program that was compiled
            elsewhere, and then nothing is needed here: its instructions ``(code, jt,
            jf, k)``, or what ``tcpdump -ddd`` printed. A program is for one link
            type, that of the first frame; for several give a mapping of link type
            numbers to programs.

    Raises:
        BpfError: It is not a filter. It is a ``ValueError``.
        TypeError: It is neither text nor instructions.
        SourceError: An expression needs libpcap, which is not there.
    """

    def __init__(self, source: BpfLike) -> None:
        self._expression: str | None = None
        self._only: Program | None = None
        self._programs: dict[int, Program] = {}
        if isinstance(source, Bpf):
            self._expression, self._only = source._expression, source._only
            self._programs = dict(source._programs)
        elif isinstance(source, str) and _NUMBERS.fullmatch(source) is None:
            self._expression = source
            self._check(source)
        elif isinstance(source, Mapping):
            for link_type, given in source.items():
                self._programs[link_type] = program_of(given)
        elif isinstance(source, Iterable):
            self._only = program_of(source)
        else:
            raise wrong("bpf", source, "text such as 'tcp port 80', or instructions")

    @property
    def asks_for_vlans(self) -> bool:
        """Whether it looks at the tag of a VLAN, as far as its text says so."""
        return self._expression is not None and "vlan" in self._expression

    def program(self, link_type: int) -> Program:
        """Return the program for frames of a link type.

        Raises:
            NotForLinkTypeError: The filter cannot be asked about them, and there may
                be TCP in them.
        """
        program = self._programs.get(link_type)
        if program is None:
            try:
                program = self._made(link_type)
            except NotForLinkTypeError:
                if is_read(link_type):
                    raise
                program = REJECT_ALL
            self._programs[link_type] = program
        return program

    def mark(self, batch: Batch, path: str = "<batch>") -> None:
        """Take the frames that do not pass out of a batch.

        Args:
            path: Where the batch is from, for messages.

        Raises:
            SourceError: The filter cannot be asked about a frame.
        """
        batch.begin_filter()
        i = 0
        while i < batch.count:
            link_type = batch.link_type[i]
            try:
                program = self.program(link_type)
            except NotForLinkTypeError as error:
                number = batch.first_number + i
                reason = f"frame {number} has link type {link_type}, and {error}"
                failure = SourceError(path, reason)
                failure.add_note(REMEDY)
                raise failure from None
            i = program.mark(batch, i)

    def _check(self, expression: str) -> None:
        """Compile an expression for the usual link types."""
        from unpacket.sources.bpf.libpcap import RefusedError

        if len(expression) > MAX_LENGTH:
            raise BpfError(expression, f"it has more than {MAX_LENGTH} characters")
        if "\0" in expression:
            raise BpfError(expression, "there is a NUL in it")
        refusal = ""
        for link_type in PROBED:
            try:
                self._programs[link_type] = self._compiled(expression, link_type)
            except RefusedError as error:
                refusal = refusal or str(error)
            else:
                return
        raise BpfError(expression, refusal)

    def _made(self, link_type: int) -> Program:
        if self._expression is None:
            if self._only is None:
                raise NotForLinkTypeError("the filter has no program for it")
            known = [at for at, one in self._programs.items() if one is self._only]
            if known:
                raise NotForLinkTypeError(
                    f"the filter was compiled for {known[0]}, that of the first frame; "
                    "{link_type: program} gives one for each"
                )
            return self._only
        from unpacket.sources.bpf.libpcap import RefusedError

        try:
            return self._compiled(self._expression, link_type)
        except RefusedError as error:
            reason = f"the filter cannot be asked about it: {error}"
            raise NotForLinkTypeError(reason) from None

    @staticmethod
    def _compiled(expression: str, link_type: int) -> Program:
        from unpacket.sources.bpf.libpcap import RefusedError, compiled

        rows = compiled(expression, link_type)
        try:
            return Program(rows)
        except ValueError as error:
            # ``protochain`` makes a loop, ``inbound`` asks the kernel.
            raise RefusedError(
                f"what libpcap makes of it is not run: {error}"
            ) from None

    def __repr__(self) -> str:
        what = self._expression
        return f"{type(self).__name__}({'...' if what is None else repr(what)})"


class FilteredSource(Source):
    """Another source, with the frames that pass a filter."""

    def __init__(self, source: Source, bpf: Bpf) -> None:
        self._source = source
        self._bpf = bpf
        super().__init__(source.path)
        self.jobs = source.jobs
        # They are the same, and not copies: both go on growing.
        self.warnings = source.warnings
        self.notes = source.notes

    @property
    def bytes_read(self) -> int:
        return self._source.bytes_read

    @property
    def total_bytes(self) -> int | None:
        return self._source.total_bytes

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        return self._source.interfaces

    @property
    def live(self) -> Live | None:
        return self._source.live

    @property
    def ignored(self) -> int:
        return self._source.ignored

    @ignored.setter
    def ignored(self, value: int) -> None:
        self._source.ignored = value

    @property
    def overlap(self) -> OverlapWarning | None:
        return self._source.overlap

    @overlap.setter
    def overlap(self, value: OverlapWarning | None) -> None:
        self._source.overlap = value

    @property
    def tells(self) -> bool:
        return self._source.tells

    @tells.setter
    def tells(self, value: bool) -> None:
        self._source.tells = value

    @property
    def ended_early(self) -> bool:
        return self._source.ended_early

    def __next__(self) -> Batch:
        """Return the next batch.

        Raises:
            SourceError: It cannot be read, or the filter cannot be asked about it.
        """
        batch = next(self._source)
        self._bpf.mark(batch, self.path)
        return batch

    def tell(self) -> None:
        self._source.tell()

    def stop(self) -> None:
        self._source.stop()

    def close(self) -> None:
        self._source.close()


def program_of(given: Any) -> Program:
    """Return a program that was compiled elsewhere.

    Raises:
        BpfError: It is none.
    """
    if isinstance(given, str):
        shown = given
        numbers = [int(text) for text in re.findall(r"\d+", given)]
        count, rest = numbers[:1], numbers[1:]
        if _NUMBERS.fullmatch(given) is None or [len(rest)] != [4 * n for n in count]:
            raise BpfError(shown, "it is not what `tcpdump -ddd` prints")
        given = zip(*[iter(rest)] * 4, strict=True)
    else:
        shown = f"<{type(given).__name__}>"
    try:
        return Program(given)
    except (TypeError, ValueError, OverflowError) as error:
        raise BpfError(shown, str(error)) from None


def is_read(link_type: int) -> bool:
    """Return whether anybody would look for TCP in frames of a link type."""
    decoder = Decoder([0] * 21)
    decoder.decode(Batch.from_frames([(0, bytes(64), link_type)]), Segments(1), 0)
    return "unknown_link_type" not in decoder.counters
