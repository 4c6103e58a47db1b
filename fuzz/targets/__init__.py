"""The targets by their names: each a function that takes any bytes.

It returns if what must hold does, and raises if not.
"""

from collections.abc import Callable
from importlib import import_module

Check = Callable[[bytes], None]

# Each name is a folder of the corpus; the formats of captures share their checks. A
# module may have several, of which each has its name behind a colon.
MODULES = {
    "pcap": "captures",
    "pcapng": "captures",
    "snoop": "captures",
    "compressed": "captures",
    "objects": "objects",
    "frames": "frames",
    "filters": "filters",
    "fragments": "fragments",
    "options": "options",
    "overlaps": "overlaps",
    "assembler": "assembler",
    "consumer": "consumer",
    "sinks": "sinks",
    "messages": "messages",
    "lines": "framers:lines",
    "prefixed": "framers:prefixed",
    "tls": "framers:tls",
    "websocket": "framers:websocket",
    "dns": "framers:dns",
    "http2": "http2",
    "decryption": "decryption",
    "smtp": "protocols:smtp",
    "ftp": "protocols:ftp",
    "pop3": "protocols:pop3",
    "imap": "protocols:imap",
    "redis": "protocols:redis",
    "postgresql": "protocols:postgresql",
    "mysql": "protocols:mysql",
    "mqtt": "protocols:mqtt",
    "ssh": "protocols:ssh",
    "ldap": "protocols:ldap",
    "kerberos": "protocols:kerberos",
    "amqp": "protocols:amqp",
    "modbus": "protocols:modbus",
    "someip": "protocols:someip",
    "dlt": "protocols:dlt",
    "tunnels": "framers:tunnels",
    "detection": "framers:detection",
    "where": "where",
    "names": "names",
    "command": "command",
}


def load(name: str) -> Check:
    """Return a target; only now is the core imported that it is to be run with."""
    module, _, attribute = MODULES[name].partition(":")
    check: Check = getattr(
        import_module(f"fuzz.targets.{module}"), attribute or "check"
    )
    return check
