"""What DNS records hold: names with compression, and the types that people meet.

Hostile names cost no more than honest ones: a reference has to point before itself,
so none can go round in a circle, and a name has at most 255 bytes (RFC 1035 section
3.1 and 4.1.4).
"""

import ipaddress
from collections.abc import Iterator

KINDS = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 13: "HINFO", 15: "MX",
    16: "TXT", 24: "SIG", 25: "KEY", 28: "AAAA", 29: "LOC", 33: "SRV", 35: "NAPTR",
    36: "KX", 37: "CERT", 39: "DNAME", 41: "OPT", 42: "APL", 43: "DS", 44: "SSHFP",
    45: "IPSECKEY", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 49: "DHCID", 50: "NSEC3",
    51: "NSEC3PARAM", 52: "TLSA", 53: "SMIMEA", 55: "HIP", 59: "CDS", 60: "CDNSKEY",
    61: "OPENPGPKEY", 62: "CSYNC", 63: "ZONEMD", 64: "SVCB", 65: "HTTPS", 99: "SPF",
    249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR", 255: "ANY", 256: "URI",
    257: "CAA",
}  # fmt: skip
CLASSES = {1: "IN", 3: "CH", 4: "HS", 254: "NONE", 255: "ANY"}
OPCODES = {0: "QUERY", 1: "IQUERY", 2: "STATUS", 4: "NOTIFY", 5: "UPDATE", 6: "DSO"}
RESPONSE_CODES = {
    0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP",
    5: "REFUSED", 6: "YXDOMAIN", 7: "YXRRSET", 8: "NXRRSET", 9: "NOTAUTH",
    10: "NOTZONE", 11: "DSOTYPENI",
}  # fmt: skip

MAX_NAME_BYTES = 255
MAX_REFERENCES = 127

# Types whose data is a name; how many bytes of numbers come before it.
NAME_AFTER = {2: 0, 5: 0, 12: 0, 39: 0, 15: 2, 36: 2, 33: 6}
PLAIN = frozenset(range(0x21, 0x7F)) - {0x2E, 0x5C}


# The names that references lead to: their text and how many bytes they have.
Known = dict[int, tuple[str, int]]


def name_at(data: bytes, start: int, known: Known) -> tuple[str | None, int]:
    """Return the name at an offset, and where it ends there.

    Labels have the escapes of RFC 1035 section 5.1. The name is None where there is
    none, and then the offset is ``start``.

    Args:
        known: What references of this message have led to so far; it grows.
    """
    labels: list[str] = []
    at = start
    stop = target = -1
    size = size_before = labels_before = references = 0
    while at < len(data):
        count = data[at]
        if count == 0:
            if target < 0:
                return ".".join(labels) or ".", at + 1
            rest = ".".join(labels[labels_before:])
            known[target] = (rest, size - size_before)
            return ".".join(labels) or ".", stop
        if count >= 0xC0:
            if at + 1 >= len(data):
                break
            following = (count & 0x3F) << 8 | data[at + 1]
            references += 1
            if following >= at or references > MAX_REFERENCES:
                break
            if target < 0:
                stop, target = at + 2, following
                labels_before, size_before = len(labels), size
                if following in known:
                    rest, rest_size = known[following]
                    if size + rest_size >= MAX_NAME_BYTES:
                        break
                    return ".".join([*labels, *filter(None, [rest])]) or ".", stop
            at = following
            continue
        if count >= 0x40 or at + 1 + count > len(data):
            break
        size += count + 1
        if size >= MAX_NAME_BYTES:
            break
        labels.append(label_text(data[at + 1 : at + 1 + count]))
        at += 1 + count
    return None, start


def label_text(label: bytes) -> str:
    """Return a label as text."""
    if label.isalnum():
        return label.decode("ascii")
    return "".join(
        chr(octet)
        if octet in PLAIN
        else f"\\{chr(octet)}"
        if octet in b".\\"
        else f"\\{octet:03}"
        for octet in label
    )


def text_of(data: bytes, start: int, stop: int, kind: int, known: Known) -> str:
    """Return what the data of a record means, as master files have it.

    Hex where that is not known, or the data is not what its type wants.
    """
    octets = data[start:stop]
    if (kind == 1 and len(octets) == 4) or (kind == 28 and len(octets) == 16):
        return str(ipaddress.ip_address(octets))
    if kind == 16:
        strings = list(character_strings(octets))
        if strings:
            return " ".join(strings)
    before = NAME_AFTER.get(kind)
    if before is not None and len(octets) > before:
        name, end = name_at(data, start + before, known)
        if name is not None and end == stop:
            words = (octets[at : at + 2] for at in range(0, before, 2))
            return " ".join([*(str(int.from_bytes(word)) for word in words), name])
    if kind == 6:
        primary, at = name_at(data, start, known)
        mailbox, at = name_at(data, at, known)
        if primary and mailbox and at + 20 == stop:
            numbers = (data[n : n + 4] for n in range(at, stop, 4))
            texts = (str(int.from_bytes(number)) for number in numbers)
            return " ".join([primary, mailbox, *texts])
    return octets.hex()


def character_strings(octets: bytes) -> Iterator[str]:
    """Give the strings of a TXT record; none where they do not fill it."""
    at = 0
    strings = []
    while at < len(octets):
        stop = at + 1 + octets[at]
        if stop > len(octets):
            return
        text = "".join(
            f"\\{chr(octet)}"
            if octet in b'"\\'
            else chr(octet)
            if 0x20 <= octet < 0x7F
            else f"\\{octet:03}"
            for octet in octets[at + 1 : stop]
        )
        strings.append(f'"{text}"')
        at = stop
    yield from strings
