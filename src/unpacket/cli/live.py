"""What a command needs to read an interface in the place of a capture."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from unpacket.cli.values import Duration, ParamType, Size
from unpacket.errors import SourceError
from unpacket.sources import Source
from unpacket.sources.source import Live

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from click.shell_completion import CompletionItem

    from unpacket.sources.bpf.filter import Bpf

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


class LiveSettings(NamedTuple):
    """What the options about interfaces say.

    Attributes:
        interface: Which is read; None where captures are.
        write: Where to write what is read, too; None for nowhere.
        rotate_bytes, rotate_s: When the next file is begun; 0 for never.
        user: Who to be once the interface is open; None for whoever it is.
    """

    interface: str | None = None
    write: str | None = None
    rotate_bytes: int = 0
    rotate_s: float = 0
    promiscuous: bool = False
    snaplen: int = 0
    ring_bytes: int = 0
    traffic: str = "both"
    processes: bool = True
    user: str | None = None


class InterfaceName(ParamType):
    """An interface of this machine."""

    name = "interface"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        return value

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from unpacket.sources.live.devices import interfaces

        names = [device.name for device in interfaces()]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class LiveOption(click.Option):
    """An option about interfaces, which --help lists among its like."""


class CaptureArgument(click.Argument):
    """Captures, or the interface that ``-i`` names in their place.

    What stands where one capture would is the first of what follows it.
    """

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> tuple[Any, list[str]]:
        interface = opts.get("interface")
        if interface is not None and isinstance(opts, dict):
            self._put_first(opts, interface, ctx)
        return super().handle_parse_result(ctx, opts, args)

    def _put_first(
        self, opts: dict[str, Any], interface: str, ctx: click.Context
    ) -> None:
        name = self.name or ""
        given = opts.get(name)
        if self.nargs == 1:
            opts[name] = interface
            following = next(
                (
                    one.name
                    for one in ctx.command.params
                    if isinstance(one, click.Argument) and one.nargs == -1
                ),
                None,
            )
            if isinstance(given, str) and following:
                others = opts.get(following)
                opts[following] = (
                    given,
                    *(others if isinstance(others, tuple) else ()),
                )
            return
        # click has a value of its own for what was not given.
        if isinstance(given, tuple) and given:
            raise click.UsageError("give CAPTURE or --interface, not both", ctx)
        opts[name] = (interface,)


def live_options(*short: str) -> Callable[[AnyFunction], AnyFunction]:
    """Give a command the options about interfaces; it gets them as ``live``.

    Args:
        short: The option of one letter for an interface, if it is free.
    """

    def decorate(function: AnyFunction) -> AnyFunction:
        @functools.wraps(function)
        def called(*args: Any, **options: Any) -> Any:
            values = {name: options.pop(name) for name in LiveSettings._fields}
            settings = LiveSettings(**values)
            check(settings)
            return function(*args, live=settings, **options)

        decorated: Any = called
        for option in (*reversed(OPTIONS), interface_option(*short)):
            decorated = option(decorated)
        result: AnyFunction = decorated
        return result

    return decorate


def interface_option(*short: str) -> Callable[[Any], Any]:
    return live_option(
        *short,
        "--interface",
        type=InterfaceName(),
        metavar="IFACE",
        help="Capture from this interface, or from all (any), instead of reading "
        "CAPTURE; `unpacket interfaces` lists them.",
    )


def check(settings: LiveSettings) -> None:
    """Refuse what does not go together.

    Raises:
        UsageError: What.
    """
    if settings.write is None and (settings.rotate_bytes or settings.rotate_s):
        raise click.UsageError("--rotate-size and --rotate-time are for --write")
    if settings.user is not None and settings.interface is None:
        raise click.UsageError("--user is for --interface")


def opened(settings: LiveSettings, bpf: Bpf | None) -> Source:
    """Open the interface.

    Raises:
        SourceError: There is none such, or this process may not.
    """
    from unpacket.sources.live.opening import RING_BYTES, live

    try:
        source = live(
            settings.interface or "any",
            filter=bpf,
            promiscuous=settings.promiscuous,
            snaplen=settings.snaplen,
            ring_bytes=settings.ring_bytes or RING_BYTES,
            direction=settings.traffic,  # type: ignore[arg-type]
            processes=settings.processes,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    try:
        if settings.user is not None:
            become(settings.user)
    except BaseException:
        source.close()
        raise
    return source


def written(source: Source, settings: LiveSettings) -> Source:
    """Return a source that is written to a file as well, if that is wanted.

    Raises:
        SinkError: The file cannot be made.
    """
    if settings.write is None:
        return source
    from unpacket.sinks.tee import Rotation, Tee

    rotation = Rotation(
        settings.write,
        most_bytes=settings.rotate_bytes,
        most_s=settings.rotate_s,
    )
    return Tee(source, rotation)


def sentence(name: str, live: Live) -> str:
    """Return what an interface has counted, in words."""
    counted = live.statistics
    share = counted.dropped / counted.received if counted.received else 0
    return (
        f"{name}: {counted.given} packets ({counted.bytes} bytes) given, "
        f"{counted.dropped} of {counted.received} lost ({share:.2%})"
    )


def become(user: str) -> None:
    """Give up what root may, and be another user with all of its groups.

    Raises:
        SourceError: There is no such user, or this process may not.
    """
    import pwd

    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise SourceError(user, "there is no such user") from None
    try:
        os.initgroups(user, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    except OSError as error:
        reason = f"this process may not become that user ({error.strerror})"
        raise SourceError(user, reason) from error
    # What is not imported yet has to be read by that user.
    for module in (os.__file__, __file__):
        if not os.access(module, os.R_OK):
            raise SourceError(user, f"that user may not read {module}")


live_option = functools.partial(click.option, cls=LiveOption)
size_option = functools.partial(
    live_option, type=Size(optional=False), default=0, metavar="SIZE"
)

OPTIONS: Sequence[Callable[[Any], Any]] = (
    live_option(
        "-w",
        "--write",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="Also write the packets to this pcapng file, with the processes.",
    ),
    size_option(
        "--rotate-size",
        "rotate_bytes",
        help="Begin another file when one has this size, such as 100MiB; the names get "
        "a number and the time.",
    ),
    live_option(
        "--rotate-time",
        "rotate_s",
        type=Duration(optional=False),
        default=0.0,
        metavar="TIME",
        help="Begin another file after this time, such as 1h.",
    ),
    live_option(
        "--promiscuous",
        is_flag=True,
        help="Also capture packets that are for other hosts.",
    ),
    size_option(
        "--snaplen",
        help="Keep only this many bytes of each frame.  [default: all]",
    ),
    size_option(
        "--ring-size",
        "ring_bytes",
        help="How much may wait in the kernel; beyond that packets are lost.  "
        "[default: 64MiB]",
    ),
    live_option(
        "--traffic",
        type=click.Choice(("in", "out", "both")),
        default="both",
        show_default=True,
        help="Capture packets that the interface receives, that it sends, or both.",
    ),
    live_option(
        "--processes/--no-processes",
        default=True,
        help="Find the process of each local end of a stream.  [default: processes]",
    ),
    live_option(
        "--user",
        metavar="NAME",
        help="Become this user once the interface is open.",
    ),
)
