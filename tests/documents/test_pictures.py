"""docs/pictures: what they show is what the library does, on both cores."""

import re
from xml.etree import ElementTree

import pytest

from docs.draw import FOLDER, fragments_kept, pictures, segments_kept
from tests.documents.running import ROOT

PAGE = ROOT / "docs" / "policies.md"
DRAWN = dict(pictures())


@pytest.mark.parametrize("name", list(DRAWN))
def test_the_picture_is_what_the_script_draws(name: str) -> None:
    file = FOLDER / f"{name}.svg"
    assert file.read_text("utf-8") == DRAWN[name], "run `python -m docs.draw`"


@pytest.mark.parametrize("name", list(DRAWN))
def test_the_picture_is_well_formed(name: str) -> None:
    picture = ElementTree.fromstring(DRAWN[name])
    width, height = (float(picture.attrib[side]) for side in ("width", "height"))
    for item in picture.iter("{http://www.w3.org/2000/svg}text"):
        letters = len(item.text or "")
        if item.attrib["class"] != "letter":
            # 7.23 is the width of a letter of DejaVu Sans Mono at this size.
            assert float(item.attrib["x"]) + 7.23 * letters < width, item.text
        assert float(item.attrib["y"]) < height


def test_every_picture_is_shown_and_said_in_words() -> None:
    shown = re.findall(
        r"^!\[(.{20,})\]\(pictures/([a-z-]+)\.svg\)$", PAGE.read_text(), re.M
    )
    assert sorted(name for _, name in shown) == sorted(DRAWN)
    assert sorted(DRAWN) == sorted(file.stem for file in FOLDER.iterdir())


@pytest.mark.parametrize("keep", [segments_kept, fragments_kept])
def test_equal_spans_tell_first_from_last(keep: object) -> None:
    assert callable(keep)
    assert keep("first", (2, 4), (2, 4)) == "oo"
    assert keep("last", (2, 4), (2, 4)) == "nn"
