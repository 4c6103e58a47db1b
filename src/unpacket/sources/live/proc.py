"""What /proc says of a process, and which processes have a socket open."""

from __future__ import annotations

import os
import re

from unpacket.sources.live.owners import Process

PROC = "/proc"
LONGEST_COMMAND = 4096
# A container by its 64 digits, as docker, podman, containerd and cri-o name groups.
CONTAINER = re.compile(r"([a-z]*)-?([0-9a-f]{64})(?:\.scope)?$")
UNIT = re.compile(r"[^/]+\.(?:service|scope|socket|slice)$")


def process_of(number: int, name: str = "") -> Process | None:
    """Return the process that a process or a thread of that number belongs to.

    Args:
        name: What it is called, if that is known: of one that is gone no more is.
    """
    status = read(f"{PROC}/{number}/status")
    pid, user_id = number, -1
    for line in status.splitlines():
        if line.startswith("Tgid:"):
            pid = int(line.split()[1])
        elif line.startswith("Uid:"):
            user_id = int(line.split()[2])
            break
    if not status:
        return Process(number, name, "", "", "") if name else None
    return Process(
        pid,
        read(f"{PROC}/{pid}/comm").rstrip("\n") or name,
        command_of(pid),
        user_name(user_id),
        unit_of(read(f"{PROC}/{pid}/cgroup")),
    )


def command_of(pid: int) -> str:
    """Return a command line, its words joined by spaces."""
    return read(f"{PROC}/{pid}/cmdline").rstrip("\0").replace("\0", " ")


def user_name(user_id: int) -> str:
    """Return the name of a user, or the number of one without."""
    if user_id < 0:
        return ""
    try:
        # Not everywhere.
        import pwd

        return pwd.getpwuid(user_id).pw_name
    except (ImportError, KeyError):
        return str(user_id)


def unit_of(groups: str) -> str:
    """Return the container or the unit of systemd that control groups name.

    Args:
        groups: What /proc/PID/cgroup holds.
    """
    unit = ""
    for line in groups.splitlines():
        path = line.split(":", 2)[-1]
        for part in reversed(path.split("/")):
            match = CONTAINER.search(part)
            if match is not None:
                return f"{match[1] or 'container'}:{match[2][:12]}"
            if not unit and UNIT.fullmatch(part):
                unit = part
    return unit


def sockets() -> dict[int, list[int]]:
    """Return which processes have each socket open, by the number of its inode.

    Only root sees the processes of others.
    """
    found: dict[int, list[int]] = {}
    for entry in os.listdir(PROC):
        if not entry.isdecimal():
            continue
        folder = f"{PROC}/{entry}/fd"
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            try:
                target = os.readlink(f"{folder}/{name}")
            except OSError:
                continue
            if target.startswith("socket:["):
                pids = found.setdefault(int(target[8:-1]), [])
                # The same one may be open more than once.
                if not pids or pids[-1] != int(entry):
                    pids.append(int(entry))
    return found


def read(path: str) -> str:
    """Return the beginning of a file, or nothing of one that cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(LONGEST_COMMAND).decode(errors="replace")
    except OSError:
        return ""
