"""``unpacket follow``: what both sides of a stream sent."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from unpacket import Closed, Data, Direction, Endpoint, Opened, Policy, Stream
from unpacket.cli.live import CaptureArgument, live_options
from unpacket.cli.options import (
    CAPTURE,
    Command,
    keys_options,
    merge_option,
    reading_options,
    where_option,
)
from unpacket.cli.output import Color, Output, is_terminal, wants_color
from unpacket.cli.pager import wanted_pager
from unpacket.cli.policies import policy_of, policy_options
from unpacket.cli.root import NOTHING_FOUND
from unpacket.cli.session import nothing_found, session, tell_late
from unpacket.cli.values import ParamType
from unpacket.faces.reader import Reading
from unpacket.records.spool import BlockFile, Store
from unpacket.records.summary import Summary, Trouble
from unpacket.sinks.render.follow import FORMS, Renderer, remarks_of, renderer
from unpacket.sinks.render.ranged import Ranged
from unpacket.sinks.render.tshark import FORMS as TSHARK_FORMS
from unpacket.sinks.render.tshark import Tshark
from unpacket.sinks.render.turns import Turns

if TYPE_CHECKING:
    from unpacket.query.parser import Where

Choice: TypeAlias = int | tuple[str, int]

# Those in which payload is text.
TEXT_FORMS = ("utf8", "ascii", "ebcdic")

# How much of the streams that are to be printed whole stays in memory, about.
KEPT_BYTES = 64 << 20
PRINTED_BYTES = 1 << 16
# On a terminal lines of text are broken behind so many bytes.
LONGEST_LINE = 512
# Payload of which more than one byte in so many is no text is said to be binary.
BINARY_SHARE = 10
TEXT_BYTES = bytes({*range(32, 127), *range(128, 256), *b"\t\n\r\x1b"})


class Span(ParamType):
    """A range of numbers from 1."""

    name = "range"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        first, dash, last = value.partition("-")
        if (
            first.isdecimal()
            and (last or first).isdecimal()
            and not (dash and not last)
        ):
            span = int(first), int(last or first)
            if 1 <= span[0] <= span[1]:
                return span
        self.fail(f"{value!r} is no range, such as 1-10 or 3")


class StreamChoice(ParamType):
    """A stream's id, or one of its ends."""

    name = "stream"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Choice:
        if not isinstance(value, str):
            chosen: Choice = value
            return chosen
        if value.isdecimal():
            return int(value)
        address, _, port = value.rpartition(":")
        try:
            number = int(port) if port.isdecimal() else -1
            if 0 <= number < 1 << 16:
                return str(ipaddress.ip_address(address.strip("[]"))), number
        except ValueError:
            pass
        self.fail(
            f"{value!r} is neither the id of a stream nor ADDRESS:PORT, such as 3, "
            f"10.0.0.1:80 or [::1]:80{instead_of(value)}"
        )


def instead_of(value: str) -> str:
    """Return what does what somebody meant who gave that for a stream."""
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return ""
    return f"; all streams of an address: --where 'address in {value}'"


