"""The few places where a ``.pxd`` is the compiled twin of a ``.py``.

What C inlines, or runs without the interpreter's lock, cannot be said in Python. Each
``.py`` here does the same in plain Python.
"""
