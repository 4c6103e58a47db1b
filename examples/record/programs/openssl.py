"""openssl s_server, with s_client and curl: TLS 1.2 and 1.3, and the key log."""

from .program import (
    CURL,
    Client,
    Needed,
    Place,
    Program,
    curl,
    found,
    numbered_lines,
    run,
)

_OPENSSL = Needed("openssl", "openssl", ("version",))


def _prepare(place: Place) -> None:
    documents = place.scratch / "documents"
    documents.mkdir()
    (documents / "lines.txt").write_bytes(numbered_lines(24 * 1024))
    run(
        *(found(_OPENSSL), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"),
        *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=recording"),
        *("-keyout", "key.pem", "-out", "certificate.pem"),
        directory=place.scratch,
    )


def _server(place: Place) -> tuple[str, ...]:
    # With -WWW it serves the files of its working directory.
    serve = (
        f'cd documents && exec "{found(_OPENSSL)}" s_server -quiet -WWW'
        f" -accept {place.server_port} -cert ../certificate.pem -key ../key.pem"
        " -keylogfile ../keylog.txt"
    )
    return ("sh", "-c", f"cd {place.scratch} && {serve}")


def _clients(place: Place) -> list[Client]:
    lines = numbered_lines(24 * 1024)
    request = b"GET /lines.txt HTTP/1.0\r\n\r\n"

    def s_client(number: int, *options: str) -> Client:
        host = place.host(number)
        target = f"[{host}]:{place.port}" if ":" in host else f"{host}:{place.port}"
        command = (found(_OPENSSL), "s_client", "-quiet", "-connect", target, *options)
        return Client(command, request, lines)

    return [
        s_client(0, "-tls1_3"),
        s_client(1, "-tls1_2"),
        s_client(1, "-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"),
        curl(
            *("--insecure", "--http1.0", place.url(0, "lines.txt", "https")),
            prints=lines,
        ),
        curl(
            *("--insecure", "--http1.0", "--tls-max", "1.2"),
            place.url(1, "lines.txt", "https"),
            prints=lines,
        ),
    ]


PROGRAM = Program(
    "openssl", 443, (_OPENSSL, CURL), _prepare, _server, _clients, at_once=1
)
