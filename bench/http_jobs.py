"""What unpacket is asked to do with HTTP, as ``bench.jobs`` has it of streams."""

import hashlib
import sys
import time
from collections.abc import Callable
from random import Random

import unpacket
from bench.http import requests
from bench.jobs import Facts, main
from unpacket.messages.http.framing import Http


def exchanges(capture: str, keep: str = "bodies") -> Facts:
    """Take all HTTP exchanges, with their bodies, or with ``none`` of them."""
    found = complete = 0
    for exchange in unpacket.http(capture, bodies=keep == "bodies"):
        found += 1
        complete += exchange.complete
    return {"exchanges": found, "complete": complete}


def digests(capture: str) -> Facts:
    """Take the SHA-256 of each body, with its content coding undone."""
    found = payload_bytes = 0
    for exchange in unpacket.http(capture):
        for message in (exchange.request, exchange.response):
            if message is not None and message.body_length:
                data = message.data
                hashlib.sha256(data).hexdigest()
                found += 1
                payload_bytes += len(data)
    return {"objects": found, "bytes": payload_bytes}


def columns(capture: str) -> Facts:
    """Print of each exchange what ``peers.tshark_columns`` does."""
    lines = []
    for exchange in unpacket.http(capture, bodies=False):
        asked, answer = exchange.request, exchange.response
        lines.append(
            f"{exchange.time_ns}\t{exchange.client}\t"
            f"{'' if asked is None else asked.method}\t"
            f"{'' if asked is None else asked.url}\t"
            f"{'' if answer is None else answer.status}\t"
            f"{'' if answer is None else answer.header('content-type')}\t"
            f"{'' if answer is None else answer.body_length}\t{exchange.latency_ns}\n"
        )
    sys.stderr.write("".join(lines))
    return {"exchanges": len(lines)}


def parse(how: str, count: int) -> Facts:
    """Parse ``count`` requests: only their ``messages``, or all ``headers`` too."""
    data = requests(Random(1), count)
    framer = Http().begin(0, True)
    headers = how == "headers"
    at = found = 0
    began = time.process_time()
    while at < len(data):
        answer = framer.frame(data, at, False)
        at += answer.length
        found += 1
        if headers:
            answer.item.headers  # noqa: B018
            answer.item.target  # noqa: B018
    return {"messages": found, "parse_cpu_s": time.process_time() - began}


JOBS: dict[str, Callable[..., Facts]] = {
    job.__name__: job for job in (exchanges, digests, columns, parse)
}

if __name__ == "__main__":
    main(JOBS, *sys.argv[1:])
