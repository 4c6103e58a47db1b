"""A trace instance of the kernel's for one event, which is gone when it is closed.

Where tracefs is not mounted it is opened without being mounted anywhere (fsopen(2)),
so nobody else sees anything of it but the instance.
"""

from __future__ import annotations

import contextlib
import ctypes
import os

# The same on all architectures.
FSOPEN = 430
FSCONFIG = 431
FSMOUNT = 432
CLOSE_ON_EXEC = 1
CREATE = 6
INSTANCES = "instances"
PREFIX = "unpacket-"
PLACES = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")


class TraceInstance:
    """An instance in which one event is enabled.

    Args:
        event: Its group and name, such as ``sock/inet_sock_set_state``.
        condition: Which of them are wanted, as a filter of the kernel's.

    Raises:
        OSError: This process may not, or the kernel has no such event.
    """

    def __init__(self, event: str, condition: str) -> None:
        self._event = event
        self._root = opened_root()
        self._name = f"{INSTANCES}/{PREFIX}{os.getpid()}-{id(self)}"
        try:
            remove_left_over(self._root)
            os.mkdir(self._name, dir_fd=self._root)
        except BaseException:
            os.close(self._root)
            raise
        self.pipe = -1
        try:
            self._write(f"events/{event}/filter", condition)
            # Each with the names of its fields, also those that it does not print.
            self._write("options/fields", "1")
            self.pipe = self._open("trace_pipe", os.O_RDONLY | os.O_NONBLOCK)
            self._write(f"events/{event}/enable", "1")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove the instance."""
        if self._root < 0:
            return
        with contextlib.suppress(OSError):
            self._write(f"events/{self._event}/enable", "0")
        if self.pipe >= 0:
            os.close(self.pipe)
            self.pipe = -1
        with contextlib.suppress(OSError):
            os.rmdir(self._name, dir_fd=self._root)
        os.close(self._root)
        self._root = -1

    def _open(self, name: str, flags: int) -> int:
        path = f"{self._name}/{name}"
        return os.open(path, flags | os.O_CLOEXEC, dir_fd=self._root)

    def _write(self, name: str, text: str) -> None:
        descriptor = self._open(name, os.O_WRONLY | os.O_TRUNC)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)


def remove_left_over(root: int) -> None:
    """Remove the instances of processes of ours that were killed."""
    folder = os.open(INSTANCES, os.O_RDONLY | os.O_DIRECTORY, dir_fd=root)
    try:
        for name in os.listdir(folder):
            pid = name.removeprefix(PREFIX).partition("-")[0]
            if (
                name.startswith(PREFIX)
                and pid.isdecimal()
                and not os.path.exists(f"/proc/{pid}")
            ):
                # Of one that is in use, by whatever it is called, this fails.
                with contextlib.suppress(OSError):
                    os.rmdir(name, dir_fd=folder)
    finally:
        os.close(folder)


def opened_root() -> int:
    """Return a descriptor of tracefs.

    Raises:
        OSError: There is none, or this process may not.
    """
    for place in PLACES:
        if os.path.isdir(f"{place}/instances"):
            return os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    library = ctypes.CDLL(None, use_errno=True)

    def call(number: int, *arguments: object) -> int:
        result: int = library.syscall(number, *arguments)
        if result < 0:
            failure = ctypes.get_errno()
            raise OSError(failure, os.strerror(failure))
        return result

    context = call(FSOPEN, b"tracefs", CLOSE_ON_EXEC)
    try:
        call(FSCONFIG, context, CREATE, None, None, 0)
        return call(FSMOUNT, context, CLOSE_ON_EXEC, 0)
    finally:
        os.close(context)
