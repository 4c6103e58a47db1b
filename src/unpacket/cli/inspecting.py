"""What ``gateway`` and ``queue`` have in common: inspectors, signals, statistics."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import click

from unpacket.cli.output import shown
from unpacket.cli.signals import ENDING_SIGNALS
from unpacket.cli.values import Duration, Size
from unpacket.errors import SinkError, UnpacketError

if TYPE_CHECKING:
    from unpacket import Stream
    from unpacket.inline.engine import Engine
    from unpacket.inline.settings import Settings
    from unpacket.inline.verdicts import Inspector

# Of a failing inspector all failures are counted, and so many are printed.
MAX_TRACEBACKS = 5

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


class InspectorError(UnpacketError):
    """What --inspect names cannot be used.

    Attributes:
        name: As it was given.
        reason: What was wrong, in lower case and without a full stop.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return f"--inspect {self.name}: {self.reason}"


class Service(Protocol):
    """A gateway or a queue."""

    engine: Engine

    def stop(self) -> None: ...
    def run(self) -> None: ...


def inspecting_options(function: AnyFunction) -> AnyFunction:
    """Give a command the options about inspectors; they are asked in this order."""
    options = (
        click.option(
            "--log",
            type=click.Path(dir_okay=False, allow_dash=True),
            metavar="FILE",
            help="Write a line of JSON for each event; - is standard output.",
        ),
        click.option(
            "--block",
            multiple=True,
            metavar="TEXT",
            help="Stop a direction before the last byte of this text goes on. May be "
            "given several times.",
        ),
        click.option(
            "--allow",
            multiple=True,
            metavar="HOST",
            help="Reset streams that do not go to this host, by the server name of TLS "
            "or the host of HTTP; *.example.org allows all hosts below it. May be "
            "given several times.",
        ),
        click.option(
            "--replace",
            nargs=2,
            metavar="OLD NEW",
            help="Replace a text, of any length; lengths in HTTP are corrected.",
        ),
        click.option(
            "--inspect",
            metavar="MODULE:NAME",
            help="Use an inspector of your own; MODULE may be a file, such as "
            "./mine.py:Inspector.",
        ),
        click.option(
            "--reset",
            is_flag=True,
            help="Reset streams that --block stops, at both ends.",
        ),
        click.option(
            "--on-failure",
            type=click.Choice(("closed", "open")),
            default="closed",
            show_default=True,
            help="If an inspector raises an exception: reset the stream, or let it "
            "pass without inspection.",
        ),
        click.option(
            "--max-held",
            type=Size(optional=False),
            default="4MiB",
            show_default=True,
            help="How much may be held for each direction of a stream.",
        ),
        click.option(
            "--idle-timeout",
            type=Duration(optional=False),
            default="5m",
            show_default=True,
            help="After how long a quiet stream is forgotten.",
        ),
        click.option(
            "--json", "as_json", is_flag=True, help="Print the statistics as JSON."
        ),
        click.option("-q", "--quiet", is_flag=True, help="Print no statistics."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def inspector_of(
    log: str | None,
    block: tuple[str, ...],
    allow: tuple[str, ...],
    replace: tuple[str, str] | None,
    inspect: str | None,
    reset: bool,
) -> Inspector:
    """Return the inspector that the options ask for.

    Raises:
        InspectorError: --inspect names none.
        SinkError: The log cannot be written.
    """
    from unpacket.inline.hosts import AllowHosts
    from unpacket.inline.inspectors import Block, Chain, Log
    from unpacket.inline.replacing import ReplaceText
    from unpacket.inline.verdicts import DROP, RESET

    chosen: list[Inspector] = []
    if log is not None:
        chosen.append(Log(opened(log)))
    if block:
        texts = [os.fsencode(text) for text in block]
        chosen.append(Block(*texts, verdict=RESET if reset else DROP))
    if allow:
        chosen.append(AllowHosts(*allow))
    if replace is not None:
        old, new = map(os.fsencode, replace)
        chosen.append(ReplaceText(old, new))
    if inspect is not None:
        chosen.append(named(inspect))
    if not chosen:
        raise click.UsageError(
            "nothing to inspect with: give --log, --block, --allow, --replace or "
            "--inspect"
        )
    return chosen[0] if len(chosen) == 1 else Chain(chosen)


def opened(path: str) -> IO[str]:
    """Open a log, a line at a time."""
    if path == "-":
        return sys.stdout
    try:
        return open(path, "a", buffering=1, encoding="utf-8")
    except OSError as error:
        raise SinkError(path, (error.strerror or "").lower()) from error


def named(name: str) -> Inspector:
    """Return the inspector that MODULE:NAME means.

    Raises:
        InspectorError: There is none.
    """
    from unpacket.inline.verdicts import as_inspector

    module_name, colon, attribute = name.rpartition(":")
    if not colon or not attribute:
        raise InspectorError(name, "it is not MODULE:NAME, such as mine:Inspector")
    try:
        module = imported(module_name)
    except Exception as error:
        raise InspectorError(name, f"{type(error).__name__}: {error}") from error
    if not hasattr(module, attribute):
        raise InspectorError(name, f"{module_name} has no {attribute}")
    try:
        return as_inspector(getattr(module, attribute))
    except TypeError as error:
        raise InspectorError(name, str(error)) from error


def imported(name: str) -> ModuleType:
    """Import a module by name, as from here, or by the path of its file."""
    if name.endswith(".py"):
        spec = importlib.util.spec_from_file_location(Path(name).stem, name)
        if spec is None or spec.loader is None:
            raise ImportError(f"no module in {name}")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    sys.path.insert(0, os.getcwd())
    return importlib.import_module(name)


def settings_of(
    on_failure: Literal["open", "closed"],
    max_held: int,
    idle_timeout: float,
    mtu: int = 0,
) -> Settings:
    """Return the settings that the options ask for."""
    from unpacket.inline.settings import Settings

    try:
        return Settings(
            on_failure=on_failure,
            max_held_bytes=max_held,
            idle_timeout_s=idle_timeout,
            mtu=mtu,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error


class Reporter:
    """Prints what an inspector raised: the first ones whole."""

    def __init__(self) -> None:
        self._left = MAX_TRACEBACKS

    def __call__(self, stream: Stream | None, error: Exception) -> None:
        if self._left:
            self._left -= 1
            click.echo(f"unpacket: the inspector failed at {stream}:", err=True)
            traceback.print_exception(error)


def serve(
    service: Service,
    facts: Callable[[], dict[str, Any]],
    *,
    as_json: bool,
    quiet: bool,
) -> int:
    """Run until a signal; print statistics then, and on SIGUSR1.

    Args:
        facts: What there is beside the statistics of the engine.
    """

    def report() -> None:
        if quiet and not as_json:
            return
        found = statistics(service.engine) | facts()
        if as_json:
            click.echo(json.dumps(found))
        else:
            words = ", ".join(f"{name} {value}" for name, value in flat(found))
            click.echo(f"unpacket: {shown(words)}", err=True)

    with handling(ENDING_SIGNALS, lambda number, frame: service.stop()):
        usr1 = [signal.SIGUSR1] if hasattr(signal, "SIGUSR1") else []
        with handling(tuple(usr1), lambda number, frame: report()):
            service.run()
    report()
    return 0


def statistics(engine: Engine) -> dict[str, Any]:
    """Return what an engine counted."""
    counted = engine.statistics
    return {
        "passed": counted.passed,
        "rewritten": counted.rewritten,
        "dropped": dict(counted.dropped),
        "made": counted.made,
        "streams": counted.streams,
        "failures": counted.failures,
    }


def flat(found: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give names and values; a dictionary as its sum, with its parts in brackets."""
    for name, value in found.items():
        if isinstance(value, dict):
            parts = ", ".join(f"{key} {count}" for key, count in value.items())
            yield name, f"{sum(value.values())}" + (f" ({parts})" if parts else "")
        else:
            yield name, value


@contextmanager
def handling(
    numbers: tuple[int, ...], handler: Callable[[int, FrameType | None], None]
) -> Iterator[None]:
    """Handle signals for a while."""
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
