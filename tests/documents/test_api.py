"""The reference is whole: every public name, the fields of events, every reason."""

import re
from collections.abc import Sequence
from types import ModuleType

import pytest

import unpacket
from tests.documents.running import ROOT
from unpacket import errors, sources
from unpacket._core.decode.reasons import GAP_REASONS, REJECTED_REASONS

PAGE = ROOT / "docs" / "api.md"
# Whole modules, with all that they have.
WHOLE = re.compile(r"automodule:: ([a-z._]+)\n +:members:$", re.MULTILINE)
SHOWN = re.compile(
    r"(?:auto(?:class|function|exception)|py:data):: ([A-Za-z._]+)(\(.*\))?$", re.M
)

pytestmark = pytest.mark.skipif(
    not PAGE.exists(), reason="the documents are not part of this copy"
)


def shown() -> dict[str, str]:
    """Return the signature of each name that the page shows, as far as it says one."""
    found = SHOWN.findall(PAGE.read_text("utf-8")) if PAGE.exists() else []
    return {name.rpartition(".")[2]: signature for name, signature in found}


@pytest.mark.parametrize("module", [unpacket, sources])
def test_every_public_name_is_shown(module: ModuleType) -> None:
    raised = set(errors.__all__)
    missing = set(module.__all__) - set(shown()) - raised - {"__version__"}
    assert not missing
    assert "unpacket.errors" in WHOLE.findall(PAGE.read_text("utf-8"))


@pytest.mark.parametrize("name", list(unpacket.__all__))
def test_every_public_name_says_what_it_is(name: str) -> None:
    item = getattr(unpacket, name)
    assert isinstance(item, str) or item.__doc__


@pytest.mark.parametrize(
    "name",
    ["Opened", "Data", "Gap", "Conflict", "Rejected", "Note", "Finished", "Closed"],
)
def test_events_are_shown_with_what_match_takes(name: str) -> None:
    fields = ", ".join(getattr(unpacket, name).__match_args__)
    assert shown()[name] == f"({fields})"


@pytest.mark.parametrize(
    ("page", "heading", "reasons"),
    [
        ("policies.md", "Why bytes are missing", GAP_REASONS),
        ("guide.md", "What conflicts and rejections mean", REJECTED_REASONS),
        (
            "guide.md",
            "How streams end",
            re.findall("``([a-z0-9_]+)``", unpacket.Closed.__doc__ or ""),
        ),
    ],
)
def test_every_reason_is_told(page: str, heading: str, reasons: Sequence[str]) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    section = re.split("^##+ ", text.partition(f"# {heading}\n")[2], flags=re.M)[0]
    found = re.findall("^(?:- `([a-z0-9_]+)`:|\\| `([a-z0-9_]+)` \\|)", section, re.M)
    assert [one or other for one, other in found] == list(reasons)
