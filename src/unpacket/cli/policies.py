"""One option for each field of Policy, made from the field itself."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import click

from unpacket.cli.docstrings import docstring_of
from unpacket.cli.values import (
    NO_BOUND,
    Count,
    DecodeAs,
    Duration,
    ParamType,
    Size,
    written_duration,
    written_size,
)
from unpacket.policy import Policy

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])

PRESET_HELP = (
    "Reassemble as another system does; the options below change what it says."
)


class PolicyOption(click.Option):
    """An option that is listed under Reassembly."""


def policy_options(**changed_defaults: Any) -> Callable[[AnyFunction], AnyFunction]:
    """Give a command --preset and all options of Policy, as its argument ``policy``.

    Args:
        changed_defaults: What the command changes in ``Policy()``, unless a preset or
            an option says otherwise.
    """

    def decorate(function: AnyFunction) -> AnyFunction:
        @functools.wraps(function)
        def command(**parameters: Any) -> Any:
            policy = policy_of(parameters, changed_defaults)
            return function(policy=policy, **parameters)

        decorated: Any = command
        usual = Policy(**changed_defaults)
        hints = get_type_hints(Policy)
        for field in reversed(dataclasses.fields(Policy)):
            add = option_of(field.name, hints[field.name], getattr(usual, field.name))
            decorated = add(decorated)
        preset = click.option(
            "--preset",
            cls=PolicyOption,
            type=click.Choice(Policy.presets()),
            help=PRESET_HELP,
        )
        result: AnyFunction = preset(decorated)
        return result

    return decorate


def policy_of(parameters: dict[str, Any], usual: Mapping[str, Any]) -> Policy:
    """Take the options of Policy out of ``parameters``, and return what they say."""
    preset = parameters.pop("preset")
    changes = dict(usual) if preset is None else {}
    for field in dataclasses.fields(Policy):
        value = parameters.pop(field.name)
        if value is not None and value != ():
            changes[field.name] = None if value is NO_BOUND else value
    try:
        return Policy.preset(preset or "default").replace(**changes)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def option_of(name: str, hint: Any, default: Any) -> Callable[[Any], Any]:
    """Return a decorator that adds the option for a field of Policy."""
    option = option_name(name)
    keywords: dict[str, Any] = {}
    if hint == tuple[str, ...]:
        keywords = {"type": DecodeAs(), "multiple": True}
        shown = "none"
    elif hint is bool:
        option = f"{option}/--no-{option[2:]}"
        shown = "yes" if default else "no"
    else:
        keywords["type"], shown = type_of(name, hint, default)
    return click.option(
        option,
        name,
        cls=PolicyOption,
        default=None,
        help=f"{field_help()[name]}  [default: {shown}]",
        **keywords,
    )


def option_name(field: str) -> str:
    """Return ``--memory-limit`` for ``memory_limit_bytes``: units go with the value."""
    name = field.removesuffix("_s")
    if not name.startswith("max_"):
        name = name.removesuffix("_bytes")
    return "--" + name.replace("_", "-")


def type_of(
    name: str,
    hint: Any,
    default: Any,
) -> tuple[ParamType, str]:
    """Return how a field is given on the command line, and how its default is shown."""
    if get_origin(hint) is Literal:
        return click.Choice(get_args(hint)), default
    optional = get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint)
    if name.endswith("_s"):
        written: Callable[[Any], str] = written_duration
        kind: Any = Duration(optional=optional)
    elif name.endswith("_bytes"):
        written, kind = written_size, Size(optional=optional)
    else:
        written, kind = str, Count(optional=optional)
    return kind, "none" if default is None else written(default)


@functools.cache
def field_help() -> dict[str, str]:
    """Return what Policy's docstring says of each field, in one line each."""
    documentation = docstring_of(Policy)
    attributes = documentation.partition("Attributes:\n")[2].partition("\n\n")[0]
    entries = re.findall(
        r"^    (\w+): (.+(?:\n {8}.+)*)", attributes, flags=re.MULTILINE
    )
    return {name: as_help(text) for name, text in entries}


def as_help(text: str) -> str:
    """Return what a docstring says in the words of the command line."""
    text = " ".join(text.split()).replace("``None``", "none").replace("``", "")
    return re.sub(r" \(see [^)]*\)", "", text).replace("None:", "none:")
