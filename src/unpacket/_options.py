"""The errors of calls with a wrong option, or a value of a wrong type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def names_options(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Let a function name the nearest option where it is called with a wrong one."""
    code = function.__code__
    count = code.co_argcount + code.co_kwonlyargcount
    known = code.co_varnames[:count]

    @wraps(function)
    def call(*args: Arguments.args, **options: Arguments.kwargs) -> Result:
        for name in options:
            if name not in known:
                raise TypeError(no_such_option(function.__qualname__, name, known))
        return function(*args, **options)

    return call


def no_such_option(function: str, name: str, known: Sequence[str]) -> str:
    """Return what to answer where an option has a name that is not known."""
    # As much to import as half of the faces, and needed for a mistake alone.
    from difflib import get_close_matches

    function = function.removesuffix(".__init__")
    known = [option for option in known if option != "self"]
    near = get_close_matches(name, known, 1)
    if near:
        return f"{function}() has no option {name!r}; did you mean {near[0]!r}?"
    return f"{function}() has no option {name!r}; it takes {', '.join(known)}"


def wrong(name: str, value: Any, wanted: str) -> TypeError:
    """Return the error for an argument of a type that does not fit."""
    kind = type(value).__name__
    article = "an" if kind[0] in "aeiouAEIOU" else "a"
    return TypeError(f"{name} must be {wanted}, not {article} {kind}: {value!r:.60}")
