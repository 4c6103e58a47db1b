"""iperf3: its talk about the test, and bulk in both directions at once."""

from .program import Client, Needed, Place, Program, found

_IPERF3 = Needed("iperf3", "iperf3")


def _prepare(place: Place) -> None:
    """Leave iperf3 as it is: it keeps nothing."""


def _server(place: Place) -> tuple[str, ...]:
    return (found(_IPERF3), "--server", "--port", str(place.server_port))


def _clients(place: Place) -> list[Client]:
    bounds = ("--bytes", "800K", "--length", "128K", "--connect-timeout", "20000")
    command = (found(_IPERF3), "--client", place.host(0), "--port", str(place.port))
    # Its usual bytes are random, and would make a capture large to keep.
    how = ("--bidir", "--repeating-payload", *bounds)
    return [Client((*command, *how), prints=b"iperf Done.")]


PROGRAM = Program("iperf3", 5201, (_IPERF3,), _prepare, _server, _clients, at_once=1)
