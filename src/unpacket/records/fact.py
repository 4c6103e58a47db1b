"""What a fact about a stream is: its name, its kind, and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from unpacket.records.times import rfc3339

if TYPE_CHECKING:
    from unpacket.records.summary import Summary

Read: TypeAlias = "Callable[[Summary], Any]"

Value: TypeAlias = int | str | bool | float

SIDES = ("client", "server")


class Kind(Enum):
    """What the value of a fact is; its value is the word of the documents."""

    ID = "id"
    COUNT = "number"
    PORT = "port"
    BYTES = "bytes"
    TIME = "time"
    DURATION = "duration"
    ADDRESS = "address"
    WORD = "word"
    WORDS = "words"
    TEXT = "text"
    FLAG = "true or false"
    LIST = "list"
    SHARE = "share"


class Fact(NamedTuple):
    """Something that is known of a stream.

    Attributes:
        read: Returns the value, or of a fact that ``each_side`` has, those of client
            and server.
        unit: What a number counts, in the plural.
        words: All that a word can be.
        summed: Whether that of both sides together is the sum; else it is either.
        early: Whether it is known, for good, when the stream opens.
        optional: Whether it is known only if it was asked for; it is None else.
        asked: Whether ``--where`` and ``--sort`` know it.
        of_trouble: Whether it is read of gaps, conflicts, rejected segments and
            payload in no stream alone, and so the same of all streams without them.
        live: Whether only a live source knows it.
        analysed: Whether only an analysis knows it, and only of some streams.
    """

    name: str
    kind: Kind
    help: str
    read: Read
    unit: str = ""
    words: tuple[str, ...] = ()
    each_side: bool = False
    summed: bool = False
    early: bool = False
    optional: bool = False
    asked: bool = True
    of_trouble: bool = False
    live: bool = False
    analysed: bool = False


class Form(NamedTuple):
    """How a value is written: under which name, and as what.

    Attributes:
        suffix: Behind the name of the fact.
        type: ``int``, ``str``, ``bool`` or ``float``.
    """

    suffix: str
    type: type
    of: Callable[[Any], Value]


class Column(NamedTuple):
    """A number, a text or a flag that JSON and CSV have of a fact.

    Attributes:
        path: Where it stands in JSON, such as ``("client", "bytes")``.
        type: ``int``, ``str``, ``bool`` or ``float``.
    """

    path: tuple[str, ...]
    fact: Fact
    type: type

    @property
    def name(self) -> str:
        """The path in one word, as CSV has it."""
        return "_".join(self.path)


def joined(items: Iterable[Any]) -> str:
    """Return a list as text: none is empty in a way that hides what it would have.

    Who reads lines of JSON guesses types of the first hundred. Of an empty list, or
    an empty object, nothing can be guessed: polars refuses what comes later, or drops
    it.
    """
    return " ".join(map(str, items))


FORMS: dict[Kind, tuple[Form, ...]] = {
    Kind.ID: (Form("", int, int),),
    Kind.COUNT: (Form("", int, int),),
    Kind.PORT: (Form("", int, int),),
    Kind.BYTES: (Form("", int, int),),
    Kind.TIME: (Form("", str, rfc3339), Form("_ns", int, int)),
    Kind.DURATION: (Form("_ns", int, int),),
    Kind.ADDRESS: (Form("", str, attrgetter("address")),),
    Kind.WORD: (Form("", str, str),),
    Kind.WORDS: (Form("", str, lambda words: joined(sorted(words))),),
    Kind.TEXT: (Form("", str, str),),
    Kind.FLAG: (Form("", bool, bool),),
    Kind.LIST: (Form("", str, joined),),
    Kind.SHARE: (Form("", float, lambda millionths: millionths / 1_000_000),),
}
