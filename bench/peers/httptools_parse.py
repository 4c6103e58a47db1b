"""Parses requests with httptools: ``python -m bench.peers.httptools_parse HOW N``.

HOW is ``messages``, where it calls back for each message and for nothing else, or
``headers``, where it calls back for all and each header is kept.
"""

import json
import sys
import time
from random import Random

import httptools

from bench.http import requests


class Messages:
    """Counts messages."""

    def __init__(self) -> None:
        self.found = 0

    def on_message_complete(self) -> None:
        """A message ends."""
        self.found += 1


class Headers(Messages):
    """Keeps of each message what a program asks for, all headers among it."""

    def __init__(self) -> None:
        super().__init__()
        self.url = b""
        self.headers: list[tuple[str, str]] = []

    def on_message_begin(self) -> None:
        """A message begins."""
        self.headers = []

    def on_url(self, url: bytes) -> None:
        """Take the target, or a part of it."""
        self.url = url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field."""
        self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """The head ends."""

    def on_body(self, body: bytes) -> None:
        """Take bytes of the body."""


how, count = sys.argv[1], int(sys.argv[2])
data = requests(Random(1), count)
protocol = Messages() if how == "messages" else Headers()
parser = httptools.HttpRequestParser(protocol)
began = time.process_time()
parser.feed_data(data)
spent_s = time.process_time() - began
print(json.dumps({"messages": protocol.found, "parse_cpu_s": spent_s}))