@click.command(
    cls=Command,
    exit_codes={
        0: "streams were printed",
        1: "no streams, or none that was asked for",
    },
    epilog="""
        unpacket follow examples/sample.pcapng 0
        unpacket follow examples/sample.pcapng 192.0.2.2:80 --as hex
        unpacket follow 'examples/*.pcapng' 0 --merge
        unpacket follow examples/sample.pcapng --where 'gaps and duration < 100ms'
        unpacket follow examples/sample.pcapng 1 --as raw --server
        unpacket follow examples/sample.pcapng --pager --color always
        unpacket follow examples/sample.pcapng 0 --as c-array --client --no-remarks
        unpacket follow examples/sample.pcapng 0 1 --tshark --as yaml --range 1-2
        unpacket follow examples/sample.pcapng 1 --as json --preset wireshark
        unpacket follow examples/encrypted.pcapng 1 --decrypt
        unpacket follow - 0 --gap wait --max-held-bytes 64MiB < examples/sample.pcapng
    """,
)
@click.argument("capture", cls=CaptureArgument, type=CAPTURE)
@click.argument("choices", type=StreamChoice(), nargs=-1, metavar="[STREAM]...")
@click.option(
    "--as",
    "form",
    type=click.Choice(FORMS),
    default="utf8",
    show_default=True,
    help="utf8, ascii, ebcdic: text, with escapes or dots for control characters; hex: "
    "rows with offsets; raw: only the bytes; c-array, yaml: the data of each frame; "
    "json: an object for each event, one on a line.",
)
@click.option(
    "--direction",
    type=click.Choice([str(direction) for direction in Direction]),
    help="Only what this side sent.  [default: both]",
)
@click.option(
    "--client",
    "direction",
    flag_value=str(Direction.CLIENT),
    help="Only what the client sent.",
)
@click.option(
    "--server",
    "direction",
    flag_value=str(Direction.SERVER),
    help="Only what the server sent.",
)
@click.option(
    "--range",
    "span",
    type=Span(),
    metavar="FIRST-LAST",
    help="Only some parts of each stream, counted from 1: the data of a frame is one, "
    "and so is a gap.",
)
@click.option(
    "--tshark",
    is_flag=True,
    help="Print what `tshark -z follow,tcp,FORM,ID` prints, byte for byte. The default "
    "of --as is then ascii, and that of --preset wireshark.",
)
@click.option(
    "--remarks/--no-remarks",
    default=True,
    help="Report streams, gaps, conflicts and rejected segments, in lines of their "
    "own (with raw: gaps, conflicts and rejected segments, on stderr).  "
    "[default: remarks]",
)
@click.option(
    "--pager/--no-pager",
    default=None,
    help="Print through $PAGER, or less -R if that is not set; '' and cat mean no "
    "pager.  [default: on a terminal, unless CAPTURE is a pipe]",
)
@where_option
@merge_option
@keys_options
@reading_options
@live_options("-i")
@policy_options(deliver="acked")
def follow(
    capture: str,
    choices: tuple[Choice, ...],
    form: str,
    direction: str | None,
    span: tuple[int, int] | None,
    tshark: bool,
    remarks: bool,
    pager: bool | None,
    where: Where | None,
    policy: Policy,
    color: Color,
    **reading: Any,
) -> int:
    """Print both sides of a conversation, in the order of their data.

    CAPTURE is a pcap or pcapng file, a URL, or - for standard input. A glob in quotes
    stands for several, which are read as one, in the order of time. STREAM is the id of
    a stream (see `unpacket streams`) or ADDRESS:PORT of either end. Without it all
    streams are printed.

    With one id, the stream is printed as it comes. Otherwise each stream is printed
    when it closes, and waits in memory, or in a temporary file if it is long. Most
    columns of --where are known only then, too.

    Lines that begin with > were sent by the client, those with < by the server. Lines
    with * are remarks of unpacket, not part of the stream.
    """
    if form == "raw" and is_terminal():
        raise click.UsageError(
            "raw bytes could take over the terminal: redirect them, or use --as utf8"
        )
    color_wanted = wants_color(color)
    through = wanted_pager(pager)
    if tshark:
        form, policy = as_tshark(form, policy)

    def new_renderer() -> Renderer:
        rendering: Renderer
        if tshark:
            rendering = Tshark(form)
        else:
            rendering = renderer(
                form,
                color=color_wanted,
                remarks=remarks,
                longest=LONGEST_LINE if is_terminal() else None,
            )
        return rendering if span is None else Ranged(rendering, *span)

    warn = form == "raw" and remarks and not tshark
    with session([capture], pager=through, **reading) as (captures, output):

        def passes(summary: Summary) -> bool:
            return where is None or where.matches(summary, captures.first_ns)

        printer = Printer(
            output,
            new_renderer,
            warn=warn,
            passes=passes,
            # Of one side there is but one order, and tshark has its own.
            in_turns=direction is None and not tshark,
        )
        ids = {choice for choice in choices if isinstance(choice, int)}
        only_ids = bool(choices) and len(ids) == len(set(choices))
        at_once = only_ids and len(ids) == 1
        opened = 0
        followed = Reading(captures, policy=policy)
        for event in followed.events():
            if type(event) is Opened:
                opened += 1
                stream = event.stream
                if not choices or any(fits(stream, one) for one in choices):
                    wanted = (
                        None
                        if where is None
                        else where.early(stream, captures.first_ns)
                    )
                    if where is None or wanted:
                        printer.open(stream.id, at_once=at_once)
                    elif wanted is None:
                        printer.open(stream.id, at_once=False, doubt=Trouble())
                    else:
                        printer.ended.add(stream.id)
            if where is not None:
                printer.watch(event)
            if direction is None or direction == direction_of(event, direction):
                printer.take(event)
            if only_ids and len(printer.ended) == len(ids):
                break
        if not opened:
            output.say(nothing_found(captures, [capture]))
        for missing in sorted(ids - printer.ended) if opened else ():
            output.say(f"no stream {missing} in {capture}: it has 0 to {opened - 1}")
        if printer.ended and not printer.printed:
            output.say(f"no such stream passes --where in {capture}")
        elif opened and not printer.ended and not ids:
            output.say(f"no stream of {ends(choices)} in {capture}")
        if form in TEXT_FORMS and is_terminal() and printer.is_binary:
            output.say("much of this is binary: --as hex shows it in rows")
        tell_late(output, followed.assembler.late)
        return captures.finish() or (0 if printer.printed else NOTHING_FOUND)


