"""Where a ``.pxd`` is the compiled twin of a ``.py``: filtered and copied frames."""
