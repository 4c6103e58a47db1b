"""Which streams are wanted, and in what order: ``--where`` and ``--sort``."""

from unpacket.query.parser import Where, WhereError

__all__ = ["Where", "WhereError"]
