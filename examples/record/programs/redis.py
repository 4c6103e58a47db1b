"""redis-server and redis-cli: short commands, large values, a pipeline."""

from .program import Client, Needed, Place, Program, found, numbered_lines

_SERVER = Needed("redis-server", "redis-server")
_CLI = Needed("redis-cli", "redis-tools")


def _prepare(place: Place) -> None:
    """Leave redis with what it has in memory."""


def _server(place: Place) -> tuple[str, ...]:
    return (
        *(found(_SERVER), "--port", str(place.server_port), "--bind", "*", "-::*"),
        *("--dir", str(place.scratch), "--save", "", "--appendonly", "no"),
        *("--protected-mode", "no", "--daemonize", "no"),
    )


def _clients(place: Place) -> list[Client]:
    value = numbered_lines(48 * 1024)

    def cli(number: int, *options: str, stdin: bytes, prints: bytes) -> Client:
        where = ("-h", place.host(number), "-p", str(place.port))
        return Client((found(_CLI), *where, *options), stdin, prints)

    commands = b"PING\nSET a 1\nINCR a\nGET a\nRPUSH l x y z\nLRANGE l 0 -1\nGET no\n"
    pipeline = b"".join(
        b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$32\r\n%032d\r\n" % (len(key), key, number)
        for number in range(400)
        if (key := b"key:%d" % number)
    )
    return [
        cli(0, stdin=commands, prints=b"PONG\n"),
        cli(1, "-x", "SET", "big", stdin=value, prints=b"OK\n"),
        cli(1, "--pipe", stdin=pipeline, prints=b"errors: 0, replies: 400"),
        cli(0, stdin=b"GET big\nINFO clients\nQUIT\n", prints=value[:-1]),
        cli(1, "-3", stdin=b"HGETALL none\nNOSUCH\nPING\n", prints=b"PONG"),
    ]


# One after another: the value is set before it is asked for.
PROGRAM = Program(
    "redis", 6379, (_SERVER, _CLI), _prepare, _server, _clients, at_once=1
)
