"""What programs of others say to each other under TLS is what decryption gives.

They run on loopback, behind a relay that takes down what both sides send. Tests whose
programs are not installed are skipped.
"""

import hashlib
import shutil
import ssl
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

import unpacket
from tests.builder import write_pcap
from tests.tls.relayed import (
    Program,
    Relay,
    free_port,
    openssl_client,
    openssl_server,
    ran,
)
from tests.tls.speaking import Ends, Session, Turn, certificate_files, packets_of
from unpacket import Data

Script = Sequence[bytes]


def needs(name: str) -> pytest.MarkDecorator:
    there = shutil.which(name) is not None
    return pytest.mark.skipif(not there, reason=f"{name} is not installed")


def carried(turns: list[Turn], log: Path) -> tuple[bytes, bytes]:
    found = (bytearray(), bytearray())
    for event in unpacket.events(packets_of(turns).packets, keys=log):
        assert not isinstance(event, unpacket.Gap)
        if isinstance(event, Data):
            found[event.direction].extend(event.payload)
    return bytes(found[0]), bytes(found[1])


def talked(
    log: Path,
    server: Sequence[str],
    clients: Sequence[tuple[Sequence[str], Script]],
    answer: bytes = b"answer\n",
) -> tuple[list[list[Turn]], bytes, list[bytes]]:
    """Let clients talk to a server of OpenSSL, one after the other.

    Returns:
        The turns of each connection; what the server printed, and what the clients.
    """
    port = free_port()
    printed = []
    command = openssl_server(port, certificate_files(), *server)
    with Program(*command, port=port) as serving, Relay(port) as relay:
        for options, script in clients:
            with Program(*openssl_client(relay.port, log, *options)) as client:
                relay.settle()
                for typed in script:
                    client.write(typed)
                    relay.settle()
                serving.write(answer)
                relay.settle()
                printed.append(client.end())
        serving.process.kill()
        assert serving.process.stdout is not None
        got = serving.process.stdout.read()
    return relay.talks, got, printed


@needs("openssl")
@pytest.mark.parametrize(
    ("server", "client", "script"),
    [
        pytest.param([], ["-quiet"], [b"ask\n"], id="1.3"),
        pytest.param(
            [], ["-tls1_3"], [b"one\n", b"K\n", b"two\n", b"k\n", b"three\n"],
            id="key-update",
        ),
        pytest.param(
            ["-client_renegotiation"], ["-tls1_2"],
            [b"one\n", b"R\n", b"two\n", b"R\n", b"three\n"], id="renegotiation",
        ),
        pytest.param(
            ["-groups", "P-384"], ["-groups", "X25519:P-384", "-quiet"],
            [b"ask\n"], id="hello-retry-request",
        ),
        pytest.param(
            ["-psk", "aabbcc", "-nocert", "-tls1_3"],
            ["-psk", "aabbcc", "-tls1_3", "-quiet"], [b"ask\n"], id="psk-1.3",
        ),
        pytest.param(
            ["-psk", "aabbcc", "-nocert", "-tls1_2", "-cipher", "PSK"],
            ["-psk", "aabbcc", "-tls1_2", "-quiet", "-cipher", "PSK"],
            [b"ask\n"], id="psk-1.2",
        ),
    ],
)  # fmt: skip
def test_openssl(
    tmp_path: Path, server: list[str], client: list[str], script: Script
) -> None:
    log = tmp_path / "keys.log"
    (turns,), got, (printed,) = talked(log, server, [(client, script)])
    asked, answered = carried(turns, log)
    typed = b"".join(line for line in script if line not in (b"K\n", b"k\n", b"R\n"))
    assert asked == typed == got
    assert answered == b"answer\n"
    assert b"answer\n" in printed


@needs("openssl")
@pytest.mark.parametrize("takes", [True, False])
def test_early_data_counts_if_the_server_takes_it(tmp_path: Path, takes: bool) -> None:
    log, session, early = (tmp_path / name for name in ("log", "session", "early"))
    early.write_bytes(b"early data\n")
    options = ["-tls1_3", "-max_early_data", "16384"]
    first = (["-tls1_3", "-sess_out", str(session)], [b"one\n"])
    again = [
        "-tls1_3", "-sess_in", str(session), "-early_data", str(early),
    ]  # fmt: skip
    server = [*options, "-early_data"] if takes else options
    talks, got, printed = talked(log, server, [first, (again, [b"two\n"])])
    said = b"Early data was accepted" if takes else b"Early data was rejected"
    assert said in printed[1]
    asked, _ = carried(talks[1], log)
    assert asked == (b"early data\ntwo\n" if takes else b"two\n")
    assert got == b"one\n" + asked


def followed(path: Path, log: Path) -> list[bytes]:
    """Return what tshark says that both sides sent, in its order of them."""
    printed = ran(
        "tshark", "-r", str(path), "-o", f"tls.keylog_file:{log}", "-q",
        "-z", "follow,tls,raw,0",
    )  # fmt: skip
    found = [bytearray(), bytearray()]
    for line in printed.decode().splitlines():
        text = line.strip()
        if text and len(text) % 2 == 0 and set(text) <= set("0123456789abcdef"):
            found[line.startswith("\t")] += bytes.fromhex(text)
    return [bytes(side) for side in found]


def chatted(log: Path, suites: str | None, turns: int) -> Session:
    """Return a session of texts: other bytes make dissectors of tshark fail."""
    newest, older = ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2
    session = Session(Ends(log, older if suites else newest, ciphers=suites))
    for turn in range(turns):
        random = Random(turn)
        asked, answered = random.randbytes(100).hex(), random.randbytes(15000).hex()
        session.ask(asked.encode(), answered.encode())
    session.close()
    return session


