"""Calls of gRPC: which method, and the messages that both sides sent.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: in a body each message
has one byte before it, whether it is compressed, and its length in four.
"""

from typing import Any, NamedTuple

from unpacket.messages.http.head import HttpMessage, Request, Response

CONTENT_TYPE = "application/grpc"
PREFIX = 5


class GrpcMessage(NamedTuple):
    """One message of a call.

    Attributes:
        offset: Where its prefix is in the body.
        compressed: Whether it is, as ``grpc-encoding`` says.
        data: What was observed of it, up to a hole.
        length: How long it is.
    """

    offset: int
    compressed: bool
    data: bytes
    length: int

    @property
    def complete(self) -> bool:
        """Whether all of it was observed."""
        return len(self.data) == self.length


def is_grpc(message: HttpMessage | None) -> bool:
    """Return whether a request or a response is of a call."""
    kind = None if message is None else message.header("content-type")
    return kind is not None and kind.lower().startswith(CONTENT_TYPE)


def method_of(request: Request) -> tuple[str, str]:
    """Return service and method of a call, such as ``greet.Greeter`` and ``Hello``."""
    path = request.target.partition("?")[0]
    service, _, method = path.rpartition("/")
    return service.rpartition("/")[2], method


def grpc_messages(message: HttpMessage) -> list[GrpcMessage]:
    """Return the messages in the body of a request or a response.

    Behind a hole nobody can say where the next one begins.
    """
    body = message.body
    if message.content is not None and message.holes:
        body = body[: message.content.first_hole()]
    found = []
    at = 0
    while len(body) - at >= PREFIX:
        length = int.from_bytes(body[at + 1 : at + PREFIX])
        start = at + PREFIX
        data = body[start : start + length]
        found.append(GrpcMessage(at, body[at] & 1 == 1, data, length))
        at = start + length
    return found


def status_of(response: Response) -> int | None:
    """Return the status of a call, of its trailers as a rule; None if there is none."""
    for name, value in [*response.trailers, *response.headers]:
        if name.lower() == "grpc-status" and value.isdigit():
            return int(value)
    return None


def grpc_facts(message: HttpMessage) -> dict[str, Any]:
    """Return what is known of a call, as JSON has it."""
    found: dict[str, Any] = {}
    if isinstance(message, Request):
        found["service"], found["method"] = method_of(message)
    elif isinstance(message, Response):
        found["status"] = status_of(message)
    found["messages"] = [
        {
            "offset": one.offset,
            "length": one.length,
            "compressed": one.compressed,
            "complete": one.complete,
        }
        for one in grpc_messages(message)
    ]
    return found