def as_tshark(form: str, policy: Policy) -> tuple[str, Policy]:
    """Return form and policy where tshark's are wanted."""
    given = click.get_current_context()
    if given.get_parameter_source("form") is click.core.ParameterSource.DEFAULT:
        form = "ascii"
    elif form not in TSHARK_FORMS:
        known = ", ".join(TSHARK_FORMS)
        raise click.UsageError(f"--tshark knows no --as {form}, but {known}")
    if given.params["preset"] is None:
        # Of what is held tshark takes what comes first at the edge.
        changes = {"preset": "wireshark", "overlap": given.params["overlap"] or "bsd"}
        policy = policy_of(given.params | changes, {})
    return form, policy


class Printer:
    """Prints the streams that were opened with it.

    Attributes:
        ended: The ids of those that came to their end, or need not be looked at.
        printed: How many of them were printed.

    Args:
        warn: Whether remarks are written to stderr.
        passes: Whether a stream that was opened in doubt is wanted after all.
        in_turns: Whether an answer waits for what it answers.
    """

    def __init__(
        self,
        output: Output,
        new_renderer: Callable[[], Renderer],
        *,
        warn: bool,
        passes: Callable[[Summary], bool],
        in_turns: bool,
    ) -> None:
        self.ended: set[int] = set()
        self.printed = 0
        self._output = output
        self._new_renderer = new_renderer
        self._warn = warn
        self._passes = passes
        self._renderers: dict[int, Renderer] = {}
        self._in_turns = in_turns
        self._turns: dict[int, Turns] = {}
        self._waiting: dict[int, Store] = {}
        self._doubts: dict[int, Trouble] = {}
        self._unwritten: dict[int, list[str]] = {}
        self._payload_bytes = 0
        self._odd_bytes = 0
        self._file = BlockFile()
        self._kept_bytes = 0
        self._bound_bytes = KEPT_BYTES

    def open(
        self, stream_id: int, *, at_once: bool, doubt: Trouble | None = None
    ) -> None:
        """Print the stream of that id, as it comes or whole when it closes."""
        self._renderers[stream_id] = self._new_renderer()
        if not at_once:
            self._waiting[stream_id] = Store(self._file)
        if doubt is not None:
            self._doubts[stream_id] = doubt
            self._unwritten[stream_id] = []

    @property
    def is_binary(self) -> bool:
        """Whether much of the payload is no text."""
        return self._odd_bytes * BINARY_SHARE > self._payload_bytes

    def watch(self, event: Any) -> None:
        """Note what decides about a stream in doubt."""
        doubt = self._doubts.get(event.stream.id)
        if doubt is not None:
            doubt.take(event)

    def take(self, event: Any) -> None:
        """Print an event, now or when its stream closes."""
        stream_id = event.stream.id
        if not self._in_turns or stream_id not in self._renderers:
            self._print(event)
            return
        turns = self._turns.get(stream_id)
        if turns is None:
            turns = self._turns[stream_id] = Turns()
        for following in turns.take(event):
            self._print(following)
        if type(event) is Closed:
            del self._turns[stream_id]

    def _print(self, event: Any) -> None:
        """Print an event that is next."""
        stream_id = event.stream.id
        rendering = self._renderers.get(stream_id)
        if rendering is None:
            return
        for trouble in remarks_of(event) if self._warn else ():
            sentence = f"warning: stream {stream_id}: {trouble}"
            if stream_id in self._unwritten:
                self._unwritten[stream_id].append(sentence)
            else:
                self._output.say(sentence)
        if type(event) is Data:
            self._payload_bytes += len(event.payload)
            self._odd_bytes += len(event.payload.translate(None, TEXT_BYTES))
        data = rendering.render(event)
        waiting = self._waiting.get(stream_id)
        if waiting is None:
            self._output.write(data)
        else:
            waiting.append(data)
            self._kept_bytes += len(data)
            if self._kept_bytes > self._bound_bytes:
                self._spill()
        if type(event) is Closed:
            del self._renderers[stream_id]
            self.ended.add(stream_id)
            if waiting is not None:
                del self._waiting[stream_id]
                self._kept_bytes -= waiting.memory_bytes
            doubt = self._doubts.pop(stream_id, None)
            unwritten = self._unwritten.pop(stream_id, ())
            if doubt is not None and not self._passes(Summary(event.stream, doubt)):
                return
            for sentence in unwritten:
                self._output.say(sentence)
            if waiting is not None:
                self._print_whole(waiting, rendering.separator)
            self.printed += 1

    def _spill(self) -> None:
        """Move what waits to a temporary file, the most of one stream first."""
        waiting = sorted(
            self._waiting.values(), key=attrgetter("memory_bytes"), reverse=True
        )
        for store in waiting:
            if self._kept_bytes <= KEPT_BYTES // 2:
                break
            before = store.memory_bytes
            store.spill()
            self._kept_bytes -= before - store.memory_bytes
        # What little each keeps back may be much in all: no try each time.
        self._bound_bytes = max(KEPT_BYTES, self._kept_bytes + KEPT_BYTES // 2)

    def _print_whole(self, rendered: Store, separator: bytes) -> None:
        if self.printed:
            self._output.write(separator)
        for start in range(0, len(rendered), PRINTED_BYTES):
            self._output.write(rendered.read(start, start + PRINTED_BYTES))
        rendered.close()


def direction_of(event: Any, otherwise: str) -> str:
    """Return who sent what an event is about, or ``otherwise`` if that is nobody."""
    return str(getattr(event, "direction", otherwise))


def fits(stream: Stream, choice: Choice) -> bool:
    """Return whether ``choice`` means the stream."""
    if isinstance(choice, int):
        return stream.id == choice
    return choice in (stream.client, stream.server)


def ends(choices: tuple[Choice, ...]) -> str:
    """Return the ends among ``choices`` as people write them."""
    return ", ".join(
        str(Endpoint(*choice)) for choice in choices if not isinstance(choice, int)
    )
