"""Where a ``.pxd`` is the compiled twin of a ``.py``: text written into a buffer."""