@needs("tshark")
@pytest.mark.parametrize("suites", [None, "AES128-SHA", "AES256-GCM-SHA384"])
def test_tshark_says_the_same(tmp_path: Path, suites: str | None) -> None:
    log = tmp_path / "keys.log"
    session = chatted(log, suites, 5)
    path = tmp_path / "talk.pcap"
    write_pcap(path, packets_of(session.turns).frames)
    # Whichever side tshark takes for the first node.
    ours = carried(session.turns, log)
    assert sorted(followed(path, log)) == sorted(ours)
    assert list(ours) == session.written


@needs("tshark")
@pytest.mark.parametrize("suites", [None, "AES256-GCM-SHA384"])
def test_where_frames_are_missing_tshark_has_less(
    tmp_path: Path, suites: str | None
) -> None:
    log = tmp_path / "keys.log"
    session = chatted(log, suites, 8)
    random = Random(1)
    frames = packets_of(session.turns).frames
    kept = [one for at, one in enumerate(frames) if at < 12 or random.random() > 0.02]
    path = tmp_path / "talk.pcap"
    write_pcap(path, kept)
    ours = sum(
        len(event.payload)
        for event in unpacket.events(path, keys=log)
        if isinstance(event, Data)
    )
    theirs = sum(map(len, followed(path, log)))
    # Of ten such recordings tshark 4.0 had a fifth of the bytes, and these four fifths.
    assert ours > theirs
    assert ours > sum(map(len, session.written)) // 2


CONFIGURATION = """
daemon off; master_process off; pid {root}/pid; error_log {root}/error.log;
events {{}}
http {{
  access_log off; client_body_temp_path {root}/b; proxy_temp_path {root}/p;
  fastcgi_temp_path {root}/f; uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;
  server {{
    listen 127.0.0.1:{port} {options}; root {root}/html;
    ssl_certificate {cert}; ssl_certificate_key {key}; ssl_protocols {protocol};
    ssl_session_tickets on; {more}
  }}
}}
"""


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@needs("nginx")
@needs("curl")
@pytest.mark.parametrize("protocol", ["TLSv1.3", "TLSv1.2"])
@pytest.mark.parametrize("version", ["--http2", "--http1.1"])
def test_curl_and_nginx(tmp_path: Path, protocol: str, version: str) -> None:
    log = tmp_path / "keys.log"
    html = tmp_path / "html"
    html.mkdir()
    files = {f"/{n}.bin": Random(n).randbytes(1000 * 3**n) for n in range(6)}
    for name, content in files.items():
        (html / name[1:]).write_bytes(content)
    cert, key = certificate_files()
    port = free_port()
    path = tmp_path / "nginx.conf"
    path.write_text(
        CONFIGURATION.format(
            root=tmp_path, port=port, options="ssl http2", cert=cert, key=key,
            protocol=protocol, more="",
        )
    )  # fmt: skip
    server = Program("nginx", "-c", str(path), "-p", str(tmp_path), port=port)
    with server, Relay(port) as relay:
        base = f"https://127.0.0.1:{relay.port}"
        names = [f"{base}{name}" for name in files]
        # In one connection, one after the other; then several at once.
        ran("curl", "-sk", version, *names, SSLKEYLOGFILE=str(log))
        ran("curl", "-skZ", version, *names, SSLKEYLOGFILE=str(log))
    got: dict[str, list[str]] = {}
    for turns in relay.talks:
        for one in unpacket.http(packets_of(turns).packets, keys=log):
            assert one.complete
            name = f"/{one.request.target.rpartition('/')[2]}"
            got.setdefault(name, []).append(digest(one.response.body))
            assert one.request.protocol == ("http2" if version == "--http2" else "http")
    assert got == {name: [digest(content)] * 2 for name, content in files.items()}


NODE = """
const http2 = require('http2'), fs = require('fs');
const [cert, key, port, log] = process.argv.slice(1);
const server = http2.createSecureServer(
  {cert: fs.readFileSync(cert), key: fs.readFileSync(key)});
server.on('keylog', line => fs.appendFileSync(log, line));
server.on('stream', (stream, headers) => {
  const size = Number(headers[':path'].slice(1));
  stream.respond({':status': 200, 'x-size': String(size)}, {waitForTrailers: true});
  stream.on('wantTrailers', () => stream.sendTrailers({'x-done': String(size)}));
  stream.end(Buffer.alloc(size, String(size) + ' '));
});
server.listen(Number(port), '127.0.0.1');
"""

CLIENT = """
const http2 = require('http2');
const client = http2.connect(
  'https://127.0.0.1:' + process.argv[1], {rejectUnauthorized: false});
let left = 100;
for (let n = 0; n < 100; n++) {
  const stream = client.request({':path': '/' + (n * 997)});
  stream.on('data', () => {});
  stream.on('end', () => { if (--left === 0) client.close(); });
  stream.end();
}
"""


@needs("node")
def test_a_hundred_streams_at_once_of_node(tmp_path: Path) -> None:
    log = tmp_path / "keys.log"
    port = free_port()
    cert, key = certificate_files()
    server = Program("node", "-e", NODE, cert, key, str(port), str(log), port=port)
    with server, Relay(port) as relay:
        ran("node", "-e", CLIENT, str(relay.port))
    (turns,) = [one for one in relay.talks if one]
    found: list[Any] = list(unpacket.http(packets_of(turns).packets, keys=log))
    assert len(found) == 100
    for one in found:
        size = int(one.request.target.rpartition("/")[2])
        repeated = f"{size} ".encode() * (size // len(f"{size} ") + 1)
        assert one.response.body == repeated[:size]
        assert one.response.trailers == [("x-done", str(size))]
        assert one.complete
