"""OpenSSH: a command that echoes, one that talks, and files by SFTP."""

import getpass

from .program import Client, Needed, Place, Program, found, numbered_lines, run

_SERVER = Needed("sshd", "openssh-server", ("-V",))
_CLIENT = Needed("ssh", "openssh-client", ("-V",))
_SFTP = Needed("sftp", "openssh-client", ())
_KEYGEN = Needed("ssh-keygen", "openssh-client", ())

_CONFIGURATION = """
Port {port}
HostKey {scratch}/host
AuthorizedKeysFile {scratch}/user.pub
StrictModes no
UsePAM no
UseDNS no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
PidFile none
PrintMotd no
PrintLastLog no
Subsystem sftp internal-sftp
"""


def _prepare(place: Place) -> None:
    for name in ("host", "user"):
        run(
            *(found(_KEYGEN), "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name),
            directory=place.scratch,
        )
    (place.scratch / "upload.bin").write_bytes(place.noise(24 * 1024))
    text = _CONFIGURATION.format(scratch=place.scratch, port=place.server_port)
    (place.scratch / "sshd_config").write_text(text)


def _server(place: Place) -> tuple[str, ...]:
    # Its empty directory has to be at /run/sshd; the mount is seen by it alone.
    before = "mount -t tmpfs none /run && mkdir /run/sshd"
    serve = f'"{found(_SERVER)}" -D -e -f {place.scratch}/sshd_config'
    return ("sh", "-c", f"{before} && exec {serve}")


def _clients(place: Place) -> list[Client]:
    user = getpass.getuser()
    options = [
        "BatchMode=yes",
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "GlobalKnownHostsFile=/dev/null",
        "LogLevel=ERROR",
        f"IdentityFile={place.scratch}/user",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        f"Port={place.port}",
    ]
    common = ("-F", "none", *(word for option in options for word in ("-o", option)))
    text = numbered_lines(16 * 1024)

    def ssh(number: int, *words: str, stdin: bytes = b"", prints: bytes) -> Client:
        target = f"{user}@{place.host(number)}"
        return Client((found(_CLIENT), *common, target, *words), stdin, prints)

    host = place.host(1)
    brackets = f"[{host}]" if ":" in host else host
    batch = f"put upload.bin received.bin\nget received.bin {place.scratch}/back.bin\n"
    batch = batch.replace("received", f"{place.scratch}/received")
    batch = batch.replace("upload", f"{place.scratch}/upload")
    return [
        ssh(0, "cat", stdin=text, prints=text),
        ssh(1, "for n in 1 2 3 4 5; do echo line $n; done", prints=b"line 5\n"),
        Client(
            (found(_SFTP), *common, "-b", "-", f"{user}@{brackets}"),
            batch.encode(),
        ),
    ]


PROGRAM = Program(
    "ssh", 22, (_SERVER, _CLIENT, _SFTP, _KEYGEN), _prepare, _server, _clients
)
