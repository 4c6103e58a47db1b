"""The signature of a compiled class: Cython keeps none of its ``__init__``."""

from collections.abc import Callable
from typing import Any


class SignatureOf:
    """What ``inspect.signature`` and ``help`` show of a class, as of a function."""

    __slots__ = ("_like",)

    def __init__(self, like: Callable[..., object]) -> None:
        self._like = like

    def __get__(self, _instance: object, _owner: type) -> Any:
        # As much to import as the rest of the core, and seldom needed.
        from inspect import signature

        return signature(self._like)
