"""What can be asked of a message, and of an exchange, by name: for ``--where``.

The grammar is that of filters on streams, and so are names that mean the same there:
``client`` and ``server`` are ends, ``port`` is either's.
"""

from collections.abc import Callable, Iterable
from typing import Any

from unpacket.messages.results import Message, Skipped
from unpacket.query import values
from unpacket.query.columns import Column, one

ENDS: dict[str, Column] = {
    "client": Column(
        values.ADDRESS,
        lambda item: (item.client,),
        "the end that asks: its address, and a port behind it",
    ),
    "server": Column(
        values.ADDRESS, lambda item: (item.server,), "the end that answers"
    ),
    "address": Column(
        values.ADDRESS, lambda item: (item.client, item.server), "either end"
    ),
    "client.port": Column(
        values.PORT, lambda item: (item.client.port,), "the port of the client"
    ),
    "server.port": Column(
        values.PORT, lambda item: (item.server.port,), "the port of the server"
    ),
    "port": Column(
        values.PORT,
        lambda item: (item.client.port, item.server.port),
        "the port of either end",
    ),
}


def _missing(message: Any) -> int:
    return sum(hole.length for hole in message.holes)


def _only(read: Callable[[Any], Any]) -> Callable[[Any], Iterable[Any]]:
    """Return what reads a fact of messages; bytes of none have no value."""
    return lambda item: (read(item),) if isinstance(item, Message) else ()


def _of_stream(column: Column) -> Column:
    """Return a column of ends; bytes of no message have those of their stream."""

    def ends(item: Any) -> Iterable[Any]:
        return column.values(item if isinstance(item, Message) else item.stream)

    return column._replace(values=ends)


def _protocol(item: Any) -> str:
    return "" if isinstance(item, Skipped) else str(item.protocol)


MESSAGES: dict[str, Column] = {
    "stream": Column(values.ID, one(lambda item: item.stream.id), "the stream's id"),
    **{name: _of_stream(column) for name, column in ENDS.items()},
    "direction": Column(
        values.words("client", "server"),
        _only(lambda message: str(message.direction)),
        "who sent the message",
    ),
    "protocol": Column(values.TEXT, one(_protocol), "the protocol, such as http"),
    "offset": Column(
        values.COUNT,
        _only(lambda message: message.offset),
        "where in its side of the stream it begins",
    ),
    "length": Column(
        values.SIZE, _only(lambda message: message.length), "how long it is"
    ),
    "body": Column(
        values.SIZE, _only(lambda message: message.body_length), "how long its body is"
    ),
    "missing": Column(
        values.SIZE, _only(_missing), "how many bytes of its body are missing"
    ),
    "time": Column(
        values.INSTANT, _only(lambda message: message.time_ns), "when it began"
    ),
    "frame": Column(
        values.COUNT,
        _only(lambda message: message.first_frame),
        "the packet that has its first byte",
    ),
    "complete": Column(
        values.FLAG, _only(lambda message: message.complete), "whether it is whole"
    ),
    "anomaly": Column(
        values.TEXT,
        lambda item: item.anomalies if isinstance(item, Message) else (),
        "what is wrong with it, such as lf-only",
    ),
}


def _asked(read: Callable[[Any], Any]) -> Callable[[Any], Iterable[Any]]:
    """Return what reads a fact of the request."""
    return one(lambda it: None if it.request is None else read(it.request))


def _answered(read: Callable[[Any], Any]) -> Callable[[Any], Iterable[Any]]:
    """Return what reads a fact of the response."""
    return one(lambda it: None if it.response is None else read(it.response))


def _each(read: Callable[[Any], Iterable[Any]]) -> Callable[[Any], Iterable[Any]]:
    """Return what reads the values of both messages."""
    return lambda it: [
        value
        for message in (it.request, it.response)
        if message is not None
        for value in read(message)
    ]


def _type(message: Any) -> str:
    kind = message.header("content-type") or ""
    return str(kind.partition(";")[0].strip().lower())


EXCHANGES: dict[str, Column] = {
    "stream": Column(values.ID, one(lambda it: it.stream.id), "the stream's id"),
    **ENDS,
    "method": Column(values.TEXT, _asked(lambda it: it.method), "the method"),
    "url": Column(values.TEXT, _asked(lambda it: it.url), "the whole URL"),
    "host": Column(values.TEXT, _asked(lambda it: it.host), "the host that is asked"),
    "target": Column(
        values.TEXT, _asked(lambda it: it.target), "the target, as it was written"
    ),
    "status": Column(
        values.COUNT, _answered(lambda it: it.status), "the status, such as 404"
    ),
    "type": Column(
        values.TEXT,
        _answered(_type),
        "the type of the response's body, such as text/html",
    ),
    "sent": Column(
        values.SIZE,
        _asked(lambda it: it.body_length),
        "how long the body of the request is",
    ),
    "received": Column(
        values.SIZE,
        _answered(lambda it: it.body_length),
        "how long the body of the response is",
    ),
    "missing": Column(
        values.SIZE,
        one(lambda it: sum(map(_missing, filter(None, (it.request, it.response))))),
        "how many bytes of both bodies are missing",
    ),
    "time": Column(values.INSTANT, one(lambda it: it.time_ns), "when it began"),
    "latency": Column(
        values.DURATION,
        one(lambda it: it.latency_ns),
        "from the end of the request to the begin of the response",
    ),
    "complete": Column(
        values.FLAG, one(lambda it: it.complete), "whether both messages are whole"
    ),
    "pairing": Column(
        values.words("known", "none", "lost", "unknown"),
        one(lambda it: it.pairing),
        "how request and response were paired",
    ),
    "anomaly": Column(
        values.TEXT,
        _each(lambda message: message.anomalies),
        "what is wrong with either message",
    ),
}
