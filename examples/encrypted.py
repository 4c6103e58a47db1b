"""Makes `encrypted.pcapng`: TLS of curl and nginx, and the secrets that decrypt it.

    python -m examples.encrypted examples/encrypted.pcapng

Both run on loopback, behind a relay that takes down what they send; the packets are
made of that. One packet is left out, and so are the secrets of the last connection.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.tls.relayed import Program, Relay, free_port, ran
from tests.tls.speaking import Turn, certificate_files, packets_of
from unpacket.sinks.pcapng import (
    decryption_secrets,
    enhanced_packet,
    interface_description,
    section_header,
)

HOSTS = ("192.0.2.1", "192.0.2.2")
ETHERNET = 1
TLS_KEY_LOG = 0x544C534B
START_NS = 1_795_000_000_000_000_000
MS = 1_000_000

CONFIGURATION = """
daemon off; master_process off; pid {root}/pid; error_log {root}/error.log;
events {{}}
http {{
  types {{ text/html html; text/plain txt; }}
  access_log off; client_body_temp_path {root}/b; proxy_temp_path {root}/p;
  fastcgi_temp_path {root}/f; uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;
  server {{
    listen 127.0.0.1:{port} ssl http2; root {root};
    ssl_certificate {cert}; ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3; ssl_buffer_size 2k;
  }}
}}
"""
PAGES = {
    "hello.html": b"<h1>Hello over TLS.</h1>\n",
    "lines.txt": b"".join(b"line %5d of a text\n" % line for line in range(400)),
}
# How curl asks each time.
CALLS = (
    ("--http2",),
    ("--http1.1", "--tls-max", "1.2", "--ciphers", "ECDHE-RSA-AES128-GCM-SHA256"),
    ("--http2",),
)


def recorded(root: Path) -> tuple[list[list[Turn]], list[bytes]]:
    """Return the turns of each connection, and the key log of each."""
    for name, content in PAGES.items():
        (root / name).write_bytes(content)
    cert, key = certificate_files()
    port = free_port()
    path = root / "nginx.conf"
    path.write_text(CONFIGURATION.format(root=root, port=port, cert=cert, key=key))
    logs = []
    server = Program("nginx", "-c", str(path), "-p", str(root), port=port)
    with server, Relay(port) as relay:
        for number, options in enumerate(CALLS):
            log = root / f"{number}.log"
            urls = [f"https://127.0.0.1:{relay.port}/{name}" for name in PAGES]
            host = ("-H", "Host: www.example")
            ran("curl", "-sk", *host, *options, *urls, SSLKEYLOGFILE=str(log))
            logs.append(log.read_bytes())
    return relay.talks, logs


def main() -> None:
    """Write the capture."""
    with TemporaryDirectory() as root:
        talks, logs = recorded(Path(root))
    frames = []
    for number, turns in enumerate(talks):
        talk = packets_of(
            turns,
            hosts=HOSTS,
            client_port=50000 + number,
            start_ns=START_NS + number * 500 * MS,
        )
        kept = list(talk.frames)
        if number == 1:
            # In the middle of the longer text: a record is lost.
            del kept[-11]
        frames += kept
    secrets = b"".join(logs[:-1])
    comment = "TLS of curl and nginx on loopback, with the secrets of two connections"
    with open(sys.argv[1], "wb") as file:
        file.write(section_header([comment], "unpacket examples"))
        file.write(decryption_secrets(TLS_KEY_LOG, secrets))
        file.write(interface_description(ETHERNET))
        for frame in frames:
            file.write(enhanced_packet(0, frame.time_ns, frame.data, len(frame.data)))


if __name__ == "__main__":
    main()
