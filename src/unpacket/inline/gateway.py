"""A gateway: packets from one TUN device to another, inspected on the way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from unpacket._core.reassembly.stream import Stream
from unpacket.inline.clock import steady_clock
from unpacket.inline.engine import Engine
from unpacket.inline.loop import Loop
from unpacket.inline.packets import Packet
from unpacket.inline.routing import HostRoutes, Routing
from unpacket.inline.settings import Settings
from unpacket.inline.tun import Tun, send_all

# What is read before it is inspected together; more would make the first wait.
BATCH_PACKETS = 64


class Gateway:
    """Two devices, and an engine between them.

    Use it with ``with``, which makes the devices and takes them down::

        with Gateway(inspector, "unp0", "unp1") as gateway:
            gateway.run()

    Attributes:
        engine: With ``statistics`` of what went through.
        devices: The two names, once they are there.
    """

    def __init__(
        self,
        inspector: object,
        tun: str = "unp0",
        out: str = "unp1",
        *,
        mtu: int = 1500,
        offload: bool = False,
        settings: Settings | None = None,
        routes: HostRoutes | None = None,
        report: Callable[[Stream | None, Exception], None] = lambda stream, error: None,
    ) -> None:
        """Prepare a gateway.

        Args:
            inspector: An ``Inspector``, a class of one, or a function.
            tun, out: The two devices. Which is which makes no difference, but for
                ``routes``.
            mtu: Of both; SYNs announce no segments that would not fit.
            offload: Take segments of up to 64 KiB from the kernel.
            routes: Let clients of this host go through ``tun`` and come out at
                ``out``, to be forwarded by the host.
            report: Called with each exception of the inspector.

        Raises:
            TypeError: ``inspector`` is none.
        """
        if settings is None:
            settings = Settings(mtu=mtu)
        self.engine = Engine(inspector, settings, report=report)
        self._names = (tun, out)
        self._mtu = mtu
        self._offload = offload
        self._routes = routes
        self._devices: list[Tun] = []
        self._loop: Loop | None = None
        self._stack = ExitStack()
        self._now_ns = steady_clock()

    @property
    def devices(self) -> tuple[str, ...]:
        """The names of the devices that are there."""
        return tuple(device.name for device in self._devices)

    @property
    def lost(self) -> int:
        """How many packets the kernel did not take back."""
        return sum(device.lost for device in self._devices)

    def __enter__(self) -> Self:
        """Make the devices, and the routes.

        Raises:
            SourceError: A device or a route is not to be had.
        """
        try:
            for name in self._names:
                device = Tun(name, mtu=self._mtu, offload=self._offload)
                self._devices.append(self._stack.enter_context(device))
            if self._routes is not None:
                routing = Routing(self._routes, *self.devices)
                self._stack.enter_context(routing)
            self._loop = Loop()
            self._stack.callback(self._loop.close)
        except BaseException:
            self._stack.close()
            self._devices.clear()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop = None
        self._stack.close()
        self._devices.clear()

    def stop(self) -> None:
        """Let ``run`` return soon; from a handler of signals or another thread."""
        if self._loop is not None:
            self._loop.stop()

    def run(self) -> None:
        """Pass packets on until ``stop``.

        Raises:
            SourceError: A device is gone.
        """
        assert self._loop is not None, "run() is for inside of with"
        self._loop.run(self._devices, self._turn, self._tick)

    def _tick(self) -> None:
        send_all(self.engine.tick(self._now_ns()), self._devices)

    def _turn(self) -> None:
        """Read what there is, up to a bound, inspect it together, and write it."""
        packets: list[tuple[int, Packet]] = []
        for origin, device in enumerate(self._devices):
            packets += device.read_many(origin, BATCH_PACKETS)
        if packets:
            send_all(self.engine.process(packets, self._now_ns()), self._devices)
