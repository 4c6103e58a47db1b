"""The calls of the system that make a file of which all is at hand.

The compiled twin is in the ``.pxd``: there they are made without the interpreter, and
others may have it meanwhile.
"""

import os

FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL
FLAGS |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
MODE = 0o666


def write_file(at: int, path: bytes, data: bytes | memoryview, time_ns: int) -> int:
    """Make a file, write its bytes, and give it a time of last change.

    Args:
        at: A descriptor of the directory.
        path: Has no zero byte.

    Returns:
        Why it could not be made, as an ``errno``; 0 if it was.

    Raises:
        OSError: It was made, and could not be written.
    """
    try:
        descriptor = os.open(path, FLAGS, MODE, dir_fd=at)
    except OSError as error:
        return error.errno or -1
    try:
        fill(descriptor, data, time_ns)
    finally:
        os.close(descriptor)
    return 0


def fill(descriptor: int, data: bytes | memoryview, time_ns: int) -> None:
    """Write bytes where a file stands, and give it a time of last change."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
    date(descriptor, time_ns)


def date(descriptor: int, time_ns: int) -> None:
    """Give a file a time of last change."""
    try:
        os.utime(descriptor, ns=(time_ns, time_ns))
    except (OSError, OverflowError):
        # Not every file system has every time.
        return
