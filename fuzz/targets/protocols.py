"""What two ends say of one of many protocols, or nearly, through its framer.

Pieces are the rows of the conversations that the tests have of it.
"""

from collections.abc import Callable

from fuzz.targets.framers import target
from tests.messages.framers.transcripts import TEXT
from tests.messages.framers.transcripts_binary import BINARY

TRANSCRIPTS = TEXT | BINARY


def of(*names: str) -> Callable[[bytes], None]:
    """Return the target of a protocol, whose conversations have such names."""
    pieces = [octets for name in names for _, octets in TRANSCRIPTS[name].turns]
    return target(TRANSCRIPTS[names[0]].make, pieces)


smtp = of("smtp", "smtp to tls")
ftp = of("ftp", "ftp to tls")
pop3 = of("pop3", "pop3 to tls")
imap = of("imap", "imap to tls")
redis = of("redis")
postgresql = of("postgresql", "postgresql to tls")
mysql = of("mysql", "mysql to tls")
mqtt = of("mqtt", "mqtt of version 5")
ssh = of("ssh")
ldap = of("ldap", "ldap to tls")
kerberos = of("kerberos")
amqp = of("amqp")
modbus = of("modbus")
someip = of("someip")
dlt = of("dlt", "dlt with headers before it")
