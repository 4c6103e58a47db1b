"""Where a ``.pxd`` is the compiled twin of a ``.py``: blocks of pcapng, new files."""
