"""Which captures a caller names: paths, globs, URLs, file objects, a list of them."""

from __future__ import annotations

import os
import re
import stat
from typing import Any

from unpacket.errors import SourceError

STANDARD_INPUT = "-"
# Of the name of an interface, with a NUL (linux/if.h).
LONGEST_INTERFACE = 16
MAGIC = re.compile(r"[*?[]")
# RFC 3986 section 3.1; and fsspec's way to look into one by another: zip::https://…
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(://|::[^:]*://)")


def is_url(path: str) -> bool:
    """Return whether a path is read by fsspec."""
    return URL.match(path) is not None


def named(source: Any) -> list[Any] | None:
    """Return the captures that a source names, one or several; None if it is none.

    Raises:
        TypeError: It is a list of captures, and of something else.
    """
    if is_name(source):
        return [source]
    if not isinstance(source, list | tuple) or not source or not is_name(source[0]):
        return None
    for item in source:
        if not is_name(item):
            kind = type(item).__name__
            raise TypeError(f"{kind} is no path or file, and others in the list are")
    return list(source)


def is_name(source: Any) -> bool:
    """Return whether a source is a path or a file object."""
    return isinstance(source, str | os.PathLike) or any(
        callable(getattr(source, method, None)) for method in ("readinto", "read")
    )


def is_live(source: object) -> bool:
    """Return whether a source is the name of an interface, and of no file."""
    if not isinstance(source, str) or not 0 < len(source) < LONGEST_INTERFACE:
        return False
    if source == STANDARD_INPUT or os.path.lexists(source):
        return False
    if source == "any":
        return True
    # As long to import as half of the package.
    import socket

    try:
        return socket.if_nametoindex(source) > 0
    except (AttributeError, OSError, ValueError):
        # Of Windows, or no name that an interface can have.
        return False


def can_be_read_again(source: Any) -> bool:
    """Return whether a source can be opened more than once, and is the same then."""
    return all(
        isinstance(name, str | os.PathLike)
        and name != STANDARD_INPUT
        and not is_live(name)
        and not gives_once(name)
        for name in named(source) or [None]
    )


def gives_once(path: str | os.PathLike[str]) -> bool:
    """Return whether a path is that of a pipe, a socket or a device."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        # A glob, a URL, or what cannot be read at all.
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def expanded(names: list[Any]) -> list[Any]:
    """Return captures with those in the place of globs that match, by name.

    Raises:
        SourceError: Nothing matches a glob.
    """
    found: list[Any] = []
    for name in names:
        found += matching(name) if isinstance(name, str | os.PathLike) else [name]
    return found


def matching(name: str | os.PathLike[str]) -> list[Any]:
    path = os.fsdecode(name)
    if is_url(path):
        # Of a URL, ? begins the query, and [] stand around an address.
        if "*" not in path:
            return [path]
        from unpacket.sources.readers.remote import matching_urls

        found = matching_urls(path)
    elif not MAGIC.search(path) or os.path.lexists(path):
        return [name]
    else:
        import glob

        found = glob.glob(path, recursive=True)
        found = [one for one in found if not os.path.isdir(one)]
    if not found:
        raise SourceError(path, "no such file, and none that matches")
    return sorted(found)
