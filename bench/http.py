"""Captures of HTTP: ``python -m bench.http http OUT.pcap --packets N``.

Keep-alive connections of up to forty exchanges, 64 at a time, take turns at random:
pages, errors, redirections and answers without a body, a quarter of them chunked,
from some hundred bytes to a hundred kilobytes.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from random import Random

from bench.frames import ACK, PSH, Address, Connection, Text, write_capture

AT_A_TIME = 64
MSS = 1448
CHUNK_BYTES = 4096
WORDS = (b"packet ", b"stream ", b"header ", b"value ", b'<p class="x">', b"</p>\n")
PAGE_BYTES = (40, 300, 900, 2500, 8000, 14_000, 30_000, 120_000)
PAGE_WEIGHTS = (8, 20, 20, 20, 14, 9, 6, 1)

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
ASKED = (
    f"User-Agent: {AGENT}\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate\r\n"
    "Connection: keep-alive\r\n"
)
ANSWERED = (
    "Date: Mon, 20 Nov 2023 10:00:00 GMT\r\nServer: nginx/1.22\r\n"
    "Content-Type: text/html; charset=utf-8\r\nCache-Control: max-age=3600\r\n"
    "Vary: Accept-Encoding\r\n"
)


def request(draw: Random, host: int, number: int, form: bytes = b"") -> bytes:
    """Return a request as a browser makes it, with ``form`` if that is anything."""
    method = "POST" if form else draw.choices(("GET", "HEAD"), (97, 3))[0]
    length = f"Content-Length: {len(form)}\r\n" if form else ""
    head = (
        f"{method} /page/{host}/{number}?q={draw.randrange(10**6)} HTTP/1.1\r\n"
        f"Host: www{host}.example.com\r\n{ASKED}"
        f"Cookie: session={draw.getrandbits(128):032x}; theme=dark\r\n{length}\r\n"
    )
    return head.encode() + form


def requests(draw: Random, count: int) -> bytes:
    """Return requests without bodies, one behind the other."""
    return b"".join(request(draw, number % 40, number) for number in range(count))


def response(draw: Random, page: bytes, *, is_head: bool) -> bytes:
    """Return what a server answers, ``page`` if the status lets it."""
    status = draw.choices((200, 304, 404, 302), (80, 12, 5, 3))[0]
    head = f'HTTP/1.1 {status} -\r\n{ANSWERED}ETag: "{draw.getrandbits(64):x}"\r\n'
    if status == 304:
        return f"{head}\r\n".encode()
    if status == 302:
        page = b""
    if not is_head and draw.random() < 0.25:
        chunks = (
            page[at : at + CHUNK_BYTES] for at in range(0, len(page), CHUNK_BYTES)
        )
        body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
        coded = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode()
        return coded + body + b"0\r\n\r\n"
    whole = f"{head}Content-Length: {len(page)}\r\n\r\n".encode()
    return whole if is_head else whole + page


def connection(draw: Random, number: int, pages: list[bytes]) -> Iterator[bytes]:
    """Yield the frames of one connection, to its end."""
    host = number % 40
    turns: list[bytes] = []
    for asked_before in range(draw.choice((1, 4, 12, 40))):
        form = draw.choice(pages[:4]) if draw.random() < 0.12 else b""
        asked = request(draw, host, asked_before, form)
        page = draw.choices(pages, PAGE_WEIGHTS)[0]
        answer = response(draw, page, is_head=asked.startswith(b"HEAD"))
        turns += [asked, answer]
    text = Text(b"".join(turns))
    ends = (
        Address(0x0A000000 + number % 65536, 20_000 + number % 40_000),
        Address(0xC0A80001 + host, 80),
    )
    isns = draw.randrange(1 << 32), draw.randrange(1 << 32)
    made = Connection(ends, isns, text, True)
    yield from made.open()
    start = 0
    for index, turn in enumerate(turns):
        sender, peer = made.client, made.server
        if index % 2:
            sender, peer = peer, sender
        stop = start + len(turn)
        for at in range(start, stop, MSS):
            yield sender.frame(peer.seq, PSH | ACK, at, min(MSS, stop - at))
        start = stop
        if index % 2:
            yield peer.frame(sender.seq, ACK)
    yield from made.close()


def frames(packets: int, draw: Random) -> Iterator[bytes]:
    """Yield about as many frames as asked for: all connections end."""
    text = b"".join(draw.choices(WORDS, k=PAGE_BYTES[-1]))
    pages = [text[:size] for size in PAGE_BYTES]
    number = count = 0
    alive: list[Iterator[bytes]] = []
    while alive or count < packets:
        while len(alive) < AT_A_TIME and count < packets:
            alive.append(connection(draw, number, pages))
            number += 1
            count += 1
        one = draw.choice(alive)
        frame = next(one, None)
        if frame is None:
            alive.remove(one)
        else:
            count += 1
            yield frame


def main() -> None:
    """Write the capture that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench.http", description=__doc__)
    parser.add_argument("kind", choices=("http",))
    parser.add_argument("out", type=Path)
    parser.add_argument("--packets", type=int, default=200_000)
    asked = parser.parse_args()
    draw = Random(1)
    write_capture(asked.out, frames(asked.packets, draw), draw)


if __name__ == "__main__":
    main()
