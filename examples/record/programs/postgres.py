"""PostgreSQL and psql: queries, a large result, COPY, and an error."""

import shutil

from .program import Client, Needed, Place, Program, found, numbered_lines, run

_SERVER = Needed("postgres", "postgresql")
_INITDB = Needed("initdb", "postgresql", ())
_PSQL = Needed("psql", "postgresql-client")
# It refuses to serve as root.
_USER = "nobody"
_AS_USER = ("setpriv", f"--reuid={_USER}", "--regid=65534", "--clear-groups", "--")

_CONFIGURATION = """
listen_addresses = '*'
port = {port}
unix_socket_directories = ''
ssl = off
fsync = off
shared_buffers = 1MB
max_connections = 10
dynamic_shared_memory_type = mmap
autovacuum = off
"""


def _prepare(place: Place) -> None:
    database = place.scratch / "database"
    database.mkdir()
    shutil.chown(database, _USER)
    run(
        *(*_AS_USER, found(_INITDB), "--no-sync", "--auth=trust", "--locale=C"),
        *("--encoding=UTF8", "--no-instructions", "-D", str(database)),
        directory=database,
    )
    text = _CONFIGURATION.format(port=place.server_port)
    (database / "postgresql.conf").write_text(text)
    (database / "pg_hba.conf").write_text("host all all all trust\n")


def _server(place: Place) -> tuple[str, ...]:
    return (*_AS_USER, found(_SERVER), "-D", str(place.scratch / "database"))


def _clients(place: Place) -> list[Client]:
    def psql(number: int, sql: bytes, prints: bytes, *options: str) -> Client:
        where = ("-h", place.host(number), "-p", str(place.port), "-U", _USER)
        command = (found(_PSQL), "-X", "-q", "-A", "-t", *where, "-d", "postgres")
        return Client((*command, *options), sql, prints)

    rows = b"SELECT n, n * n FROM generate_series(1, 1500) AS t(n);\n"
    table = b"CREATE TABLE lines (at int, words text);\n"
    lines = numbered_lines(16 * 1024).splitlines()
    copied = b"".join(line.replace(b" ", b"\t", 1) + b"\n" for line in lines)
    copy = table + b"COPY lines FROM STDIN;\n" + copied + b"\\.\n"
    count = b"SELECT count(*), sum(at) FROM lines;\n"
    return [
        psql(0, b"SELECT version();\n" + rows, b"1500|2250000\n"),
        psql(1, copy + count, b"256|2088960\n"),
        psql(0, b"SELECT no_such_column;\nSELECT 'after';\n", b"after\n"),
        psql(1, b"COPY lines TO STDOUT;\n", b"\n16320\t ."),
    ]


PROGRAM = Program(
    "postgres", 5432, (_SERVER, _INITDB, _PSQL), _prepare, _server, _clients, at_once=1
)
