"""The compiler of filters that the system's libpcap has, called by ctypes."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from ctypes import POINTER, byref, c_char_p, c_int, c_uint32, c_void_p
from functools import cache
from typing import Any

from unpacket.errors import SourceError

# Which file to load, where it lies elsewhere.
VARIABLE = "UNPACKET_LIBPCAP"
# That of Debian, that of everybody else, and those of other systems.
NAMES = ("libpcap.so.0.8", "libpcap.so.1", "libpcap.so")
OTHER_NAMES = {
    "darwin": ("libpcap.A.dylib", "libpcap.dylib", "/usr/lib/libpcap.A.dylib"),
    "win32": (r"Npcap\wpcap.dll", "wpcap.dll"),
}
REMEDY = (
    "install it (Debian: apt install libpcap0.8; Npcap on Windows), name its file in "
    f"{VARIABLE}, or give a filter that is compiled already (tcpdump -ddd)"
)

# What a program says of a frame that passes, and 0 would be: of no frame.
SNAPLEN = 1 << 18
NETMASK_UNKNOWN = 0xFFFFFFFF
# LINKTYPE_ values that libpcap calls by another number, which depends on the system
# (pcap-linktype(7)): the names of them that are everywhere the same.
LINK_TYPE_NAMES = {
    50: b"PPP_SERIAL",
    100: b"ATM_RFC1483",
    101: b"RAW",
    102: b"SLIP_BSDOS",
    103: b"PPP_BSDOS",
    104: b"C_HDLC",
    106: b"ATM_CLIP",
    108: b"LOOP",
    109: b"ENC",
}

# pcap_compile keeps its state in variables of the whole process before 1.8.
_one_at_a_time = threading.Lock()


class Instruction(ctypes.Structure):
    """``struct bpf_insn``."""

    _fields_ = (
        ("code", ctypes.c_ushort),
        ("jt", ctypes.c_ubyte),
        ("jf", ctypes.c_ubyte),
        ("k", c_uint32),
    )


class Instructions(ctypes.Structure):
    """``struct bpf_program``."""

    _fields_ = (("length", ctypes.c_uint), ("first", POINTER(Instruction)))


class RefusedError(Exception):
    """A filter cannot be compiled; ``args[0]`` has libpcap's own message."""


def compiled(expression: str, link_type: int) -> list[tuple[int, int, int, int]]:
    """Return the program that libpcap makes of a filter, for frames of a link type.

    Names of hosts in it are looked up as tcpdump does.

    Raises:
        RefusedError: libpcap does not understand it, or not for this link type.
        SourceError: There is no libpcap.
    """
    library = loaded(os.environ.get(VARIABLE, ""))
    with _one_at_a_time:
        number = link_type
        if link_type in LINK_TYPE_NAMES:
            number = library.pcap_datalink_name_to_val(LINK_TYPE_NAMES[link_type])
        handle = library.pcap_open_dead(number, SNAPLEN)
        if not handle:
            raise RefusedError(f"libpcap does not know link type {link_type}")
        program = Instructions()
        try:
            if library.pcap_compile(
                handle, byref(program), expression.encode(), 1, NETMASK_UNKNOWN
            ):
                message = library.pcap_geterr(handle) or b"it does not say why"
                raise RefusedError(f"libpcap says: {message.decode(errors='replace')}")
            rows = program.first[: program.length]
            found = [(row.code, row.jt, row.jf, row.k) for row in rows]
            library.pcap_freecode(byref(program))
            return found
        finally:
            library.pcap_close(handle)


@cache
def loaded(named: str) -> Any:
    """Return libpcap, with the types of the functions that are used.

    Raises:
        SourceError: It is not there.
    """
    library = found(named)
    if library is None:
        reason = "it is not here, and it compiles filters"
        if named:
            reason = "it cannot be loaded"
        error = SourceError(named or "libpcap", reason)
        error.add_note(REMEDY)
        raise error
    library.pcap_open_dead.argtypes = (c_int, c_int)
    library.pcap_open_dead.restype = c_void_p
    library.pcap_compile.argtypes = (c_void_p, c_void_p, c_char_p, c_int, c_uint32)
    library.pcap_geterr.argtypes = (c_void_p,)
    library.pcap_geterr.restype = c_char_p
    library.pcap_freecode.argtypes = (c_void_p,)
    library.pcap_freecode.restype = None
    library.pcap_close.argtypes = (c_void_p,)
    library.pcap_close.restype = None
    library.pcap_datalink_name_to_val.argtypes = (c_char_p,)
    return library


def found(named: str) -> ctypes.CDLL | None:
    """Load the library by its name, or by those that it has."""
    for name in [named] if named else OTHER_NAMES.get(sys.platform, NAMES):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    if named:
        return None
    # Runs other programs, so it comes last.
    from ctypes.util import find_library

    name_found = find_library("pcap")
    return None if name_found is None else ctypes.CDLL(name_found)
