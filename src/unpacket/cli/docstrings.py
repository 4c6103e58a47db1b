"""Docstrings that are there under ``python -OO`` too, which strips them.

Help is made of docstrings, so the source is asked for those that Python left out.
"""

from __future__ import annotations

import ast
import inspect
import sys
from typing import Any


def docstring_of(thing: Any) -> str:
    """Return the docstring of a class or a function of a module, without indentation.

    Returns:
        "" where there is neither one nor a source.
    """
    if sys.flags.optimize < 2:
        return inspect.cleandoc(thing.__doc__ or "")
    try:
        source = inspect.getsource(sys.modules[thing.__module__])
    except (OSError, TypeError):
        return ""
    for node in ast.parse(source).body:
        if (
            isinstance(node, ast.ClassDef | ast.FunctionDef)
            and node.name == thing.__name__
        ):
            return ast.get_docstring(node) or ""
    return ""
