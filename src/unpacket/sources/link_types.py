"""The names under which a caller can give a link type."""

from unpacket._options import wrong

# https://www.tcpdump.org/linktypes.html
LINK_TYPES = {
    "null": 0,
    "ethernet": 1,
    "ppp": 9,
    "ip": 101,
    "raw": 101,
    "loop": 108,
    "sll": 113,
    "ipv4": 228,
    "ipv6": 229,
    "sll2": 276,
}


def link_type_number(link_type: int | str | None) -> int | None:
    """Return the LINKTYPE_ value of a name or a number; None stays None.

    Raises:
        ValueError: There is no such link type.
    """
    if link_type is None:
        return None
    if isinstance(link_type, str):
        number = LINK_TYPES.get(link_type.lower())
        if number is None:
            names = ", ".join(LINK_TYPES)
            raise ValueError(f"no link type {link_type!r}; the names are {names}")
        return number
    if not isinstance(link_type, int):
        wanted = f"a number or one of {', '.join(LINK_TYPES)}"
        raise wrong("link_type", link_type, wanted)
    if not 0 <= link_type < 1 << 16:
        raise ValueError(f"no link type {link_type}")
    return link_type
