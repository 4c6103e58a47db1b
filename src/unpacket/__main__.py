"""``python -m unpacket`` is the command ``unpacket``."""

from unpacket.cli import main

main()
