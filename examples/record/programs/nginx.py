"""nginx and curl: HTTP/1.1 with ranges, gzip, chunks, and connections kept."""

from .program import CURL, Client, Needed, Place, Program, curl, found, numbered_lines

_NGINX = Needed("nginx", "nginx-light", ("-v",))
_CONFIGURATION = """
daemon off;
master_process off;
user root;
pid {scratch}/nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {scratch}/body;
    proxy_temp_path {scratch}/proxy;
    fastcgi_temp_path {scratch}/fastcgi;
    uwsgi_temp_path {scratch}/uwsgi;
    scgi_temp_path {scratch}/scgi;
    sendfile on;
    tcp_nopush on;
    types {{ text/plain txt; }}
    server {{
        listen [::]:{port} ipv6only=off;
        root {scratch}/documents;
        location /packed/ {{
            gzip on;
            gzip_types *;
            alias {scratch}/documents/;
        }}
        location /upload {{ return 201 "taken\\n"; }}
    }}
}}
"""


def _prepare(place: Place) -> None:
    documents = place.scratch / "documents"
    documents.mkdir()
    (documents / "hello.txt").write_bytes(b"Hello from nginx.\n")
    (documents / "lines.txt").write_bytes(numbered_lines(192 * 1024))
    (documents / "noise.bin").write_bytes(place.noise(24 * 1024))
    text = _CONFIGURATION.format(scratch=place.scratch, port=place.server_port)
    (place.scratch / "nginx.conf").write_text(text)


def _server(place: Place) -> tuple[str, ...]:
    configuration = str(place.scratch / "nginx.conf")
    # -e: without it nginx opens its log of the whole machine first.
    return (found(_NGINX), "-e", "stderr", "-c", configuration)


def _clients(place: Place) -> list[Client]:
    lines = numbered_lines(192 * 1024)
    noise = place.noise(24 * 1024)
    upload = f"@{place.scratch / 'documents' / 'noise.bin'}"
    urls = [place.url(0, name) for name in ("hello.txt", "noise.bin", "hello.txt")]
    return [
        curl(place.url(0, "lines.txt"), prints=lines),
        curl(*urls, prints=noise),
        curl("--compressed", place.url(1, "packed/lines.txt"), prints=lines),
        curl("--range", "640-1279", place.url(1, "lines.txt"), prints=lines[640:1280]),
        curl("--head", place.url(0, "lines.txt"), prints=b"Content-Length: 196608"),
        curl("--data-binary", upload, place.url(1, "upload"), prints=b"taken\n"),
        curl("--upload-file", upload[1:], place.url(0, "put"), prints=b" 405 "),
    ]


PROGRAM = Program("nginx", 80, (_NGINX, CURL), _prepare, _server, _clients)
